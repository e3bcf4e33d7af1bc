"""One tag's window as its studies see it: in its own standard deviations, complete by lines, looked at once."""

from collections.abc import Callable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from analytics.gaps.gap import Floats
from analytics.gaps.kriging import NUGGET, Kriging, covariance_of, level_covariance

Places = NDArray[np.intp]


_FIRST_LOOK, _LOOKED_AT = 60, 600  # values in which steps are looked for; few show that most series have none
_SAME, _WHOLE = 1e-9, 0.02  # differences that are none; how far from a whole number of steps
_COARSE = 0.05  # standard deviations, from which a step is no detail
_NUGGETS = np.array([[0.0], [NUGGET]])


class Series:
    """Values about their mean, divided by their standard deviation.

    Args:
        values: Shape (n,), NaN where not measured, measured once at least.
    """

    def __init__(self, values: Floats) -> None:
        self.is_measured: NDArray[np.bool_] = np.isfinite(values)
        self._measured, self._missing = np.flatnonzero(self.is_measured), np.flatnonzero(~self.is_measured)
        seen = values[self._measured]
        self.mean = float(seen.sum()) / len(seen)
        self.scale = max(mean_square(seen - self.mean) ** 0.5, 1e-9 * abs(self.mean), 1e-12)
        self.values: Floats = self.completed((values - self.mean) / self.scale)
        self.looks = 1

    def __len__(self) -> int:
        """Number of places."""
        return len(self.values)

    def completed(self, values: Floats) -> Floats:
        """*values* with lines over the places where this series was not measured; what is there is not looked at."""
        if not len(self._missing):
            return values
        found = values.copy()
        self.complete(found)
        return found

    def mean_of(self, others: Floats) -> Floats:
        """Of each of *others*, shape (k, n), where this series was measured."""
        found: Floats = others @ self._share
        return found

    def complete(self, others: Floats) -> None:
        """Draw lines in *others*, shape (..., n), over the places where this series was not measured."""
        if len(self._missing):
            before, after, weight = self._ends
            start = others.take(before, axis=-1)
            rise = others.take(after, axis=-1)
            rise -= start
            rise *= weight
            start += rise
            others[..., self._missing] = start

    @cached_property
    def _share(self) -> Floats:
        """Of each place in a mean over all that was measured."""
        return self.is_measured / len(self._measured)

    @cached_property
    def _ends(self) -> tuple[Places, Places, Floats]:
        """Of each place that was not measured, those measured before and after it, and what the latter weighs."""
        place = np.searchsorted(self._measured, self._missing)
        before = self._measured[np.maximum(place - 1, 0)]
        after = self._measured[np.minimum(place, len(self._measured) - 1)]
        weight = (self._missing - before) / np.maximum(after - before, 1)
        return before, after, np.minimum(np.maximum(weight, 0.0), 1.0)

    @cached_property
    def missing_before(self) -> Places:
        """How many places before each were not measured, shape (n + 1,)."""
        return np.concatenate([[0], np.cumsum(~self.is_measured)])

    @cached_property
    def level(self) -> Kriging:
        """Of a random walk seen through noise, both as large as differences at a short and a longer lag say."""
        return Kriging(self._level, 0.0, nugget=0.0)

    @cached_property
    def bridges(self) -> Kriging:
        """By the level and by how the series resembles itself, in this order, at once."""
        own = covariance_of(self.values)

        def both(longest: int) -> Floats:
            found = np.empty((2, longest + 1))
            found[0], found[1] = self._level(longest), own(longest)
            return found

        return Kriging(both, 0.0, nugget=_NUGGETS)

    @cached_property
    def _level(self) -> Callable[[int], Floats]:
        short, long = (self._squared_difference(lag) for lag in (1, 16))
        drift = max(long - short, 0.0) / 15.0
        return level_covariance(max(0.5 * (short - drift), 1e-9), max(drift, 1e-12))

    @cached_property
    def step(self) -> float:
        """What all differences are multiples of, where that is coarse; 0 where values are fine or in no steps."""
        if self._apart(_FIRST_LOOK).min(initial=np.inf) < _COARSE:
            return 0.0
        apart = self._apart(_LOOKED_AT)
        least = float(apart.min(initial=np.inf))
        if not _COARSE <= least < np.inf:
            return 0.0
        steps = apart / least
        return least if bool((np.abs(steps - np.round(steps)) < _WHOLE).all()) else 0.0

    def _apart(self, most: int) -> Floats:
        """How far neighbours among so many of the values in their order are apart, where they are."""
        seen = self.values[self._measured[spaced(len(self._measured), most)]]
        seen.sort()
        apart: Floats = seen[1:] - seen[:-1]
        return apart[apart > _SAME]

    def stepped(self, values: Floats) -> Floats:
        """The nearest values that the series can show."""
        origin = self.values[self._measured[0]]
        found: Floats = origin + self.step * np.round((values - origin) / self.step)
        return found

    def _squared_difference(self, lag: int) -> float:
        both = self.is_measured[lag:] & self.is_measured[:-lag]
        differences = self.values[lag:] - self.values[:-lag]
        differences *= both
        count = np.count_nonzero(both)
        return float(differences @ differences) / count if count else 1.0


def mean_square(values: Floats) -> float:
    """Of all of them."""
    return float(np.vdot(values, values)) / values.size


def spaced(count: int, most: int) -> Places:
    """So many of 0 to *count* - 1 at most, evenly spread, each once."""
    return np.arange(count) if count <= most else np.arange(most) * (count - 1) // (most - 1)


def lines(values: Floats, begins: Places, size: int) -> Floats:
    """Straight lines over gaps of *size* at *begins*, shape (gaps, size) or, of columns, (gaps, size, columns)."""
    weight = np.arange(1, size + 1) / (size + 1)
    weight = weight.reshape((-1,) + (1,) * (values.ndim - 1))
    before, after = values[begins - 1][:, None], values[begins + size][:, None]
    found: Floats = before + weight * (after - before)
    return found
