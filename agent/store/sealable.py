"""Which rows of the log are next to be sealed: old ones that nobody waits for any more, a block at a time."""

import json
import sqlite3
from collections.abc import Collection
from itertools import pairwise, takewhile
from typing import NamedTuple

from agent.store.rows import sealed_upto
from agent.store.settings import StorageSettings
from agent.store.zones import SPAN_ROWS, Span

BLOCK_ROWS = 2**19  # of a block at most: what the worker holds in memory at once
TAG_ROWS = 2_048  # of a block for each tag: fewer cost more bytes a reading, more cost time to read a few of
HOUR_MS = 3_600_000


class Bounds(NamedTuple):
    """Up to which ids rows may be sealed."""

    old: int  # older than the hot window
    aged: int  # so old that whoever has not read them reads them from their chunks
    read: int  # delivered to all sinks, and read by all jobs
    fixed: int  # what may still change in place, or is not yet told apart, begins behind it


def next_block(
    db: sqlite3.Connection, settings: StorageSettings, jobs: Collection[str], horizon: int, now_ms: int
) -> Span | None:
    """The rows to seal next, None where too few are ready; what is sealed is always the beginning of the log.

    Args:
        db: In a transaction, so that all this is of one state.
        settings: How long readings stay hot, and how long they wait for whoever has not had them.
        jobs: That read the log on their own.
        horizon: The last id in sight.
        now_ms: The present; where the newest reading is older than that, it counts instead.
    """
    bounds = _bounds(db, settings, jobs, now_ms)
    end = min(bounds.old, max(bounds.read, bounds.aged), bounds.fixed, horizon)
    spans = [Span(*row) for row in db.execute(READY, (sealed_upto(db), end)).fetchall()]
    run = _run(spans)
    rows = sum(span.last - span.first + 1 for span in run)
    tags = db.execute("SELECT count(*) FROM tag").fetchone()[0]
    is_whole = rows >= min(BLOCK_ROWS - SPAN_ROWS, TAG_ROWS * tags) or len(run) < len(spans)
    if not run or not (is_whole or run[0].last <= bounds.aged):
        return None
    times = min(span.min_ms for span in run), max(span.max_ms for span in run)
    return Span(run[0].first, run[-1].last, *times, run[0].imported)


def _run(spans: list[Span]) -> list[Span]:
    """The first of *spans* that one block can hold: alike, without a gap, and not too many."""
    if not spans:
        return []
    most = max(spans[0].first + BLOCK_ROWS - 1, spans[0].last)
    linked = [True, *(one.last + 1 == other.first for one, other in pairwise(spans))]
    fitting = takewhile(
        lambda pair: pair[1] and pair[0].imported == spans[0].imported and pair[0].last <= most,
        zip(spans, linked, strict=True),
    )
    return [span for span, _ in fitting]


def _bounds(db: sqlite3.Connection, settings: StorageSettings, jobs: Collection[str], now_ms: int) -> Bounds:
    newest_ms = db.execute("SELECT max(max_ms) FROM span").fetchone()[0] or 0
    present_ms = min(now_ms, newest_ms)
    old, aged = (
        db.execute(OLDER, (sealed_upto(db), present_ms - hours * HOUR_MS)).fetchone()[0] or 0
        for hours in (settings.hot_hours, settings.hold_hours)
    )
    return Bounds(
        old=old,
        aged=aged,
        read=db.execute(READ, (json.dumps(list(jobs)),)).fetchone()[0],
        fixed=db.execute(FIXED).fetchone()[0] or 0,
    )


READY = "SELECT * FROM span WHERE first > ? AND last <= ? ORDER BY first LIMIT 10000"
OLDER = "SELECT max(last) FROM span WHERE first > ? AND max_ms < ?"
# A job that has not run yet has read nothing.
READ = """
SELECT min(id) FROM (
    SELECT 9223372036854775807 AS id
    UNION ALL SELECT id FROM cursor WHERE stream = 'live'
    UNION ALL SELECT first - 1 FROM backlog
    UNION ALL SELECT coalesce(mark, 0) FROM json_each(?) LEFT JOIN job ON job = value
)
"""
# The newest span goes on growing; the newest values are found in the table behind their checkpoint; doubtful times
# are still to be corrected.
FIXED = """
SELECT min(id) FROM (
    SELECT max(first) - 1 AS id FROM span
    UNION ALL SELECT coalesce((SELECT id FROM mark WHERE name = 'latest'), 0)
    UNION ALL SELECT first - 1 FROM anchor
)
"""
