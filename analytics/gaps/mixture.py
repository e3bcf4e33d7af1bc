"""Which methods fill gaps of one length in one series, in which shares, and how far that misses."""

from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np

from analytics.gaps.gap import COVERAGE_90, Floats
from analytics.gaps.masks import Masks
from analytics.gaps.regression import Explained, explained
from analytics.gaps.series import Places, Series, lines, mean_square
from analytics.gaps.sources import Sources
from analytics.gaps.totaliser import Totaliser, gained, share

_JUDGED = 600  # errors by which shares are chosen
_FEW = 3  # places in a gap that show no shape
_CHOSEN = 2.0  # over the gaps that fit beside each other: share by which standard deviations are short
_SHARES, _APART = (0.8, 0.9, 0.95), (0.5, 0.7)  # of errors, and how far each is below the next where they are in steps
_BEYOND = 1.3  # times as long as artificial gaps, from which a gap is longer than those
_STEPS = 4  # shares are quarters
_NAMES = ("linear", "level", "kriging", "correlated", "correlated")
_OWN = 3  # of them ask nobody else
_LINE = np.array([1.0, 0.0, 0.0])


@dataclass(frozen=True, slots=True)
class Study:
    """What artificial gaps have shown.

    The guess is a mixture of lines, the local level, kriging, and the regression on companions with its rest bridged
    by kriging or by a line. The shares are those, in quarters, that have missed least in artificial gaps, none below
    nothing: a mixture misses less than the best single one as a rule (stacking; Wolpert, 1992).
    """

    series: Series
    known: Explained | None  # by companions
    name: str  # of the method that they stand for
    shares: Floats  # shape (3,) or, with companions, (5,)
    spread: tuple[float, float]  # standard deviation at the ends and, added to it, in the middle
    size: int  # of the artificial gaps
    alone: float  # standard deviation without companions, times that with them
    totaliser: Totaliser | None
    gain: float  # of what the totaliser says is lacking
    is_stepped: bool  # guesses are values that the series can show

    @property
    def method(self) -> str:
        """The parts that have a share."""
        names = [name for name, part in zip(_NAMES, self.shares, strict=False) if part > 0]
        if self.known is not None:
            names = [self.name if name == "correlated" else name for name in names]
        return "+".join(dict.fromkeys(names + ["totaliser"] * (self.gain > 0)))

    def guesses(self, begins: Places, size: int) -> tuple[Floats, Floats]:
        """What is put into gaps of *size* at *begins*, and its standard deviation, each of shape (gaps, size)."""
        without = self._without(begins, size)
        found, std = without, np.broadcast_to(self._std(size), (len(begins), size))
        if self.known is not None and self.shares[_OWN:].any():
            found, std = self._with(self.known, without, begins, size)
        if self.totaliser is not None and self.gain > 0:
            lacking = self.totaliser.missing(self.series, begins, size, found.sum(axis=1))
            found = found + self.gain * lacking[:, None] * share(size)
        return (self.series.stepped(found) if self.is_stepped else found), std

    def _without(self, begins: Places, size: int) -> Floats:
        """By the tag alone; a line where the shares leave everything to companions."""
        own = self.shares[:_OWN] if self.shares[:_OWN].any() else _LINE
        own, values = own / own.sum(), self.series.values
        found: Floats = own[0] * lines(values, begins, size)
        if own[1:].any():
            by_level, by_kriging = self.series.bridges.guesses(values, begins, size)
            found += own[1] * by_level + own[2] * by_kriging
        return found

    def _with(self, known: Explained, without: Floats, begins: Places, size: int) -> tuple[Floats, Floats]:
        """Companions believed as far as they are to be: a mixture of two, whose difference is doubt, too."""
        by_kriging, by_line = self.shares[_OWN:]
        part = float(by_kriging + by_line)
        rest = known.rests[-1]
        found = (1.0 - part) * without + part * known.values[begins[:, None] + np.arange(size)]
        if by_kriging > 0:
            found += by_kriging * known.kriging.guesses(rest, begins, size)
        if by_line > 0:
            found += by_line * lines(rest, begins, size)
        trust, doubt = (each[:, None] for each in known.trust(begins, size))
        gap = found - without
        std = self._std(size)
        variance = std**2 + trust * part**2 * doubt + (1.0 - trust) * (self.alone**2 - 1.0) * std**2
        return without + trust * gap, np.sqrt(variance + trust * (1.0 - trust) * gap**2)

    def _std(self, size: int) -> Floats:
        """Standard deviation as learnt, shape (size,); of a gap beyond those that were studied, as of a walk."""
        place = np.arange(1, size + 1) / (size + 1)
        beyond = max(1.0, size / (_BEYOND * self.size)) ** 0.5
        return np.asarray(beyond * (self.spread[0] + self.spread[1] * 4.0 * place * (1.0 - place)), np.float64)


