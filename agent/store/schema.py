"""The tables, as migrations; run as a child process, because sqlite-utils brings pandas with it.

`python -m agent.store.schema DATABASE` makes a database ready to be opened by a writer.
"""

import sqlite3
import sys
from contextlib import closing
from pathlib import Path

from sqlite_utils import Database, Migrations

from agent.store.damage import is_damaged, note_set_aside, set_aside
from agent.store.errors import FullError, StorageError, StorageRefusedError, translating
from agent.store.lock import WriterLock
from agent.store.opening import DAMAGED, FULL, REFUSED, TROUBLE

migrations = Migrations("pump-agent")


@migrations()
def first_tables(db: Database) -> None:
    """The log, its zone map, its cursors, and what is kept besides.

    A reading has no index but its place: 28 bytes a row instead of 48. `span` tells which places
    a window of time may be in. Ids are given by the writer and never reused, since retention always
    leaves the newest span; AUTOINCREMENT would cost a quarter of an append for the same.
    """
    for statement in FIRST_TABLES.split(";"):
        db.execute(statement)  # one by one: a script would end the transaction around it


@migrations()
def doubtful_times(db: Database) -> None:
    """Where readings begin that were stamped while the clock was not right, and by how much it was wrong."""
    db.execute("CREATE TABLE anchor (first INTEGER PRIMARY KEY, boot TEXT NOT NULL, offset_ms INTEGER NOT NULL) STRICT")


@migrations()
def time_service(db: Database) -> None:
    """When the clock was last synchronised: at most one row."""
    db.execute("CREATE TABLE synchronised (boot TEXT NOT NULL, boot_ms INTEGER NOT NULL, offset_ms INTEGER NOT NULL)")


@migrations()
def sealed_chunks(db: Database) -> None:
    """What readings older than the hot window become: a chunk a tag and block, and the strips that chunks share.

    Ids of strips are never reused, since readers remember them.
    """
    for statement in SEALED_TABLES.split(";"):
        db.execute(statement)


@migrations()
def rolled_up(db: Database) -> None:
    """Readings by minute, quarter of an hour and hour: pages of strips, some buckets each."""
    for statement in ROLLED_TABLES.split(";"):
        db.execute(statement)


FIRST_TABLES = """
CREATE TABLE tag (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, unit TEXT NOT NULL,
    first INTEGER NOT NULL  -- id of its first reading, for searches backwards
) STRICT;
CREATE TABLE reason (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE reading (
    id INTEGER PRIMARY KEY, tag INTEGER NOT NULL, ts_ms INTEGER NOT NULL,
    value ANY, quality INTEGER NOT NULL, reason INTEGER
) STRICT;
CREATE TABLE span (
    first INTEGER PRIMARY KEY, last INTEGER NOT NULL,
    min_ms INTEGER NOT NULL, max_ms INTEGER NOT NULL,
    imported INTEGER NOT NULL
) STRICT;
CREATE INDEX span_end ON span (max_ms);
CREATE TABLE mark (name TEXT PRIMARY KEY, id INTEGER NOT NULL) STRICT;
CREATE TABLE latest (
    tag INTEGER PRIMARY KEY, id INTEGER NOT NULL, ts_ms INTEGER NOT NULL,
    value ANY, quality INTEGER NOT NULL, reason INTEGER, imported INTEGER NOT NULL
) STRICT;
CREATE TABLE filled (
    tag INTEGER NOT NULL, ts_ms INTEGER NOT NULL, value REAL NOT NULL, std REAL NOT NULL,
    method TEXT NOT NULL, made_ms INTEGER NOT NULL, PRIMARY KEY (tag, ts_ms)
) STRICT, WITHOUT ROWID;
CREATE TABLE record (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, key TEXT NOT NULL,
    ts_ms INTEGER NOT NULL, body BLOB NOT NULL
) STRICT;
CREATE INDEX record_key ON record (kind, key, id);
CREATE INDEX record_time ON record (kind, ts_ms);
CREATE TABLE cursor (
    sink TEXT NOT NULL, stream TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (sink, stream)
) STRICT, WITHOUT ROWID;
CREATE TABLE backlog (
    sink TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, PRIMARY KEY (sink, first)
) STRICT, WITHOUT ROWID;
CREATE TABLE job (
    job TEXT PRIMARY KEY, mark INTEGER NOT NULL, state BLOB, ran_ms INTEGER NOT NULL, failed_ms INTEGER,
    took_ms INTEGER NOT NULL, error TEXT, failures INTEGER NOT NULL, counts TEXT NOT NULL
) STRICT;
CREATE TABLE loss (
    tag TEXT NOT NULL, reason TEXT NOT NULL, day INTEGER NOT NULL,
    first_ms INTEGER, last_ms INTEGER, count INTEGER NOT NULL, undelivered INTEGER NOT NULL,
    example TEXT, PRIMARY KEY (tag, reason, day)
) STRICT;
CREATE TABLE history (
    digest TEXT PRIMARY KEY, name TEXT NOT NULL, ended_ms INTEGER NOT NULL, counts TEXT NOT NULL
) STRICT
"""

