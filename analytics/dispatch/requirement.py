"""What the site requires of a header: a flow, in which more or less may be worth something, or a pressure."""

from dataclasses import dataclass, replace
from typing import Protocol, Self

import numpy as np

from analytics.dispatch.demand import HeadBand, SystemCurve

HELD = 0.02  # share by which a flow or head may miss what is required and be it: controllers and meters are no better
_TIGHT = 0.5  # of that, while a change holds: else one at its edge would come and go with the noise of a meter
_LEAST_HELD = 0.1  # m, likewise of a head
_BEYOND = 0.1  # share by which flows may leave those that the system's curve was learnt from


class Requirement(Protocol):
    """What counts instead of what is delivered now."""

    def broken(self, flow: float, head: float) -> str | None:
        """That the present *flow*, m³/h, and *head*, m, are not what is required, in a sentence."""

    def unknown(self, flow: float, head: float) -> str | None:
        """Why nothing can be planned that would be, in a sentence."""

    def demand(self, flow: float, head: float, modelled: float) -> HeadBand | SystemCurve:
        """What is to be served, where the model sees *modelled* m³/h in the present flow."""

    def head_std(self, head: float, modelled: float, flow: float) -> float:
        """How uncertain the head is at a *flow* other than the *modelled* one, as a share of the *head*."""

    def tightened(self) -> "Requirement":
        """The same while a change that was advised holds."""


@dataclass(frozen=True, slots=True)
class RequiredHead:
    """The flow of now at a head that is given."""

    head: float  # m
    why: str  # a clause: who has to hold what
    head_min: float | None = None  # m, that the site allows
    head_max: float | None = None
    is_tight: bool = False  # a change holds

    def broken(self, flow: float, head: float) -> str | None:  # noqa: ARG002 - protocol
        """Where a gauge can tell."""
        return None if self._is_held(head) else f"{self.why}, and has {_compared(head, self.head, 'm')}."

    def unknown(self, flow: float, head: float) -> str | None:  # noqa: ARG002 - protocol
        """Never."""
        return None

    def demand(self, flow: float, head: float, modelled: float) -> HeadBand:  # noqa: ARG002 - protocol
        """The head of now, where that is the required one; within what is allowed, whatever is required."""
        wanted = head if self._is_held(head) else self.head
        wanted = wanted if self.head_min is None else max(wanted, self.head_min)
        wanted = wanted if self.head_max is None else min(wanted, self.head_max)
        return HeadBand(modelled, wanted, wanted)

    def head_std(self, head: float, modelled: float, flow: float) -> float:  # noqa: ARG002 - protocol
        """None: it is held."""
        return 0.0

    def tightened(self) -> Self:
        """Held only as near as half as much."""
        return replace(self, is_tight=True)

    def _is_held(self, head: float) -> bool:
        share = HELD * (_TIGHT if self.is_tight else 1.0)
        return abs(head - self.head) <= max(share * self.head, _LEAST_HELD)


@dataclass(frozen=True, slots=True)
class System:
    """How the head follows the flow: through the present duty, and as steep as was learnt."""

    resistance: float  # m per (m³/h)²
    resistance_std: float
    flow_range: tuple[float, float]  # m³/h, that it was learnt from

    def head(self, flow: float, head: float, other: float) -> float:
        """The head at an *other* flow than that of now, m."""
        return head + self.resistance * (other**2 - flow**2)


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
        low, high = self.system.flow_range
        if not (1 - _BEYOND) * low <= wanted <= (1 + _BEYOND) * high:
            seen = f"the system's curve was learnt between {low:.0f} and {high:.0f} m³/h"
            return f"Which head the header has at {wanted:.0f} m³/h is not known: {seen}."
        needed = self.system.head(flow, head, wanted)
        if self._window(flow, head) is None and (limit := self._limit(needed)) is not None:
            return f"At {wanted:.0f} m³/h the head is {needed:.1f} m, {limit} that the site allows."
        return None

    def demand(self, flow: float, head: float, modelled: float) -> HeadBand | SystemCurve:
        """The flow of now where that is the required one; a window of flows, where more or less is worth something."""
        scale = modelled / flow  # what the model sees of a flow that the meter shows
        window = self._window(flow, head)
        if isinstance(self.system, str) or window is None:
            return HeadBand(modelled, head, head)
        if self.share == 0.0 or self.worth_kw <= 0.0:
            wanted = flow if self._is_held(flow) else self.flow
            there = self.system.head(flow, head, wanted)
            return HeadBand(wanted * scale, there, there)
        static, resistance = head - self.system.resistance * flow**2, self.system.resistance / scale**2
        return SystemCurve(static, resistance, window[0] * scale, window[1] * scale, self.worth_kw)

    def head_std(self, head: float, modelled: float, flow: float) -> float:
        """Of the resistance."""
        std = 0.0 if isinstance(self.system, str) else self.system.resistance_std
        return std * abs(flow**2 - modelled**2) / head

    def tightened(self) -> Self:
        """Held only as near as half as much; as near as the site allows, where that is given."""
        return replace(self, is_tight=True)

    def _is_held(self, flow: float) -> bool:
        accuracy = self.accuracy * (_TIGHT if self.is_tight else 1.0)
        return abs(flow - self.flow) <= max(self.share, accuracy) * self.flow

    def _limit(self, head: float) -> str | None:
        """That a head is beyond what is allowed, by more than a gauge may be off."""
        if self.head_min is not None and head < self.head_min - _LEAST_HELD:
            return f"below the {self.head_min:.1f} m"
        if self.head_max is not None and head > self.head_max + _LEAST_HELD:
            return f"above the {self.head_max:.1f} m"
        return None

    def _window(self, flow: float, head: float) -> tuple[float, float] | None:
        """Flows by the meter, m³/h, that may be delivered at heads that are allowed; None where there are none."""
        if isinstance(self.system, str):
            return None
        share = self.share if self.worth_kw > 0.0 else 0.0
        learnt = (1 - _BEYOND) * self.system.flow_range[0], (1 + _BEYOND) * self.system.flow_range[1]
        low, high = max((1 - share) * self.flow, learnt[0]), min((1 + share) * self.flow, learnt[1])
        bounds = []
        for limit, none in ((self.head_min, 0.0), (self.head_max, np.inf)):
            room = flow**2 + ((limit if limit is not None else head) - head) / self.system.resistance
            bounds.append(none if limit is None else float(np.sqrt(max(room, 0.0))))
        low, high = max(low, bounds[0]), min(high, bounds[1])
        return (low, high) if low <= high else None


def _compared(now: float, required: float, unit: str) -> str:
    """The present figure, as fine as it takes to tell it from the required one."""
    return f"{now:.{0 if abs(now - required) >= 1 else 1}f} {unit}"
