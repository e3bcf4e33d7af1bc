"""The jobs run over stored history as they would have been live, and what they found."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from agent.compute import run
from agent.health import Part
from agent.schedule import enabled
from agent.settings import AgentSettings
from agent.store.opening import prepare
from agent.store.reader import Reader
from agent.store.writer import Store
from agent.worker import Task, Worker

COARSEST = 60.0  # s; a job that runs oftener live finds the same in steps of this


@dataclass(frozen=True, slots=True)
class Due:
    """A job and the instant it would have run at."""

    at_ms: int
    job: str


def due(settings: AgentSettings, start_ms: int, end_ms: int) -> Iterator[Due]:
    """Every run of every job from *start_ms* to *end_ms*, in the order of time.

    At the same instant jobs come in the order in which they build on each other. The last
    run of each is at *end_ms*, so that nothing of the history is left out.
    """
    periods = {name: round(1000 * max(job.period, COARSEST)) for name, job in enabled(settings.jobs).items()}
    runs = [
        Due(at_ms, job)
        for job, period_ms in periods.items()
        for at_ms in [*range(start_ms + period_ms, end_ms, period_ms), end_ms]
    ]
    order = list(periods)
    yield from sorted(runs, key=lambda one: (one.at_ms, order.index(one.job)))


async def analyse(
    settings: AgentSettings, until_ms: int | None, progress: Callable[[Due, Part], None]
) -> dict[str, Part]:
    """Run the jobs over all history they have not seen, up to *until_ms*; how each did, by name.

    Each run sees the log up to its own instant and nothing newer. *progress* is told of each.

    Raises:
        StorageError: The store cannot be opened or written, or another process writes it.
    """
    parts: dict[str, Part] = {}
    await prepare(settings.storage.path)
    async with Store(settings.storage) as store, Worker(settings) as worker:
        with Reader(settings.storage.path) as reader:
            span = _unseen(reader, settings, until_ms)
            for one in due(settings, *span) if span else ():
                part = parts.setdefault(one.job, Part(one.job))
                budget: float = getattr(settings.jobs, one.job).budget
                await run(Task(one.job, reader.id_at(one.at_ms), one.at_ms), budget, store, worker, part)
                progress(one, part)
    return parts


def _unseen(reader: Reader, settings: AgentSettings, until_ms: int | None) -> tuple[int, int] | None:
    """First and last instant of the history that some job has not read; None where there is none."""
    mark = min((reader.job_state(job)[0] for job in enabled(settings.jobs)), default=0)
    horizon = reader.last_id if until_ms is None else reader.id_at(until_ms)
    first, last = reader.after(mark, 1), reader.after(horizon - 1, 1)
    if not first or not last or mark >= horizon:
        return None
    return first[0].ts_ms, last[0].ts_ms
