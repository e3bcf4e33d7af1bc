"""The job that makes old readings small: a block of the log a run, as strips, for the writer to put in its place."""

from agent.jobs.job import JobContext, Outcome
from agent.jobs.settings import JobSettings
from agent.store.sealing import sealed


def run(context: JobContext) -> Outcome:
    """Seal the oldest readings that are out of the hot window and that every receiver and job has had."""
    reader = context.reader
    block = reader.sealable(context.settings.storage, _reading_jobs(context), context.now_ms)
    if block is None:
        return Outcome(mark=reader.last_id)
    rows = reader.stored(block.first, block.last)
    if len(rows) == 0:
        return Outcome(mark=reader.last_id)
    return Outcome(mark=reader.last_id, sealed=sealed(rows, imported=block.imported), counts={"sealed": len(rows)})


def _reading_jobs(context: JobContext) -> list[str]:
    """The jobs that are switched on, but for this one."""
    jobs = {name: getattr(context.settings.jobs, name) for name in type(context.settings.jobs).model_fields}
    return [name for name, job in jobs.items() if isinstance(job, JobSettings) and job.enabled and name != "seal"]
