"""The levels a meter shows over the months, and the gap between "off" and "on" among them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_LOWEST = -3.0  # log10 of the first bin's edge; everything below it counts as nothing
_PER_DECADE = 20
_SIZE = 8 * _PER_DECADE + 1  # one bin for nothing, and the last one, from 89,000 on, stays empty
_LEAST_SAMPLES = 30  # of each class
_LEAST_RATIO = 0.4  # decades between the classes: a factor 2.5, more than a drive makes within a minute of running
_WIDE_RATIO = 0.7  # likewise, of a wide gap: a factor 5, more than a drive makes of a pump's power as it runs
_VALLEY, _VALLEY_SHARE = 0.65, 0.05  # decades that hold next to nothing, likewise, and what that is of either class
_NOTHING = 0.05  # kW or A; what is below it is one level
_ENOUGH = 300  # samples that show what noise a meter has: a tenth of them would be a class of its own
_NOISE_LOW, _NOISE_HIGH = 0.1, 0.9  # quantiles; of noise about zero 0.13 and 1.6 standard deviations
_ABOUT_ZERO = 0.25  # of the median, that the low one reaches down to: 0.19 of noise about zero
_NOISE_LEAST, _NEXT_TO_ZERO = 0.01, 0.05  # the lowest quantile and its likewise: 0.02; of a drive at 0.4 speed 0.06
_SPREADS = 3.0  # standard deviations that a class reaches
_HOUR_MS = 3_600_000
_ENOUGH_HOURS = 24  # to tell what comes again from what came once
_LEAST_HOURS, _HOURS_SHARE = 3, 0.001  # in which a level must come: a standby pump is tried once a month
_LEAST_OF_HOUR = 5  # readings of an hour that make its highest level


@dataclass(frozen=True, slots=True)
class Gap:
    """Two classes were seen: "off" reaches up to `low`, "on" down to `high`."""

    low: float
    high: float


class Levels:
    """How often each magnitude was seen: a histogram in logarithmic bins, 20 a decade from 0.001 to 89,000.

    What lies beyond is no pump's: it is not counted, or five minutes of it would be taken for the pump's running.
    The sign is dropped. Its size does not grow, and parts may come in any portions: the counts are the same.

    >>> levels = Levels()
    >>> levels.update(np.repeat([0.2, 180.0], 100))
    >>> gap = levels.gap(least=1.0)
    >>> gap is not None and 0.2 < gap.low < gap.high < 180.0
    True
    """

    def __init__(self, counts: Sequence[int] | NDArray[np.int64] = ()) -> None:
        self._counts = np.array(counts, np.int64) if len(counts) else np.zeros(_SIZE, np.int64)
        self._counts[-1] = 0  # an earlier version counted nonsense there

    @property
    def counts(self) -> NDArray[np.int64]:
        """The histogram, shape (161,); the first bin is "nothing"."""
        return self._counts.copy()

    def update(self, values: Floats) -> None:
        """Count *values*, shape (n,); those not finite are left out."""
        bins = _bins(values)
        self._counts += np.bincount(bins, minlength=_SIZE)

    def up_to(self, most: float) -> "Levels":
        """Those that do not lie above *most*."""
        return Levels(np.where(_centres() <= most, self._counts, 0))

    def quantile(self, share: float) -> float | None:
        """The magnitude that *share* of the values do not exceed, to a bin's width (12 %); None before the first."""
        total = self._counts.sum()
        if not total:
            return None
        place = int(np.searchsorted(self._counts.cumsum(), share * total))
        return float(_centres()[place]) if place else 0.0

    def noise(self, most: float) -> float | None:
        """What nine tenths of a meter's noise about zero stay below; None where it shows more than that, or too little.

        Nothing else comes down to nothing all the time: a pump that runs, and an idle meter that is off, do not.

        Args:
            most: What no idle meter shows.
        """
        shares = _NOISE_LEAST, _NOISE_LOW, 0.5, _NOISE_HIGH
        least, low, middle, high = (self.quantile(share) or 0.0 for share in shares)
        if least > max(_NEXT_TO_ZERO * middle, _NOTHING) or low > max(_ABOUT_ZERO * middle, _NOTHING):
            return None
        if high > most or self._counts.sum() < (_LEAST_SAMPLES if high <= _NOTHING else _ENOUGH):
            return None
        return max(high, _NOTHING)

    def gap(self, least: float) -> Gap | None:
        """The gap between two classes, or None while only one was seen.

        The cut maximises the variance between the classes of log10 of the magnitude (Otsu, 1979).

        Args:
            least: What the upper class has to reach to be "on" at all; what is below a fiftieth of it is one level.
        """
        return self._split(least, least / 50.0, _LEAST_RATIO)

    def wide_gap(self, least: float) -> Gap | None:
        """The same between classes that no drive makes; what is next to nothing is one level.

        Where a cut finds none, because noise about zero has many magnitudes, it is a wide valley between two hills.
        """
        return self._split(least, max(least / 50.0, _NOTHING), _WIDE_RATIO) or self._valley(least)

    def is_close(self, least: float) -> bool:
        """Whether there are two classes, and no wide gap between them."""
        is_split = self._split(least, max(least / 50.0, _NOTHING), _LEAST_RATIO) is not None
        return is_split and self.wide_gap(least) is None

    def _valley(self, least: float) -> Gap | None:
        """The emptiest stretch between two classes."""
        width, first = round(_VALLEY * _PER_DECADE), int(_bins(np.array([_NOTHING]))[0]) + 1
        sums = np.concatenate([[0], self._counts.cumsum()])
        below, above = sums[first:-width], sums[-1] - sums[first + width :]
        fewer = np.minimum(below, above)
        held = (sums[-1] - below - above) / np.maximum(fewer, 1)
        place = int(np.argmin(np.where(fewer >= _LEAST_SAMPLES, held, np.inf)))
        end = first + place + width
        highest = Levels(np.where(np.arange(_SIZE) >= end, self._counts, 0)).quantile(0.5)
        if fewer[place] < _LEAST_SAMPLES or held[place] > _VALLEY_SHARE or highest is None or highest < least:
            return None
        high = float(10 ** (_LOWEST + (end - 1) / _PER_DECADE))
        return Gap(low=high / 10**_VALLEY, high=high)

    def _split(self, least: float, floor: float, ratio: float) -> Gap | None:
        logs = np.log10(np.maximum(_centres(), floor))
        weights = self._counts.astype(np.float64)
        below, sums = weights.cumsum(), (weights * logs).cumsum()
        above = below[-1] - below
        with np.errstate(divide="ignore", invalid="ignore"):
            between = (sums[-1] * below - below[-1] * sums) ** 2 / (below * above)
        if not np.isfinite(between).any():
            return None
        cut = int(np.nanargmax(np.where(np.isfinite(between), between, np.nan)))
        low = _spread(logs[: cut + 1], weights[: cut + 1])
        high = _spread(logs[cut + 1 :], weights[cut + 1 :])
        if min(below[cut], above[cut]) < _LEAST_SAMPLES or 10 ** high[0] < least:
            return None
        return _gap(low, high, ratio)


