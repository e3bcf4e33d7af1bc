"""A pump's flow without a flow meter: what is claimed covers the truth, and where it cannot be told it is not."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from analytics.curves.estimator import StationCurves
from analytics.curves.model import Basis, StationModel
from analytics.curves.points import Points
from analytics.curves.prior import Plate
from analytics.curves.pump import PumpCurve
from analytics.curves.shape import PARAMETERS, Shape
from analytics.curves.virtual_flow import Unknown, VirtualFlow, virtual_flow
from tests.simulators.waterworks import UNLIKE, measured, operation

LIKELY = 1.645  # standard deviations: 90 %
PUMPS = UNLIKE[:4]
SETS = [(0, 1), (0, 2), (1, 2), (1, 3), (0, 1, 3), (2, 3)]  # none is ever alone
LEARNT, EVERY = 4_500, 7


@cache
def station() -> tuple[StationModel, Points, Points]:
    """Learnt from three days of a header's meter; truth and readings of the day after."""
    rng = np.random.default_rng(3)
    truth = operation(PUMPS, SETS, 6_000, rng)
    told = measured(truth, rng, outliers=0.0)
    learnt = measured(truth, rng).take(slice(0, LEARNT))
    curves = StationCurves([Plate(f"p{index}") for index in range(len(PUMPS))])
    curves.update(learnt)
    model = curves.fit()
    assert model is not None
    later = slice(LEARNT, None, EVERY)
    return model, truth.take(later), told.take(later)


@cache
def found(*, with_head: bool, with_power: bool) -> tuple[np.ndarray, np.ndarray, int]:
    """Relative error and claimed relative standard deviation of every flow that is told, and how many are not."""
    model, truth, told = station()
    errors, claims, unknown = [], [], 0
    for row, index in zip(*np.nonzero(truth.running), strict=True):
        flow = virtual_flow(
            model,
            f"p{index}",
            speed=float(told.speeds[row, index]),
            head=float(told.head[row]) if with_head else None,
            power=float(told.powers[row, index]) if with_power else None,
        )
        if isinstance(flow, Unknown):
            unknown += 1
            continue
        errors.append(flow.flow / truth.pump_flows[row, index] - 1.0)
        claims.append(flow.std / truth.pump_flows[row, index])
    return np.array(errors), np.array(claims), unknown


@pytest.mark.parametrize("with_power", [True, False])
def test_with_the_head_known_what_is_claimed_covers_the_truth(with_power: bool) -> None:  # noqa: FBT001
    """A header's meter alone taught it. Slow: three days are learnt from."""
    errors, claims, unknown = found(with_head=True, with_power=with_power)

    assert unknown == 0
    assert 0.85 < np.mean(np.abs(errors) < LIKELY * claims) < 0.98
    assert np.median(np.abs(errors)) < 0.01


def test_head_and_power_together_are_not_worse_than_the_head_alone() -> None:
    both, alone = (np.sqrt(np.mean(found(with_head=True, with_power=power)[0] ** 2)) for power in (True, False))

    assert both < 1.02 * alone


def test_by_power_alone_no_more_is_claimed_than_5_percent_and_that_holds() -> None:
    """The fit's own figures would claim 1 %; the motor, the water and the wear are not among them."""
    errors, claims, _ = found(with_head=False, with_power=True)

    assert claims.min() > 0.04
    assert np.mean(np.abs(errors) < LIKELY * claims) > 0.9
    assert np.median(np.abs(errors)) < 0.05


def single(power: list[float], *, flow_range: tuple[float, float] = (60.0, 120.0)) -> StationModel:
    """One pump, H = 50 - 0.002 Q² and P = b₀ + b₁ Q + b₂ Q², known well."""
    shape = Shape(np.array([44.0, 37.0, 30.0]), flow_scale=80.0, power_scale=15.0)
    theta = shape.theta(np.array([50.0, 0.0, -0.002]), np.array(power))
    covariance = np.diag(np.full(PARAMETERS, 0.003**2))
    curve = PumpCurve("p1", shape, theta, covariance, flow_range, (0.8, 1.0), 500)
    basis = Basis(500, 500, 0, 0, 1.0, 1.0, (0.1,), (0.1,), 90.0, (15.0,))
    return StationModel((curve,), covariance, 1.0, np.array([0.1]), 0.05, basis)


