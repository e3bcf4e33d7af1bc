"""Gaps in which the plant does what is new to the recent past: told by the pumps' learnt curves."""

from dataclasses import dataclass

import numpy as np

from analytics.gaps.gap import Estimate, Floats, Gap, Method, Window
from analytics.gaps.linear import line
from analytics.gaps.variability import bridged, length_class, masks

_NEW = 1.5  # times the farthest that curves have strayed from a line over such a gap
_CLEAR = 3.0  # standard deviations of the curves, likewise
_FITS, _SHARE = 4.0, 0.05  # of them, and of the move, that the readings at both ends may lie from the curves
_ENDS = 10  # readings on either side by which curves are corrected
_LEAST = 30  # readings that tell how well the curves fit of late


@dataclass(frozen=True, slots=True)
class Model:
    """What curves say of a tag in each place of a window, each of shape (n,); NaN where they have not learnt."""

    values: Floats
    std: Floats  # of one reading of the tag about `values`


class Modelled:
    """Gaps by curves where these say that something new happened, and as *otherwise* says in all others.

    Artificial gaps judge what the window has seen. A pump that was started while the meter was silent is nothing of
    the kind: companions that have not seen it run say what they like. With m what the curves say and r the mean of
    x - m on either side, the estimate is m + the line from r to r, and its standard deviation that of the curves, or
    of x - m in the window where that is more. It is asked for where m strays from a line half as far again as it ever
    did in the window, and fits the readings at both ends.

    >>> from analytics.gaps.linear import Line
    >>> flow = np.where(np.abs(np.arange(100) - 80) < 5, 150.0, 100.0)
    >>> readings = np.where(np.abs(np.arange(100) - 80) < 10, np.nan, flow)
    >>> window = Window(readings)
    >>> Modelled(window, Model(flow - 2.0, np.full(100, 1.0)), Line(window)).fill(Gap(71, 90)).values[8:10].tolist()
    [150.0, 150.0]

    Args:
        window: Whose gaps.
        model: What the curves say of it.
        otherwise: What fills the other gaps.
    """

    def __init__(self, window: Window, model: Model, otherwise: Method) -> None:
        self._window = window
        self._model = model
        self._otherwise = otherwise
        self._rest = window.values - model.values
        self._strays: dict[int, float] = {}

    def fill(self, gap: Gap) -> Estimate:
        """What is put into *gap*; empty while it is open."""
        if gap.end >= len(self._window.values) or not self._is_told(gap):
            return self._otherwise.fill(gap)
        low, high = self._window.valid
        low = max(low, min(0.0, float(np.nanmin(self._window.values))))  # what was never below zero stays above it
        values = np.clip(self._model.values[gap.begin : gap.end] + self._correction(gap), low, high)
        std = np.fmax(self._model.std[gap.begin : gap.end], self._wandering())
        return Estimate(values, np.fmax(std, self._window.floor(gap)), "physics")

    def _is_told(self, gap: Gap) -> bool:
        """Whether the curves know all of the gap, saw something new in it, and fit what was read around it."""
        around = slice(gap.begin - 1, gap.end + 1)
        said, std = self._model.values[around], self._model.std[around]
        if not np.isfinite(said + std).all():
            return False
        moved = np.abs(said[1:-1] - line(self._model.values, gap))
        if moved.max() <= _NEW * self._stray(len(gap)) or (moved <= _CLEAR * std[1:-1]).all():
            return False
        most = _FITS * std[[0, -1]] + _SHARE * float(moved.max()) + self._window.resolution
        return bool((np.abs(self._correction(gap)[[0, -1]]) <= most).all())

    def _correction(self, gap: Gap) -> Floats:
        """What is added to the curves: what readings on both sides are above them, and a line between, shape (g,)."""
        before = np.nanmean(self._rest[max(gap.begin - _ENDS, 0) : gap.begin])
        after = np.nanmean(self._rest[gap.end : gap.end + _ENDS])
        return np.linspace(before, after, len(gap))

    def _stray(self, size: int) -> float:
        """How far the curves have strayed from lines over gaps of about *size* at most, where the tag was measured."""
        length = length_class(size)
        if length not in self._strays:
            begins = masks(np.isfinite(self._rest), length)
            strays = bridged(self._model.values, begins, length)
            self._strays[length] = float(np.abs(strays).max(initial=0.0))
        return self._strays[length]

    def _wandering(self) -> float:
        """Standard deviation of what the curves leave unexplained; 0 where too little was measured beside them."""
        known = self._rest[np.isfinite(self._rest)]
        return float(known.std()) if len(known) >= _LEAST else 0.0
