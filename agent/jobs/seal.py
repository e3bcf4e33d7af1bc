"""The job that makes old readings small: a block of the log a run, as strips, for the writer to put in its place."""

import sqlite3
from functools import partial

from agent.jobs.job import JobContext, Outcome
from agent.jobs.settings import JobSettings
from agent.store.rows import Rows
from agent.store.sealable import next_block
from agent.store.sealing import sealed
from agent.store.zones import Stored

STEP = 65_536


def run(context: JobContext) -> Outcome:
    """Seal the oldest readings that are out of the hot window and that every receiver and job has had."""
    reader = context.reader
    horizon, jobs = reader.last_id, _reading_jobs(context)
    block = reader.ask(lambda db: next_block(db, context.settings.storage, jobs, horizon, context.now_ms))
    if block is None:
        return Outcome(mark=horizon)
    starts = range(block.first, block.last + 1, STEP)  # no snapshot is held for long
    rows = [row for first in starts for row in reader.ask(partial(_rows, first, min(first + STEP - 1, block.last)))]
    if not rows:
        return Outcome(mark=horizon)
    return Outcome(mark=horizon, sealed=sealed(rows, imported=block.imported), counts={"sealed": len(rows)})


def _rows(first: int, last: int, db: sqlite3.Connection) -> list[Stored]:
    return Rows(db).between(first, last)


def _reading_jobs(context: JobContext) -> list[str]:
    """The jobs that are switched on, but for this one."""
    jobs = {name: getattr(context.settings.jobs, name) for name in type(context.settings.jobs).model_fields}
    return [name for name, job in jobs.items() if isinstance(job, JobSettings) and job.enabled and name != "seal"]
