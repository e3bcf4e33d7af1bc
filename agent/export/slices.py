"""Readings of the store, a few minutes at a time: memory stays bounded however much is asked for."""

import sqlite3
from collections.abc import Collection, Iterator
from functools import partial
from typing import NamedTuple

from agent.store.reader import Reader
from drivers.reading import Value

MOST = 100_000  # readings of a slice, about, where each tag has one a second
LONGEST_MS, SHORTEST_MS = 3_600_000, 60_000
NEVER = 2**62


class Entry(NamedTuple):
    """A reading, or a filled value in its place."""

    ts_ms: int
    tag: str
    value: Value
    quality: int | None  # OPC code; None for a filled value, which nobody measured
    reason: str | None  # of a filled value: the method
    std: float | None = None  # of a filled value, in the tag's unit


def slices(
    reader: Reader, tags: Collection[str], start_ms: int, end_ms: int, *, with_filled: bool
) -> Iterator[list[Entry]]:
    """What there is of *tags* from *start_ms* up to, not including, *end_ms*, by time and tag; empty slices left out.

    Of equal times of a tag the one that was written last counts. A filled value comes only where nothing was measured.
    """
    step_ms = max(SHORTEST_MS, min(LONGEST_MS, 1_000 * MOST // max(1, len(tags))))
    end = start_ms
    while (begin := end) < end_ms:
        end = min(begin + step_ms, end_ms)
        found: dict[tuple[int, str], Entry] = {}
        if with_filled:
            for one in reader.filled(tags, begin, end):
                found[one.ts_ms, one.tag] = Entry(one.ts_ms, one.tag, one.value, None, one.method, one.std)
        for row in reader.window(tags, begin, end):
            found[row.ts_ms, row.tag] = Entry(row.ts_ms, row.tag, row.value, row.quality, row.reason)
        if found:
            yield [found[key] for key in sorted(found)]
        elif not with_filled:
            end = max(end, reader.ask(partial(_next_ms, end)))  # a year of nothing has many slices


def _next_ms(ts_ms: int, db: sqlite3.Connection) -> int:
    """No reading lies between *ts_ms* and this."""
    found: int | None = db.execute("SELECT min(min_ms) FROM span WHERE max_ms >= ?", (ts_ms,)).fetchone()[0]
    return NEVER if found is None else found
