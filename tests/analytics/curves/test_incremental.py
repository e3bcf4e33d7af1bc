"""Curves from running sums: right where the data are, sane beyond, robust, and of constant size."""

import pickle

import numpy as np
import pytest

from analytics.curves.methods.belief import Nothing, PumpsInGeneral
from analytics.curves.methods.duty import DutyPoints
from analytics.curves.methods.incremental import IncrementalCurve
from analytics.curves.methods.memory import RECENT, Memory
from tests.analytics.curves.pump import BEP, catalogue, efficiency, head, points, power

AT = np.linspace(0.6, 1.1, 11) * BEP


def physics(memory: float | None = None) -> IncrementalCurve:
    return IncrementalCurve("physics", PumpsInGeneral(), memory=memory)


def test_head_power_and_efficiency_are_right_where_the_data_are() -> None:
    curve = physics()

    curve.update(points(600))

    found = curve.predict(AT, 1.0)
    np.testing.assert_allclose(found.head, head(AT), rtol=0.004)
    np.testing.assert_allclose(found.power, power(AT), rtol=0.004)
    np.testing.assert_allclose(found.efficiency, efficiency(AT), atol=0.004)


def test_a_reading_at_another_speed_teaches_the_curve_of_the_rated_one() -> None:
    """With the bare affinity laws the efficiency at rated speed would be 0.4 points too low: readings are at 0.8."""
    curve = physics()

    curve.update(points(3000, slowest=0.7, noise=0.003))

    np.testing.assert_allclose(curve.predict(AT, 1.0).efficiency, efficiency(AT), atol=0.002)
    np.testing.assert_allclose(curve.predict(0.75 * AT, 0.75).efficiency, efficiency(0.75 * AT, 0.75), atol=0.002)
    np.testing.assert_allclose(curve.predict(0.75 * AT, 0.75).head, head(0.75 * AT, 0.75), rtol=0.002)


def test_beyond_the_data_physics_keeps_what_a_polynomial_loses() -> None:
    """Near one duty a cubic has nothing to hold it; what pumps have in common holds the other."""
    free = IncrementalCurve("polynomial", Nothing(3), is_physical=False)
    held, seen = physics(), points(600, low=0.9, high=1.0)

    free.update(seen)
    held.update(seen)

    beyond = np.array([1.2 * BEP])
    off = [float(np.abs(each.predict(beyond, 1.0).head / head(beyond) - 1.0)[0]) for each in (free, held)]
    assert off[1] < 0.03
    assert off[1] < 0.3 * off[0]


@pytest.mark.parametrize("noise", [0.003, 0.01])
@pytest.mark.parametrize("slowest", [1.0, 0.7])
def test_a_pump_of_one_duty_that_then_moves_is_known_at_once(slowest: float, noise: float) -> None:
    """What the curve itself missed of duties it had not seen is no noise of the flow meter, on which both would be off.

    Taken for it, the head was 6 % wrong 400 readings later, and said to be known to a few tenths of a percent.
    """
    curve, rng = physics(4_000.0), np.random.default_rng(5)
    for seed in range(20):
        curve.update(points(200, low=0.999, high=1.001, seed=seed, noise=noise))
    before = curve.flow_noise

    for seed in range(15):
        speed = float(rng.uniform(slowest, 1.0))
        curve.update(points(40, low=0.8, high=1.1, slowest=speed, seed=100 + seed, noise=noise))

    at = np.array([0.8, 0.9, 1.0, 1.1]) * BEP
    np.testing.assert_allclose(curve.predict(at, 1.0).head, head(at), rtol=0.01)
    assert before == pytest.approx(noise, rel=0.4)
    assert curve.flow_noise == pytest.approx(noise, rel=0.4)


def test_a_catalogue_is_bent_to_a_worn_pump_also_where_no_reading_was() -> None:
    """Taking the catalogue as it is would be 5 % too high, fitting without it knows little at 130 %."""
    curve = IncrementalCurve("catalogue", catalogue())

    curve.update(points(600, low=0.9, high=1.0, worn=0.05))

    wide = np.linspace(0.7, 1.3, 7) * BEP
    np.testing.assert_allclose(curve.predict(wide, 1.0).head, 0.95 * head(wide), rtol=0.025)


def test_noise_of_the_flow_is_found_from_head_and_power_together() -> None:
    """It moves a reading off both curves at once; uncorrected, the slope near one duty would be too flat by a sixth."""
    curve = physics()

    curve.update(points(20_000, low=0.9, high=1.0, noise=0.0125))

    assert curve.flow_noise == pytest.approx(0.0125, rel=0.15)


@pytest.mark.parametrize("when", ["among the first", "later"])
def test_outliers_do_not_move_the_curve(when: str) -> None:
    """A twentieth of the heads 30 % too high would lift a least-squares curve by 1.5 %."""
    good, hit = points(1000, seed=3), np.arange(0, 1000, 20) if when == "among the first" else np.arange(400, 1000, 12)
    spoilt = good.head.copy()
    spoilt[hit] *= 1.3
    curve, seen = physics(), DutyPoints(good.flow, spoilt, good.power, good.speed)

    for begin in range(0, 1000, 200):
        curve.update(seen.take(slice(begin, begin + 200)))

    np.testing.assert_allclose(curve.predict(AT, 1.0).head, head(AT), rtol=0.004)


