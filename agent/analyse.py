"""The jobs run over stored history as they would have been live, and what they found."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import merge

from agent.compute import run
from agent.health import Part
from agent.jobs.job import Outcome
from agent.jobs.owed import Stretch, joined
from agent.schedule import enabled
from agent.settings import AgentSettings
from agent.store.opening import prepare
from agent.store.passage import BEGIN, Passage, Place
from agent.store.reader import NEWEST, Reader
from agent.store.rows import sealed_upto
from agent.store.writer import Store
from agent.worker import Task, Worker

FINEST, COARSEST = 60.0, 900.0  # s; a job that runs oftener live finds the same in steps of the one
RUNS = 2_000  # of a job over the whole history; a longer one is gone through in larger steps, up to the other
LAST = 0.1  # of the time, about, that each of the jobs takes that run once at the end
# What they find does not depend on when they run, or is of no use but for what comes after the history.
APART_MS = 86_400_000  # between readings: no job runs for the time between, in which there is nothing
AT_ONCE = frozenset({"front", "forecast", "schedule", "rollup", "seal"})


@dataclass(frozen=True, slots=True)
class Due:
    """A job and the instant it would have run at."""

    at_ms: int
    job: str


@dataclass(slots=True)
class _History:
    """What some job has not read of the log."""

    stretches: list[Stretch]  # of time it lies in, oldest first
    last: int  # id at which a job has read all of it
    places: dict[str, Place] = field(default_factory=dict)  # how far each job has come
    parts: dict[str, Part] = field(default_factory=dict)  # how each did

    @property
    def end_ms(self) -> int:
        return self.stretches[-1][1] - 1

    def share(self, at_ms: int) -> float:
        """How much of the time lies before an instant."""
        done = sum(min(end, at_ms + 1) - start for start, end in self.stretches if start <= at_ms)
        return done / sum(end - start for start, end in self.stretches)


def due(settings: AgentSettings, stretches: Sequence[Stretch]) -> Iterator[Due]:
    """Every run in *stretches* of time of every job but those that run once at the end, in the order of time.

    At the same instant jobs come in the order in which they build on each other. The last run of each is at the
    end of each stretch, so that nothing of the history is left out. However long it is, no list of them is made.
    """
    length = sum(end - start for start, end in stretches) / 1_000
    finest = min(max(FINEST, length / RUNS), COARSEST)
    jobs = [job for job in enabled(settings.jobs) if job not in AT_ONCE]
    periods = [round(1_000 * max(getattr(settings.jobs, job).period, finest)) for job in jobs]
    runs = (_instants(stretches, period_ms, order) for order, period_ms in enumerate(periods))
    return (Due(at_ms, jobs[order]) for at_ms, order in merge(*runs))


def _instants(stretches: Sequence[Stretch], period_ms: int, order: int) -> Iterator[tuple[int, int]]:
    for start, end in stretches:
        yield from ((at_ms, order) for at_ms in range(start + period_ms, end - 1, period_ms))
        yield end - 1, order


async def analyse(settings: AgentSettings, until_ms: int | None, progress: Callable[[float], None]) -> dict[str, Part]:
    """Run the jobs over all history they have not seen, up to *until_ms*; how each did, by name.

    It is gone through in the order of time, in whatever order it was taken in. Each run sees what is not newer than
    its own instant. *progress* is told the share that is done as often as there is something to tell.

    Raises:
        StorageError: The store cannot be opened or written, or another process writes it.
    """
    await prepare(settings.storage.path)
    async with Store(settings.storage) as store, Worker(settings) as worker:
        history = _unseen(settings, until_ms)
        if history is None:
            return {}
        steps = 1.0 - LAST * len(AT_ONCE & enabled(settings.jobs).keys())
        for one in due(settings, history.stretches):
            await _pass(one, history, settings, store, worker)
            progress(steps * history.share(one.at_ms))
        for job in enabled(settings.jobs):
            with Reader(settings.storage.path) as reader:
                is_behind = reader.job_state(job)[0] < history.last
            if job in AT_ONCE:
                await _run_to_the_end(Task(job, history.last, history.end_ms), settings, store, worker, history.parts)
                steps += LAST
            elif is_behind:  # some take on only so much a run
                await _pass_to_the_end(Due(history.end_ms, job), history, settings, store, worker)
            progress(min(1.0, steps))
    return history.parts


async def _pass(one: Due, history: _History, settings: AgentSettings, store: Store, worker: Worker) -> None:
    """Run a job on what is news at its instant; where it fails, that is left to its next run."""
    place = history.places.get(one.job, BEGIN)
    mark = history.last if one.at_ms == history.end_ms else 0
    outcome = await _run(Task(one.job, NEWEST, one.at_ms, place, mark), settings, store, worker, history.parts)
    if outcome is not None and outcome.reached is not None:
        history.places[one.job] = max(place, outcome.reached)


async def _pass_to_the_end(one: Due, history: _History, settings: AgentSettings, store: Store, worker: Worker) -> None:
    """Run a job that takes on so much a run until it has read all news, or comes no further."""
    before: Place | None = None
    while history.parts[one.job].state == "ok" and before != history.places.get(one.job):
        before = history.places.get(one.job)
        if before == (one.at_ms, NEWEST):
            return
        await _pass(one, history, settings, store, worker)


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


async def _run(
    task: Task, settings: AgentSettings, store: Store, worker: Worker, parts: dict[str, Part]
) -> Outcome | None:
    part = parts.setdefault(task.job, Part(task.job))
    return await run(task, getattr(settings.jobs, task.job).budget, store, worker, part)


def _unseen(settings: AgentSettings, until_ms: int | None) -> _History | None:
    """The history that some job has not read; None where there is none."""
    with Passage(settings.storage.path, None, BEGIN, NEWEST if until_ms is None else until_ms) as reader:
        mark = min((reader.job_state(job)[0] for job in enabled(settings.jobs)), default=reader.last_id)
        stretches = joined(((start, end + 1) for start, end in reader.stretches(mark)), APART_MS)
        return _History(stretches, reader.settled(mark)) if stretches else None
