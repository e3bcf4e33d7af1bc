"""What is sealed reads as it did before: every row by its place, every window, with whatever came late."""

import random
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from agent.jobs.job import JobContext, Outcome
from agent.jobs.seal import run
from agent.jobs.settings import JobsSettings
from agent.schedule import enabled
from agent.settings import AgentSettings
from agent.store.columns import columns
from agent.store.findings import finish
from agent.store.log import Log
from agent.store.reader import Reader
from agent.store.records import Row
from agent.store.retention import retain
from agent.store.rows import Rows, sealed_upto
from agent.store.sealable import next_block
from agent.store.sealed import SealedBlock
from agent.store.sealed_rows import keep_block, sweep
from agent.store.sealing import sealed
from agent.store.settings import StorageSettings
from agent.store.writer import Store
from agent.worker import Task, Worker
from drivers.reading import Reading, Value
from tests.agent.store.sealing_process import reading

NOON = 1_700_000_000_000


def seal(path: Path, last: int, *, swept: bool = True) -> bool:
    """Seal the log from where it is sealed to up to the span that ends with *last*."""
    with Log(path) as log:
        spans = log.db.execute("SELECT first, last, imported FROM span WHERE last <= ?", (last,)).fetchall()
        mark = (log.db.execute("SELECT id FROM mark WHERE name = 'sealed'").fetchone() or (0,))[0]
        first = min(span[0] for span in spans if span[0] > mark)
        block = sealed(Rows(log.db).between(first, last), imported=spans[-1][2])
        with log.transaction():
            done = keep_block(log, block)
        while swept:
            with log.transaction():
                if not sweep(log):
                    break
    return done


def write(path: Path, readings: Sequence[Reading], *, imported: bool = False) -> int:
    """Append *readings* as a span of their own; the id of the last."""
    with Log(path) as log:
        with log.transaction():
            log.insert(readings, imported=imported)
        return log.last_id


def everything(path: Path) -> list[Row]:
    with Reader(path) as reader:
        return reader.after(0, 1_000_000)


MIXED: list[Value] = [1.5, None, 7, "open", -0.0, 2**62, 0.1, "", None, 3276.7]


def mixed(count: int) -> list[Reading]:
    """Readings of all types and qualities, of two tags that share their times and one that does not."""
    found = []
    for n in range(count):
        value = MIXED[n % len(MIXED)]
        found.append(Reading("steady", NOON + 1_000 * n + n % 7, 36.0 + n % 5 / 10, 192))
        found.append(Reading("mixed", NOON + 1_000 * n + n % 7, value, 192 if value is not None else 24, None))
        if n % 3 == 0:
            found.append(Reading("own", NOON + 1_000 * n + 500, n, 64, f"reason {n % 2}"))
    return found


def test_rows_are_the_same_after_sealing(settings: StorageSettings) -> None:
    """Ids, tags, times, values with their types, qualities and reasons."""
    last = write(settings.path, mixed(500))
    write(settings.path, [Reading("steady", NOON + 10**7, 1.0, 192)])
    before = everything(settings.path)

    assert seal(settings.path, last)

    after = everything(settings.path)
    assert [repr(row) for row in after] == [repr(row) for row in before]
    with Log(settings.path) as log:
        assert log.db.execute("SELECT count(*) FROM reading").fetchone() == (1,)


def test_reading_on_by_small_steps_meets_every_row_once(settings: StorageSettings) -> None:
    """Across the end of a block, and for some tags only."""
    last = write(settings.path, mixed(300))
    write(settings.path, [Reading("steady", NOON + 10**7 + n, 1.0, 192) for n in range(50)])
    before = everything(settings.path)
    seal(settings.path, last)

    with Reader(settings.path) as reader:
        found, some = list[Row](), list[Row]()
        while rows := reader.after(found[-1].id if found else 0, 37):
            found += rows
        while rows := reader.after(some[-1].id if some else 0, 37, ["own", "steady"]):
            some += rows
        appended = reader.appended(100, 740, 1_000)

    assert found == before
    assert some == [row for row in before if row.tag in {"own", "steady"}]
    assert appended == [row for row in before if 100 <= row.id <= 740]


