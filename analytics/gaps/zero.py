"""Take nothing measured for nothing there: for tags that are silent while they are zero."""

import numpy as np

from analytics.gaps.gap import Estimate, Gap, Window


class Zero:
    """Zeros in the gaps of one window, which is looked at once.

    >>> Zero(Window(np.array([9.0, 10.0, np.nan, np.nan]))).fill(Gap(2, 4)).values.tolist()
    [0.0, 0.0]
    """

    def __init__(self, window: Window) -> None:
        self._window = window
        seen = window.values[np.isfinite(window.values)]
        self._rms = float(np.sqrt(np.mean(seen**2))) if len(seen) else 0.0
        self.looks = 1

    def fill(self, gap: Gap) -> Estimate:
        """Zero; its standard deviation is the root mean square of what the tag usually shows."""
        return Estimate(np.zeros(len(gap)), np.full(len(gap), max(self._rms, self._window.floor(gap))), "zero")


def fill(window: Window, gap: Gap) -> Estimate:
    """One gap of *window*; whoever has more keeps a `Zero`."""
    return Zero(window).fill(gap)
