"""What the disk refuses is held, given to receivers and stored later; what was damaged is told, and salvaged."""

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from agent.store.errors import StorageError
from agent.store.held import Held
from agent.store.keeper import Keeper, kept_store
from agent.store.log import Log
from agent.store.losses import DAMAGED, REFUSED, TAIL
from agent.store.reader import Reader
from agent.store.records import Record
from agent.store.salvage import Rows, pieces
from agent.store.settings import StorageSettings
from agent.store.writer import Store
from drivers.reading import Reading
from tests.simulators.disk import fill, small_disk


def flow(second: int) -> Reading:
    return Reading("flow", 1_000 * second, float(second), 192)


def poll(second: int) -> list[Reading]:
    return [Reading(f"t{tag}", 1_000 * second, second + tag / 7, 192) for tag in range(50)]


@asynccontextmanager
async def at_work(settings: StorageSettings) -> AsyncIterator[tuple[Store, Keeper]]:
    """A store as in the running agent, with its keeper at work."""
    async with kept_store(settings) as (store, keeper), asyncio.TaskGroup() as tasks:
        task = tasks.create_task(keeper.keep())
        yield store, keeper
        task.cancel()


async def mended(store: Store) -> None:
    """Wait until the disk works and has all that was held."""
    async with asyncio.timeout(30):
        while store.trouble or store.held:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.05)


async def troubled(store: Store) -> None:
    """Have the store notice, by appends."""
    async with asyncio.timeout(30):
        while not store.trouble:
            await store.append([flow(0)])
            await asyncio.sleep(0.01)


async def test_receivers_get_from_memory_what_a_full_disk_refuses(tmp_path: Path) -> None:
    """With the ids under which it is stored later, so that nobody gets it twice."""
    with small_disk(tmp_path / "disk", 4) as disk:
        settings = StorageSettings(path=disk / "a.db", commit_interval=0.01, ballast_mb=0)
        async with at_work(settings) as (store, _):
            sink = store.sink("mqtt")
            await sink.start()
            await store.append([flow(1)])
            sink.acknowledge(await sink.live(10))
            filler = fill(disk)
            await troubled(store)
            while store.last_id == store.stored_id or (await sink.live(10_000)).rows[-1].ts_ms != 9_000:
                await store.offer([flow(9)])
            first = store.last_id
            await store.offer([flow(10)])
            batch = await sink.live(10)
            sink.acknowledge(batch)
            await store.record([Record("alarm", "a", 1, b"{}")])
            told = await sink.records(10)
            filler.unlink()
            await mended(store)
            await sink.kept()
            stored = await store.read(lambda reader: reader.after(first, 10))

    assert [row.ts_ms for row in batch.rows] == [10_000]
    assert [record.key for _, record in told] == ["a"]
    assert stored == batch.rows


async def test_a_receiver_that_connects_meanwhile_gets_live_values_and_later_the_rest(tmp_path: Path) -> None:
    """The broker may come back while the disk is full; and what it was owed before is not forgotten."""
    with small_disk(tmp_path / "disk", 4) as disk:
        settings = StorageSettings(path=disk / "a.db", commit_interval=0.01, ballast_mb=0)
        async with at_work(settings) as (store, _):
            sink = store.sink("mqtt")
            await sink.start()
            await store.append([flow(1)])
            filler = fill(disk)
            await troubled(store)
            await store.append([flow(2)])
            await sink.start()
            await store.append([flow(3)])
            live = await sink.live(10)
            held = [
                row.ts_ms
                for batch in [await sink.backlog(10_000), await sink.backlog(10_000)]
                if batch
                for row in batch.rows
            ]
            filler.unlink()
            await mended(store)

    assert [row.ts_ms for row in live.rows] == [3_000]
    assert (held[0], held[-1]) == (1_000, 2_000)


async def test_memory_is_bounded_and_what_leaves_it_is_counted() -> None:
    """By tag and time range; what no receiver had is told apart."""
    held = Held(limit=10)
    rows = held.take([flow(second) for second in range(1, 16)], first=101, delivered=103)
    portion = held.portion()

    assert len(rows) == 15
    assert [row.id for row in portion.rows] == list(range(106, 116))
    assert [loss[:6] for loss in portion.losses] == [("flow", REFUSED, 1_000, 5_000, 5, 2)]
    assert held.lost == 5


async def test_ids_given_from_memory_are_given_to_nothing_else(settings: StorageSettings) -> None:
    """A process that dies with readings in memory has published their ids; the next one must not use them again."""
    async with Store(settings, Held()) as store:
        await store.append([flow(1)])
        published = store.last_id
        async with Store(settings) as other:
            await other.append([flow(2)])
            stored = other.last_id

    assert published > 1_000_000_000
    assert stored < 1_000


