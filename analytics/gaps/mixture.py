"""Which methods fill gaps of one length in one series, in which shares, and how far that misses."""

from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np

from analytics.gaps.gap import COVERAGE_90, Floats
from analytics.gaps.masks import Masks
from analytics.gaps.regression import Explained, explained, ranked
from analytics.gaps.series import Places, Series, lines

_FEW = 3  # places in a gap that show no shape
_STEPS = 4  # shares are quarters
_NAMES = ("linear", "kriging", "correlated", "correlated")


@dataclass(frozen=True, slots=True)
class Study:
    """What artificial gaps have shown.

    The guess is a mixture of lines, kriging, and the regression on companions with its rest bridged by kriging or by
    a line. The shares are those, in quarters, that have missed least in artificial gaps, none below nothing:
    a mixture misses less than the best single one as a rule (stacking; Wolpert, 1992).
    """

    series: Series
    known: Explained | None  # by companions
    shares: Floats  # shape (2,) or, with companions, (4,)
    spread: tuple[float, float]  # standard deviation at the ends and, added to it, in the middle

    @property
    def method(self) -> str:
        """The parts that have a share."""
        return "+".join(dict.fromkeys(name for name, share in zip(_NAMES, self.shares, strict=False) if share > 0))

    def guesses(self, begins: Places, size: int) -> Floats:
        """What is put into gaps of *size* at *begins*, shape (gaps, size)."""
        values, found = self.series.values, np.zeros((len(begins), size))
        if self.shares[0] > 0:
            found += self.shares[0] * lines(values, begins, size)
        if self.shares[1] > 0:
            found += self.shares[1] * self.series.kriging.guesses(values, begins, size)
        if self.known is None or not self.shares[2:].any():
            return found
        rest = self.known.rests[-1]
        found += self.shares[2:].sum() * self.known.values[begins[:, None] + np.arange(size)]
        if self.shares[2] > 0:
            found += self.shares[2] * self.known.kriging.guesses(rest, begins, size)
        if self.shares[3] > 0:
            found += self.shares[3] * lines(rest, begins, size)
        return found

    def std(self, size: int) -> Floats:
        """Standard deviation of a guess, shape (size,)."""
        place = np.arange(1, size + 1) / (size + 1)
        return np.asarray(self.spread[0] + self.spread[1] * 4.0 * place * (1.0 - place), np.float64)


def studied(series: Series, columns: Floats, masks: Masks) -> Study:
    """The mixture that misses least in *masks*.

    Args:
        series: Whose gaps.
        columns: Of the companions that were measured in them, shape (n, k).
        masks: Artificial gaps of about their length.
    """
    best = ranked(series, columns, masks.size) if columns.shape[1] else np.empty(0, np.intp)
    known = explained(series, columns[:, best], masks) if len(best) else None
    errors = _errors(series, known, masks)
    shares = _simplex(len(errors))
    missed = np.abs(shares @ errors.reshape(len(errors), -1)).mean(axis=1)
    chosen = shares[missed.argmin()]
    return Study(series, known, chosen, spread(np.tensordot(chosen, errors, 1), masks))


def _errors(series: Series, known: Explained | None, masks: Masks) -> Floats:
    """What each part misses in the artificial gaps, the regression without their own fold; (parts, gaps, j)."""
    kriged = series.kriging.guesses(series.values, masks.begins, masks.size)[:, masks.inside]
    found = [-masks.strays(series.values), kriged - masks.truth(series.values)]
    if known is not None:
        by_line, by_kriging = [], []
        for rest, part in zip(known.rests, masks.folds, strict=False):
            fold = masks.part(part)
            by_line.append(-fold.strays(rest))
            by_kriging.append(known.kriging.guesses(rest, fold.begins, fold.size)[:, fold.inside] - fold.truth(rest))
        found += [np.concatenate(by_kriging), np.concatenate(by_line)]
    return np.stack(found)


@cache
def _simplex(parts: int) -> Floats:
    """Every way to share one among so many, in quarters."""
    ways = [way for way in product(range(_STEPS + 1), repeat=parts) if sum(way) == _STEPS]
    return np.array(ways, np.float64) / _STEPS


def spread(errors: Floats, masks: Masks) -> tuple[float, float]:
    """A standard deviation by the place in the gap, such that 90 % intervals hold 90 % of *errors*."""
    place = (masks.inside + 1) / (masks.size + 1)
    bump = 4.0 * place * (1.0 - place)
    missed = np.abs(errors)
    mean = missed.mean(axis=0)
    slope = float(np.cov(bump, mean, bias=True)[0, 1] / max(bump.var(), 1e-12)) if len(place) > _FEW else 0.0
    low = max(float(mean.mean() - slope * bump.mean()), 0.1 * float(mean.mean()), 1e-12)
    slope = max(slope, -0.9 * low)
    ratio = missed / (low + slope * bump)
    # A value that rarely jumps has a 90 % quantile of nothing; half of the root mean square keeps the jumps in view.
    scale = max(float(np.quantile(ratio, 0.9)) / COVERAGE_90, 0.5 * float(np.sqrt(np.mean(ratio**2))))
    return scale * low, scale * slope
