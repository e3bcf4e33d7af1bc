"""The log itself: the one writing connection, its transactions, and what they keep in step.

Synchronous, and used by one thread; `Store` serves the running agent from it, imports use it as it is.
"""

import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from itertools import chain
from math import isfinite
from pathlib import Path
from typing import NamedTuple, Self

from agent.store.errors import StorageError, translating
from agent.store.lock import WriterLock
from agent.store.losses import TAIL, Loss, add_losses, as_losses
from agent.store.missing import divided
from agent.store.names import Names
from agent.store.records import Row
from agent.store.sifting import Rejected, sift
from agent.store.tail import End, Tail
from agent.store.zones import Latest, Offered, Stored, Zones

LATEST_EVERY = 10.0  # s between two checkpoints of the latest values
LATEST_ROWS = 65_536  # rows between them at most: the next opening looks through these, and sealing waits for them
LARGE_WAL = 24 * 2**20  # bytes; from here on the writer insists on starting the write-ahead log over
GROWTH = 4 * 2**20  # bytes between two such tries, each of which waits for readers at most WAIT
WAIT, USUAL_WAIT = 30, 5_000  # ms

AT_ONCE = 125  # rows of a statement: half of what a station polls, and a third cheaper than one by one
INSERT = "INSERT INTO reading (id, tag, ts_ms, value, quality, reason) VALUES (?, ?, ?, ?, ?, ?)"
INSERT_MANY = INSERT + (AT_ONCE - 1) * ", (?, ?, ?, ?, ?, ?)"
NEAR = 4_096  # rows, a few polls of a station
USUAL = "SELECT tag, count(*) FROM reading WHERE id > ? GROUP BY tag"
PLAIN = {float, int, str, type(None)}
UNFIT = (
    KeyError,  # a name that is new
    TypeError,
    ValueError,
    OverflowError,
    sqlite3.IntegrityError,
    sqlite3.ProgrammingError,
    sqlite3.InterfaceError,
)


class Inserted(NamedTuple):
    """What became of readings."""

    rows: list[Stored]
    rejected: int


