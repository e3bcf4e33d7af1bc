"""`pump-agent run`: the agent itself."""

import logging
import sys
from argparse import Namespace
from collections.abc import Callable
from importlib.util import find_spec

from agent.cli import MENDABLE
from agent.configuration.config_file import load
from agent.main import main
from agent.settings import AgentSettings
from agent.store.errors import StorageError
from drivers.settings import OpcuaSettings


def run(args: Namespace) -> int:
    """Run the agent until a signal stops it."""
    settings = load(args.config)
    if sentence := absent(settings):
        print(sentence, file=sys.stderr)
        return MENDABLE
    _log(is_verbose=args.verbose)
    try:
        main(args.config, settings)
    except StorageError as error:
        print(error, file=sys.stderr)
        return 1  # not 2, after which systemd would not start it again: an import ends, a disk is mended
    return 0


def absent(settings: AgentSettings, find: Callable[[str], object] = find_spec) -> str | None:
    """What the configuration needs and this installation leaves out, as a sentence; None where all is there."""
    devices = [device.name for device in settings.devices if isinstance(device, OpcuaSettings)]
    if not devices or find("asyncua") is not None:
        return None
    return (
        f"{', '.join(devices)}: OPC UA is not part of this installation; install it with"
        " .venv/bin/pip install --require-hashes -r requirements/opcua.lock"
    )


def _log(*, is_verbose: bool) -> None:
    """Say on stderr what the agent does; of libraries, only what the agent would not say itself."""
    stamp = "%(asctime)s " if sys.stderr.isatty() else ""  # the journal has its own
    logging.basicConfig(
        level=logging.INFO if is_verbose else logging.WARNING, format=f"{stamp}%(levelname)s %(message)s"
    )
    for ours in ("agent", "drivers"):
        logging.getLogger(ours).setLevel(logging.DEBUG if is_verbose else logging.INFO)
    if not is_verbose:
        for library in ("asyncua", "pymodbus"):  # a lost connection is told once, by the supervisor
            logging.getLogger(library).setLevel(logging.CRITICAL)
