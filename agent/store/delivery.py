"""One receiver's place in the log: what it has acknowledged, what an outage held back, what is live."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Protocol, TypeVar

from agent.store.errors import StorageError
from agent.store.log import Log
from agent.store.places import Place, hold_back, keep_place, merged
from agent.store.reader import Reader
from agent.store.records import Batch, Record, Row

T = TypeVar("T")
Change = Callable[[Log], None]


class Source(Protocol):
    """What a sink needs of the store."""

    @property
    def last_id(self) -> int:
        """Id of the newest row on the disk."""

    @property
    def last_record_id(self) -> int:
        """Id of the newest record on the disk."""

    def recent(self, mark: int, limit: int) -> list[Row] | None:
        """The next rows after *mark* from memory; None where they are only on the disk."""

    async def read(self, query: Callable[[Reader], T]) -> T:
        """Ask the database."""

    async def write(self, change: Callable[[Log], T]) -> T:
        """Do *change* in the next transaction."""

    def touch(self) -> None:
        """Have `changes` of every sink written soon."""


class Flight:
    """Batches handed out in order, of which the receiver may acknowledge any first.

    The place moves only over those without an unacknowledged one before them.
    """

    def __init__(self, place: int) -> None:
        self.place = place
        self._batches: deque[tuple[Batch, list[bool]]] = deque()

    def __bool__(self) -> bool:
        return bool(self._batches)

    def hand_out(self, batch: Batch) -> None:
        """Note that the receiver is being given *batch*."""
        self._batches.append((batch, [False]))

    def land(self, batch: Batch) -> list[Batch] | None:
        """Note that the receiver has *batch*; the ones now behind the place, or None where it is not in the air."""
        for one, has_landed in self._batches:
            if one is batch:
                has_landed[0] = True
                break
        else:
            return None
        landed = []
        while self._batches and self._batches[0][1][0]:
            landed.append(self._batches.popleft()[0])
            self.place = landed[-1].last
        return landed


class Sink:
    """What one receiver still has to get; made by `Store.sink`.

    Rows are delivered at least once and in order per tag within each stream. Live rows never wait for
    the backlog. Several batches of a stream may be in the air. Acknowledgements are on the disk
    within a second; a crash before that repeats what they covered. Imported rows are not delivered.
    """

    def __init__(self, source: Source, name: str) -> None:
        self._source = source
        self._name = name
        self._since = (source.last_id, source.last_record_id)  # a receiver that is new is owed nothing older
        self._live = Flight(0)
        self._held = Flight(0)
        self._backlog: deque[tuple[int, int]] = deque()
        self._sent = self._sent_back = self._sent_records = 0
        self._records = 0
        self._is_started = self._is_changed = False
        # One for each stream: the other's looking must not make this one miss an arrival.
        self._arrival, self._record_arrival = asyncio.Event(), asyncio.Event()
        self._again: list[tuple[int, int]] = []  # changed since they were handed out
        self._may_go_back = asyncio.Event()
        self.behind = 0  # rows held back that the receiver does not have yet

    @property
    def owed(self) -> int:
        """Rows that the receiver does not have, connected or not; imported ones are counted too."""
        return self.behind + max(0, self._source.last_id - self._live.place) if self._is_started else 0

    def enrol(self, log: Log) -> None:
        """Have a receiver that is new begin here, in the caller's transaction; one that is known keeps its place."""
        for stream, place in zip(("live", "records"), self._since, strict=True):
            log.db.execute("INSERT OR IGNORE INTO cursor VALUES (?, ?, ?)", (self._name, stream, place))

    async def start(self) -> None:
        """Begin with a new connection: all that is not acknowledged becomes backlog, live begins at the log's end.

        Raises:
            StorageError: The disk does not do it.
        """
        change = self.changes()
        self._is_started = False  # what the last connection still says comes too late

        def begin(log: Log) -> Place:
            if change:
                change(log)
            self.enrol(log)
            return hold_back(log, self._name)

        place = await self._source.write(begin)
        self._live, self._held = Flight(place.acknowledged), Flight(0)
        self._sent, self._sent_back = place.acknowledged, 0
        self._records = self._sent_records = place.records
        self._backlog, self._again = deque(place.backlog), []
        self.behind = place.behind
        self._is_started = True

    async def live(self, limit: int) -> Batch:
        """Wait for the next live rows and return up to *limit* of them."""
        while True:
            self._arrival.clear()  # before looking, so that no arrival is missed
            newest = self._source.last_id
            if self._sent < newest:
                rows = self._source.recent(self._sent, limit)
                if rows is None:
                    rows = await self._ask(self._sent + 1, newest, limit)
                if rows:
                    batch = _consecutive(rows)
                    self._sent = batch.last
                    self._live.hand_out(batch)
                    return batch
                self._sent = newest  # retention was faster
            await self._arrival.wait()

    async def backlog(self, limit: int) -> Batch | None:
        """Up to *limit* of the oldest rows held back that were not handed out yet; None where there are none left.

        There will be none until the next `start`, unless rows come `again`.
        """
        while held := next((one for one in self._backlog if one[1] > self._sent_back), None):
            rows = await self._ask(max(held[0], self._sent_back + 1), held[1], limit)
            if rows:
                batch = _consecutive(rows)
                self._sent_back = batch.last
                self._held.hand_out(batch)
                return batch
            self._sent_back = held[1]  # imported, or retention was faster
        if not self._held:
            self._forget_backlog(self._sent_back)
            self.behind = 0
            if self._again:
                self._backlog, self._again = deque(merged(self._again)), []
                self._held, self._sent_back = Flight(0), 0
                self.behind = sum(last - first + 1 for first, last in self._backlog)
                return await self.backlog(limit)
        return None

    async def held_back(self) -> None:
        """Wait until `backlog`, which had nothing left, has something again."""
        while not self._again or self._held:
            self._may_go_back.clear()
            await self._may_go_back.wait()

    def again(self, first: int, last: int) -> None:
        """Rows have been changed on the disk, and are held back there: they follow what else is held back."""
        if self._is_started:
            self._again.append((first, last))
            self.behind += last - first + 1
            self._may_go_back.set()
            self._note()

    def acknowledge(self, batch: Batch) -> None:
        """The receiver has *batch*, live or held back; one of an earlier connection is ignored."""
        if not self._is_started:
            return
        if self._live.land(batch) is None:
            landed = self._held.land(batch)
            if landed is None:
                return
            self.behind -= sum(len(one.rows) for one in landed)
            self._forget_backlog(self._held.place)
            self._may_go_back.set()
        self._note()

    async def kept(self) -> None:
        """Wait until what was acknowledged is on the disk, or the disk refuses."""
        with suppress(StorageError):  # nothing is lost by that: a crash then repeats more
            await self._source.write(lambda _: None)

    async def records(self, limit: int) -> list[tuple[int, Record]]:
        """Wait for the next records and return up to *limit* of them, with their ids."""
        while True:
            self._record_arrival.clear()
            if self._sent_records < self._source.last_record_id:
                found = await self._source.read(partial(Reader.records_after, mark=self._sent_records, limit=limit))
                if found:
                    self._sent_records = found[-1][0]
                    return found
            await self._record_arrival.wait()

    def acknowledge_records(self, last: int) -> None:
        """The receiver has all records up to the one with id *last*."""
        if self._is_started:
            self._records = max(self._records, last)
            self._note()

    def arrive(self) -> None:
        """Something was committed: look again."""
        self._arrival.set()
        self._record_arrival.set()

    def changes(self) -> Change | None:
        """What to write of the sink, None where nothing has changed since it was last asked for."""
        if not self._is_changed:
            return None
        self._is_changed = False
        name, live, records = self._name, self._live.place, self._records
        backlog = merged([*self._backlog, *self._again])
        return lambda log: keep_place(log, name, live, records, backlog)

    def mark_changed(self) -> None:
        """What `changes` gave was not written after all."""
        self._is_changed = True

    def _note(self) -> None:
        self._is_changed = True
        self._source.touch()

    def _forget_backlog(self, last: int) -> None:
        """Drop what is held back up to *last*."""
        while self._backlog and self._backlog[0][0] <= last:
            _, end = self._backlog.popleft()
            if end > last:
                self._backlog.appendleft((last + 1, end))
            self._is_changed = True

    async def _ask(self, first: int, last: int, limit: int) -> list[Row]:
        return await self._source.read(lambda reader: reader.appended(first, last, limit))


def _consecutive(rows: list[Row]) -> Batch:
    """The rows up to the first gap in their ids (left by an import or by retention)."""
    first = rows[0].id
    if rows[-1].id - first + 1 != len(rows):
        rows = [row for place, row in enumerate(rows, first) if row.id == place]
    return Batch(first, rows[-1].id, rows)