def test_a_horizon_cuts_a_block(settings: StorageSettings) -> None:
    """A job that repeats a run over history sees nothing of what came later."""
    last = write(settings.path, mixed(300))
    write(settings.path, [Reading("steady", NOON + 10**7, 1.0, 192)])
    horizon = 250
    with Reader(settings.path, horizon) as reader:
        before = reader.after(0, 10_000), reader.latest(), reader.id_at(NOON + 50_250)
        arrays = columns(reader, ["steady", "mixed"], NOON, NOON + 10**8)
    seal(settings.path, last)

    with Reader(settings.path, horizon) as reader:
        assert (reader.after(0, 10_000), reader.latest(), reader.id_at(NOON + 50_250)) == before
        for tag, found in columns(reader, ["steady", "mixed"], NOON, NOON + 10**8).items():
            for one, other in zip(found, arrays[tag], strict=True):
                np.testing.assert_array_equal(one, other)


def test_late_data_in_a_sealed_range_is_seen_in_order(settings: StorageSettings) -> None:
    """Hot or sealed itself; of the same time what was written later counts."""
    first = write(settings.path, [Reading("flow", NOON + 1_000 * n, float(n), 192) for n in range(100)])
    late = [Reading("flow", NOON + 50_000, -1.0, 192), Reading("flow", NOON + 50_500, -2.0, 192)]
    second = write(settings.path, [Reading("flow", NOON + 10**8, 0.0, 192)])
    third = write(settings.path, late, imported=True)
    write(settings.path, [Reading("flow", NOON + 2 * 10**8, 0.0, 192)])
    seal(settings.path, first)

    def window() -> tuple[list[int], list[float]]:
        with Reader(settings.path) as reader:
            found = columns(reader, ["flow"], NOON + 49_000, NOON + 52_000)["flow"]
            rows = reader.window(["flow"], NOON + 49_000, NOON + 52_000)
            assert [row.id for row in rows] == [50, 51, 52, 102, 103]
            return found.times_ms.tolist(), found.values.tolist()

    expected = [NOON + 49_000, NOON + 50_000, NOON + 50_500, NOON + 51_000], [49.0, -1.0, -2.0, 51.0]
    assert window() == expected
    seal(settings.path, second)
    seal(settings.path, third)
    assert window() == expected


def test_rows_that_are_not_swept_yet_are_seen_once(settings: StorageSettings) -> None:
    """A kill between sealing and sweeping."""
    last = write(settings.path, mixed(100))
    write(settings.path, [Reading("steady", NOON + 10**7, 1.0, 192)])
    before = everything(settings.path)

    seal(settings.path, last, swept=False)

    assert everything(settings.path) == before
    with Reader(settings.path) as reader:
        assert len(columns(reader, ["steady"], NOON, NOON + 10**6)["steady"].times_ms) == 100


def test_a_block_of_a_log_that_has_changed_is_refused(settings: StorageSettings) -> None:
    """Retention dropped its rows while the worker was at it: they must not come back."""
    last = write(settings.path, mixed(100))
    write(settings.path, [Reading("steady", NOON + 10**7, 1.0, 192)])
    with Log(settings.path) as log:
        block = sealed(Rows(log.db).between(1, last), imported=0)
        with log.transaction():
            log.db.execute("DELETE FROM reading WHERE id <= ?", (last,))
            log.db.execute("DELETE FROM span WHERE last <= ?", (last,))
            assert not keep_block(log, block)

    assert len(everything(settings.path)) == 1


