"""Values against what is possible and usual for their tag."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from analytics.quality.tally import Tally
from analytics.quality.usual import ENOUGH, Extent, update_extents

Floats = NDArray[np.float64]
Times = NDArray[np.int64]
Booleans = NDArray[np.bool_]

_ENDS = (32767.0, -32768.0, 65535.0, 2147483647.0, -2147483648.0, 4294967295.0)  # of registers
_SCALES = (1.0, 0.1, 0.01, 0.001)
SURE_SENTINELS = np.unique(np.round([end * scale for end in _ENDS for scale in _SCALES], 4))
_NINES = (999.0, 9999.0, 99999.0, 999999.0, 999.9, 9999.9, 99.99, 999.99)
SENTINELS = np.unique([*SURE_SENTINELS, *_NINES, *(-nines for nines in _NINES)])  # and what devices write by custom
_LEAST_SENTINEL = 99.0  # smaller ones, like 32.767, are plain numbers
_FAR = 3.0  # times the largest usual value
_STUCK = 10  # readings at the end of the range, one after the other
_SELDOM = 0.01  # share of readings at the end of the range, beyond which that is where the tag lives


@dataclass(frozen=True, slots=True)
class Limits:
    """What is known of a tag's values before any came; in the tag's own unit."""

    low: float = -np.inf  # the least possible value
    high: float = np.inf
    usual_low: float | None = None  # values outside are suspect; None: learnt
    usual_high: float | None = None
    full_scale: tuple[float, ...] = ()  # values at the ends of the register
    sentinels: tuple[float, ...] = ()  # values that mean "no sensor"


@dataclass(slots=True)
class Bounds:
    """What is remembered of a tag's values between two portions."""

    extent: Extent = field(default_factory=Extent)
    usual: tuple[float, float] | None = None  # what `extent` said last
    stuck: int = 0  # readings at the end of the range, up to the last one
    at_end: int = 0  # readings there, of all that came while the plant ran

    def judge(self, values: Floats, times_ms: Times, is_active: Booleans, limits: Limits, tally: Tally) -> Booleans:
        """Which values of one tag are possible, shape (n,); those that are not, or are unusual, are told."""
        possible = self._no_sentinels(values, times_ms, limits, tally)
        if limits.full_scale:
            full = np.isin(values, limits.full_scale) & possible
            tally.add("full_scale", times_ms[full], values[full])
            possible &= ~full
        possible &= within(values, times_ms, limits, tally, possible)
        use = possible & is_active
        self._judge_usual(values, times_ms, use, limits, tally)
        self._judge_stuck(values, times_ms, use, limits, tally)
        update_extents([self.extent], values[None], use[None])
        return possible

    def learn(self, period_ms: int) -> None:
        """Make limits of what was seen."""
        self.extent.settle()
        low, high = self.extent.limits(period_ms)
        self.usual = (low, high) if np.isfinite(high - low) else None

    def usual_of(self, limits: Limits) -> tuple[float, float]:
        """The values beyond which one is unusual, as said or else as learnt."""
        low, high = self.usual or (-np.inf, np.inf)
        return (
            low if limits.usual_low is None else limits.usual_low,
            high if limits.usual_high is None else limits.usual_high,
        )

    def _no_sentinels(self, values: Floats, times_ms: Times, limits: Limits, tally: Tally) -> Booleans:
        """Which values do not mean "no sensor": as told, or ends of registers and such that lie far from all others."""
        found = np.isin(values, limits.sentinels) if limits.sentinels else np.zeros(len(values), np.bool_)
        large = np.abs(values) > max(_LEAST_SENTINEL, _FAR * self.extent.largest)
        if large.any():
            customary = SENTINELS if self.extent.readings >= ENOUGH else SURE_SENTINELS
            # a scale of 0.1 makes 3276.7000000000003 of 32767
            found |= large & np.isin(np.round(values, 4), customary)
        tally.add("sentinel", times_ms[found], values[found])
        return ~found

    def _judge_usual(self, values: Floats, times_ms: Times, use: Booleans, limits: Limits, tally: Tally) -> None:
        low, high = self.usual_of(limits)
        unusual = use & ((values < low) | (values > high))
        if unusual.any():
            first = values[np.flatnonzero(unusual)[0]]
            tally.add("unusual", times_ms[unusual], values[unusual], low if first < low else high)

    def _judge_stuck(self, values: Floats, times_ms: Times, use: Booleans, limits: Limits, tally: Tally) -> None:
        """Readings that stand at the end of the range, where the tag is seldom, while its plant runs."""
        if not np.isfinite(limits.low) and not np.isfinite(limits.high):
            return
        is_end = use & ((values == limits.low) | (values == limits.high))
        if not is_end.any():
            self.stuck = 0
            return
        place = np.arange(len(values))
        last_free = np.maximum.accumulate(np.where(is_end, -1, place))
        run = np.where(last_free >= 0, place - last_free, self.stuck + place + 1)
        is_seldom = self.at_end + _STUCK <= _SELDOM * self.extent.readings
        stuck = is_end & (run >= _STUCK) & is_seldom
        tally.add("at_limit", times_ms[stuck], values[stuck])
        self.stuck = int(run[-1]) if is_end[-1] else 0
        # what was called stuck is not learnt, or a sensor that stays there for long would be forgiven
        self.at_end += int(np.count_nonzero(is_end & ~stuck))


