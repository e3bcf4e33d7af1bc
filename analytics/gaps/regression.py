"""What a tag's companions say of it at the scale of a gap, learnt from artificial gaps of that length."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from scipy.linalg.lapack import dposv, dtrtrs

from analytics.gaps.gap import Floats, Singles
from analytics.gaps.kriging import Kriging, covariance_of
from analytics.gaps.masks import Masks
from analytics.gaps.series import Places, Series, mean_square, spaced

_MOST_LAGGED = 4  # rows are looked at one place earlier and later, too: meters are not asked at once
_STRENGTH = 5e-3  # of the ridge, share of the mean sum of squares
_STILL, _TINY, _TINY_SINGLE = 1e-9, 1e-150, 1e-30
_JUDGED = 6  # places of a gap, by which it is decided how far companions are believed in it
_FAR = 1.7  # times the mean of what is missed, from which it is far
_TAILED = 0.75  # mean over root mean square of what is missed, below which some is far (of a normal distribution, 0.80)
_USUAL = 4.0  # times the mean doubt of what was seen


@dataclass(frozen=True, slots=True)
class Explained:
    """A regression, the same without each fold of the artificial gaps, and what they leave unexplained.

    Rows 0 to folds - 1 were fitted without that fold, the last one with all.
    """

    values: Floats  # explained with all, shape (n,)
    rests: Floats  # unexplained, shape (folds + 1, n), with lines where the tag was not measured
    kriging: Kriging  # of the last row of `rests`
    rows: Singles  # companions, shape (k, n)
    lagged: Places  # those of them that are looked at one place earlier and later, too
    fit: "_Fit"
    missed: Floats  # of the strays in the artificial gaps, each without its fold, shape (gaps, j)
    most: int  # the companion that says most

    def trust(self, begins: Places, size: int) -> tuple[Floats, Floats]:
        """How far what is said of gaps is to be believed, 0 to 1, and its variance by the weights' own, both (gaps,).

        Companions may do in a gap what they never did in the past, and weights that were learnt from their noise say
        anything then. What stands out from its own doubt is believed: s² / (s² + Var s), means over the gap.
        """
        masks = Masks(begins, size, spaced(size, _JUDGED), ())
        strays = _strays(
            self.rows, self.lagged, masks, np.empty((self.fit.weights.shape[1], *masks.places.shape), np.float32)
        )
        shape = strays.shape[1:]
        strays = strays.reshape(len(strays), -1)
        share = np.full(shape[1], 1.0 / shape[1])
        said = ((self.fit.weights[-1] @ strays) ** 2).reshape(shape) @ share
        doubt = self.fit.variance(strays).reshape(shape) @ share
        doubt = np.maximum(doubt - self.fit.usual, 0.0)
        return (said + _TINY) / (said + doubt + _TINY), doubt


def explained(series: Series, rows: Singles, masks: Masks, own: Floats) -> Explained:
    """The regression of the series on *rows*, by how both stray from lines over artificial gaps.

    The strays y and X of artificial gaps from the lines between their ends follow y = X b + e; b is by ridge
    regression (Hoerl and Kennard, 1970). Levels and drifts longer than a gap drop out of X and y, so that they cannot
    mislead.

    Args:
        series: Shape (n,).
        rows: Companions, complete, shape (k, n).
        masks: Of the length of the gap.
        own: Strays of the series in them, shape (gaps, j).
    """
    count = len(rows)
    strays = np.empty((count + 2 * min(count, _MOST_LAGGED) + 1, *masks.places.shape), np.float32)
    strays[-1] = own
    masks.strays(rows, out=strays[:count])
    lagged = _nearest(strays, count)
    _lag(strays, rows, lagged, masks)
    fit, missed = _fitted(strays, masks, int(series.is_measured.sum()))
    parts = _said(fit.weights, rows, lagged)
    rests = series.values - parts
    offset = series.mean_of(rests)[:, None]
    rests -= offset
    series.complete(rests)
    kriging = Kriging(covariance_of(rests[-1]), 0.0)
    said = np.abs(fit.weights[-1] * fit.spread)[: len(rows)]
    return Explained(parts[-1] + offset[-1], rests, kriging, rows, lagged, fit, missed, int(said.argmax()))


def _nearest(strays: Singles, count: int) -> Places:
    """The first rows of *strays*, so many of *count*, that move most with the last one."""
    flat = strays.reshape(len(strays), -1)
    square = np.einsum("ij,ij->i", flat[:count], flat[:count])
    alike = np.abs(flat[:count] @ flat[-1]) / np.sqrt(np.maximum(square, _TINY_SINGLE))
    return np.sort(np.argsort(-alike, kind="stable")[:_MOST_LAGGED])


def _strays(rows: Singles, lagged: Places, masks: Masks, out: Singles) -> Singles:
    """Of *rows*, and of those *lagged* a place later and a place earlier, shape (p, gaps, j)."""
    masks.strays(rows, out=out[: len(rows)])
    _lag(out, rows, lagged, masks)
    return out


def _lag(out: Singles, rows: Singles, lagged: Places, masks: Masks) -> None:
    """Behind what *rows* themselves stray in *out*, what those *lagged* do a place later and a place earlier."""
    chosen, first, second = rows[lagged], len(rows), len(rows) + len(lagged)
    masks.strays(chosen, 1, out[first:second])
    masks.strays(chosen, -1, out[second : second + len(lagged)])


def _said(weights: Singles, rows: Singles, lagged: Places) -> Singles:
    """What *rows*, those *lagged* also a place later and a place earlier, say by *weights*, shape (..., n)."""
    count, chosen = len(rows), rows[lagged]
    found: Singles = weights[:, :count] @ rows
    later = weights[:, count : count + len(lagged)] @ chosen
    earlier = weights[:, count + len(lagged) :] @ chosen
    found[:, :-1] += later[:, 1:]
    found[:, -1] += later[:, -1]
    found[:, 1:] += earlier[:, :-1]
    found[:, 0] += earlier[:, 0]
    return found


@dataclass(frozen=True, slots=True)
class _Fit:
    """Weights b of strays, and how well the data hold them."""

    weights: Singles  # without each fold and, last, with all, shape (folds + 1, p)
    factor: Floats  # U with UᵀU the information of scaled strays, shape (p, p)
    scale: Floats  # of strays, shape (p,); infinite where they are still
    noise: float  # variance of what is left unexplained
    spread: Floats  # of the strays of each row, shape (p,); 0 where they are still
    usual: float  # variance beyond which strays are far from those seen

    def variance(self, strays: Singles) -> Floats:
        """Var(x b) = σ² x (UᵀU)⁻¹ x of strays x far from those seen, shape (p, g); shape (g,)."""
        solved, _ = dtrtrs(self.factor, strays / self.scale[:, None], trans=1)
        found: Floats = np.einsum("pg,pg->g", solved, solved)
        return self.noise * found


def _fitted(strays: Singles, masks: Masks, measured: int) -> tuple[_Fit, Floats]:
    """By ridge regression, without each fold and with all, and what those without a fold miss there.

    What a first fit misses by far counts less in a second one, whose loss grows in proportion there (Huber, 1964); it
    is taken where it misses less, as it does not where what is rare is all there is to learn.

    Args:
        strays: Of the rows and, last, of the series, shape (p + 1, gaps, j).
        masks: The gaps.
        measured: Values of the series.
    """
    flat, each_has = strays.reshape(len(strays), -1), strays.shape[2]
    folds = [slice(fold.start * each_has, fold.stop * each_has) for fold in masks.folds]
    parts = [flat[:, fold] for fold in folds]
    found = _folded(parts, parts)
    sizes, square = np.abs(found.missed), mean_square(found.missed)
    usual = float(sizes.sum()) / len(sizes)
    if usual < _TAILED * square**0.5:
        counts = (_FAR * usual / np.maximum(sizes, _FAR * usual)).astype(np.float32)
        second = _folded(parts, [part * counts[fold] for part, fold in zip(parts, folds, strict=True)])
        if np.abs(second.missed).sum() < sizes.sum():
            found, square = second, mean_square(second.missed)
    missed = found.missed.reshape(strays.shape[1:])
    noise = missed.size * square / _independent(missed, square, masks.size, measured)
    usual = _USUAL * noise * len(found.scale) / missed.size
    spread = np.where(np.isinf(found.scale), 0.0, found.scale)
    return _Fit(found.weights, found.factor, found.scale, noise, spread, usual), missed


@dataclass(frozen=True, slots=True)
class _Folded:
    """Solutions without each fold and, last, with all."""

    weights: Singles  # shape (folds + 1, p)
    factor: Floats  # of the last, shape (p, p)
    scale: Floats  # of rows, shape (p,); infinite where they are still
    missed: Floats  # by each in its own fold, shape (m,)


def _folded(parts: Sequence[Singles], weighed: Sequence[Singles]) -> _Folded:
    """Of *parts* by folds, each of shape (p + 1, m of the fold), and the same as far as each of the m counts."""
    count = len(parts[0]) - 1
    grams = np.array([part @ its.T for part, its in zip(parts, weighed, strict=True)], np.float64)
    total = grams.sum(axis=0)
    spread = np.sqrt(np.maximum(total.diagonal()[:-1], 0.0))
    still = spread <= _STILL * spread.max(initial=0.0)
    scale = np.where(still, inf, np.maximum(spread, _TINY))  # what never moved explains nothing
    sides = np.append(scale, 1.0)
    grams /= sides[:, None] * sides
    total /= sides[:, None] * sides
    total.flat[: -1 : count + 2] += _STRENGTH
    weights = np.empty((len(parts) + 1, count))
    for each, gram in zip(weights, grams, strict=False):
        each[:] = _solved(total - gram)[1]
    factor, weights[-1] = _solved(total)
    singles = (weights / scale).astype(np.float32)
    missed = np.concatenate([part[-1] - each @ part[:-1] for each, part in zip(singles, parts, strict=False)])
    return _Folded(singles, factor, scale, missed.astype(np.float64))


def _solved(information: Floats) -> tuple[Floats, Floats]:
    """The factor and the weights; the series is the last column. The ridge keeps it solvable."""
    factor, weights, _ = dposv(information[:-1, :-1], information[:-1, -1])
    return factor, weights


def _independent(missed: Floats, square: float, size: int, measured: int) -> float:
    """How many of the judged values tell something new: errors that last as long as a gap are one for each gap."""
    sums = missed.sum(axis=1)
    lasting = size * mean_square(sums) / missed.shape[1] ** 2 / square if square > 0 else 1.0
    return min(missed.size, measured / min(max(lasting, 1.0), size))
