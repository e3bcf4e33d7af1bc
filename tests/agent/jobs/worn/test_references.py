"""References from data sheets while power meters come and go, and in a state that an earlier version left."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.jobs.wear import present
from agent.jobs.worn.records import wear_records
from agent.jobs.worn.references import DAY_MS, refer
from agent.jobs.worn.state import DayLoss, Kept, restored
from agent.settings import AgentSettings
from analytics.wear.losses import Belief
from analytics.wear.reference import Reference
from tests.agent.history import START_MS, history
from tests.agent.jobs.test_curves import PLANT, TAGS

FLOWS = (0.0, 200.0, 400.0, 600.0, 800.0, 1_000.0)
HEADS = ((60.0, 59.0, 56.0, 51.0, 44.0, 35.0), (55.0, 54.0, 51.0, 46.0, 39.0, 30.0))
EFFICIENCY = (0.0, 0.4, 0.65, 0.78, 0.8, 0.72)
POWER = (50.0, 75.0, 95.0, 110.0, 120.0, 125.0)  # kW at the shaft
MOTOR = {"rated_power": 200.0, "motor_efficiency_by_load": [[0.05, 0.95], [1.5, 0.95]]}
OLD_DIGESTS = ("4def2a7f4e24ca83", "1bbb3e96821b82e1")  # that the version before wrote of these two sheets


def settings(folder: Path, *metered: str) -> AgentSettings:
    """Two pumps with data sheets, the first of efficiencies and the second of powers, and these power meters."""
    said = ({"efficiency": EFFICIENCY}, {"power": POWER})
    pumps: list[dict[str, Any]] = [
        {**pump, **MOTOR, "catalogue": {"flow": FLOWS, "head": heads, **more}}
        for pump, heads, more in zip(PLANT["pump"], HEADS, said, strict=True)
    ]
    for pump in pumps:
        if pump["id"] not in metered:
            del pump["power"]
    folder.mkdir()
    with history(folder, TAGS, **{**PLANT, "pump": pumps}) as past:
        return past.settings


def days(efficiencies: list[float | None]) -> list[DayLoss]:
    """The last ones, each with 2 % of the head lost."""
    begin_ms = START_MS - len(efficiencies) * DAY_MS
    spread = np.random.default_rng(1).normal(0.0, 0.0005, len(efficiencies))
    return [
        DayLoss(begin_ms + at * DAY_MS, 0.02 + off, 0.001, None if lost is None else lost + off, 0.001, 90)
        for at, (lost, off) in enumerate(zip(efficiencies, spread.tolist(), strict=True))
    ]


@pytest.fixture
def left() -> Kept:
    """By the version before: no power where the sheet tells none at no flow, and one where nothing meters it."""
    kept = restored(None, {"main": ["p1", "p2"]})
    kept.state.seen_ms = START_MS
    for name, digest, heads, powers in zip(("p1", "p2"), OLD_DIGESTS, HEADS, ((), POWER), strict=True):
        life = kept.state.pumps[name].life
        life.reference = Reference(
            flows=FLOWS,
            heads=heads,
            powers=powers,
            constant=0.0,
            flow_range=(0.0, 1_000.0),
            speed_range=(0.3, 1.5),
            head_std=0.02,
            power_std=0.02,
        )
        life.source, life.sheet, life.taken_ms = "catalogue", digest, START_MS - 5 * DAY_MS
        life.days = days([None] * 5)
    for _ in range(3):
        kept.state.headers["main"].count_first(Belief.first(2))
    return restored(kept.encode(), {"main": ["p1", "p2"]})


def powers(kept: Kept) -> list[bool]:
    """Whether each pump's reference has some; none has lost its days or its date."""
    lives = [pump.life for pump in kept.state.pumps.values()]
    assert [len(life.days) for life in lives] == [5, 5]
    assert {life.taken_ms for life in lives} == {START_MS - 5 * DAY_MS}
    return [bool(life.reference and life.reference.powers) for life in lives]


def test_days_outlast_a_new_version_and_power_meters_that_come_and_go(tmp_path: Path, left: Kept) -> None:
    """The sheet is the same: what was lost of the head against it was lost."""
    found, first_days = [], []
    for at, metered in enumerate((("p1",), ("p1",), ("p1", "p2"), ("p2",), ())):
        refer(settings(tmp_path / str(at), *metered), left)
        found.append(powers(left))
        first_days.append(left.state.headers["main"].first_days is not None)

    assert found == [[True, False], [True, False], [True, True], [False, True], [False, False]]
    assert first_days == 5 * [False]


def test_a_meter_that_goes_leaves_what_the_first_days_told(tmp_path: Path, left: Kept) -> None:
    """Of their heads; where one comes they say nothing of its power, and are counted anew."""
    refer(settings(tmp_path / "gone"), left)
    is_kept = left.state.headers["main"].first_days is not None
    refer(settings(tmp_path / "come", "p1"), left)

    assert powers(left) == [True, False]
    assert is_kept
    assert left.state.headers["main"].first_days is None


@pytest.mark.parametrize("efficiencies", [8 * [None] + 6 * [0.06], 8 * [0.06] + 6 * [None]], ids=["come", "gone"])
def test_a_power_meter_that_comes_or_goes_is_no_step(
    tmp_path: Path, left: Kept, efficiencies: list[float | None]
) -> None:
    """Days before and after tell of something else, the head or the efficiency."""
    own = settings(tmp_path / "own", "p1", "p2")
    life = left.state.pumps["p1"].life
    life.days = days(efficiencies)

    (body, _) = [json.loads(one.body) for one in wear_records(own, left, {"main": present(left, "main")})]
    life.days = days([*(8 * [0.02]), *(6 * [0.06])])
    (other, _) = [json.loads(one.body) for one in wear_records(own, left, {"main": present(left, "main")})]

    assert "step_percent" not in body
    assert body["per_month_percent"] == pytest.approx(0.0, abs=1.0)
    assert other["step_percent"] == pytest.approx(4.0, abs=0.2)
