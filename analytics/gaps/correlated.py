"""Read a gap off the tags that usually move with this one."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.gaps import linear
from analytics.gaps.gap import Estimate, Floats, Gap, Window
from analytics.gaps.variability import bridge_std, bridged, calibration, masks, structure

_STRENGTHS = (1e-4, 1e-2, 1.0)  # of the ridge, per sample
_LEAST_SAMPLES = 60
_MOST_COMPANIONS = 10
_LAG = 16  # samples; companions that move with a tag within it help in short gaps


def fill(window: Window, gap: Gap) -> Estimate:
    """Regression on the companions measured throughout *gap*, its residual bridged from end to end.

    x = b₀ + Σ bᵢ cᵢ + r, with b by ridge regression (Hoerl and Kennard, 1970) on standardised columns and r a straight
    line between the residuals at both ends of the gap. A plain line is used where it misses less in artificial
    gaps of the same length in the tag's own past, and where no companion was measured; then the method is "linear".
    Empty while the gap is open.
    """
    if gap.end >= len(window.values):
        return Estimate(np.empty(0), np.empty(0), "correlated")
    plain = linear.fill(window, gap)
    columns = _usable(window, gap)
    measured = np.isfinite(window.values) & np.isfinite(columns).all(axis=1)
    if not columns.shape[1] or measured.sum() < max(_LEAST_SAMPLES, 4 * columns.shape[1]):
        return plain
    strength, residual = _cross_fitted(window.values, columns, measured, len(gap))
    begins = masks(measured, len(gap))
    if residual is None or not len(begins):
        return plain
    own = np.where(measured, window.values, np.nan)
    if _mean_error(residual, begins, len(gap)) >= _mean_error(own, begins, len(gap)):
        return plain
    explained = _Ridge.fitted(columns[measured], window.values[measured], strength).predict(columns)
    values = explained[gap.begin : gap.end] + linear.line(window.values - explained, gap)
    std = bridge_std(structure(residual, len(gap) + 1), len(gap))
    std = std * calibration(bridged(residual, begins, len(gap)), std)
    return Estimate(values, np.fmax(std, window.floor(gap)), "correlated")


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


def _usable(window: Window, gap: Gap) -> Floats:
    """Companions measured in every place of the gap and at both its ends, the best ones first in the window."""
    inside = window.companions[gap.begin - 1 : gap.end + 1]
    if not inside.size:
        return np.empty((len(window.values), 0))
    places = np.flatnonzero(np.isfinite(inside).all(axis=0))[:_MOST_COMPANIONS]
    return window.companions[:, places]


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
