"""What is older than the site wants, or more than its disk holds, leaves the log; counted, and in small steps.

Rows that have been sealed leave the table before anything else does: they are there twice.

The file does not shrink: pages that become free are used for new readings, so that a log at its limit
stays as large as it is. (auto_vacuum would move pages at every step for a file that grows again at once.)
"""

import json
import sqlite3
from typing import get_args

from agent.store.log import Log
from agent.store.losses import DAY_MS, RETENTION, Loss
from agent.store.places import merged
from agent.store.records import Kind
from agent.store.rolled import drop_oldest_pages, drop_pages
from agent.store.rows import Rows, sealed_upto
from agent.store.sealed_rows import drop_block, sweep
from agent.store.settings import StorageSettings
from agent.store.writer import Store

MEGABYTE = 1_000_000
EVENTS: frozenset[Kind] = frozenset({"alarm", "alarm_event", "alarm_test", "recommendation_event", "overhaul"})
STATES_WHOLE = 600_000  # ms for which each state stays
LOSS_DAYS = 400  # the loss report reaches so much further back than the readings


async def retain(store: Store, settings: StorageSettings, now_ms: int) -> int:
    """Drop what is to go, a span of some thousand rows a transaction, between which appends have their turn.

    Args:
        store: Open.
        settings: How long and how much the site keeps.
        now_ms: The present; 0 where the clock is not to be believed: then nothing goes for its age.

    Returns:
        Readings dropped; the loss report says which.
    """
    while await store.write(sweep):
        pass
    dropped = await _drop_spans(store, settings, now_ms)
    while await store.write(lambda log: _is_too_large(log.db, settings) and drop_oldest_pages(log.db)):
        dropped += await _drop_spans(store, settings, now_ms)
    while await store.write(lambda log: drop_pages(log.db, _cutoff(log.db, settings.keep_rollup_days, now_ms))):
        pass
    await store.write(lambda log: drop_findings(log, settings, now_ms))
    while await store.write(lambda log: thin_states(log, now_ms or _newest_state(log.db))):
        pass
    return dropped


async def _drop_spans(store: Store, settings: StorageSettings, now_ms: int) -> int:
    dropped = 0
    while rows := await store.write(lambda log: drop_span(log, settings, now_ms)):
        dropped += rows
    return dropped


def drop_span(log: Log, settings: StorageSettings, now_ms: int) -> int:
    """Drop the oldest span if it is too old, or the database too large; returns how many rows it had.

    The newest span always stays: ids go on after it. Of a database that is too large the rollups go before what was
    read in the last `hold_hours`, which receivers and analyses may still wait for.
    """
    cutoff = _cutoff(log.db, settings.keep_days, now_ms)
    if _is_too_large(log.db, settings):
        has_rollups = log.db.execute("SELECT EXISTS (SELECT 1 FROM rollup)").fetchone()[0]
        cutoff = max(cutoff, _just_read(log.db, settings, now_ms)) if has_rollups else MAX_TIME
    ahead = log.db.execute(AHEAD, (_cutoff(log.db, settings.keep_days, now_ms), now_ms)).fetchone()
    span = ahead or log.db.execute(OLDEST, (cutoff,)).fetchone()
    if span is None:
        return 0
    first, last, imported = span
    pending = [] if imported else log.db.execute(PENDING, (first, last)).fetchall()
    if last <= sealed_upto(log.db):
        losses = _sealed_losses(log.db, first, last, merged(pending))
        drop_block(log, first)
    else:
        losses = log.db.execute(COUNTS, (first, last, json.dumps(pending))).fetchall()
        log.db.execute("DELETE FROM reading WHERE id BETWEEN ? AND ?", (first, last))
    names = log.names.tag_of
    log.lose([Loss(names[tag], RETENTION, start, end, rows, left) for tag, start, end, rows, left in losses])
    log.db.execute("DELETE FROM span WHERE first = ?", (first,))
    return int(last - first + 1)


def _sealed_losses(
    db: sqlite3.Connection, first: int, last: int, pending: list[tuple[int, int]]
) -> list[tuple[int, int, int, int, int]]:
    """Of each tag of a block its number, the first and last time, how many readings, and how many are *pending*."""
    if not pending:
        return db.execute(BLOCK_COUNTS, (first,)).fetchall()
    found = []
    for chunk in Rows(db).part(first, last).chunks:
        parts = [chunk.between(*place) for place in pending]
        undelivered = sum(part.stop - part.start for part in parts)
        found.append((chunk.tag, min(chunk.times_ms), max(chunk.times_ms), len(chunk.times_ms), undelivered))
    return found


