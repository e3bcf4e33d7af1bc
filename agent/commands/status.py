"""`pump-agent status`: what the agent last knew, read from its store whether it runs or not."""

import json
import sys
import time
from argparse import Namespace
from collections import Counter
from collections.abc import Iterator
from typing import Any

from agent.cli import MENDABLE
from agent.commands.status_store import backlog_line, disk_lines, known_of_store, loss_lines
from agent.configuration.config_file import load
from agent.mqtt.instant import instant_ms, rfc3339
from agent.store.errors import StorageError
from agent.store.reader import JobRun, Reader
from agent.store.records import Kind
from drivers.reading import Quality, is_good

SILENT = 30.0  # s; an agent that has said nothing for so long is not running, or stuck

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def run(args: Namespace) -> int:
    """Print devices, jobs, advice and alarms."""
    settings = load(args.config)
    now_ms = time.time_ns() // 1_000_000
    if not settings.storage.path.exists():
        remedy = f"start the agent with pump-agent run {args.config}"
        print(f"there is no store at {settings.storage.path} yet; {remedy}", file=sys.stderr)
        return MENDABLE
    try:
        with Reader(settings.storage.path) as reader:
            known = _known(reader, settings.station.name, now_ms) | known_of_store(reader, settings, now_ms)
    except StorageError as error:
        print(error, file=sys.stderr)
        return MENDABLE
    print(json.dumps(known) if args.json else "\n".join(_lines(known, now_ms)))
    return 0


def _known(reader: Reader, station: str, now_ms: int) -> dict[str, Any]:
    health = next(iter(_bodies(reader, "health")), None)
    age = None if health is None else max(0, now_ms - instant_ms(health["ts"])) / 1000
    latest = reader.latest()
    return {
        "station": station,
        "running": age is not None and age < SILENT,
        "age_s": age,
        "health": health,
        "tags": dict(Counter(_word(row.quality) for row in latest.values())),
        "newest": rfc3339(max(row.ts_ms for row in latest.values())) if latest else None,
        "jobs": [run._asdict() for run in reader.job_runs()],
        "recommendations": _bodies(reader, "recommendation"),
        "alarms": [alarm for alarm in _bodies(reader, "alarm") if alarm.get("active") or not alarm.get("acked")],
    }


def _bodies(reader: Reader, kind: Kind) -> list[dict[str, Any]]:
    """The newest record of each key, without those that were withdrawn."""
    return [json.loads(record.body) for record in reader.newest(kind) if record.body]


def _word(quality: int) -> str:
    return "good" if is_good(quality) else "uncertain" if quality >= Quality.UNCERTAIN else "bad"


def _lines(known: dict[str, Any], now_ms: int) -> Iterator[str]:
    yield _first_line(known)
    tags = ", ".join(f"{count} {word}" for word, count in known["tags"].items()) or "none yet"
    yield f"tags: {tags}" + (f"; newest reading {_ago(known['newest'], now_ms)}" if known["newest"] else "")
    yield backlog_line(known, now_ms)
    yield from _table("lost", list(loss_lines(known)))
    yield from _table("disk", list(disk_lines(known["disk"])))
    health = known["health"] or {}
    yield from _table("devices", [_part(part, now_ms) for part in health.get("devices", [])])
    parts = [health[name] for name in ("broker", "sparkplug", "store", "clock") if name in health]
    yield from _table("connections", [_part(part, now_ms) for part in parts])
    yield from _table("jobs", [_job(JobRun(**job), now_ms) for job in known["jobs"]])
    yield from _table("advice", [line for advice in known["recommendations"] for line in _advice(advice, now_ms)])
    yield from _table("alarms", [_alarm(alarm, now_ms) for alarm in known["alarms"]])


def _first_line(known: dict[str, Any]) -> str:
    if known["health"] is None:
        return f"{known['station']}: the agent has not run on this store yet"
    said = f"{_duration(known['age_s'])} ago"
    if not known["running"]:
        return f"{known['station']}: the agent does not run, or is stuck; its last word came {said}"
    health = known["health"]
    how = f"{health['state']}, up {_duration(health['uptime_s'])}, version {health['version']}"
    return f"{known['station']}: running, {how}; said {said}"


def _table(title: str, lines: list[str]) -> Iterator[str]:
    yield f"{title}:" if lines else f"{title}: none"
    yield from (f"  {line}" for line in lines)


def _part(part: dict[str, Any], now_ms: int) -> str:
    line = f"{part['name']:16} {part['state']:9} since {_ago(part['since'], now_ms, '')}"
    if "lag_ms" in part:
        line += f", last success {_duration(part['lag_ms'] / 1000)} before the report"
    if part["state"] != "ok" and "error" in part:
        line += f": {part['error']}"
    return line


def _job(job: JobRun, now_ms: int) -> str:
    when = _ago(rfc3339(job.ran_ms), now_ms) if job.ran_ms else "never"
    counts = ", ".join(f"{what} {number}" for what, number in job.counts.items())
    trouble = f"; failed {job.failures} times since: {job.error}" if job.error else ""
    return f"{job.job:16} {when}, took {job.took_ms} ms" + (f" ({counts})" if counts else "") + trouble


def _advice(advice: dict[str, Any], now_ms: int) -> Iterator[str]:
    header = f"{advice['header']}: " if "header" in advice else ""
    yield f"{header}{advice['action']}{_saving(advice)}, {_ago(advice['ts'], now_ms)}" + (
        " (expired)" if instant_ms(advice["expires"]) < now_ms else ""
    )
    if "why" in advice:
        yield f"  {advice['why']}"
    for pump in advice.get("pumps", []):
        speed = f" at {pump['speed']:.0%} speed" if "speed" in pump else ""
        yield f"  {pump['id']}: {'run' + speed if pump['run'] else 'off'}"


def _saving(advice: dict[str, Any]) -> str:
    if "saving_kw" not in advice:
        return ""
    spread = f" ± {advice['saving_uncertainty_kw']:.1f}" if "saving_uncertainty_kw" in advice else ""
    return f", saving {advice['saving_kw']:.1f}{spread} kW"


def _alarm(alarm: dict[str, Any], now_ms: int) -> str:
    since = f", raised {_ago(alarm['raised_at'], now_ms)}" if "raised_at" in alarm else ""
    return f"{alarm['priority']:7} {alarm['id']}: {alarm['message']} ({alarm['state']}{since})"


def _ago(instant: str, now_ms: int, suffix: str = " ago") -> str:
    return _duration(max(0, now_ms - instant_ms(instant)) / 1000) + suffix


def _duration(seconds: float) -> str:
    for size, unit in _UNITS:
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"  # noqa: PLR2004 - a digit where it says something
