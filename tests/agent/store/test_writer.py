"""The log loses nothing that `append` returned for, and one bad reading costs its neighbours nothing."""

import asyncio
import os
import signal
import sqlite3
import sys
import threading
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from agent.jobs.job import Outcome
from agent.store.errors import StorageError, StorageRefusedError
from agent.store.log import LATEST_ROWS, Log
from agent.store.reader import Reader
from agent.store.records import Filled, Record, Stretch
from agent.store.settings import StorageSettings
from agent.store.writer import Store
from drivers.reading import Reading

NAN, INF = float("nan"), float("inf")


def flow(second: int, value: object = 36.0) -> Reading:
    """A reading of the flow."""
    return Reading("flow", 1_000 * second, value, 192)  # type: ignore[arg-type] # tests offer wrong ones too


def poll(second: int, tags: int = 250) -> list[Reading]:
    """What a device says at one second."""
    return [Reading(f"p1.t{number}", 1_000 * second, second + number / 7, 192) for number in range(tags)]


async def test_what_append_returned_for_is_on_the_disk(settings: StorageSettings) -> None:
    """Another process sees it at once: nothing waits in memory for a later flush."""
    async with Store(settings) as store:
        await store.append([flow(1), Reading("level", 1_000, None, 28, "out of service")])

        with Reader(settings.path) as reader:
            rows = reader.after(0, 10)

    assert [tuple(row) for row in rows] == [
        (1, "flow", 1_000, 36.0, 192, None),
        (2, "level", 1_000, None, 28, "out of service"),
    ]


async def test_every_value_comes_back_as_it_went(settings: StorageSettings) -> None:
    """Integers stay integers and texts texts; what is too large for 64 bits becomes the nearest float."""
    values = [0, -1, 2**63 - 1, 2**64 - 1, 0.1, -0.0, 5e-324, 1e308, 1.7e308, "run", "", "µ", True]
    async with Store(settings) as store:
        await store.append([flow(second, value) for second, value in enumerate(values)])

        with Reader(settings.path) as reader:
            kept = [row.value for row in reader.after(0, 100)]

    assert kept == [0, -1, 2**63 - 1, float(2**64 - 1), 0.1, 0.0, 5e-324, 1e308, 1.7e308, "run", "", "µ", 1]
    assert [type(value) for value in kept[:5]] == [int, int, int, float, float]


UNSOUND = [
    flow(2, NAN),
    flow(2, -INF),
    flow(2, b"36"),
    flow(2, 10**400),
    flow(2, 10**5_000),
    flow(2, [36.0]),
    flow(2, {}),
    Reading("flow", 2**63, 36.0, 192),
    Reading("flow", "noon", 36.0, 192),  # type: ignore[arg-type]
    Reading("flow", 2_000.5, 36.0, 192),  # type: ignore[arg-type]
    Reading("flow", None, 36.0, 192),  # type: ignore[arg-type]
    Reading("flow", 2_000, 36.0, None),  # type: ignore[arg-type]
    Reading(None, 2_000, 36.0, 192),  # type: ignore[arg-type]
    Reading(["flow"], 2_000, 36.0, 192),  # type: ignore[arg-type]
    Reading("", 2_000, 36.0, 192),
    ("flow", 2_000, 36.0),
    None,
]


@pytest.mark.parametrize("unsound", UNSOUND, ids=range(len(UNSOUND)))
async def test_a_reading_that_cannot_be_kept_costs_its_neighbours_nothing(
    settings: StorageSettings, unsound: Reading
) -> None:
    """SQLite stores NaN as NULL, and one row of a wrong type makes a whole batch fail; both are told apart before."""
    async with Store(settings) as store:
        await store.append([flow(1), unsound, flow(3)])

        with Reader(settings.path) as reader:
            kept, losses = reader.after(0, 10), reader.losses()

    assert [(row.id, row.ts_ms, row.value) for row in kept] == [(1, 1_000, 36.0), (2, 3_000, 36.0)]
    assert [(loss.readings, loss.undelivered) for loss in losses] == [(1, 1)]
    assert losses[0].reason.startswith("could not be stored: it")
    assert losses[0].example
    assert store.rejected == 1


