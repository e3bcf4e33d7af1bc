"""One receiver's place in the log: what it has acknowledged, what an outage held back, what is live."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from math import inf

from agent.store.backlog import Backlog
from agent.store.errors import StorageError
from agent.store.flight import Flight
from agent.store.log import Log
from agent.store.places import Place, Seen, hold_back, keep_place, merged
from agent.store.reader import Reader
from agent.store.records import Batch, Record, Row
from agent.store.source import Source, oldest, records_after

ACKNOWLEDGED_WITHIN = 1.0  # s until an acknowledgement is on the disk where nothing else is written

Change = Callable[[Log], None]


class Sink:
    """What one receiver still has to get; made by `Store.sink`.

    Rows are delivered at least once and in order per tag within each stream. Live rows never wait for
    the backlog. Several batches of a stream may be in the air. Acknowledgements are on the disk
    within a second; a crash before that repeats what they covered: of live rows at most `repeats`, of
    the backlog what was handed out since `kept`. Imported rows are not delivered.
    """

    def __init__(self, source: Source, name: str) -> None:
        self._source = source
        self._name = name
        self._since = (source.last_id, source.last_record_id)  # a receiver that is new is owed nothing older
        self._live = Flight(0)
        self._held = Flight(0)
        self._backlog = Backlog()
        self._sent = self._sent_back = 0
        self._records = self._sent_records = 0
        self._asked: int | None = None  # record up to which all were given before the disk could not be asked for more
        self._is_started = self._is_changed = False
        # One for each stream: the other's looking must not make this one miss an arrival.
        self._arrival, self._record_arrival, self._thinner = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._may_go_back = asyncio.Event()
        self._began: int | None = None  # newest id when it had to begin without the database
        self._is_known = False  # the database has said where it stands
        self._must_begin_anew = False
        self._is_short = self._is_thinning = False  # something waits until more acknowledgements are on the disk
        self._leaving = 0  # the place of live rows that is on its way there
        self.repeats: float = inf  # rows handed out live of which the disk does not know that the receiver has them

    @property
    def since(self) -> int:
        """Id of the newest row that there was when this process, or the receiver, began."""
        return self._since[0]

    @property
    def place(self) -> int:
        """Id of the last live row that the receiver has, with all before it."""
        return self._live.place

    @property
    def behind(self) -> int:
        """Rows held back that the receiver does not have yet."""
        return self._backlog.behind

    @property
    def records_place(self) -> int:
        """Id of the last record that the receiver has, with all before it."""
        return self._records

    @property
    def owed(self) -> int:
        """Rows that the receiver does not have, connected or not; imported ones are counted too."""
        return self.behind + self._source.rows_after(self._live.place) if self._is_started else 0

    @property
    def is_started(self) -> bool:
        """Whether there is a connection, or has been one in this process."""
        return self._is_started

    def enrol(self, log: Log) -> None:
        """Have a receiver that is new begin here, in the caller's transaction; one that is known keeps its place."""
        for stream, place in zip(("live", "records"), self._since, strict=True):
            log.db.execute("INSERT OR IGNORE INTO cursor VALUES (?, ?, ?)", (self._name, stream, place))

    async def start(self) -> None:
        """Begin with a new connection: all that is not acknowledged becomes backlog, live begins at the log's end.

        While the disk is in trouble that is done in memory, and written when it can be.

        Raises:
            StorageError: The disk does not do it.
        """
        change = self.changes()
        self._is_started = False  # what the last connection still says comes too late

        def begin(log: Log) -> Place:
            if change:
                change(log)
            self.enrol(log)
            return hold_back(log, self._name, self._seen(), self._live.place if self._is_known else 0)

        try:
            place = await self._source.write(begin)
            self._is_known = True
        except StorageError:
            self._is_changed |= change is not None
            if self._source.trouble is None:
                raise
            place = self._place_in_memory()
            self._is_changed = True
        self._must_begin_anew = False
        self._live, self._held = Flight(place.acknowledged), Flight(0)
        self._sent, self._sent_back = place.acknowledged, 0
        self._records = self._sent_records = place.records
        self._backlog = Backlog(place.backlog, place.behind)
        self._is_started = True

    async def live(self, limit: int) -> Batch:
        """Wait for the next live rows and return up to *limit* of them, and no more than `repeats`."""
        while True:
            self._arrival.clear()  # before looking, so that no arrival is missed
            newest = self._source.last_id
            size = min(limit, newest - self._sent, max(1, self.repeats))
            if size > 0 and self._has_room(size):
                rows = self._source.recent(self._sent, int(size))
                if rows is None:
                    rows = await self._source.read(
                        partial(Reader.appended, first=self._sent + 1, last=newest, limit=int(size))
                    )
                if rows:
                    batch = _consecutive(rows)
                    self._sent = batch.last
                    self._live.hand_out(batch)
                    return batch
                self._sent = newest  # retention was faster
            if self._must_begin_anew:
                raise StorageError("the store can be read again; deliveries begin anew where it says they stand")
            await self._arrival.wait()

    async def backlog(self, limit: int) -> Batch | None:
        """Up to *limit* of the oldest rows held back that were not handed out yet; None where there are none left.

        There will be none until the next `start`, unless rows come `again`.
        """
        while held := self._backlog.after(self._sent_back):
            rows = await oldest(self._source, max(held[0], self._sent_back + 1), held[1], limit)
            if rows:
                batch = _consecutive(rows)
                self._sent_back = batch.last
                self._held.hand_out(batch)
                return batch
            self._sent_back = held[1]  # imported, or retention was faster
        if not self._held:
            self._is_changed |= self._backlog.forget(self._sent_back)
            self._backlog.behind = 0
            if self._backlog.has_again:
                self._backlog.turn()
                self._held, self._sent_back = Flight(0), 0
                return await self.backlog(limit)
        return None

    async def held_back(self) -> None:
        """Wait until `backlog`, which had nothing left, has something again."""
        while not self._backlog.has_again or self._held:
            self._may_go_back.clear()
            await self._may_go_back.wait()

    def again(self, first: int, last: int) -> None:
        """Rows have been changed on the disk, and are held back there: they follow what else is held back."""
        if self._is_started:
            self._backlog.again(first, last)
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
            self._backlog.behind -= sum(len(one.rows) for one in landed)
            self._backlog.forget(self._held.place)
            self._may_go_back.set()
        self._note()

    async def kept(self) -> None:
        """Wait until what was acknowledged is on the disk, at once, or the disk refuses."""
        self._source.touch(0.0)
        with suppress(StorageError):  # nothing is lost by that: a crash then repeats more
            await self._source.write(lambda _: None)

    async def thinned(self) -> None:
        """Wait until a crash would repeat no more live rows than `repeats`, which was more before."""
        self._is_thinning = True
        while self._live.loose > self.repeats and self._source.trouble is None:
            if self._is_changed:
                self._source.touch(0.0)
            self._thinner.clear()
            await self._thinner.wait()
        self._is_thinning = False

    async def records(self, limit: int) -> list[tuple[int, Record]]:
        """Wait for the next records and return up to *limit* of them, with their ids."""
        while True:
            self._record_arrival.clear()
            mark = self._sent_records
            if mark < self._source.last_record_id:
                found, is_whole = await records_after(self._source, mark, limit)
                if found:
                    if not is_whole and self._asked is None:
                        self._asked = mark
                    self._sent_records = found[-1][0]
                    return found
            await self._record_arrival.wait()

    def acknowledge_records(self, last: int) -> None:
        """The receiver has all records up to the one with id *last*."""
        if self._is_started:
            self._records = max(self._records, min(last, self._sent_records))
            self._note()

    def arrive(self) -> None:
        """Something was committed: look again."""
        self._arrival.set()
        self._record_arrival.set()
        self._thinner.set()

    def rouse(self) -> None:
        """The database can be written: opened, another begun in its place, or no longer slow."""
        if self._asked is not None:
            self._records, self._sent_records = min(self._records, self._asked), min(self._sent_records, self._asked)
            self._asked = None
        if self._is_known:
            self._is_changed = True
        else:
            self._since = (self._source.stored_id, self._source.stored_record_id)
            self._must_begin_anew = self._is_started
            self.arrive()

    def changes(self) -> Change | None:
        """What to write of the sink, None where nothing has changed since it was last asked for."""
        if not self._is_changed or not self._is_known:
            return None
        self._is_changed = False
        name, live, records = self._name, self._live.place, self._records
        self._leaving = live
        backlog = self._backlog.places()
        return lambda log: keep_place(log, name, live, records, backlog)

    def mark_changed(self) -> None:
        """What `changes` gave was not written after all."""
        self._is_changed = True

    def settle(self) -> None:
        """What `changes` gave is on the disk."""
        self._live.keep(self._leaving)

    def _note(self) -> None:
        self._is_changed = True
        self._source.touch(0.0 if self._is_short or self._is_thinning else ACKNOWLEDGED_WITHIN)

    def _has_room(self, size: float) -> bool:
        """Whether *size* more live rows are not too many to be repeated; if they are, acknowledgements are written."""
        is_free = self._live.loose + size <= self.repeats or not self._live.loose
        self._is_short = not is_free and self._source.trouble is None  # while the disk refuses, nothing waits for it
        if self._is_short and self._is_changed:
            self._source.touch(0.0)
        return not self._is_short

    def _seen(self) -> Seen | None:
        """What was delivered without the database; None where it has said before where the sink stands."""
        if self._is_known or self._began is None:
            return None
        return Seen(self._began + 1, self._live.place, self._backlog.places())

    def _place_in_memory(self) -> Place:
        newest = self._source.last_id
        if not self._is_known and self._began is None:
            self._began = newest
            return Place(newest, [], 0, self._source.last_record_id)
        backlog = self._backlog.places()
        if self._live.place < newest:
            backlog.append((self._live.place + 1, newest))
        return Place(newest, merged(backlog), self.behind + self._source.rows_after(self._live.place), self._records)


def _consecutive(rows: list[Row]) -> Batch:
    """The rows up to the first gap in their ids (left by an import or by retention)."""
    first = rows[0].id
    if rows[-1].id - first + 1 != len(rows):
        rows = [row for place, row in enumerate(rows, first) if row.id == place]
    return Batch(first, rows[-1].id, rows)
