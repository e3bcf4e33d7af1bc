"""All alarms of the station: rows of the log in, transitions out. Pure; it reads no clock."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from agent.alarms.rules import (
    Rationale,
    Rule,
    bad_quality_rule,
    efficiency_rule,
    limit_rules,
    silent_rule,
    storage_rules,
)
from agent.alarms.state import AlarmState
from agent.settings import AgentSettings
from agent.store.records import Row
from drivers.reading import Quality

Event = Literal["raised", "cleared", "acknowledged"]


@dataclass(frozen=True, slots=True)
class Transition:
    """One alarm that has changed."""

    rationale: Rationale
    state: AlarmState
    event: Event
    ts_ms: int
    reason: str | None = None  # what the reading that changed it said


class Board:
    """Every alarm and its state.

    Good readings of tags without limits, nearly all there are, cost one look-up.
    """

    def __init__(self, settings: AgentSettings) -> None:
        tags = [(device, tag) for device in settings.devices for tag in device.tags]
        units = {tag.name: tag.unit for _, tag in tags}
        self._rules: dict[str, list[Rule]] = {}
        for limit in limit_rules(settings.limits, units):
            self._rules.setdefault(limit.rationale.tag or "", []).append(limit)
        self._always = set(self._rules)  # tags whose good readings matter too
        for device in settings.devices:
            if device.tags:
                witness = min(device.tags, key=lambda tag: tag.period or device.period)  # it tells soonest
                silent = silent_rule(device.name, settings.alarms.device_silent_after)
                self._rules.setdefault(witness.name, []).append(silent)
        for _, tag in tags:
            self._rules.setdefault(tag.name, []).append(bad_quality_rule(tag.name, settings.alarms.bad_quality_after))
        self._pumps = {
            pump.id: efficiency_rule(pump.id, pump.efficiency_low, settings.alarms.efficiency_low_after)
            for pump in settings.pumps
            if pump.efficiency_low is not None
        }
        self._storage = storage_rules()
        self._states: dict[str, AlarmState] = {}
        self._unwell: set[str] = set()  # tags with a rule that is active or about to be

    def states(self) -> Mapping[str, AlarmState]:
        """Every alarm that was ever raised, by id."""
        return self._states

    @property
    def names(self) -> set[str]:
        """Ids of all alarms the configuration has."""
        return {rule.rationale.id for rule in self._all()}

    def restore(self, states: Mapping[str, AlarmState]) -> None:
        """Go on from *states*, as kept before a restart."""
        self._states.update(states)
        for rule in self._all():
            rule.delay.claim = rule.delay.active = self._states.get(rule.rationale.id, AlarmState()).active
        self._unwell.update(tag for tag, rules in self._rules.items() if any(rule.delay.active for rule in rules))

    def see(self, rows: Iterable[Row], at_ms: int) -> list[Transition]:
        """What rows of the log change, oldest first.

        Args:
            rows: As read from the log.
            at_ms: The monotonic clock's milliseconds, by which delays are counted: neither a
                device's wrong clock nor a step of ours makes an alarm early or late.
        """
        found: list[Transition] = []
        always, unwell, good = self._always, self._unwell, int(Quality.GOOD)
        for _, tag, ts_ms, value, quality, reason in rows:
            if quality >= good and tag not in always and tag not in unwell:
                continue
            for rule in self._rules.get(tag, ()):
                found += self._settle(rule, ts_ms, active=rule.see(value, quality, at_ms), reason=reason)
            self._mark(tag, quality)
        return found

    def see_efficiency(self, pump: str, efficiency: float, ts_ms: int, at_ms: int) -> list[Transition]:
        """What a pump's wire-to-water efficiency (0 to 1) at *ts_ms* changes; *at_ms* as in `see`."""
        rule = self._pumps.get(pump)
        return self._settle(rule, ts_ms, active=rule.see(efficiency, Quality.GOOD, at_ms)) if rule else []

    def see_storage(self, complaints: Mapping[str, str], ts_ms: int, at_ms: int) -> list[Transition]:
        """What *complaints* of the disk, by alarm, change at *ts_ms*; *at_ms* as in `see`."""
        found: list[Transition] = []
        for rule in self._storage:
            complaint = complaints.get(rule.rationale.id)
            active = rule.delay.update(complaint is not None, at_ms)
            found += self._settle(rule, ts_ms, active=active, reason=complaint)
        return found

    def see_standing(self, pump: str, ts_ms: int) -> list[Transition]:
        """What it changes that a pump does not run at *ts_ms*: its efficiency is no matter then."""
        rule = self._pumps.get(pump)
        return self._settle(rule, ts_ms, active=rule.delay.rest()) if rule else []

    def wait(self, ts_ms: int, at_ms: int) -> list[Transition]:
        """What the passing of time alone changes: delays that have run out at *ts_ms*; *at_ms* as in `see`."""
        waiting = [rule for tag in self._unwell | self._always for rule in self._rules.get(tag, ())]
        return [change for rule in waiting for change in self._settle(rule, ts_ms, active=rule.delay.wait(at_ms))]

    def acknowledge(self, name: str, occurrence: int, ts_ms: int, user: str) -> Transition:
        """An operator has seen that occurrence of alarm *name*.

        Raises:
            LookupError: There is no such alarm, or nothing of it is left to acknowledge; the
                message is for the operator.
        """
        state = self._states.get(name)
        rationale = next((rule.rationale for rule in self._all() if rule.rationale.id == name), None)
        if state is None or rationale is None:
            raise LookupError(f"there is no alarm {name!r}")
        after = state.acknowledged(occurrence, ts_ms, user)
        if after == state:
            raise LookupError(f"occurrence {occurrence} of alarm {name!r} is not waiting for an acknowledgement")
        self._states[name] = after
        return Transition(rationale, after, "acknowledged", ts_ms)

    def take_back(self, change: Transition) -> None:
        """An acknowledgement that could not be kept did not happen."""
        name = change.rationale.id
        state = self._states[name]
        if state.occurrence == change.state.occurrence:
            self._states[name] = replace(state, acked=False, acked_ms=None, acked_by=None)

    def _settle(self, rule: Rule, ts_ms: int, *, active: bool, reason: str | None = None) -> list[Transition]:
        name = rule.rationale.id
        before = self._states.get(name, AlarmState())
        if active == before.active:
            return []
        after = before.raised(ts_ms, rule.value) if active else before.cleared(ts_ms)
        self._states[name] = after
        return [Transition(rule.rationale, after, "raised" if active else "cleared", ts_ms, reason)]

    def _mark(self, tag: str, quality: int) -> None:
        if quality < Quality.GOOD or any(rule.delay.active for rule in self._rules.get(tag, ())):
            self._unwell.add(tag)
        else:
            self._unwell.discard(tag)

    def _all(self) -> list[Rule]:
        return [rule for rules in [*self._rules.values(), self._pumps.values(), self._storage] for rule in rules]
