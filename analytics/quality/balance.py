"""A counter against the rate it counts: ΔkWh against ∫P dt, Δm³ against ∫Q dt."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_STEPS = 10  # of the counter before it is judged
_LEAST_MS = 1_800_000  # and time
_STILL_MS = 86_400_000  # that a counter may stand while its rate does not: some count a thousand at once


@dataclass(frozen=True, slots=True)
class Verdict:
    """What counter and rate said over the same time."""

    counted: float
    integrated: float
    tolerance: float
    hours: float

    @property
    def agrees(self) -> bool:
        """Whether they tell the same story."""
        return abs(self.counted - self.integrated) <= self.tolerance


@dataclass(slots=True)
class Balance:
    """Both sums since the last verdict.

    |ΔC - ∫r dt| ≤ share ∫r dt + 1.5 steps of the counter, judged at the end of a portion after half an hour at least,
    and ten steps, or what would have been twenty of the largest steps ever seen. A counter that has never moved is
    judged after a day.
    """

    counter: float | None = None  # its newest state
    is_known: bool = False  # in the newest cell
    counted: float = 0.0
    integrated: float = 0.0
    elapsed_ms: int = 0
    step: float = 0.0  # the largest between two cells
    steps: int = 0
    top: float | None = None  # what the counter showed before it last fell

    def update(self, counter: Floats, rate: Floats, step_ms: int, share: float = 0.1) -> list[Verdict]:
        """Take in cells of *step_ms*: the counter's states and the rate per hour, shape (n,), NaN where not known.

        A cell without both, or in which the counter fell or came back from a fall, is left out of both sums: a glitch
        of a seventh of its count would else be the largest step for ever. So is the rise over a hole, in which nobody
        knows the rate. They may differ by *share* of what the rate makes, beside the counter's steps.
        """
        previous = np.concatenate([[np.nan if self.counter is None else self.counter], _forward(counter, self.counter)])
        rise = counter - previous[:-1]
        has_fallen = rise < 0
        known = np.concatenate([[self.is_known], np.isfinite(counter)])
        use = known[1:] & known[:-1] & np.isfinite(rise + rate) & ~has_fallen
        if self.top is not None or has_fallen.any():
            tops = _forward(np.where(has_fallen, previous[:-1], np.nan), self.top)
            use &= ~((previous[:-1] < tops) & (counter >= tops))
            self.top = float(tops[-1]) if len(tops) and np.isfinite(tops[-1]) else self.top
        self.counted += float(rise[use].sum())
        self.integrated += float(rate[use].sum()) * step_ms / 3_600_000
        self.elapsed_ms += int(use.sum()) * step_ms
        self.step = max(self.step, float(rise[use].max(initial=0.0)))
        self.steps += int((rise[use] > 0).sum())
        self.counter = float(previous[-1]) if np.isfinite(previous[-1]) else None
        self.is_known = bool(known[-1])
        return self._judged(share)

    def _judged(self, share: float) -> list[Verdict]:
        is_slow = self.integrated > 2 * _STEPS * self.step and (self.step > 0 or self.elapsed_ms >= _STILL_MS)
        if self.elapsed_ms < _LEAST_MS or not (self.steps >= _STEPS or is_slow):
            return []
        tolerance = share * abs(self.integrated) + 1.5 * self.step
        found = Verdict(self.counted, self.integrated, tolerance, self.elapsed_ms / 3_600_000)
        self.counted = self.integrated = 0.0
        self.elapsed_ms = self.steps = 0
        return [found]


def _forward(values: Floats, before: float | None) -> Floats:
    """The last known value at each place, shape (n,)."""
    place = np.where(np.isfinite(values), np.arange(len(values)), -1)
    last = np.maximum.accumulate(place) if len(values) else place
    first = np.nan if before is None else before
    return np.where(last >= 0, values[np.maximum(last, 0)], first)
