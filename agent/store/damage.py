"""A torn database: recognised when it is opened, set aside under a dated name, and its absence told."""

import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path

from agent.store.errors import SUSPECT, DamagedError, StorageError, translating
from agent.store.losses import DAMAGED, Loss, add_losses
from agent.store.tail import Tail

SMALL = 64 * 2**20  # bytes; every page of such a file is looked at in well under a second
PATIENCE = 15.0  # s; a new database has to be there within 30
ENDS = 1000  # rows looked at in each table of a larger one, at the end that was written last


def is_damaged(path: Path) -> bool:
    """Whether the file at *path* is torn; a large file is read whole only if an error has made it suspect.

    Raises:
        StorageError: The disk does not let us look.
    """
    if not path.exists():
        return False
    suspect = path.with_name(path.name + SUSPECT)
    try:
        with translating(path), closing(sqlite3.connect(path, isolation_level=None)) as db:
            whole = suspect.exists() or path.stat().st_size < SMALL
            torn = not (_is_whole(db) if whole else _ends_are_readable(db))
    except DamagedError:
        return True
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            return True
        raise
    if not torn:
        suspect.unlink(missing_ok=True)
    return torn


def _is_whole(db: sqlite3.Connection) -> bool:
    """Whether every page is sound; one that cannot be looked through in time is not trusted."""
    start = time.monotonic()
    db.set_progress_handler(lambda: time.monotonic() - start > PATIENCE, 100_000)
    # integrity_check finds flipped bytes that quick_check misses.
    return bool(db.execute("PRAGMA integrity_check(1)").fetchone()[0] == "ok")


def _ends_are_readable(db: sqlite3.Connection) -> bool:
    for name, plan in db.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'table'").fetchall():
        order = "" if "WITHOUT ROWID" in plan else "ORDER BY rowid DESC"
        db.execute(f'SELECT * FROM "{name}" {order} LIMIT {ENDS}').fetchall()  # noqa: S608 - names of our own tables
    return True


def set_aside(path: Path) -> Path:
    """Rename the database and its log to a dated name; returns it."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    number = 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.damaged-{stamp}-{number}")
    with translating(path):
        for suffix in ("-wal", "-shm", ""):  # the database last: until then the next try finds it
            with suppress(FileNotFoundError):
                path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
        path.with_name(path.name + SUSPECT).unlink(missing_ok=True)
    return aside


def note_set_aside(path: Path, aside: Path) -> None:
    """Tell in the new database at *path* what is missing, and let its ids go on above the old ones."""
    now_ms = time.time_ns() // 1_000_000
    rows, highest, oldest, newest = _extent(aside)
    if (end := Tail(path).read()) and end.last_id > highest:  # the file may have lost its newest rows
        rows += end.rows_after(highest)
        highest, newest = end.last_id, max(newest or 0, end.newest_ms)
    loss = Loss("", f"{DAMAGED} and set aside as {aside.name}", oldest, newest, rows, 0)
    with translating(path), closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA synchronous = FULL")
        db.execute("BEGIN IMMEDIATE")
        add_losses(db, [loss], now_ms)
        # Receivers drop duplicates by id, so an id must not come twice; microseconds exceed any count of rows.
        db.execute("INSERT OR REPLACE INTO mark VALUES ('floor', ?)", (highest if highest > 0 else 1_000 * now_ms,))
        db.execute("INSERT INTO sqlite_sequence VALUES ('record', ?)", (_last_record(aside) or 1_000 * now_ms,))
        db.execute("COMMIT")


def _last_record(aside: Path) -> int:
    """Id of the newest record of a damaged database, 0 where it does not say."""
    with suppress(sqlite3.DatabaseError), closing(sqlite3.connect(aside)) as db:
        return int((db.execute(SEQUENCE).fetchone() or (0,))[0])
    return 0


def _extent(aside: Path) -> tuple[int, int, int | None, int | None]:
    """How many rows, the last id, oldest and newest time of a damaged database, as far as it still says."""
    try:
        with translating(aside), closing(sqlite3.connect(aside)) as db:
            row = db.execute(EXTENT).fetchone()
            # A torn file may have lost its newest rows: ids go on well above the last one seen.
            return (row[0], row[1], row[2], row[3]) if row[1] else (0, 0, None, None)
    except (StorageError, sqlite3.DatabaseError):
        return 0, 0, None, None
    finally:
        aside.with_name(aside.name + SUSPECT).unlink(missing_ok=True)


# What rotted may be of any type, which the new tables would refuse.
EXTENT = """
SELECT sum(last - first + 1), max(last), min(min_ms), max(max_ms) FROM span
WHERE typeof(last) = 'integer' AND typeof(min_ms) = 'integer' AND typeof(max_ms) = 'integer'
"""
SEQUENCE = "SELECT seq FROM sqlite_sequence WHERE name = 'record' AND typeof(seq) = 'integer'"
