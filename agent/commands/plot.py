"""`pump-agent plot`: a pump's curves with what they rest on, into a picture or onto the terminal."""

import shutil
import sys
from argparse import Namespace
from pathlib import Path

from agent.cli import MENDABLE
from agent.configuration.config_file import load
from agent.plots.gathering import PlotError, picture
from agent.plots.picture import Picture
from agent.plots.terminal import text
from agent.store.errors import StorageError
from agent.store.reader import Reader


def run(args: Namespace) -> int:
    """Draw one pump, from the store, whether the agent runs or not."""
    settings = load(args.config)
    try:
        with Reader(settings.storage.path) as reader:
            found = picture(settings, reader, args.pump)
        if args.output is None:
            print("\n".join(text(found, *shutil.get_terminal_size())))
        else:
            _write(found, args.output)
    except (StorageError, PlotError) as error:
        print(error, file=sys.stderr)
        return MENDABLE
    return 0


def _write(found: Picture, path: Path) -> None:
    """Draw into *path*.

    Raises:
        PlotError: matplotlib is not installed, or the file cannot be written.
    """
    try:
        from agent.plots.image import draw  # noqa: PLC0415 - for those who have installed it
    except ModuleNotFoundError as error:
        remedy = 'install it with pip install "pump-agent[plot]", or leave --output out to draw in the terminal'
        raise PlotError(f"{path} needs matplotlib; {remedy}") from error
    try:
        draw(found, path)
    except (OSError, ValueError) as error:  # the latter: an ending that no format has
        raise PlotError(f"{path} cannot be written: {error}; name a file that ends in .png, .svg or .pdf") from error
    print(path)
