"""What the site requires of a header: a flow, in which more or less may be worth something, or a pressure."""

from dataclasses import dataclass, replace
from typing import Protocol, Self

import numpy as np

from analytics.dispatch.demand import HeadBand, SystemCurve
from analytics.dispatch.system import ANY, BEYOND, System

HELD = 0.02  # share by which a flow or head may miss what is required and be it: controllers and meters are no better
_TIGHT = 0.5  # of that, while a change holds: else one at its edge would come and go with the noise of a meter
_LEAST_HELD = 0.1  # m, likewise of a head
_FLAT = 1e-12  # m per (m³/h)²; no pipe has less


class Requirement(Protocol):
    """What counts instead of what is delivered now."""

    @property
    def system(self) -> System | str | None:
        """How the head follows the flow; or why that is not known, a clause."""

    def broken(self, flow: float, head: float) -> str | None:
        """That the present *flow*, m³/h, and *head*, m, are not what is required, in a sentence."""

    def unknown(self, flow: float, head: float) -> str | None:
        """Why nothing can be planned that would be, in a sentence."""

    def demand(
        self, flow: float, head: float, modelled: float, pumps: frozenset[str] = ANY
    ) -> HeadBand | SystemCurve | None:
        """What *pumps* are to serve, where the model sees *modelled* m³/h in the present flow; None: they may not."""

    def doubt(self, head: float, modelled: float, flow: float, pumps: frozenset[str]) -> float:
        """How uncertain the duty of *pumps* at *flow*, m³/h, is where the *modelled* one is that of now, as a share."""

    def tightened(self) -> "Requirement":
        """The same while a change that was advised holds."""


@dataclass(frozen=True, slots=True)
class SameFlow:
    """Nothing is asked: the flow of now, at the head that the system makes of it.

    No other pressure is planned for it, as it would be another flow. Where the present head is not allowed, the flow
    is the nearest one whose head is.
    """

    system: System
    head_min: float | None = None  # m, that the site allows
    head_max: float | None = None

    def broken(self, flow: float, head: float) -> str | None:  # noqa: ARG002 - protocol
        """Never."""
        return None

    def unknown(self, flow: float, head: float) -> str | None:
        """Where no flow is known that has an allowed head."""
        return _unreached(self.system, flow, head, clipped(head, self.head_min, self.head_max))

    def demand(
        self, flow: float, head: float, modelled: float, pumps: frozenset[str] = ANY
    ) -> HeadBand | SystemCurve | None:
        """Of pumps whose water takes other pipes, the same flow at an allowed head or none."""
        scale, wanted = _scale(flow, modelled), clipped(head, self.head_min, self.head_max)
        if not self.system.is_like_now(pumps):
            there = self.system.head(flow, head, flow, pumps)
            is_allowed = wanted == head and there > 0.0 and clipped(there, self.head_min, self.head_max) == there
            return self.system.curve((flow, head), scale, (flow, flow), pumps) if is_allowed else None
        then = flow if wanted == head else self.system.flow_at(flow, head, wanted)
        return None if then is None else self.system.curve((flow, head), scale, (then, then), pumps)

    def doubt(self, head: float, modelled: float, flow: float, pumps: frozenset[str]) -> float:
        """That of the head."""
        return self.system.doubt(modelled, flow, pumps) / head

    def tightened(self) -> Self:
        """As it is."""
        return self