@dataclass(slots=True)
class Ceiling:
    """The highest level that a meter shows again and again: minutes of nonsense on one day are no pump's running.

    It has to be there in three different hours, and in one of a thousand; for a day every level counts.

    >>> ceiling = Ceiling()
    >>> for hour in range(30):
    ...     shown = np.full(60, 150.0 if hour != 20 else 50_000.0)
    ...     ceiling.update(3_600_000 * hour + 60_000 * np.arange(60), shown)
    >>> 150.0 < ceiling.most < 200.0
    True
    """

    highest: list[int] = field(default_factory=list)  # hours by their highest level, in the bins of `Levels`
    hour: int = 0  # since the epoch: the present one
    present: list[int] = field(default_factory=list)  # its readings

    def update(self, times_ms: NDArray[np.int64], values: Floats) -> None:
        """Take in *values*, shape (n,); those not finite are left out."""
        hours = times_ms // _HOUR_MS
        for hour in np.unique(hours).tolist():
            if hour != self.hour:
                self._settle()
                self.hour, self.present = hour, []
            counts = np.bincount(_bins(values[hours == hour]), minlength=_SIZE)
            self.present = (counts + np.array(self.present or [0], np.int64)).tolist()

    @property
    def most(self) -> float:
        """What lies above is nonsense, or has yet to come again; infinite for a day."""
        hours = np.array(self.highest or [0], np.int64)
        if hours.sum() < _ENOUGH_HOURS:
            return np.inf
        needed = max(_LEAST_HOURS, _HOURS_SHARE * hours.sum())
        place = int(np.flatnonzero(hours[::-1].cumsum()[::-1] >= needed)[-1])
        return float(10 ** (_LOWEST + place / _PER_DECADE))

    def _settle(self) -> None:
        reached = np.flatnonzero(np.array(self.present or [0], np.int64)[::-1].cumsum()[::-1] >= _LEAST_OF_HOUR)
        if len(reached):
            hours = np.array(self.highest or [0] * _SIZE, np.int64)
            hours[reached[-1]] += 1
            self.highest = hours.tolist()


def _bins(values: Floats) -> NDArray[np.int64]:
    """Of those that are finite and no nonsense."""
    magnitude = np.abs(values[np.isfinite(values)])
    with np.errstate(divide="ignore"):
        place = (np.log10(magnitude) - _LOWEST) * _PER_DECADE
    bins = np.clip(np.floor(place) + 1, 0, _SIZE - 1).astype(np.int64)
    return np.asarray(bins[bins < _SIZE - 1])


def _centres() -> Floats:
    edges = _LOWEST + np.arange(_SIZE) / _PER_DECADE
    centres: Floats = 10 ** (edges - 0.5 / _PER_DECADE)
    return centres


def _spread(logs: Floats, weights: Floats) -> tuple[float, float]:
    """Mean and standard deviation."""
    total = weights.sum()
    mean = float((weights * logs).sum() / total)
    return mean, float(np.sqrt((weights * (logs - mean) ** 2).sum() / total))


def _gap(low: tuple[float, float], high: tuple[float, float], ratio: float) -> Gap | None:
    """The gap between two classes of (mean, deviation) in decades, if they are *ratio* apart."""
    distance = high[0] - low[0]
    if distance < max(ratio, _SPREADS * (low[1] + high[1])):
        return None
    margin = 0.5 / _PER_DECADE  # a bin's centre may be this far from the value
    return Gap(
        low=float(10 ** (low[0] + _SPREADS * low[1] + margin)),
        high=float(10 ** (high[0] - _SPREADS * high[1] - margin)),
    )
