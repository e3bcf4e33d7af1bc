"""A bounded memory of steady points in which rare operation is not crowded out by common operation."""

import numpy as np
from numpy.typing import NDArray

from analytics.curves.points import Points, Times
from analytics.hydraulics import Floats

SPEED_BIN = 0.02  # relative speed
HEAD_BIN = 0.02  # share of head
MOST_PER_KIND = 24
HALF_LIFE_MS = 14 * 86_400_000  # a point so much older is half as likely to stay as a rival of its kind
FAR, LEAST_FAR = 4.0, 0.1  # robust standard deviations, and share, off what is usual of a running set: it is rare
FAR_SHARE = 0.1  # of the places, for what is rare so
Hashes = NDArray[np.uint64]


def thinned(points: Points, capacity: int, quota: int = MOST_PER_KIND) -> tuple[Points, int]:
    """At most *capacity* of the *points*, oldest first, with every kind of operation represented, and the quota.

    Points of one running set, speeds and head (bins of 2 %) are of one kind; of each kind the k points with the
    highest keys stay. A key is the point's time in half-lives plus a Gumbel variate made from a hash of that time:
    the k highest are a sample without replacement in which a point weighs half as much as one that is a half-life
    younger (Efraimidis and Spirakis, 2006; Cormode et al., 2009), whatever the present time is. So a pump's recent
    state takes the place of what it was, and only where it has not been lately old points have no rivals. The quota
    k is the greatest with which all fit, and never more than it was before: that makes the choice nested, so that it
    does not matter in which order or portions points arrive. Two points at one time are one point.

    A wild reading is of a kind of its own and has no rivals: in months they would take every place. So of points whose
    H/s² is far from what is usual of their running set only so many stay as are a tenth of the places, by their keys.

    Args:
        points: What was kept before and what is new.
        capacity: Most points that may stay.
        quota: What the last thinning returned.
    """
    _, first = np.unique(points.times_ms, return_index=True)
    unique = _without_wild(points.take(first), int(FAR_SHARE * capacity))
    keys = _keys(unique.times_ms)
    rank = _rank_in_group(_kinds(unique), -keys)
    counts = np.bincount(rank, minlength=quota)[:quota]
    quota = max(int(np.searchsorted(np.cumsum(counts), capacity, side="right")), 1)
    kept = np.flatnonzero(rank < quota)
    if len(kept) > capacity:  # more kinds than places
        kept = np.sort(kept[np.argsort(-keys[kept], kind="stable")[:capacity]])
    return unique.take(kept), quota


def _without_wild(points: Points, most: int) -> Points:
    """The *points* without those that are far from what is usual, but for *most* of them with the highest keys."""
    far = np.flatnonzero(_is_far(points))
    if len(far) <= most:
        return points
    left = np.ones(len(points), dtype=np.bool_)
    left[far[np.argsort(-_keys(points.times_ms[far]), kind="stable")[most:]]] = False
    return points.take(left)


def _is_far(points: Points) -> NDArray[np.bool_]:
    """Whether a point's head, over its pumps' mean squared speed, is far from the median of its running set."""
    squares = np.where(points.running, np.nan_to_num(points.speeds), 0.0) ** 2
    level = np.log(np.maximum(points.head, 1e-3) / (squares.sum(axis=1) / points.running.sum(axis=1)))
    far = np.zeros(len(points), dtype=np.bool_)
    _, which = np.unique(points.running, axis=0, return_inverse=True)
    for each in range(which.max() + 1 if len(points) else 0):
        rows = which.ravel() == each
        off = np.abs(level[rows] - np.median(level[rows]))
        far[rows] = off > max(FAR * 1.4826 * float(np.median(off)), LEAST_FAR)
    return far


def _keys(times_ms: Times) -> Floats:
    """What decides which points stay, higher first, shape (n,)."""
    uniform = (_hash(times_ms.astype(np.uint64)) >> np.uint64(11)).astype(np.float64) + 0.5
    gumbel = -np.log(-np.log(uniform / 2.0**53))
    return np.asarray(gumbel + times_ms * (np.log(2.0) / HALF_LIFE_MS))


def _kinds(points: Points) -> Hashes:
    """A number for each kind of operation, shape (n,)."""
    speeds = np.where(points.running, np.floor(np.nan_to_num(points.speeds) / SPEED_BIN) + 1.0, 0.0)
    heads = np.floor(np.log(np.maximum(points.head, 1e-3)) / HEAD_BIN)
    # What a row can teach is part of its kind: a row without flow must not stand for those with it.
    measured = np.isfinite(np.column_stack([points.flow, points.powers, points.pump_flows]))
    digest = np.zeros(len(points), dtype=np.uint64)
    for column in np.column_stack([speeds, heads, measured]).astype(np.int64).T:
        digest = _hash(digest ^ column.astype(np.uint64))
    return digest


def _rank_in_group(groups: Hashes, order: Floats) -> NDArray[np.int64]:
    """Place of each element among those of its group, by *order*, shape (n,)."""
    index = np.lexsort((order, groups))
    sorted_groups = groups[index]
    is_first = np.append(True, sorted_groups[1:] != sorted_groups[:-1])[: len(index)]
    start = np.maximum.accumulate(np.where(is_first, np.arange(len(index)), 0))
    rank = np.empty(len(index), dtype=np.int64)
    rank[index] = np.arange(len(index)) - start
    return rank


def _hash(values: Hashes) -> Hashes:
    """SplitMix64 (Steele, Lea and Flood, 2014): a fixed mixing of 64 bits, the same on every machine."""
    z = values + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)))
