"""What is advised: recommendation, its journal, and the schedule."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from agent.mqtt.instant import Instant
from agent.mqtt.payloads.payload import Payload, Share, Std


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
    saving_per_hour: float | None = None  # in `currency`
    currency: str | None = None
    reasons: tuple[str, ...] = ()
    active_constraints: tuple[str, ...] = ()
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
    is_uncertain: bool = False  # outside what the curves have learnt
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
    event: Literal["issued", "accepted", "rejected", "expired", "withdrawn", "verified"]
    user: str | None = None
    why: str | None = None
    saving_kw: float | None = None  # as expected
    saving_uncertainty_kw: Std | None = None
    measured_saving_kw: float | None = None
    measured_uncertainty_kw: Std | None = None


class ScheduleRow(Payload):
    """One stretch of a schedule; it lasts until the next row begins."""

    start: Instant = Field(alias="from")
    pumps: tuple[str, ...]
    speeds: tuple[float, ...]
    flow: float
    level: float | None = None  # m, of the tank at the end of the stretch
    power_kw: float | None = None
    cost: float | None = None


class Schedule(Payload):
    """`<root>/schedule`: the plan for the horizon."""

    id: str
    ts: Instant
    until: Instant
    station: str
    rows: tuple[ScheduleRow, ...] = ()
    energy_kwh: float | None = None
    peak_kw: float | None = None  # the highest half hour, where there is a demand charge
    cost: float | None = None  # a demand charge included as far as the month's peak is exceeded
    currency: str | None = None
    method: str | None = None
    why: str | None = None  # where there is no plan
    stale: bool = False
