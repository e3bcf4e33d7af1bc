"""The curve of a pump with its own flow meter: by which method it is drawn, and what is published of that."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from agent.jobs.curve_choice import LEAST_POINTS, choices, duty_points
from agent.jobs.curve_records import catalogue_records, curve_records
from agent.jobs.curve_state import CurveState, HeaderCurves, restored
from agent.jobs.plant_figures import with_plant
from agent.mqtt.payloads import CurvePoint, PumpCurve
from agent.plant import PumpSettings
from agent.store.records import Record
from analytics.curves.estimator import StationCurves
from analytics.curves.methods.catalogue import Catalogue
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
    """Two metered pumps, one turn an hour each: comparing all for every pump at every run would not fit its budget.

    A data sheet takes part always, and only for its own pump.
    """
    rng = np.random.default_rng(6)
    points = operation(STATION, [(0,), (1,)], 240, rng, step_ms=600_000, every=1)
    before = {"p1": "physics", "p2": "Gaussian process"}
    flow = np.linspace(0.0, 350.0, 8)
    sheet = Catalogue(flow, STATION[1].head(flow, np.ones(8)))

    found = choices(points, ("p1", "p2"), before, 0, {"p2": sheet})

    names = {pump: {trial.name for trial in choice.trials} for pump, choice in found.items()}
    assert "random forest" in names["p1"]
    assert "random forest" not in names["p2"]
    assert {"physics", "polynomial", "Gaussian process"} <= names["p2"]  # who won last stays
    assert ("catalogue" in names["p1"], "catalogue" in names["p2"]) == (False, True)
    assert found["p2"].method.name == "catalogue"


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


def test_a_pump_that_never_ran_has_its_data_sheet_s_curve_and_says_so_once() -> None:
    """A prior is no measurement; and what has not changed is no news every five minutes."""
    flow = np.linspace(0.0, 300.0, 7)
    sheet = Catalogue(flow, 50.0 - 2e-4 * flow**2, 10.0 + 0.12 * flow)

    [first] = catalogue_records({"p1": sheet}, (), {}, 1_000)
    said = json.loads(first.body)

    assert (said["source"], said["method"], said["readings"]) == ("catalogue", "catalogue", 0)
    assert said["reason"] == "nothing was measured of it yet: this is its data sheet's curve"
    assert [point["head"] for point in said["points"]] == pytest.approx(
        [50.0 - 2e-4 * point["flow"] ** 2 for point in said["points"]], rel=1e-3
    )
    assert all(point["head_std"] > 0.05 * point["head"] for point in said["points"])
    assert list(catalogue_records({"p1": sheet}, (), {"p1": first}, 9_000)) == []
    assert list(catalogue_records({"p1": sheet}, ("p1",), {}, 9_000)) == []
    changed = Catalogue(flow, 51.0 - 2e-4 * flow**2, 10.0 + 0.12 * flow)
    assert len(list(catalogue_records({"p1": changed}, (), {"p1": first}, 9_000))) == 1


def test_a_curve_that_was_learnt_once_is_not_replaced_by_the_data_sheet() -> None:
    """Where the state is lost the last measured curve stands until there is a new one."""
    flow = np.linspace(0.0, 300.0, 7)
    sheet = Catalogue(flow, 50.0 - 2e-4 * flow**2)
    measured = PumpCurve(pump="p1", ts=0, method="physics", readings=120)

    said = list(catalogue_records({"p1": sheet}, (), {"p1": Record("curve", "p1", 0, measured.encode())}, 9_000))

    assert said == []


def settings(**more: object) -> PumpSettings:
    return PumpSettings.model_validate_json(json.dumps({"id": "p1", "header": "main"} | more))


def test_a_curve_says_how_sure_its_best_point_is_or_why_it_cannot_tell() -> None:
    """A flow of best efficiency without its uncertainty is taken for the maker's."""
    curves = learnt()
    model = curves.fit()
    assert model is not None

    said = [json.loads(each.body) for each in curve_records(model, {}, 0)]

    for each in said:
        assert ("bep_flow" in each) == ("bep_flow_std" in each) == ("bep_reason" not in each)
        assert "bep_flow" in each or each["bep_reason"].startswith("not identifiable: data stop at ")


@pytest.mark.parametrize(
    ("more", "losses", "share"),
    [
        ({}, "inside", None),
        ({"rated_power": 30.0, "drive": "fixed"}, "estimated", 0.936),
        ({"rated_power": 30.0, "drive": "fixed", "motor_efficiency": 0.95}, "known", 0.95),
        ({"rated_power": 30.0, "motor_efficiency": 0.95, "drive_efficiency": 0.98}, "known", 0.931),
    ],
)
def test_a_curve_says_what_becomes_of_the_losses(more: dict[str, object], losses: str, share: float | None) -> None:
    """Wire to water 65 %, of which motor and drive are known, estimated, or left inside: never one for the other."""
    drawn = 30.0 / (share or 1.0)
    point = CurvePoint(flow=200.0, head=40.0, power_kw=drawn, efficiency=0.65)
    said = PumpCurve(pump="p1", ts=0, method="physics", readings=120, points=(point,), bep_flow=180.0)

    found = with_plant(said, settings(**more))

    assert found.losses == losses
    assert (found.por_min, found.por_max) == pytest.approx((126.0, 216.0))
    alone = found.points[0].pump_efficiency
    assert alone is None if share is None else alone == pytest.approx(0.65 / share, abs=0.002)


def test_a_motor_that_makes_the_pump_lossless_is_not_believed() -> None:
    """An efficiency above 1 is a wrong plate, not a good pump."""
    point = CurvePoint(flow=200.0, head=40.0, power_kw=30.0, efficiency=0.92)
    said = PumpCurve(pump="p1", ts=0, method="physics", readings=120, points=(point,))

    found = with_plant(said, settings(rated_power=30.0, motor_efficiency=0.85))

    assert found.points[0].pump_efficiency is None


def test_without_a_best_point_the_preferred_region_is_the_plate_s() -> None:
    said = PumpCurve(pump="p1", ts=0, method="physics", readings=120)

    assert with_plant(said, settings(rated_flow=100.0)).por_max == pytest.approx(120.0)
    assert with_plant(said, settings()).por_max is None


def test_a_covariance_that_is_singular_to_the_last_digit_is_no_trouble() -> None:
    """Rounding may leave an eigenvalue below 0; a warning about it each five minutes would hide others."""
    model = learnt().fit()
    assert model is not None
    flat = np.outer(np.ones(7), np.ones(7)) * 1e-6
    flat[0, 0] -= 1e-7
    curves = tuple(replace(curve, covariance=flat) for curve in model.curves)

    said = [json.loads(each.body) for each in curve_records(replace(model, curves=curves), {}, 0)]

    assert [each["pump"] for each in said] == ["p1", "p2"]
