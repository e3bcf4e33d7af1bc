"""Read a gap off the tags that usually move with this one."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.gaps import linear
from analytics.gaps.gap import Estimate, Floats, Gap, Window
from analytics.gaps.linear import Line, LineDoubt
from analytics.gaps.variability import bridged, length_class, masks

_STRENGTHS = (1e-4, 1e-2, 1.0)  # of the ridge, per sample
_LEAST_SAMPLES = 60
_MOST_COMPANIONS = 10
_LAG = 16  # samples; companions that move with a tag within it help in short gaps


class Regression:
    """Regression on the companions measured throughout a gap, its residual bridged from end to end.

    x = b₀ + Σ bᵢ cᵢ + r, with b by ridge regression (Hoerl and Kennard, 1970) on standardised columns and r a straight
    line between the residuals at both ends of the gap. A plain line is used where it misses less in artificial
    gaps of about the same length in the tag's own past, and where no companion was measured; then the method is
    "linear". Gaps of one class of lengths with the same companions share one study of the window.

    >>> power = 100.0 + 10.0 * np.sin(np.arange(200.0))
    >>> flow = np.where(np.abs(np.arange(200) - 99) < 5, np.nan, 2.0 * power)
    >>> Regression(Window(flow, power[:, None])).fill(Gap(95, 104)).method
    'correlated'

    Args:
        window: Whose gaps.
        most_studies: When so many studies are made, gaps that need another one are bridged by lines.
    """

    def __init__(self, window: Window, *, most_studies: int = 10_000) -> None:
        self._window = window
        self._most_studies = most_studies
        self._plain = Line(window)
        self._studies: dict[tuple[bytes, int], _Study | None] = {}

    @property
    def looks(self) -> int:
        """How often the whole window was gone through: what filling costs, apart from the filled values."""
        return self._plain.looks + sum(1 + (0 if one is None else one.doubt.looks) for one in self._studies.values())

    def fill(self, gap: Gap) -> Estimate:
        """The regression or the line; empty while the gap is open."""
        if gap.end >= len(self._window.values):
            return Estimate(np.empty(0), np.empty(0), "correlated")
        study = self._study(_usable(self._window, gap), length_class(len(gap)))
        if study is None:
            return self._plain.fill(gap)
        unexplained = self._window.values[gap.begin - 1 : gap.end + 1] - study.explained[gap.begin - 1 : gap.end + 1]
        values = study.explained[gap.begin : gap.end] + linear.line(unexplained, Gap(1, len(gap) + 1))
        return Estimate(values, np.fmax(study.doubt.std(len(gap)), self._window.floor(gap)), "correlated")

    def _study(self, places: NDArray[np.intp], size: int) -> "_Study | None":
        key = (places.tobytes(), size)
        if key not in self._studies and len(self._studies) < self._most_studies:
            self._studies[key] = _studied(self._window, places, size) if len(places) else None
        return self._studies.get(key)


def fill(window: Window, gap: Gap) -> Estimate:
    """One gap of *window*; whoever has more keeps a `Regression`."""
    return Regression(window).fill(gap)


@dataclass(frozen=True, slots=True)
class _Study:
    """What some companions say of the tag."""

    explained: Floats  # shape (n,)
    doubt: LineDoubt  # of lines over what they leave unexplained


def _studied(window: Window, places: NDArray[np.intp], size: int) -> _Study | None:
    """None where a plain line is better, or nobody can tell."""
    columns = window.companions[:, places]
    measured = np.isfinite(window.values) & np.isfinite(columns).all(axis=1)
    if measured.sum() < max(_LEAST_SAMPLES, 4 * columns.shape[1]):
        return None
    strength, residual = _cross_fitted(window.values, columns, measured, size)
    begins = masks(measured, size)
    if residual is None or not len(begins):
        return None
    own = np.where(measured, window.values, np.nan)
    if _mean_error(residual, begins, size) >= _mean_error(own, begins, size):
        return None
    ridge = _Ridge.fitted(columns[measured], window.values[measured], strength)
    return _Study(ridge.predict(columns), LineDoubt(residual))


def companions(values: Floats, others: Floats, most: int) -> NDArray[np.intp]:
    """The *most* columns of *others* that move most with *values*, best first.

    A column counts by the larger of two correlations: of the values themselves, and of their changes within 16
    samples. One that was hardly measured, or never moved, does not count.

    Args:
        values: Shape (n,), NaN where not measured.
        others: Shape (n, k), likewise.
        most: How many to return.
    """
    if not others.shape[1] or len(values) <= _LAG:
        return np.empty(0, np.intp)
    level = _correlation(values, others)
    change = _correlation(values[_LAG:] - values[:-_LAG], others[_LAG:] - others[:-_LAG])
    worth = np.fmax(level, change)
    best = np.argsort(-np.nan_to_num(worth), kind="stable")[:most]
    return best[np.nan_to_num(worth)[best] > 0.1]  # noqa: PLR2004 - below it a column is noise among others


def _correlation(values: Floats, others: Floats) -> Floats:
    """Absolute correlation with each column over the rows where both were measured, shape (k,); NaN where unknown."""
    both = np.isfinite(values)[:, None] & np.isfinite(others)
    count = both.sum(axis=0)
    x = np.where(both, values[:, None], 0.0)
    y = np.where(both, others, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        x = np.where(both, x - x.sum(axis=0) / count, 0.0)
        y = np.where(both, y - y.sum(axis=0) / count, 0.0)
        found = np.abs((x * y).sum(axis=0)) / np.sqrt((x**2).sum(axis=0) * (y**2).sum(axis=0))
    return np.where(count >= max(_LEAST_SAMPLES, len(values) // 4), found, np.nan)


def _usable(window: Window, gap: Gap) -> NDArray[np.intp]:
    """Companions measured in every place of the gap and at both its ends, the best ones first in the window."""
    inside = window.companions[gap.begin - 1 : gap.end + 1]
    return np.flatnonzero(np.isfinite(inside).all(axis=0) & bool(inside.size))[:_MOST_COMPANIONS]


@dataclass(frozen=True, slots=True)
class _Ridge:
    """A linear map from companions to the tag."""

    centre: Floats
    scale: Floats
    weights: Floats
    offset: float

    @staticmethod
    def fitted(columns: Floats, values: Floats, strength: float) -> "_Ridge":
        centre, scale = columns.mean(axis=0), columns.std(axis=0)
        scale = np.where(scale > 0, scale, np.inf)  # what never moved explains nothing
        standard = (columns - centre) / scale
        offset = float(values.mean())
        information = standard.T @ standard + strength * len(values) * np.eye(columns.shape[1])
        weights = np.linalg.solve(information, standard.T @ (values - offset))
        return _Ridge(centre, scale, weights, offset)

    def predict(self, columns: Floats) -> Floats:
        return np.asarray(self.offset + (columns - self.centre) / self.scale @ self.weights, np.float64)


def _cross_fitted(
    values: Floats, columns: Floats, measured: NDArray[np.bool_], size: int
) -> tuple[float, Floats | None]:
    """The ridge strength that misses least, and the residuals of each half by the regression on the other half."""
    begins = masks(measured, size)
    middle = int(np.searchsorted(np.cumsum(measured), measured.sum() / 2))
    halves = (np.arange(len(values)) < middle, np.arange(len(values)) >= middle)
    best: tuple[float, Floats | None] = (_STRENGTHS[0], None)
    least = np.inf
    for strength in _STRENGTHS if len(begins) else ():
        residual = np.full(len(values), np.nan)
        for learn, judge in (halves, halves[::-1]):
            rows = measured & learn
            ridge = _Ridge.fitted(columns[rows], values[rows], strength)
            residual[measured & judge] = (values - ridge.predict(columns))[measured & judge]
        missed = _mean_error(residual, begins[np.abs(begins - middle) > size], size)
        if missed < least:
            best, least = (strength, residual), missed
    return best


def _mean_error(residual: Floats, begins: NDArray[np.intp], size: int) -> float:
    if not len(begins):
        return np.inf
    return float(np.nanmean(np.abs(bridged(residual, begins, size))))