def plain(bounds: Sequence[Bounds], values: Floats, is_active: Booleans, limits: Sequence[Limits]) -> Booleans:
    """Of which tags all *values*, shape (tags, n), are possible and usual, as nearly always; those move on past them.

    The others have to be judged one by one.
    """
    low = np.array([said.low for said in limits])[:, None]
    high = np.array([said.high for said in limits])[:, None]
    found: Booleans = np.asarray(((values >= low) & (values <= high)).all(axis=1))
    usual = np.array([own.usual_of(said) for own, said in zip(bounds, limits, strict=True)])
    is_inner = (values > np.maximum(low, usual[:, :1])) & (values < np.minimum(high, usual[:, 1:]))
    found &= np.asarray((is_inner | ~is_active).all(axis=1))
    found &= ~_told(values, [(*said.full_scale, *said.sentinels) for said in limits])
    large = np.abs(values) > _LEAST_SENTINEL
    rows = (found & large.any(axis=1)).nonzero()[0]
    found[rows] = ~(large[rows] & _among(np.round(values[rows], 4), SENTINELS)).any(axis=1)
    places = found.nonzero()[0].tolist()
    update_extents([bounds[place].extent for place in places], values[places], is_active[places])
    for place in places:
        bounds[place].stuck = 0
    return found


def _told(values: Floats, told: Sequence[tuple[float, ...]]) -> Booleans:
    """In which rows of *values*, shape (tags, n), one is among what is *told* of the row's tag."""
    most = max(map(len, told))
    if not most:
        return np.zeros(len(values), np.bool_)
    padded = np.array([(*each, *(np.nan,) * (most - len(each))) for each in told])
    return np.asarray((values[:, :, None] == padded[:, None, :]).any(axis=(1, 2)))


def _among(values: Floats, ascending: Floats) -> Booleans:
    """Which *values* are among *ascending* ones, shape as *values*."""
    places = np.minimum(np.searchsorted(ascending, values), len(ascending) - 1)
    return np.asarray(ascending[places] == values)


def within(values: Floats, times_ms: Times, limits: Limits, tally: Tally, use: Booleans | None = None) -> Booleans:
    """Which values lie in the range that is possible, shape (n,); of *use*, those that do not are told."""
    low, high = values < limits.low, values > limits.high
    outside = low | high
    told = outside if use is None else outside & use
    if told.any():
        is_low = low[np.flatnonzero(told)[0]]
        tally.add("range", times_ms[told], values[told], limits.low if is_low else limits.high)
    return ~outside
