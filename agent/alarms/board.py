"""All alarms of the station: rows of the log in, transitions out. Pure; it reads no clock."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from math import isfinite
from typing import Literal

from agent.alarms.claims import Beyond, Silence
from agent.alarms.rationale import Rationale
from agent.alarms.rulebook import rulebook
from agent.alarms.rules import Rule
from agent.alarms.state import AlarmState, Event, Happening
from agent.mqtt.payloads import Anomalies, Conditions, Quality
from agent.settings import AgentSettings
from agent.store.records import Row
from drivers.reading import Quality as Code
from drivers.reading import Reading

FROZEN = 0.9  # of a report's readings, beyond which a sensor is


@dataclass(frozen=True, slots=True)
class Transition:
    """One alarm to which something has happened."""

    rationale: Rationale
    before: AlarmState
    state: AlarmState
    happening: Happening

    @property
    def event(self) -> Event:
        """What has happened."""
        return self.happening.event

    @property
    def reason(self) -> str | None:
        """What the reading that changed it said."""
        return self.happening.reason

    @property
    def ts_ms(self) -> int:
        """When."""
        return self.happening.ts_ms


class Board:
    """Every alarm and its state.

    Good readings of tags without limits, nearly all there are, cost one look-up.
    """

    def __init__(self, settings: AgentSettings) -> None:
        self._longest_ms = int(60_000 * settings.alarms.shelve_longest)
        self._by_id = {rule.rationale.id: rule for rule in rulebook(settings)}
        self._rules: dict[str, list[Rule]] = {}  # by tag
        self._hidden: dict[str, list[Rule]] = {}  # those which a tag may make meaningless
        for rule in self._by_id.values():
            for tag in rule.tags:
                self._rules.setdefault(tag, []).append(rule)
            for tag in rule.suppress_while.tags if rule.suppress_while else ():
                self._hidden.setdefault(tag, []).append(rule)
        self._always = {tag for tag, rules in self._rules.items() if any(rule.hears_good for rule in rules)}
        self._always |= self._hidden.keys()  # tags whose good readings matter too
        self._limits: dict[str, list[tuple[Rule, Beyond]]] = {}  # by tag
        for rule in self._by_id.values():
            if isinstance(rule.claim, Beyond):
                for tag in rule.tags:
                    self._limits.setdefault(tag, []).append((rule, rule.claim))
        self._groups: dict[str, list[str]] = {}
        for name, rule in self._by_id.items():
            self._groups.setdefault(rule.rationale.group or "", []).append(name)
        self._states: dict[str, AlarmState] = {}
        self._unwell: set[str] = set()  # tags with a rule that is active or about to be
        self._waiting: dict[str, Rule] = {}  # by id: those that time alone may change
        self._shelved: set[str] = set()
        self._silent = [rule for rule in self._by_id.values() if isinstance(rule.claim, Silence)]  # not yet begun

    def states(self) -> Mapping[str, AlarmState]:
        """Every alarm to which something ever happened, by id."""
        return self._states

    @property
    def rules(self) -> Mapping[str, Rule]:
        """All alarms the configuration has, by id."""
        return self._by_id

    def restore(self, states: Mapping[str, AlarmState]) -> None:
        """Go on from *states*, as kept before a restart."""
        self._states.update({name: state for name, state in states.items() if name in self._by_id})
        for name, rule in self._by_id.items():
            rule.delay.claim = rule.delay.active = self._states.get(name, AlarmState()).active
        self._unwell.update(tag for tag, rules in self._rules.items() if any(rule.delay.active for rule in rules))
        self._shelved = {name for name, state in self._states.items() if state.shelved_until_ms is not None}

    def is_awaited(self, readings: Iterable[Reading], is_noise: Callable[[str], bool] = lambda _: False) -> bool:
        """Whether one of *readings* crosses a limit without a delay, so that somebody should hear of it at once.

        Nobody waits for an alarm that, by its id, *is_noise*.
        """
        limits, good = self._limits, int(Code.GOOD)
        return any(
            not is_noise(rule.rationale.id)
            for tag, _, value, quality, _ in readings
            if tag in limits and quality >= good and isinstance(value, int | float) and isfinite(value)
            for rule, claim in limits[tag]
            if rule.delay.is_immediate and claim.holds(value, is_claimed=rule.delay.claim) != rule.delay.claim
        )

    def see(self, rows: Iterable[Row], at_ms: int) -> list[Transition]:
        """What rows of the log change, oldest first.

        Args:
            rows: As read from the log.
            at_ms: The monotonic clock's milliseconds, by which delays are counted: neither a
                device's wrong clock nor a step of ours makes an alarm early or late.
        """
        found: list[Transition] = []
        always, unwell, good = self._always, self._unwell, int(Code.GOOD)
        for row in rows:
            tag, quality = row.tag, row.quality
            if quality >= good and tag not in always and tag not in unwell:
                continue
            for rule in self._hidden.get(tag, ()):
                found += self._hide(rule, row)
            for rule in self._rules.get(tag, ()):
                active = rule.see(row, at_ms)
                found += self._settle(rule, row.ts_ms, active=active)
            self._mark(tag, quality)
        return found

    def see_efficiency(self, pump: str, efficiency: float, ts_ms: int, at_ms: int) -> list[Transition]:
        """What a pump's wire-to-water efficiency (0 to 1) at *ts_ms* changes; *at_ms* as in `see`."""
        rule = self._by_id.get(f"efficiency.{pump}")
        if rule is None:
            return []
        active = rule.see(Row(0, "", ts_ms, efficiency, Code.GOOD, None), at_ms)
        return self._settle(rule, ts_ms, active=active)

    def see_standing(self, pump: str, ts_ms: int) -> list[Transition]:
        """What it changes that a pump does not run at *ts_ms*: its efficiency is no matter then."""
        rule = self._by_id.get(f"efficiency.{pump}")
        return self._settle(rule, ts_ms, active=rule.delay.rest()) if rule else []

    def see_told(self, names: Iterable[str], told: Mapping[str, str], ts_ms: int, at_ms: int) -> list[Transition]:
        """What others have found out of the alarms *names*: those in *told* have cause, with a reason."""
        found: list[Transition] = []
        for rule in (self._by_id[name] for name in names if name in self._by_id):
            rule.reason = told.get(rule.rationale.id)
            active = rule.delay.update(rule.reason is not None, at_ms)
            found += self._settle(rule, ts_ms, active=active)
        return found

    def see_conditions(self, said: Conditions, at_ms: int) -> list[Transition]:
        """What the conditions of pumps and headers that hold now change; *at_ms* as in `see`."""
        if said.stale:
            return []
        names = [name for name in self._by_id if name.startswith("condition.")]
        held = {f"condition.{one.id}": "" for one in said.conditions}
        return self.see_told(names, held, said.ts, at_ms)

    def see_quality(self, said: Quality, at_ms: int) -> list[Transition]:
        """What a quality report changes, which finds sensors frozen for most of its time; *at_ms* as in `see`."""
        if said.stale:
            return []
        found = {
            f"frozen.{one.tag}": finding.reason or ""
            for one in said.tags
            for finding in one.findings
            if finding.check == "frozen" and finding.count > FROZEN * one.readings
        }
        return self.see_told([f"frozen.{one.tag}" for one in said.tags if one.readings], found, said.ts, at_ms)

    def see_anomalies(self, said: Anomalies, at_ms: int) -> list[Transition]:
        """What the tags that do not fit now change, except while pumps are switched; *at_ms* as in `see`."""
        if said.stale:
            return []
        reasons: dict[str, list[str]] = {}
        for one in said.anomalies:
            words = f"{one.tag} is {one.value:.4g} {one.unit} where {one.expected:.4g} would fit"
            reasons.setdefault(f"anomaly.{one.header}", []).append(words)
        names = [f"anomaly.{watch.header}" for watch in said.watches if watch.state != "unsteady"]
        return self.see_told(names, {name: "; ".join(words) for name, words in reasons.items()}, said.ts, at_ms)

    def see_storage(self, complaints: Mapping[str, str], ts_ms: int, at_ms: int) -> list[Transition]:
        """What *complaints* of the disk, by alarm, change at *ts_ms*; *at_ms* as in `see`."""
        return self.see_told(("storage", "storage.damaged"), complaints, ts_ms, at_ms)

    def wait(self, ts_ms: int, at_ms: int) -> list[Transition]:
        """What the passing of time alone changes: delays and shelves that have run out. Arguments as in `see`."""
        while self._silent:  # a tag that is never read at all is silent too
            rule = self._silent.pop()
            rule.delay.update(True, at_ms)  # noqa: FBT003 - silent from now on, until its first reading
            self._waiting[rule.rationale.id] = rule
        found = [
            change
            for rule in list(self._waiting.values())
            for change in self._settle(rule, ts_ms, active=rule.delay.wait(at_ms))
        ]
        for name in sorted(self._shelved):
            left_ms = (self._states[name].shelved_until_ms or 0) - ts_ms
            if not 0 < left_ms <= self._longest_ms:  # also where the clock was set back: no alarm is shelved for years
                found.append(self.happen(name, Happening("unshelved", ts_ms)))
        return found

    def happen(self, name: str, happening: Happening) -> Transition:
        """Let something happen to alarm *name*.

        Raises:
            LookupError: There is no such alarm, or it cannot happen to it; the message is for the operator.
        """
        rule = self._by_id.get(name)
        if rule is None:
            raise LookupError(f"there is no alarm {name[:80]!r}")
        before = self._states.get(name, AlarmState())
        try:
            after = before.after(happening)
        except LookupError as refusal:
            raise LookupError(f"alarm {name!r}: {refusal}") from refusal
        self._put(name, after)
        return Transition(rule.rationale, before, after, happening)

    def take_back(self, change: Transition) -> None:
        """What a person did and could not be kept did not happen; what has happened since stays."""
        name = change.rationale.id
        state = self._states[name]
        if state.occurrence == change.state.occurrence:
            facts = {one.name: getattr(change.before, one.name) for one in fields(AlarmState)}
            undone = {
                fact: value
                for fact, value in facts.items()
                if value != getattr(change.state, fact) and fact != "changes"
            }
            self._put(name, replace(state, **undone))

    def _put(self, name: str, state: AlarmState) -> None:
        self._states[name] = state
        (self._shelved.discard if state.shelved_until_ms is None else self._shelved.add)(name)

    def _settle(self, rule: Rule, ts_ms: int, *, active: bool) -> list[Transition]:
        name = rule.rationale.id
        if rule.is_waiting:
            self._waiting[name] = rule
        else:
            self._waiting.pop(name, None)
        before = self._states.get(name)
        if active == (before is not None and before.active):
            return []
        event: Literal["raised", "cleared"] = "raised" if active else "cleared"
        happening = Happening(
            event,
            ts_ms,
            value=rule.claim.value,
            reason=rule.reason,
            is_latching=rule.rationale.is_latching,
            is_first=active and self._is_first(rule.rationale),
        )
        return [self.happen(name, happening)]

    def _is_first(self, rationale: Rationale) -> bool:
        """Whether none of the alarm's group stands yet."""
        others = self._groups[rationale.group] if rationale.group else []
        return bool(others) and not any(
            self._states[other].is_standing for other in others if other in self._states and other != rationale.id
        )

    def _hide(self, rule: Rule, row: Row) -> list[Transition]:
        """What a reading says of whether the alarm means anything; what nobody knows hides nothing."""
        name, logic = rule.rationale.id, rule.suppress_while
        if logic is None:
            return []
        logic.see(row)
        is_hidden, before = logic.holds is True, self._states.get(name, AlarmState())
        if is_hidden == before.suppressed_by_design:
            return []
        event: Literal["suppressed", "unsuppressed"] = "suppressed" if is_hidden else "unsuppressed"
        return [self.happen(name, Happening(event, row.ts_ms, is_by_design=True))]

    def _mark(self, tag: str, quality: int) -> None:
        if quality < Code.GOOD or any(rule.delay.active for rule in self._rules.get(tag, ())):
            self._unwell.add(tag)
        else:
            self._unwell.discard(tag)
