"""The curve of a pump with its own flow meter: by which method it is drawn, and what is published of that."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from agent.jobs.curve_choice import LEAST_POINTS, choices, duty_points
from agent.jobs.curve_records import curve_records
from agent.jobs.curve_state import CurveState, HeaderCurves, restored
from analytics.curves.estimator import StationCurves
from analytics.curves.points import Points
from analytics.curves.prior import Plate
from tests.simulators.waterworks import UNLIKE, operation

STATION = UNLIKE[:2]
PLATES = [Plate("p1"), Plate("p2")]
HOUR_MS = 3_600_000


def learnt(steps: int = 180) -> StationCurves:
    """Two pumps in turn and together; only the first has a flow meter of its own."""
    rng = np.random.default_rng(5)
    points = operation(STATION, [(0,), (1,), (0, 1)], steps, rng, step_ms=600_000, every=1)
    noisy = points.pump_flows * rng.normal(1.0, 0.005, points.pump_flows.shape)
    noisy[:, 1] = np.nan
    curves = StationCurves(PLATES)
    curves.update(replace(points, pump_flows=noisy))
    return curves


def published(curves: StationCurves, now_ms: int = 0) -> dict[str, dict[str, Any]]:
    """What is said of each pump."""
    model = curves.fit()
    assert model is not None
    chosen = choices(curves.points, curves.pumps, {}, now_ms)
    return {each.key: json.loads(each.body) for each in curve_records(model, chosen, now_ms)}


@pytest.mark.timeout(180)
def test_a_pump_with_its_own_meter_is_drawn_by_the_method_that_won_and_says_why() -> None:
    """The other shares the header's meter: its flow is only inferred, by the joint fit. All methods take seconds."""
    said = published(learnt())

    assert said["p1"]["method_reason"].startswith(f"{said['p1']['method']} misses flow ranges it has not seen by ")
    assert "random forest" in said["p1"]["method_reason"]
    assert (said["p2"]["method"], said["p2"].get("method_reason")) == ("affinity parabolas, joint robust fit", None)
    assert said["p1"]["physics_score"] == 1.0
    for point in said["p1"]["points"]:
        truth = STATION[0].head(np.array(point["flow"]), np.array(1.0))
        assert abs(point["head"] / truth - 1.0) < 0.01
    a0, a1, a2 = said["p1"]["head_coefficients"]
    drawn = np.array([[point["flow"], point["head"]] for point in said["p1"]["points"]])
    np.testing.assert_allclose(a0 + a1 * drawn[:, 0] + a2 * drawn[:, 0] ** 2, drawn[:, 1], rtol=0.005)


@pytest.mark.timeout(180)
def test_methods_that_know_no_pumps_take_part_in_turn() -> None:
    """Two metered pumps, one turn an hour each: comparing all for every pump at every run would not fit its budget."""
    rng = np.random.default_rng(6)
    points = operation(STATION, [(0,), (1,)], 240, rng, step_ms=600_000, every=1)
    before = {"p1": "physics", "p2": "Gaussian process"}

    found = choices(points, ("p1", "p2"), before, 0)

    names = {pump: {trial.name for trial in choice.trials} for pump, choice in found.items()}
    assert "random forest" in names["p1"]
    assert "random forest" not in names["p2"]
    assert {"physics", "polynomial", "Gaussian process"} <= names["p2"]  # who won last stays


def test_only_rows_that_say_what_the_pump_did_are_taken() -> None:
    n = np.nan
    points = Points(
        times_ms=np.arange(5),
        running=np.array([[True], [False], [True], [True], [True]]),
        speeds=np.ones((5, 1)),
        head=np.array([30.0, 30.0, n, 30.0, 30.0]),
        flow=np.full(5, 100.0),
        powers=np.array([[10.0], [10.0], [10.0], [10.0], [n]]),
        pump_flows=np.array([[100.0], [100.0], [100.0], [n], [90.0]]),
    )

    found = duty_points(points, 0)

    np.testing.assert_array_equal(found.flow, [100.0, 90.0])
    np.testing.assert_array_equal(found.power, [10.0, n])


def test_few_points_leave_a_pump_with_the_joint_fit() -> None:
    curves = learnt(60)

    assert len(duty_points(curves.points, 0)) < LEAST_POINTS
    assert choices(curves.points, curves.pumps, {}, 0) == {}


def test_the_method_that_won_is_kept_between_runs() -> None:
    curves = learnt(30)
    state = CurveState({"main": HeaderCurves(curves, methods={"p1": "Gaussian process"})}).encode()

    kept = restored(state, {"main": PLATES}).headers["main"]

    assert kept.methods == {"p1": "Gaussian process"}
    assert kept.estimator.pumps == ("p1", "p2")
