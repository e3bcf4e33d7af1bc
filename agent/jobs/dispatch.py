"""The dispatch job: each header's recommendation, and the journal of what became of the last one."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter, ValidationError

from agent import tariff
from agent.jobs.advice.recommendation import Occasion, recommendation
from agent.jobs.advice.set_changes import system_and_changes
from agent.jobs.advice.situation import Header, NotKnownError, NotSteadyError, situation
from agent.jobs.curves import models_from_state
from agent.jobs.job import JobContext, Outcome
from agent.mqtt.payloads import Recommendation, RecommendationEvent
from agent.store.records import Record
from analytics.curves.model import StationModel
from analytics.dispatch.advice import Advice, advise, withdrawn
from analytics.dispatch.followed import is_followed
from analytics.dispatch.situation import Situation

SAME_ADVICE = 0.03  # relative speed; drives follow the demand, and an advice that moves with it is the same one
_SAME_STEP = 0.005  # relative speed; changes one up and one down are the same only where they are no more apart
REJECTED_MS = 4 * 3_600_000  # an advice that was rejected is not given again for so long
_ANSWERED_MS = 24 * 3_600_000  # of the journal, in which the answer to a given advice is looked for
_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Given:
    """An advice that was given."""

    id: str
    action: Literal["change", "keep", "none"]
    expires_ms: int
    speeds: dict[str, float] = field(default_factory=dict)  # relative, of the pumps it wants to run
    former: dict[str, float] = field(default_factory=dict)  # the same of the pumps that ran when it was last given


@dataclass(frozen=True, slots=True)
class Rejected:
    """An advice that an operator has rejected."""

    until_ms: int  # it is not given again before
    speeds: dict[str, float]
    why: str  # a sentence: by whom, and their reason
    former: dict[str, float] = field(default_factory=dict)  # relative speeds of the pumps that ran then


@dataclass(slots=True)
class DispatchState:
    """What the job leaves for itself."""

    version: int = 1
    given: dict[str, Given] = field(default_factory=dict)  # by header
    rejected: dict[str, Rejected] = field(default_factory=dict)  # likewise, the last one


_STATES = TypeAdapter(DispatchState)


def run(context: JobContext) -> Outcome:
    """Say for each header how its pumps are run best."""
    settings, now_ms = context.settings, context.now_ms
    kept = _restored(context.state)
    _, curves = context.reader.job_state("curves")
    models = models_from_state(curves)
    price = tariff.price(settings.tariff, now_ms, ZoneInfo(settings.station.time_zone))
    records: list[Record] = []
    given: dict[str, Given] = {}
    actions: list[str] = []
    refused: dict[str, Rejected] = {}
    headers = [Header(context, each) for each in settings.headers]
    for header in (each for each in headers if each.pumps):
        name = header.settings.id
        before = kept.given.get(name)
        rejected = _rejected(context, before) or kept.rejected.get(name)
        if rejected is not None and 0 < rejected.until_ms - now_ms <= REJECTED_MS:  # later is a clock's that ran ahead
            refused[name] = rejected
        said = _Said.of(header, models, price, before, refused.get(name))
        given[name] = said.given
        actions.append(said.advice.action)
        key = name if len(headers) > 1 else ""
        records.append(Record("recommendation", key, now_ms, said.payload.encode()))
        records += [Record("recommendation_event", key, now_ms, event.encode()) for event in said.events(before)]
    counts = {f"advice_{action}": actions.count(action) for action in ("change", "keep", "none")}
    state = _STATES.dump_json(DispatchState(given=given, rejected=refused))
    return Outcome(mark=context.reader.last_id, state=state, records=records, counts=counts)


def _rejected(context: JobContext, before: Given | None) -> Rejected | None:
    """What an operator has answered to the change that was given, where that was no."""
    if before is None or before.action != "change":
        return None
    since_ms = context.now_ms - _ANSWERED_MS
    for record in context.reader.records("recommendation_event", since_ms, context.now_ms + 1):
        said = RecommendationEvent.kept(record.body)
        if said.event == "rejected" and said.id == before.id:
            reason = "" if said.why is None else f": {said.why}"
            why = f"The change was rejected by {said.user or 'an operator'}{reason}"
            return Rejected(record.ts_ms + REJECTED_MS, before.speeds, f"{why.rstrip('.')}.", before.former)
    return None


def _restored(state: bytes | None) -> DispatchState:
    try:
        return _STATES.validate_json(state) if state else DispatchState()
    except ValidationError:
        return DispatchState()


@dataclass(frozen=True, slots=True)
class _Said:
    """What is said of one header now."""

    advice: Advice
    situation: Situation | None
    payload: Recommendation
    given: Given
    now_ms: int

    @classmethod
    def of(
        cls,
        header: Header,
        models: Mapping[str, StationModel],
        price: float,
        before: Given | None,
        rejected: Rejected | None,
    ) -> "_Said":
        """Look at the header and advise."""
        now_ms, settings = header.context.now_ms, header.plant
        began = time.perf_counter()
        advice, found, is_moving = _advice(header, models.get(header.settings.id), price, before)
        present = dict(found.operation.speeds) if found is not None else {}
        if rejected is not None and found is not None and _is_rejected(rejected, _speeds(advice), present):
            advice = withdrawn(advice, found, rejected.why)
        took_ms = round(1_000 * (time.perf_counter() - began), 1)
        new = Given(
            id=f"{header.settings.id}-{now_ms}",
            action=advice.action,
            expires_ms=now_ms + round(settings.advice.expiry * _MINUTE_MS),
            speeds=_speeds(advice),
            former=present,
        )
        given = before if before is not None and is_moving else _given(new, before, now_ms)
        occasion = Occasion(given.id, header.settings.id, now_ms, given.expires_ms, took_ms, price)
        payload = recommendation(advice, found, settings, occasion)
        if found is not None and advice.action != "none":  # else the curves do not explain what is measured
            told = system_and_changes(header, models.get(header.settings.id), found.operation)
            payload = payload.model_copy(update=told)
        return cls(advice, found, payload, given, now_ms)

    def events(self, before: Given | None) -> list[RecommendationEvent]:
        """What became of the change that was advised before, and the one that is advised now."""
        told: list[RecommendationEvent] = []
        if before is not None and before.action == "change" and before.id != self.given.id:
            told.append(self._end(before))
        if self.given.action == "change" and (before is None or before.id != self.given.id):
            told.append(self._issued())
        return told

    def _issued(self) -> RecommendationEvent:
        present = dict(self.situation.operation.speeds) if self.situation is not None else None
        is_alike = self.advice.is_same_flow  # as what is measured afterwards, of the flow that is delivered then
        return self._event(
            self.given,
            "issued",
            self.advice.why,
            former=present,
            proposed=self.given.speeds,
            saving_kw=self.payload.saving_kw if is_alike else None,
            saving_uncertainty_kw=self.payload.saving_uncertainty_kw if is_alike else None,
        )

    def _end(self, before: Given) -> RecommendationEvent:
        if before.expires_ms <= self.now_ms:
            return self._event(before, "expired", None)
        if self.situation is not None and _is_followed(before, self.situation):
            return self._event(before, "accepted", "The pumps run as advised.")
        is_replaced = self.given.action == "change"
        return self._event(before, "withdrawn", "Another change is better now." if is_replaced else self.advice.why)

    def _event(
        self,
        given: Given,
        event: Literal["issued", "accepted", "expired", "withdrawn"],
        why: str | None,
        **told: Any,
    ) -> RecommendationEvent:
        return RecommendationEvent(
            id=given.id,
            ts=self.now_ms,
            station=self.payload.station,
            header=self.payload.header,
            event=event,
            why=why,
            expires=given.expires_ms,
            **told,
        )


def _advice(
    header: Header, model: StationModel | None, price: float, before: Given | None
) -> tuple[Advice, Situation | None, bool]:
    """The advice, what it rests on, and whether pumps are being started or stopped while a change holds.

    What becomes of that change is known once they run steadily: perhaps it is being followed.
    """
    holds = before is not None and before.action == "change" and before.expires_ms > header.context.now_ms
    advised = frozenset(before.speeds) if before is not None and holds else None
    try:
        found = situation(header, model, price, advised)
    except NotKnownError as error:
        return Advice("none", str(error)), None, holds and isinstance(error, NotSteadyError)
    return advise(found), found, False


def _speeds(advice: Advice) -> dict[str, float]:
    return {plan.id: plan.speed for plan in advice.pumps if plan.speed is not None}


def _given(new: Given, before: Given | None, now_ms: int) -> Given:
    """*new*, under the name of the one before it where that holds and says the same."""
    if before is None or before.expires_ms <= now_ms or before.action != new.action:
        return new
    is_same = new.action == "none" or _is_same(before, new.speeds, new.former)
    return replace(new, id=before.id) if is_same else new


def _is_same(given: Given | Rejected, speeds: Mapping[str, float], present: Mapping[str, float]) -> bool:
    """Whether *speeds* are those that were *given*, and no pump's change from the *present* ones has turned round."""
    return given.speeds.keys() == speeds.keys() and all(
        abs(given.speeds[pump] - speed) <= SAME_ADVICE and not _is_turned(given, pump, speed, present)
        for pump, speed in speeds.items()
    )


