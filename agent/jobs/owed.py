"""Stretches of time that a job has still to look at: disjoint, oldest first; the end of each is not part of it."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

Stretch = tuple[int, int]
"""Start and end, ms."""


def joined(stretches: Iterable[Stretch], gap_ms: int = 0) -> list[Stretch]:
    """The same time, without overlaps; what lies *gap_ms* apart or nearer becomes one."""
    found: list[Stretch] = []
    for start, end in sorted(each for each in stretches if each[0] < each[1]):
        if found and start <= found[-1][1] + gap_ms:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def without(stretches: Iterable[Stretch], begin_ms: int, until_ms: int) -> list[Stretch]:
    """What is left once the time from *begin_ms* to *until_ms* was looked at."""
    parts = [part for start, end in stretches for part in ((start, min(end, begin_ms)), (max(start, until_ms), end))]
    return joined(parts)


def newest(stretches: Sequence[Stretch], until_ms: int, most_ms: int) -> list[Stretch]:
    """The last *most_ms* of them before *until_ms*, newest first."""
    found: list[Stretch] = []
    for start, end in reversed(stretches):
        last_ms = min(end, until_ms)
        first_ms = max(start, last_ms - most_ms)
        if first_ms < last_ms:
            found.append((first_ms, last_ms))
            most_ms -= last_ms - first_ms
    return found


def touched(stretches: Iterable[Stretch], begins_ms: NDArray[np.int64], window_ms: int) -> NDArray[np.bool_]:
    """Which windows of *window_ms* have a part in one of them, shape (n,)."""
    found = np.zeros(len(begins_ms), dtype=np.bool_)
    for start, end in stretches:
        found |= (begins_ms + window_ms > start) & (begins_ms < end)
    return found
