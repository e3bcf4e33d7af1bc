"""Alarms that stand against advice: what they say of each pump, or of the header as a whole."""

from collections.abc import Collection
from dataclasses import dataclass, field

from pydantic import ValidationError

from agent.alarms.conditions_of_pumps import HEADERS
from agent.alarms.rulebook import rulebook
from agent.jobs.evidence import pump_tags
from agent.jobs.job import JobContext
from agent.mqtt.payloads import Alarm
from agent.plant import HeaderSettings, PumpSettings

# What advice needs of the readings is looked at itself, and what it is there to mend does not stand in its way.
HARMLESS = frozenset(
    {"bad_quality", "stale", "device_silent", "outside_por", "efficiency_low", "wear", "too_many_starts"}
)


@dataclass(frozen=True, slots=True)
class StandingAlarms:
    """The message of one alarm each."""

    header: str | None = None
    pumps: dict[str, str] = field(default_factory=dict)


def standing_alarms(context: JobContext, header: HeaderSettings, pumps: Collection[PumpSettings]) -> StandingAlarms:
    """Those that stand and that nobody has shelved or suppressed, most severe first."""
    standing = [one for record in context.reader.newest("alarm") if (one := _alarm(record.body)) and _stands(one)]
    whole, by_pump = None, dict[str, str]()
    tags = {rule.rationale.id: rule.tags for rule in rulebook(context.settings)} if standing else {}
    for alarm in sorted(standing, key=lambda one: -one.severity):
        if alarm.type in HEADERS and alarm.id == f"condition.{alarm.type}.{header.id}":
            whole = whole or alarm.message
        for pump in pumps:
            if alarm.pump == pump.id or {*tags.get(alarm.id, ()), alarm.tag} & {*pump_tags(pump)}:
                by_pump.setdefault(pump.id, alarm.message)
    return StandingAlarms(whole, by_pump)


def _alarm(body: bytes) -> Alarm | None:
    try:
        return Alarm.model_validate_json(body) if body else None
    except ValidationError:
        return None  # of another version


def _stands(alarm: Alarm) -> bool:
    return alarm.state in {"UNACK", "ACKED"} and alarm.active and alarm.type not in HARMLESS
