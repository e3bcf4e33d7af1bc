"""How wrong the measured head is, told by the meters that it makes wrong together.

A head that is read too high makes all curves expect too little flow and too little power at once, by each curve's own
slope: residuals of two meters of one point have that error in common and nothing else, and those of two points what is
slow in it (a factor model's covariances: Fuller, 1987). How noisy the meters themselves are plays no part.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.hydraulics import Floats

BELIEF = 0.003  # share of the head that it is believed to drift
WORTH = 4  # blocks that this belief weighs as much as
LEAST = 0.1  # of that belief: no gauge is better


@dataclass(frozen=True, slots=True, eq=False)
class Pull:
    """What the readings of one meter, each of another point, say of the head there.

    Attributes:
        rows: Of the points.
        residual: Reading less what is expected at the measured head.
        slope: Of what is expected, by the head.
        information: One over the variance of the residual; 0 for outliers.
    """

    rows: NDArray[np.int64]
    residual: Floats
    slope: Floats
    information: Floats


@dataclass(frozen=True, slots=True)
class HeadError:
    """Standard deviations of the measured head, m.

    Attributes:
        slow: From block to block of points near in time: a suction level nobody measures, a gauge's zero.
        fast: From point to point besides.
    """

    slow: float
    fast: float

    @classmethod
    def believed(cls, head: float) -> "HeadError":
        """Before any residual is known, of a usual *head*, m."""
        return cls(BELIEF * head, 0.0)

    def learnt(self, pulls: Sequence[Pull], blocks: NDArray[np.int64], worth: Floats, head: float) -> "HeadError":
        """From the residuals of all meters, where this one is what was thought before.

        Args:
            pulls: By meter.
            blocks: The block of each point, numbered from 0.
            worth: Of each point.
            head: A usual one, m.
        """
        readings = np.zeros((4, len(blocks)))  # information by pull, by slope; both squared of each meter by itself
        for one in pulls:
            pull, told = one.information * one.slope * one.residual, one.information * one.slope**2
            readings[:, one.rows] += np.array([pull, told, pull**2, told**2])
        points = np.array([np.bincount(blocks, each) for each in (*readings[:2], *readings[:2] ** 2)])
        mean_worth = np.bincount(blocks, worth) / np.bincount(blocks)
        slow = _variance(points, mean_worth, self.slow, BELIEF * head, LEAST * BELIEF * head)
        both = _variance(readings, worth, float(np.hypot(self.slow, self.fast)), slow, slow)
        return HeadError(slow, float(np.sqrt(max(both**2 - slow**2, 0.0))))


def _variance(sums: Floats, worth: Floats, before: float, belief: float, least: float) -> float:
    """Standard deviation that the members of each group have in common, by the products of all pairs of them.

    Args:
        sums: Of pulls, of information, and of the squares of both by member, shape (4, groups).
        worth: Of each group.
        before: What it was thought to be, which decides how much each group tells.
        belief: What it is believed to be, as if some groups more had told it.
        least: That it can be.
    """
    pull, told, pulls_squared, told_squared = sums
    weights = worth / (1.0 + before**2 * told) ** 2
    believed = WORTH / before**4
    found = weights @ (pull**2 - pulls_squared) + believed * belief**2
    return float(np.sqrt(max(found / (weights @ (told**2 - told_squared) + believed), least**2)))
