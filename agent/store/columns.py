"""Windows of the log as arrays, one set a tag."""

from collections.abc import Collection
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from agent.store.reader import Reader


class Column(NamedTuple):
    """Readings of one tag, by source time, each time once."""

    times_ms: NDArray[np.int64]  # shape (n,), ascending
    values: NDArray[np.float64]  # shape (n,), the tag's own unit; NaN where there is no number
    quality: NDArray[np.int16]  # shape (n,), OPC codes


# A number is exact as a float up to 2^53; texts and missing values become NaN.
NUMBERS = "tag, ts_ms, CASE WHEN typeof(value) IN ('real', 'integer') THEN value END, quality"


def columns(reader: Reader, tags: Collection[str], start_ms: int, end_ms: int) -> dict[str, Column]:
    """Readings of *tags* from *start_ms* up to, not including, *end_ms*; every tag asked for is there.

    Where a time comes twice (delivered late, or imported again), the row that was written last counts.
    """
    numbers = reader.numbers(tags)
    parts = [_arrays(chunk) for chunk in reader.chunks(tags, start_ms, end_ms, NUMBERS) if chunk]
    found = dict.fromkeys(tags, _column(*_arrays([])[1:]))
    if parts:
        tag, times_ms, values, quality = (np.concatenate(part) for part in zip(*parts, strict=True))
        order = np.argsort(tag, kind="stable")
        ends = np.searchsorted(tag[order], list(numbers), side="right")
        starts = np.searchsorted(tag[order], list(numbers), side="left")
        for name, start, end in zip(numbers.values(), starts, ends, strict=True):
            rows = order[start:end]
            found[name] = _column(times_ms[rows], values[rows], quality[rows])
    return found


def _arrays(
    rows: list[tuple[int, int, float | None, int]],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.int16]]:
    tag, times_ms, values, quality = zip(*rows, strict=True) if rows else ((), (), (), ())
    return (
        np.array(tag, np.int64),
        np.array(times_ms, np.int64),
        np.array(values, np.float64),
        np.array(quality, np.int16),
    )


def _column(times_ms: NDArray[np.int64], values: NDArray[np.float64], quality: NDArray[np.int16]) -> Column:
    """In order of time; of equal times the last one."""
    if len(times_ms) > 1 and not np.all(np.diff(times_ms) > 0):
        order = np.argsort(times_ms, kind="stable")
        keep = np.append(np.diff(times_ms[order]) > 0, True)
        order = order[keep]
        times_ms, values, quality = times_ms[order], values[order], quality[order]
    return Column(times_ms, values, quality)
