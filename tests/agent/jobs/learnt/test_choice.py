"""The curve of a pump with its own flow meter: by which method it is drawn, and what is published of that."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from agent.jobs.archive import packed, unpacked
from agent.jobs.learnt.choice import LEAST_POINTS, choices, duty_points, taught
from agent.jobs.learnt.plant_figures import with_plant
from agent.jobs.learnt.records import catalogue_records, curve_records
from agent.jobs.learnt.state import CurveState, HeaderCurves, restored
from agent.mqtt.payloads import CurvePoint, PumpCurve
from agent.plant import PumpSettings
from agent.store.records import Record
from analytics.curves.estimator import StationCurves
from analytics.curves.methods.catalogue import Catalogue
from analytics.curves.methods.metered import MEMORY, OwnMeter
from analytics.curves.points import Points
from analytics.curves.prior import Plate
from tests.simulators.waterworks import UNLIKE, Worn, operation

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


def meters(points: Points) -> dict[str, OwnMeter]:
    """What the pumps' own meters say of *points*."""
    found: dict[str, OwnMeter] = {}
    taught(found, points, ("p1", "p2"))
    return found


def published(curves: StationCurves, now_ms: int = 0) -> dict[str, dict[str, Any]]:
    """What is said of each pump."""
    model = curves.fit()
    assert model is not None
    chosen = choices(meters(curves.points), {}, now_ms)
    return {each.key: json.loads(each.body) for each in curve_records(model, chosen, now_ms)}


def test_a_pump_with_its_own_meter_is_drawn_by_the_method_that_won_and_says_why() -> None:
    """The other shares the header's meter: its flow is only inferred, by the joint fit. All methods take seconds."""
    said = published(learnt())

    assert said["p1"]["method_reason"].startswith(f"{said['p1']['method']} misses flow ranges it has not seen by ")
    assert "random forest" in said["p1"]["method_reason"]
    assert (said["p2"]["method"], said["p2"].get("method_reason")) == ("affinity parabolas, joint robust fit", None)
    assert said["p1"]["physics_score"] == 1.0
    assert 0.0 < said["p1"]["head_mae"] < said["p1"]["head_rmse"] < said["p1"]["head_worst"]
    assert 0.5 < said["p1"]["power_r2"] <= 1.0
    assert 0.0 < said["p1"]["power_mae"] < said["p1"]["power_rmse"] < said["p1"]["power_worst"]
    assert (said["p1"]["left_out"], said["p2"]["left_out"]) == ("flow_ranges", "time_blocks")
    for point in said["p1"]["points"]:
        truth = STATION[0].head(np.array(point["flow"]), np.array(1.0))
        assert abs(point["head"] / truth - 1.0) < 0.01
    a0, a1, a2 = said["p1"]["head_coefficients"]
    drawn = np.array([[point["flow"], point["head"]] for point in said["p1"]["points"]])
    np.testing.assert_allclose(a0 + a1 * drawn[:, 0] + a2 * drawn[:, 0] ** 2, drawn[:, 1], rtol=0.005)


def test_a_pump_that_shares_a_meter_says_what_was_missed_in_time_left_out() -> None:
    model = learnt(90).fit()
    assert model is not None

    said = [json.loads(each.body) for each in curve_records(model, {}, 0)]

    for each, missed in zip(said, model.basis.missed, strict=True):
        assert each["left_out"] == "time_blocks"
        assert [each[f"head_{name}"] for name in ("r2", "rmse", "mae", "worst")] == list(missed.head)
        assert [each[f"power_{name}"] for name in ("r2", "rmse", "mae", "worst")] == list(missed.power)
        assert each["physics_score"] == 1.0
    earlier = replace(model, basis=replace(model.basis, missed=()))
    old = [json.loads(each.body) for each in curve_records(earlier, {}, 0)]
    assert all("left_out" not in each and "head_r2" not in each for each in old)


@pytest.mark.parametrize("knots", [(0.4, 0.4, 0.4), (1.0, 0.3, 1.0)])
def test_a_joint_curve_that_no_pump_has_scores_less(knots: tuple[float, float, float]) -> None:
    """By its power an efficiency above 0.92, or one with two peaks; without a power meter there is none to judge."""
    model = learnt(90).fit()
    assert model is not None
    curve = model.curves[1]
    theta = curve.theta * np.array([1.0, 1.0, 1.0, *knots, 1.0])
    wrong = replace(model, curves=(model.curves[0], curve.at(theta)))
    nobody = replace(wrong, basis=replace(wrong.basis, power_rmse=(np.nan, np.nan)))

    said, unmetered = (
        [json.loads(each.body)["physics_score"] for each in curve_records(one, {}, 0)] for one in (wrong, nobody)
    )

    assert said[0] == 1.0
    assert said[1] < 0.96
    assert unmetered == [1.0, 1.0]


