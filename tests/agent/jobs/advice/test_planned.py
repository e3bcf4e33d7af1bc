"""Advice beside the station's own schedule: what that would turn round is withheld."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from agent.mqtt.payloads import LeftOut, Schedule, ScheduleRow
from agent.store.records import Record
from tests.agent.history import START_MS
from tests.agent.jobs.test_dispatch import MINUTE_MS, PLANT, advise, learnt_station, operate

NOW_MS = START_MS + 5 * MINUTE_MS  # 12:05
TIMED: dict[str, Any] = {"pump": [{**pump, "min_on": 15.0, "min_off": 10.0} for pump in PLANT["pump"]]}
TWO = {"a": 40.2, "b": 40.2}  # Hz; one of them alone would take less


def row(minutes: int, *pumps: str) -> ScheduleRow:
    """From so many minutes after now on."""
    said = {"from": NOW_MS + minutes * MINUTE_MS, "pumps": pumps, "speeds": (0.9,) * len(pumps), "flow": 200.0}
    return ScheduleRow.model_validate(said)


def advised(
    folder: Path,
    *rows: ScheduleRow,
    age: int = 1,
    holds: int = 60,
    left_out: str | None = None,
    speeds: Mapping[str, float] = TWO,
    **plant: Any,
) -> dict[str, Any]:
    """The recommendation beside a plan that is *age* minutes old and *holds* so many more; perhaps without a pump."""
    with learnt_station(folder, **{**TIMED, **plant}) as past:
        made_ms = NOW_MS - age * MINUTE_MS
        spared = () if left_out is None else (LeftOut(pump=left_out, why="Its alarm stands."),)
        until_ms = NOW_MS + holds * MINUTE_MS
        plan = Schedule(id="s", ts=made_ms, until=until_ms, station="s", rows=rows, left_out=spared)
        kept = json.loads(plan.encode()) | {"is_gone": True}  # as another version had it
        past.record([Record("schedule", "", made_ms, json.dumps(kept).encode())])
        operate(past, speeds, 5)
        return advise(past, 5)[0]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([row(-5, "a", "b")], "it runs at 12:05"),
        ([row(-5), row(9, "a", "b")], "it runs at 12:14"),
        ([row(-5, "a", "b"), row(10)], "it runs at 12:05"),
    ],
)
def test_no_pump_is_stopped_that_the_schedule_runs_before_it_may_start_again(
    tmp_path: Path, rows: list[ScheduleRow], words: str
) -> None:
    """One of two alone would save a tenth of the power, for minutes."""
    said = advised(tmp_path, *rows)

    assert said["action"] == "keep"
    assert f"is not stopped: by the schedule {words}, and once stopped it rests at least 10 min." in said["reasons"][0]


@pytest.mark.parametrize(
    ("rows", "age", "more"),
    [
        ([row(-5, "a")], 1, {}),
        ([row(-5, "a", "b"), row(9, "a")], 1, {}),
        ([row(-5, "a"), row(10, "a", "b")], 1, {}),
        ([row(-5, "a", "b")], 1, {"holds": 9}),
        ([row(-5, "a", "b")], 600, {}),
        ([row(-5, "a", "b")], 1, {"jobs": {"schedule": {"enabled": False}}}),
        ([row(-5, "a", "b")], 1, {"pump": PLANT["pump"]}),
        ([], 1, {}),
    ],
)
def test_what_the_schedule_does_not_turn_round_in_that_time_is_advised(
    tmp_path: Path, rows: list[ScheduleRow], age: int, more: dict[str, Any]
) -> None:
    """It runs one pump, too, or the other again once that may start; or it is old, over, off, empty, or none rests."""
    said = advised(tmp_path, *rows, age=age, **more)

    assert said["action"] == "change"
    assert sum(pump["run"] for pump in said["pumps"]) == 1


@pytest.mark.parametrize(("pump", "action"), [("b", "change"), ("a", "keep")])
def test_of_a_pump_that_it_left_out_a_plan_says_nothing(tmp_path: Path, pump: str, action: str) -> None:
    """Its alarm may have gone since: two pumps take a tenth less than a alone, and b is not planned to stand."""
    said = advised(tmp_path, row(-9, "a"), left_out=pump, speeds={"a": 49.5})

    assert said["action"] == action
