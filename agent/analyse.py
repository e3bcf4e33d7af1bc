"""The jobs run over stored history as they would have been live, and what they found."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from agent.compute import run
from agent.health import Part
from agent.schedule import enabled
from agent.settings import AgentSettings
from agent.store.opening import prepare
from agent.store.reader import Reader
from agent.store.rows import sealed_upto
from agent.store.writer import Store
from agent.worker import Task, Worker

FINEST, COARSEST = 60.0, 900.0  # s; a job that runs oftener live finds the same in steps of the one
RUNS = 2_000  # of a job over the whole history; a longer one is gone through in larger steps, up to the other
LAST = 0.1  # of the time, about, that each of the jobs takes that run once at the end
# What they find does not depend on when they run, or is of no use but for what comes after the history.
AT_ONCE = frozenset({"forecast", "schedule", "rollup", "seal"})


@dataclass(frozen=True, slots=True)
class Due:
    """A job and the instant it would have run at."""

    at_ms: int
    job: str


def due(settings: AgentSettings, start_ms: int, end_ms: int) -> Iterator[Due]:
    """Every run from *start_ms* to *end_ms* of every job but those that run once at the end, in the order of time.

    At the same instant jobs come in the order in which they build on each other. The last
    run of each is at *end_ms*, so that nothing of the history is left out.
    """
    finest = min(max(FINEST, (end_ms - start_ms) / 1_000 / RUNS), COARSEST)
    jobs = {name: job for name, job in enabled(settings.jobs).items() if name not in AT_ONCE}
    periods = {name: round(1_000 * max(job.period, finest)) for name, job in jobs.items()}
    runs = [
        Due(at_ms, job)
        for job, period_ms in periods.items()
        for at_ms in [*range(start_ms + period_ms, end_ms, period_ms), end_ms]
    ]
    order = list(periods)
    yield from sorted(runs, key=lambda one: (one.at_ms, order.index(one.job)))


async def analyse(settings: AgentSettings, until_ms: int | None, progress: Callable[[float], None]) -> dict[str, Part]:
    """Run the jobs over all history they have not seen, up to *until_ms*; how each did, by name.

    Each run sees the log up to its own instant and nothing newer. *progress* is told the share that is done, by
    readings, as often as there is something to tell.

    Raises:
        StorageError: The store cannot be opened or written, or another process writes it.
    """
    parts: dict[str, Part] = {}
    await prepare(settings.storage.path)
    async with Store(settings.storage) as store, Worker(settings) as worker:
        with Reader(settings.storage.path) as reader:
            span = _unseen(reader, settings, until_ms)
            if span is None:
                return parts
            steps = 1.0 - LAST * len(AT_ONCE & enabled(settings.jobs).keys())
            horizon = _Horizon(reader)
            for one in due(settings, *span):
                task = Task(one.job, horizon.at(one.at_ms), one.at_ms)
                await _run(task, settings, store, worker, parts)
                progress(steps * (one.at_ms - span[0]) / max(1, span[1] - span[0]))
            last = horizon.at(span[1])
            for job in enabled(settings.jobs):
                if job in AT_ONCE or reader.job_state(job)[0] < last:  # some take on only so much a run
                    await _run_to_the_end(Task(job, last, span[1]), settings, store, worker, parts)
                steps += LAST * (job in AT_ONCE)
                progress(min(1.0, steps))
    return parts


async def _run_to_the_end(
    task: Task, settings: AgentSettings, store: Store, worker: Worker, parts: dict[str, Part]
) -> None:
    """Run a job that takes on so much a run until it has nothing more to do."""
    before: tuple[int, int] | None = None
    while True:
        await _run(task, settings, store, worker, parts)
        with Reader(settings.storage.path) as reader:
            now = reader.job_state(task.job)[0], reader.ask(sealed_upto)
        if now == before or parts[task.job].state != "ok":
            return
        before = now


async def _run(task: Task, settings: AgentSettings, store: Store, worker: Worker, parts: dict[str, Part]) -> None:
    part = parts.setdefault(task.job, Part(task.job))
    await run(task, getattr(settings.jobs, task.job).budget, store, worker, part)


class _Horizon:
    """Ids of the newest rows at instants, the last one of which is remembered: jobs ask for the same one in turn."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._known = (0, 0)

    def at(self, at_ms: int) -> int:
        if self._known[0] != at_ms:
            self._known = at_ms, self._reader.id_at(at_ms)
        return self._known[1]


def _unseen(reader: Reader, settings: AgentSettings, until_ms: int | None) -> tuple[int, int] | None:
    """First and last instant of the history that some job has not read; None where there is none."""
    mark = min((reader.job_state(job)[0] for job in enabled(settings.jobs)), default=0)
    horizon = reader.last_id if until_ms is None else reader.id_at(until_ms)
    first, last = reader.after(mark, 1), reader.after(horizon - 1, 1)
    if not first or not last or mark >= horizon:
        return None
    return first[0].ts_ms, last[0].ts_ms
