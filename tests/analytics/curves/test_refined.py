"""Pumps with their own flow meters in the station's model: nearer to the truth, no further than learnt, one sample."""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest

from analytics.curves.estimator import StationCurves
from analytics.curves.methods.candidates import candidates
from analytics.curves.methods.catalogue import Catalogue
from analytics.curves.methods.choice import Choice, choose
from analytics.curves.methods.duty import DutyPoints
from analytics.curves.methods.learners import SampledCurve
from analytics.curves.model import StationModel
from analytics.curves.points import Points
from analytics.curves.prior import Plate
from analytics.curves.refined import refined
from analytics.dispatch.saving import Sample, Way, compare
from tests.simulators.waterworks import UNLIKE, metered, operation

STATION = UNLIKE[:3]
PUMPS = ("p0", "p1", "p2")
SETS = [(0,), (1,), (2,), (0, 1), (1, 2)]


@dataclass(frozen=True)
class Learnt:
    """Three pumps with a flow meter each and one of the header."""

    joint: StationModel
    chosen: dict[str, Choice]
    points: Points
    truth: Points  # of later

    @property
    def better(self) -> StationModel:
        return refined(self.joint, self.chosen, self.points, PUMPS)


@cache
def learnt(seed: int = 0) -> Learnt:
    rng = np.random.default_rng(seed)
    true = operation(STATION, SETS, 900, rng, step_ms=600_000, every=3)
    points = metered(true, rng)
    curves = StationCurves([Plate(pump) for pump in PUMPS])
    curves.update(points)
    joint = curves.fit()
    assert joint is not None
    chosen = {pump: choose(duty(points, index), candidates(learners=False)) for index, pump in enumerate(PUMPS)}
    later = operation(STATION, SETS, 300, rng, step_ms=600_000, every=3)
    return Learnt(joint, chosen, curves.points, later)


def duty(points: Points, index: int) -> DutyPoints:
    rows = points.running[:, index] & np.isfinite(points.powers[:, index])
    columns = (points.pump_flows, points.powers, points.speeds)
    flow, power, speed = (each[rows, index] for each in columns)
    return DutyPoints(flow, points.head[rows], power, speed)


def errors(model: StationModel, truth: Points) -> tuple[float, float]:
    """Of flows and powers at the heads they had, median in %."""
    said = model.duty(truth.speeds, truth.head)
    runs = truth.running
    flow = np.abs(said.flows[runs] / truth.pump_flows[runs] - 1.0)
    power = np.abs(said.powers[runs] / truth.powers[runs] - 1.0)
    return 100.0 * float(np.median(flow)), 100.0 * float(np.median(power))


def test_metered_pumps_are_nearer_to_the_truth_than_by_the_joint_fit() -> None:
    """It flattens slopes by the noise of the meters; over these seeds it misses flows twice as much."""
    joint, better = np.zeros(2), np.zeros(2)
    for seed in (0, 1):
        joint += errors(learnt(seed).joint, learnt(seed).truth)
        better += errors(learnt(seed).better, learnt(seed).truth)

    assert better[0] < 0.65 * joint[0]
    assert better[1] < 0.8 * joint[1]


def true_saving(truth: Points, row: int, chosen: tuple[int, ...]) -> tuple[float, float]:
    """What *chosen* pumps at one speed save at the flow and head of *row*, kW, and that speed."""
    head = truth.head[row]
    low, high = 0.6, 1.15
    for _ in range(40):
        speed = np.array(0.5 * (low + high))
        flows = [float(STATION[one].flow(head, speed)) for one in chosen]
        low, high = (low, float(speed)) if sum(flows) > truth.flow[row] else (float(speed), high)
    drawn = sum(float(STATION[one].power(np.array(q), speed)) for one, q in zip(chosen, flows, strict=True))
    return float(truth.powers[row].sum()) - drawn, float(speed)


def test_a_saving_is_told_with_a_spread_that_holds_the_truth() -> None:
    """Present and proposed pumps are sampled on one station; the interval must not shrink below the error."""
    case = learnt()
    sample = Sample.of(case.better, 60, 1)
    held, missed = [], []
    for row in np.flatnonzero((case.truth.running == [True, False, False]).all(axis=1))[::4]:
        saving, speed = true_saving(case.truth, row, (1, 2))
        now = Way({"p0": float(case.truth.speeds[row, 0])}, float(case.truth.head[row]))
        said = compare(sample, now, Way({"p1": speed, "p2": speed}, now.head, frozenset({"p1", "p2"})))
        held.append(abs(said.mean - saving) <= 1.645 * said.std)
        missed.append(abs(said.mean - saving) / said.present)

    assert len(held) > 5
    assert np.mean(held) > 0.85
    assert np.median(missed) < 0.004