class Log:
    """The right to write, and the connection that does.

    Whatever touches the disk raises `StorageError` when the disk fails.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._wal = path.with_name(path.name + "-wal")

    def __enter__(self) -> Self:
        """Take the lock and open; the database has been made ready before (`agent.store.opening.prepare`).

        Raises:
            StorageRefusedError: Another process writes it.
        """
        with ExitStack() as stack, translating(self.path):
            stack.enter_context(WriterLock(self.path))
            place = self.path.resolve().as_uri() + "?mode=rw"
            self.db = sqlite3.connect(place, uri=True, isolation_level=None, check_same_thread=False)
            stack.callback(self.db.close)
            self.db.execute("PRAGMA journal_mode = WAL")
            self.db.execute("PRAGMA synchronous = FULL")
            self.db.execute("PRAGMA journal_size_limit = 8388608")
            self.names, self._zones, self._latest = Names(self.db), Zones(self.db), Latest(self.db)
            self._is_stale = False
            self._kept, self._kept_id = time.monotonic(), self._zones.next_id
            self._wal_limit = LARGE_WAL
            self._tail = stack.enter_context(Tail(self.path))
            self._gap = (0, 0)
            self._held = stack.pop_all()
        self.cut_off = self._look_at_tail()  # what the end of the write-ahead log has lost, if anything
        return self

    def __exit__(self, *exc_info: object) -> None:
        # A last checkpoint spares the next opening a look through the end of the log; a failing disk may deny it.
        with self._held, suppress(StorageError):
            self._kept = -LATEST_EVERY
            with self.transaction():
                pass

    @property
    def last_id(self) -> int:
        """Id of the newest row, this transaction's included."""
        return self._zones.next_id - 1

    @property
    def last_record_id(self) -> int:
        """Id of the newest record, 0 where there is none."""
        newest: int | None = self.db.execute("SELECT max(id) FROM record").fetchone()[0]
        return newest or 0

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """What happens inside is on the disk when this returns, or has not happened at all."""
        is_done = False
        try:
            with translating(self.path):
                self._refresh()
                self.db.execute("BEGIN IMMEDIATE")
                yield
                self._keep_latest()
                self.db.execute("COMMIT")
                is_done = True
        finally:
            if not is_done:
                self._undo()
        self._tail.note(End(self.last_id, *self._gap, self._zones.newest_ms))
        self._bound_wal()

    def insert(self, readings: Sequence[Offered], *, imported: bool = False) -> Inserted:
        """Append *readings* in order; what cannot be kept is noted as a loss and costs its neighbours nothing."""
        if not readings:
            return Inserted([], 0)
        rejected: list[Rejected] = []
        first = self._zones.next_id
        try:
            rows = self._rows(readings)
            self._write(rows)
        except UNFIT:
            self.db.execute("DELETE FROM reading WHERE id >= ?", (first,))
            kept, rejected = sift(readings)
            self.names.learn({one.tag for one in kept}, {one.reason for one in kept}, first)
            rows = self._numbered(kept) if kept else []
            self._write(rows)
        if rows:
            self._zones.extend(rows, imported=imported)
            self._latest.take(rows, imported=imported)
        self.lose(as_losses(rejected))
        return Inserted(rows, len(rejected))

    def latest(self) -> list[Row]:
        """The newest row of each tag."""
        with translating(self.path):
            self._refresh()
        return self.named(self._latest.rows())

    def named(self, rows: Iterable[Stored]) -> list[Row]:
        """Rows with their names; any thread may ask this of rows that are on the disk."""
        tags, reasons, new = self.names.tag_of, self.names.reason_of, tuple.__new__
        # A third less than Row(...), for each of some thousand rows a second.
        return [
            new(Row, (number, tags[tag], ts_ms, value, quality, reasons[reason]))
            for number, tag, ts_ms, value, quality, reason in rows
        ]

    def describe(self, units: Mapping[str, str]) -> None:
        """Note the units of tags, by name."""
        self.names.learn(units, (), self._zones.next_id)
        self.db.executemany("UPDATE tag SET unit = ? WHERE name = ?", [(unit, name) for name, unit in units.items()])

    def reread(self, first: int, last: int) -> None:
        """Rows from *first* to *last* have been changed in place: what is remembered of them is read anew."""
        self._zones.forget()
        if self._latest.is_among(first, last):
            self._latest.forget()

    def put_back(self, rows: Sequence[Row]) -> None:
        """Append *rows* under the ids that they were given while the disk refused; those it took after all stay."""
        for run in _runs([row for row in rows if row.id > self.last_id]):
            if run[0].id > self.last_id + 1:
                self._gap = self.last_id + 1, run[0].id - 1
            self._zones.next_id = run[0].id
            self.insert([row[1:] for row in run])

    def go_on_after(self, last_id: int) -> None:
        """Give no id up to *last_id* any more: receivers know them."""
        if last_id > self.last_id:
            self._gap = self.last_id + 1, last_id
            self._zones.next_id = last_id + 1
            self.db.execute("INSERT OR REPLACE INTO mark VALUES ('floor', ?)", (last_id,))

    def number_records_after(self, last: int) -> None:
        """Give no record an id up to *last* any more."""
        if self.db.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'record'", (last,)).rowcount == 0:
            self.db.execute("INSERT INTO sqlite_sequence VALUES ('record', ?)", (last,))

    def lose(self, losses: Iterable[Loss]) -> None:
        """Note what could not be kept."""
        add_losses(self.db, losses, time.time_ns() // 1_000_000)

    def _rows(self, readings: Sequence[Offered]) -> list[Stored]:
        """Rows of readings that are as they should be.

        Raises:
            KeyError, TypeError, ValueError: One is not, or has a name that is new.
        """
        rows = self._numbered(readings)
        values = [row[3] for row in rows]
        if not set(map(type, values)) <= PLAIN:
            raise TypeError
        # The sum is finite only where every part is; one that overflows merely costs the slow path.
        if not isfinite(sum([value for value in values if value.__class__ is float])):
            raise ValueError
        return rows

    def _numbered(self, readings: Sequence[Offered]) -> list[Stored]:
        # By columns, which costs a third of going reading by reading.
        tags, times, values, qualities, reasons = zip(*readings, strict=True)
        numbers = range(self._zones.next_id, self._zones.next_id + len(readings))
        tag_of, reason_of = self.names.tags.__getitem__, self.names.reasons.__getitem__
        return list(zip(numbers, map(tag_of, tags), times, values, qualities, map(reason_of, reasons), strict=True))

    def _write(self, rows: list[Stored]) -> None:
        whole = len(rows) - len(rows) % AT_ONCE
        places = range(0, whole, AT_ONCE)
        self.db.executemany(INSERT_MANY, (list(chain.from_iterable(rows[one : one + AT_ONCE])) for one in places))
        self.db.executemany(INSERT, rows[whole:])

    def _keep_latest(self) -> None:
        if time.monotonic() - self._kept > LATEST_EVERY or self.last_id - self._kept_id >= LATEST_ROWS:
            self._latest.keep(self.last_id)
            self._kept, self._kept_id = time.monotonic(), self.last_id

    def _undo(self) -> None:
        # Whether the disk still lets us read what is true is seen when the next transaction begins.
        self._is_stale = True
        with suppress(sqlite3.Error):
            self.db.rollback()

    def _refresh(self) -> None:
        if self._is_stale:
            self.names.forget()
            self._zones.forget()
            self._latest.forget()
            self._is_stale = False

    def _look_at_tail(self) -> Loss | None:
        """Tell what is not here though it was committed, and let ids go on after it."""
        end, last_id = self._tail.read(), self.last_id
        if end is None or end.last_id <= last_id:
            return None
        lost = end.rows_after(last_id)
        with translating(self.path):
            (sent,) = self.db.execute("SELECT min(id) FROM cursor WHERE stream = 'live'").fetchone()
        undelivered = min(lost, end.rows_after(sent)) if sent is not None else 0
        loss = Loss("", TAIL, self._zones.newest_ms or None, end.newest_ms or None, lost, undelivered)
        with self.transaction():
            self.lose(self._by_tag(loss))
            self.go_on_after(end.last_id)
        return loss if lost else None

    def _by_tag(self, loss: Loss) -> Iterator[Loss]:
        """*loss* in the proportion in which the rows before it are of each tag: devices say all theirs in turn."""
        weights = dict(self.db.execute(USUAL, (self.last_id - NEAR,)).fetchall()) or {0: 1}
        readings, undelivered = divided(loss.readings, weights), divided(loss.undelivered, weights)
        for tag, count in readings.items():
            if count:
                name = self.names.tag_of.get(tag, "")
                yield loss._replace(tag=name, readings=count, undelivered=min(count, undelivered[tag]))

    def _bound_wal(self) -> None:
        """Start the write-ahead log over, where readers that overlap each other would keep it growing."""
        if self._wal_size() < self._wal_limit:
            return
        with suppress(sqlite3.DatabaseError):  # the rows are safe already; the next commit tells of the disk
            self.db.execute(f"PRAGMA busy_timeout = {WAIT}")
            self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            self.db.execute(f"PRAGMA busy_timeout = {USUAL_WAIT}")
        self._wal_limit = max(LARGE_WAL, self._wal_size() + GROWTH)

    def _wal_size(self) -> int:
        with suppress(OSError):  # gone, or not to be looked at: the next commit tells of the disk
            return self._wal.stat().st_size
        return 0


def _runs(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Parts whose ids follow each other."""
    start = 0
    for place in range(1, len(rows) + 1):
        if place == len(rows) or rows[place].id != rows[place - 1].id + 1:
            yield list(rows[start:place])
            start = place
