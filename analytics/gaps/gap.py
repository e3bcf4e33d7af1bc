"""A gap in a series and what a method says of it."""

from dataclasses import dataclass, field
from math import inf, sqrt
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

COVERAGE_90 = 1.6448536269514722  # standard deviations to either side that hold 90 % of a normal distribution
_BEYOND = 2.0  # times the range of a window, to which a guess may leave it
_ROOT_12 = sqrt(12.0)
_LEAST_SHARE = 1e-4  # of the level: no water meter is better, so no estimate claims to be


@dataclass(frozen=True, slots=True)
class Window:
    """A tag's readings around its gaps, on the grid of its period, oldest first; any unit.

    Only measured good readings belong here: an estimate from estimates would look surer than it is.
    """

    values: Floats  # shape (n,), NaN where nothing good was measured
    companions: Floats = field(default_factory=lambda: np.empty((0, 0)))  # other tags, shape (n, k), likewise
    resolution: float = 0.0  # of the meter, in the unit of the values
    valid: tuple[float, float] = (-inf, inf)  # what the quantity can be
    computed: Floats = field(default_factory=lambda: np.empty((0, 0)))  # what physics says of the tag, shape (n, m)
    counts: Floats | None = None  # its totaliser, in its unit times places, shape (n,)
    cycle: int = 0  # places in a day, where days are alike

    @property
    def bounds(self) -> tuple[float, float]:
        """Between which estimates stay: what is valid, and twice as far beyond what was measured as that lies apart.

        What was never below zero is not estimated below it.
        """
        low, high = float(np.fmin.reduce(self.values, initial=inf)), float(np.fmax.reduce(self.values, initial=-inf))
        if low > high:  # nothing was
            return self.valid
        reach = _BEYOND * (high - low)
        least = max(low - reach, 0.0) if low >= 0 else low - reach
        return max(least, self.valid[0]), min(high + reach, self.valid[1])

    def floor(self, gap: "Gap") -> float:
        """The least standard deviation that may be claimed for *gap*."""
        return float(self.floors(np.array([gap.begin]))[0])

    def floors(self, begins: NDArray[np.intp]) -> Floats:
        """That of each of some gaps by their first places."""
        levels = np.where(begins > 0, np.abs(self.values[begins - 1]), 0.0)
        found: Floats = np.maximum(_LEAST_SHARE * levels, max(self.resolution / _ROOT_12, 1e-9))
        return found


@dataclass(frozen=True, slots=True)
class Gap:
    """Places `begin` up to, not including, `end` of a window; where it reaches the window's end it is still open."""

    begin: int
    end: int

    def __len__(self) -> int:
        """Number of missing values."""
        return self.end - self.begin


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a method puts into a gap, each of shape (g,); both in the unit of the window."""

    values: Floats
    std: Floats
    method: str


class Method(Protocol):
    """Fills the gaps of one window; what it learns of the window it keeps for the next gap."""

    def fill(self, gap: Gap) -> Estimate:
        """What is put into *gap*."""


def gaps(values: Floats) -> list[Gap]:
    """The gaps of a series that have a measured value on their left, oldest first."""
    missing = np.concatenate([[False], np.isnan(values), [False]])
    bounds = np.flatnonzero(np.diff(missing.astype(np.int8)))
    found = [Gap(begin, end) for begin, end in bounds.reshape(-1, 2).tolist()]
    return [gap for gap in found if gap.begin > 0]
