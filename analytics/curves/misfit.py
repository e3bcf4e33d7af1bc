"""What pumps owe to no model's form, told by residuals that are no noise, and at which speeds they were seen at all.

Residuals of one set of pumps at about one duty have noise of their own and an error in common. With n of them in a
group, mean m and s² the variance within groups, the common part has the variance Σ n (m² - s²/n) / Σ n over the groups
(lack of fit, analysis of variance; Fisher, 1925). It is what is left of a pump that is no parabola, or does not quite
follow the affinity laws, once the fit has done its best; what the fit could absorb is no error.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.curves.points import Points
from analytics.hydraulics import Floats

GROUPS = 6  # of a set, by head
TIMES = 5  # parts of the time
LEAST = 4  # residuals in a group that is looked at
OUTLYING = 4.0  # robust standard deviations
BANDS = 5  # equal parts of a pump's range of flows
OUTERMOST = 0.02  # share of the speeds at either end that does not widen a band
LEAST_NOISE = 0.003  # of a residual, a share; less within groups is a meter that stands still or rounds


@dataclass(frozen=True, slots=True)
class Misfit:
    """Standard deviations as shares of what is told; NaN where it is not measured or there is too little of it.

    Attributes:
        total: Of the head, by which the header's total flow is missed: where the curves are flat, much flow.
        heads: The same of each pump's own flow.
        powers: Of each pump's power.
        works: The same of each pump's power for the flow that is measured, whatever speed it takes: a pump of which
            flow and power are missed together needs no more for its flow. Where flows have no meter of their own, the
            like of all pumps, as the totals of their sets show it.
        lack: Variance of the parameters for each that a fit states: points of a group that are off together tell it
            no more than few would (mean square for lack of fit over that of pure error; at least 1).
        lasts: Of a set's power for its flow in a fifth of the time, whatever the head.
        bands: Of each pump and each of `BANDS` equal parts of its flows φ, least and greatest relative speed at which
            it was seen there; NaN where it was not.
    """

    total: float = np.nan
    heads: tuple[float, ...] = ()
    powers: tuple[float, ...] = ()
    bands: tuple[tuple[tuple[float, float], ...], ...] = ()
    works: tuple[float, ...] = ()
    lack: float = 1.0
    lasts: float = np.nan


class Said(NamedTuple):
    """What a model says at points, each (n, pumps); 0 where a pump stands.

    Attributes:
        flows: Each pump's, m³/h.
        slopes: Of each pump's flow by a share of the head, m³/h, below 0.
        powers: As the flows, kW.
        more_flows: The flows at speeds that are a little higher.
        more_powers: The powers at those speeds.
    """

    flows: Floats
    slopes: Floats
    powers: Floats
    more_flows: Floats
    more_powers: Floats


def misfit(points: Points, said: Said, ranges: Floats) -> Misfit:
    """How a model misses what was measured.

    Args:
        points: What it was learnt from.
        said: By the model at the points.
        ranges: Least and greatest φ of each pump, (pumps, 2), m³/h.
    """
    group = _groups(points)
    each = range(points.running.shape[1])
    runs = points.running
    flows, slopes, powers, *_ = said
    power = np.where(runs, points.powers, 0.0)
    total = Said(*(values.sum(axis=1) for values in said))
    together = _for_flow(power.sum(axis=1), points.flow, total)
    own = _for_flow(power, points.pump_flows, said)
    alike = _common(_shared(together, np.sqrt((powers**2).sum(axis=1))), group)
    works = [_common(_shared(*of_one), group) for of_one in zip(own.T, powers.T, strict=True)]
    of_sets = _shared(together, total.powers)
    return Misfit(
        total=_common(_off(points.flow, flows.sum(axis=1), slopes.sum(axis=1)), group),
        heads=tuple(_common(_off(points.pump_flows[:, one], flows[:, one], slopes[:, one]), group) for one in each),
        powers=tuple(_common(_off(points.powers[:, one], powers[:, one], powers[:, one]), group) for one in each),
        bands=tuple(_bands(flows[runs[:, one], one], points.speeds[runs[:, one], one], ranges[one]) for one in each),
        works=tuple(alike if np.isnan(one) else one for one in works),
        lack=_lack(of_sets, group),
        lasts=_common(_apart(of_sets, group), _times(points)),
    )


def _for_flow(power: Floats, flow: Floats, said: Said) -> Floats:
    """Power above what is said of the *flow*, kW: of more flow than is said, what it takes at higher speeds."""
    gained = said.more_flows - said.flows
    price = _shared(said.more_powers - said.powers, gained)
    return np.asarray(power - said.powers - price * (flow - said.flows))


def _off(measured: Floats, said: Floats, of: Floats) -> Floats:
    """Share *of* something by which what is measured is off, (n,); NaN where nothing runs."""
    return np.asarray(np.divide(measured - said, of, out=np.full(len(said), np.nan), where=said > 0.0))


def _shared(values: Floats, by: Floats) -> Floats:
    """A quotient; NaN where *by* is nothing, or is not known."""
    return np.asarray(np.divide(values, by, out=np.full(by.shape, np.nan), where=by > 0.0))


def _groups(points: Points) -> NDArray[np.int64]:
    """Numbers of groups: the same pumps at about the same head, (n,)."""
    _, which = np.unique(points.running, axis=0, return_inverse=True)
    found = np.zeros(len(points), dtype=np.int64)
    for one in range(int(which.max(initial=-1)) + 1):
        own = np.flatnonzero(which.ravel() == one)
        rank = np.argsort(np.argsort(points.head[own], kind="stable"), kind="stable")
        found[own] = GROUPS * one + rank * GROUPS // len(own)
    return found


def _usual(off: Floats) -> NDArray[np.bool_]:
    """Which residuals are known, and no outliers, (n,)."""
    known = np.isfinite(off)
    if not known.any():
        return known
    middle = np.median(off[known])
    scale = 1.4826 * np.median(np.abs(off[known] - middle))
    return np.asarray(known & (np.abs(np.nan_to_num(off, nan=np.inf) - middle) <= OUTLYING * scale))


class _Groups(NamedTuple):
    """Those with enough residuals: how many each has, (groups,), their means, and the variance within groups."""

    sizes: Floats
    means: Floats
    noise: float

    @classmethod
    def of(cls, off: Floats, group: NDArray[np.int64]) -> "_Groups | None":
        """None where no group has enough."""
        known = _usual(off)
        off, group = off[known], group[known]
        count = np.bincount(group).astype(np.float64)
        mean = np.bincount(group, off) / np.maximum(count, 1.0)
        squares = np.bincount(group, off**2) - count * mean**2
        asked = count >= LEAST
        if not asked.any():
            return None
        return cls(count[asked], mean[asked], float(squares[asked].sum() / (count[asked] - 1.0).sum()))


def _common(off: Floats, group: NDArray[np.int64]) -> float:
    """Standard deviation of what residuals of a group have in common."""
    found = _Groups.of(off, group)
    if found is None:
        return np.nan
    sizes, means, noise = found
    return float(np.sqrt(max(float((sizes * means**2 - noise).sum() / sizes.sum()), 0.0)))


def _lack(off: Floats, group: NDArray[np.int64]) -> float:
    """Mean square of what groups are off, over that within them; at least 1."""
    found = _Groups.of(off, group)
    if found is None:
        return 1.0
    return max(float((found.sizes * found.means**2).mean()) / max(found.noise, LEAST_NOISE**2), 1.0)


def _apart(off: Floats, group: NDArray[np.int64]) -> Floats:
    """Residuals above their group's mean, (n,); NaN of outliers and what is not known."""
    known = _usual(off)
    count = np.bincount(group[known], minlength=group.max(initial=0) + 1)
    mean = np.bincount(group[known], off[known], minlength=len(count)) / np.maximum(count, 1)
    return np.where(known, off - mean[group], np.nan)


def _times(points: Points) -> NDArray[np.int64]:
    """Numbers of equal parts of the points, by time, (n,)."""
    rank = np.argsort(np.argsort(points.times_ms, kind="stable"), kind="stable")
    return np.asarray(rank * TIMES // max(len(points), 1))


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
