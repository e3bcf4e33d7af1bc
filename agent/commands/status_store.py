"""What `pump-agent status` says of the store: what is still to be sent, what was lost, and the disk."""

from collections.abc import Iterator
from typing import Any

from agent.loss_report import loss_report
from agent.mqtt.instant import instant_ms
from agent.settings import AgentSettings
from agent.store.disk import disk_forecast, disk_use
from agent.store.reader import Reader

MEGABYTE = 1_000_000
SHOWN = 10  # losses; all of them are on <root>/losses and in --json
YEAR = 365  # days


def known_of_store(reader: Reader, settings: AgentSettings, now_ms: int) -> dict[str, Any]:
    """What there is to say, for programs."""
    use = reader.ask(disk_use)
    report = loss_report(settings.station.name, reader.lost(), now_ms)
    return {
        "held_back": max((reader.behind(receiver) for receiver in settings.mqtt.receivers), default=0),
        "lost": report.readings,
        "losses": report.model_dump(mode="json", exclude_none=True)["losses"],
        "disk": {
            **use._asdict(),
            **disk_forecast(use, settings.storage)._asdict(),
            "max_mb": settings.storage.max_mb,
            "keep_days": settings.storage.keep_days,
        },
    }


def backlog_line(known: dict[str, Any], now_ms: int) -> str:
    """How far the broker is behind, and when it has everything."""
    backlog = (known["health"] or {}).get("backlog", {})
    line = f"not yet with the broker: {known['held_back']} readings"
    if known["running"] and "until" in backlog:
        left = max(0, instant_ms(backlog["until"]) - now_ms) / 60_000
        line += f", {backlog['rate']:.0f} a second less, all of them in about {left:.0f} min"
    return line


def loss_lines(known: dict[str, Any]) -> Iterator[str]:
    """The most recent losses."""
    for loss in known["losses"][:SHOWN]:
        tag, count = loss.get("tag", "any tag"), loss["readings"]
        when = f", from {loss['first']} to {loss['last']}" if "first" in loss else ""
        unsent = f" ({loss['undelivered']} of them never delivered)" if loss["undelivered"] else ""
        yield f"{tag:16} {count} readings {loss['reason']}{when}{unsent}"
    if len(known["losses"]) > SHOWN:
        yield f"and {len(known['losses']) - SHOWN} more; --json lists them"


def disk_lines(disk: dict[str, Any]) -> Iterator[str]:
    """What it takes, and what becomes of it."""
    readings = disk["hot_readings"] + disk["sealed_readings"]
    yield f"{disk['bytes'] / MEGABYTE:.1f} MB of {disk['max_mb']:.0f} for {readings} readings"
    if not disk["readings_a_day"]:
        return
    growth = f"{disk['readings_a_day']:.0f} readings and {disk['growth_mb']:.1f} MB a day"
    if disk["full_days"] is None:
        yield f"{growth}; {disk['settled_mb']:.0f} MB once it holds {disk['keep_days']:g} days"
        return
    when = (
        f"in {disk['full_days']:.0f} days" if disk["full_days"] < YEAR else f"in {disk['full_days'] / YEAR:.1f} years"
    )
    yield f"{growth}; full {when}: from then on the oldest go before their {disk['keep_days']:g} days; raise max_mb"
