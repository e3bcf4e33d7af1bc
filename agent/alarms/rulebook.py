"""Every alarm that a station has: those its configuration lists, and those that come with its parts. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from agent.alarms.claims import (
    Beyond,
    Claim,
    Deviation,
    InState,
    OfQuality,
    Rate,
    Silence,
    Together,
    Told,
    is_bad_answer,
    is_silence,
)
from agent.alarms.conditions import Logic, condition
from agent.alarms.conditions_of_pumps import HEADERS, PUMPS, Words
from agent.alarms.delay import Delay
from agent.alarms.rationale import Rationale, worded
from agent.alarms.rules import Rule
from agent.alarms.settings import AgentAlarmSettings, LimitSettings, Priority, RuleSettings, Wording
from agent.settings import AgentSettings

EFFICIENCY_DEADBAND = 0.02
_WORDS = {"priority", "message", "cause", "consequence", "action", "group"}
ORDER: Mapping[str, Priority] = {"high_urgent": "urgent", "low_urgent": "urgent"}


def rulebook(settings: AgentSettings) -> list[Rule]:
    """Every rule; for the same settings always the same ones, in the same order."""
    units = {tag.name: tag.unit for device in settings.devices for tag in device.tags}
    return [
        *(rule for limit in settings.limits for rule in limit_rules(limit, units)),
        *(rule for one in settings.rules for rule in configured_rules(one, units)),
        *(_as_the_station_says(rule, settings.agent_alarms) for rule in agent_rules(settings)),
    ]


def agent_rules(settings: AgentSettings) -> list[Rule]:
    """Those that come with the station's parts, in the agent's own words."""
    return [
        *_tag_rules(settings),
        *(
            efficiency_rule(pump.id, pump.efficiency_low, settings.alarms.efficiency_low_after)
            for pump in settings.pumps
            if pump.efficiency_low is not None
        ),
        *(condition_rules(settings) if settings.jobs.conditions.enabled else []),
        *(frozen_rules(settings) if settings.jobs.quality.enabled else []),
        *(anomaly_rules(settings) if settings.jobs.anomalies.enabled and settings.jobs.anomalies.alarm else []),
        *storage_rules(),
        *([self_test_rule()] if settings.alarms.self_test_every else []),
    ]


def _as_the_station_says(rule: Rule, said: Iterable[AgentAlarmSettings]) -> Rule:
    """The rule with the station's own words and priority; what is said later goes before."""
    for one in said:
        if one.means(rule.rationale.id):
            words = one.model_dump(include=_WORDS, exclude_none=True)
            latch = {} if one.latch is None else {"is_latching": one.latch}
            rule.rationale = replace(rule.rationale, **words | latch)
            rule.suppress_while = _suppress(one.suppress_while) or rule.suppress_while
    return rule


def limit_rules(limit: LimitSettings, units: Mapping[str, str]) -> Iterator[Rule]:
    """One rule for each side of a limit."""
    unit = units.get(limit.tag, "")
    for alarm_id, side in zip(limit.alarm_ids, limit.sides, strict=True):
        threshold = getattr(limit, side)
        is_high = side.startswith("high")
        words = f"{limit.tag} is {'above' if is_high else 'below'} {threshold:g} {unit}".rstrip()
        rationale = worded(
            limit,
            alarm_id,
            side,
            words,
            tag=limit.tag,
            limit=threshold,
            unit=unit or None,
            priority=ORDER.get(side, limit.priority),
        )
        yield _rule(limit, rationale, Beyond(threshold, 1 if is_high else -1, limit.deadband), (limit.tag,))


