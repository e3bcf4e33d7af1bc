"""A receiver gets every row at least once and in order, whatever breaks; live rows never wait for held back ones."""

import asyncio
import shutil
import sqlite3
import tempfile
from collections.abc import Coroutine
from contextlib import closing
from itertools import takewhile
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from agent.store.delivery import Sink
from agent.store.errors import StorageError
from agent.store.held import PORTION, Held
from agent.store.log import Log
from agent.store.reader import Reader
from agent.store.records import Batch, Record
from agent.store.retention import drop_span, retain
from agent.store.rows import Rows, sealed_upto
from agent.store.schema import migrate
from agent.store.sealed_rows import keep_block, sweep
from agent.store.sealing import sealed
from agent.store.settings import StorageSettings
from agent.store.writer import Store
from drivers.reading import Reading

T = TypeVar("T")
HOUR_MS, DAY_MS = 3_600_000, 86_400_000


def flow(second: int) -> Reading:
    """A reading of the flow."""
    return Reading("flow", 1_000 * second, float(second), 192)


def ids(batch: Batch | None) -> list[int]:
    """Places of a batch's rows."""
    return [row.id for row in batch.rows] if batch else []


async def test_live_rows_do_not_wait_for_what_was_held_back(settings: StorageSettings) -> None:
    """After an outage the newest value shows at once; history comes beside it, oldest first."""
    async with Store(settings) as store:
        sink = store.sink("mqtt")
        await store.append([flow(second) for second in range(5)])
        await sink.start()
        await store.append([flow(5)])

        live, first, rest, end = await sink.live(9), await sink.backlog(2), await sink.backlog(9), await sink.backlog(9)

    assert [ids(batch) for batch in (live, first, rest, end)] == [[6], [1, 2], [3, 4, 5], []]
    assert sink.behind == 5


async def test_what_is_acknowledged_does_not_come_again(settings: StorageSettings) -> None:
    """Everything resent after a restart is what users complain about; acknowledgements survive closing."""
    async with Store(settings) as store:
        sink = store.sink("mqtt")
        await sink.start()
        await store.append([flow(1)])
        sink.acknowledge(await sink.live(9))
        await store.append([flow(2)])

    async with Store(settings) as store:
        sink = store.sink("mqtt")
        await sink.start()

        assert sink.behind == 1
        assert ids(await sink.backlog(9)) == [2]


async def test_an_acknowledgement_is_on_the_disk_within_a_second_though_nothing_is_appended(
    settings: StorageSettings,
) -> None:
    """On a silent plant a crash must not repeat what was delivered an hour ago.

    Takes a second: that is what is promised.
    """
    async with Store(settings) as store:
        sink = store.sink("mqtt")
        await sink.start()
        await store.append([flow(1)])
        batch = await sink.live(9)
        commits = store.commits
        sink.acknowledge(batch)
        while store.commits == commits:  # noqa: ASYNC110 - the commit has no event of its own
            await asyncio.sleep(0.01)

        copy = settings.path.with_name("crashed.db")
        shutil.copy(settings.path, copy)
        shutil.copy(f"{settings.path}-wal", f"{copy}-wal")

    async with Store(StorageSettings(path=copy)) as store:
        sink = store.sink("mqtt")
        await sink.start()
        assert sink.behind == 0


async def test_a_crash_repeats_no_more_live_rows_than_the_sink_may(settings: StorageSettings) -> None:
    """What the disk does not know to be acknowledged comes again; a sink that lags is not slow for that.

    Acknowledgements alone do not count, and are written at once where live rows wait for that: a second each would
    last too long here.
    """
    again = []
    async with Store(settings) as store, asyncio.timeout(10):
        sink = store.sink("mqtt")
        sink.repeats = 40
        await sink.start()
        await store.append([flow(second) for second in range(1, 1_001)])
        sent = 0
        while sent < 1_000:
            batches = [await sink.live(20), await sink.live(20)]
            sent = batches[-1].last
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(sink.live(1), 0.001)
            again.append(sent - place(settings.path))
            for batch in batches:
                sink.acknowledge(batch)

    assert max(again) == 40


