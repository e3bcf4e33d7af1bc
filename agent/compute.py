"""Jobs, one after the other, in the worker process; what they find is kept, and a failure leaves the last result."""

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Final, NoReturn

import orjson

from agent.health import Health, Part, wall_ms
from agent.jobs.job import Outcome
from agent.jobs.settings import JobSettings, JobsSettings
from agent.store.errors import StorageError
from agent.store.records import Kind, Record
from agent.store.writer import Store
from agent.worker import JobError, Task, Worker

log = logging.getLogger(__name__)

WAITS: Final = "waits until the clock is right"

# What subscribers see of each job; marked stale where its newest run gave nothing.
SHOWN: Final[Mapping[str, tuple[Kind, ...]]] = {
    "quality": ("quality",),
    "gaps": (),
    "running": ("pump", "station"),
    "conditions": ("conditions",),
    "anomalies": ("anomalies",),
    "curves": ("curve",),
    "wear": ("wear",),
    "dispatch": ("recommendation",),
    "front": ("front",),
    "saving": ("saving",),
    "forecast": (),
    "schedule": ("schedule",),
    "rollup": (),
    "seal": (),
}


class Queue:
    """Jobs that are due; one that is due twice before its turn runs once."""

    def __init__(self) -> None:
        self._due: dict[str, None] = {}
        self._arrival = asyncio.Event()

    def put(self, job: str) -> None:
        """Let *job* have its turn; returns at once."""
        self._due[job] = None
        self._arrival.set()

    async def get(self) -> str:
        """The job that has waited longest; waits for one."""
        while not self._due:
            self._arrival.clear()
            await self._arrival.wait()
        job = next(iter(self._due))
        del self._due[job]
        return job


async def compute(queue: Queue, jobs: JobsSettings, store: Store, worker: Worker, health: Health) -> NoReturn:
    """Run what is due on the log as it stands, for ever."""
    while True:
        job = await queue.get()
        settings: JobSettings = getattr(jobs, job)
        task = Task(job, store.last_id, wall_ms())
        try:
            if health.clock.state == "degraded":
                await postpone(task, store, health.job(job))
            else:
                await run(task, settings.budget, store, worker, health.job(job))
        except StorageError as error:
            # its mark has not moved either: the next run does the same work again
            health.storing("jobs").trouble(str(error))
        else:
            health.storing("jobs").well()


async def run(task: Task, budget: float, store: Store, worker: Worker, part: Part) -> Outcome | None:
    """Run one job within *budget* seconds and keep what it found; None where it gave nothing.

    Raises:
        StorageError: The disk refuses; nothing of the run is kept.
    """
    started = time.monotonic()
    try:
        outcome = await worker.run(task, budget)
    except JobError as error:
        if part.trouble(str(error)):
            trace = f"\n{error.trace}" if error.trace else ""
            log.error("job %s %s; its last result stays, marked stale%s", task.job, error, trace)  # noqa: TRY400 - its own
        await _leave(task, str(error), store, _ms_since(started))
        return None
    else:
        await store.finish(task.job, outcome, task.now_ms, _ms_since(started))
        for what, number in outcome.counts.items():
            part.count(what, number)
        if part.well():
            log.info("job %s: works", task.job)
        part.doubt = outcome.doubt
        return outcome


async def postpone(task: Task, store: Store, part: Part) -> None:
    """Leave the job until the clock is right: by a clock in 1970 it would find 56 years missing afterwards.

    Raises:
        StorageError: The disk refuses.
    """
    if part.trouble(WAITS, "degraded"):
        log.info("job %s %s", task.job, WAITS)
    await _leave(task, WAITS, store, 0)


async def _leave(task: Task, why: str, store: Store, took_ms: int) -> None:
    """Note that there is no new result; the last one stays, marked stale."""
    await store.fail(task.job, why, task.now_ms, took_ms)
    await store.record([stale for kind in SHOWN[task.job] for stale in _stale(await store.newest(kind), task.now_ms)])


def _ms_since(started: float) -> int:
    return round(1_000 * (time.monotonic() - started))


def _stale(records: list[Record], now_ms: int) -> list[Record]:
    """Those of *records* that still claim to be current, as ones that no longer do."""
    found = []
    for record in records:
        body = orjson.loads(record.body) if record.body else {"stale": True}
        if not body.get("stale"):
            found.append(Record(record.kind, record.key, now_ms, orjson.dumps({**body, "stale": True})))
    return found
