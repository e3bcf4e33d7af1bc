"""`pump-agent browse`: what an OPC UA server has, as a table and as a tag file."""

import asyncio
import csv
import io
import json
import re
import sys
from argparse import Namespace
from collections.abc import Iterable, Sequence
from itertools import takewhile
from pathlib import Path

from agent.configuration.config_file import load
from agent.configuration.mistakes import Mistake, Place, SettingsError
from drivers.opcua.browse import Survey, Variable, Walk
from drivers.opcua.session import Session
from drivers.opcua.settings import OpcuaSettings
from drivers.reading import DriverError

_LONGEST = 120  # characters of a tag's name
_SHOWN = 40  # characters of a value
_TITLES = ("name", "node", "unit")


def run(args: Namespace) -> int:
    """Walk the server's address space, print what is there, and write the tag file if one is wanted."""
    settings = _settings(args.target, args.device)
    try:
        survey = asyncio.run(_survey(settings, args))
    except DriverError as error:
        raise SettingsError([Mistake(Place(args.target), str(error))]) from error
    named = list(zip(_names(survey.variables), survey.variables, strict=True))
    if args.json:
        print(json.dumps({"whole": survey.is_whole, "variables": [_as_json(name, one) for name, one in named]}))
    else:
        print("\n".join(_table(named)))
    tags = [(name, one) for name, one in named if one.is_single]
    if args.output is not None:
        _write(args.output, _as_csv(tags))
    _tell(args, survey, len(tags))
    return 0


def _settings(target: str, device: str | None) -> OpcuaSettings:
    """How to reach the server: by its address alone, or as a configuration says."""
    if target.startswith("opc.tcp://"):
        return OpcuaSettings.model_validate({"name": "server", "protocol": "opcua", "url": target})
    servers = {one.name: one for one in load(Path(target)).devices if isinstance(one, OpcuaSettings)}
    if device is None and len(servers) == 1:
        return next(iter(servers.values()))
    if device not in servers:
        known = ", ".join(servers) or "none"
        raise SettingsError([Mistake(Place(target), f"name one of its OPC UA devices behind it: {known}")])
    return servers[device]


async def _survey(settings: OpcuaSettings, args: Namespace) -> Survey:
    async with Session(settings) as session:
        with session.translated():
            return await Walk(session, depth=args.depth, limit=args.limit).below(args.under)


def _names(variables: Sequence[Variable]) -> list[str]:
    """A name for each: its path without what all have in common, made fit for a topic, and never twice."""
    folders = zip(*(one.path[:-1] for one in variables), strict=False)
    shared = sum(1 for _ in takewhile(lambda steps: len(set(steps)) == 1, folders)) if len(variables) > 1 else 0
    used: set[str] = set()
    names = []
    for number, one in enumerate(variables, 1):
        steps = [_fit(step) for step in one.path[shared:]]
        wanted = ".".join(step for step in steps if step) or f"node-{number}"
        wanted = wanted[-_LONGEST:].lstrip(".-")
        name, again = wanted, 1
        while name.casefold() in used:
            again += 1
            name = f"{wanted[: _LONGEST - 6]}-{again}"
        used.add(name.casefold())
        names.append(name)
    return names


def _fit(step: str) -> str:
    """A browse name with only what a name may hold."""
    return re.sub(r"[^A-Za-z0-9_.\-]+", "_", step).strip("_.-")


def _as_json(name: str, one: Variable) -> dict[str, object]:
    value = one.value if one.is_single else str(one.value)
    value = str(value) if isinstance(value, float) and value - value else value  # JSON has no infinity
    return {"name": name, "node": one.node, "path": one.path, "type": one.type, "unit": one.unit, "value": value}


def _table(named: Iterable[tuple[str, Variable]]) -> Iterable[str]:
    rows = [("name", "node", "type", "unit", "value")]
    rows += [(name, one.node, one.type or "-", one.unit or "-", _shown(one)) for name, one in named]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        yield "  ".join([*(cell.ljust(width) for cell, width in zip(row[:4], widths, strict=True)), row[4]])


def _shown(one: Variable) -> str:
    if not one.is_single:
        return "(no single value, cannot be a tag)"
    text = "(none now)" if one.value is None else str(one.value)
    return "".join(char if char.isprintable() else "?" for char in text)[:_SHOWN]


def _as_csv(tags: Iterable[tuple[str, Variable]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_TITLES)
    writer.writerows((name, one.node, one.unit) for name, one in tags)
    return text.getvalue()


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SettingsError([Mistake(Place(str(path)), f"cannot be written: {error.strerror}")]) from error


def _tell(args: Namespace, survey: Survey, tags: int) -> None:
    found = len(survey.variables)
    print(f"{args.target}: {found} variables, {tags} of them can be tags", file=sys.stderr)
    if not survey.is_whole:
        more = "there is more: write --under NODE to look at a part, or a larger --limit or --depth"
        print(f"{args.target}: {more}", file=sys.stderr)
    if args.output is not None:
        how = f'write tags_file = "{args.output.name}" in the [[device]] table'
        print(f"{args.output}: {tags} tags; {how}, then ask pump-agent check", file=sys.stderr)