async def test_fewer_rows_may_be_repeated_from_now_on(settings: StorageSettings) -> None:
    """Beside history each stream has half of what a crash may repeat; so much may be on its way already."""
    async with Store(settings) as store, asyncio.timeout(10):
        sink = store.sink("mqtt")
        sink.repeats = 40
        await sink.start()
        await store.append([flow(second) for second in range(1, 41)])
        first, second = await sink.live(20), await sink.live(20)
        sink.repeats = 20
        waiting = asyncio.create_task(sink.thinned())
        sink.acknowledge(first)
        await waiting
        again = second.last - place(settings.path)

    assert again == 20


async def test_what_was_given_from_memory_has_no_place_beyond_the_disk(settings: StorageSettings) -> None:
    """Killed while it writes what it held, an agent must not begin where its receiver stood: those ids come again."""
    async with Store(settings, Held()) as store:
        sink = store.sink("mqtt")
        await store.open()
        await sink.start()
        await store.close(StorageError("the disk is away"))
        await store.append([flow(second) for second in range(3 * PORTION)])
        while sink.place < store.last_id:
            sink.acknowledge(await sink.live(10_000))
        await store.open()
        copy = settings.path.with_name("crashed.db")
        for suffix in ("", "-wal"):
            shutil.copy(f"{settings.path}{suffix}", f"{copy}{suffix}")

    async with Store(StorageSettings(path=copy, commit_interval=0.001)) as store:
        stored = store.last_id - 1_000_000
        sink = store.sink("mqtt")
        await store.append([flow(1)])
        await sink.start()
        await store.append([flow(2)])
        found = await sink.backlog(9), await sink.live(9)

    assert stored > 0
    assert [[row.ts_ms for row in batch.rows] for batch in found if batch] == [[1_000], [2_000]]


def place(path: Path) -> int:
    """Where the disk says that the receiver's live rows stand."""
    with closing(sqlite3.connect(path)) as db:
        found: int = db.execute("SELECT id FROM cursor WHERE sink = 'mqtt' AND stream = 'live'").fetchone()[0]
    return found


async def test_an_acknowledgement_that_overtakes_waits(settings: StorageSettings) -> None:
    """The broker may acknowledge the second message first; the cursor moves only over what is complete."""
    async with Store(settings) as store:
        sink = store.sink("mqtt")
        await sink.start()
        await store.append([flow(second) for second in range(4)])
        first, second = await sink.live(2), await sink.live(2)
        sink.acknowledge(second)
        await sink.start()

        assert sink.behind == 4
        assert first.last == 2


async def test_what_an_old_connection_still_says_is_ignored(settings: StorageSettings) -> None:
    """An acknowledgement in the pipe when the connection died must not move the new connection's places."""
    async with Store(settings) as store:
        sink = store.sink("mqtt")
        await sink.start()
        await store.append([flow(1), flow(2)])
        old = await sink.live(9)
        await sink.start()
        await store.append([flow(3)])
        sink.acknowledge(old)
        await sink.start()

        assert ids(await sink.backlog(9)) == [1, 2, 3]


async def test_a_receiver_that_is_new_is_owed_only_what_comes_from_then_on(settings: StorageSettings) -> None:
    """Kafka, added after a year, must not get the year; but neither lose what came before its first connection."""
    async with Store(settings) as store:
        store.sink("mqtt")
        await store.append([flow(1), flow(2)])
        await store.record([Record("alarm_event", "low", 1, b"{}")])
        kafka = store.sink("kafka")
        await store.append([flow(3)])

    async with Store(settings) as store:  # the broker is away until now: being named was enough
        await store.append([flow(4)])
        mqtt, kafka = store.sink("mqtt"), store.sink("kafka")
        await mqtt.start()
        await kafka.start()

        assert [ids(await sink.backlog(9)) for sink in (mqtt, kafka)] == [[1, 2, 3, 4], [3, 4]]
        assert len(await mqtt.records(9)) == 1
        assert kafka.owed == 2
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(kafka.records(9), 0.05)


