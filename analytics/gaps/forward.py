"""Hold the last good value: for totalisers, states, and tags that report changes only."""

import numpy as np

from analytics.gaps.gap import Estimate, Floats, Gap, Window
from analytics.gaps.variability import Structure, calibration, length_class, masks


class Forward:
    """Values held into the gaps of one window, which is studied once for each class of lengths.

    >>> Forward(Window(np.array([9.0, 10.0, np.nan, np.nan]))).fill(Gap(2, 4)).values.tolist()
    [10.0, 10.0]
    """

    def __init__(self, window: Window) -> None:
        self._window = window
        self._structure = Structure(window.values)
        self._scales: dict[int, float] = {}

    @property
    def looks(self) -> int:
        """How often the whole window was gone through: what filling costs, apart from the filled values."""
        return self._structure.looks + len(self._scales)

    def fill(self, gap: Gap) -> Estimate:
        """The value before *gap*; its standard deviation grows as the tag's values wander off in such a time."""
        size = len(gap)
        std = self._wandering(size) * self._scale(length_class(size))
        held = np.full(size, self._window.values[gap.begin - 1])
        return Estimate(held, np.fmax(std, self._window.floor(gap)), "forward")

    def _wandering(self, size: int) -> Floats:
        return np.asarray(np.sqrt(self._structure.upto(size)[1:]), np.float64)

    def _scale(self, size: int) -> float:
        if size not in self._scales:
            values = self._window.values
            begins = masks(np.isfinite(values), size)
            errors = values[begins[:, None] + np.arange(size)] - values[begins - 1][:, None]
            self._scales[size] = calibration(errors, self._wandering(size)) if len(begins) else 1.0
        return self._scales[size]


def fill(window: Window, gap: Gap) -> Estimate:
    """One gap of *window*; whoever has more keeps a `Forward`."""
    return Forward(window).fill(gap)