def configured_rules(rule: RuleSettings, units: Mapping[str, str]) -> Iterator[Rule]:
    """The rules of one [[alarm]]."""
    tag = rule.tag or ""
    unit = units.get(tag, "")
    match rule.type:
        case "rate":
            yield from _rate_rules(rule, tag, f"{unit}/min")
        case "deviation":
            words = f"{tag} is more than {rule.band:g} {unit} from {rule.setpoint}"
            rationale = worded(rule, rule.id, rule.type, words, tag=tag, limit=rule.band, unit=unit or None)
            claim = Deviation(tag, rule.band or 0.0, rule.deadband)
            yield _rule(rule, rationale, claim, (tag, rule.setpoint or ""))
        case "state":
            words = f"{tag} is {' or '.join(f'{state:g}' for state in rule.states)}"
            rationale = worded(rule, rule.id, rule.type, words, tag=tag)
            yield _rule(rule, rationale, InState(frozenset(rule.states)), (tag,))
        case "logic":
            rationale = worded(rule, rule.id, rule.type, " and ".join(rule.when) if not rule.need else "")
            logic = Logic([condition(text) for text in rule.when], rule.need)
            yield _rule(rule, rationale, Together(logic), logic.tags)
        case "bad_quality":
            rationale = worded(rule, rule.id, rule.type, f"{tag} has no good value", tag=tag)
            found = _rule(rule, rationale, OfQuality(is_bad_answer), (tag,), Delay(rule.after or 0.0, rule.off_delay))
            found.hears_good = False
            yield found
        case "stale":
            rationale = worded(rule, rule.id, rule.type, f"{tag} has no reading for {rule.after:g} s", tag=tag)
            yield _rule(rule, rationale, Silence(), (tag,), Delay(rule.after or 0.0, 0.0))


def _rate_rules(rule: RuleSettings, tag: str, unit: str) -> Iterator[Rule]:
    directions = (("rise", rule.rise), ("fall", rule.fall))
    set_ones = [(way, limit) for way, limit in directions if limit is not None]
    for alarm_id, (way, limit) in zip(rule.alarm_ids, set_ones, strict=True):
        words = f"{tag} {way}s by more than {limit:g} {unit}"
        rationale = worded(rule, alarm_id, "rate", words, tag=tag, limit=limit, unit=unit)
        yield _rule(rule, rationale, Rate(limit, 1 if way == "rise" else -1, int(1_000 * rule.over)), (tag,))


def _rule(
    words: Wording, rationale: Rationale, claim: Claim, tags: tuple[str, ...], delay: Delay | None = None
) -> Rule:
    suppress = _suppress(words.suppress_while)
    return Rule(rationale, delay or Delay(words.on_delay, words.off_delay), claim, tags, suppress_while=suppress)


def _suppress(conditions: Iterable[str]) -> Logic | None:
    found = [condition(text) for text in conditions]
    return Logic(found) if found else None


def _tag_rules(settings: AgentSettings) -> Iterator[Rule]:
    """What comes with devices and tags; a tag with an alarm of its own for bad quality has no second one."""
    own = {rule.tag for rule in settings.rules if rule.type == "bad_quality"}
    for device in settings.devices:
        if device.tags:
            witness = min(device.tags, key=lambda tag: tag.period or device.period)  # it tells soonest
            yield silent_rule(device.name, witness.name, settings.alarms.device_silent_after)
    for device in settings.devices:
        for tag in device.tags:
            if tag.name not in own:
                yield bad_quality_rule(tag.name, settings.alarms.bad_quality_after)


def bad_quality_rule(tag: str, after: float) -> Rule:
    """An alarm for *tag* once it has been bad for *after* seconds."""
    rationale = Rationale(
        id=f"bad.{tag}",
        type="bad_quality",
        priority="low",
        message=f"{tag} has no good value",
        tag=tag,
        cause="the sensor, its wiring, or a wrong address",
        consequence="nobody sees what it measures, its limits raise no alarm, and what rests on it is withheld",
        action="check the sensor, its wiring and the tag's address",
    )
    return Rule(rationale, Delay(after, 5.0), OfQuality(is_bad_answer), (tag,), hears_good=False)


def silent_rule(device: str, witness: str, after: float) -> Rule:
    """An alarm for *device* once its tag *witness* has been unreachable for *after* seconds."""
    rationale = Rationale(
        id=f"silent.{device}",
        type="device_silent",
        priority="high",
        message=f"{device} gives no values",
        cause="no power, no network, or another address than is configured",
        consequence="its tags have no values, and advice that needs them is withheld",
        action="do what the message asks; where nothing answers, check the device's power, network cable and address",
    )
    return Rule(rationale, Delay(after, 0.0), OfQuality(is_silence), (witness,), hears_good=False)


def efficiency_rule(pump: str, low: float, after: float) -> Rule:
    """An alarm for *pump* once its wire-to-water efficiency has been below *low* for *after* seconds."""
    rationale = Rationale(
        id=f"efficiency.{pump}",
        type="efficiency_low",
        priority="medium",
        message=f"{pump} runs below {low:.0%} wire-to-water efficiency",
        pump=pump,
        limit=low,
        unit="1",
        cause="wear, a blockage, or a valve that is not open",
        consequence="it uses more energy than it should",
        action="look for wear, blockage or a closed valve, and compare its flow and power with the data sheet",
    )
    return Rule(rationale, Delay(after, after), Beyond(low, -1, EFFICIENCY_DEADBAND))