async def test_numbers_of_numpy_are_numbers(settings: StorageSettings) -> None:
    """They look different to SQLite, which would refuse an int64 and keep a float32 as bytes."""
    async with Store(settings) as store:
        await store.append(
            [flow(1, np.int64(7)), flow(2, np.float32(0.5)), flow(3, np.float64(1.5)), flow(4, np.True_)]
        )

        with Reader(settings.path) as reader:
            kept = [row.value for row in reader.after(0, 10)]

    assert kept == [7, 0.5, 1.5, 1]
    assert store.rejected == 0


async def test_texts_without_utf_8_are_kept_readable(settings: StorageSettings) -> None:
    """A device may send anything as a string; a lone surrogate would make SQLite refuse the batch."""
    async with Store(settings) as store:
        await store.append([flow(1, "pump \ud800 1"), Reading("flow", 2_000, None, 0, "\udfff")])

        with Reader(settings.path) as reader:
            kept = [(row.value, row.reason) for row in reader.after(0, 10)]

    assert kept == [("pump ? 1", None), (None, "?")]


async def test_reasons_that_differ_in_a_number_do_not_grow_the_database(settings: StorageSettings) -> None:
    """A driver that writes the value into the reason makes a new one every second, for years.

    Takes most of a second: there have to be thousands.
    """
    readings = [Reading("flow", second, None, 0, f"{second}.5 is above 100") for second in range(6_000)]
    async with Store(settings) as store:
        await store.append(readings)

        with Reader(settings.path) as reader:
            reasons = [row.reason for row in reader.after(0, 10_000)]

    assert len(set(reasons)) == 5_001
    assert reasons.count("# is above #") == 1_000


async def test_appends_share_a_commit(settings: StorageSettings) -> None:
    """Twenty devices that answer in one interval cost one write to the disk, not twenty."""
    settings = settings.model_copy(update={"commit_interval": 0.2})
    async with Store(settings) as store:
        await store.append([flow(0)])
        async with asyncio.TaskGroup() as tasks:
            for device in range(20):
                tasks.create_task(store.append([Reading(f"d{device}", 1_000, 1.0, 192)]))

        assert (store.last_id, store.commits) == (21, 2)


async def test_what_is_urgent_waits_for_nothing_else(settings: StorageSettings) -> None:
    """A value that raises an alarm goes to the disk at once, with what came before it, however rare commits are."""
    settings = settings.model_copy(update={"commit_interval": 3_600.0})
    async with Store(settings) as store:
        store.hurry(lambda readings: any(reading.value == 99.0 for reading in readings))
        sink = store.sink("mqtt")
        await sink.start()
        for second, value in ((1, 36.0), (2, 99.0)):
            await store.offer([flow(second, value)])
        batch = await sink.live(10)

    assert [row.value for row in batch.rows] == [36.0, 99.0]


async def test_a_cancelled_append_is_whole(settings: StorageSettings) -> None:
    """Shutdown cancels the pollers; what they had given is kept whole, and the next append works."""
    async with Store(settings) as store:
        task = asyncio.create_task(store.append(poll(1)))
        await asyncio.sleep(0)  # let it hand over
        task.cancel()
        await asyncio.wait({task})
        await store.append(poll(2))

    with Reader(settings.path) as reader:
        assert task.cancelled()
        assert [row.ts_ms for row in reader.after(0, 1_000)] == [1_000] * 250 + [2_000] * 250


async def test_closing_keeps_what_was_given(settings: StorageSettings) -> None:
    """An append whose caller no longer listens is not lost when the store closes before its commit is due."""
    settings = settings.model_copy(update={"commit_interval": 1.0})
    async with Store(settings) as store:
        await store.append([flow(1)])
        task = asyncio.create_task(store.append([flow(2)]))
        await asyncio.sleep(0)  # let it hand over

    await task
    with Reader(settings.path) as reader:
        assert reader.last_id == 2


async def test_a_second_writer_is_refused_by_name(settings: StorageSettings) -> None:
    """Two writing connections can corrupt the file; the sentence says whom to stop."""
    async with Store(settings):
        with pytest.raises(StorageRefusedError, match=f"written by process {os.getpid()}; stop it"):
            await Store(settings).__aenter__()

    async with Store(settings) as store:  # the right is free again
        await store.append([flow(1)])