def test_draws_spread_as_the_curve_says_it_is_uncertain() -> None:
    """A covariance in the wrong coordinates would pass every other test and make savings too sure."""
    model = learnt().better
    draws = model.draws(200, np.random.default_rng(0))

    assert len(draws) == 200
    for curve in model.curves:
        flow = np.linspace(*curve.flow_range, 5)
        drawn = np.array([each.curve(curve.pump).head(flow, 1.0) for each in draws])
        np.testing.assert_allclose(drawn.std(axis=0), curve.head_std(flow, 1.0), rtol=0.35)
        power = np.array([each.curve(curve.pump).power(flow, 1.0) for each in draws])
        np.testing.assert_allclose(power.std(axis=0), curve.power_std(flow, 1.0), rtol=0.35)


def test_the_curve_s_uncertainty_is_the_method_s() -> None:
    """Where the method has been; further out it doubts its form, and the model goes on by the joint fit."""
    case = learnt()
    for curve in case.better.curves:
        low, high = np.clip(case.chosen[curve.pump].flow_range, *curve.flow_range).tolist()
        flow = 0.9 * np.linspace(low, high, 7)[1:-1]
        said = case.chosen[curve.pump].method.predict(flow, 0.9)
        np.testing.assert_allclose(curve.head(flow, 0.9), said.head, rtol=0.004)
        ratio = curve.head_std(flow, 0.9) / said.head_std
        assert (ratio > 0.8).all()
        assert (ratio < 1.25).all()


def test_it_goes_no_further_than_the_joint_fit() -> None:
    case = learnt()

    for better, joint in zip(case.better.curves, case.joint.curves, strict=True):
        assert (better.flow_range, better.speed_range) == (joint.flow_range, joint.speed_range)
        assert not better.supports(1.2 * joint.flow_range[1], 1.0)


def test_where_a_method_has_not_been_the_joint_fit_is_continued_from_its_end() -> None:
    """A pump that lately ran at one duty is not guessed elsewhere by a form, as long as it was seen there before."""
    case = learnt()
    low, high = case.joint.curves[0].flow_range
    narrow = replace(case.chosen["p0"], flow_range=(0.8 * high, 0.9 * high))

    found = refined(case.joint, {"p0": narrow}, case.points, PUMPS).curves[0]

    joint = case.joint.curves[0]
    ratio = float(narrow.method.predict(0.8 * high, 1.0).head) / float(joint.head(0.8 * high, 1.0))
    assert float(found.head(low, 1.0)) == pytest.approx(ratio * float(joint.head(low, 1.0)), rel=0.01)
    assert float(found.head_std(low, 1.0)) > 0.8 * float(joint.head_std(low, 1.0))
    assert found.flow_range == (low, high)


def test_a_pump_without_its_own_meter_stays_as_it_was_learnt() -> None:
    case = learnt()

    found = refined(case.joint, {"p0": case.chosen["p0"]}, case.points, PUMPS)

    assert found.curves[1:] == case.joint.curves[1:]
    np.testing.assert_array_equal(found.covariance[7:, 7:], case.joint.covariance[7:, 7:])
    assert not found.covariance[:7, 7:].any()


def test_a_curve_that_no_pump_can_have_is_not_taken() -> None:
    """It is published with its veto; an optimiser would look for the place where it is wrong."""
    case = learnt()
    rising = replace(duty(case.points, 0), head=duty(case.points, 0).head[::-1])
    choice = choose(rising.take(np.argsort(rising.flow)), {"polynomial": candidates()["polynomial"]})
    assert choice.trial.physics.is_vetoed

    found = refined(case.joint, {"p0": choice}, case.points, PUMPS)

    assert found.curves == case.joint.curves


def test_where_the_header_s_meter_contradicts_the_pumps_the_joint_fit_stands() -> None:
    """Which of them is wrong nobody knows: the joint fit weighs both, and says so in its residuals."""
    case = learnt()
    points = duty(case.points, 0)
    high = choose(replace(points, flow=1.05 * points.flow), candidates(learners=False))

    assert refined(case.joint, {"p0": high}, case.points, PUMPS) is case.joint
    silent = replace(case.points, flow=np.full_like(case.points.flow, np.nan))
    assert refined(case.joint, {"p0": high}, silent, PUMPS) is not case.joint


