"""`pump-agent analyse`: the analyses over stored history, as they would have been live."""

import asyncio
import json
import sys
from argparse import Namespace

from agent.analyse import analyse
from agent.cli import MENDABLE
from agent.configuration.config_file import load
from agent.health import Part
from agent.progress_bar import progress_bar
from agent.store.errors import StorageError


def run(args: Namespace) -> int:
    """Run the jobs over all history they have not seen; print what each found."""
    settings = load(args.config)
    until_ms = None if args.until is None else round(args.until.timestamp() * 1000)
    try:
        with progress_bar("history") as show:
            parts = asyncio.run(analyse(settings, until_ms, show))
    except StorageError as error:
        print(error, file=sys.stderr)
        return MENDABLE
    print(json.dumps({name: _summary(part) for name, part in parts.items()}) if args.json else _table(parts))
    return 1 if any(part.state != "ok" for part in parts.values()) else 0


def _summary(part: Part) -> dict[str, object]:
    return {"state": part.state, "error": part.error, **part.counts}


def _table(parts: dict[str, Part]) -> str:
    if not parts:
        return "there is no history the analyses have not seen; take some in with pump-agent import"
    lines = []
    for name, part in parts.items():
        counts = ", ".join(f"{what} {number}" for what, number in part.counts.items())
        lines.append(f"{name:10} {part.state:8} {part.error or counts}")
    return "\n".join(lines)
