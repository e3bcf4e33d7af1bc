"""Alarms that stand against advice: what they say of each pump, or of the header as a whole."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from pydantic import ValidationError

from agent.alarms.claims import Beyond, Deviation, InState, Rate, Together
from agent.alarms.conditions import Logic
from agent.alarms.conditions_of_pumps import HEADERS
from agent.alarms.rulebook import rulebook
from agent.alarms.rules import Rule
from agent.jobs.evidence import pump_tags
from agent.jobs.job import JobContext
from agent.mqtt.payloads import Alarm
from agent.plant import HeaderSettings, PumpSettings
from agent.settings import AgentSettings

# What advice needs of the readings is looked at itself, and what it is there to mend does not stand in its way.
HARMLESS = frozenset(
    {"bad_quality", "stale", "device_silent", "outside_por", "efficiency_low", "wear", "too_many_starts"}
)


@dataclass(frozen=True, slots=True)
class StandingAlarms:
    """The message of one alarm each."""

    header: str | None = None
    pumps: dict[str, str] = field(default_factory=dict)
    inlets: dict[str, str] = field(default_factory=dict)  # by pump: that it may cavitate


def standing_alarms(
    context: JobContext, header: HeaderSettings, pumps: Collection[PumpSettings], running: Collection[str]
) -> StandingAlarms:
    """Those that stand and that nobody has shelved or suppressed, most severe first.

    Of a pump that stands, one that its standing alone raises says nothing: it would stand for ever.
    """
    settings = context.settings
    standing = [one for record in context.reader.newest("alarm") if (one := _alarm(record.body)) and _stands(one)]
    found = StandingAlarms(next((one.message for one in _ordered(standing) if _is_of(one, header)), None))
    rules = {rule.rationale.id: rule for rule in rulebook(settings)} if standing else {}
    for alarm in _ordered(standing):
        rule = rules.get(alarm.id)
        tags = {alarm.tag, *(rule.tags if rule is not None else ())}
        named = alarm.pump if rule is None else rule.rationale.pump
        for pump in pumps:
            sees_it = not tags.isdisjoint(pump_tags(pump))  # what other tags do while it stands, nobody knows
            if not (sees_it if named is None else named == pump.id):
                continue
            if pump.id not in running and sees_it and rule is not None and _says_it_stands(rule, pump, settings):
                continue
            kept = found.inlets if alarm.type == "cavitation" else found.pumps
            kept.setdefault(pump.id, alarm.message)
    return found


def _ordered(alarms: Iterable[Alarm]) -> list[Alarm]:
    return sorted(alarms, key=lambda one: -one.severity)


def _is_of(alarm: Alarm, header: HeaderSettings) -> bool:
    return alarm.type in HEADERS and alarm.id == f"condition.{alarm.type}.{header.id}"


def _says_it_stands(rule: Rule, pump: PumpSettings, settings: AgentSettings) -> bool:
    """Whether a pump's own tags at 0 raise it, whatever the other pumps and the header do."""
    still = dict.fromkeys(pump_tags(pump), 0.0)
    others = {tag for other in settings.pumps for tag in pump_tags(other)}
    headers = {tag for header in settings.headers for tag in (*header.pressure, *header.flow)}
    free = (others | headers) - still.keys()
    match rule.claim:
        case Beyond() as limit:
            return limit.holds(0.0, is_claimed=False)
        case Rate(sign=sign):
            return sign < 0  # it fell to 0
        case Deviation():
            return {*rule.tags} <= {*still, *free}
        case InState(states=states):
            return 0.0 in states
        case Together(logic=logic):
            return _is_logical(logic, still, free)
        case _:
            return False


def _is_logical(logic: Logic, still: Mapping[str, float], free: Collection[str]) -> bool:
    """Tags that are *free* have any value; any other, as of a fault or a command, is more than that the pump stands."""
    truths = [
        one.holds(still) if still.keys() >= {*one.tags} else {*one.tags} <= {*still, *free} for one in logic.conditions
    ]
    return sum(truth is True for truth in truths) >= (len(truths) if logic.need is None else logic.need)


def _alarm(body: bytes) -> Alarm | None:
    try:
        return Alarm.kept(body) if body else None
    except ValidationError:
        return None  # of another version


def _stands(alarm: Alarm) -> bool:
    return alarm.state in {"UNACK", "ACKED"} and alarm.active and alarm.type not in HARMLESS
