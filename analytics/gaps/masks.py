"""Artificial gaps in what was measured, by which methods are judged before they are believed."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import log
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from analytics.gaps.gap import Floats
from analytics.gaps.kriging import REACH
from analytics.gaps.series import Places, Series, spaced

_Float = TypeVar("_Float", np.float64, np.float32)

FOLDS = 3
_LEAST = 8
_BUDGET = 2_000  # values that are judged
_MOST, _FEWEST = 400, 120
_CLASSES = (1, 2, 3, 5, 8, 12, 20, 30, 50, 80)


@lru_cache(maxsize=1_024)
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


@dataclass(frozen=True)
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
        missing = series.missing_before
        free = np.flatnonzero(missing[whole:] == missing[:-whole]) + 1
        first, last = np.searchsorted(free, [REACH[-1], len(series) - size - REACH[-1] + 1])
        free = free[first:last] if last - first >= max(_FEWEST, size) else free
        if len(free) < max(_LEAST, size):
            return None
        most = min(max(_BUDGET // size, _FEWEST), _MOST)
        begins = free[spaced(len(free), most)]
        step = max(1, round(len(begins) * size / _BUDGET))
        inside = np.arange(int(step // 2) % size, size, step)
        bounds = [len(begins) * fold // FOLDS for fold in range(FOLDS + 1)]
        return Masks(begins, size, inside, tuple(map(slice, bounds[:-1], bounds[1:])))

    @cached_property
    def fold(self) -> Places:
        """In which fold each of them is."""
        return np.repeat(np.arange(len(self.folds)), [fold.stop - fold.start for fold in self.folds])

    @cached_property
    def places(self) -> Places:
        """Of what is judged, shape (gaps, j)."""
        return self.begins[:, None] + self.inside

    @cached_property
    def weight(self) -> Floats:
        """Of the value after a gap in a line over it, shape (j,)."""
        return np.asarray((self.inside + 1) / (self.size + 1), np.float64)

    def truth(self, values: Floats) -> Floats:
        """What was measured there, shape (gaps, j)."""
        return values[self.places]

    def strays(self, values: NDArray[_Float], shift: int = 0, out: NDArray[_Float] | None = None) -> NDArray[_Float]:
        """How far *values*, shape (..., n), stray from lines over the gaps, shape (..., gaps, j).

        With a *shift*, those of the values so many places later; beyond the ends they stand still.
        """
        ends = values.take(self._ends + shift, axis=-1, mode="clip")
        found: NDArray[_Float] = values.take(self.places + shift, axis=-1, mode="clip", out=out)
        # a product is faster than a sum of three whose inner loops are as short as the gaps
        found -= (ends.reshape(-1, 2) @ self._lines.astype(values.dtype)).reshape(found.shape)
        return found

    @cached_property
    def _ends(self) -> Places:
        """Before and after each gap, shape (gaps, 2)."""
        found: Places = self.begins[:, None] + np.array([-1, self.size])
        return found

    @cached_property
    def _lines(self) -> Floats:
        """What both ends weigh in a line, shape (2, j)."""
        return np.array([1.0 - self.weight, self.weight])
