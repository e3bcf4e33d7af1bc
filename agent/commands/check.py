"""`pump-agent check`: every mistake in a configuration, or what it amounts to; with --live also in the plant."""

import json
import sys
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import asdict
from itertools import chain
from typing import Any

from agent.cli import MENDABLE
from agent.commands import check_live
from agent.commissioning.counting import counted
from agent.configuration.config_file import located
from agent.configuration.hints import hints
from agent.configuration.mistakes import Mistake, SettingsError
from agent.settings import AgentSettings
from drivers.registers import plan
from drivers.settings import AnyDeviceSettings, UnitSettings


def run(args: Namespace) -> int:
    """Print what is wrong, or a summary; only with --live a device is touched."""
    try:
        if args.live:
            return check_live.run(args)
        config = located(args.config)
    except SettingsError as error:
        return _tell_mistakes(error.mistakes, as_json=args.json)
    summary, doubts = _summary(config.settings), list(hints(config.settings))
    if args.json:
        print(json.dumps({"ok": True, "mistakes": [], "hints": doubts, "notes": config.notes, **summary}))
    else:
        print("\n".join(_lines(str(args.config), summary)))
        print("".join(f"  {note}\n" for note in config.notes), end="")
        print("\n".join(f"  hint: {doubt}" for doubt in doubts), end="\n" if doubts else "")
    return 0


def _tell_mistakes(mistakes: tuple[Mistake, ...], *, as_json: bool) -> int:
    if as_json:
        told = [asdict(mistake.place) | {"sentence": mistake.sentence, "text": str(mistake)} for mistake in mistakes]
        print(json.dumps({"ok": False, "mistakes": told}))
        return MENDABLE
    print(*mistakes, sep="\n", file=sys.stderr)
    print(_counted(len(mistakes), "mistake"), file=sys.stderr)
    return MENDABLE


def _summary(settings: AgentSettings) -> dict[str, Any]:
    return {
        "station": settings.station.name,
        "devices": [_device(device) for device in settings.devices],
        "tags": sum(len(device.tags) for device in settings.devices),
        "headers": len(settings.headers),
        "pumps": len(settings.pumps),
        "limits": len(settings.limits),
    }


def _device(device: AnyDeviceSettings) -> dict[str, Any]:
    summary = {"name": device.name, "protocol": device.protocol, "tags": len(device.tags), "period": device.period}
    if isinstance(device, UnitSettings):
        blocks = plan(device.tags, base=device.base, limit=device.block_limit, max_hole=device.max_hole)
        return summary | {"requests": len(blocks), "addresses": counted(device)}
    return summary | {"mode": device.mode, "security": device.security}


def _lines(file: str, summary: dict[str, Any]) -> list[str]:
    counts = {"device": len(summary["devices"])} | {
        kind: summary[f"{kind}s"] for kind in ("tag", "pump", "header", "limit")
    }
    told = ", ".join(_counted(count, kind) for kind, count in counts.items())
    return [f"{file} is in order: {told}", *chain.from_iterable(map(_device_lines, summary["devices"]))]


def _device_lines(device: dict[str, Any]) -> Iterator[str]:
    if "requests" in device:
        how = f"{_counted(device['requests'], 'request')} a scan"
    else:
        how = f"{'by subscription' if device['mode'] == 'subscribe' else 'polled'}, security {device['security']}"
    yield f"  {device['name']}: {_counted(device['tags'], 'tag')}, {how}, every {device['period']:g} s"
    if device.get("addresses"):
        yield f"    {device['addresses']}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
