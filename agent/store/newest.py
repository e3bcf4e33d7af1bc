"""The newest row of each tag as of any place in the log."""

import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

from agent.store.rows import Rows
from agent.store.zones import Stored, legible


class _Found(NamedTuple):
    row: Stored
    is_imported: bool

    @property
    def tag(self) -> int:
        return self.row[1]


def newest_rows(db: sqlite3.Connection, horizon: int) -> list[Stored]:
    """The newest row of each tag among those up to *horizon*; appended ones go before imported ones.

    The writer's checkpoint gives most of them. What is newer is read forwards; tags of which the
    checkpoint knows only what lies beyond the horizon are looked for backwards.
    """
    checkpoint = [_Found(legible([row[:6]])[0], bool(row[6])) for row in db.execute(CHECKPOINT).fetchall()]
    upto = (db.execute("SELECT id FROM mark WHERE name = 'latest'").fetchone() or (0,))[0]
    found = {one.tag: one for one in checkpoint if one.row[0] <= horizon}
    rows = Rows(db)
    for one in _forwards(db, rows, upto, horizon):
        if one.tag not in found or not one.is_imported or found[one.tag].is_imported:
            found[one.tag] = one
    existing = {tag for (tag,) in db.execute("SELECT id FROM tag WHERE first <= ?", (horizon,)).fetchall()}
    beyond = {one.tag: one.is_imported for one in checkpoint if one.row[0] > horizon and one.tag in existing}
    found.update(_backwards(db, rows, horizon, beyond))
    return [one.row for one in found.values()]


def _forwards(db: sqlite3.Connection, rows: Rows, mark: int, horizon: int) -> Iterator[_Found]:
    spans = db.execute(
        "SELECT first, last, imported FROM span WHERE last > ? AND first <= ? ORDER BY first", (mark, horizon)
    )
    for first, last, is_imported in spans.fetchall():
        for row in rows.between(max(first, mark + 1), min(last, horizon)):
            yield _Found(row, bool(is_imported))


def _backwards(db: sqlite3.Connection, rows: Rows, horizon: int, wanted: dict[int, bool]) -> dict[int, _Found]:
    """The newest rows of the *wanted* tags; the flag says that a tag has imported rows only."""
    found: dict[int, _Found] = {}
    missing, place = set(wanted), horizon + 1
    while missing and (span := db.execute(SPAN_BEFORE, (place,)).fetchone()):
        place, last, is_imported = span
        for row in reversed(rows.between(place, min(last, horizon), missing)):
            one = _Found(row, bool(is_imported))
            if one.tag not in found or (found[one.tag].is_imported and not is_imported):
                found[one.tag] = one
            if not is_imported or wanted[one.tag]:
                missing.discard(one.tag)
    return found


CHECKPOINT = "SELECT id, tag, ts_ms, value, quality, reason, imported FROM latest"
SPAN_BEFORE = "SELECT first, last, imported FROM span WHERE first < ? ORDER BY first DESC LIMIT 1"
