"""What the gaps job fills in is told by the log alone: whoever kills it, or loses its state, finds the same values."""

import multiprocessing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.jobs import gaps
from agent.jobs.job import JobContext
from agent.store.reader import Reader
from agent.store.records import Filled
from tests.agent.history import START_MS, History, history, reading

FORK = multiprocessing.get_context("fork")  # a process of its own, without half a minute of imports
SECONDS = 1_500
RUN_MS = 60_000
KILLS = 12
FILLS = {"a": "auto", "b": "auto", "c": "correlated", "d": "linear", "e": "forward", "f": "zero"}
TAGS: dict[str, dict[str, Any]] = {name: {"unit": "m3/h", "fill": fill} for name, fill in FILLS.items()}


def live_through(past: History) -> None:
    """Tags that move together, each silent now and then for seconds or minutes, second by second."""
    rng = np.random.default_rng(7)
    common = np.cumsum(rng.normal(0.0, 0.3, SECONDS))
    columns = {}
    for place, name in enumerate(TAGS):
        column = 50.0 + (1.0 + place) * common + rng.normal(0.0, 0.5, SECONDS)
        for begin in rng.integers(500, SECONDS - 200, 3):
            column[begin : begin + rng.integers(3, 150)] = np.nan
        columns[name] = column
    past.append(
        reading(name, START_MS + 1_000 * second, column[second])
        for second in range(SECONDS)
        for name, column in columns.items()
        if np.isfinite(column[second])
    )


def work_through(folder: Path, *, is_state_lost: bool = False) -> None:
    """Run the job each minute from where the store says it came to."""
    with history(folder, TAGS) as past:
        for now_ms in range(START_MS + RUN_MS, START_MS + 1_000 * SECONDS + 1, RUN_MS):
            with past.reader() as reader:
                horizon = reader.id_at(now_ms)
            with Reader(past.settings.storage.path, horizon) as reader:
                mark, state = reader.job_state("gaps")
                if mark < horizon:
                    kept = None if is_state_lost else state
                    past.keep("gaps", gaps.run(JobContext(past.settings, reader, mark, kept, now_ms)), now_ms)


def filled(folder: Path) -> list[Filled]:
    """Everything that is filled in at the end."""
    with Reader(folder / "station.db") as reader:
        return reader.filled(list(TAGS), 0, 2**60)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[Filled]:
    """What a job fills in that runs without a stop."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with history(folder, TAGS) as past:
        live_through(past)
    work_through(folder)
    return filled(folder)


def test_a_job_that_is_killed_at_any_moment_fills_the_same(tmp_path: Path, undisturbed: list[Filled]) -> None:
    """To the instant at which each value was made. Slow: a process that is killed twelve times, and what it did."""
    with history(tmp_path, TAGS) as past:
        live_through(past)
    rng, killed = np.random.default_rng(11), 0

    for _ in range(KILLS):
        child = FORK.Process(target=work_through, args=(tmp_path,))
        child.start()
        child.join(float(rng.uniform(0.05, 0.4)))
        killed += child.is_alive()
        child.kill()
        child.join()
    work_through(tmp_path)

    assert killed > 0
    assert filled(tmp_path) == undisturbed


def test_what_the_job_remembers_is_in_the_log_as_well(tmp_path: Path, undisturbed: list[Filled]) -> None:
    """Its state is lost before each run, and it fills the same, by the same companions."""
    with history(tmp_path, TAGS) as past:
        live_through(past)

    work_through(tmp_path, is_state_lost=True)

    found = filled(tmp_path)
    assert {one.tag for one in found} == set(TAGS)
    assert [(one.tag, one.ts_ms, one.method) for one in found] == [
        (one.tag, one.ts_ms, one.method) for one in undisturbed
    ]
    assert [one.value for one in found] == pytest.approx([one.value for one in undisturbed], abs=1e-3)
    # what does not wait for a gap's end is made again, by what has been seen of the tag since
    assert [one.std for one in found] == pytest.approx([one.std for one in undisturbed], rel=0.1)
