"""`pump-agent backup`: a verified copy of the store, also while the agent runs."""

import json
import sys
from argparse import Namespace

from agent.cli import MENDABLE
from agent.configuration.config_file import load
from agent.mqtt.instant import rfc3339
from agent.progress_bar import progress_bar
from agent.store.backup import back_up
from agent.store.errors import StorageError


def run(args: Namespace) -> int:
    """Copy, verify, and say what the copy has."""
    settings = load(args.config)
    try:
        with progress_bar(args.file.name) as show:
            made = back_up(settings.storage.path, args.file, show)
    except StorageError as error:
        print(error, file=sys.stderr)
        return MENDABLE
    if args.json:
        print(json.dumps(made._asdict()))
        return 0
    newest = f", the newest reading of {rfc3339(made.newest_ms)}" if made.newest_ms else ""
    print(f"{args.file}: {made.size / 1e6:.1f} MB, {sum(made.rows.values())} rows, verified{newest}")
    return 0