def test_where_a_method_that_knows_no_pumps_wins_the_best_of_the_others_is_taken() -> None:
    """The joint fit, whose slopes the meters' noise flattens, is no better for that."""
    case = learnt()
    choice = case.chosen["p0"]
    learner = SampledCurve("Gaussian process")
    trial = replace(choice.trial, name=learner.name)

    found = refined(case.joint, {"p0": replace(choice, method=learner, trials=(trial,))}, case.points, PUMPS)

    np.testing.assert_array_equal(found.curves[0].theta, case.better.curves[0].theta)


def test_without_power_meters_the_head_is_taken_and_the_power_left() -> None:
    case = learnt()
    points = duty(case.points, 0)
    unmetered = replace(points, power=np.full_like(points.power, np.nan))
    choice = choose(unmetered, candidates(learners=False))

    found = refined(case.joint, {"p0": choice}, case.points, PUMPS).curves[0]

    flow = np.linspace(*found.flow_range, 5)
    np.testing.assert_allclose(found.power(flow, 0.9), case.joint.curves[0].power(flow, 0.9), rtol=1e-6)
    np.testing.assert_allclose(found.head(flow, 0.9), choice.method.predict(flow, 0.9).head, rtol=0.006)


def test_a_data_sheet_that_won_is_taken_and_a_method_that_knows_no_pumps_is_not() -> None:
    """The latter may be nearer to noisy readings in the ranges left out; an optimiser would go where it is wrong."""
    case = learnt()
    sheet = np.linspace(100.0, 1_300.0, 9)
    known = Catalogue(sheet, STATION[0].head(sheet, np.array(1.0)), STATION[0].power(sheet, np.array(1.0)))
    points = duty(case.points, 0)
    by_sheet = choose(points, {"catalogue": candidates(known)["catalogue"]})
    by_points = choose(points.take(slice(-120, None)), {"Gaussian process": candidates()["Gaussian process"]})

    found = refined(case.joint, {"p0": by_sheet}, case.points, PUMPS)

    assert found.curves[0] is not case.joint.curves[0]
    assert found.curves[0].head_std(800.0, 1.0) > 0.0
    assert len(found.draws(50, np.random.default_rng(1))) == 50
    assert refined(case.joint, {"p0": by_points}, case.points, PUMPS).curves == case.joint.curves


def test_beyond_what_was_learnt_the_model_is_no_surer_than_the_method() -> None:
    """A parabola's covariance knows nothing of forms that are no parabola; a curve is drawn and asked there too."""
    case = learnt()
    for curve in case.better.curves:
        method = case.chosen[curve.pump].method
        low, high = curve.flow_range
        for flow in (1.1 * high, 1.2 * high, 0.85 * low):
            said = method.predict(flow, 1.0)
            ratios = (
                curve.head_std(flow, 1.0) / said.head_std,
                curve.power_std(flow, 1.0) / said.power_std,
                curve.efficiency_std(flow, 1.0) / said.efficiency_std,
            )
            assert min(ratios) > 0.9
            assert max(ratios) < 1.15
        head = curve.head(1.2 * high, 0.9)
        slope = float(curve.head(1.2 * high + 1.0, 0.9) - curve.head(1.2 * high - 1.0, 0.9)) / 2.0
        spread = float(curve.head_std(curve.flow(head, 0.9), 0.9) / -slope)
        assert float(curve.flow_std(head, 0.9)) == pytest.approx(spread, rel=0.01)


def test_a_pump_with_a_sheet_is_doubted_as_the_sheet_is_also_after_a_restart() -> None:
    """A sheet's form is known better than that of any pump: one doubt for all would be too wide or too narrow."""
    case = learnt()
    sheet = np.linspace(100.0, 1_300.0, 9)
    known = Catalogue(sheet, STATION[0].head(sheet, np.array(1.0)), STATION[0].power(sheet, np.array(1.0)))
    by_sheet = choose(duty(case.points, 0), {"catalogue": candidates(known)["catalogue"]})

    found = refined(case.joint, {"p0": by_sheet}, case.points, PUMPS)

    beyond = 1.2 * found.curves[0].flow_range[1]
    said = by_sheet.method.predict(beyond, 1.0)
    assert float(found.curves[0].head_std(beyond, 1.0)) == pytest.approx(float(said.head_std), rel=0.1)
    assert said.head_std < 0.7 * case.better.curves[0].head_std(beyond, 1.0)
    again = StationModel.from_dict(found.to_dict()).curves[0]
    assert float(again.head_std(beyond, 1.0)) == float(found.curves[0].head_std(beyond, 1.0))
