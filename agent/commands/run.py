"""`pump-agent run`: the agent itself."""

import logging
import sys
from argparse import Namespace

from agent.config_file import load
from agent.main import main
from agent.store.errors import StorageError


def run(args: Namespace) -> int:
    """Run the agent until a signal stops it."""
    settings = load(args.config)
    _log(is_verbose=args.verbose)
    try:
        main(args.config, settings)
    except StorageError as error:
        print(error, file=sys.stderr)
        return 1  # not 2, after which systemd would not start it again: an import ends, a disk is mended
    return 0


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
