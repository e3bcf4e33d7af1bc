"""A straight line between the good values on both sides of a gap."""

import numpy as np

from analytics.gaps.gap import Estimate, Floats, Gap, Window
from analytics.gaps.variability import Structure, bridge_std, bridged, calibration, length_class, masks


class Line:
    """Lines over the gaps of one window, which is studied once for each class of lengths.

    >>> window = Window(np.array([9.0, 10.0, np.nan, np.nan, np.nan, np.nan, 20.0, 21.0]))
    >>> Line(window).fill(Gap(2, 6)).values.tolist()
    [12.0, 14.0, 16.0, 18.0]
    """

    def __init__(self, window: Window) -> None:
        self._window = window
        self._doubt = LineDoubt(window.values)

    @property
    def looks(self) -> int:
        """How often the whole window was gone through: what filling costs, apart from the filled values."""
        return self._doubt.looks

    def fill(self, gap: Gap) -> Estimate:
        """The line; empty while the gap is open. The standard deviation is least at the ends, most in the middle."""
        if gap.end >= len(self._window.values):
            return Estimate(np.empty(0), np.empty(0), "linear")
        std = np.fmax(self._doubt.std(len(gap)), self._window.floor(gap))
        return Estimate(line(self._window.values, gap), std, "linear")


class LineDoubt:
    """How far a series strays from lines between two of its values.

    The shape comes from the series' own wandering, the scale from artificial gaps of about the same length.
    """

    def __init__(self, values: Floats) -> None:
        self._values = values
        self._structure = Structure(values)
        self._scales: dict[int, float] = {}

    @property
    def looks(self) -> int:
        """How often the whole series was gone through."""
        return self._structure.looks + len(self._scales)

    def std(self, size: int) -> Floats:
        """Standard deviation of a line over *size* values, shape (size,), NaN where the series is too short to tell."""
        return self._bridge(size) * self._scale(length_class(size))

    def _bridge(self, size: int) -> Floats:
        return bridge_std(self._structure.upto(size + 1), size)

    def _scale(self, size: int) -> float:
        if size not in self._scales:
            begins = masks(np.isfinite(self._values), size)
            errors = bridged(self._values, begins, size)
            self._scales[size] = calibration(errors, self._bridge(size)) if len(begins) else 1.0
        return self._scales[size]


def fill(window: Window, gap: Gap) -> Estimate:
    """One gap of *window*; whoever has more keeps a `Line`."""
    return Line(window).fill(gap)


def line(values: Floats, gap: Gap) -> Floats:
    """From the value before *gap* to the one after it, shape (g,)."""
    before, after = values[gap.begin - 1], values[gap.end]
    weight = np.arange(1, len(gap) + 1) / (len(gap) + 1)
    return np.asarray((1 - weight) * before + weight * after, np.float64)
