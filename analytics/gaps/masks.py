"""Artificial gaps in what was measured, by which methods are judged before they are believed."""

from dataclasses import dataclass
from math import log

import numpy as np

from analytics.gaps.gap import Floats
from analytics.gaps.kriging import REACH
from analytics.gaps.series import Places, Series, spaced

FOLDS = 3
_LEAST = 8
_BUDGET = 1_600  # values that are judged
_MOST, _FEWEST = 400, 60
_CLASSES = (1, 2, 3, 5, 8, 12, 20, 30, 50, 80)


def size_class(size: int) -> int:
    """The length of artificial gaps that stand for *size*: 1 2 3 5 8 12 20 30 50 80 120 200 ..., the nearest one.

    >>> [size_class(size) for size in (1, 4, 17, 120, 700)]
    [1, 5, 20, 120, 800]
    """
    return min(_classes(size), key=lambda one: (abs(log(one / size)), one))


def shorter(size: int) -> int:
    """The next class below *size*; 1 where there is none."""
    return max([each for each in _classes(size) if each < size], default=1)


def _classes(size: int) -> list[int]:
    return [*_CLASSES, *(10**power * step for power in range(1, len(str(size)) + 1) for step in _CLASSES[5:])]


@dataclass(frozen=True, slots=True)
class Masks:
    """Artificial gaps of one length, oldest first, in folds that follow each other."""

    begins: Places
    size: int
    inside: Places  # places in a gap that are judged, shape (j,)
    folds: tuple[slice, ...]

    @staticmethod
    def spread(series: Series, size: int) -> "Masks | None":
        """Over all that was measured; None where there is too little of it."""
        whole = size + 2
        if len(series) < whole:
            return None
        missing = np.concatenate([[0], np.cumsum(~series.is_measured)])
        free = np.flatnonzero(missing[whole:] == missing[:-whole]) + 1
        inner = free[(free >= REACH[-1]) & (free <= len(series) - size - REACH[-1])]
        free = inner if len(inner) >= max(_FEWEST, size) else free
        if len(free) < max(_LEAST, size):
            return None
        most = int(np.clip(_BUDGET // size, _FEWEST, _MOST))
        begins = free[spaced(len(free), most)]
        step = max(1, round(len(begins) * size / _BUDGET))
        inside = np.arange(int(step // 2) % size, size, step)
        bounds = np.linspace(0, len(begins), FOLDS + 1).astype(int)
        folds = tuple(slice(int(bounds[i]), int(bounds[i + 1])) for i in range(FOLDS))
        return Masks(begins, size, inside, folds)

    def part(self, fold: slice) -> "Masks":
        """Those of one fold."""
        return Masks(self.begins[fold], self.size, self.inside, ())

    def truth(self, values: Floats) -> Floats:
        """What was measured there, shape (gaps, j), or of columns (gaps, j, columns)."""
        found: Floats = values[self.begins[:, None] + self.inside]
        return found

    def strays(self, values: Floats, *, later: int = 0) -> Floats:
        """How far *values* stray from lines over the gaps, or what they are so many places *later*; as `truth`."""
        weight = (self.inside + 1) / (self.size + 1)
        weight = weight.reshape((-1,) + (1,) * (values.ndim - 1))
        begins = np.clip(self.begins + later, 1, len(values) - self.size - 1) if later else self.begins
        before, after = values[begins - 1][:, None], values[begins + self.size][:, None]
        found: Floats = values[begins[:, None] + self.inside]
        found -= before
        found -= weight * (after - before)
        return found
