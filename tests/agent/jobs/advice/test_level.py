"""The flow that a level needs, by what came and went: a tank of 200 m² from which 340 m³/h are drawn."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.jobs.advice.level import Balance, NoBalanceError, flow_for
from agent.jobs.advice.planned import fresh_schedule
from agent.jobs.job import JobContext
from agent.jobs.settings import ScheduleSettings
from agent.mqtt.payloads import Schedule, ScheduleRow
from agent.store.records import Record
from tests.agent.history import START_MS, History, history

AREA, DRAWN, PUMPED = 200.0, 340.0, 368.8  # m², m³/h
LEVEL = 3.0  # m
STEP_MS = 10_000
COUNT = 31 * 6  # readings: half an hour, and a minute before it
NOW_MS = START_MS + STEP_MS * COUNT


@contextmanager
def tank(
    folder: Path, *, sign: int = 1, flow: np.ndarray | None = None, silent: int = 0, **level: Any
) -> Iterator[History]:
    """A level in centimetres that a flow brings to what is wanted, just now; the *silent* first are not read."""
    found = np.full(COUNT, PUMPED) if flow is None else flow
    gained = np.cumsum(sign * (found - DRAWN)) * STEP_MS / 3_600_000 / AREA
    tags = {"pressure": {"unit": "bar"}, "flow": {"unit": "m3/h"}, "level": {"unit": "cm", "type": "uint16", **level}}
    kind = "tank" if sign > 0 else "well"
    plant = {
        "header": [{"id": "main", "pressure": ["pressure"], "flow": ["flow"], "level_required": LEVEL}],
        "tank": {"level": "level", "area": AREA, "level_min": 1.0, "level_max": 4.0, "kind": kind},
    }
    with history(folder, tags, **plant) as past:
        past.series("flow", found, step_ms=STEP_MS)
        read = np.round(100 * (LEVEL + gained - gained[-1]))
        past.series("level", np.where(np.arange(COUNT) < silent, np.nan, read), step_ms=STEP_MS)
        yield past


def balance(past: History, now_ms: int = NOW_MS) -> Balance:
    """What the level needs."""
    with past.reader() as reader:
        return flow_for(JobContext(past.settings, reader, 0, None, now_ms), past.settings.headers[0], LEVEL)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("stood", [0, 6, 15, 21, 26])
def test_pumps_that_started_meanwhile_are_no_part_of_what_is_drawn(tmp_path: Path, stood: int, sign: int) -> None:
    """They stood for so many minutes; a mean flow beside a slope of the level would be off by 43 m³/h."""
    flow = np.where(np.arange(COUNT) < 6 * stood, 0.0, PUMPED)

    with tank(tmp_path, sign=sign, flow=flow) as past:
        found = balance(past)

    assert found.flow == pytest.approx(DRAWN, abs=3.0)
    assert found.accuracy * found.flow < 6.0
    assert found.purpose == "to hold level at 3.00 m"


def test_a_level_that_is_read_in_steps_tells_the_flow_no_finer(tmp_path: Path) -> None:
    """A level in steps of 10 cm that never moved may be half a step off: twice 20 m³/h over the half hour."""
    found = []
    for type_ in ("uint16", "float32"):
        (tmp_path / type_).mkdir()
        with tank(tmp_path / type_, flow=np.full(COUNT, DRAWN), type=type_, scale=10.0) as past:
            found.append(balance(past))

    coarse, fine = found
    assert coarse.accuracy * coarse.flow == pytest.approx(2 * 0.05 * AREA / (29 / 60), rel=1e-6)
    assert fine.accuracy == pytest.approx(0.0, abs=1e-6)


def test_a_level_that_came_in_six_of_ten_minutes_tells_nothing(tmp_path: Path) -> None:
    """A minute's slope of centimetres is 120 m³/h."""
    with tank(tmp_path, silent=13 * 6) as past, pytest.raises(NoBalanceError, match="measured in too little of the"):
        balance(past)


def test_an_old_level_is_none(tmp_path: Path) -> None:
    """It went silent five minutes ago: pumps may have brought much since."""
    with tank(tmp_path) as past:
        past.series("flow", [PUMPED] * 30, start_ms=NOW_MS, step_ms=STEP_MS)
        with pytest.raises(NoBalanceError, match="level has had no good value for 300 s"):
            balance(past, NOW_MS + 300_000)


@pytest.mark.parametrize("is_enabled", [True, False])
def test_a_plan_from_before_it_was_switched_off_is_none(tmp_path: Path, *, is_enabled: bool) -> None:
    """The last one stays in the store."""
    row = ScheduleRow.model_validate({"from": NOW_MS, "pumps": ("a",), "speeds": (0.9,), "flow": 200.0})
    plan = Schedule(id="s", ts=NOW_MS, until=NOW_MS + 86_400_000, station="s", rows=(row,))
    with tank(tmp_path) as past, past.reader() as reader:
        past.record([Record("schedule", "", NOW_MS, plan.encode())])
        jobs = past.settings.jobs.model_copy(update={"schedule": ScheduleSettings(period=900, enabled=is_enabled)})
        settings = past.settings.model_copy(update={"jobs": jobs})

        assert (fresh_schedule(JobContext(settings, reader, 0, None, NOW_MS)) is not None) == is_enabled
