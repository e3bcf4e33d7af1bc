"""What a model's form misses of the pumps, told from noise."""

import json

import numpy as np
import pytest

from analytics.curves.basis import Basis
from analytics.curves.estimator import StationCurves
from analytics.curves.misfit import Misfit, Said, misfit
from analytics.curves.model import StationModel
from analytics.curves.points import Points
from analytics.curves.prior import Plate
from analytics.hydraulics import Floats
from tests.simulators.waterworks import UNLIKE, metered, operation

RANGES = np.array([[400.0, 800.0]])


def looked_at(off: Floats, head: Floats, *, outliers: int = 0) -> Misfit:
    """One pump at 600 m³/h, whose power and flow are measured *off* by such shares."""
    n, rng = len(off), np.random.default_rng(2)
    said = np.full((n, 1), 600.0)
    wrong = np.zeros(n)
    wrong[rng.choice(n, outliers, replace=False)] = 0.4
    shown = said * (1.0 + off + wrong)[:, np.newaxis]
    points = Points(np.arange(n), np.ones((n, 1), bool), np.ones((n, 1)), head, shown[:, 0], shown / 10.0, shown)
    return misfit(points, by_flow(said, -3.0 * said), RANGES)


def by_flow(flows: Floats, slopes: Floats) -> Said:
    """Of pumps that need 0.1 kW for each m³/h, however much they deliver."""
    return Said(flows, slopes, flows / 10.0, 1.01 * flows, 1.01 * flows / 10.0)


def test_noise_is_no_misfit_however_much_there_is() -> None:
    """A per cent of noise on 1,200 readings: the means of six groups of 200 are still 0.07 % apart by chance."""
    rng = np.random.default_rng(1)

    found = looked_at(0.01 * rng.standard_normal(1_200), rng.uniform(30.0, 40.0, 1_200))

    assert found.powers[0] < 0.001
    assert found.total < 0.0004


@pytest.mark.parametrize("outliers", [0, 12])
def test_what_goes_together_at_like_heads_is_the_form_s(outliers: int) -> None:
    """A bend of 0.5 % (rms) below noise of 1 %; flow is told as the share of head that a flat curve turns into it."""
    rng = np.random.default_rng(1)
    head = rng.uniform(30.0, 40.0, 1_200)

    found = looked_at(bend(head, 0.005) + 0.01 * rng.standard_normal(1_200), head, outliers=outliers)

    assert found.powers[0] == pytest.approx(0.005, rel=0.2)
    assert found.total == pytest.approx(0.005 / 3.0, rel=0.2)
    assert found.heads[0] == pytest.approx(0.005 / 3.0, rel=0.2)


def test_what_is_not_measured_has_no_misfit() -> None:
    """Not 0: nobody has looked."""
    found = looked_at(np.full(100, np.nan), np.linspace(30.0, 40.0, 100))

    assert np.isnan([found.total, *found.heads, *found.powers, *found.works, found.lasts]).all()
    assert found.lack == 1.0


def bend(head: Floats, size: float) -> Floats:
    """What goes with the head, by so much rms."""
    return np.asarray(size * np.sqrt(2.0) * np.sin(2.0 * np.pi * (head - 30.0) / 10.0))


def test_flow_and_power_that_are_missed_together_cost_nothing_for_the_flow() -> None:
    """A pump that delivers 0.5 % more at its speed, and draws 0.5 % more, draws at the same flow what is said."""
    rng = np.random.default_rng(1)
    head = rng.uniform(30.0, 40.0, 1_200)

    found = looked_at(bend(head, 0.005), head)

    assert found.powers[0] == pytest.approx(0.005, rel=0.2)
    assert found.works[0] < 0.0003


@pytest.mark.parametrize("own", [True, False])
def test_power_for_the_flow_is_told_by_each_pump_s_own_meters_or_else_by_the_header_s(own: bool) -> None:  # noqa: FBT001
    """1 % of the second pump only; without a flow meter of its own either pump may be the one."""
    rng = np.random.default_rng(1)
    head = rng.uniform(30.0, 40.0, 2_400)
    said = np.full((2_400, 2), 600.0)
    powers = 60.0 * (
        1.0 + np.column_stack([np.zeros(2_400), bend(head, 0.01)]) + 0.005 * rng.standard_normal((2_400, 2))
    )
    ones = np.ones((2_400, 2))
    shown = said if own else np.nan * said
    points = Points(np.arange(2_400), ones > 0, ones, head, said.sum(axis=1), powers, shown)

    found = misfit(points, by_flow(said, -3.0 * said), np.repeat(RANGES, 2, axis=0))

    assert found.works == pytest.approx((0.0, 0.01) if own else (0.01 / np.sqrt(2.0),) * 2, abs=0.0015)


