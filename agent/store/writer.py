"""The store of the running agent: what it is given is on the disk when the call returns."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial
from math import inf
from typing import NamedTuple, Self, TypeVar

from agent.jobs.job import Outcome
from agent.store.delivery import Sink
from agent.store.errors import StorageError
from agent.store.findings import add_filled, add_records, drop_filled, fail, finish
from agent.store.log import Log
from agent.store.reader import Reader
from agent.store.records import Filled, Kind, Record, Row, Stretch
from agent.store.redating import Redated, redate
from agent.store.settings import StorageSettings
from drivers.reading import Reading

T = TypeVar("T")

RECENT = 20_000  # rows kept in memory for receivers that keep up; about 4 MB
JUDGES = frozenset({"alarms"})  # sinks that judge readings, once, and pass none on
ACKNOWLEDGED_WITHIN = 1.0  # s until an acknowledgement is on the disk where nothing else is written


class _Group:
    """What the next transaction will write, and who waits for it."""

    def __init__(self) -> None:
        self.readings: list[Reading] = []
        self.works: list[Callable[[Log], None]] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class _Written(NamedTuple):
    """What a transaction has written."""

    rows: list[Row]
    rejected: int
    last_id: int
    last_record_id: int


class Store:
    """The log, the records and the filled values of one agent, with the places of its receivers.

    The connection lives on one thread; the event loop never waits for the disk. What is given to
    `append`, `record`, `finish` gathers until `commit_interval` has passed since the last
    transaction, and each caller returns after its own. A caller that is cancelled
    leaves its part in the transaction whole: it is kept, only nobody is told.

    Every method that writes raises `StorageError` where the disk fails: trouble outside, nothing of
    that transaction has happened, and the next try may succeed.

    Args:
        settings: Where, and how often at most; `agent.store.opening.prepare` has made the database ready.
    """

    def __init__(self, settings: StorageSettings) -> None:
        self.last_id = 0
        self.last_record_id = 0
        self.commits = 0  # transactions since the start
        self.rejected = 0  # readings that could not be kept since the start; each is in the loss report
        self._interval = settings.commit_interval
        self._log = Log(settings.path)
        self._reader = Reader(settings.path)
        self._held = ExitStack()
        self._writing = ThreadPoolExecutor(1, "store-writing")
        self._reading = ThreadPoolExecutor(1, "store-reading")
        self._sinks: dict[str, Sink] = {}
        self._recent: deque[list[Row]] = deque()
        self._recent_rows = 0
        self._due = inf
        self._timer: asyncio.TimerHandle | None = None
        self._commit: asyncio.Future[_Written] | None = None
        self._began = -inf

    async def __aenter__(self) -> Self:
        """Take the right to write, and open.

        Raises:
            StorageRefusedError: Another process writes.
            StorageError: The disk does not do it.
        """
        self._loop = asyncio.get_running_loop()
        self._group = _Group()
        with ExitStack() as stack:
            stack.callback(self._close)
            self.last_id, self.last_record_id = await self._loop.run_in_executor(self._writing, self._open)
            stack.pop_all()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        try:
            with suppress(StorageError):  # whoever waited was told
                await self._flush()
        finally:
            if self._timer:
                self._timer.cancel()
            await self._loop.run_in_executor(self._writing, self._held.close)
            self._close()

    # What is written

    async def append(self, readings: Sequence[Reading]) -> None:
        """Keep *readings*; they survive a power cut once this returns.

        One that cannot be kept (NaN, a wrong type) is counted and told in the loss report; the others are kept.
        """
        self._group.readings.extend(readings)
        await self._committed()

    async def record(self, records: Sequence[Record]) -> None:
        """Keep *records*, in order."""
        await self.write(lambda log: add_records(log, records))

    async def finish(self, job: str, outcome: Outcome, now_ms: int, took_ms: int) -> None:
        """Keep all that a job's run found together with its mark and state: all of it or nothing."""
        await self.write(lambda log: finish(log, job, outcome, now_ms, took_ms))

    async def fail(self, job: str, error: str, now_ms: int, took_ms: int) -> None:
        """Note that a job's run gave nothing; its last good result stays."""
        await self.write(lambda log: fail(log, job, error, now_ms, took_ms))

    async def fill(self, filled: Iterable[Filled]) -> None:
        """Keep filled values; a newer one of the same tag and time replaces the older."""
        await self.write(lambda log: add_filled(log, filled))

    async def unfill(self, stretches: Iterable[Stretch]) -> None:
        """Take filled values back, because something measured has come in their place."""
        await self.write(lambda log: drop_filled(log, stretches))

    async def describe(self, units: Mapping[str, str]) -> None:
        """Note the units of tags, by name."""
        await self.write(lambda log: log.describe(units))

    async def write(self, change: Callable[[Log], T]) -> T:
        """Do *change* on the writer's thread, in the next transaction."""
        results: list[T] = []
        self._group.works.append(lambda log: results.append(change(log)))
        await self._committed()
        return results[0]

    async def redate(self, boot_id: str, offset_ms: int) -> Redated | None:
        """Move the next doubtful readings of this start of the machine to their true time; None where none are left.

        Receivers of readings get them again.
        """
        done = await self.write(lambda log: redate(log, boot_id, offset_ms, JUDGES))
        if done and done.rows:
            self._recent.clear()
            self._recent_rows = 0
            for name in self._sinks.keys() - JUDGES:
                self._sinks[name].again(done.first, done.last)
        return done

    # What is read

    def sink(self, name: str) -> Sink:
        """The place of the receiver called *name* in the log; `start` it at each connection.

        One that is new begins here, at the end of the log: name it before what it is to get is appended.
        """
        if name not in self._sinks:
            self._sinks[name] = sink = Sink(self, name)
            self._group.works.append(sink.enrol)
            self.touch()
        return self._sinks[name]

    async def latest(self) -> dict[str, Row]:
        """The newest row of each tag."""
        rows = await self._loop.run_in_executor(self._writing, self._log.latest)
        return {row.tag: row for row in rows}

    async def newest(self, kind: Kind, key: str | None = None) -> list[Record]:
        """The newest record of each key of *kind*; of *key* alone, where given."""
        return await self.read(lambda reader: reader.newest(kind, key))

    async def settled(self) -> None:
        """Wait until the writer's thread has done what it was at: it answers, so it is not hung."""
        await self._loop.run_in_executor(self._writing, int)

    async def read(self, query: Callable[[Reader], T]) -> T:
        """Ask the database, on a thread of its own; *query* should be short, others wait for it."""
        return await self._loop.run_in_executor(self._reading, query, self._reader)

    def recent(self, mark: int, limit: int) -> list[Row] | None:
        """Up to *limit* rows after *mark* from memory; None where they are only on the disk."""
        if not self._recent or self._recent[0][0].id > mark + 1:
            return None
        for rows in self._recent:
            if rows[-1].id > mark:
                start = max(0, mark + 1 - rows[0].id)
                return rows[start : start + limit]
        return []

    # Transactions

    def touch(self) -> None:
        """Have what the sinks were told written soon."""
        self._want(self._loop.time() + ACKNOWLEDGED_WITHIN)

    async def _committed(self) -> None:
        """Wait until what was put into the present group is on the disk."""
        done = self._group.done
        self._want(self._began + self._interval)
        await asyncio.shield(done)

    def _want(self, due: float) -> None:
        """Commit at *due*, or earlier."""
        if due < self._due:
            self._due = due
            self._arm()

    def _arm(self) -> None:
        if self._commit is None and self._due < inf:
            if self._timer:
                self._timer.cancel()
            self._timer = self._loop.call_at(self._due, self._begin)

    def _begin(self) -> None:
        group, self._group = self._group, _Group()
        changed = [(sink, change) for sink in self._sinks.values() if (change := sink.changes())]
        group.works[:0] = [change for _, change in changed]  # first: what else is done to the places knows more
        self._due, self._began = inf, self._loop.time()
        self._commit = self._loop.run_in_executor(self._writing, self._perform, group)
        self._commit.add_done_callback(partial(self._settle, group, [sink for sink, _ in changed]))

    def _perform(self, group: _Group) -> _Written:
        """One transaction, on the writer's thread."""
        with self._log.transaction():
            rows, rejected = self._log.insert(group.readings)
            for work in group.works:
                work(self._log)
        return _Written(self._log.named(rows), rejected, self._log.last_id, self._log.last_record_id)

    def _settle(self, group: _Group, sinks: list[Sink], commit: "asyncio.Future[_Written]") -> None:
        """Tell everybody how the transaction went."""
        self._commit = None
        if error := commit.exception():
            group.done.set_exception(error)
            if isinstance(error, StorageError):
                group.done.exception()  # where only acknowledgements were to be written nobody waits for it
            for sink in sinks:
                sink.mark_changed()
        else:
            self._take(commit.result())
            group.done.set_result(None)
        self._arm()

    def _take(self, written: _Written) -> None:
        self.last_id, self.last_record_id = written.last_id, written.last_record_id
        self.commits += 1
        self.rejected += written.rejected
        if written.rows:
            self._recent.append(written.rows)
            self._recent_rows += len(written.rows)
            while self._recent_rows > RECENT and len(self._recent) > 1:
                self._recent_rows -= len(self._recent.popleft())
        for sink in self._sinks.values():
            sink.arrive()

    async def _flush(self) -> None:
        if self._commit:
            await asyncio.wait({self._commit})
        done = self._group.done
        if self._timer:
            self._timer.cancel()
        self._begin()
        await asyncio.shield(done)

    def _open(self) -> tuple[int, int]:
        with ExitStack() as stack:
            stack.enter_context(self._log)
            stack.enter_context(self._reader)
            self._held = stack.pop_all()
        return self._log.last_id, self._log.last_record_id

    def _close(self) -> None:
        self._writing.shutdown()  # waits for an opening that was cancelled
        self._reading.shutdown()
        self._held.close()
