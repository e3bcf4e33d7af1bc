"""How far a curve is one that a centrifugal pump can have."""

from dataclasses import astuple, dataclass

import numpy as np

from analytics.hydraulics import Floats

MOST_EFFICIENT = 0.92  # wire to water; the best pumps on the best motors
VETO = 0.98  # a share below this is a curve that no pump has
MARGIN = 0.2  # beyond the data, at both ends, as a share of their ends
GRID = 61


@dataclass(frozen=True, slots=True)
class Physics:
    """Four shares, each 1 for a curve as pumps have them, over flows from 20 % below the data to 20 % beyond.

    - `falling`: 1 - R/D, R what the head rises right of its peak, summed, and D its whole span; the peak is looked for
      in the lower half of the flows only, so that a head that rises beyond the data has none there;
    - `peaked`: the same of the efficiency, what it rises right of its peak and falls left of it;
    - `positive`: part of the flows at which head and power are finite and above 0;
    - `efficient`: part of the flows at which the efficiency lies between 0 and 0.92.

    The score is their mean. A curve is vetoed where the least of them is below 0.98, whatever its error is.
    Where no power is known, `peaked` and `efficient` are 1.
    """

    falling: float
    peaked: float
    positive: float
    efficient: float

    @property
    def score(self) -> float:
        """0 to 1."""
        return float(np.mean(astuple(self)))

    @property
    def is_vetoed(self) -> bool:
        """No pump has this curve."""
        return bool(min(astuple(self)) < VETO)


def judged_flows(low: float, high: float) -> Floats:
    """The flows over which physics is judged of a curve learnt between *low* and *high*, m³/h at rated speed."""
    return np.linspace(max((1.0 - MARGIN) * low, 0.02 * high), (1.0 + MARGIN) * high, GRID)


def physics(head: Floats, power: Floats, efficiency: Floats) -> Physics:
    """Of a curve at rising flows, each of shape (n,); power and efficiency all NaN where they are not known."""
    known = bool(np.isfinite(power).any())
    positive = np.isfinite(head) & (head > 0.0)
    if known:
        positive &= np.isfinite(power) & (power > 0.0)
    if not positive.all():
        return Physics(0.0, 0.0, float(positive.mean()), 0.0)
    return Physics(
        falling=_falls(head[int(np.argmax(head[: len(head) // 2])) :], head),
        peaked=_is_one_peak(efficiency) if known else 1.0,
        positive=1.0,
        efficient=float(((efficiency > 0.0) & (efficiency <= MOST_EFFICIENT)).mean()) if known else 1.0,
    )


def _falls(part: Floats, whole: Floats) -> float:
    """1 less what *part* rises, as a share of the span of *whole*."""
    rises = float(np.maximum(np.diff(part), 0.0).sum())
    return max(1.0 - rises / max(float(np.ptp(whole)), 1e-12), 0.0)


def _is_one_peak(values: Floats) -> float:
    top = int(np.argmax(values))
    return min(_falls(values[top:], values), _falls(values[: top + 1][::-1], values))
