"""One receiver's place in the log: what it has acknowledged, what an outage held back, what is live."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from agent.store.errors import StorageError
from agent.store.flight import Flight
from agent.store.log import Log
from agent.store.places import Place, Seen, hold_back, keep_place, merged
from agent.store.reader import Reader
from agent.store.records import Batch, Record, Row
from agent.store.source import Source

Change = Callable[[Log], None]


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
        self._began: int | None = None  # newest id when it had to begin without the database
        self._is_known = False  # the database has said where it stands
        self._must_begin_anew = False
        self.behind = 0  # rows held back that the receiver does not have yet

    @property
    def place(self) -> int:
        """Id of the last live row that the receiver has, with all before it."""
        return self._live.place

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
            return hold_back(log, self._name, self._seen())

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
                    rows = await self._source.read(
                        partial(Reader.appended, first=self._sent + 1, last=newest, limit=limit)
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
            if self._sent_records < self._source.last_record_id and (
                found := await self._records_after(self._sent_records, limit)
            ):
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

    def rouse(self) -> None:
        """The database has been opened, or another has begun in its place."""
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
        """The oldest rows from *first* to *last*; where the disk is in trouble they are waited for."""
        rows: list[Row] = []
        stored = self._source.stored_id
        while first <= stored and not rows:
            try:
                rows = await self._source.read(
                    partial(Reader.appended, first=first, last=min(last, stored), limit=limit)
                )
            except StorageError:
                if self._source.trouble is None:
                    raise
                await self._source.mended()
            else:
                break
        return rows or self._source.held_rows(first, last, limit)

    async def _records_after(self, mark: int, limit: int) -> list[tuple[int, Record]]:
        """The next records; while the disk cannot be read, those that wait for it: alarms do not wait."""
        try:
            found = await self._source.read(partial(Reader.records_after, mark=mark, limit=limit))
        except StorageError:
            if self._source.trouble is None:
                raise
            found = []
        return found or self._source.held_records(mark, limit)

    def _seen(self) -> Seen | None:
        """What was delivered without the database; None where it has said before where the sink stands."""
        if self._is_known or self._began is None:
            return None
        return Seen(self._began + 1, self._live.place, merged([*self._backlog, *self._again]))

    def _place_in_memory(self) -> Place:
        newest = self._source.last_id
        if not self._is_known and self._began is None:
            self._began = newest
            return Place(newest, [], 0, self._source.last_record_id)
        backlog = [*self._backlog, *self._again]
        if self._live.place < newest:
            backlog.append((self._live.place + 1, newest))
        return Place(newest, merged(backlog), self.behind + self._source.rows_after(self._live.place), self._records)


def _consecutive(rows: list[Row]) -> Batch:
    """The rows up to the first gap in their ids (left by an import or by retention)."""
    first = rows[0].id
    if rows[-1].id - first + 1 != len(rows):
        rows = [row for place, row in enumerate(rows, first) if row.id == place]
    return Batch(first, rows[-1].id, rows)