def condition_rules(settings: AgentSettings) -> Iterator[Rule]:
    """Alarms of conditions that the job of that name finds by physics."""
    for pump in settings.pumps:
        yield from (_condition_rule(kind, words, pump.id, pump.id) for kind, words in PUMPS.items())
    for header in settings.headers:
        yield from (_condition_rule(kind, words, header.id, None) for kind, words in HEADERS.items())


def _condition_rule(kind: str, words: Words, suspect: str, pump: str | None) -> Rule:
    rationale = Rationale(
        id=f"condition.{kind}.{suspect}",
        type=kind,
        priority=words.priority,
        message=words.message.format(suspect),
        pump=pump,
        cause=words.cause,
        consequence=words.consequence,
        action=words.action,
        group=pump and f"condition.{pump}",
    )
    return Rule(rationale, Delay(0.0, 0.0), Told())  # the job has waited long enough


def frozen_rules(settings: AgentSettings) -> Iterator[Rule]:
    """Alarms of sensors of the plant that the quality job finds frozen; its figures are their reason."""
    of_pumps = (tag for pump in settings.pumps for tag in (pump.power, pump.current, pump.flow))  # a speed may rest
    of_headers = (
        tag for one in settings.headers for tag in (*one.pressure, *one.flow, one.suction_pressure, one.suction_level)
    )
    of_tank = [settings.tank.level] if settings.tank else []
    for tag in dict.fromkeys(tag for tag in (*of_pumps, *of_headers, *of_tank) if tag is not None):
        rationale = Rationale(
            id=f"frozen.{tag}",
            type="frozen",
            priority="medium",
            message=f"{tag} does not move any more",
            tag=tag,
            cause="a sensor that is stuck or cut off, or a device that repeats its last value",
            consequence="what is measured is not known; advice and limits rest on an old value",
            action="compare the tag with a gauge on site, and restart or replace its sensor",
        )
        yield Rule(rationale, Delay(0.0, 0.0), Told())  # for nearly a whole report it has not moved


def anomaly_rules(settings: AgentSettings) -> Iterator[Rule]:
    """Alarms of what the job of that name finds; the tags that do not fit are their reason.

    Only where they are asked for: they come whenever a station is run as it was not while it taught, and an operator
    is called for what needs an answer.
    """
    for header in settings.headers:
        rationale = Rationale(
            id=f"anomaly.{header.id}",
            type="anomaly",
            priority="low",
            message=f"readings of header {header.id} do not fit each other as they used to",
            cause="a sensor that drifts, a leak, a valve that was moved, or operation that was not seen before",
            consequence="curves and advice may rest on wrong readings",
            action="compare the tags that the reason names with gauges on site",
        )
        yield Rule(rationale, Delay(0.0, 0.0), Told())  # the job has waited long enough


def storage_rules() -> Iterable[Rule]:
    """Alarms of the agent's own disk, by what `agent.store.keeper` complains of; the complaint is their reason."""
    disk = Rationale(
        id="storage",
        type="storage",
        priority="high",
        message="readings are not stored as they should be",
        cause="a full, slow or failing disk",
        consequence="live values go on; what does not fit into memory until the disk works again is lost",
        action="see to the disk as the message says",
    )
    damage = Rationale(
        id="storage.damaged",
        type="storage",
        priority="high",
        message="stored readings are missing",
        cause="a failing disk, or somebody who changed the file",
        consequence="trends and analyses have a hole; what can be read of the damaged file is put back by itself",
        action="check the disk; keep the damaged file until you know what it held",
    )
    return [Rule(rationale, Delay(0.0, 0.0), Told()) for rationale in (disk, damage)]


def self_test_rule() -> Rule:
    """The alarm that says that SCADA does not answer the test of the alarm path."""
    rationale = Rationale(
        id="self_test",
        type="self_test",
        priority="high",
        message="SCADA did not answer the test of the alarm path",
        cause="the broker, the network, or SCADA's subscription to the alarms",
        consequence="alarms may not reach the operator",
        action="see whether SCADA is connected and reads alarm/+; it answers each alarm_test on cmd/alarm_test",
    )
    return Rule(rationale, Delay(0.0, 0.0), Told())
