"""Pages of rolled up readings as they lie in the table `rollup`: what the worker hands to the writer."""

import json
import sqlite3
from collections.abc import Collection, Iterable
from typing import NamedTuple

MINUTE_MS = 60_000
WIDTHS_MS = (MINUTE_MS, 15 * MINUTE_MS, 60 * MINUTE_MS)
PAGE = 60  # buckets of a page: an hour of minutes


class RolledPage(NamedTuple):
    """Strips of the buckets of a page in which there were readings."""

    tag: int
    width_ms: int
    start_ms: int
    places: bytes
    counts: bytes
    goods: bytes
    minima: bytes | None  # from here on of buckets with good readings only; None where no bucket has any
    means: bytes | None
    maxima: bytes | None
    firsts: bytes | None
    lasts: bytes | None
    rises: bytes | None  # None for what is no totaliser


def pages(db: sqlite3.Connection, tags: Collection[int], width_ms: int, start_ms: int, end_ms: int) -> list[RolledPage]:
    """Pages of *tags* that may have buckets from *start_ms* up to, not including, *end_ms*; by tag, then time."""
    values = json.dumps(list(tags)), width_ms, start_ms - PAGE * width_ms, end_ms
    return [RolledPage._make(row) for row in db.execute(PAGES, values)]


def keep_pages(db: sqlite3.Connection, rolled: Iterable[RolledPage]) -> None:
    """Put pages in the place of older ones, in the caller's transaction."""
    db.executemany("INSERT OR REPLACE INTO rollup VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rolled)


def drop_pages(db: sqlite3.Connection, before_ms: int) -> int:
    """Drop some pages that end before that, in the caller's transaction; how many."""
    return db.execute(DROP, (before_ms,)).rowcount


def drop_oldest_pages(db: sqlite3.Connection) -> int:
    """Drop some of the oldest pages, in the caller's transaction; how many."""
    return db.execute(DROP_OLDEST).rowcount


PAGES = """
SELECT * FROM rollup WHERE tag IN (SELECT value FROM json_each(?)) AND width_ms = ?
AND start_ms > ? AND start_ms < ? ORDER BY tag, start_ms
"""
DROP = f"""
DELETE FROM rollup WHERE rowid IN (SELECT rowid FROM rollup WHERE start_ms + {PAGE} * width_ms < ? LIMIT 500)
"""  # noqa: S608 - ours
DROP_OLDEST = "DELETE FROM rollup WHERE rowid IN (SELECT rowid FROM rollup ORDER BY start_ms LIMIT 500)"
