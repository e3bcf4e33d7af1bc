"""A counter kept on counting through the gap: what it added fixes the sum of what was missed."""

from dataclasses import dataclass

import numpy as np

from analytics.gaps.gap import Floats
from analytics.gaps.masks import Masks
from analytics.gaps.series import Places, Series

_GAINS = np.array([0.0, 0.25, 0.5, 0.75, 1.0])


@dataclass(frozen=True, slots=True)
class Totaliser:
    """The counter that belongs to a series.

    Over a gap between the readings x(a) and x(b) it adds V(b) - V(a) = x(a)/2 + Σ x + x(b)/2 in units of the series
    times places. What guesses sum up to is moved towards that, most where they are least sure; by how much, artificial
    gaps decide: a counter in coarse steps says little of a short gap, and one that disagrees with its meter nothing.
    """

    counts: Floats  # in units of the series times places, shape (n,), NaN where not measured

    def missing(self, series: Series, begins: Places, size: int, sums: Floats) -> Floats:
        """What guesses of *sums* lack in gaps of *size*, in the series' own standard deviations; 0 where unknown.

        Args:
            series: Whose gaps.
            begins: Their first places, shape (gaps,).
            size: Of each.
            sums: Of the guesses, in standard deviations of the series, shape (gaps,).
        """
        added = (self.counts[begins + size] - self.counts[begins - 1]) / series.scale
        added -= (size + 1) * series.mean / series.scale
        ends = 0.5 * (series.values[begins - 1] + series.values[begins + size])
        found = np.where(added + (size + 1) * series.mean / series.scale >= 0, added - ends - sums, np.nan)
        return np.nan_to_num(found)  # a counter that was reset, or not read, has no say


def share(size: int) -> Floats:
    """Of what the whole gap lacks, that of each place, shape (size,): a parabola that sums up to 1."""
    place = np.arange(1, size + 1) / (size + 1)
    bump = place * (1.0 - place)
    found: Floats = bump / bump.sum()
    return found


def gained(errors: Floats, series: Series, totaliser: Totaliser, masks: Masks) -> tuple[float, Floats]:
    """How much of what is missing is to be added, and what is missed then.

    Args:
        errors: Guess less truth in artificial gaps, shape (gaps, j).
        series: Whose gaps.
        totaliser: Of the same quantity.
        masks: The gaps.
    """
    so_far = np.concatenate([[0.0], np.cumsum(series.values)])
    truth = so_far[masks.begins + masks.size] - so_far[masks.begins]
    sums = truth + errors.mean(axis=1) * masks.size
    lacking = totaliser.missing(series, masks.begins, masks.size, sums)
    moved = lacking[:, None] * share(masks.size)[masks.inside]
    missed = [np.abs(errors + gain * moved).mean() for gain in _GAINS]
    best = float(_GAINS[int(np.argmin(missed))])
    return best, errors + best * moved