def studied(series: Series, sources: Sources, pattern: bytes, masks: Masks, totaliser: Totaliser | None) -> Study:
    """The mixture that misses least in *masks*.

    Args:
        series: Whose gaps.
        sources: What may tell of it.
        pattern: Columns of them that were measured in the gaps.
        masks: Artificial gaps of about their length.
        totaliser: The counter of the same quantity.
    """
    best = sources.best(series, pattern, masks.size)
    own = masks.strays(series.values)
    known = explained(series, sources.rows(best), masks, own) if len(best) else None
    name = "" if known is None else sources.name(best[known.most])
    errors = _errors(series, known, masks, own)
    flat = errors.reshape(len(errors), -1)
    chosen = _chosen(flat)
    missed = (chosen @ flat).reshape(errors.shape[1:])
    gain, missed = gained(missed, series, totaliser, masks) if totaliser else (0.0, missed)
    missed, is_stepped = _stepped(missed, series, masks)
    alone = max(1.0, (mean_square(errors[0]) / max(mean_square(missed), 1e-24)) ** 0.5)
    # what was chosen by few gaps of its length looks too good by them
    more = 1.0 + _CHOSEN * masks.size / float(series.is_measured.sum())
    low, rise = spread(missed, masks)
    return Study(series, known, name, chosen, (more * low, more * rise), masks.size, alone, totaliser, gain, is_stepped)


def _chosen(errors: Floats) -> Floats:
    """The shares by which *errors*, shape (parts, m), miss least, shape (parts,)."""
    shares = _simplex(len(errors))
    judged = errors[:, :: max(1, errors.shape[1] // _JUDGED)].astype(np.float32)
    missed = shares.astype(np.float32) @ judged
    np.abs(missed, out=missed)
    best: Floats = shares[(missed @ np.ones(judged.shape[1], np.float32)).argmin()]
    return best


def _stepped(missed: Floats, series: Series, masks: Masks) -> tuple[Floats, bool]:
    """Whether the nearest value that a coarse meter can show misses less, and what is missed then."""
    if not series.step:
        return missed, False
    truth = masks.truth(series.values)
    stepped = series.stepped(truth + missed) - truth
    is_better = bool(np.abs(stepped).sum() < np.abs(missed).sum())
    return (stepped if is_better else missed), is_better


def _errors(series: Series, known: Explained | None, masks: Masks, own: Floats) -> Floats:
    """What each part misses in the artificial gaps, the regression without their own fold; (parts, gaps, j)."""
    values = series.values
    errors = np.empty((_OWN if known is None else len(_NAMES), *masks.places.shape))
    np.negative(own, out=errors[0])
    by_own = series.bridges.guesses(values, masks.begins, masks.size, masks.inside)
    np.subtract(by_own, masks.truth(values), out=errors[1:_OWN])
    if known is not None:
        errors[_OWN] = known.kriging.guesses(known.rests, masks.begins, masks.size, masks.inside, masks.fold)
        errors[_OWN] -= known.rests.take(masks.places + masks.fold[:, None] * len(values))
        errors[_OWN + 1] = -known.missed
    return errors


@cache
def _simplex(parts: int) -> Floats:
    """Every way to share one among so many, in quarters."""
    ways = [way for way in product(range(_STEPS + 1), repeat=parts) if sum(way) == _STEPS]
    return np.array(ways, np.float64) / _STEPS


def spread(errors: Floats, masks: Masks) -> tuple[float, float]:
    """A standard deviation by the place in the gap, such that 90 % intervals hold 90 % of *errors*."""
    bump = 4.0 * masks.weight * (1.0 - masks.weight)
    missed = np.abs(errors)
    mean = missed.sum(axis=0) / len(missed)
    centre = float(bump.sum()) / len(bump)
    middle, about = float(mean.sum()) / len(mean), bump - centre
    slope = float(about @ mean / max(about @ about, 1e-12)) if len(bump) > _FEW else 0.0
    low = max(middle - slope * centre, 0.1 * middle, 1e-12)
    slope = max(slope, -0.9 * low)
    ratio = (missed / (low + slope * bump)).reshape(-1)
    # A value that rarely jumps has a 90 % quantile of nothing; half of the root mean square keeps the jumps in view.
    scale = max(_nine_in_ten(ratio) / COVERAGE_90, 0.5 * mean_square(ratio) ** 0.5)
    return scale * low, scale * slope


def _nine_in_ten(sizes: Floats) -> float:
    """What holds 90 % of them; where they are a step or none, so that no size does, what holds 80 % rather than all."""
    fewer, place, most = (int(share * (len(sizes) - 1) + 0.5) for share in _SHARES)
    parted = np.partition(sizes, (fewer, place, most))
    least, usual = float(parted[fewer]), float(parted[place])
    is_coarse = least < _APART[0] * usual and _APART[1] * float(parted[most]) < usual
    return 0.5 * (least + usual) if is_coarse else usual
