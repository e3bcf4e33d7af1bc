"""The transactions of the running agent, one after the other; what the disk refuses waits in memory."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from math import inf

from agent.store.connections import Connections, Opened
from agent.store.delivery import Sink
from agent.store.errors import SlowError, StorageError
from agent.store.group import Group, Written
from agent.store.held import READINGS, Held
from agent.store.log import Log
from agent.store.recent import Recent
from agent.store.records import Record
from agent.store.slowness import Slowness
from drivers.reading import Reading

PATIENCE = 3.0  # s that receivers wait for a transaction; then they get from memory what it and later ones are to write


class Transactions:
    """Gathers what is to be written until *interval* (s) has passed since the last transaction.

    Args:
        connections: Does them.
        interval: s, between two of them at least.
        sinks: Whose places are written with them, and who is told that something has come.
        held: Takes readings and records while the disk refuses; without, they are refused too.
    """

    def __init__(
        self, connections: Connections, interval: float, sinks: dict[str, Sink], held: Held | None = None
    ) -> None:
        self.last_id = 0  # of the newest row that receivers may have: on the disk, or held
        self.last_record_id = 0
        self.stored_id = 0  # of the newest row on the disk
        self.stored_record_id = 0
        self.count = 0
        self.rejected = 0
        self.trouble: StorageError | None = None
        self.recent = Recent()
        self.held = held
        self._connections = connections
        self._interval = interval
        self._sinks = sinks
        self._loop = asyncio.get_running_loop()
        self._group = Group()
        self._mended = asyncio.Event()
        self._mended.set()
        self._gaps: list[tuple[int, int]] = []  # ids that were never given
        self._due = inf
        self._timer: asyncio.TimerHandle | None = None
        self._commit: asyncio.Future[Written] | None = None
        self._began = self._handed = -inf  # when the last one was to begin, and when one was given to the disk
        self._hurry: asyncio.TimerHandle | None = None
        self.slowness = Slowness()
        self.is_urgent: Callable[[Sequence[Reading]], bool] = lambda _: False

    def offer(self, readings: Sequence[Reading]) -> None:
        """Write *readings* with the next transaction; nobody waits."""
        self._group.readings.extend(readings)
        if self.held is not None and len(self._group.readings) > READINGS:  # the disk is far too slow
            self.held.lose(self._group.readings[: len(readings)])
            del self._group.readings[: len(readings)]
        self._want(self._loop.time() if self.is_urgent(readings) else self._began + self._interval)

    async def append(self, readings: Sequence[Reading]) -> StorageError | None:
        """Write *readings*; why not, where the disk refuses."""
        self._group.readings.extend(readings)
        return await self._taken()

    async def record(self, records: Iterable[Record]) -> StorageError | None:
        """Write *records*; why not, where the disk refuses."""
        self._group.records.extend(records)
        return await self._taken()

    async def change(self, work: Callable[[Log], None]) -> StorageError | None:
        """Do *work* in the next transaction; why not, where the disk refuses."""
        self._group.works.append(work)
        done = self._group.done
        self._want(self._began + self._interval)
        return await asyncio.shield(done)

    def also(self, work: Callable[[Log], None], within: float) -> None:
        """Do *work* in a transaction *within* that many seconds; nobody waits."""
        self._group.works.append(work)
        self.touch(within)

    def touch(self, within: float) -> None:
        """Have a transaction *within* that many seconds."""
        self._want(self._loop.time() + within)

    async def mended(self) -> None:
        """Wait until there is no trouble."""
        await self._mended.wait()

    @property
    def busy(self) -> float:
        """Seconds for which the present transaction has been with the disk; 0 between two of them."""
        return 0.0 if self._commit is None else self._loop.time() - self._handed

    def rows_after(self, mark: int) -> int:
        """How many rows have come after *mark*, imported ones included."""
        return max(0, self.last_id - mark - sum(max(0, last - max(first, mark + 1) + 1) for first, last in self._gaps))

    def fail(self, error: StorageError) -> None:
        """The disk refuses until `retry` finds otherwise."""
        self.trouble = error
        self._mended.clear()

    def begin(self, opened: Opened) -> None:
        """The database has been opened, or opened anew."""
        self.stored_id, self.stored_record_id = opened.last_id, opened.last_record_id
        self.last_id = max(self.last_id, opened.last_id)
        self.last_record_id = max(self.last_record_id, opened.last_record_id)
        self.recent.reach_back(opened.last_id)

    async def retry(self) -> StorageError | None:
        """Write what there is, held or not, whatever has been; why not, where the disk still refuses."""
        self.trouble = None
        self._mended.set()
        done = self._group.done
        self._want(self._loop.time())
        return await asyncio.shield(done)

    async def flush(self) -> None:
        """Write what is left; what the disk refuses now is lost."""
        while True:
            if self._commit:
                await asyncio.wait({self._commit})
            self.trouble = None
            done = self._group.done
            if self._timer:
                self._timer.cancel()
            self._begin()
            if await asyncio.shield(done) or not self.held:
                return

    def stop(self) -> None:
        """Begin no more of them."""
        if self._timer:
            self._timer.cancel()

    async def _taken(self) -> StorageError | None:
        """Wait until what was put into the present group is on the disk; else why it is not, and whether it is held."""
        taken = self._group.taken
        self._want(self._began + self._interval)
        return await asyncio.shield(taken)

    def _want(self, due: float) -> None:
        """Commit at *due*, or earlier."""
        if due < self._due:
            self._due = due
            self._arm()

    def _arm(self) -> None:
        if (self._commit is None or isinstance(self.trouble, SlowError)) and self._due < inf:
            if self._timer:
                self._timer.cancel()
            self._timer = self._loop.call_at(self._due, self._begin)

    def _begin(self) -> None:
        group, self._group = self._group, Group()
        self._due, self._began = inf, self._loop.time()
        if self.held is not None and (self.trouble or self.held):
            self._hold(group, self.held)
        if self.trouble:
            group.end(self.trouble)
            return
        if self.held:
            group.portion = self.held.portion()
        else:
            group.floor = self.last_id
        if self.stored_record_id < self.last_record_id:
            group.record_floor = self.last_record_id
        changed = [(sink, change) for sink in self._sinks.values() if (change := sink.changes())]
        group.works[:0] = [change for _, change in changed]  # first: what else is done to the places knows more
        self._handed = self._began
        self._commit = self._connections.write(group.perform)
        if self.held is not None:
            self._hurry = self._loop.call_later(PATIENCE, self._hurry_on, group)
        self._commit.add_done_callback(partial(self._settle, group, [sink for sink, _ in changed]))

    def _hurry_on(self, group: Group) -> None:
        """Receivers get the readings of *group*, which the disk does not come to an end with, and all that follow."""
        if self.trouble is None:
            slow = SlowError(self._connections.describe_slow())
            self.fail(slow)
            self.slowness.begin(slow)
            rows = group.number(self.last_id + 1)
            self.last_id += len(rows)
            self.recent.add(rows)
            group.taken.set_result(self.trouble)
            self._arm()  # also for what came to wait meanwhile
            self._wake()

    def _hold(self, group: Group, held: Held) -> None:
        """Take what the disk refuses, or what has to wait for that; receivers have it at once."""
        if group.readings:
            # A process that dies now leaves no trace of the ids it gave: they lie where no others will.
            jump = 0 if len(held) else time.time_ns() // 1_000
            delivered = min((sink.place for sink in self._sinks.values()), default=0)
            rows = held.take(group.readings, max(self.last_id + 1, jump), delivered)
            if rows and rows[0].id > self.last_id + 1:
                self._gaps = [*self._gaps[-99:], (self.last_id + 1, rows[0].id - 1)]
            self.last_id = rows[-1].id if rows else self.last_id
            self.recent.add(rows)
        if group.records:
            jump = 0 if held.records(0, 1) else time.time_ns() // 1_000
            first = max(self.last_record_id + 1, jump)
            held.take_records(group.records, first)
            self.last_record_id = first + len(group.records) - 1
        group.readings, group.records = [], []
        self._wake()

    def _settle(self, group: Group, sinks: list[Sink], commit: "asyncio.Future[Written]") -> None:
        """Tell everybody how the transaction went."""
        self._commit = None
        if self._hurry:
            self._hurry.cancel()
        self.slowness.end()
        error = commit.exception()
        for sink in sinks:
            sink.mark_changed() if error else sink.settle()
        if isinstance(error, StorageError):
            if self.held is not None:
                self._keep(group, self.held, error)
            group.end(error)
        elif error:
            group.break_off(error)
        else:
            self._take(commit.result(), group)
            group.end(None)
        self._arm()

    def _keep(self, group: Group, held: Held, error: StorageError) -> None:
        """Hold what the disk has refused, in order."""
        self.fail(error)
        if group.portion:
            held.give_back(group.portion)
        if group.early:
            held.take_first(group.early)
            group.readings = []
        self._hold(group, held)

    def _take(self, written: Written, group: Group) -> None:
        if self.held is not None and group.portion:
            self.held.settle(group.portion)
        self.stored_id, self.stored_record_id = written.last_id, written.last_record_id
        if isinstance(self.trouble, SlowError):
            self._go_on()
        self.last_id = max(self.last_id, written.last_id)
        self.last_record_id = max(self.last_record_id, written.last_record_id)
        self.count += 1
        self.rejected += written.rejected
        if not group.early:
            self.recent.add(written.rows)
        if self.held:
            self._want(self._loop.time())  # there is more of it
        self._wake()

    def _go_on(self) -> None:
        """The disk has come to an end with what it was so slow with; what has been held meanwhile is next."""
        self.trouble = None
        self._mended.set()
        for sink in self._sinks.values():
            sink.rouse()
        self._want(self._loop.time())

    def _wake(self) -> None:
        for sink in self._sinks.values():
            sink.arrive()
