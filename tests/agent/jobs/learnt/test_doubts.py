"""What is said against a curve: no pump has it, readings do not lie on it, its speed is not known."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from agent.jobs.learnt.records import curve_records
from agent.plant import PumpSettings
from analytics.curves.estimator import StationCurves
from analytics.curves.points import Points
from analytics.curves.prior import Plate
from tests.simulators.waterworks import UNLIKE, measured, operation


def seen(**wrong: float) -> Points:
    """What the meters show of one pump; times what is *wrong*."""
    rng = np.random.default_rng(3)
    points = measured(operation(UNLIKE[:1], [(0,)], 300, rng, step_ms=600_000, every=1), rng)
    return replace(points, **{name: factor * getattr(points, name) for name, factor in wrong.items()})


def said(points: Points, **settings: Any) -> dict[str, Any]:
    """What is published of its curve."""
    curves = StationCurves([Plate("p1")])
    curves.update(points)
    model = curves.fit()
    assert model is not None
    pump = PumpSettings.model_validate({"id": "p1", "header": "main", "speed": "p1.speed", **settings})
    (record,) = curve_records(model, {}, 0, {"p1": pump})
    found: dict[str, Any] = json.loads(record.body)
    return found


def test_of_a_pump_and_meters_as_they_should_be_nothing_is_doubted() -> None:
    assert "reason" not in said(seen())


@pytest.mark.parametrize("wrong", [{"head": 1.5}, {"powers": 0.65}, {"flow": 1.5}, {"head": 4.0}, {"flow": 3.6}])
def test_an_efficiency_that_cannot_be_is_doubted_and_none_above_1_is_published(wrong: dict[str, float]) -> None:
    """A booster whose inlet nobody measures, a wrong scale, l/s taken for m³/h."""
    found = said(seen(**wrong))

    assert "which no pump has; look at" in found["reason"] or "no curve goes through its readings" in found["reason"]
    assert all(point.get("efficiency", 0.0) < 1.0 for point in found["points"])
    assert found.get("bep_efficiency", 0.0) < 1.0


def test_one_that_is_too_good_for_any_pump_is_named_and_published() -> None:
    """Judged by the words: a meter that is a quarter off makes 0.75 to 0.99."""
    found = said(seen(powers=0.8))

    assert 0.92 < max(point["efficiency"] for point in found["points"]) < 1.0
    assert "which no pump has" in found["reason"]


def test_readings_that_lie_on_no_curve_are_said_to() -> None:
    """A power meter that has another pump's motor on it half of the time."""
    points = seen()
    shared = np.where(np.arange(len(points)) // 7 % 2, 2.0, 1.0)[:, np.newaxis]

    found = said(replace(points, powers=shared * points.powers))

    assert "no curve goes through its readings: where they were left out its power is missed by " in found["reason"]
    assert "its head is missed" not in found["reason"]


def test_a_drive_whose_speed_no_tag_tells_is_a_doubt() -> None:
    assert "no tag tells how fast its drive turns" in said(seen(), speed=None)["reason"]
    assert "reason" not in said(seen(), speed=None, drive="fixed")
