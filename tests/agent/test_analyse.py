"""History is gone through as it would have been live, in no more runs than are worth it, and to its end."""

import tracemalloc
from collections import Counter
from pathlib import Path

import pytest

from agent.analyse import AT_ONCE, COARSEST, RUNS, analyse, due
from agent.jobs.settings import JobsSettings
from agent.mqtt.payloads import Quality
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


def station(path: Path, **jobs: dict[str, object]) -> AgentSettings:
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
    runs = list(due(station(tmp_path / "a.db"), [(NOON, end_ms + 1)]))
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
    off: dict[str, dict[str, object]] = {
        job: {"enabled": False} for job in enabled(JobsSettings()) if job not in AT_ONCE
    }
    told: list[float] = []

    parts = await analyse(station(path, **off), None, told.append)

    with Reader(path) as reader:
        minutes = rollups(reader, ["flow"], MINUTE_MS, 0, 2**60)["flow"]
        marks = reader.job_state("rollup")[0], reader.ask(sealed_upto), reader.last_id
    assert {name: part.state for name, part in parts.items()} == {
        "front": "ok",
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


async def judged(path: Path, parts: list[list[int]]) -> list[Quality]:
    """What the reports say of history that came in such parts, in seconds after noon."""
    migrate(path)
    with Log(path) as log:
        for part in parts:
            with log.transaction():
                log.insert([Reading("flow", NOON + 1_000 * second, second % 7, 192) for second in part], imported=True)
    jobs: dict[str, dict[str, object]] = {job: {"enabled": False} for job in enabled(JobsSettings())}
    jobs["quality"] = {"period": 900, "report": 900}
    found = await analyse(station(path, **jobs), None, lambda _: None)
    assert found["quality"].state == "ok"
    with Reader(path) as reader:
        assert reader.job_state("quality")[0] == reader.last_id
        return [Quality.model_validate_json(record.body) for record in reader.records("quality", 0, 2**60)]


HOURS = list(range(0, 14_401, 10))


@pytest.mark.parametrize(
    "parts",
    [[HOURS], [HOURS[::-1]], [HOURS[720:], HOURS[:720]], [HOURS[720:][::-1], HOURS[:720][::-1]]],
    ids=["in order", "newest first", "later part first", "later part first, newest first"],
)
async def test_history_is_judged_in_the_order_of_time_however_it_came(tmp_path: Path, parts: list[list[int]]) -> None:
    """Historians export the newest first, and March may be imported before February: it is the same history."""
    reports = await judged(tmp_path / "a.db", parts)

    assert len(reports) >= 16
    assert sum(report.tags[0].readings for report in reports) == len(HOURS)
    assert max(report.tags[0].readings for report in reports) <= 91
    checks = {finding.check for report in reports for finding in report.tags[0].findings}
    assert checks.isdisjoint({"late", "backward", "future", "missing", "duplicate"})


@pytest.mark.parametrize("years", [-20, 20])
async def test_one_wrong_year_costs_one_run(tmp_path: Path, years: int) -> None:
    """No job runs for twenty years in which there is nothing."""
    reports = await judged(tmp_path / "a.db", [[*HOURS[:720], years * 365 * 86_400, *HOURS[720:]]])

    assert 16 <= len(reports) <= 20


def test_runs_are_made_one_by_one(tmp_path: Path) -> None:
    """A list of those of a thousand years would take gigabytes."""
    tracemalloc.start()
    first = next(due(station(tmp_path / "a.db"), [(NOON, NOON + 20 * 365 * DAY_MS)]))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert first.at_ms > NOON
    assert peak < 2_000_000


async def test_what_is_newer_than_the_end_is_left_for_another_time(tmp_path: Path) -> None:
    """Of history that came newest first nothing after the end is read, and all of it is the next time."""
    path = tmp_path / "a.db"
    migrate(path)
    with Log(path) as log, log.transaction():
        log.insert([Reading("flow", NOON + 1_000 * second, 1.0, 192) for second in HOURS[::-1]], imported=True)
    jobs: dict[str, dict[str, object]] = {job: {"enabled": False} for job in enabled(JobsSettings())}
    settings = station(path, **jobs | {"quality": {"period": 900, "report": 900}})

    seen = []
    for until_ms in (NOON + 7_200_000, None):
        await analyse(settings, until_ms, lambda _: None)
        with Reader(path) as reader:
            found = [Quality.model_validate_json(one.body) for one in reader.records("quality", 0, 2**60)]
        seen.append(sum(report.tags[0].readings for report in found))

    assert seen[0] == 721
    assert seen[1] >= len(HOURS)
