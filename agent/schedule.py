"""When jobs run: periods and budgets, on APScheduler, unmoved by steps of the wall clock."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

from agent.jobs.settings import JobSettings, JobsSettings

log = logging.getLogger(__name__)

STEP = 2.0  # s; a smaller difference is a clock being slewed, and does no harm


class Every(BaseTrigger):  # type: ignore[misc]  # APScheduler ships no types
    """A period counted from now, never from a plan made before the clock stepped.

    APScheduler's own interval trigger lists every instant it missed: after a jump from 1970 to
    now that is millions, and the loop stands still meanwhile.
    """

    def __init__(self, period: float, first: float) -> None:
        self._period = timedelta(seconds=period)
        self._first = timedelta(seconds=first)

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        """The planned instant if it lies within one period from *now*, else one period from now."""
        if previous is None:
            return now + self._first
        planned = previous + self._period
        return planned if now < planned <= now + self._period else now + self._period


@asynccontextmanager
async def schedule(settings: JobsSettings, start: Callable[[str], None]) -> AsyncIterator["Clockwork"]:
    """Call *start* with a job's name whenever it is due.

    *start* must return at once; a job that is still waiting or running when it is due again
    is *start*'s to merge.
    """
    scheduler: Any = AsyncIOScheduler(timezone=UTC)
    for place, (name, job) in enumerate(enabled(settings).items()):
        trigger = Every(job.period, first=1.0 + 0.01 * place)  # in the order they build on each other
        # a late job is still wanted, and one run makes up for all that were missed
        scheduler.add_job(start, trigger, args=[name], id=name, misfire_grace_time=None, coalesce=True)
    scheduler.start()
    try:
        yield Clockwork(scheduler)
    finally:
        scheduler.shutdown(wait=False)


class Clockwork:
    """The running scheduler, and what keeps it right when the wall clock is set."""

    def __init__(self, scheduler: Any) -> None:
        self._scheduler = scheduler

    async def watch(self, wall: Callable[[], float] = time.time) -> NoReturn:
        """Plan every job anew whenever *wall* (s) steps against the monotonic clock."""
        loop = asyncio.get_running_loop()
        offset = wall() - loop.time()
        while True:
            await asyncio.sleep(1.0)
            step = wall() - loop.time() - offset
            if abs(step) > STEP:
                offset += step
                log.warning("the clock was set by %+.0f s; jobs are planned anew from now", step)
                self.replan()

    def replan(self) -> None:
        """Let every job run one period from now at the latest."""
        now = datetime.now(UTC)
        for job in self._scheduler.get_jobs():
            job.modify(next_run_time=job.trigger.get_next_fire_time(now, now))


def enabled(settings: JobsSettings) -> dict[str, JobSettings]:
    """The jobs that are switched on, in the order in which they build on each other."""
    jobs = {
        "quality": settings.quality,
        "gaps": settings.gaps,
        "running": settings.running,
        "curves": settings.curves,
        "wear": settings.wear,
        "conditions": settings.conditions,
        "anomalies": settings.anomalies,
        "dispatch": settings.dispatch,
        "front": settings.front,
        "saving": settings.saving,
        "forecast": settings.forecast,
        "schedule": settings.schedule,
        "rollup": settings.rollup,
        "seal": settings.seal,
    }
    return {name: job for name, job in jobs.items() if job.enabled}
