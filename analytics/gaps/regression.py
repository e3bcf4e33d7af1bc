"""What a tag's companions say of it at the scale of a gap, learnt from artificial gaps of that length."""

from dataclasses import dataclass
from math import inf

import numpy as np

from analytics.gaps.gap import Floats
from analytics.gaps.kriging import Kriging, covariance_of
from analytics.gaps.masks import Masks
from analytics.gaps.series import Places, Series, mean_square, spaced

_MOST_LAGGED = 4  # rows are looked at one place earlier and later, too: meters are not asked at once
_STRENGTH = 5e-3  # of the ridge, share of the mean sum of squares
_STILL, _TINY = 1e-9, 1e-150
_JUDGED = 6  # places of a gap, by which it is decided how far companions are believed in it
_USUAL = 4.0  # times the mean doubt of what was seen


@dataclass(frozen=True, slots=True)
class Explained:
    """A regression, the same without each fold of the artificial gaps, and what they leave unexplained.

    Rows 0 to folds - 1 were fitted without that fold, the last one with all.
    """

    values: Floats  # explained with all, shape (n,)
    rests: Floats  # unexplained, shape (folds + 1, n), with lines where the tag was not measured
    kriging: Kriging  # of the last row of `rests`
    rows: Floats  # companions as they are, a place later and a place earlier, shape (p, n)
    fit: "_Fit"
    missed: Floats  # of the strays in the artificial gaps, each without its fold, shape (gaps, j)
    most: int  # the companion that says most
    name: str = "correlated"

    def trust(self, begins: Places, size: int) -> tuple[Floats, Floats]:
        """How far what is said of gaps is to be believed, 0 to 1, and its variance by the weights' own, both (gaps,).

        Companions may do in a gap what they never did in the past, and weights that were learnt from their noise say
        anything then. What stands out from its own doubt is believed: s² / (s² + Var s), means over the gap.
        """
        strays = Masks(begins, size, spaced(size, _JUDGED), ()).strays(self.rows)
        shape = strays.shape[1:]
        strays = strays.reshape(len(strays), -1)
        said = ((self.fit.weights[-1] @ strays) ** 2).reshape(shape).mean(axis=1)
        doubt = np.einsum("pg,pg->g", self.fit.variance @ strays, strays).reshape(shape).mean(axis=1)
        doubt = np.maximum(doubt - self.fit.usual, 0.0)
        return (said + _TINY) / (said + doubt + _TINY), doubt


def explained(series: Series, rows: Floats, masks: Masks) -> Explained:
    """The regression of the series on *rows*, by how both stray from lines over artificial gaps.

    The strays y and X of artificial gaps from the lines between their ends follow y = X b + e; b is by ridge
    regression (Hoerl and Kennard, 1970). Levels and drifts longer than a gap drop out of X and y, so that they cannot
    mislead.

    Args:
        series: Shape (n,).
        rows: Companions, best first, complete, shape (k, n).
        masks: Of the length of the gap.
    """
    count = len(rows)
    table = _shifted(rows, series.values)
    fit, missed = _fitted(masks.strays(table), masks, int(series.is_measured.sum()))
    parts = fit.weights @ table[:-1]
    rests = series.values - parts
    offset = series.mean_of(rests)[:, None]
    parts += offset
    rests -= offset
    series.complete(rests)
    kriging = Kriging(covariance_of(rests[-1]), 0.0)
    said = np.abs(fit.weights[-1] * fit.spread)[:count]
    return Explained(parts[-1], rests, kriging, table[:-1], fit, missed, int(said.argmax()))


def _shifted(rows: Floats, values: Floats) -> Floats:
    """*rows*, the first of them a place later and a place earlier, and *values*, shape (p + 1, n)."""
    count = len(rows)
    lagged = min(count, _MOST_LAGGED)
    table = np.empty((count + 2 * lagged + 1, len(values)))
    table[:count] = rows
    later, earlier = table[count : count + lagged], table[count + lagged : -1]
    later[:, :-1], later[:, -1] = rows[:lagged, 1:], rows[:lagged, -1]
    earlier[:, 1:], earlier[:, 0] = rows[:lagged, :-1], rows[:lagged, 0]
    table[-1] = values
    return table


@dataclass(frozen=True, slots=True)
class _Fit:
    """Weights b of strays, and how well the data hold them: Var(x b) = x V x for strays x far from those seen."""

    weights: Floats  # without each fold and, last, with all, shape (folds + 1, p)
    variance: Floats  # V, shape (p, p)
    spread: Floats  # of the strays of each row, shape (p,); 0 where they are still
    usual: float  # variance beyond which strays are far from those seen


def _fitted(strays: Floats, masks: Masks, measured: int) -> tuple[_Fit, Floats]:
    """By ridge regression, without each fold and with all, and what those without a fold miss there.

    Args:
        strays: Of the rows and, last, of the series, shape (p + 1, gaps, j).
        masks: The gaps.
        measured: Values of the series.
    """
    count = len(strays) - 1
    flat, each_has = strays.reshape(count + 1, -1), strays.shape[2]
    parts = [flat[:, fold.start * each_has : fold.stop * each_has] for fold in masks.folds]
    grams = np.stack([part @ part[:-1].T for part in parts])
    spread = np.sqrt(np.maximum(np.einsum("fpp->p", grams[:, :-1]), 0.0))
    still = spread <= _STILL * spread.max(initial=0.0)
    scale = np.where(still, inf, np.maximum(spread, _TINY))  # what never moved explains nothing
    grams /= scale
    grams[:, :-1] /= scale[:, None]
    total = grams.sum(axis=0)
    total[:-1].flat[:: count + 1] += _STRENGTH
    found = np.linalg.solve(total[:-1] - grams[:, :-1], (total[-1] - grams[:, -1])[..., None])[..., 0] / scale
    inverse = np.linalg.inv(total[:-1])
    last = inverse @ total[-1] / scale
    missed = np.concatenate([part[-1] - each @ part[:-1] for each, part in zip(found, parts, strict=True)])
    missed = missed.reshape(strays.shape[1:])
    noise = missed.size * mean_square(missed) / _independent(missed, masks.size, measured)
    variance = inverse * noise / scale / scale[:, None]
    usual = _USUAL * noise * count / missed.size
    return _Fit(np.vstack([found, last]), variance, np.where(still, 0.0, spread), usual), missed


def _independent(missed: Floats, size: int, measured: int) -> float:
    """How many of the judged values tell something new: errors that last as long as a gap are one for each gap."""
    square = mean_square(missed)
    lasting = size * mean_square(missed.sum(axis=1)) / missed.shape[1] ** 2 / square if square > 0 else 1.0
    return min(missed.size, measured / min(max(lasting, 1.0), size))