@dataclass(frozen=True, slots=True)
class RequiredHead:
    """A head that is given: for the flow of now where something else holds it, else for the flow that has it."""

    head: float  # m
    why: str  # a clause: who has to hold what
    head_min: float | None = None  # m, that the site allows
    head_max: float | None = None
    system: System | str = "something else holds the head"  # or why there is none, a clause
    is_known: bool = True  # that the head does not follow the flow, where there is no system; else nobody knows
    is_tight: bool = False  # a change holds

    def broken(self, flow: float, head: float) -> str | None:  # noqa: ARG002 - protocol
        """Where a gauge can tell."""
        return None if self._is_held(head) else f"{self.why}, and has {_compared(head, self.head, 'm')}."

    def unknown(self, flow: float, head: float) -> str | None:
        """Where no flow is known that has it."""
        wanted = self._wanted(head)
        if isinstance(self.system, System):
            return _unreached(self.system, flow, head, wanted)
        if self.is_known or wanted == head:
            return None
        return f"Which flow the header has at {wanted:.1f} m is not known: {self.system}."

    def demand(
        self, flow: float, head: float, modelled: float, pumps: frozenset[str] = ANY
    ) -> HeadBand | SystemCurve | None:
        """The head of now, where that is the required one; within what is allowed, whatever is required.

        Pumps whose water takes other pipes would deliver another flow at the same head: they are not compared.
        """
        wanted = self._wanted(head)
        if isinstance(self.system, str):
            return HeadBand(modelled, wanted, wanted)
        then = flow if wanted == head else self.system.flow_at(flow, head, wanted)
        if then is None or not self.system.is_like_now(pumps):
            return None
        return self.system.curve((flow, head), _scale(flow, modelled), (then, then), pumps)

    def doubt(self, head: float, modelled: float, flow: float, pumps: frozenset[str]) -> float:  # noqa: ARG002 - protocol
        """Of the flow that has it: half of what the system's own head is uncertain by, as that goes with its square."""
        if isinstance(self.system, str):
            return 0.0
        return self.system.doubt(modelled, flow, pumps) / (2 * max(self.system.of(pumps), _FLAT) * flow**2)

    def tightened(self) -> Self:
        """Held only as near as half as much."""
        return replace(self, is_tight=True)

    def _wanted(self, head: float) -> float:
        return clipped(head if self._is_held(head) else self.head, self.head_min, self.head_max)

    def _is_held(self, head: float) -> bool:
        share = HELD * (_TIGHT if self.is_tight else 1.0)
        return abs(head - self.head) <= max(share * self.head, _LEAST_HELD)


