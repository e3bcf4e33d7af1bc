"""What a plan takes the pressures of its header and inlets to be, from readings and settings."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.jobs.job import JobContext
from agent.jobs.plans.pressures import pressures_of, unchecked
from analytics.schedule.pressures import Pressures
from tests.agent.history import START_MS, history
from tests.agent.jobs.test_dispatch import PLANT, TAGS
from tests.analytics.schedule.test_solve import DAY

PAST_MS = 180_000
NOW_MS = START_MS + PAST_MS
AIR = 10.33 - 0.24  # m, at the sea and 20 °C, less what water boils at
BAND = {"pressure_min": 3.0, "pressure_max": 4.0}  # bar: 30.59 and 40.79 m
MORE = {"level": {"unit": "m"}, "inlet": {"unit": "bar"}}


def found(folder: Path, kind: str, readings: Mapping[str, float], **header: Any) -> tuple[Pressures, tuple[str, ...]]:
    """Pressures at a level of 2 m, and what stays unchecked of pumps whose need is known."""
    with context(folder, kind, readings, header) as now:
        tank = now.settings.tank
        assert tank is not None
        limits = pressures_of(now, now.settings.headers[0], tank, 2.0, PAST_MS)
        units = tuple(replace(unit, required=lambda flow, speed: 0.03 * flow * speed) for unit in DAY.units)
        return limits, unchecked(now.settings.headers[0], replace(DAY, units=units, pressures=limits))


@contextmanager
def context(folder: Path, kind: str, readings: Mapping[str, float], header: Mapping[str, Any]) -> Iterator[JobContext]:
    """A station whose *header* has more keys than usual, after three minutes of *readings*."""
    tank = {"level": "level", "area": 250.0, "level_min": 1.0, "level_max": 5.0, "kind": kind}
    headers = [{**PLANT["header"][0], **header}]
    with history(folder, {**TAGS, **MORE}, **{**PLANT, "header": headers, "tank": tank}) as past:
        for tag, value in readings.items():
            past.series(tag, [value] * 180, start_ms=START_MS)
        with past.reader() as reader:
            yield JobContext(past.settings, reader, 0, None, NOW_MS)


def test_a_configured_inlet_is_the_same_at_every_level(tmp_path: Path) -> None:
    """4 bar at the gauge are 40.79 m, of which the inlet gives 2."""
    limits, missing = found(tmp_path, "tank", {}, suction_head=2.0, elevation=0.5, **BAND)

    assert (limits.head_min, limits.head_max) == pytest.approx((29.09, 39.29), abs=0.01)
    assert limits.inlet == pytest.approx(AIR + 2.0, abs=0.01)
    assert limits.rise == 0.0
    assert missing == ()


@pytest.mark.parametrize(
    ("header", "readings"),
    [
        ({"suction_level": "level", "suction_level_zero": 1.5}, {"level": 2.0}),
        ({"suction_pressure": "inlet"}, {"inlet": 3.5 * 0.0980665}),
    ],
    ids=["level", "gauge"],
)
def test_the_inlet_of_pumps_that_empty_a_well_goes_with_its_level(
    tmp_path: Path, header: dict[str, Any], readings: dict[str, float]
) -> None:
    """3.5 m at the inlet with 2 m in the well: 2.5 m with 1 m, by a gauge or by the level, whichever is there."""
    limits, missing = found(tmp_path, "well", readings, **header, **BAND)

    assert limits.rise == 1.0
    assert limits.available(np.array([2.0, 1.0])) == pytest.approx([AIR + 3.5, AIR + 2.5], abs=0.01)
    assert limits.heads(np.array(2.0)) == pytest.approx((30.59 - 3.5, 40.79 - 3.5), abs=0.01)
    assert limits.heads(np.array(1.0)) == pytest.approx((30.59 - 2.5, 40.79 - 2.5), abs=0.01)
    assert missing == ()


def test_the_inlet_of_pumps_that_fill_a_tank_stays_as_it_was_measured(tmp_path: Path) -> None:
    """The tank stands elsewhere: its level says nothing of the water they draw from."""
    limits, _ = found(tmp_path, "tank", {"inlet": 3.5 * 0.0980665}, suction_pressure="inlet", **BAND)

    assert limits.rise == 0.0
    assert limits.available(np.array([2.0, 1.0])) == pytest.approx([AIR + 3.5, AIR + 3.5], abs=0.01)


def test_limits_of_which_too_little_is_known_stay_unchecked(tmp_path: Path) -> None:
    """A gauge that is silent tells no limit, an inlet nobody describes no NPSH; both are said."""
    for name in ("silent", "bare", "pumps"):
        (tmp_path / name).mkdir()

    silent, missing = found(tmp_path / "silent", "tank", {}, suction_pressure="inlet", **BAND)
    bare, other = found(tmp_path / "bare", "tank", {}, pressure_max=4.0)

    assert silent == Pressures()
    assert missing == ("pressure_min", "pressure_max", "npsh")
    assert bare == Pressures(head_max=bare.head_max)
    assert bare.head_max == pytest.approx(40.79, abs=0.01)
    assert other == ("npsh",)
    assert unchecked_of_bare_pumps(tmp_path / "pumps") == ("npsh",)


def test_a_preferred_pressure_that_is_not_weighed_as_the_inlet_is_silent_is_said(tmp_path: Path) -> None:
    """Nobody knows then which head it is; where the inlet is measured nothing is said of it."""
    preferred = {"suction_pressure": "inlet", "pressure_preferred": 3.5, "pressure_cost": 2.0, **BAND}
    for name in ("silent", "told"):
        (tmp_path / name).mkdir()

    _, silent = found(tmp_path / "silent", "tank", {}, **preferred)
    _, told = found(tmp_path / "told", "tank", {"inlet": 0.3}, **preferred)

    assert silent == ("pressure_min", "pressure_max", "npsh", "pressure_preferred")
    assert told == ()


def unchecked_of_bare_pumps(folder: Path) -> tuple[str, ...]:
    """What stays unchecked where the inlet is known, but not what the pumps need."""
    with context(folder, "tank", {}, {"suction_head": 2.0}) as now:
        return unchecked(now.settings.headers[0], replace(DAY, pressures=Pressures(inlet=12.0)))
