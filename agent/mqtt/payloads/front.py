"""What can be traded: energy, starts and pressure against each other."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from agent.mqtt.instant import Instant
from agent.mqtt.payloads.payload import Count, Payload


class FrontPoint(Payload):
    """One way to serve the present flow, which no other beats in energy, starts and pressure at once."""

    power_kw: float
    starts: Count  # pumps that it would start
    head: float
    head_off: Annotated[float, Field(ge=0)]  # m, away from the front's `head`
    gap: Annotated[float, Field(ge=0)]  # of optimality for its set and head, share of the power
    pumps: tuple[str, ...]  # that run
    speeds: tuple[float, ...]  # theirs


class Front(Payload):
    """`<root>/front`: the ways that no other beats, the least energy first."""

    ts: Instant
    expires: Instant
    station: str
    header: str
    points: tuple[FrontPoint, ...] = ()
    proposed: Count | None = None  # which of them, 0 the first
    why: str  # it is that one, or there are none
    flow: float | None = None  # m³/h, served by all of them
    head: float | None = None  # m, from which pressure is counted
    method: str | None = None
    solve_ms: Annotated[float, Field(ge=0)] | None = None
    stale: bool = False

    @model_validator(mode="after")
    def _proposes_one_of_them(self) -> Self:
        if self.proposed is not None and self.proposed >= len(self.points):
            raise ValueError("the proposed way is one of the points")
        return self