@dataclass(frozen=True, slots=True)
class RequiredFlow:
    """A flow that is given, at the head that the system makes of it."""

    flow: float  # m³/h, by the header's meter
    why: str  # a clause: who has to deliver what
    system: System | str  # or why it is not known, a clause
    share: float = 0.0  # of it, by which more or less may be delivered
    worth_kw: float = 0.0  # of each m³/h more or less, as power
    accuracy: float = HELD  # share to which it is known itself
    head_min: float | None = None  # m, that the site allows
    head_max: float | None = None
    is_tight: bool = False  # a change holds

    def broken(self, flow: float, head: float) -> str | None:  # noqa: ARG002 - protocol
        """Where the header's meter can tell."""
        return None if self._is_held(flow) else f"{self.why}, and delivers {_compared(flow, self.flow, 'm³/h')}."

    def unknown(self, flow: float, head: float) -> str | None:
        """Where the flow has to change and nobody knows to which head, or to one that is not allowed."""
        wanted = flow if self._is_held(flow) else self.flow
        if wanted == flow and self._limit(head) is None:
            return None
        if wanted <= 0.0:
            return f"{self.why}: no pump need run for that."
        if isinstance(self.system, str):
            return f"Which head the header has at another flow is not known: {self.system}."
        if (seen := self.system.unseen(wanted)) is not None:
            return f"Which head the header has at {wanted:.0f} m³/h is not known: {seen}."
        needed = self.system.head(flow, head, wanted)
        if self._window(flow, head, self.system.running) is None and (limit := self._limit(needed)) is not None:
            return f"At {wanted:.0f} m³/h the head is {needed:.1f} m, {limit} that the site allows."
        return None

    def demand(
        self, flow: float, head: float, modelled: float, pumps: frozenset[str] = ANY
    ) -> HeadBand | SystemCurve | None:
        """The flow of now where that is the required one; a window of flows, where more or less is worth something."""
        if isinstance(self.system, str):
            return HeadBand(modelled, head, head)
        window = self._window(flow, head, pumps)
        if window is None:
            return HeadBand(modelled, head, head) if self.system.is_like_now(pumps) else None
        wanted = flow if self._is_held(flow) else self.flow
        is_priced = self.share > 0.0 and self.worth_kw > 0.0
        curve = self.system.curve(
            (flow, head), _scale(flow, modelled), window if is_priced else (wanted, wanted), pumps
        )
        return replace(curve, extra_worth=self.worth_kw) if is_priced else curve

    def doubt(self, head: float, modelled: float, flow: float, pumps: frozenset[str]) -> float:
        """That of the head."""
        return 0.0 if isinstance(self.system, str) else self.system.doubt(modelled, flow, pumps) / head

    def tightened(self) -> Self:
        """Held only as near as half as much; as near as the site allows, where that is given."""
        return replace(self, is_tight=True)

    def _is_held(self, flow: float) -> bool:
        if flow == 0.0 and self.flow <= 0.0:
            return True  # pumps cannot deliver less
        accuracy = self.accuracy * (_TIGHT if self.is_tight else 1.0)
        return abs(flow - self.flow) <= max(self.share, accuracy) * self.flow

    def _limit(self, head: float) -> str | None:
        """That a head is beyond what is allowed, by more than a gauge may be off."""
        if self.head_min is not None and head < self.head_min - _LEAST_HELD:
            return f"below the {self.head_min:.1f} m"
        if self.head_max is not None and head > self.head_max + _LEAST_HELD:
            return f"above the {self.head_max:.1f} m"
        return None

    def _window(self, flow: float, head: float, pumps: frozenset[str]) -> tuple[float, float] | None:
        """Flows by the meter, m³/h, that *pumps* may deliver at heads that are allowed; None where there are none."""
        if isinstance(self.system, str):
            return None
        share = self.share if self.worth_kw > 0.0 else 0.0
        learnt = (1 - BEYOND) * self.system.flow_range[0], (1 + BEYOND) * self.system.flow_range[1]
        low, high = max((1 - share) * self.flow, learnt[0]), min((1 + share) * self.flow, learnt[1])
        static, resistance = self.system.head(flow, head, 0.0), max(self.system.of(pumps), _FLAT)
        bounds = []
        for limit, none in ((self.head_min, 0.0), (self.head_max, np.inf)):
            room = ((limit if limit is not None else head) - static) / resistance
            bounds.append(none if limit is None else float(np.sqrt(max(room, 0.0))))
        low, high = max(low, bounds[0]), min(high, bounds[1])
        return (low, high) if low <= high else None


def _scale(flow: float, modelled: float) -> float:
    """What the model sees of a flow that the meter shows."""
    return modelled / flow if modelled > 0.0 else 1.0


def clipped(head: float, low: float | None, high: float | None) -> float:
    """The nearest head, m, that is allowed; *head* itself where a gauge could not tell that it is not."""
    nearest = head if low is None else max(head, low)
    nearest = nearest if high is None else min(nearest, high)
    return head if abs(nearest - head) <= _LEAST_HELD else nearest


def _unreached(system: System, flow: float, head: float, wanted: float) -> str | None:
    """Why no flow is known that has the *wanted* head, in a sentence."""
    if wanted == head:
        return None
    then = system.flow_at(flow, head, wanted)
    if then is None:
        return f"No flow has a head of {wanted:.1f} m: without any it is {system.head(flow, head, 0.0):.1f} m."
    seen = system.unseen(then)
    return None if seen is None else f"{wanted:.1f} m of head take {then:.0f} m³/h, and {seen}."


def _compared(now: float, required: float, unit: str) -> str:
    """The present figure, as fine as it takes to tell it from the required one."""
    return f"{now:.{0 if abs(now - required) >= 1 else 1}f} {unit}"