def drop_findings(log: Log, settings: StorageSettings, now_ms: int) -> None:
    """Drop old filled values and records; the newest record of each key and unsent ones stay."""
    cutoff_ms = _cutoff(log.db, settings.keep_days, now_ms)
    events_ms = _cutoff(log.db, settings.keep_event_days, now_ms)
    for tag in log.names.tag_of:
        log.db.execute("DELETE FROM filled WHERE tag = ? AND ts_ms < ?", (tag, cutoff_ms))
    for kind in get_args(Kind):
        log.db.execute(DROP_RECORDS, (kind, events_ms if kind in EVENTS else cutoff_ms))
    log.db.execute("DELETE FROM loss WHERE day < ?", (cutoff_ms // DAY_MS - LOSS_DAYS,))


def thin_states(log: Log, now_ms: int) -> int:
    """Drop states that newer ones have replaced, sent or not; returns how many rows went.

    What was true for ten seconds is worth ten minutes. Of each hour before, the first stays, and of each key the
    newest: a pump, the health and the quality report would otherwise take more of the disk than the readings do.
    """
    dropped = 0
    for kind in sorted(set(get_args(Kind)) - EVENTS):
        dropped += log.db.execute(THIN_STATES, (kind, now_ms - STATES_WHOLE)).rowcount
    return dropped


def _newest_state(db: sqlite3.Connection) -> int:
    """When the last record was written, by whatever clock: they come every few seconds, and go on coming."""
    newest: tuple[int] | None = db.execute("SELECT ts_ms FROM record ORDER BY id DESC LIMIT 1").fetchone()
    return newest[0] if newest else 0


def _cutoff(db: sqlite3.Connection, days: float, now_ms: int) -> int:
    """The time before which readings are too old: by the clock, or the newest reading where that is older."""
    newest = db.execute("SELECT max(max_ms) FROM span").fetchone()[0]
    return int(min(now_ms, newest or 0) - days * DAY_MS)


def _just_read(db: sqlite3.Connection, settings: StorageSettings, now_ms: int) -> int:
    """The time since when readings were just read, counted from the newest one, which a clock ahead does not make."""
    oldest, newest = db.execute("SELECT min(max_ms), max(max_ms) FROM span").fetchone()
    if oldest is not None and oldest <= now_ms:  # else it is the clock that is wrong
        newest = min(newest, now_ms)
    return int((newest or 0) - settings.hold_hours * 3_600_000)


def _is_too_large(db: sqlite3.Connection, settings: StorageSettings) -> bool:
    return _used(db) > settings.max_mb * MEGABYTE


def _used(db: sqlite3.Connection) -> int:
    """Bytes of the pages that hold something."""
    pages, free, size = (
        db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


MAX_TIME = 2**62
OLDEST = """
SELECT first, last, imported FROM span INDEXED BY span_end
WHERE max_ms < ? AND first < (SELECT max(first) FROM span) ORDER BY max_ms LIMIT 1
"""
# One time that is ahead of the clock must not keep those around it for ever: all others are to be too old.
AHEAD = """
SELECT first, last, imported FROM span INDEXED BY span_end
WHERE max_ms > ?2 AND min_ms < ?1 AND first < (SELECT max(first) FROM span)
AND NOT EXISTS (SELECT 1 FROM reading WHERE id BETWEEN span.first AND span.last AND ts_ms BETWEEN ?1 AND ?2)
AND NOT EXISTS (SELECT 1 FROM chunk WHERE block = span.first AND max_ms BETWEEN ?1 AND ?2)
ORDER BY min_ms LIMIT 1
"""
# What each receiver does not have of a span: what is behind its place, and what is held back.
PENDING = """
SELECT id + 1, ?2 FROM cursor WHERE stream = 'live' AND id < ?2
UNION ALL SELECT first, last FROM backlog WHERE last >= ?1 AND first <= ?2
"""
BLOCK_COUNTS = "SELECT tag, min_ms, max_ms, rows, 0 FROM chunk WHERE block = ?"
COUNTS = """
SELECT tag, min(ts_ms), max(ts_ms), count(*), sum(EXISTS (
    SELECT 1 FROM json_each(?3) WHERE reading.id BETWEEN value ->> 0 AND value ->> 1
)) FROM reading WHERE id BETWEEN ?1 AND ?2 GROUP BY tag
"""
DROP_RECORDS = """
DELETE FROM record WHERE id IN (
    SELECT id FROM record AS old WHERE kind = ? AND ts_ms < ?
    AND id < (SELECT max(id) FROM record WHERE kind = old.kind AND key = old.key)
    AND id <= (SELECT coalesce(min(id), 9223372036854775807) FROM cursor WHERE stream = 'records')
    LIMIT 2000
)
"""
THIN_STATES = """
DELETE FROM record WHERE id IN (
    SELECT id FROM record AS old WHERE kind = ? AND ts_ms < ?
    AND id < (SELECT max(id) FROM record WHERE kind = old.kind AND key = old.key)
    AND EXISTS (
        SELECT 1 FROM record
        WHERE kind = old.kind AND key = old.key AND id < old.id AND ts_ms / 3600000 = old.ts_ms / 3600000
    )
    LIMIT 500
)
"""
