"""What a pump's curve and a station's model promise to those who ask them."""

import json
from dataclasses import replace

import numpy as np
import pytest

from analytics.curves.model import Basis, PumpCurve, StationModel
from analytics.curves.shape import Shape

HEAD = np.array([60.0, 0.005, -2e-5])  # m; peak at 125 m³/h, 42.5 m at 1,069 m³/h
POWER = np.array([60.0, 0.12, -2e-5])


def curve(pump: str = "p1") -> PumpCurve:
    """A pump whose flow is known to about 2 %."""
    shape = Shape(np.array([56.0, 50.0, 44.0]), flow_scale=900.0, power_scale=130.0)
    theta = shape.theta(HEAD, POWER, 2.0)
    covariance = np.diag([0.02, 0.01, 0.1, 0.005, 0.005, 0.005, 0.001]) ** 2
    return PumpCurve(pump, shape, theta, covariance, (500.0, 900.0), (0.8, 1.0), n=100)


def station() -> StationModel:
    """Two such pumps whose shares are confused: what one has too much the other has too little."""
    one, two = curve("p1"), curve("p2")
    covariance = np.zeros((14, 14))
    covariance[:7, :7], covariance[7:, 7:] = one.covariance, two.covariance
    for i in range(3):
        covariance[i, 7 + i] = covariance[7 + i, i] = -0.99 * one.covariance[i, i]
    nan = float("nan")
    basis = Basis(200, 500, 1_000, 2_000, 5.0, 6.0, (0.5, nan), (0.6, nan))
    return StationModel((one, two), covariance, 6.0, np.array([0.6, 0.0]), 0.05, basis)


def test_coefficients_are_those_of_the_formula() -> None:
    """What is published must be what the methods compute."""
    pump = curve()

    assert pump.head_coefficients == pytest.approx(HEAD, rel=1e-6)
    assert pump.power_coefficients == pytest.approx(POWER, rel=1e-6)
    assert float(pump.head(450.0, 0.9)) == pytest.approx(0.81 * (60.0 + 0.005 * 500.0 - 2e-5 * 500.0**2))
    assert float(pump.power(450.0, 0.9)) == pytest.approx(0.729 * (60.0 + 0.12 * 500.0 - 2e-5 * 500.0**2) + 2.0)


def test_flow_is_the_inverse_of_head_on_the_falling_side() -> None:
    """The curve rises to 125 m³/h first: at 60.2 m there are two flows, and the pump runs at the greater one."""
    pump = curve()
    flows = np.array([[200.0, 500.0], [700.0, 900.0]])

    assert pump.flow(pump.head(flows, 0.95), 0.95) == pytest.approx(flows)
    assert float(pump.flow(60.2, 1.0)) > 125.0


def test_a_question_without_an_answer_is_nan() -> None:
    """Head above what the pump reaches at that speed, and a pump that does not turn."""
    pump = curve()

    found = pump.flow([45.0, 45.0, 45.0], [1.0, 0.7, 0.0])

    assert np.isnan(found).tolist() == [False, True, True]
    assert np.isnan(pump.efficiency(500.0, 0.0))


def test_uncertainty_is_what_samples_of_the_parameters_show() -> None:
    """First-order standard deviations against 4,000 samples."""
    pump = curve()
    rng = np.random.default_rng(0)
    samples = [pump.at(rng.multivariate_normal(pump.theta, pump.covariance)) for _ in range(4_000)]

    for quantity in ("head", "power", "efficiency"):
        sampled = np.std([getattr(sample, quantity)(700.0, 0.9) for sample in samples])
        assert float(getattr(pump, f"{quantity}_std")(700.0, 0.9)) == pytest.approx(sampled, rel=0.06)
    sampled = np.std([sample.flow(45.0, 0.98) for sample in samples])
    assert float(pump.flow_std(45.0, 0.98)) == pytest.approx(sampled, rel=0.06)