def test_an_overhauled_pump_is_learnt_anew_though_its_readings_look_like_outliers() -> None:
    """A gate that only refuses would keep the old curve for ever."""
    curve = physics()
    curve.update(points(2000))
    stronger = points(600, seed=1, worn=-0.2)

    for begin in range(0, 600, 50):
        curve.update(stronger.take(slice(begin, begin + 50)))

    np.testing.assert_allclose(curve.predict(AT, 1.0).head, 1.2 * head(AT), rtol=0.01)


def test_a_forgetting_curve_follows_wear_that_an_unforgetting_one_averages() -> None:
    forgetting, keeping = physics(memory=300.0), physics()

    for step in range(20):  # 5 % in 20 portions
        portion = points(150, seed=step, worn=0.05 * step / 19)
        forgetting.update(portion)
        keeping.update(portion)

    now = 0.95 * head(AT)
    assert np.abs(forgetting.predict(AT, 1.0).head / now - 1.0).max() < 0.012  # behind by the memory: 0.5 %
    assert np.abs(keeping.predict(AT, 1.0).head / now - 1.0).max() > 0.015


def test_intervals_of_90_percent_hold_the_true_head_about_that_often() -> None:
    """Over 16 sets of readings; an interval of a reading, or one that forgets the curve's form, would be far off."""
    inside = []
    for seed in range(16):
        curve = physics()
        curve.update(points(300, seed=seed, noise=0.0125, slowest=0.7))
        found = curve.predict(AT, 1.0)
        inside.append(np.abs(found.head - head(AT)) <= 1.645 * found.head_std)

    assert 0.8 <= np.mean(inside) <= 0.99


@pytest.mark.parametrize("noise", [0.001, 0.003, 0.006])
def test_of_a_pump_that_has_one_duty_only_the_head_is_known_there_and_beyond_it_is_held_by_the_intervals(
    noise: float,
) -> None:
    """Of fixed speed into a tank, with a quiet flow meter: all that its flows differ by is noise, and less than usual.

    Corrected by as much as is usual the sums were no sums of squares any more, and the head known to 30 % only; taken
    for a spread of duties they told a flat slope, and narrow intervals beyond that missed the truth.
    """
    for n in (100, 1_000, 2_000):
        held = []
        for seed in range(4):
            rng, one = np.random.default_rng([seed, n]), np.full(n, BEP)
            curve = physics(memory=4_000.0)
            flow, seen_head = one * rng.normal(1.0, noise, n), head(one) * rng.normal(1.0, 0.003, n)
            curve.update(DutyPoints(flow, seen_head, power(one) * rng.normal(1.0, 0.005, n), np.ones(n)))

            at, found = np.array([1.0, 0.9, 1.1]) * BEP, curve.predict(np.array([1.0, 0.9, 1.1]) * BEP, 1.0)
            assert found.head_std[0] < 0.003 * head(at)[0]
            assert found.power_std[0] < 0.003 * power(at)[0]
            assert abs(found.head[0] / head(at)[0] - 1.0) < 0.002
            held += list((np.abs(found.head - head(at)) <= 1.645 * found.head_std)[1:])
        assert np.mean(held) >= 0.85


def test_what_is_kept_does_not_grow() -> None:
    curve = physics(memory=1000.0)
    sizes = []

    for seed in range(12):
        curve.update(points(500, seed=seed, slowest=0.8))
        curve.predict(BEP, 1.0)
        sizes.append(len(pickle.dumps(curve)))

    assert sizes[-1] <= 1.02 * sizes[2]


def test_without_a_power_meter_there_is_a_head_and_no_power() -> None:
    seen, curve = points(300), physics()

    curve.update(DutyPoints(seen.flow, seen.head, np.full(300, np.nan), seen.speed))

    found = curve.predict(AT, 1.0)
    np.testing.assert_allclose(found.head, head(AT), rtol=0.006)
    assert np.isnan(found.power).all()
    assert np.isnan(found.efficiency).all()


@pytest.mark.parametrize(("refused", "since"), [((60, 200), 140), ((0, 90), 0), ((180, 200), 0)])
def test_a_pump_is_another_one_since_half_were_refused_until_now(refused: tuple[int, int], since: int) -> None:
    """Not where they have ceased, as of a blockage that is gone; nor by a few readings, which tell no curve."""
    memory = Memory(None)
    kept = np.ones(RECENT, np.bool_)
    kept[slice(*refused)] = False
    memory.look_at(points(RECENT), kept)

    assert memory.replaced == since


def test_outliers_that_come_and_go_begin_no_curve_anew_but_with_enough_readings() -> None:
    """Four of ten were refused long ago, and a dozen are now: all of them were taken, or those twelve."""
    memory = Memory(None)
    kept = np.ones(RECENT, np.bool_)
    kept[:75] = kept[-12:] = False
    memory.look_at(points(RECENT), kept)

    assert memory.replaced == 0
