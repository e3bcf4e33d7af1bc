"""`pump-agent run`: the agent itself."""

import logging
import sys
from argparse import Namespace

from agent.cli import MENDABLE
from agent.config_file import load
from agent.main import main
from agent.store.errors import StorageRefusedError


def run(args: Namespace) -> int:
    """Run the agent until a signal stops it."""
    stamp = "%(asctime)s " if sys.stderr.isatty() else ""  # the journal has its own
    level = logging.DEBUG if args.verbose else logging.INFO
    logging.basicConfig(level=level, format=f"{stamp}%(levelname)s %(message)s")
    settings = load(args.config)
    try:
        main(settings)
    except StorageRefusedError as error:
        print(error, file=sys.stderr)
        return MENDABLE
    return 0
