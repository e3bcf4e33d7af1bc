"""Which of many columns tell most of a series together, by a sample of both."""

from dataclasses import dataclass

import numpy as np

from analytics.gaps.gap import Floats, Singles
from analytics.gaps.series import Places

_LEVEL = 0.8  # what likeness of the values counts, against that of their moves within the length of a gap
_LEAST_ALIKE = 0.05
_COMPARED = 40  # columns, the most alike ones, among which it is looked which tell something new
_RIDGE = 0.05  # of a column's square: what a sample of it is not sure of
_STILL, _TINY = 1e-9, 1e-150


@dataclass(frozen=True, slots=True)
class Likeness:
    """Strays and values of columns and of a series, each about their mean and of square 1; values counted less."""

    rows: Singles  # strays, then values, shape (k, 2 m)
    own: Singles  # of the series, shape (2 m,)
    alike: Singles  # of each column with it, 0 to 1: by strays or by values, the larger one, shape (k,)

    @staticmethod
    def sampled(sample: Floats) -> "Likeness":
        """By what was seen a reach before some places, at them, and a reach after them.

        Args:
            sample: Finite, of each column and, last, of the series, shape (k + 1, 3 m).
        """
        count = sample.shape[1] // 3
        middle = sample[:, count : 2 * count]
        strays = sample[:, :count] + sample[:, 2 * count :]
        strays *= -0.5
        strays += middle
        found = np.empty((len(sample), 2 * count), np.float32)
        _standardise(strays, 1.0, found[:, :count])
        _standardise(middle, _LEVEL, found[:, count:])
        rows, own = found[:-1], found[-1]
        by_strays, by_values = np.abs(rows[:, :count] @ own[:count]), np.abs(rows[:, count:] @ own[count:])
        return Likeness(rows, own, np.maximum(by_strays, by_values / _LEVEL))

    def telling(self, usable: Places, most: int) -> Places:
        """So many of the columns *usable* at most: one after the other that which lessens most what is left to tell.

        Orthogonal least squares (Chen, Billings and Luo, 1989): of those that say the same, as the phases of one motor
        do, the second one has little left to tell once the first is taken.
        """
        first = usable[np.argsort(-self.alike[usable], kind="stable")[:_COMPARED]]
        first = first[self.alike[first] > _LEAST_ALIKE]
        if len(first) <= most:
            return first
        both = np.concatenate([self.rows[first], self.own[None]])
        left = both @ both.T  # to tell by each of them, of each of them
        left.flat[:: len(left) + 1] += _RIDGE
        told, squares = left[-1, :-1], left.diagonal()[:-1]
        chosen = np.empty(most, np.intp)
        for step in range(most):
            best = chosen[step] = (told * told / squares).argmax()
            row = left[best]
            left -= np.multiply.outer(row, row / row[best])
            left[best, best] = np.inf  # nothing is left of it to be taken again
        return first[chosen]


def _standardise(rows: Floats, size: float, out: Singles) -> None:
    """*rows* about their means, their squares summing up to that of *size*; nothing of those that never move."""
    means = rows @ np.full(rows.shape[1], 1.0 / rows.shape[1])
    about = rows - means[:, None]
    square = np.einsum("ij,ij->i", about, about)
    is_moving = square > _STILL**2 * rows.shape[1] * means**2 + _TINY
    scale = np.where(is_moving, size / np.sqrt(np.maximum(square, _TINY)), 0.0)
    np.multiply(about, scale[:, None], out=out, casting="same_kind")
