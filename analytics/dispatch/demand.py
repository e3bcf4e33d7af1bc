"""What is asked of the header: a curve of flow and head along which one scalar may be chosen."""

from dataclasses import dataclass, replace
from typing import Protocol, Self

import numpy as np

from analytics.dispatch.pump import Array


class Demand(Protocol):
    """A curve in the plane of flow and head, walked by one scalar from `low` to `high`."""

    @property
    def low(self) -> float:
        """Where the scalar begins."""

    @property
    def high(self) -> float:
        """Where it ends; may equal `low`."""

    @property
    def bends(self) -> tuple[float, ...]:
        """Places between them where its worth has a corner."""

    def flow(self, at: Array) -> Array:
        """Flow through the header, m³/h."""

    def head(self, at: Array) -> Array:
        """Head at the header, m."""

    def worth(self, at: Array) -> Array:
        """What this place on the curve is worth, kW; deducted from the cost."""

    def away(self, at: Array) -> Array:
        """How far the head is from a preferred one, m; 0 where none is preferred."""


@dataclass(frozen=True, slots=True)
class HeadBand:
    """A given flow at any head in a band; a band of no width is a given duty."""

    total: float  # m³/h
    low: float  # m
    high: float  # m
    preferred: float | None = None  # m
    deviation_kw: float = 0.0  # kW for each m of head away from the preferred one, on either side

    @property
    def usual(self) -> float:
        """The flow that is asked for, m³/h."""
        return self.total

    def scaled(self, share: float) -> Self:
        """That share of the flow in the same band."""
        return replace(self, total=share * self.total)

    def worth_of(self, flow: float, head: float) -> float:  # noqa: ARG002 - of a place beside it, too
        """What a duty is worth, kW."""
        return float(self.worth(np.array(head)))

    @property
    def bends(self) -> tuple[float, ...]:
        """At the preferred head, if it is one of the band and worth something."""
        head = self.preferred
        return (head,) if head is not None and self.deviation_kw > 0 and self.low < head < self.high else ()

    def flow(self, at: Array) -> Array:
        """The given flow."""
        return np.full_like(at, self.total)

    def head(self, at: Array) -> Array:
        """The scalar is the head."""
        return at

    def worth(self, at: Array) -> Array:
        """The nearer to the preferred head the better."""
        return np.asarray(-self.deviation_kw * self.away(at))

    def away(self, at: Array) -> Array:
        """From the preferred head."""
        return np.zeros_like(at) if self.preferred is None else np.asarray(np.abs(at - self.preferred))


@dataclass(frozen=True, slots=True)
class SystemCurve:
    """A flow in a band against a system: head = static_head + resistance · flow²."""

    static_head: float  # m
    resistance: float  # m per (m³/h)²
    low: float  # m³/h
    high: float  # m³/h
    extra_worth: float = 0.0  # kW of each m³/h more

    @property
    def usual(self) -> float:
        """The flow in its middle, m³/h."""
        return (self.low + self.high) / 2

    def scaled(self, share: float) -> Self:
        """That share of both flows against the same system."""
        return replace(self, low=share * self.low, high=share * self.high)

    def worth_of(self, flow: float, head: float) -> float:  # noqa: ARG002 - of a place beside it, too
        """What a duty is worth, kW."""
        return float(self.worth(np.array(flow)))

    def pinned(self) -> HeadBand:
        """Its usual flow, which is worth nothing more, at the head that belongs to it."""
        head = float(self.head(np.array(self.usual)))
        return HeadBand(self.usual, head, head)

    @property
    def bends(self) -> tuple[float, ...]:
        """None."""
        return ()

    def flow(self, at: Array) -> Array:
        """The scalar is the flow."""
        return at

    def head(self, at: Array) -> Array:
        """The system's head at that flow."""
        return self.static_head + self.resistance * at**2

    def worth(self, at: Array) -> Array:
        """Value of the water beyond what must be delivered."""
        return self.extra_worth * (at - self.low)

    def away(self, at: Array) -> Array:
        """The system makes the head; none is preferred."""
        return np.zeros_like(at)
