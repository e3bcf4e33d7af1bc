"""A sensor that repeats its last value looks healthy to every limit; the quality job finds it, and it is an alarm."""

from pathlib import Path

import numpy as np

from agent.alarms.board import Board
from agent.jobs import quality, running
from agent.mqtt.payloads import Quality
from tests.agent.history import START_MS, History, history
from tests.agent.jobs.test_anomalies import PLANT, TAGS

LOOK = 300  # s between two reports
FROZEN_FROM, FROZEN_TO, END = 5_400, 6_600, 7_500  # s


def told(past: History, *, is_running: bool) -> list[tuple[int, str, str]]:
    """What the alarms do at each quality report: second, alarm, event.

    One pump and its meters are read each second, and the pressure gauge repeats itself for twenty minutes.
    """
    alarms, rng = Board(past.settings), np.random.default_rng(1)
    found: list[tuple[int, str, str]] = []
    for second in range(0, END, LOOK):
        pressure = 50.0 + rng.normal(0.0, 0.1, LOOK)
        power = rng.normal(44.0, 0.5, LOOK) if is_running else np.zeros(LOOK)
        said = {"a.power": power, "b.power": np.zeros(LOOK), "flow": rng.normal(300.0, 3.0, LOOK)}
        said["pressure"] = np.full(LOOK, 50.0) if FROZEN_FROM <= second < FROZEN_TO else pressure
        for tag, values in said.items():
            past.series(tag, values, start_ms=START_MS + 1_000 * second)
        now_ms = START_MS + 1_000 * (second + LOOK)
        past.perform("running", running.run, now_ms)
        for record in past.perform("quality", quality.run, now_ms).records:
            changes = alarms.see_quality(Quality.model_validate_json(record.body), at_ms=now_ms)
            found += [(second + LOOK, change.rationale.id, change.event) for change in changes]
    return found


def test_a_sensor_that_stands_still_while_its_plant_runs_is_an_alarm_within_minutes(tmp_path: Path) -> None:
    """By what it did before, without a setting; and no other sensor is."""
    with history(tmp_path, TAGS, **PLANT) as past:
        events = told(past, is_running=True)

    (raised, name, first), (cleared, same, then) = events
    assert (name, first, same, then) == ("frozen.pressure", "raised", "frozen.pressure", "cleared")
    assert FROZEN_FROM < raised <= FROZEN_FROM + 3 * LOOK
    assert FROZEN_TO < cleared <= FROZEN_TO + LOOK


def test_a_sensor_of_a_plant_that_stands_may_stand_still(tmp_path: Path) -> None:
    """Nothing moves then."""
    with history(tmp_path, TAGS, **PLANT) as past:
        assert told(past, is_running=False) == []
