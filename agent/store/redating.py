"""Readings stamped before the clock was right: where they begin, and how they get their true time.

Each of them carries its doubt as its reason, so that which ones are done and which are not is
seen in the log itself; a crash in the middle repeats nothing and leaves nothing out.
"""

from collections.abc import Collection
from typing import NamedTuple

from agent.clock.marks import dated, is_doubt
from agent.store.log import Log
from agent.store.places import hold_again
from agent.store.zones import SPAN_ROWS


class Redated(NamedTuple):
    """A part of the log that has been looked through."""

    first: int
    last: int
    rows: int  # among these, the ones that have been moved


def open_anchor(log: Log, boot_id: str, offset_ms: int) -> None:
    """From the next reading on, doubtful times differ by *offset_ms* from what the machine has run since its start."""
    log.db.execute("INSERT OR REPLACE INTO anchor VALUES (?, ?, ?)", (log.last_id + 1, boot_id, offset_ms))


def forget_anchors(log: Log, boot_id: str) -> int:
    """Drop those of earlier starts of the machine, which nothing can date any more; how many there were."""
    return int(log.db.execute("DELETE FROM anchor WHERE boot != ?", (boot_id,)).rowcount)


def redate(log: Log, boot_id: str, offset_ms: int, judges: Collection[str]) -> Redated | None:
    """Move the next few thousand doubtful readings of this start of the machine to their true time.

    Args:
        log: In a transaction.
        boot_id: Of the present start.
        offset_ms: Of the wall clock, now that it is right.
        judges: Sinks that have had them and need them no more; all others get them again.

    Returns:
        What has been looked through, None where nothing is left.
    """
    anchor = log.db.execute("SELECT first, offset_ms FROM anchor WHERE boot = ? ORDER BY first", (boot_id,)).fetchone()
    if anchor is None:
        return None
    first, wrong_ms = anchor
    upto = log.db.execute("SELECT min(first) - 1 FROM anchor WHERE first > ?", (first,)).fetchone()[0] or log.last_id
    # by rows and not by numbers, which leap by years of microseconds where the disk had refused for a while
    full = log.db.execute(LAST_OF_PART, (first, upto, SPAN_ROWS - 1)).fetchone()
    last = full[0] if full else upto
    rows = _move(log, first, last, offset_ms - wrong_ms)
    log.db.execute("DELETE FROM anchor WHERE first = ?", (first,))
    if last < upto:
        log.db.execute("INSERT INTO anchor VALUES (?, ?, ?)", (last + 1, boot_id, wrong_ms))
    if rows:
        hold_again(log, judges, first, last)
    return Redated(first, last, rows)


def _move(log: Log, first: int, last: int, step_ms: int) -> int:
    """Move the doubtful ones among these readings; how many there were."""
    found = log.db.execute(REASONS, (first, last)).fetchall()
    doubts = {number: text for number, text in found if is_doubt(text)}
    log.names.learn((), [dated(text, step_ms) for text in doubts.values()], first)
    rows = 0
    for number, text in doubts.items():
        change = (step_ms, log.names.reasons[dated(text, step_ms)], first, last, number)
        rows += log.db.execute(MOVE_ROWS, change).rowcount
        log.db.execute(MOVE_LATEST, change)
    if rows:
        for span in log.db.execute(SPANS, (first, last)).fetchall():
            log.db.execute(MEASURE_SPAN, span)
        log.reread(first, last)
    return rows


LAST_OF_PART = "SELECT id FROM reading WHERE id BETWEEN ? AND ? ORDER BY id LIMIT 1 OFFSET ?"
REASONS = """
SELECT id, text FROM reason WHERE id IN (SELECT DISTINCT reason FROM reading WHERE id BETWEEN ? AND ?)
"""
MOVE_ROWS = "UPDATE reading SET ts_ms = ts_ms + ?1, reason = ?2 WHERE id BETWEEN ?3 AND ?4 AND reason = ?5"
MOVE_LATEST = "UPDATE latest SET ts_ms = ts_ms + ?1, reason = ?2 WHERE id BETWEEN ?3 AND ?4 AND reason = ?5"
SPANS = "SELECT first, last FROM span WHERE last >= ? AND first <= ?"
MEASURE_SPAN = """
UPDATE span SET
    min_ms = (SELECT min(ts_ms) FROM reading WHERE id BETWEEN ?1 AND ?2),
    max_ms = (SELECT max(ts_ms) FROM reading WHERE id BETWEEN ?1 AND ?2)
WHERE first = ?1
"""
