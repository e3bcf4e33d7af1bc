"""The store of the running agent: what it is given is on the disk when the call returns."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Self, TypeVar

from agent.jobs.job import Outcome
from agent.store.connections import Connections, Opened
from agent.store.delivery import ACKNOWLEDGED_WITHIN, Sink
from agent.store.errors import DamagedError, StorageError
from agent.store.findings import add_filled, fail, finish
from agent.store.held import Held
from agent.store.log import Log
from agent.store.places import hold_also
from agent.store.reader import Reader
from agent.store.records import Filled, Kind, Record, Row
from agent.store.redating import Redated, redate
from agent.store.settings import StorageSettings
from agent.store.transactions import Transactions
from drivers.reading import Reading

T = TypeVar("T")

JUDGES = frozenset({"alarms"})  # sinks that judge readings, once, and pass none on


class Store:
    """The log, the records and the filled values of one agent, with the places of its receivers.

    The connection lives on one thread; the event loop never waits for the disk. What is given to
    `append`, `record`, `finish` gathers until `commit_interval` has passed since the last
    transaction, and each caller returns after its own. A caller that is cancelled
    leaves its part in the transaction whole: it is kept, only nobody is told.

    Every method that writes raises `StorageError` where the disk fails: trouble outside, nothing of
    that transaction has happened, and the next try may succeed.

    Given a place to hold them, readings and records are taken all the same while the disk refuses: receivers
    get them from memory under the ids that they will have, and they are written, in order, when `open` or `retry`
    finds that the disk works again (`Keeper` calls these). Everything else is refused meanwhile.

    Args:
        settings: Where, and how often at most; `agent.store.opening.prepare` has made the database ready.
        held: What holds them; such a store begins closed, in trouble, until it is opened.
    """

    def __init__(self, settings: StorageSettings, held: Held | None = None) -> None:
        self.complaints: dict[str, str] = {}  # what a person should know of the disk, by alarm; kept by `Keeper`
        self._settings = settings
        self._held = held
        self._sinks: dict[str, Sink] = {}
        self._units: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        """Take the right to write, and open.

        Raises:
            StorageRefusedError: Another process writes.
            StorageError: The disk does not do it.
        """
        self._connections = Connections(self._settings.path)
        self._transactions = Transactions(self._connections, self._settings.commit_interval, self._sinks, self._held)
        if self._held is not None:
            self._transactions.fail(StorageError(f"{self._settings.path} has not been opened yet"))
            return self
        try:
            self._transactions.begin(await self._connections.open())
        except BaseException:
            self._connections.shut_down()
            raise
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        try:
            await self._transactions.flush()
        finally:
            self._transactions.stop()
            await self._connections.close()
            self._connections.shut_down()

    @property
    def last_id(self) -> int:
        """Id of the newest row that receivers may have: on the disk, or held."""
        return self._transactions.last_id

    @property
    def last_record_id(self) -> int:
        """Id of the newest record that receivers may have."""
        return self._transactions.last_record_id

    @property
    def stored_id(self) -> int:
        """Id of the newest row on the disk."""
        return self._transactions.stored_id

    @property
    def stored_record_id(self) -> int:
        """Id of the newest record on the disk."""
        return self._transactions.stored_record_id

    @property
    def commits(self) -> int:
        """Transactions since the start."""
        return self._transactions.count

    @property
    def rejected(self) -> int:
        """Readings that no disk could keep, since the start; each is in the loss report."""
        return self._transactions.rejected

    @property
    def trouble(self) -> StorageError | None:
        """Why the disk does not take what is given."""
        return self._transactions.trouble

    @property
    def is_open(self) -> bool:
        """Whether there is a connection at all, be it in trouble."""
        return self._connections.is_open

    @property
    def busy(self) -> float:
        """Seconds for which the present transaction has been with the disk; 0 between two of them."""
        return self._transactions.busy

    @property
    def held(self) -> int:
        """Readings that wait in memory for the disk."""
        return 0 if self._held is None else len(self._held)

    @property
    def lost(self) -> int:
        """Readings that waited for the disk too long, since the start."""
        return 0 if self._held is None else self._held.lost

    async def offer(self, readings: Sequence[Reading]) -> None:
        """Keep *readings* with the next transaction; nobody waits, however slow the disk is."""
        self._transactions.offer(readings)

    async def append(self, readings: Sequence[Reading]) -> None:
        """Keep *readings*; they survive a power cut once this returns, unless there is `trouble` and they are held.

        One that cannot be kept (NaN, a wrong type) is counted and told in the loss report; the others are kept.
        """
        self._raise_unless_held(await self._transactions.append(readings))

    async def record(self, records: Sequence[Record]) -> None:
        """Keep *records*, in order."""
        self._raise_unless_held(await self._transactions.record(records))

    async def finish(self, job: str, outcome: Outcome, now_ms: int, took_ms: int) -> None:
        """Keep all that a job's run found together with its mark and state: all of it or nothing."""
        await self.write(lambda log: finish(log, job, outcome, now_ms, took_ms))

    async def fail(self, job: str, error: str, now_ms: int, took_ms: int) -> None:
        """Note that a job's run gave nothing; its last good result stays."""
        await self.write(lambda log: fail(log, job, error, now_ms, took_ms))

    async def fill(self, filled: Iterable[Filled]) -> None:
        """Keep filled values; newer ones replace older ones."""
        await self.write(lambda log: add_filled(log, filled))

    async def describe(self, units: Mapping[str, str]) -> None:
        """Note the units of tags, by name."""
        self._units.update(units)
        try:
            await self.write(lambda log: log.describe(units))
        except StorageError as error:
            self._raise_unless_held(error)

    async def write(self, change: Callable[[Log], T]) -> T:
        """Do *change* on the writer's thread, in the next transaction."""
        results: list[T] = []
        if error := await self._transactions.change(lambda log: results.append(change(log))):
            raise error
        return results[0]

    async def redate(self, boot_id: str, offset_ms: int) -> Redated | None:
        """Move the next doubtful readings of this start of the machine to their true time; None where none are left.

        Receivers of readings get them again.
        """
        done = await self.write(lambda log: redate(log, boot_id, offset_ms, JUDGES))
        if done and done.rows:
            self._transactions.recent.forget(self.last_id)
            for name in self._sinks.keys() - JUDGES:
                self._sinks[name].again(done.first, done.last)
        return done

    def sink(self, name: str) -> Sink:
        """The place of the receiver called *name* in the log; `start` it at each connection.

        One that is new begins here, at the end of the log: name it before what it is to get is appended.
        """
        if name not in self._sinks:
            self._sinks[name] = sink = Sink(self, name)
            self._transactions.also(sink.enrol, ACKNOWLEDGED_WITHIN)
        return self._sinks[name]

    def release(self, name: str) -> None:
        """Let go of a receiver that has left; one of that name that comes later is new."""
        self._sinks.pop(name, None)

    def owed(self, names: Iterable[str]) -> int:
        """Rows that the receiver that lacks most of *names* does not have; those that are not there lack none."""
        return max((self._sinks[name].owed for name in names if name in self._sinks), default=0)

    async def owe(self, name: str, first: int, last: int) -> None:
        """Have rows that came back to the log delivered to the receiver called *name*."""
        if name in self._sinks and self._sinks[name].is_started:
            self._sinks[name].again(first, last)
        else:
            await self.write(lambda log: hold_also(log, name, first, last))

    async def latest(self) -> dict[str, Row]:
        """The newest row of each tag."""
        try:
            rows = await self._transactions.slowness.unless(lambda: self._connections.write(Log.latest))
            found = {row.tag: row for row in rows}
        except StorageError as error:
            self._raise_unless_held(error)
            found = {}
        return found | (self._held.newest_rows() if self._held else {})

    async def newest(self, kind: Kind, key: str | None = None) -> list[Record]:
        """The newest record of each key of *kind*; of *key* alone, where given."""
        try:
            found = await self.read(lambda reader: reader.newest(kind, key))
        except StorageError as error:
            self._raise_unless_held(error)
            found = []
        newer = self._held.newest_records(kind, key) if self._held else {}
        return sorted(({one.key: one for one in found} | newer).values(), key=lambda one: one.key) if newer else found

    async def read(self, query: Callable[[Reader], T]) -> T:
        """Ask the database, on a thread of its own; *query* should be short, others wait for it."""
        try:
            return await self._transactions.slowness.unless(lambda: self._connections.read(query))
        except DamagedError as error:
            if self._held is not None and self.trouble is None:
                self._transactions.fail(error)  # it will not mend itself: it is to be set aside
            raise

    def recent(self, mark: int, limit: int) -> list[Row] | None:
        """Up to *limit* rows after *mark* from memory; None where they are only on the disk."""
        rows = self._transactions.recent.after(mark, limit)
        return self.held_rows(mark + 1, self.last_id, limit) if rows is None and mark >= self.stored_id else rows

    def held_rows(self, first: int, last: int, limit: int) -> list[Row]:
        """Up to *limit* of the oldest rows from *first* to *last* that wait for the disk."""
        return [] if self._held is None else self._held.rows(first, last, limit)

    def held_records(self, mark: int, limit: int) -> list[tuple[int, Record]]:
        """Up to *limit* of the oldest records after *mark* that wait for the disk."""
        return [] if self._held is None else self._held.records(mark, limit)

    def rows_after(self, mark: int) -> int:
        """How many rows have come after *mark*, imported ones included."""
        return self._transactions.rows_after(mark)

    def touch(self, within: float) -> None:
        """Have what the sinks were told written *within* that many seconds."""
        self._transactions.touch(within)

    def hurry(self, is_urgent: Callable[[Sequence[Reading]], bool]) -> None:
        """Have offered readings that are urgent written at once, with whatever waits."""
        self._transactions.is_urgent = is_urgent

    async def open(self) -> Opened:
        """Open the database, or after trouble open it anew; what is held is written from now on.

        Raises:
            StorageRefusedError: Another process writes.
            StorageError: The disk does not do it.
        """
        opened = await self._connections.open()
        self._transactions.begin(opened)
        for sink in self._sinks.values():
            sink.rouse()
        units = dict(self._units)
        self._transactions.also(lambda log: log.describe(units), ACKNOWLEDGED_WITHIN)
        await self.retry()
        return opened

    async def retry(self) -> None:
        """Try the disk again, as a transaction does; what is held is written from now on."""
        if error := await self._transactions.retry():
            raise error

    async def close(self, error: StorageError) -> None:
        """Let go of the database, because of *error*."""
        self._transactions.fail(error)
        await self._connections.close()

    async def mended(self) -> None:
        """Wait until there is no trouble."""
        await self._transactions.mended()

    def _raise_unless_held(self, error: StorageError | None) -> None:
        if error and self._held is None:
            raise error
