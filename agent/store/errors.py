"""What can go wrong with the disk, grouped by what the caller should do; SQLite's own errors are translated here."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

SUSPECT = ".suspect"  # appended to the database's name: its next opening looks at every page
UNREADABLE = "Could not decode to UTF-8"  # Python's own complaint of a text that is torn; it has no code
PRIMARY = 0xFF  # the low byte of an extended result code is the primary one

SENTENCES = {
    sqlite3.SQLITE_FULL: "the disk that holds {path} is full; free space or lower storage.max_mb",
    sqlite3.SQLITE_READONLY: "{path} cannot be written; mount its file system read-write or correct its owner",
    sqlite3.SQLITE_PERM: "{path} cannot be written; correct its owner or mode",
    sqlite3.SQLITE_CANTOPEN: "{path} cannot be opened; check that its directory exists and may be written",
    sqlite3.SQLITE_IOERR: "the disk that holds {path} fails ({error}); check it",
    sqlite3.SQLITE_BUSY: "{path} is locked by another program; end whatever else has it open",
    sqlite3.SQLITE_LOCKED: "{path} is locked by another program; end whatever else has it open",
    sqlite3.SQLITE_PROTOCOL: "{path} is locked by another program; end whatever else has it open",
}


class StorageError(Exception):
    """The disk does not do what it is asked; it may later."""


class StorageRefusedError(StorageError):
    """A person must act: another process writes, or the database is of a newer version."""


class FullError(StorageError):
    """There is no room on the disk; the same connection works again when there is."""


class SlowError(StorageError):
    """The disk takes very long over a transaction, which it may yet do: there is nothing to be tried meanwhile."""


class DamagedError(StorageError):
    """The file is torn; opening it anew sets it aside and begins another."""


def _damaged(path: Path, why: object) -> DamagedError:
    """What to raise; the next opening will look at every page."""
    with suppress(OSError):
        path.with_name(path.name + SUSPECT).touch()
    return DamagedError(f"{path} is damaged ({why}); it is set aside when it is opened next")


@contextmanager
def translating(path: Path) -> Iterator[None]:
    """Turn SQLite's complaints about the disk into ours; what only a bug can cause passes through.

    Raises:
        StorageError: With one sentence for the person who runs the station.
    """
    try:
        yield
    except UnicodeDecodeError as error:
        raise _damaged(path, "a text of SQLite's own is torn") from error
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & PRIMARY
        if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB} or UNREADABLE in str(error):
            raise _damaged(path, error) from error
        if code in SENTENCES:
            kind = FullError if code == sqlite3.SQLITE_FULL else StorageError
            raise kind(SENTENCES[code].format(path=path, error=error)) from error
        raise
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise FullError(SENTENCES[sqlite3.SQLITE_FULL].format(path=path)) from error
        raise StorageError(f"{path} cannot be used: {error.strerror}") from error