async def test_ids_are_never_given_twice(settings: StorageSettings) -> None:
    """Receivers drop duplicates by id, across restarts too."""
    for second in range(3):
        async with Store(settings) as store:
            await store.append([flow(second)])

    with Reader(settings.path) as reader:
        assert [(row.id, row.ts_ms) for row in reader.after(0, 10)] == [(1, 0), (2, 1_000), (3, 2_000)]


async def test_a_failing_disk_is_trouble_and_nothing_of_the_transaction_remains(settings: StorageSettings) -> None:
    """After the failure the store goes on by itself: same connection, same ids, names learnt anew."""
    async with Store(settings) as store:
        await store.append([flow(1)])
        await store.write(lambda log: log.db.execute("PRAGMA max_page_count = 20"))
        with pytest.raises(StorageError, match="is full; free space"):
            await store.append(poll(2, tags=9_000))
        await store.write(lambda log: log.db.execute("PRAGMA max_page_count = 1000000"))
        await store.append(poll(3, tags=2))
        latest = await store.latest()

    with Reader(settings.path) as reader:
        assert [(row.id, row.tag) for row in reader.after(0, 10)] == [(1, "flow"), (2, "p1.t0"), (3, "p1.t1")]
        assert {tag: row.id for tag, row in latest.items()} == {"flow": 1, "p1.t0": 2, "p1.t1": 3}


async def test_readers_that_overlap_do_not_grow_the_wal(settings: StorageSettings) -> None:
    """There is always somebody reading, so the log never starts over by itself; the writer sees to it.

    Takes a second: 64 MB have to be written. Without the writer's insistence this WAL reaches 90 MB.
    """
    wal = settings.path.with_name(settings.path.name + "-wal")
    largest, is_over = 0, threading.Event()
    async with Store(settings) as store:
        await store.append([flow(0, 4_000 * "-")] * 100)
        reading = asyncio.create_task(asyncio.to_thread(keep_reading, settings.path, is_over))
        for second in range(300):
            await store.append([flow(second, 4_000 * "-")] * 100)
            largest = max(largest, wal.stat().st_size)
        is_over.set()
        await reading

    assert largest < 64 * 2**20


def keep_reading(path: Path, is_over: threading.Event) -> None:
    """Read so that there is no instant at which nobody does."""
    one, other = (sqlite3.connect(path, isolation_level=None) for _ in range(2))
    with closing(one), closing(other):
        while not is_over.is_set():
            one, other = other, one
            one.execute("BEGIN")
            one.execute("SELECT max(id) FROM reading").fetchone()
            if other.in_transaction:
                other.execute("COMMIT")


async def test_a_job_is_kept_whole(settings: StorageSettings) -> None:
    """Its records, filled values, mark and state are one transaction."""
    outcome = Outcome(
        mark=17,
        state=b"seen",
        filled=[Filled("flow", 2_000, 35.0, 0.5, "linear", 9_000)],
        records=[Record("pump", "p1", 9_000, b'{"run":true}')],
        counts={"filled": 1},
    )
    async with Store(settings) as store:
        await store.finish("gaps", outcome, now_ms=9_000, took_ms=12)

        with Reader(settings.path) as reader:
            assert reader.job_state("gaps") == (17, b"seen")
            assert reader.filled(["flow"], 0, 9_000) == outcome.filled
            assert reader.newest("pump") == outcome.records
            assert [tuple(run) for run in reader.job_runs()] == [("gaps", 17, 9_000, None, 12, None, 0, {"filled": 1})]


async def test_a_failed_run_keeps_the_last_good_result(settings: StorageSettings) -> None:
    """Mark, state and counts stay, the failures in a row are counted, and the next success forgets them."""
    async with Store(settings) as store:
        await store.finish("gaps", Outcome(mark=17, state=b"seen", counts={"filled": 1}), now_ms=9_000, took_ms=12)
        await store.fail("gaps", "took longer than its 30 s", now_ms=10_000, took_ms=30_000)
        await store.fail("gaps", "took longer than its 30 s", now_ms=11_000, took_ms=30_000)
        with Reader(settings.path) as reader:
            state, failed = reader.job_state("gaps"), reader.job_runs()[0]
        await store.finish("gaps", Outcome(mark=18), now_ms=12_000, took_ms=9)
        with Reader(settings.path) as reader:
            mended = reader.job_runs()[0]

    assert state == (17, b"seen")
    assert (failed.error, failed.failed_ms, failed.failures) == ("took longer than its 30 s", 11_000, 2)
    assert (failed.ran_ms, failed.counts) == (9_000, {"filled": 1})
    assert (mended.error, mended.failed_ms, mended.failures) == (None, None, 0)


