"""The best-efficiency point: where it is, how sure that is, and when readings cannot tell."""

from dataclasses import replace

import numpy as np

from analytics.curves.best import BestPoint, best_point, learnt_best
from analytics.curves.methods.belief import PumpsInGeneral
from analytics.curves.methods.duty import DutyPoints
from analytics.curves.methods.incremental import IncrementalCurve
from tests.analytics.curves.pump import BEP, points
from tests.analytics.dispatch.learnt import Learnt, station


def found(seen: DutyPoints, low: float, high: float) -> BestPoint | str:
    """By the curve learnt from what was *seen*, over flows that they reach."""
    curve = IncrementalCurve("physics", PumpsInGeneral())
    curve.update(seen)
    flow = np.linspace(low, high, 101)
    draws = curve.efficiencies(flow, 60, np.random.default_rng(0))
    return best_point(flow, curve.predict(flow, np.ones(101)).efficiency, draws)


def test_the_best_point_is_told_with_an_uncertainty_that_holds() -> None:
    """Of 30 pumps learnt with noise the true flow lies within 1.645 standard deviations in most, and not by width."""
    said = [found(points(400, seed=k, low=0.6, high=1.3), 0.6 * BEP, 1.3 * BEP) for k in range(30)]

    told = [each for each in said if isinstance(each, BestPoint)]
    held = [abs(each.flow - BEP) <= 1.645 * each.flow_std for each in told]
    assert len(told) == 30
    assert 0.75 <= np.mean(held) <= 1.0
    assert np.median([each.flow_std for each in told]) < 0.05 * BEP


def test_many_readings_make_no_best_flow_surer_than_a_polynomial_can_tell_it() -> None:
    """By the readings' noise alone it would be known without any error; real pumps are 0.5 % off then."""
    said = found(points(4_000, seed=1, low=0.6, high=1.3), 0.6 * BEP, 1.3 * BEP)

    assert isinstance(said, BestPoint)
    assert 0.002 * BEP < said.flow_std < 0.006 * BEP


def test_data_that_stop_below_the_best_flow_cannot_tell_it() -> None:
    """The highest efficiency that was seen stands at the end of the data; a pump's best flow is beyond."""
    said = found(points(400, seed=1, low=0.4, high=0.75), 0.4 * BEP, 0.75 * BEP)

    assert isinstance(said, str)
    assert said.startswith(
        f"not identifiable: data stop at {0.75 * BEP:.4g} m³/h, and the efficiency rises up to there"
    )


def test_data_above_the_best_flow_cannot_tell_it() -> None:
    said = found(points(400, seed=1, low=1.2, high=1.5), 1.2 * BEP, 1.5 * BEP)

    assert isinstance(said, str)
    assert said.startswith(
        f"not identifiable: data stop at {1.2 * BEP:.4g} m³/h, and the efficiency falls from there on"
    )


def test_a_top_that_only_noise_has_made_is_none() -> None:
    """Near one duty the efficiency is flat: a wiggle within its uncertainty is no best point."""
    said = found(points(60, seed=3, low=0.97, high=1.03), 0.97 * BEP, 1.03 * BEP)

    assert isinstance(said, str)


def test_without_power_there_is_no_efficiency_to_look_at() -> None:
    metered = points(200, seed=1, low=0.6, high=1.3)
    blind = DutyPoints(metered.flow, metered.head, np.full(200, np.nan), metered.speed)

    assert found(blind, 0.6 * BEP, 1.3 * BEP) == "not identifiable: the power is not measured"


def test_a_learnt_curve_tells_its_top_only_where_its_fit_does() -> None:
    """The joint fit's own draws decide: known well 167 m³/h, known badly or seen on one side only nothing."""
    known = station([Learnt("a")]).curves[0]

    told = learnt_best(known)

    assert isinstance(told, BestPoint)
    assert abs(told.flow - 167.0) < 2.0
    assert 0.2 < told.flow_std < 5.0
    assert isinstance(learnt_best(station([Learnt("a", doubt=0.2)]).curves[0]), str)
    assert isinstance(learnt_best(replace(known, flow_range=(120.0, 140.0))), str)