def test_methods_that_know_no_pumps_take_part_in_turn() -> None:
    """Two metered pumps, one turn an hour each: comparing all for every pump at every run would not fit its budget.

    A data sheet takes part always, and only for its own pump.
    """
    rng = np.random.default_rng(6)
    points = operation(STATION, [(0,), (1,)], 240, rng, step_ms=600_000, every=1)
    before = {"p1": "physics", "p2": "Gaussian process"}
    flow = np.linspace(0.0, 350.0, 8)
    sheet = Catalogue(flow, STATION[1].head(flow, np.ones(8)))

    found = choices(meters(points), before, 0, {"p2": sheet})

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
    assert choices(meters(curves.points), {}, 0) == {}


def test_the_method_that_won_is_kept_between_runs() -> None:
    curves = learnt(30)
    state = CurveState({"main": HeaderCurves(curves, methods={"p1": "Gaussian process"})}).encode()

    kept = restored(state, {"main": PLATES}).headers["main"]

    assert kept.methods == {"p1": "Gaussian process"}
    assert kept.estimator.pumps == ("p1", "p2")


def metered(n: int, *, seed: int = 3, step_ms: int = 15_000) -> Points:
    """One pump at one duty, fixed speed, noise of 1 % on all meters: what thinning by heads would make a cloud of."""
    rng = np.random.default_rng(seed)
    flow, one = 900.0 * rng.uniform(0.95, 1.05, n), np.ones(n)
    values = np.stack([flow, STATION[0].head(flow, one), STATION[0].power(flow, one)])
    flow, head, power = values * rng.normal(1.0, 0.01, values.shape)
    none = np.full((n, 1), np.nan)
    return Points(
        times_ms=step_ms * np.arange(1, n + 1),
        running=np.repeat([[True, False]], n, axis=0),
        speeds=np.ones((n, 2)),
        head=head,
        flow=np.full(n, np.nan),
        powers=np.hstack([power[:, None], none]),
        pump_flows=np.hstack([flow[:, None], none]),
    )


def curves_of(points: Points, portion: int) -> HeaderCurves:
    """Learnt in portions, with the state written and read after each."""
    kept = HeaderCurves(StationCurves(PLATES))
    for begin in range(0, len(points), portion):
        kept.learn(points.take(slice(begin, begin + portion)), {})
        kept = restored(CurveState({"main": kept}).encode(), {"main": PLATES}).headers["main"]
    return kept


def test_running_sums_outlive_a_restart() -> None:
    """Of one kind of operation the joint fit keeps few points, and by their heads: they make a cloud of noise."""
    points = metered(1_500)
    whole = HeaderCurves(StationCurves(PLATES))
    whole.learn(points, {})

    kept = curves_of(points, 300)

    assert kept.meters["p1"].seen == 1_500
    assert (kept.estimator.points.running[:, 0]).sum() < 500
    flow = np.linspace(860.0, 940.0, 5)
    said, expected = (each.meters["p1"].curves()["physics"].predict(flow, 1.0) for each in (kept, whole))
    np.testing.assert_allclose(said.head, expected.head, rtol=5e-4)
    np.testing.assert_allclose(said.head, STATION[0].head(flow, np.ones(5)), rtol=2e-3)


def test_another_exponent_changes_what_is_expected_at_other_speeds_and_begins_the_sums_anew() -> None:
    """By another law the readings so far would have been other ones at rated speed; the sample is still there."""
    before = HeaderCurves(StationCurves(PLATES))
    before.learn(metered(600), {})
    state = CurveState({"main": before}).encode()

    same, bare = (restored(state, {"main": PLATES}, exponent).headers["main"] for exponent in (0.1, 0.0))

    known = [each.meters["p1"].curves()["physics"] for each in (same, bare)]
    assert [round(curve.readings) > 500 for curve in known] == [True, False]
    rated = [float(curve.predict(900.0, 1.0).efficiency) for curve in known]
    slower = [float(curve.predict(720.0, 0.8).efficiency) for curve in known]
    assert slower[0] == pytest.approx(1.0 - (1.0 - rated[0]) * 0.8**-0.1, abs=1e-3)
    assert slower[1] == pytest.approx(rated[1], abs=1e-3)
    chosen = choices(bare.meters, {"p1": "physics"}, HOUR_MS)
    assert float(chosen["p1"].method.predict(720.0, 0.8).efficiency) == pytest.approx(slower[1], abs=0.01)


def test_a_portion_costs_and_keeps_no_more_after_many() -> None:
    """The state is what is written every five minutes for years."""
    few, many = curves_of(metered(1_000), 1_000), HeaderCurves(StationCurves(PLATES))
    many.learn(metered(12_000), {})

    size = [sum(each.nbytes for each in one.meters["p1"].arrays().values()) for one in (few, many)]

    assert size[1] <= size[0] < 60_000
    assert len(many.meters["p1"].points) <= 400
    assert many.meters["p1"].curves()["physics"].readings <= MEMORY