def _is_rejected(rejected: Rejected, speeds: Mapping[str, float], present: Mapping[str, float]) -> bool:
    """Whether *speeds* are the change that was *rejected*, also as the demand has moved all of it since.

    The same pumps instead of the same are that change at any speed, and the same pumps sharing in the same way are it,
    as long as each is to change by about as much.
    """
    if rejected.speeds.keys() != speeds.keys():
        return False
    if speeds.keys() != present.keys():
        return rejected.former.keys() == present.keys() or _is_same(rejected, speeds, present)
    scale = sum(speeds.values()) / (sum(rejected.speeds.values()) or 1.0)
    then, before = (
        {pump: scale * speed for pump, speed in each.items()} for each in (rejected.speeds, rejected.former)
    )
    is_as_much = all(abs(speed - before.get(pump, speed)) <= SAME_ADVICE for pump, speed in present.items())
    return is_as_much and _is_same(Rejected(rejected.until_ms, then, rejected.why, before), speeds, present)


def _is_turned(given: Given | Rejected, pump: str, speed: float, present: Mapping[str, float]) -> bool:
    if pump not in given.former or pump not in present:
        return False
    before, now = given.speeds[pump] - given.former[pump], speed - present[pump]
    return before * now < 0 and abs(before - now) > _SAME_STEP


def _is_followed(before: Given, now: Situation) -> bool:
    drives = [each.pump for each in now.limits if each.is_variable]
    return is_followed(before.former, before.speeds, now.operation.speeds, drives)