async def test_imported_rows_are_not_delivered(settings: StorageSettings) -> None:
    """SCADA's historian is where they come from; a year of them would bury the readings of an outage."""
    async with Store(settings) as store:
        store.sink("mqtt")
    with Log(settings.path) as log:
        for second in range(6):
            with log.transaction():
                log.insert([flow(second)], imported=second % 3 != 0)
    async with Store(settings) as store:
        sink = store.sink("mqtt")
        await sink.start()

        assert sink.behind == 2
        assert [ids(await sink.backlog(9)) for _ in range(3)] == [[1], [4], []]


async def test_rows_that_left_the_memory_come_from_the_disk(settings: StorageSettings) -> None:
    """A receiver that lags by more than is kept in memory still gets all, in order, once."""
    async with Store(settings) as store:
        sink = store.sink("mqtt")
        await sink.start()
        for second in range(9):
            await store.append([Reading(f"t{tag}", second, 0.5, 192) for tag in range(3_000)])

        found: list[int] = []
        while len(found) < 27_000:
            found += ids(await sink.live(1_999))

    assert found == list(range(1, 27_001))


async def test_two_receivers_do_not_disturb_each_other(settings: StorageSettings) -> None:
    """Each has its own place: one that is down for days holds nobody up."""
    async with Store(settings) as store:
        mqtt, kafka = store.sink("mqtt"), store.sink("kafka")
        await mqtt.start()
        await kafka.start()
        await store.append([flow(1)])
        mqtt.acknowledge(await mqtt.live(9))
        await mqtt.start()
        await kafka.start()

        assert (mqtt.behind, kafka.behind) == (0, 1)


async def test_a_receiver_that_is_dead_for_long_costs_nobody_but_itself(settings: StorageSettings) -> None:
    """A second one keeps up with every row, live; the dead one gets what the site's limits have left, and is told.

    Enough rows come for the oldest to leave memory, and the disk.
    """
    settings = settings.model_copy(update={"keep_days": 1.5})
    got: list[int] = []
    async with Store(settings) as store, asyncio.timeout(30):
        mqtt, kafka = store.sink("mqtt"), store.sink("kafka")
        await mqtt.start()
        await kafka.start()
        for day in range(6):
            await store.append([Reading("flow", DAY_MS * day + second, 1.0, 192) for second in range(6_000)])
            while len(got) < store.last_id:
                batch = await mqtt.live(1_000)
                mqtt.acknowledge(batch)
                got += ids(batch)
            if day == 0:
                kafka.acknowledge(await kafka.live(1_000))  # then it dies
            await mqtt.kept()
            await retain(store, settings, DAY_MS * day + 6_000)
        losses = await store.read(Reader.losses)
        owed = mqtt.owed
        await kafka.start()
        held: list[int] = []
        while batch_of_held := await kafka.backlog(1_000):
            kafka.acknowledge(batch_of_held)
            held += ids(batch_of_held)

    assert got == list(range(1, 36_001))
    assert owed == 0
    assert [(loss.readings, loss.undelivered) for loss in losses] == [(24_000, 23_000)]
    assert held == list(range(24_001, 36_001))


async def test_records_wait_for_their_acknowledgement(settings: StorageSettings) -> None:
    """An alarm that the broker did not take is offered again, those it took are not."""
    raised = [Record("alarm_event", "low", second, b"{}") for second in range(3)]
    async with Store(settings) as store:
        sink = store.sink("mqtt")
        await sink.start()
        waiting = asyncio.create_task(sink.records(9))
        await store.record(raised)
        first = await waiting
        sink.acknowledge_records(first[1][0])

    async with Store(settings) as store:
        sink = store.sink("mqtt")
        await sink.start()

        assert [record for _, record in first] == raised
        assert await sink.records(9) == first[2:]


