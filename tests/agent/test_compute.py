"""What becomes of a job's result, and of its last one when there is none."""

import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest

from agent.compute import Queue, run
from agent.health import Part
from agent.settings import AgentSettings
from agent.store.records import Record
from agent.store.schema import migrate
from agent.store.writer import Store
from agent.worker import Task, Worker

ADVICE = Record("recommendation", "main", 1_000, b'{"id":"r1","action":"change","saving_kw":12.5}')


class Computer(NamedTuple):
    """A store and a worker whose jobs misbehave."""

    store: Store
    worker: Worker


@pytest.fixture
async def computer(tmp_path: Path) -> AsyncIterator[Computer]:
    settings = AgentSettings.model_validate(
        {
            "station": {"name": "north"},
            "device": [],
            "storage": {"path": tmp_path / "agent.db", "commit_interval": 0.01},
        }
    )
    migrate(settings.storage.path)
    async with Store(settings.storage) as store, Worker(settings, "tests.agent.misbehaving") as worker:
        yield Computer(store, worker)


async def test_a_failed_job_leaves_its_last_result_marked_stale(
    computer: Computer, caplog: pytest.LogCaptureFixture
) -> None:
    """SCADA goes on seeing the advice, and that it is no longer current; said once, however often it fails."""
    await computer.store.record([ADVICE])
    part = Part("dispatch")
    with caplog.at_level(logging.ERROR):
        for now_ms in (2_000, 3_000, 4_000):
            await run(Task("dispatch", 0, now_ms), 30, computer.store, computer.worker, part)
    (shown,) = await computer.store.newest("recommendation")
    runs = await computer.store.read(lambda reader: reader.job_runs())

    assert json.loads(shown.body) == {"id": "r1", "action": "change", "saving_kw": 12.5, "stale": True}
    assert shown.ts_ms == 2_000  # the later failures had nothing left to mark
    assert (part.state, part.error) == ("failed", "failed: ZeroDivisionError: no pumps")
    assert [(one.job, one.failures) for one in runs] == [("dispatch", 3)]
    assert len(caplog.records) == 1


async def test_what_a_result_hardly_rests_on_is_said_as_long_as_it_is_so(computer: Computer) -> None:
    """SCADA sees by `<root>/health` that curves rest on sand; the next result has its own."""
    part, said = Part("doubts"), []
    for now_ms in (2_000, 3_000):
        await run(Task("doubts", 0, now_ms), 30, computer.store, computer.worker, part)
        said.append((part.report(now_ms).state, part.report(now_ms).doubt))

    assert said == [("ok", "flow was known in 10% of the time"), ("ok", None)]


async def test_a_job_that_is_due_twice_before_its_turn_runs_once() -> None:
    queue = Queue()
    for job in ("curves", "dispatch", "curves"):
        queue.put(job)

    assert [await queue.get(), await queue.get()] == ["curves", "dispatch"]
    assert not queue._due  # noqa: SLF001 - nothing is left, which waiting for would not show