def test_support_is_inside_flows_and_speeds_that_were_learnt_from() -> None:
    """φ = Q/s counts, not Q; outside is outside in either."""
    pump = curve()

    inside = pump.supports([700.0, 480.0, 480.0, 700.0, np.nan], [1.0, 1.0, 0.8, 0.6, 1.0])

    assert inside.tolist() == [True, False, True, False, False]
    assert station().supports("p2", 700.0, 1.0)
    assert not station().supports("p9", 700.0, 1.0)


def test_a_total_is_known_better_than_its_parts() -> None:
    """Anti-correlated shares: adding the pumps' own deviations would say 8 times too much."""
    found = station().predict([0.95, 0.95], 45.0)

    from_parameters = np.sqrt(found.flow_std**2 - 6.0**2)
    assert from_parameters < 0.6 * found.flows_std[0]
    assert float(found.flow) == pytest.approx(float(found.flows.sum()))


def test_draws_keep_the_total_and_move_the_shares() -> None:
    """Two operations compared on one draw share its error; on means and deviations alone they would not."""
    draws = station().draws(200, np.random.default_rng(1))

    flows = np.array([draw.duty([0.95, 0.95], 45.0).flows for draw in draws])
    assert flows.sum(axis=1).std() < 0.2 * flows[:, 0].std()
    assert flows[:, 0].std() == pytest.approx(float(station().curves[0].flow_std(45.0, 0.95)), rel=0.15)


def test_draws_of_one_seed_stay_the_same_stations_when_a_fit_is_renewed() -> None:
    """Savings of advice before and after a fit are added draw by draw.

    The axes of what is equally uncertain of two pumps point anywhere, and elsewhere after each fit.
    """
    one = curve("p1").covariance
    alike = np.block([[one, np.zeros((7, 7))], [np.zeros((7, 7)), one]])
    moved = np.random.default_rng(3).standard_normal((14, 14))
    moved = 1e-3 * (moved + moved.T) * np.sqrt(np.outer(np.diag(alike), np.diag(alike)))
    before, after = replace(station(), covariance=alike), replace(station(), covariance=alike + moved)

    pairs = zip(before.draws(50, np.random.default_rng(1)), after.draws(50, np.random.default_rng(1)), strict=True)
    flows = np.array([[float(one.duty([0.95, 0.95], 45.0).flows[0]) for one in pair] for pair in pairs])
    assert np.corrcoef(flows.T)[0, 1] > 0.99


def test_draws_are_physical_however_wide_the_uncertainty() -> None:
    """A pump whose head rises with flow would make an optimiser dream."""
    wide = station()
    wide = replace(wide, covariance=100.0 * wide.covariance)

    for draw in wide.draws(50, np.random.default_rng(2)):
        for pump in draw.curves:
            flows = np.linspace(pump.shape.flows(pump.theta)[0], pump.shape.flows(pump.theta)[2], 20)
            assert (np.diff(pump.head(flows, 1.0)) < 0.0).all()
            assert (pump.power(np.linspace(*pump.flow_range, 20), 1.0) > 0.0).all()


def test_a_stopped_pump_delivers_draws_and_costs_nothing() -> None:
    """Also where its speed is not a number, and its curve's constant power must not appear."""
    found = station().predict([[0.95, 0.0], [0.95, np.nan]], [45.0, 45.0])

    assert (found.flows[:, 1] == 0.0).all()
    assert (found.powers[:, 1] == 0.0).all()
    assert (found.power_std[:, 1] == 0.0).all()


def test_a_model_survives_json() -> None:
    """It is kept between runs and read by the dispatch job; NaN must not be in it."""
    before = station()

    after = StationModel.from_dict(json.loads(json.dumps(before.to_dict(), allow_nan=False)))

    assert after.predict([0.9, 0.95], 44.0).flow_std == before.predict([0.9, 0.95], 44.0).flow_std
    assert after.pumps == ("p1", "p2")
    assert after.basis.first_ms == 1_000
    assert np.isnan(after.basis.power_rmse[1])


def test_another_format_is_refused() -> None:
    """A newer agent's state must not be read as ours."""
    with pytest.raises(ValueError, match="format 2"):
        StationModel.from_dict(station().to_dict() | {"format": 2})
