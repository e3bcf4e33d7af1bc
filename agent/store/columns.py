"""The log as arrays: windows, one set a tag, and what arrived after a mark."""

from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from agent.store.reader import NEWEST, Reader
from agent.store.sealed import Chunk
from agent.store.vectors import VECTORS
from agent.store.zones import Stored
from drivers.reading import Value


class Column(NamedTuple):
    """Readings of one tag, by source time, each time once."""

    times_ms: NDArray[np.int64]  # shape (n,), ascending
    values: NDArray[np.float64]  # shape (n,), the tag's own unit; NaN where there is no number
    quality: NDArray[np.int16]  # shape (n,), OPC codes


class Arrivals(NamedTuple):
    """Readings of all tags in the order in which they arrived, each of shape (n,)."""

    ids: NDArray[np.int64]
    tags: NDArray[np.int64]  # numbers of `Reader.numbers`
    times_ms: NDArray[np.int64]
    values: NDArray[np.float64]  # the tag's own unit; NaN where there is no number
    quality: NDArray[np.int16]  # OPC codes
    reasons: dict[int, str]  # by place, where there is one

    def __len__(self) -> int:
        """Number of readings."""
        return len(self.ids)


Arrays = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int16]]
"""Times, values and qualities of one tag."""


def columns(
    reader: Reader, tags: Collection[str], start_ms: int, end_ms: int, newest: Arrivals | None = None
) -> dict[str, Column]:
    """Readings of *tags* from *start_ms* up to, not including, *end_ms*; every tag asked for is there.

    Where a time comes twice (delivered late, or imported again), the row that was written last counts.
    A number is exact as a float up to 2^53; texts and missing values are NaN. The *newest* rows of the log are not read
    again, where the caller has them.
    """
    names = reader.numbers(tags)
    upto = NEWEST if newest is None or not len(newest) else int(newest.ids[0]) - 1
    parts: dict[str, list[Arrays]] = {tag: [] for tag in tags}
    for first, last, (chunks, rows) in reader.parts(tags, start_ms, end_ms, VECTORS, upto):
        for chunk in chunks:
            parts[names[chunk.tag]].append(_of_chunk(chunk, first, last))
        for tag, arrays in _of_rows(rows).items():
            parts[names[tag]].append(arrays)
    if newest is not None and len(newest):
        for tag, arrays in _by_tag(newest.tags, newest.times_ms, newest.values, newest.quality).items():
            if tag in names:
                parts[names[tag]].append(arrays)
    return {tag: _column(found, start_ms, end_ms) for tag, found in parts.items()}


def arrivals(reader: Reader, mark: int, limit: int) -> Arrivals:
    """The next rows after *mark*, at most *limit* of them."""
    rows = reader.stored_after(mark, limit)
    ids, tags, times, values, qualities, reasons = zip(*rows, strict=True) if rows else ((),) * 6
    is_plain = reasons.count(None) == len(reasons)
    told = [] if is_plain else [place for place, reason in enumerate(reasons) if reason is not None]
    named = reader.named([rows[place] for place in told])
    return Arrivals(
        np.array(ids, np.int64),
        np.array(tags, np.int64),
        np.array(times, np.int64),
        _numbers(values),
        np.array(qualities, np.int16),
        {place: row.reason for place, row in zip(told, named, strict=True) if row.reason is not None},
    )


def _of_chunk(chunk: Chunk, first: int, last: int) -> Arrays:
    """The readings of a sealed chunk with ids from *first* to *last*."""
    part = chunk.between(first, last)
    times_ms = np.asarray(chunk.times_ms, np.int64)[part]
    quality = np.array([kind.quality for kind in chunk.kinds], np.int16)
    if chunk.codes is None:
        of_each = np.broadcast_to(quality, times_ms.shape)
    else:
        of_each = quality[np.asarray(chunk.codes)[part]]
    if isinstance(chunk.values, np.ndarray):
        return times_ms, chunk.values[part].astype(np.float64), of_each
    return times_ms, _numbers(chunk.values[part]), of_each


def _of_rows(rows: Sequence[Stored]) -> dict[int, Arrays]:
    """Rows as they were written, by tag."""
    if not rows:
        return {}
    _, tags, times, values, qualities, _ = zip(*rows, strict=True)
    return _by_tag(np.array(tags), np.array(times), _numbers(values), np.array(qualities, np.int16))


def _by_tag(
    tag: NDArray[np.int64], times_ms: NDArray[np.int64], numbers: NDArray[np.float64], quality: NDArray[np.int16]
) -> dict[int, Arrays]:
    order = np.argsort(tag, kind="stable")
    tag, times_ms, numbers, quality = tag[order], times_ms[order], numbers[order], quality[order]
    starts = [0, *(1 + np.flatnonzero(tag[1:] != tag[:-1])).tolist(), len(tag)]
    parts = [slice(*ends) for ends in pairwise(starts)]
    return {int(tag[part.start]): (times_ms[part], numbers[part], quality[part]) for part in parts}


def _numbers(values: Sequence[Value]) -> NDArray[np.float64]:
    if str in set(map(type, values)):  # NumPy would read "3" as a number
        values = [None if isinstance(value, str) else value for value in values]
    return np.array(values, np.float64)  # None becomes NaN


def _column(parts: list[Arrays], start_ms: int, end_ms: int) -> Column:
    """In order of time; of equal times the last one."""
    if not parts:
        return Column(np.empty(0, np.int64), np.empty(0), np.empty(0, np.int16))
    times_ms, values, quality = parts[0] if len(parts) == 1 else map(np.concatenate, zip(*parts, strict=True))
    if not (times_ms[1:] > times_ms[:-1]).all():
        order = np.argsort(times_ms, kind="stable")
        keep = np.append(np.diff(times_ms[order]) > 0, True)
        order = order[keep]
        times_ms, values, quality = times_ms[order], values[order], quality[order]
    if len(times_ms) and start_ms <= times_ms[0] and times_ms[-1] < end_ms:
        return Column(times_ms, values, quality)
    within = slice(*np.searchsorted(times_ms, (start_ms, end_ms)))
    return Column(times_ms[within], values[within], quality[within])
