"""A disk that takes seconds over a transaction: receivers go on from memory, and all is stored once, in order."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from agent.store.delivery import Sink
from agent.store.errors import SlowError
from agent.store.keeper import DISK, kept_store
from agent.store.records import Record, Row
from agent.store.settings import StorageSettings
from agent.store.writer import Store
from drivers.reading import Reading


@contextmanager
def busy(path: Path) -> Iterator[sqlite3.Connection]:
    """Every transaction waits, as for a card that is erasing; `rollback` lets it go on."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other


class Receiver:
    """Takes and acknowledges all that comes live."""

    def __init__(self, store: Store) -> None:
        self.sink: Sink = store.sink("mqtt")
        self.rows: list[Row] = []
        self.told: list[str] = []

    async def follow(self) -> None:
        """Take readings."""
        while True:
            batch = await self.sink.live(100)
            self.rows += batch.rows
            self.sink.acknowledge(batch)

    async def listen(self) -> None:
        """Take records."""
        while True:
            records = await self.sink.records(100)
            self.told += [record.key for _, record in records]
            self.sink.acknowledge_records(records[-1][0])


class Works(NamedTuple):
    """A store as in the running agent, and its receiver."""

    store: Store
    receiver: Receiver

    async def poll(self, second: int) -> None:
        """A reading is made, and nobody waits for it."""
        await self.store.offer([Reading("flow", 1_000 * second, float(second), 192)])

    async def has(self, count: int) -> None:
        """Wait until the receiver has as many readings."""
        async with asyncio.timeout(20):
            while len(self.receiver.rows) < count:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.01)

    async def is_told(self, *keys: str) -> None:
        """Wait until it has been told these."""
        async with asyncio.timeout(20):
            while not set(keys) <= set(self.receiver.told):  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.01)

    async def has_stored(self) -> list[Row]:
        """Wait until the disk has all there is; its readings."""
        async with asyncio.timeout(60):
            while self.store.trouble or self.store.held or self.store.stored_id < self.store.last_id:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        return await self.store.read(lambda reader: reader.after(0, 10_000))


@asynccontextmanager
async def at_work(path: Path) -> AsyncIterator[Works]:
    """A store with its keeper and a receiver at work, and a reading on the disk."""
    settings = StorageSettings(path=path, commit_interval=0.01, ballast_mb=0)
    async with kept_store(settings) as (store, keeper), asyncio.TaskGroup() as tasks:
        receiver = Receiver(store)
        await receiver.sink.start()
        works = [keeper.keep(), receiver.follow(), receiver.listen()]
        running = [tasks.create_task(work) for work in works]
        await store.append([Reading("flow", 0, 0.0, 192)])
        yield Works(store, receiver)
        for task in running:
            task.cancel()


async def test_receivers_do_not_wait_for_a_slow_disk_and_nothing_comes_twice(tmp_path: Path) -> None:
    """What is with the disk goes out from memory, under the ids the disk is giving it; then what follows.

    An alarm says so meanwhile, and a record that was with the disk is not passed over by it.
    """
    async with at_work(tmp_path / "a.db") as works:
        with busy(tmp_path / "a.db") as disk:
            given = asyncio.create_task(works.store.record([Record("alarm_event", "before", 1, b"{}")]))
            await works.poll(1)
            while not works.store.busy:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.001)
            await works.poll(2)
            await works.has(3)
            trouble, complaint = works.store.trouble, works.store.complaints.get(DISK, "")
            for second in range(3, 50):
                await works.poll(second)
                await works.has(second + 1)
            await works.store.record([Record("alarm_event", "meanwhile", 1, b"{}")])
            await works.is_told("meanwhile")
            await given
            is_stored = works.store.stored_id > 1
            disk.rollback()
        stored = await works.has_stored()
        await works.is_told("before", "meanwhile")
        await works.poll(50)
        await works.has(51)

    assert isinstance(trouble, SlowError)
    assert complaint in {"", str(trouble)}
    assert not is_stored
    assert [row.ts_ms for row in works.receiver.rows] == [1_000 * second for second in range(51)]
    assert stored == works.receiver.rows[:50]


async def test_what_a_slow_disk_refuses_in_the_end_is_stored_first(tmp_path: Path) -> None:
    """In order and once, though receivers have had it: five seconds, and SQLite gives up."""
    async with at_work(tmp_path / "a.db") as works:
        with busy(tmp_path / "a.db") as disk:
            second = 0
            while "locked" not in str(works.store.trouble):
                second += 1
                await works.poll(second)
                await asyncio.sleep(0.02)
            await works.poll(second + 1)
            await works.has(second + 2)
            disk.rollback()
        stored = await works.has_stored()

    assert [row.ts_ms for row in stored] == [1_000 * number for number in range(second + 2)]
    assert works.receiver.rows == stored


async def test_a_slow_disk_that_never_ends_fills_a_bounded_memory(tmp_path: Path) -> None:
    """The oldest leave, and are counted, once as many as memory may hold have gathered.

    Twice as many while the disk is asked to take the oldest of them, which on a busy machine it may be by then.
    """
    held, given = [], 15 * 20_000 + 2
    async with at_work(tmp_path / "a.db") as works:
        with busy(tmp_path / "a.db") as disk:
            await works.poll(1)
            await works.has(2)
            for _ in range(15):
                await works.store.offer([Reading("flow", 2_000, 2.0, 192)] * 20_000)
                held.append(works.store.held)
                await asyncio.sleep(0.02)
            disk.rollback()
        await works.has_stored()
        stored = await works.store.read(lambda reader: len(reader.after(0, given)))
        lost = works.store.lost

    assert 100_000 <= max(held) <= 200_001  # whenever SQLite gives up, and one that comes back first
    assert stored + lost == given
