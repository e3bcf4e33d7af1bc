"""Advice beside the station's own schedule: what that would turn round is withheld."""

from pathlib import Path
from typing import Any

import pytest

from agent.mqtt.payloads import Schedule, ScheduleRow
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


def advised(folder: Path, *rows: ScheduleRow, age: int = 1, **plant: Any) -> dict[str, Any]:
    """The recommendation beside a plan that is *age* minutes old and holds for an hour."""
    with learnt_station(folder, **{**TIMED, **plant}) as past:
        made_ms = NOW_MS - age * MINUTE_MS
        plan = Schedule(id="s", ts=made_ms, until=NOW_MS + 60 * MINUTE_MS, station="s", rows=rows)
        past.record([Record("schedule", "", made_ms, plan.encode())])
        operate(past, TWO, 5)
        return advise(past, 5)[0]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([row(-5, "a", "b")], "it runs at 12:05"),
        ([row(-5), row(9, "a", "b")], "it runs at 12:14"),
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
    ("rows", "age", "plant"),
    [
        ([row(-5, "a")], 1, {}),
        ([row(-5, "a", "b"), row(9, "a")], 1, {}),
        ([row(-5, "a"), row(11, "a", "b")], 1, {}),
        ([row(-5, "a", "b")], 600, {}),
        ([row(-5, "a", "b")], 1, {"jobs": {"schedule": {"enabled": False}}}),
        ([row(-5, "a", "b")], 1, {"pump": PLANT["pump"]}),
        ([], 1, {}),
    ],
)
def test_what_the_schedule_does_not_turn_round_in_that_time_is_advised(
    tmp_path: Path, rows: list[ScheduleRow], age: int, plant: dict[str, Any]
) -> None:
    """It runs one pump, too, or the other again later; or it is old, off, empty, or its pumps need no rest."""
    said = advised(tmp_path, *rows, age=age, **plant)

    assert said["action"] == "change"
    assert sum(pump["run"] for pump in said["pumps"]) == 1
