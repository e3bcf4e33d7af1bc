"""What is advised: recommendation, its journal, and the schedule."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from agent.mqtt.instant import Instant
from agent.mqtt.payloads.payload import Payload, Share, Std

Hours = Annotated[float, Field(ge=0)]


class PumpAdvice(Payload):
    """What a recommendation asks of one pump."""

    id: str
    run: bool
    running: bool | None = None  # as it is now
    speed: float | None = None
    flow: float | None = None
    flow_std: Std | None = None
    head: float | None = None
    power_kw: float | None = None
    efficiency: float | None = None
    in_por: bool | None = None
    within_data: bool | None = None  # false: the point lies outside what the curve has learnt


class SetChange(Payload):
    """What one pump more or less would do to the header, at the speeds that the others have now."""

    pumps: tuple[str, ...]  # that would run
    flow: float
    flow_std: Std
    head: float
    head_std: Std
    power_kw: float
    power_std: Std
    within_data: bool
    text: str  # the same as a sentence


class Recommendation(Payload):
    """`<root>/recommendation`: the current advice, or that there is none and why."""

    id: str
    ts: Instant
    expires: Instant
    station: str
    header: str | None = None
    action: Literal["change", "keep", "none"]
    why: str | None = None  # in one sentence; always there with "none"
    pumps: tuple[PumpAdvice, ...] = ()
    flow: float | None = None
    head: float | None = None
    power_kw: float | None = None
    power_std: Std | None = None
    specific_energy: float | None = None  # kWh/m³
    present_power_kw: float | None = None  # by the model, as `power_kw` is
    measured_power_kw: float | None = None
    saving_kw: float | None = None
    saving_percent: float | None = None
    saving_uncertainty_kw: Std | None = None  # standard deviation
    saving_interval_kw: tuple[float, float] | None = None  # in which it lies with a probability of 90 %
    saving_per_hour: float | None = None  # in `currency`
    saving_per_hour_uncertainty: Std | None = None  # standard deviation
    saving_per_hour_interval: tuple[float, float] | None = None  # 90 %
    currency: str | None = None
    reasons: tuple[str, ...] = ()
    active_constraints: tuple[str, ...] = ()
    would_change: tuple[str, ...] = ()  # the flows beyond which another set of pumps would be the best
    method: str | None = None
    gap: Annotated[float, Field(ge=0)] | None = None  # of optimality, share of the power
    solve_ms: Annotated[float, Field(ge=0)] | None = None
    confidence: Share | None = None  # probability that the saving is positive
    baseline: str | None = None  # what the saving is measured against
    system_static_head: float | None = None  # m, now: H = system_static_head + system_resistance Q²
    system_resistance: float | None = None  # m per (m³/h)², of the pumps that run now
    system_std: Std | None = None  # m, of the head around that curve over the time it was learnt from
    system_why: str | None = None  # why there is no system curve
    set_changes: tuple[SetChange, ...] = ()
    stale: bool = False

    @model_validator(mode="after")
    def _says_why_not(self) -> Self:
        if self.action == "none" and not self.why:
            raise ValueError('advice "none" says why')
        return self


class RecommendationEvent(Payload):
    """`<root>/recommendation_event`: journal of what became of an advice."""

    id: str  # of the recommendation
    ts: Instant
    station: str
    header: str | None = None
    event: Literal["issued", "accepted", "rejected", "expired", "withdrawn", "followed", "verified"]
    user: str | None = None
    why: str | None = None
    expires: Instant | None = None  # of the advice
    former: dict[str, float] | None = None  # relative speeds of the pumps that ran when it was issued
    proposed: dict[str, float] | None = None  # the same of those that are to run
    saving_kw: float | None = None  # as expected
    saving_uncertainty_kw: Std | None = None
    since: Instant | None = None  # when the pumps began to run as advised
    hours: Hours | None = None  # that were counted
    withheld_hours: Hours | None = None  # for which nothing is claimed
    baseline_kwh: float | None = None  # that the former operation would have drawn for the same flow at the same head
    measured_kwh: float | None = None
    saving_kwh: float | None = None  # baseline less measured
    saving_uncertainty_kwh: Std | None = None  # standard deviation
    saved_money: float | None = None  # in `currency`
    saved_money_uncertainty: Std | None = None
    currency: str | None = None
    saved_co2_kg: float | None = None
    saved_co2_uncertainty_kg: Std | None = None
    measured_saving_kw: float | None = None  # mean over `hours`
    measured_uncertainty_kw: Std | None = None


class SavingSum(Payload):
    """What followed advice has saved in a time, by the meters; of no hours nothing is claimed."""

    hours: Hours  # that were counted
    withheld_hours: Hours  # for which nothing is claimed
    baseline_kwh: float | None = None
    measured_kwh: float | None = None
    saving_kwh: float | None = None
    saving_uncertainty_kwh: Std | None = None  # standard deviation
    saved_money: float | None = None
    saved_money_uncertainty: Std | None = None
    saved_co2_kg: float | None = None
    saved_co2_uncertainty_kg: Std | None = None


class SavingDay(SavingSum):
    """A day of it."""

    ts: Instant  # when the day began, by the station's own clock


class SavingCount(SavingSum):
    """An advice that is followed now."""

    id: str  # of the recommendation
    header: str
    since: Instant  # when the pumps began to run as advised
    why: str | None = None  # why nothing is claimed for a part of the time


class Saving(Payload):
    """`<root>/saving`: what advice that was followed has saved, by the meters against the operation before it."""

    station: str
    ts: Instant
    until: Instant  # up to when the meters were looked at
    since: Instant | None = None  # of `total`
    counting: tuple[SavingCount, ...] = ()
    days: tuple[SavingDay, ...] = ()  # the last 31 on which advice was followed, oldest first
    total: SavingSum
    currency: str | None = None
    stale: bool = False


class ScheduleRow(Payload):
    """One stretch of a schedule; it lasts until the next row begins."""

    start: Instant = Field(alias="from")
    pumps: tuple[str, ...]
    speeds: tuple[float, ...]
    flow: float
    flow_std: Std | None = None  # by what the curves may be off, the speeds kept
    level: float | None = None  # m, of the tank at the end of the stretch
    level_std: Std | None = None  # by what the forecast and the curves may be off until then, if followed blindly
    power_kw: float | None = None
    power_std: Std | None = None  # as `flow_std`
    cost: float | None = None
    cost_std: Std | None = None  # likewise


class PlannedWorks(Payload):
    """Works on a pump that a schedule keeps clear of, as far as it reaches."""

    pump: str
    start: Instant = Field(alias="from")
    until: Instant


class LeftOut(Payload):
    """A pump that a schedule does not use, whatever the hour."""

    pump: str
    why: str


class Schedule(Payload):
    """`<root>/schedule`: the plan for the horizon."""

    id: str
    ts: Instant
    until: Instant
    station: str
    rows: tuple[ScheduleRow, ...] = ()
    energy_kwh: float | None = None
    energy_std_kwh: float | None = None  # by what the curves may be off, its speeds kept
    peak_kw: float | None = None  # the highest step, where there is a demand charge
    cost: float | None = None  # a demand charge included as far as the month's peak is exceeded
    cost_std: float | None = None  # likewise
    weighed: float | None = None  # money that even running hours and the preferred pressure counted for; not in `cost`
    currency: str | None = None
    method: str | None = None
    forecast: str | None = None  # method by which what is drawn or flows in was foretold
    starts: Annotated[int, Field(ge=0)] | None = None  # of all pumps together
    level_end: float | None = None  # m, that the last level was asked to reach; none where it cannot be
    water_value: float | None = None  # money per m³ that what is left at the end counted for, where it has no level
    beyond_learnt: tuple[str, ...] = ()  # pumps that leave what their curves were learnt from, by 5 % at most
    works: tuple[PlannedWorks, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    unchecked: tuple[str, ...] = ()  # limits of the advice for now that too little is known of for a plan
    within_steps: tuple[str, ...] = ()  # limits that are left within a step, each at its worst, for people
    why: str | None = None  # where there is no plan
    doubt: str | None = None  # which tags that it rests on too little was measured of
    stale: bool = False
