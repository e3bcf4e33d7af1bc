"""The zone map: where in the log a window of time may be, so that nothing else is visited."""

import sqlite3
from collections.abc import Sequence
from operator import itemgetter
from typing import NamedTuple

from drivers.reading import Quality, Value

SPAN_ROWS = 4096  # rows of a span: fine enough to skip by, coarse enough that a month has few of them

LARGEST_GAP_MS = 3_600_000  # between a span's times and those of rows that continue it

Offered = tuple[str, int, Value, int, str | None]
"""A `Reading`, or a plain tuple of the same: imports make millions."""

Stored = tuple[int, int, int, Value, int, int | None]
"""A row as it lies in the table: id, tag, ts_ms, value, quality, reason; tag and reason are numbers of `Names`."""

_tag, _time, _value = itemgetter(1), itemgetter(2), itemgetter(3)

ROTTED = 0  # number of the reason of a reading that is damaged on the disk; rows of the table `reason` begin with 1
ROTTED_TEXT = "damaged on the disk"


def legible(rows: list[Stored]) -> list[Stored]:
    """*rows* of a table, of which a text that rotted into bytes is a bad reading."""
    if bytes not in set(map(type, map(_value, rows))):
        return rows
    return [(*row[:3], None, int(Quality.BAD), ROTTED) if isinstance(row[3], bytes) else row for row in rows]


class Span(NamedTuple):
    """Rows that follow each other, and the source times among them."""

    first: int
    last: int
    min_ms: int
    max_ms: int
    imported: int

    def is_near(self, first: int, ts_ms: int) -> bool:
        """Whether a row can continue the span: it follows, and no gap of time makes the span useless to skip by."""
        return self.last + 1 == first and self.min_ms - LARGEST_GAP_MS <= ts_ms <= self.max_ms + LARGEST_GAP_MS


class Zones:
    """The writer's side of the map; `forget` after a transaction that was rolled back."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self.forget()

    def forget(self) -> None:
        """Believe the database only."""
        newest = self._db.execute("SELECT * FROM span ORDER BY first DESC LIMIT 1").fetchone()
        self._newest = Span(*newest) if newest else None
        floor = self._db.execute("SELECT id FROM mark WHERE name = 'floor'").fetchone()
        self.next_id: int = 1 + max(newest[1] if newest else 0, floor[0] if floor else 0)

    @property
    def newest_ms(self) -> int:
        """The latest time of the newest rows, 0 where there are none."""
        return self._newest.max_ms if self._newest else 0

    def extend(self, rows: Sequence[Stored], *, imported: bool) -> None:
        """Note *rows*, which have just been inserted at `next_id`."""
        start = 0
        while start < len(rows):
            old, first = self._newest, rows[start][0]
            room = SPAN_ROWS - (first - old.first) if old else 0
            if old and room > 0 and old.imported == imported and old.is_near(first, rows[start][2]):
                part = rows[start : start + room]
            else:
                part, old = rows[start : start + SPAN_ROWS], None
            self._note(part, old, imported=imported)
            start += len(part)

    def _note(self, rows: Sequence[Stored], old: Span | None, *, imported: bool) -> None:
        """Note *rows* as a span, or as the continuation of the *old* one."""
        times = list(map(_time, rows))
        new = Span(rows[0][0], rows[-1][0], min(times), max(times), int(imported))
        if old:
            new = Span(old.first, new.last, min(old.min_ms, new.min_ms), max(old.max_ms, new.max_ms), old.imported)
        self._db.execute("INSERT OR REPLACE INTO span VALUES (?, ?, ?, ?, ?)", new)
        self._newest = new
        self.next_id = new.last + 1


class Latest:
    """The newest row of each tag, exact after a crash: a checkpoint completed from the end of the log.

    Appended rows go before imported ones, which are history even where they are written later.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self.forget()

    def forget(self) -> None:
        """Believe the database only."""
        checkpoint = self._db.execute("SELECT * FROM latest").fetchall()
        known = legible([(row[1], row[0], *row[2:6]) for row in checkpoint])
        self._rows: dict[int, Stored] = {row[1]: row for row in known}
        self._imported = {row[0] for row in checkpoint if row[6]}
        self._changed: set[int] = set()
        upto = self._db.execute("SELECT id FROM mark WHERE name = 'latest'").fetchone() or (0,)
        for first, last, imported in self._db.execute(
            "SELECT max(first, ?1 + 1), last, imported FROM span WHERE last > ?1 ORDER BY first", upto
        ).fetchall():
            rows = self._db.execute("SELECT * FROM reading WHERE id BETWEEN ? AND ? ORDER BY id", (first, last))
            self.take(legible(rows.fetchall()), imported=imported)

    def take(self, rows: Sequence[Stored], *, imported: bool) -> None:
        """Take in *rows*, oldest first."""
        newest = dict(zip(map(_tag, rows), rows, strict=True))
        if imported:
            newest = {tag: row for tag, row in newest.items() if tag not in self._rows or tag in self._imported}
            self._imported.update(newest)
        elif self._imported:
            self._imported.difference_update(newest)
        self._rows.update(newest)
        self._changed.update(newest)

    def is_among(self, first: int, last: int) -> bool:
        """Whether the newest row of a tag has one of these ids."""
        return any(first <= row[0] <= last for row in self._rows.values())

    def rows(self) -> list[Stored]:
        """One row a tag."""
        return list(self._rows.values())

    def keep(self, last_id: int) -> None:
        """Write the checkpoint, inside the caller's transaction; it is valid to *last_id*."""
        changed = [self._rows[tag] for tag in self._changed]
        self._db.executemany(
            "INSERT OR REPLACE INTO latest VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(row[1], row[0], *row[2:], row[1] in self._imported) for row in changed],
        )
        self._db.execute("INSERT OR REPLACE INTO mark VALUES ('latest', ?)", (last_id,))
        self._changed.clear()