def test_points_that_are_off_together_tell_a_fit_no_more_than_few_would() -> None:
    """Means of 200 scatter by 0.5 % where their noise of 1 % leaves 0.07 %: 50 times the variance, else once."""
    rng = np.random.default_rng(1)
    head = rng.uniform(30.0, 40.0, 1_200)
    noise = 0.01 * rng.standard_normal(1_200)
    said = np.full((1_200, 1), 600.0)
    ones = np.ones((1_200, 1))

    for off, lack in ((bend(head, 0.005), 45.0), (np.zeros(1_200), 1.0)):
        power = 60.0 * (1.0 + off + noise)[:, np.newaxis]
        points = Points(np.arange(1_200), ones > 0, ones, head, said[:, 0], power, np.nan * said)

        assert misfit(points, by_flow(said, -3.0 * said), RANGES).lack == pytest.approx(lack, rel=0.3, abs=1.5)


def test_readings_that_repeat_themselves_make_no_fit_doubtful() -> None:
    """Pumps of fixed speed and meters that round: what the rounding leaves is no noise to hold a deviation against."""
    rng = np.random.default_rng(1)
    head = rng.uniform(30.0, 40.0, 1_200)
    said = np.full((1_200, 1), 600.3)
    ones = np.ones((1_200, 1))

    for off in (0.0, 1e-6 * rng.standard_normal((1_200, 1))):
        shown = np.round(said)
        points = Points(np.arange(1_200), ones > 0, ones, head, shown[:, 0], 60.0 * ones + off, np.nan * said)

        assert misfit(points, by_flow(said, -3.0 * said), RANGES).lack < 20.0


def test_what_lasts_for_a_time_is_told_from_what_goes_with_the_head() -> None:
    """Two fifths of the time with 1 % more power than the others, at whatever head."""
    rng = np.random.default_rng(1)
    head = rng.uniform(30.0, 40.0, 1_200)
    later = np.where(np.arange(1_200) < 720, -0.4, 0.6)
    said = np.full((1_200, 1), 600.0)
    ones = np.ones((1_200, 1))

    for off, lasts in ((0.01 * later, 0.01 * np.sqrt(0.24)), (bend(head, 0.005), 0.0)):
        power = 60.0 * (1.0 + off + 0.01 * rng.standard_normal(1_200))[:, np.newaxis]
        points = Points(np.arange(1_200), ones > 0, ones, head, said[:, 0], power, np.nan * said)

        assert misfit(points, by_flow(said, -3.0 * said), RANGES).lasts == pytest.approx(lasts, rel=0.15, abs=0.001)


def test_speeds_are_known_by_the_flow_at_which_they_were_seen() -> None:
    """A demand that is met at a steady head: little flow was only ever seen at low speed."""
    speed = np.linspace(0.7, 1.0, 600)[:, np.newaxis]
    phi = 400.0 + 400.0 * (speed - 0.7) / 0.3
    points = Points(np.arange(600), speed > 0, speed, np.full(600, 35.0), (phi * speed)[:, 0], phi, phi * speed)

    (bands,) = misfit(points, by_flow(phi * speed, -phi), RANGES).bands

    assert bands[0] == pytest.approx((0.70, 0.76), abs=0.005)
    assert bands[-1] == pytest.approx((0.94, 1.00), abs=0.005)


def test_it_is_part_of_what_is_learnt_and_kept_with_it() -> None:
    """After a restart an interval is as wide as before."""
    rng = np.random.default_rng(3)
    curves = StationCurves([Plate(name) for name in ("a", "b")])
    curves.update(metered(operation(UNLIKE[:2], [(0,), (1,), (0, 1)], 300, rng), rng))
    model = curves.fit()
    assert model is not None

    again = StationModel.from_dict(json.loads(json.dumps(model.to_dict())))

    assert 0.0 <= model.basis.misfit.powers[0] < 0.02
    assert again.basis.misfit == model.basis.misfit
    assert np.array_equal(again.without_form.covariance, model.without_form.covariance)
    assert (np.diag(model.without_form.covariance) < np.diag(model.covariance))[[0, 3, 4, 5]].all()


def test_a_model_that_was_kept_before_misfits_were_looked_at_is_read() -> None:
    """An upgrade must not lose the curves."""
    rng = np.random.default_rng(3)
    curves = StationCurves([Plate("a")])
    curves.update(metered(operation(UNLIKE[:1], [(0,)], 200, rng), rng))
    model = curves.fit()
    assert model is not None
    kept = model.to_dict()
    del kept["form"], kept["basis"]["misfit"]

    again = StationModel.from_dict(kept)

    assert again.basis.misfit == Basis(1, 1, 0, 0, 0.0, 0.0, (), ()).misfit
    assert np.array_equal(again.without_form.covariance, again.covariance)
