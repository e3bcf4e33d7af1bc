"""What a tag's companions say of it at the scale of a gap, learnt from artificial gaps of that length."""

from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from analytics.gaps.gap import Floats
from analytics.gaps.kriging import Kriging
from analytics.gaps.masks import Masks
from analytics.gaps.series import Places, Series

MOST_COLUMNS = 24
_MOST_LAGGED = 8  # of them are looked at one place earlier and later, too: meters are not asked at once
_STRENGTHS = np.array([1e-3, 1e-2, 1e-1])  # of the ridge, share of the mean sum of squares
_STILL, _TINY = 1e-9, 1e-150
_SAMPLES = 300  # by which companions are compared
_LEAST_ALIKE = 0.05
_LEVEL = 0.8  # what likeness of the values counts, against that of their moves within the length of a gap


@dataclass(frozen=True, slots=True)
class Explained:
    """A regression, the same without each fold of the artificial gaps, and what they leave unexplained.

    Rows 0 to folds - 1 were fitted without that fold, the last one with all.
    """

    values: Floats  # explained with all, shape (n,)
    rests: Floats  # unexplained, shape (folds + 1, n), with lines where the tag was not measured
    kriging: Kriging  # of the last row of `rests`


def ranked(series: Series, columns: Floats, size: int) -> NDArray[np.intp]:
    """The columns most like the series, best first, by a sample of both.

    Two likenesses count, the larger one: of the values, and of how far they stray from a line over about *size*.
    """
    reach = (size + 1) // 2
    room = np.arange(reach, len(series) - reach)
    room = room[series.is_measured[room] & series.is_measured[room - reach] & series.is_measured[room + reach]]
    if len(room) < _SAMPLES // 10:
        return np.empty(0, np.intp)
    at = room[np.unique(np.linspace(0, len(room) - 1, _SAMPLES).astype(np.intp))]
    here = columns[at]
    moves = _alike(_strayed(series.values, at, reach), here - 0.5 * (columns[at - reach] + columns[at + reach]))
    likeness = np.fmax(moves, _LEVEL * _alike(series.values[at], here))
    best = np.argsort(-likeness, kind="stable")[:MOST_COLUMNS]
    return best[likeness[best] > _LEAST_ALIKE]


def _strayed(values: Floats, at: Places, reach: int) -> Floats:
    return values[at] - 0.5 * (values[at - reach] + values[at + reach])


def _alike(values: Floats, columns: Floats) -> Floats:
    """Absolute correlation with each column, shape (k,); 0 where a column never moves; what is missing is its mean."""
    missing = np.isnan(columns)
    if missing.any():
        counts = np.maximum((~missing).sum(axis=0), 1)
        columns = np.where(missing, np.where(missing, 0.0, columns).sum(axis=0) / counts, columns)
    centred = columns - columns.mean(axis=0)
    own = values - values.mean()
    squares = np.einsum("ij,ij->j", centred, centred)
    moving = squares > 1e-18 * (1.0 + (columns[0] ** 2)) * len(columns)
    norm = np.sqrt(np.where(moving, squares, np.inf) * max(float(own @ own), 1e-30))
    found: Floats = np.abs(own @ centred) / norm
    return found


def explained(series: Series, columns: Floats, masks: Masks) -> Explained:
    """The regression of the series on *columns*, by how both stray from lines over artificial gaps.

    The strays y and X of artificial gaps from the lines between their ends follow y = X b + e; b is by ridge
    regression (Hoerl and Kennard, 1970), of the strength that misses least in the folds left out. Levels and drifts
    longer than a gap drop out of X and y, so that they cannot mislead.

    Args:
        series: Shape (n,).
        columns: Best first, shape (n, k).
        masks: Of the length of the gap.
    """
    if not np.isfinite(columns.sum()):
        columns = _completed(columns)
    lagged = columns[:, :_MOST_LAGGED]
    strays = np.concatenate(
        [
            masks.strays(columns),
            masks.strays(lagged, later=1),
            masks.strays(lagged, later=-1),
            masks.strays(series.values)[..., None],
        ],
        axis=2,
    )
    weights = _fitted(strays, masks)
    parts = _explained(columns, lagged, weights)
    rests = series.values[:, None] - parts
    offset = series.mean_of(rests)
    parts += offset
    rests = np.stack([series.completed(rest) for rest in (rests - offset).T])
    return Explained(parts[:, -1], rests, Kriging(series.resemblance.covariance(rests[-1]), 0.0))


def _explained(columns: Floats, lagged: Floats, weights: Floats) -> Floats:
    """By columns as they are, a place later and a place earlier, shape (n, folds + 1)."""
    count, first = columns.shape[1], lagged.shape[1]
    found = columns @ weights[:, :count].T
    later = lagged @ weights[:, count : count + first].T
    found[:-1] += later[1:]
    found[-1] += later[-1]
    earlier = lagged @ weights[:, count + first :].T
    found[1:] += earlier[:-1]
    found[0] += earlier[0]
    return found


def _completed(columns: Floats) -> Floats:
    places = np.arange(len(columns))
    found = columns.copy()
    for column in np.flatnonzero(np.isnan(columns).any(axis=0)):
        known = np.isfinite(columns[:, column])
        found[~known, column] = np.interp(places[~known], places[known], columns[known, column]) if known.any() else 0.0
    return found


def _fitted(strays: Floats, masks: Masks) -> Floats:
    """Weights without each fold and, last, with all, shape (folds + 1, p)."""
    parts = [strays[part].reshape(-1, strays.shape[2]) for part in masks.folds]
    grams = np.stack([part.T @ part for part in parts])
    spread = np.sqrt(np.maximum(np.einsum("fpp->p", grams), 0.0))
    still = spread <= _STILL * spread[:-1].max(initial=0.0)
    still[-1] = False
    spread = np.where(still, inf, np.maximum(spread, _TINY))  # what never moved explains nothing
    grams /= spread[:, None] * spread
    total = grams.sum(axis=0)
    count = len(total) - 1
    ridges = _STRENGTHS[:, None, None, None] * np.eye(count)
    without = total - grams
    moments = np.broadcast_to(without[:, :-1, -1:], (len(_STRENGTHS), len(parts), count, 1))
    found = np.linalg.solve(without[:, :-1, :-1] + ridges, moments)[..., 0] * (spread[-1] / spread[:-1])
    missed = sum(np.abs(part[:, -1:] - part[:, :-1] @ found[:, fold].T).sum(axis=0) for fold, part in enumerate(parts))
    best = int(np.argmin(missed))
    last = np.linalg.solve(total[:-1, :-1] + ridges[best, 0], total[:-1, -1]) * (spread[-1] / spread[:-1])
    return np.vstack([found[best], last])