def test_history_that_comes_late_is_not_taken_for_news() -> None:
    """It comes newest first: without a rule the pump as it was two years ago would be the one of today."""
    own = OwnMeter()
    now = metered(int(MEMORY) + 500)
    old = metered(6_000, seed=4)
    worn = duty_points(now, 0)
    own.update(now.times_ms + 10**9, worn)
    before = own.curves()["physics"].predict(900.0, 1.0).head

    own.update(old.times_ms, replace(duty_points(old, 0), head=1.1 * duty_points(old, 0).head))

    assert float(own.curves()["physics"].predict(900.0, 1.0).head) == pytest.approx(float(before))
    young = OwnMeter()
    young.update(now.times_ms[:50] + 10**9, worn.take(slice(0, 50)))
    young.update(old.times_ms, duty_points(old, 0))
    assert young.seen == 6_050


def test_a_corrected_data_sheet_begins_anew_and_leaves_the_others() -> None:
    flow = np.linspace(100.0, 1_300.0, 9)
    sheet = Catalogue(flow, STATION[0].head(flow, np.ones(9)))
    own = OwnMeter()
    points = metered(500)
    own.update(points.times_ms, duty_points(points, 0), sheet)
    physics = own.curves(sheet)["physics"].readings

    found = own.curves(replace(sheet, head=1.05 * sheet.head))

    assert found["physics"].readings == physics
    assert 0.0 < found["catalogue"].readings <= 400
    assert set(own.curves()) == {"physics", "polynomial"}


def test_sums_that_cannot_be_read_are_learnt_again_from_what_is_kept() -> None:
    kept = curves_of(metered(500), 500)
    meta, arrays = unpacked(CurveState({"main": kept}).encode()) or ({}, {})
    del arrays["0.meters.0.physics.heads"]

    found = restored(packed(meta, arrays), {"main": PLATES}).headers["main"]

    assert found.meters == {}
    found.learn_anew({})
    assert found.meters["p1"].seen == len(duty_points(found.estimator.points, 0))


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


def test_the_efficiency_of_the_pump_alone_is_by_the_head_between_its_flanges() -> None:
    """Of 42 m behind the pump 2 are lost in its branch: they are the pump's work, and no loss of the pump."""
    point = CurvePoint(flow=200.0, head=40.0, power_kw=30.0, efficiency=0.65)
    said = PumpCurve(pump="p1", ts=0, method="physics", readings=120, points=(point,))
    branch = {"rated_flow": 100.0, "branch_loss": 0.5}

    inside, known = (with_plant(said, settings(**branch, **more)).points[0] for more in ({}, MOTOR))
    bare = with_plant(said, settings(rated_flow=100.0, **MOTOR)).points[0]
    bores = with_plant(said, settings(suction_bore=200.0, discharge_bore=150.0)).points[0]

    assert (known.head, known.efficiency) == (40.0, 0.65)
    assert (inside.pump_head, known.pump_head, bare.pump_head) == (42.0, 42.0, None)
    assert inside.pump_efficiency is None
    assert bare.pump_efficiency == pytest.approx(0.65 / 0.95, abs=0.002)
    assert known.pump_efficiency == pytest.approx(0.65 * 42.0 / 40.0 / 0.95, abs=0.002)
    assert bores.pump_head == pytest.approx(40.0 + 0.5039 - 0.1594, abs=1e-3)


MOTOR = {"rated_power": 30.0, "drive": "fixed", "motor_efficiency": 0.95}


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


def test_a_blockage_of_25_minutes_costs_no_points_of_the_choice_or_the_joint_fit() -> None:
    """A pump that lost a tenth of its head looks replaced for as long; its neighbour's points are no worse either."""
    kept, rng, pumps = HeaderCurves(StationCurves([Plate("p1"), Plate("p2")])), np.random.default_rng(1), UNLIKE[:2]
    blocked = (Worn.of(pumps[0], 0.1), pumps[1])
    begin_ms = 0
    for running, count in ((pumps, 600), (blocked, 100), (pumps, 120)):
        truth = operation(running, [(0, 1)], count, rng, step_ms=15_000, every=20)
        points = replace(
            truth,
            times_ms=truth.times_ms - truth.times_ms[0] + begin_ms,
            pump_flows=truth.pump_flows * rng.normal(1.0, 0.005, truth.pump_flows.shape),
            head=truth.head * rng.normal(1.0, 0.003, count),
        )
        begin_ms += 15_000 * count
        for begin in range(0, count, 40):
            kept.learn(points.take(slice(begin, begin + 40)), {})

    seen = kept.estimator.points
    assert np.count_nonzero(seen.times_ms < 600 * 15_000) > 400
    assert all(len(own.points) == 400 for own in kept.meters.values())
