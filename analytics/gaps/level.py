"""Follow a level that wanders and is read through noise, from both sides of a gap."""

import numpy as np

from analytics.gaps.gap import Estimate, Gap, Window
from analytics.gaps.masks import Masks, shorter, size_class
from analytics.gaps.mixture import spread
from analytics.gaps.series import Series


class Level:
    """The smoother of the local level (Kalman, 1960; Harvey, 1989) over the gaps of one window.

    x(t) = m(t) + e(t), m(t + 1) = m(t) + w(t); the variances of e and w are what differences at a short and a longer
    lag say. Where readings are noisy the line between two of them is noisy too; the smoother weighs several on
    either side, the further ones less.

    >>> noisy = 10.0 + np.random.default_rng(1).normal(0.0, 1.0, 400)
    >>> noisy[200] = np.nan
    >>> bool(abs(Level(Window(noisy)).fill(Gap(200, 201)).values[0] - 10.0) < 0.5)
    True
    """

    def __init__(self, window: Window) -> None:
        self._window = window
        self._series = Series(window.values)
        self._spreads: dict[int, tuple[float, float]] = {}

    @property
    def looks(self) -> int:
        """How often the whole window was gone through: what filling costs, apart from the filled values."""
        return self._series.looks + len(self._spreads)

    def fill(self, gap: Gap) -> Estimate:
        """The smoothed level; empty while the gap is open."""
        if gap.end >= len(self._series):
            return Estimate(np.empty(0), np.empty(0), "level")
        size, series = len(gap), self._series
        guess = series.level.guesses(series.values, np.array([gap.begin]), size)[0]
        low, rise = self._spread(size_class(size))
        place = np.arange(1, size + 1) / (size + 1)
        std = (low + rise * 4.0 * place * (1.0 - place)) * series.scale
        values = np.clip(guess * series.scale + series.mean, *self._window.bounds)
        return Estimate(values, np.fmax(std, self._window.floor(gap)), "level")

    def _spread(self, size: int) -> tuple[float, float]:
        if size not in self._spreads:
            masks = Masks.spread(self._series, size)
            if masks is None:
                self._spreads[size] = self._spread(shorter(size)) if size > 1 else (1.0, 0.0)
            else:
                guess = self._series.level.guesses(self._series.values, masks.begins, size)[:, masks.inside]
                self._spreads[size] = spread(guess - masks.truth(self._series.values), masks)
        return self._spreads[size]


def fill(window: Window, gap: Gap) -> Estimate:
    """One gap of *window*; whoever has more keeps a `Level`."""
    return Level(window).fill(gap)