class Delivery(RuleBasedStateMachine):
    """A receiver against a plain list: what it has been given and has acknowledged, across crashes.

    A crash is a copy of database and write-ahead log, opened anew: what had reached no commit is gone. Meanwhile rows
    come late, are sealed, and leave; what leaves without having been received is told as lost.
    """

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = Path(tempfile.mkdtemp())
        self.generation = 0
        self.appended = 0  # ids 1 to here were stored
        self.times: dict[int, int] = {}  # ms, by id, of rows that have not been let go
        self.gone: set[int] = set()
        self.received: set[int] = set()
        self.streams: dict[str, list[int]] = {"live": [], "backlog": []}  # since the start
        self.air: list[Batch] = []
        self.handed: dict[str, list[Batch]] = {"live": [], "backlog": []}  # since the start
        self.settled: set[int] = set()  # must not come again

    @initialize()
    def open(self) -> None:
        """Begin with an empty database."""
        self.path = self.folder / "0.db"
        migrate(self.path)
        self._open()

    @rule(count=st.integers(1, 7), hour=st.integers(0, 12))
    def append(self, count: int, hour: int) -> None:
        """Readings come in, late where the hour is one that has been; they are stored once this returns.

        Hours lie so far from each other that each lot is a span of its own.
        """
        ids = range(self.appended + 1, self.appended + count + 1)
        times = {number: 3 * HOUR_MS * hour + 1_000 * number for number in ids}
        self.run(self.store.append([Reading("flow", times[number], float(number), 192) for number in ids]))
        self.times |= times
        self.appended += count

    @rule(count=st.integers(1, 4))
    def seal(self, count: int) -> None:
        """Some spans at the beginning of the log, whoever waits for them, but never the newest."""

        def change(log: Log) -> None:
            after = sealed_upto(log.db)
            spans = log.db.execute("SELECT first, last FROM span WHERE first > ? ORDER BY first", (after,)).fetchall()
            run = [spans[0]] if spans[:-1] else []
            for span in spans[1 : min(count, len(spans) - 1)]:
                if span[0] == run[-1][1] + 1:
                    run.append(span)
            if run:
                assert keep_block(log, sealed(Rows(log.db).between(run[0][0], run[-1][1]), imported=0))

        self.run(self.store.write(change))

    @rule()
    def sweep(self) -> None:
        """What is sealed leaves the table."""
        self.run(self.store.write(sweep))

    @rule()
    def retain(self) -> None:
        """The oldest span leaves, if it is older than half a day; whoever has not had it is told."""

        def change(log: Log) -> set[int]:
            before = set(log.db.execute("SELECT first, last FROM span").fetchall())
            drop_span(log, StorageSettings(path=self.path, keep_days=0.5), max(self.times.values(), default=0))
            left = before - set(log.db.execute("SELECT first, last FROM span").fetchall())
            return {number for first, last in left for number in range(first, last + 1)}

        gone = self.run(self.store.write(change))
        self.gone |= gone
        self.times = {number: ts_ms for number, ts_ms in self.times.items() if number not in gone}

    @rule(start=st.integers(0, 40), hours=st.integers(1, 20))
    def read(self, start: int, hours: int) -> None:
        """What there is of some hours, from wherever it lies."""
        start_ms, end_ms = start * HOUR_MS, (start + hours) * HOUR_MS
        rows = self.run(self.store.read(lambda reader: reader.window(["flow"], start_ms, end_ms)))
        found = {row.id: row.ts_ms for row in rows}
        assert found == {number: ts_ms for number, ts_ms in self.times.items() if start_ms <= ts_ms < end_ms}

    @rule()
    def start(self) -> None:
        """The connection is made anew: nothing in the air counts any more."""
        self._settle()
        self.run(self.sink.start())
        self._reconnect()

    @rule(limit=st.integers(1, 5))
    def backlog(self, limit: int) -> None:
        """The receiver takes some of what was held back."""
        self._take("backlog", self.run(self.sink.backlog(limit)))

    @precondition(lambda self: self.sink._sent < self.appended)  # noqa: SLF001 - else it would wait
    @rule(limit=st.integers(1, 5))
    def live(self, limit: int) -> None:
        """The receiver takes some live rows."""
        self._take("live", self.run(self.sink.live(limit)))

    @precondition(lambda self: self.air)
    @rule(data=st.data())
    def acknowledge(self, data: st.DataObject) -> None:
        """The receiver has one of the batches in the air."""
        batch = data.draw(st.sampled_from(self.air))
        self.air = [one for one in self.air if one is not batch]
        self.sink.acknowledge(batch)
        self.received.update(ids(batch))

    @rule()
    def crash(self) -> None:
        """The process is killed."""
        self.generation += 1
        path = self.folder / f"{self.generation}.db"
        shutil.copy(self.path, path)
        shutil.copy(f"{self.path}-wal", f"{path}-wal")
        self._close()
        self.path = path
        self._open()
        self._reconnect()

    @rule()
    def stop(self) -> None:
        """The process ends in order."""
        self._settle()
        self._close()
        self._open()
        self._reconnect()

    @invariant()
    def in_order_within_each_stream(self) -> None:
        """Every stream goes forwards, and the two share nothing."""
        for stream in self.streams.values():
            assert stream == sorted(set(stream))
        assert not set(self.streams["live"]) & set(self.streams["backlog"])

    def teardown(self) -> None:
        """Let the receiver take all that is left: with what it had before, nothing is missing."""
        if hasattr(self, "store"):
            self.start()
            while batch := self.run(self.sink.backlog(5)):
                self._take("backlog", batch)
                self.air.clear()
                self.sink.acknowledge(batch)
                self.received.update(ids(batch))
            assert self.received | self.gone == set(range(1, self.appended + 1))
            losses = self.run(self.store.read(Reader.losses))
            assert sum(loss.readings for loss in losses) == len(self.gone)
            assert sum(loss.undelivered for loss in losses) >= len(self.gone - self.received)
            assert self.sink.behind == 0
            self._close()
        self.loop.close()
        shutil.rmtree(self.folder)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do *work* on this machine's own loop."""
        return self.loop.run_until_complete(asyncio.wait_for(work, 10))

    def _take(self, stream: str, batch: Batch | None) -> None:
        if batch:
            assert [row.value for row in batch.rows] == [float(row.id) for row in batch.rows]
            assert not self.settled & set(ids(batch))
            self.streams[stream] += ids(batch)
            self.handed[stream].append(batch)
            self.air.append(batch)

    def _settle(self) -> None:
        """Without a crash, what was acknowledged and has nothing unacknowledged before it is done with."""
        for handed in self.handed.values():
            for batch in takewhile(lambda one: not any(one is other for other in self.air), handed):
                self.settled.update(ids(batch))

    def _reconnect(self) -> None:
        self.air.clear()
        self.streams = {"live": [], "backlog": []}
        self.handed = {"live": [], "backlog": []}

    def _open(self) -> None:
        self.store = Store(StorageSettings(path=self.path, commit_interval=0.001))
        self.loop.run_until_complete(self.store.__aenter__())
        self.sink: Sink = self.store.sink("mqtt")
        self.run(self.sink.start())

    def _close(self) -> None:
        self.loop.run_until_complete(self.store.__aexit__(None, None, None))


TestDelivery = Delivery.TestCase
TestDelivery.settings = hypothesis_settings(max_examples=15, stateful_step_count=40)
