"""What the rest of the agent leaves alone while its clock is in doubt."""

import asyncio
from functools import partial
from pathlib import Path

from agent.compute import WAITS, Queue, compute
from agent.health import Health
from agent.settings import AgentSettings
from agent.store.reader import Reader
from agent.store.records import Record
from agent.store.schema import migrate
from agent.store.writer import Store
from agent.tasks import keep_within_bounds
from agent.worker import Worker
from drivers.reading import Quality, Reading

NOON = 1_772_366_400_000  # 2026-03-01 12:00 UTC
YEAR = 365 * 86_400_000


def settings(folder: Path) -> AgentSettings:
    """A station that keeps a month."""
    storage = {"path": folder / "agent.db", "commit_interval": 0.001, "keep_days": 30}
    return AgentSettings.model_validate({"station": {"name": "north"}, "device": [], "storage": storage})


async def retained(folder: Path, health: Health) -> int:
    """Rows left of a span of last year, once retention has gone round."""
    station = settings(folder)
    migrate(station.storage.path)
    async with Store(station.storage) as store:
        for ts_ms in (NOON - YEAR, NOON):  # a clock that is ahead of its time would call both too old
            await store.append([Reading("flow", ts_ms, 1.0, Quality.GOOD)] * 5_000)
        before = store.commits
        task = asyncio.create_task(keep_within_bounds(station.storage, store, health.store, health.clock))
        while store.commits < before + 3:  # noqa: ASYNC110 - its rounds have no event of their own
            await asyncio.sleep(0.01)
        task.cancel()
    with Reader(station.storage.path) as reader:
        return len(reader.after(0, 100_000))


async def test_nothing_is_dropped_for_its_age_by_a_clock_in_doubt(tmp_path: Path) -> None:
    """A clock that begins ten years ahead would empty the store at the first look."""
    health = Health("north", "1.2.3")
    health.clock.trouble("the clock is not synchronised", "degraded")

    assert await retained(tmp_path, health) == 10_000


async def test_a_right_clock_lets_the_old_go(tmp_path: Path) -> None:
    """The control: by a right clock last year's readings are gone after the same round."""
    health = Health("north", "1.2.3")
    health.clock.well()

    assert await retained(tmp_path, health) < 10_000


async def test_analyses_wait_for_the_clock_and_their_last_results_are_stale(tmp_path: Path) -> None:
    """A run in 1970 would leave 56 years to be caught up with afterwards."""
    station, queue, health = settings(tmp_path), Queue(), Health("north", "1.2.3")
    health.clock.trouble("the clock is not synchronised", "degraded")
    migrate(station.storage.path)
    async with Store(station.storage) as store, Worker(station) as worker:
        await store.record([Record("station", "", NOON, b'{"flow":812.4,"stale":false}')])
        queue.put("running")
        work = partial(compute, queue, station.jobs, store, worker, health)
        task = asyncio.create_task(work())
        while (await store.newest("station"))[0].body != b'{"flow":812.4,"stale":true}':  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)
        task.cancel()
        (run,) = await store.read(Reader.job_runs)

    assert (run.job, run.error, run.mark) == ("running", WAITS, 0)
    assert health.job("running").state == "degraded"
