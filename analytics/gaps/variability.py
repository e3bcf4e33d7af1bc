"""How far a series wanders from itself: what an estimate's standard deviation is made of."""

import numpy as np
from numpy.typing import NDArray

from analytics.gaps.gap import COVERAGE_90, Floats

_MASKS = 200  # artificial gaps at most
_LEAST_MASKS = 8
_PREFERRED = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)  # between 1 and 10, as people round times


def length_class(size: int) -> int:
    """The length by which gaps of *size* values are studied: 1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20 ... 100, 120 ...

    What is learnt from artificial gaps hardly differs within a class, so a window is studied once for each of a few
    dozen classes, however many gaps it has.
    """
    decade = int(10 ** (len(str(size)) - 1))
    return min((round(step * decade) for step in _PREFERRED), key=lambda length: abs(length - size))


class Structure:
    """The structure function of one series, looked at once for each doubling of the longest lag asked for."""

    def __init__(self, values: Floats) -> None:
        self._values = values
        self._known = np.empty(0)
        self.looks = 0  # at the whole series

    def upto(self, longest: int) -> Floats:
        """As `structure` says it, shape (longest + 1,)."""
        if len(self._known) <= longest:
            self._known = structure(self._values, 1 << longest.bit_length())
            self.looks += 1
        return self._known[: longest + 1]


def structure(values: Floats, longest: int) -> Floats:
    """Mean squared difference at each lag from 0 to *longest*, shape (longest + 1,); NaN where the series is too short.

    D²(k) = E (x(t + k) - x(t))², at lags 1, 2, 4 ... and between them by a line in logarithms (Kolmogorov, 1941).
    """
    lags: list[int] = []
    squares: list[float] = []
    lag = 1
    while lag < len(values) and (not lags or lags[-1] < longest):
        differences = values[lag:] - values[:-lag]
        differences = differences[np.isfinite(differences)]
        if len(differences):
            lags.append(lag)
            squares.append(float(np.mean(differences**2)))
        lag *= 2
    if not lags:
        return np.full(longest + 1, np.nan)
    wanted = np.log(np.arange(1, longest + 1))
    tiny = np.finfo(np.float64).tiny
    between = np.exp(np.interp(wanted, np.log(lags), np.log(np.maximum(squares, tiny))))
    return np.concatenate([[0.0], between])


def bridge_std(square: Floats, size: int) -> Floats:
    """Standard deviation of a line between both ends of a gap of *size* values, shape (size,).

    With weights w and 1 - w of the ends and D² as of `structure`, exactly for any stationary increments:
    Var = w D²(left) + (1 - w) D²(right) - w (1 - w) D²(left + right)   (Matheron, 1963)
    """
    left = np.arange(1, size + 1)
    right = size + 1 - left
    weight = right / (size + 1)
    variance = weight * square[left] + (1 - weight) * square[right] - weight * (1 - weight) * square[size + 1]
    std: Floats = np.sqrt(np.maximum(variance, 0.0))
    return std


def masks(is_measured: NDArray[np.bool_], size: int) -> NDArray[np.intp]:
    """First places of artificial gaps of *size* values whose inside and both neighbours were measured, spread evenly.

    Empty where there are too few to judge by.
    """
    whole = size + 2
    missing = np.concatenate([[0], np.cumsum(~is_measured)])
    if len(is_measured) < whole:
        return np.empty(0, np.intp)
    free = np.flatnonzero(missing[whole:] == missing[:-whole]) + 1
    if len(free) < _LEAST_MASKS:
        return np.empty(0, np.intp)
    return free[np.unique(np.linspace(0, len(free) - 1, _MASKS).astype(np.intp))]


def bridged(values: Floats, begins: NDArray[np.intp], size: int) -> Floats:
    """What a line between the neighbours misses in each artificial gap, shape (masks, size)."""
    inside = begins[:, None] + np.arange(size)
    weight = np.arange(size, 0, -1) / (size + 1)
    line = weight * values[begins - 1][:, None] + (1 - weight) * values[begins + size][:, None]
    missed: Floats = values[inside] - line
    return missed


def calibration(errors: Floats, std: Floats) -> float:
    """What *std* has to be multiplied by so that 90 % intervals cover 90 % of *errors*; 1 where nothing tells.

    Args:
        errors: Of artificial gaps, shape (masks, size).
        std: As claimed, shape (size,).
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.abs(errors) / std
    ratio = ratio[np.isfinite(ratio)]
    if not len(ratio):
        return 1.0
    # A value that rarely jumps has a 90 % quantile of nothing; half of the root mean square keeps the jumps in view.
    rms = float(np.sqrt(np.mean(ratio**2)))
    return max(float(np.quantile(ratio, 0.9)) / COVERAGE_90, 0.5 * rms)