class Station:
    """A log that grows by a second of two tags at a time, and a clock that goes with it."""

    def __init__(self, settings: StorageSettings) -> None:
        self.settings = settings
        self.now_ms = NOON

    def run(self, seconds: int, *, together: int = 100) -> None:
        """Poll that long, *together* seconds a transaction."""
        with Log(self.settings.path) as log:
            for start in range(0, seconds, together):
                with log.transaction():
                    log.insert(
                        [
                            Reading(tag, self.now_ms + 1_000 * n, n / 10, 192)
                            for n in range(start, min(seconds, start + together))
                            for tag in ("flow", "level")
                        ]
                    )
        self.now_ms += 1_000 * seconds

    def agent(self) -> AgentSettings:
        """Of a station where nobody else reads the log."""
        return AgentSettings.model_validate(
            {
                "station": {"name": "hillside"},
                "storage": self.settings.model_dump(),
                "jobs": NO_JOBS,
                "device": [],
            }
        )

    def seal(self) -> SealedBlock | None:
        """What the job finds to seal, put in its place."""
        with Reader(self.settings.path) as reader:
            outcome = run(JobContext(self.agent(), reader, 0, None, self.now_ms))
        with Log(self.settings.path) as log, log.transaction():
            finish(log, "seal", outcome, self.now_ms, 1)
        return outcome.sealed


NO_JOBS = {job: {"enabled": False} for job in enabled(JobsSettings()) if job != "seal"}


def test_only_what_is_out_of_the_hot_window_is_sealed(settings: StorageSettings) -> None:
    """The last two hours are what everybody reads; a block is worth it from 2,048 readings a tag on."""
    station = Station(settings)
    station.run(8_000)
    assert station.seal() is None
    station.run(5_000)

    block = station.seal()

    assert block is not None
    assert NOON + 1_000 * 4_000 < block.max_ms < station.now_ms - 7_200_000
    assert station.seal() is None


def test_what_a_receiver_waits_for_is_not_sealed_before_its_age(settings: StorageSettings) -> None:
    """The broker is away: it is delivered as it lies; after a day it is sealed, and delivered from there."""
    station = Station(settings)
    with Log(settings.path) as log, log.transaction():
        log.db.execute("INSERT INTO cursor VALUES ('mqtt', 'live', 0)")
    station.run(13_000)
    assert station.seal() is None

    station.now_ms += 86_400_000
    station.run(100)

    assert station.seal() is not None
    with Reader(settings.path) as reader:
        assert [row.id for row in reader.appended(1, 26_200, 30_000)] == list(range(1, 26_201))


def test_what_an_outage_held_back_is_not_sealed(settings: StorageSettings) -> None:
    """The live stream has long gone on; what lies before the hole is sealed."""
    station = Station(settings)
    station.run(13_000)
    with Log(settings.path) as log, log.transaction():
        log.db.execute("INSERT INTO cursor VALUES ('mqtt', 'live', 26000)")
        log.db.execute("INSERT INTO backlog VALUES ('mqtt', 9000, 10000)")

    block = station.seal()

    assert block is not None
    assert block.last == 8_192


def test_what_a_job_has_not_read_is_not_sealed(settings: StorageSettings) -> None:
    """Nor what an enabled job that never ran would read."""
    station = Station(settings)
    station.run(13_000)
    block = partial(next_block, settings=settings, jobs=["curves"], horizon=10**6, now_ms=station.now_ms)
    with Reader(settings.path) as reader:
        assert reader.ask(block) is None
        with Log(settings.path) as log, log.transaction():
            finish(log, "curves", Outcome(mark=9_000), station.now_ms, 1)

        assert reader.ask(block) == (1, 8_192, NOON, NOON + 4_095_000, 0)


def test_doubtful_times_are_not_sealed(settings: StorageSettings) -> None:
    """They are still to be corrected in their place."""
    station = Station(settings)
    station.run(13_000)
    with Log(settings.path) as log, log.transaction():
        log.db.execute("INSERT INTO anchor VALUES (1, 'boot', 0)")

    assert station.seal() is None