SEALED_TABLES = """
CREATE TABLE strip (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    block INTEGER NOT NULL,  -- id of the first reading of the block it belongs to
    body BLOB NOT NULL
) STRICT;
CREATE INDEX strip_block ON strip (block);
CREATE TABLE chunk (
    block INTEGER NOT NULL, tag INTEGER NOT NULL, first INTEGER NOT NULL,
    times INTEGER NOT NULL, ids INTEGER NOT NULL,  -- of strips
    min_ms INTEGER NOT NULL, max_ms INTEGER NOT NULL, rows INTEGER NOT NULL,
    kinds TEXT NOT NULL, codes BLOB, reals BLOB, integers BLOB, texts BLOB,
    PRIMARY KEY (block, tag)
) STRICT
"""

ROLLED_TABLES = """
CREATE TABLE rollup (
    tag INTEGER NOT NULL, width_ms INTEGER NOT NULL, start_ms INTEGER NOT NULL,
    places BLOB NOT NULL, counts BLOB NOT NULL, goods BLOB NOT NULL,
    minima BLOB, means BLOB, maxima BLOB, firsts BLOB, lasts BLOB, rises BLOB,
    PRIMARY KEY (tag, width_ms, start_ms)
) STRICT;
CREATE INDEX rollup_time ON rollup (start_ms)
"""


def migrate(path: Path) -> None:
    """Bring the database at *path* to this version's tables, making it where it is missing.

    Whoever calls holds the writer's lock, or knows that nobody else writes. Each migration is one
    transaction: a kill leaves it done or not begun.

    Raises:
        StorageRefusedError: A newer version has written it.
        StorageError: The disk does not do it.
    """
    with translating(path), closing(sqlite3.connect(path, isolation_level=None)) as connection:
        db = Database(connection)
        known = ours()
        if newer := [one.name for one in migrations.applied(db) if one.name not in known]:
            raise StorageRefusedError(
                f"{path} was written by a newer version (it has {newer[0]}); install that version or restore a backup"
            )
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        if migrations.pending(db):
            migrations.apply(db)


def ours() -> set[str]:
    """Names of the migrations this version knows."""
    with closing(sqlite3.connect(":memory:")) as connection:
        return {one.name for one in migrations.pending(Database(connection))}


def prepare_now(path: Path, *, surely_damaged: bool = False) -> Path | None:
    """Make *path* ready: a damaged file is set aside under a dated name, the tables are brought up to date.

    Returns:
        The file that was set aside, if one was.

    Raises:
        StorageError: It cannot be made ready.
    """
    with WriterLock(path):
        aside = set_aside(path) if surely_damaged or is_damaged(path) else None
        migrate(path)
        if aside is not None:
            note_set_aside(path, aside)
    return aside


def main() -> int:
    """Prepare the database named on the command line; a second word says that it is known to be damaged."""
    try:
        aside = prepare_now(Path(sys.argv[1]), surely_damaged=DAMAGED in sys.argv[2:])
    except StorageError as error:
        sys.stderr.write(f"{error}\n")
        return FULL if isinstance(error, FullError) else REFUSED if isinstance(error, StorageRefusedError) else TROUBLE
    sys.stdout.write(f"{aside or ''}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