async def test_filled_values_give_way(settings: StorageSettings) -> None:
    """A newer estimate replaces the older; a stretch that was measured after all is taken out, ends included."""
    made = [Filled("flow", ts_ms, 1.0, 0.1, "linear", 0) for ts_ms in (1_000, 2_000, 3_000)]
    better = Filled("flow", 1_000, 1.5, 0.05, "kalman", 5_000)
    async with Store(settings) as store:
        await store.fill(made)
        await store.finish("gaps", Outcome(1, filled=[better], unfilled=[Stretch("flow", 2_000, 3_000)]), 0, 0)

        with Reader(settings.path) as reader:
            assert reader.filled(["flow", "level"], 0, 9_000) == [better, made[2]]


async def test_latest_values_are_exact_after_a_restart(settings: StorageSettings) -> None:
    """The checkpoint is older than the end of the log; what lies between is read when the store opens."""
    async with Store(settings) as store:
        await store.append([flow(1, 1.0), Reading("level", 1_000, 2.0, 192)])
    async with Store(settings) as store:
        await store.append([flow(2, 3.0), flow(3, 4.0)])
        with Reader(settings.path) as reader:  # as another process sees it, with no checkpoint yet
            seen = reader.latest()
        kept = await store.latest()

    assert {tag: row.value for tag, row in seen.items()} == {"flow": 4.0, "level": 2.0}
    assert kept == seen


async def test_a_burst_leaves_little_behind_the_checkpoint_of_latest_values(
    settings: StorageSettings,
) -> None:
    """What comes faster than the clock, a backlog or a replay, is sealed no later, and the next opening is as quick."""
    async with Store(settings):
        pass
    with Log(settings.path) as log:
        for start in range(0, 200_000, 5_000):
            with log.transaction():
                log.insert([Reading("flow", start + n, 1.0, 192) for n in range(5_000)])
        (upto,) = log.db.execute("SELECT id FROM mark WHERE name = 'latest'").fetchone()

        assert 0 <= log.last_id - upto <= LATEST_ROWS


APPENDER = """
import asyncio, itertools, sys
from contextlib import closing
from pathlib import Path
from agent.store.settings import StorageSettings
from agent.store.writer import Store
from drivers.reading import Reading

async def device(store, number):
    for count in itertools.count():
        await store.append([Reading(f"d{number}.t{tag}", count, float(count), 192) for tag in range(50)])
        sys.stdout.write(f"{number} {count}\\n")
        sys.stdout.flush()

async def main():
    async with Store(StorageSettings(path=Path(sys.argv[1]), commit_interval=0.005)) as store:
        async with asyncio.TaskGroup() as tasks:
            for number in range(4):
                tasks.create_task(device(store, number))

asyncio.run(main())
"""


@pytest.mark.parametrize("lines", [1, 40, 173])
async def test_a_kill_loses_nothing_that_was_acknowledged(settings: StorageSettings, lines: int) -> None:
    """`append` returned in a process that was killed at once: its readings are there, whole polls, in order.

    Takes a second: a child has to start.
    """
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", APPENDER, str(settings.path), stdout=asyncio.subprocess.PIPE, cwd=Path.cwd()
    )
    if child.stdout is None:
        raise AssertionError
    try:
        told = [await child.stdout.readline() for _ in range(lines)]
    finally:
        child.send_signal(signal.SIGKILL)
        rest = await child.stdout.read()
        await child.wait()
    told += rest.splitlines(keepends=True)

    acknowledged = {tuple(map(int, line.split())) for line in told if line.endswith(b"\n")}
    async with Store(settings):
        pass
    with Reader(settings.path) as reader:
        rows = reader.after(0, 10**6)
    kept = [(row.tag, row.ts_ms) for row in rows]
    polls = {(int(tag[1]), count) for tag, count in kept}
    assert len(acknowledged) >= lines
    assert acknowledged <= polls
    assert len(kept) == len(set(kept)) == 50 * len(polls)  # no poll is torn, none is there twice
    for number in range(4):
        times = [ts_ms for tag, ts_ms in kept if tag == f"d{number}.t0"]
        assert times == list(range(len(times)))