RISING = [6.0, 0.1, 0.0]
PEAKED = [6.4, 0.2, -0.001]  # greatest at 100 m³/h
LEVEL = [15.0, 0.002, 0.0]


def test_a_power_that_two_flows_have_is_not_told_without_the_head() -> None:
    """The peak of the power lies inside what was learnt."""
    flow = virtual_flow(single(PEAKED), "p1", speed=1.0, head=None, power=6.4 + 0.2 * 75.0 - 0.001 * 75.0**2)

    assert isinstance(flow, Unknown)
    assert flow.why == "both 71 and 135 m³/h have its power, and its head is not known"


def test_the_head_says_which_of_the_two_it_is() -> None:
    flow = virtual_flow(single(PEAKED), "p1", speed=1.0, head=50.0 - 0.002 * 75.0**2, power=15.775)

    assert isinstance(flow, VirtualFlow)
    assert flow.flow == pytest.approx(75.0, abs=0.1)
    assert flow.doubt is None


def test_a_power_that_hardly_changes_with_the_flow_tells_nothing() -> None:
    flow = virtual_flow(single(LEVEL), "p1", speed=1.0, head=None, power=15.18)

    assert isinstance(flow, Unknown)
    assert "any flow from" in flow.why


def test_a_level_power_leaves_the_flow_by_the_head_as_it_is() -> None:
    model = single(LEVEL)

    by_head = virtual_flow(model, "p1", speed=1.0, head=35.0, power=None)
    by_both = virtual_flow(model, "p1", speed=1.0, head=35.0, power=15.6)

    assert isinstance(by_head, VirtualFlow)
    assert isinstance(by_both, VirtualFlow)
    assert by_both.flow == pytest.approx(by_head.flow, rel=0.01)
    assert by_both.std > 0.9 * by_head.std


def test_head_and_power_that_contradict_each_other_are_less_sure_and_say_so() -> None:
    """A blockage, wear or a gauge: the one that is right is not known, so both are within what is claimed."""
    flow = virtual_flow(single(RISING), "p1", speed=1.0, head=50.0 - 0.002 * 85.0**2, power=6.0 + 0.1 * 100.0)

    assert isinstance(flow, VirtualFlow)
    assert flow.doubt == "by its head it is 85 m³/h, by its power 100 m³/h"
    assert flow.flow + flow.std >= 99.9


def test_beyond_what_was_learnt_it_is_less_sure() -> None:
    inside, outside = (
        virtual_flow(single(RISING, flow_range=(60.0, high)), "p1", speed=1.0, head=30.0, power=None)
        for high in (120.0, 80.0)
    )

    assert isinstance(inside, VirtualFlow)
    assert isinstance(outside, VirtualFlow)
    assert outside.flow == inside.flow
    assert outside.std > 5.0 * inside.std


def test_without_head_and_power_or_beyond_its_reach_it_is_not_told() -> None:
    model = single(RISING)

    assert virtual_flow(model, "p1", speed=1.0, head=None, power=None) == Unknown(
        "neither its head nor its power is known"
    )
    assert isinstance(virtual_flow(model, "p1", speed=0.8, head=49.0, power=None), Unknown)


def test_a_noisy_power_meter_makes_a_flow_by_power_less_sure() -> None:
    """The claim follows the readings' own noise, where that is more than the least that is claimed."""
    calm = single(RISING)
    noisy = replace(calm, power_noise=np.array([1.0]))

    sure, unsure = (virtual_flow(model, "p1", speed=1.0, head=None, power=15.0) for model in (calm, noisy))

    assert isinstance(sure, VirtualFlow)
    assert isinstance(unsure, VirtualFlow)
    assert sure.std == pytest.approx(0.05 * sure.flow)
    assert unsure.std > 1.5 * sure.std


def test_where_a_curve_is_at_its_peak_a_flow_has_a_finite_uncertainty_or_is_not_told() -> None:
    """A little more head is out of reach there, so that the curve has no slope by which an error could be told."""
    model, _, _ = station()
    curve = model.curve("p0")
    most = float(np.max(curve.head(np.linspace(1.0, curve.flow_range[1], 400), 0.9)))
    told = [virtual_flow(model, "p0", speed=0.9, head=share * most, power=60.0) for share in np.linspace(0.99, 1.0, 60)]

    assert all(isinstance(one, Unknown) or np.isfinite(one.std) for one in told)
    assert isinstance(told[-2], Unknown)
