"""What could not be kept, by tag and time range: never silent."""

import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from agent.store.sifting import Rejected

DAY_MS = 86_400_000

RETENTION = "dropped by retention"
UNSOUND = "could not be stored"
DAMAGED = "the database was damaged"
REFUSED = "the disk did not take them for too long"
TAIL = "the end of the write-ahead log was lost"


class Loss(NamedTuple):
    """Readings that are not in the log, though they once were measured."""

    tag: str  # "" where it cannot be said by tag
    reason: str
    first_ms: int | None  # source times of the first and last of them, where known
    last_ms: int | None
    readings: int
    undelivered: int  # of these, the ones that some receiver had not acknowledged
    example: str | None = None  # one of them, as text

    def joined(self, other: "Loss") -> "Loss":
        """Both as one, of the same tag and reason."""
        firsts = [one for one in (self.first_ms, other.first_ms) if one is not None]
        lasts = [one for one in (self.last_ms, other.last_ms) if one is not None]
        return self._replace(
            first_ms=min(firsts, default=None),
            last_ms=max(lasts, default=None),
            readings=self.readings + other.readings,
            undelivered=self.undelivered + other.undelivered,
        )


def as_losses(rejected: Iterable[Rejected]) -> list[Loss]:
    """Readings that no disk could keep."""
    return [
        Loss(one.tag, f"{UNSOUND}: {one.reason}", one.ts_ms, one.ts_ms, readings=1, undelivered=1, example=one.example)
        for one in rejected
    ]


def add_losses(db: sqlite3.Connection, losses: Iterable[Loss], now_ms: int) -> None:
    """Add to what was lost; one row a tag, reason and day, so that the report stays small over years."""
    day = now_ms // DAY_MS
    db.executemany(ADD, [(one.tag, one.reason, day, *one[2:]) for one in losses])


def all_losses(db: sqlite3.Connection) -> list[Loss]:
    """Everything lost, newest day first."""
    return [Loss(*row) for row in db.execute(ALL)]


def summed_losses(db: sqlite3.Connection, limit: int) -> list[Loss]:
    """Losses by tag and reason over all days, the most recent first."""
    return [Loss(*row) for row in db.execute(SUMMED, (limit,))]


ADD = """
INSERT INTO loss (tag, reason, day, first_ms, last_ms, count, undelivered, example)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
    first_ms = min(coalesce(first_ms, excluded.first_ms), coalesce(excluded.first_ms, first_ms)),
    last_ms = max(coalesce(last_ms, excluded.last_ms), coalesce(excluded.last_ms, last_ms)),
    count = count + excluded.count,
    undelivered = undelivered + excluded.undelivered,
    example = excluded.example
"""
SUMMED = """
SELECT tag, reason, min(first_ms), max(last_ms), sum(count), sum(undelivered), max(example)
FROM loss GROUP BY tag, reason ORDER BY max(day) DESC, sum(count) DESC, tag LIMIT ?
"""
ALL = """
SELECT tag, reason, first_ms, last_ms, count, undelivered, example FROM loss ORDER BY day DESC, tag, reason
"""
