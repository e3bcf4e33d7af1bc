"""The parts of `auto`, each alone and never chosen: what a mixture and its choice are worth beside them."""

import numpy as np

from analytics.gaps.gap import Estimate, Floats, Gap, Window
from analytics.gaps.masks import Masks, size_class
from analytics.gaps.regression import Explained, explained
from analytics.gaps.series import Series
from analytics.gaps.sources import Sources


class Kriged:
    """Kriging of a series from itself; it claims no standard deviation."""

    def __init__(self, window: Window) -> None:
        self._series = Series(window.values)

    def fill(self, gap: Gap) -> Estimate:
        """The best linear guess from neighbours on both sides."""
        series = self._series
        _, guess = series.bridges.guesses(series.values, np.array([gap.begin]), len(gap))
        return _estimate(series, guess[0], "kriging")


class RidgeKriged:
    """A ridge regression on the companions that tell most, its rest kriged; no standard deviation either."""

    def __init__(self, window: Window) -> None:
        self._series = Series(window.values)
        self._sources = Sources(window, None)
        self._all = np.arange(window.companions.shape[1]).tobytes()
        self._known: dict[int, Explained | None] = {}

    def fill(self, gap: Gap) -> Estimate:
        """What companions say, and the best linear guess of what they leave unexplained."""
        series, size = self._series, size_class(len(gap))
        if size not in self._known:
            self._known[size] = self._studied(size)
        known = self._known[size]
        if known is None:
            return _estimate(series, np.zeros(len(gap)), "kriging")
        rest = known.kriging.guesses(known.rests[-1], np.array([gap.begin]), len(gap))[0]
        return _estimate(series, known.values[gap.begin : gap.end] + rest, "correlated")

    def _studied(self, size: int) -> Explained | None:
        masks = Masks.spread(self._series, size)
        best = self._sources.best(self._series, self._all, size)
        if masks is None or not len(best):
            return None
        return explained(self._series, self._sources.rows(best), masks, masks.strays(self._series.values))


def _estimate(series: Series, guess: Floats, method: str) -> Estimate:
    return Estimate(guess * series.scale + series.mean, np.zeros(len(guess)), method)