async def test_a_store_that_cannot_be_opened_at_the_start_opens_by_itself(tmp_path: Path) -> None:
    """Its folder is not mounted yet. What was read meanwhile is stored, and what an earlier run owed is delivered.

    Takes some seconds: a child prepares the database.
    """
    place, away = tmp_path / "data", tmp_path / "away"
    away.mkdir()
    settings = StorageSettings(path=away / "a.db", commit_interval=0.01, ballast_mb=0)
    async with kept_store(settings) as (store, _):
        sink = store.sink("mqtt")
        await sink.start()
        await store.append([flow(1)])
    settings = settings.model_copy(update={"path": place / "a.db"})
    async with at_work(settings) as (store, _):
        sink = store.sink("mqtt")
        await store.append([flow(2)])
        await sink.start()
        await store.append([flow(3)])
        live = await sink.live(10)
        sink.acknowledge(live)
        trouble = str(store.trouble)
        away.rename(place)
        await mended(store)
        with pytest.raises(StorageError, match="deliveries begin anew"):
            await sink.live(10)
        await sink.start()
        batches = [await sink.backlog(10), await sink.backlog(10)]
        held = [row.ts_ms for batch in batches if batch for row in batch.rows]

    assert "cannot be used" in trouble
    assert [row.ts_ms for row in live.rows] == [3_000]
    assert held == [1_000, 2_000]


async def test_a_database_damaged_while_running_is_replaced_and_salvaged(tmp_path: Path) -> None:
    """New readings are stored within seconds; what can be read of the old file comes back, undelivered rows included.

    Takes some seconds: children prepare and salvage.
    """
    settings = StorageSettings(path=tmp_path / "a.db", commit_interval=0.01, ballast_mb=0)
    async with at_work(settings) as (store, _):
        sink = store.sink("mqtt")
        await sink.start()
        for second in range(200):
            await store.append(poll(second))
        await sink.start()
        before = store.last_id
        ruin(settings.path)
        async with asyncio.timeout(30):
            while not list(tmp_path.glob("*.salvaged")):  # noqa: ASYNC240 - a look at a small folder
                await store.append(poll(300))
                await store.record([Record("quality", "", 1, b"{}")])
                await asyncio.sleep(0.02)
        held = []
        while batch := await sink.backlog(10_000):
            held += batch.rows
        losses = await store.read(Reader.losses)
        back = await store.read(lambda reader: reader.after(0, before))

    assert len(back) > 5_000
    assert len({row.id for row in back}) == len(back)
    assert {row.id for row in back if row.id <= before} <= {row.id for row in held} | set(range(1, 51))
    assert all(row.value == row.ts_ms / 1_000 + int(row.tag[1:]) / 7 for row in back)
    assert {loss.reason.startswith(DAMAGED) for loss in losses} == {True}
    assert sum(loss.readings for loss in losses) == before - len([row for row in back if row.id <= before])
    assert "" not in {loss.tag for loss in losses}


def ruin(path: Path) -> None:
    """Overwrite pages in the middle of the file and the root of the readings, so that the next append finds it."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        root = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'record_key'").fetchone()[0]
        leaves = db.execute("PRAGMA page_count").fetchone()[0] // 2
        db.execute("INSERT OR REPLACE INTO mark VALUES ('test', 1)")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    with path.open("r+b") as file:
        for page in (root, leaves, leaves + 1):
            file.seek(4_096 * (page - 1))
            file.write(b"\xff" * 4_096)


def test_a_write_ahead_log_that_lost_its_end_is_noticed(settings: StorageSettings) -> None:
    """SQLite opens it without a word; ids that were given are not given again."""
    with closing(sqlite3.connect(settings.path)) as keeps_open:
        keeps_open.execute("SELECT count(*) FROM reading").fetchone()
        with Log(settings.path) as log:
            for second in range(1, 11):
                with log.transaction():
                    log.insert(poll(second))
            copy = settings.path.with_name("copy.db")
            for suffix in ("", "-wal", ".tail"):
                shutil.copy(f"{settings.path}{suffix}", f"{copy}{suffix}")
    wal = copy.with_name("copy.db-wal")
    with wal.open("r+b") as file:
        file.truncate(wal.stat().st_size * 2 // 3)

    with Log(copy) as log:
        found, next_id = log.cut_off, log.last_id + 1
        with log.transaction():
            log.insert([flow(20)])
    with Log(copy) as log:
        again = log.cut_off
    with Reader(copy) as reader:
        rows = reader.after(0, 1_000)
        losses = reader.losses()

    assert found is not None
    assert next_id == 501
    assert found.readings == 500 - (len(rows) - 1) > 0
    assert (found.first_ms, found.last_ms) == (rows[-2].ts_ms, 10_000)
    assert {loss.reason for loss in losses} == {TAIL}
    assert sum(loss.readings for loss in losses) == found.readings
    assert {loss.tag: loss.readings for loss in losses} == {f"t{tag}": found.readings // 50 for tag in range(50)}
    assert {loss[2:4] for loss in losses} == {(found.first_ms, 10_000)}
    assert again is None


def test_salvage_reads_around_torn_pages(settings: StorageSettings) -> None:
    """Every row that lies on a sound page is found."""
    with Log(settings.path) as log:
        for second in range(100):
            with log.transaction():
                log.insert(poll(second))
    size = settings.path.stat().st_size
    with settings.path.open("r+b") as file:
        file.seek(4_096 * (size // 4_096 * 5 // 6))
        file.write(b"\0" * 4_096)

    found = [row for piece in pieces(settings.path) if isinstance(piece, Rows) for row in piece.rows]

    assert 5_000 - 300 < len(found) < 5_000
