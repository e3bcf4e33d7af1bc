"""History is gone through as it would have been live, in no more runs than are worth it, and to its end."""

from collections import Counter
from pathlib import Path

import pytest

from agent.analyse import AT_ONCE, COARSEST, RUNS, analyse, due
from agent.jobs.settings import JobsSettings
from agent.schedule import enabled
from agent.settings import AgentSettings
from agent.store.log import Log
from agent.store.reader import Reader
from agent.store.rolled import MINUTE_MS
from agent.store.rollups import rollups
from agent.store.rows import sealed_upto
from agent.store.schema import migrate
from drivers.reading import Reading

NOON = 1_699_963_200_000
DAY_MS = 86_400_000


def station(path: Path, **jobs: dict[str, bool]) -> AgentSettings:
    return AgentSettings.model_validate(
        {
            "station": {"name": "hillside"},
            "storage": {"path": str(path)},
            "jobs": jobs,
            "device": [
                {
                    "name": "plc",
                    "protocol": "modbus-tcp",
                    "host": "192.0.2.1",
                    "tag": [{"name": "flow", "unit": "m3/h", "address": "holding:0"}],
                }
            ],
        }
    )


@pytest.mark.parametrize(("days", "step_s"), [(0.1, 60), (7, 302), (90, 900)])
def test_a_long_history_is_gone_through_in_larger_steps(tmp_path: Path, days: float, step_s: float) -> None:
    """A week in steps of a minute is 10,000 runs of each job, most of whose cost does not depend on how much is new."""
    end_ms = NOON + round(days * DAY_MS)
    runs = list(due(station(tmp_path / "a.db"), NOON, end_ms))
    of_each = Counter(one.job for one in runs)
    times = [one.at_ms for one in runs if one.job == "quality"]

    assert times[1] - times[0] == pytest.approx(1_000 * step_s, rel=0.01)
    assert max(of_each.values()) <= max(RUNS, days * 86_400 / COARSEST) + 1
    assert {"rollup", "seal"}.isdisjoint(of_each)
    assert all(max(one.at_ms for one in runs if one.job == job) == end_ms for job in of_each)
    assert [one.at_ms for one in runs] == sorted(one.at_ms for one in runs)


async def test_what_does_not_depend_on_its_instant_is_done_once_and_to_the_end(tmp_path: Path) -> None:
    """Blocks are sealed and every minute is rolled up, however much one run takes on; and it is told how far it is.

    Takes seconds: the worker is started.
    """
    path = tmp_path / "a.db"
    migrate(path)
    with Log(path) as log:
        for start in range(0, 30_000, 1_000):
            with log.transaction():
                log.insert(
                    [Reading("flow", NOON + 10_000 * n, n / 7, 192) for n in range(start, start + 1_000)], imported=True
                )
    off = {job: {"enabled": False} for job in enabled(JobsSettings()) if job not in AT_ONCE}
    told: list[float] = []

    parts = await analyse(station(path, **off), None, told.append)

    with Reader(path) as reader:
        minutes = rollups(reader, ["flow"], MINUTE_MS, 0, 2**60)["flow"]
        marks = reader.job_state("rollup")[0], reader.ask(sealed_upto), reader.last_id
    assert {name: part.state for name, part in parts.items()} == {
        "forecast": "ok",
        "schedule": "ok",
        "rollup": "ok",
        "seal": "ok",
    }
    assert int(minutes.counts.sum()) == 30_000
    assert marks[0] == marks[2]
    assert marks[1] >= 20_000
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1.0)
