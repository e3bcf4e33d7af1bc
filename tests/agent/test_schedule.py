"""Jobs run whatever happens to the wall clock."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from agent.jobs.settings import GapsSettings, JobsSettings
from agent.schedule import Every, schedule

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def test_after_a_jump_from_1970_the_next_run_is_one_period_away() -> None:
    """A station without a battery clock boots in 1970; listing every missed run would stand still."""
    trigger = Every(10, first=1)

    assert trigger.get_next_fire_time(datetime(1970, 1, 1, tzinfo=UTC), NOW) == NOW + timedelta(seconds=10)


def test_after_a_step_back_the_next_run_is_not_an_hour_away() -> None:
    trigger = Every(10, first=1)

    assert trigger.get_next_fire_time(NOW + timedelta(hours=1), NOW) == NOW + timedelta(seconds=10)


def test_an_undisturbed_period_keeps_its_beat() -> None:
    trigger = Every(10, first=1)

    assert trigger.get_next_fire_time(NOW - timedelta(seconds=3), NOW) == NOW + timedelta(seconds=7)


async def test_jobs_start_in_the_order_in_which_they_build_on_each_other() -> None:
    """Advice needs curves, curves need the running state. A disabled job never starts."""
    started: list[str] = []
    off = JobsSettings(gaps=GapsSettings(period=60, enabled=False))

    async with schedule(off, started.append):
        async with asyncio.timeout(30):
            while len(started) < 13:  # noqa: ASYNC110 - the scheduler's clock is not ours to signal
                await asyncio.sleep(0.01)

    assert started == [
        "quality",
        "running",
        "curves",
        "wear",
        "conditions",
        "anomalies",
        "dispatch",
        "front",
        "saving",
        "forecast",
        "schedule",
        "rollup",
        "seal",
    ]


async def test_a_clock_that_was_set_back_does_not_stop_jobs_for_an_hour() -> None:
    """The plan made before the step lies an hour ahead; the watch notices and plans anew."""
    started: list[str] = []
    wall = iter([0.0, -3600.0])
    loop = asyncio.get_running_loop()

    async with schedule(JobsSettings(), started.append) as clockwork:
        scheduler: Any = clockwork._scheduler  # noqa: SLF001 - the plan after a real step back is put there by hand
        for job in scheduler.get_jobs():
            job.modify(next_run_time=datetime.now(UTC) + timedelta(hours=1))
        watch = asyncio.create_task(clockwork.watch(lambda: loop.time() + next(wall, -3600.0)))
        async with asyncio.timeout(30):
            while min(job.next_run_time for job in scheduler.get_jobs()) > datetime.now(UTC) + timedelta(minutes=1):  # noqa: ASYNC110 - the same
                await asyncio.sleep(0.01)
        watch.cancel()
        planned = {job.id: job.next_run_time - datetime.now(UTC) for job in scheduler.get_jobs()}

    assert all(wait <= timedelta(seconds=300) for wait in planned.values()), planned
