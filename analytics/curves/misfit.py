"""What pumps owe to no model's form, told by residuals that are no noise, and at which speeds they were seen at all.

Residuals of one set of pumps at about one duty have noise of their own and an error in common. With n of them in a
group, mean m and s² the variance within groups, the common part has the variance Σ n (m² - s²/n) / Σ n over the groups
(lack of fit, analysis of variance; Fisher, 1925). It is what is left of a pump that is no parabola, or does not quite
follow the affinity laws, once the fit has done its best; what the fit could absorb is no error.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.curves.points import Points
from analytics.hydraulics import Floats

GROUPS = 6  # of a set, by head
LEAST = 4  # residuals in a group that is looked at
OUTLYING = 4.0  # robust standard deviations
BANDS = 5  # equal parts of a pump's range of flows
OUTERMOST = 0.02  # share of the speeds at either end that does not widen a band


@dataclass(frozen=True, slots=True)
class Misfit:
    """Standard deviations as shares of what is told; NaN where it is not measured or there is too little of it.

    Attributes:
        total: Of the head, by which the header's total flow is missed: where the curves are flat, much flow.
        heads: The same of each pump's own flow.
        powers: Of each pump's power.
        bands: Of each pump and each of `BANDS` equal parts of its flows φ, least and greatest relative speed at which
            it was seen there; NaN where it was not.
    """

    total: float = np.nan
    heads: tuple[float, ...] = ()
    powers: tuple[float, ...] = ()
    bands: tuple[tuple[tuple[float, float], ...], ...] = ()


def misfit(points: Points, flows: Floats, slopes: Floats, powers: Floats, ranges: Floats) -> Misfit:
    """How a model that says *flows* and *powers*, (n, pumps), at the points misses what was measured.

    Args:
        points: What it was learnt from.
        flows: Each pump's, m³/h; 0 where it stands.
        slopes: Of each pump's flow by a share of the head, m³/h, below 0.
        powers: As the flows, kW.
        ranges: Least and greatest φ of each pump, (pumps, 2), m³/h.
    """
    group = _groups(points)
    each = range(points.running.shape[1])
    runs = points.running
    return Misfit(
        total=_common(_off(points.flow, flows.sum(axis=1), slopes.sum(axis=1)), group),
        heads=tuple(_common(_off(points.pump_flows[:, one], flows[:, one], slopes[:, one]), group) for one in each),
        powers=tuple(_common(_off(points.powers[:, one], powers[:, one], powers[:, one]), group) for one in each),
        bands=tuple(_bands(flows[runs[:, one], one], points.speeds[runs[:, one], one], ranges[one]) for one in each),
    )


def _off(measured: Floats, said: Floats, of: Floats) -> Floats:
    """Share *of* something by which what is measured is off, (n,); NaN where nothing runs."""
    return np.asarray(np.divide(measured - said, of, out=np.full(len(said), np.nan), where=said > 0.0))


def _groups(points: Points) -> NDArray[np.int64]:
    """Numbers of groups: the same pumps at about the same head, (n,)."""
    _, which = np.unique(points.running, axis=0, return_inverse=True)
    found = np.zeros(len(points), dtype=np.int64)
    for one in range(int(which.max(initial=-1)) + 1):
        own = np.flatnonzero(which.ravel() == one)
        rank = np.argsort(np.argsort(points.head[own], kind="stable"), kind="stable")
        found[own] = GROUPS * one + rank * GROUPS // len(own)
    return found


def _common(off: Floats, group: NDArray[np.int64]) -> float:
    """Standard deviation of what residuals of a group have in common."""
    known = np.isfinite(off)
    if not known.any():
        return np.nan
    middle = np.median(off[known])
    scale = 1.4826 * np.median(np.abs(off[known] - middle))
    known &= np.abs(np.nan_to_num(off, nan=np.inf) - middle) <= OUTLYING * scale
    off, group = off[known], group[known]
    count = np.bincount(group).astype(np.float64)
    mean = np.bincount(group, off) / np.maximum(count, 1.0)
    squares = np.bincount(group, off**2) - count * mean**2
    asked = count >= LEAST
    if not asked.any():
        return np.nan
    noise = squares[asked].sum() / (count[asked] - 1.0).sum()
    return float(np.sqrt(max(float((count * mean**2 - noise)[asked].sum()) / float(count[asked].sum()), 0.0)))


def _bands(flow: Floats, speed: Floats, learnt: Floats) -> tuple[tuple[float, float], ...]:
    """Least and greatest speed in each part of the flows that were *learnt*."""
    low, high = learnt
    place = np.floor(BANDS * (flow / speed - low) / max(high - low, 1e-9))
    found = []
    for band in range(BANDS):
        seen = speed[place == band]
        ends = np.quantile(seen, [OUTERMOST, 1.0 - OUTERMOST]) if len(seen) >= LEAST else [np.nan, np.nan]
        found.append((float(ends[0]), float(ends[1])))
    return tuple(found)
