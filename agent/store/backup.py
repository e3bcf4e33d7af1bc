"""A copy of the store in one file, made while the agent writes, and verified before it has its name."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from agent.store.errors import StorageError, translating
from agent.store.reader import Reader

STEP = 2_048  # pages between two looks at the write-ahead log
LARGEST_WAL = 56 * 2**20  # bytes; the copy holds one snapshot, and until it is done the log of the agent grows
# Ids of rows go on so far above in a restored copy: receivers that drop what they have by id must not meet one twice.
APART = 2**40


class Backup(NamedTuple):
    """What was copied."""

    rows: dict[str, int]  # by table
    size: int  # bytes
    largest_wal: int  # bytes, meanwhile
    newest_ms: int  # source time of the newest reading; 0 where there is none


def back_up(path: Path, target: Path, progress: Callable[[float], None] = lambda _: None) -> Backup:
    """Copy the database at *path* to the new file *target*, as it is at one moment; appends go on meanwhile.

    Args:
        path: The store.
        target: Appears once it is complete and verified.
        progress: Is told the share that is copied, 0 to 1.

    Raises:
        StorageError: There is no store, no room, or the copy is not whole.
    """
    if target.exists():
        raise StorageError(f"{target} is there already; name a new file, or remove it")
    part = target.with_name(target.name + ".part")
    try:
        with Reader(path) as reader:
            newest_ms = reader.extent[1]
        part.unlink(missing_ok=True)
        with translating(part), closing(sqlite3.connect(part, isolation_level=None)) as copy:
            counts, largest_wal = _copy(path, copy, progress)
            _verify(copy, counts)
            copy.execute("PRAGMA journal_mode = DELETE").fetchall()  # so that one file is all of it
        with translating(part):
            _settle(part, target)
    finally:
        part.unlink(missing_ok=True)
    return Backup(counts, target.stat().st_size, largest_wal, newest_ms)


def _copy(path: Path, copy: sqlite3.Connection, progress: Callable[[float], None]) -> tuple[dict[str, int], int]:
    """Copy one snapshot, a few pages at a time; counts of its tables, and how large the log became."""
    wal = path.with_name(path.name + "-wal")
    sizes = [0]

    def look(_status: int, left: int, total: int) -> None:
        sizes.append(wal.stat().st_size if wal.exists() else 0)
        if sizes[-1] > LARGEST_WAL + sizes[1]:
            remedy = "back up to a faster disk, or while less is polled"
            raise StorageError(f"the copy of {path} is too slow for what is appended meanwhile; {remedy}")
        progress(1 - left / max(1, total))

    source = path.resolve().as_uri() + "?mode=ro"
    with translating(path), closing(sqlite3.connect(source, uri=True, isolation_level=None)) as db:
        db.execute("BEGIN")  # else the copy would begin anew with each commit of the agent
        counts = _counts(db)
        db.backup(copy, pages=STEP, progress=look)
    return counts, max(sizes)


def _counts(db: sqlite3.Connection) -> dict[str, int]:
    names = db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").fetchall()
    return {
        name: db.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608 - names of our own tables
        for (name,) in names
    }


def _verify(copy: sqlite3.Connection, counts: dict[str, int]) -> None:
    (found,) = copy.execute("PRAGMA integrity_check(1)").fetchone()
    if found != "ok":
        raise StorageError(f"the copy is not whole ({found}); check both disks and try again")
    if _counts(copy) != counts:
        raise StorageError("the copy does not have as many rows as the store; try again")
    copy.execute(
        "INSERT OR REPLACE INTO mark SELECT 'floor', ? + max(coalesce((SELECT max(last) FROM span), 0),"
        " coalesce((SELECT id FROM mark WHERE name = 'floor'), 0))",
        (APART,),
    )


def _settle(part: Path, target: Path) -> None:
    """Give the copy its name; both are on the disk when this returns."""
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.rename(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