def test_imported_history_is_sealed_at_once_and_never_delivered(settings: StorageSettings) -> None:
    """In blocks of its own, since receivers do not get it."""
    live = [Reading("flow", NOON + 1_000 * n, 1.0, 192) for n in range(10)]
    write(settings.path, live)
    write(settings.path, [Reading("flow", NOON - 10**10 + 1_000 * n, 2.0, 192) for n in range(3_000)], imported=True)
    station = Station(settings)
    station.now_ms += 10_000_000
    station.run(100)
    live_block, history = station.seal(), station.seal()

    assert live_block is not None
    assert history is not None
    assert (live_block.rows, live_block.imported, history.rows, history.imported) == (10, 0, 3_000, 1)
    with Reader(settings.path) as reader:
        assert len(reader.appended(1, 10_000, 10_000)) == 210


async def test_retention_drops_blocks_and_counts_what_was_in_them(settings: StorageSettings) -> None:
    """By tag, with what a receiver still waited for; ids go on, and nothing of it stays."""
    station = Station(settings)
    station.run(13_000)
    station.seal()
    with Log(settings.path) as log, log.transaction():
        log.db.execute("INSERT INTO cursor VALUES ('mqtt', 'live', 4000)")
    station.now_ms += 2 * 86_400_000
    station.run(100)
    short = settings.model_copy(update={"keep_days": 1.0})
    async with Store(short) as store:
        dropped = await retain(store, short, station.now_ms)
        with Reader(settings.path) as reader:
            kept, losses = reader.after(0, 100_000), reader.losses()

    assert dropped == 26_000
    assert [row.id for row in kept] == list(range(26_001, 26_201))
    assert [(loss.tag, loss.readings, loss.undelivered) for loss in losses] == [
        ("flow", 13_000, 11_000),
        ("level", 13_000, 11_000),
    ]
    with Log(settings.path) as log:
        for table in ("chunk", "strip"):
            assert log.db.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)  # noqa: S608 - ours


@pytest.mark.slow
def test_a_kill_in_the_middle_of_sealing_loses_nothing(settings: StorageSettings) -> None:
    """At any instant of a real process, again and again on the same log; starting one takes a second."""
    rng, told = random.Random(5), 0
    for _ in range(4):
        with subprocess.Popen(
            [sys.executable, "-m", "tests.agent.store.sealing_process", str(settings.path)], stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            for _ in range(rng.randint(3, 60)):
                told = int(process.stdout.readline())
            process.kill()
            told = max([told, *map(int, process.stdout.read().split())])

        with Reader(settings.path) as reader:
            rows = reader.after(0, 10**6)
        assert len(rows) >= told
        assert [row[1:5] for row in rows] == [reading(number)[:4] for number in range(1, len(rows) + 1)]
        assert [row.id for row in rows] == list(range(1, len(rows) + 1))
    with Log(settings.path) as log:
        assert sealed_upto(log.db) > 1_000
        assert log.db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_the_worker_seals_and_the_store_goes_on(settings: StorageSettings) -> None:
    """The block crosses the pipe, takes the place of its rows, and these leave while appends go on; starts a child."""
    station = Station(settings)
    station.run(13_000)
    async with Store(settings) as store, Worker(station.agent()) as worker:
        outcome = await worker.run(Task("seal", store.last_id, station.now_ms), 30.0)
        await store.finish("seal", outcome, station.now_ms, 1)
        await store.append([Reading("flow", station.now_ms, 1.0, 192)])
        await retain(store, settings, station.now_ms)
        hot = await store.write(lambda log: log.db.execute("SELECT min(id) FROM reading").fetchone()[0])

    assert outcome.counts == {"sealed": hot - 1}
    assert hot > 8_000
    assert [row.id for row in everything(settings.path)] == list(range(1, 26_002))
