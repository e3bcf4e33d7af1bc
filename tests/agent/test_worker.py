"""An analysis may hang, crash or eat memory: it costs its result and nothing else."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent.settings import AgentSettings
from agent.store.schema import migrate
from agent.worker import JobError, Task, Worker

ALIVE = Task("work", horizon=0, now_ms=7)


@pytest.fixture
async def worker(tmp_path: Path) -> AsyncIterator[Worker]:
    """A worker on an empty store, with 400 MB to compute in."""
    path = tmp_path / "agent.db"
    migrate(path)
    settings = AgentSettings.model_validate(
        {
            "station": {"name": "north"},
            "device": [],
            "storage": {"path": path},
            "jobs": {"memory_mb": 400},
        }
    )
    async with Worker(settings, "tests.agent.misbehaving") as worker:
        yield worker


@pytest.mark.parametrize(
    ("job", "budget", "sentence"),
    [
        ("hang", 2.0, "took longer than its 2 s and was stopped"),
        ("die", 30.0, "ended its process"),
        ("greedy", 30.0, "failed: MemoryError"),
        ("fail", 30.0, "failed: ZeroDivisionError: a bug at 7"),
    ],
)
async def test_a_job_that_misbehaves_is_named_and_the_next_one_works(
    worker: Worker, job: str, budget: float, sentence: str
) -> None:
    """Starting a child takes a second; each kind of misbehaviour leaves a working one behind."""
    with pytest.raises(JobError, match=sentence):
        await worker.run(Task(job, horizon=0, now_ms=7), budget)

    outcome = await worker.run(ALIVE, budget=30)

    assert (outcome.state, dict(outcome.counts)) == (b"kept", {"now": 7})


async def test_the_place_of_a_bug_comes_with_the_failure(worker: Worker) -> None:
    """Whoever logs it decides how often; the worker itself prints nothing."""
    with pytest.raises(JobError) as caught:
        await worker.run(Task("fail", horizon=0, now_ms=7), 30)

    assert "misbehaving/fail.py" in caught.value.trace


async def test_a_healthy_child_is_kept(worker: Worker) -> None:
    """Imports of the analyses take seconds; they are paid once."""
    await worker.run(ALIVE, budget=30)
    first = worker.pid
    await worker.run(ALIVE, budget=30)

    assert worker.pid == first is not None


async def test_an_idle_child_that_was_killed_costs_nothing(worker: Worker) -> None:
    """The kernel ends what holds most memory: between two jobs nobody has noticed when the next one comes."""
    await worker.run(ALIVE, 30)
    killed = worker.pid
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    # blocks the loop, which must not run meanwhile: it would notice, where only the kernel knows as yet
    os.waitid(os.P_PID, killed, os.WEXITED | os.WNOWAIT)  # noqa: ASYNC222

    assert (await worker.run(ALIVE, 30)).state == b"kept"
    assert worker.pid != killed


async def test_a_job_that_is_cancelled_twice_leaves_no_child(worker: Worker) -> None:
    """Ctrl-C twice: the second one must not find the agent gone and its child about."""
    await worker.run(ALIVE, 30)
    pid = worker.pid
    assert pid is not None
    task = asyncio.create_task(worker.run(Task("hang", horizon=0, now_ms=7), 30))

    for _ in range(2):
        await asyncio.sleep(0)
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
