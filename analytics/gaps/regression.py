"""What a tag's companions say of it at the scale of a gap, learnt from artificial gaps of that length."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from analytics.gaps.gap import Floats
from analytics.gaps.kriging import Kriging
from analytics.gaps.masks import Masks
from analytics.gaps.series import Places, Series, rows, spaced

MOST_COLUMNS = 32
_MOST_LAGGED = 4  # of them are looked at one place earlier and later, too: meters are not asked at once
_STRENGTHS = np.array([2e-3, 5e-2])  # of the ridge, share of the mean sum of squares
_STILL, _TINY = 1e-9, 1e-150
_JUDGED = 8  # places of a gap, by which it is decided how far companions are believed in it
_CLOSELY = 48  # columns are compared by a large sample, the others by a small one
_USUAL = 4.0  # times the mean doubt of what was seen
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
    columns: Floats  # shape (n, k), complete
    fit: "_Fit"
    most: int  # the column that says most
    name: str = "correlated"

    def trust(self, begins: Places, size: int) -> tuple[Floats, Floats]:
        """How far what is said of gaps is to be believed, 0 to 1, and its variance by the weights' own, both (gaps,).

        Companions may do in a gap what they never did in the past, and weights that were learnt from their noise say
        anything then. What stands out from its own doubt is believed: s² / (s² + Var s), means over the gap.
        """
        places = spaced(size, _JUDGED)
        strays = _strays(self.columns, Masks(begins, size, places, ()))
        said = np.mean((strays @ self.fit.weights[-1]) ** 2, axis=1)
        doubt = np.mean(np.sum((strays @ self.fit.root.T) ** 2, axis=2), axis=1)
        doubt = np.maximum(doubt - self.fit.usual, 0.0)
        return (said + _TINY) / (said + doubt + _TINY), doubt


def ranked(series: Series, columns: Floats, size: int) -> NDArray[np.intp]:
    """The columns most like the series, best first, by a sample of both.

    Two likenesses count, the larger one: of the values, and of how far they stray from a line over about *size*.
    """
    reach = (size + 1) // 2
    room = np.arange(reach, len(series) - reach)
    room = room[series.is_measured[room] & series.is_measured[room - reach] & series.is_measured[room + reach]]
    if len(room) < _SAMPLES // 10:
        return np.empty(0, np.intp)
    best = np.arange(columns.shape[1])
    if len(best) > _CLOSELY:  # a small sample tells which of many are worth a larger one
        at = room[spaced(len(room), _SAMPLES // 2)]
        likeness = _likeness(series.values, at, reach, [rows(columns, at + step) for step in (-reach, 0, reach)])
        best = np.argsort(-likeness, kind="stable")[:_CLOSELY]
    at = room[spaced(len(room), _SAMPLES)]
    parts = [columns[np.ix_(at + step, best)] for step in (-reach, 0, reach)]
    likeness = _likeness(series.values, at, reach, parts)
    order = np.argsort(-likeness, kind="stable")[:MOST_COLUMNS]
    return best[order[likeness[order] > _LEAST_ALIKE]]


def _likeness(values: Floats, at: Places, reach: int, parts: Sequence[Floats]) -> Floats:
    """Of columns at three places, *reach* before *at*, there and after, shape (k,)."""
    before, here, after = parts
    moved = here - 0.5 * (before + after)
    moves = values[at] - 0.5 * (values[at - reach] + values[at + reach])
    found: Floats = np.fmax(_LEVEL * _alike(values[at], here), _alike(moves, moved))
    return found


def _alike(values: Floats, columns: Floats) -> Floats:
    """Absolute correlation with each column, shape (k,); 0 where a column never moves; what is missing is its mean.

    The columns are changed in place.
    """
    missing = np.isnan(columns.sum(axis=0))
    if missing.any():
        columns[:, missing] = _mean_where_missing(columns[:, missing])
    count = len(columns)
    first = columns[0].copy()
    columns -= first  # so that nothing is lost when squares of levels are taken off squares of values
    means = np.full(count, 1.0 / count) @ columns
    squares = np.einsum("ij,ij->j", columns, columns) - count * means**2
    own = values - values.mean()
    moving = squares > _STILL**2 * (1.0 + first**2) * count
    norm = np.sqrt(np.where(moving, squares, np.inf) * max(float(own @ own), 1e-30))
    found: Floats = np.abs(own @ columns) / norm
    return found


def _mean_where_missing(columns: Floats) -> Floats:
    missing = np.isnan(columns)
    counts = np.maximum((~missing).sum(axis=0), 1)
    return np.where(missing, np.where(missing, 0.0, columns).sum(axis=0) / counts, columns)


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
    columns = np.ascontiguousarray(columns if np.isfinite(columns.sum()) else _completed(columns))
    lagged = columns[:, :_MOST_LAGGED]
    strays = np.concatenate([_strays(columns, masks), masks.strays(series.values)[..., None]], axis=2)
    fit = _fitted(strays, masks, int(series.is_measured.sum()))
    parts = _explained(columns, lagged, fit.weights)
    rests = series.values - parts
    offset = series.mean_of(rests)[:, None]
    parts += offset
    rests -= offset
    series.complete(rests)
    kriging = Kriging(series.resemblance.covariance(rests[-1]), 0.0)
    said = np.abs(fit.weights[-1] * fit.spread)[: columns.shape[1]]
    return Explained(parts[-1], rests, kriging, columns, fit, int(said.argmax()))


def _strays(columns: Floats, masks: Masks) -> Floats:
    """Of the columns, then of the first of them a place later and a place earlier, shape (gaps, j, p)."""
    lagged = columns[:, :_MOST_LAGGED]
    return np.concatenate(
        [masks.strays(columns), masks.strays(lagged, later=1), masks.strays(lagged, later=-1)], axis=2
    )


def _explained(columns: Floats, lagged: Floats, weights: Floats) -> Floats:
    """By columns as they are, a place later and a place earlier, shape (folds + 1, n)."""
    count, first = columns.shape[1], lagged.shape[1]
    found: Floats = weights[:, :count] @ columns.T
    later = weights[:, count : count + first] @ lagged.T
    found[:, :-1] += later[:, 1:]
    found[:, -1] += later[:, -1]
    earlier = weights[:, count + first :] @ lagged.T
    found[:, 1:] += earlier[:, :-1]
    found[:, 0] += earlier[:, 0]
    return found


def _completed(columns: Floats) -> Floats:
    places = np.arange(len(columns))
    found = columns.copy()
    for column in np.flatnonzero(np.isnan(columns).any(axis=0)):
        known = np.isfinite(columns[:, column])
        found[~known, column] = np.interp(places[~known], places[known], columns[known, column]) if known.any() else 0.0
    return found


@dataclass(frozen=True, slots=True)
class _Fit:
    """Weights b of strays, and how well the data hold them: Var(x b) = | root x |² for strays x far from those seen."""

    weights: Floats  # without each fold and, last, with all, shape (folds + 1, p)
    root: Floats  # shape (p, p)
    spread: Floats  # of the strays of each column, shape (p,); 0 where they are still
    usual: float  # variance beyond which strays are far from those seen


def _fitted(strays: Floats, masks: Masks, measured: int) -> _Fit:
    """The ridge that misses least in the folds left out.

    Args:
        strays: Of the columns and, last, of the series, shape (gaps, j, p + 1).
        masks: The gaps.
        measured: Values of the series.
    """
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
    errors = [part[:, -1:] - part[:, :-1] @ found[:, fold].T for fold, part in enumerate(parts)]
    best = int(np.argmin(sum(np.abs(error).sum(axis=0) for error in errors)))
    information = total[:-1, :-1] + ridges[best, 0]
    last = np.linalg.solve(information, total[:-1, -1]) * (spread[-1] / spread[:-1])
    missed = np.concatenate([error[:, best] for error in errors]).reshape(strays.shape[:2])
    noise = float(np.sum(missed**2)) / _independent(missed, masks.size, measured)
    root = np.linalg.inv(np.linalg.cholesky(information)) * np.sqrt(noise) / spread[:-1]
    return _Fit(
        np.vstack([found[best], last]), root, np.where(still, 0.0, spread)[:-1], _USUAL * noise * count / missed.size
    )


def _independent(missed: Floats, size: int, measured: int) -> float:
    """How many of the judged values tell something new: errors that last as long as a gap are one for each gap."""
    square = float(np.mean(missed**2))
    lasting = size * float(np.mean(missed.mean(axis=1) ** 2)) / square if square > 0 else 1.0
    return min(missed.size, measured / float(np.clip(lasting, 1.0, size)))
