"""Pumps with no flow meter of their own, learnt from the header's: against the truth of a simulated station."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from analytics.curves.estimator import StationCurves
from analytics.curves.model import StationModel
from analytics.curves.points import Points
from analytics.curves.prior import Plate
from analytics.hydraulics import Floats
from tests.simulators.waterworks import UNLIKE, TruePump, measured, operation


def plates(pumps: tuple[TruePump, ...]) -> list[Plate]:
    """Plates without ratings."""
    return [Plate(f"p{index}") for index in range(len(pumps))]


def learnt(pumps: tuple[TruePump, ...], points: Points) -> StationModel:
    """The model from *points* in one update."""
    curves = StationCurves(plates(pumps))
    curves.update(points)
    model = curves.fit()
    assert model is not None
    return model


def sets_of(pumps: int, *sizes: int) -> list[tuple[int, ...]]:
    """All running sets of the given sizes."""
    return [chosen for size in sizes for chosen in combinations(range(pumps), size)]


def head_errors(pumps: tuple[TruePump, ...], model: StationModel, truth: Points) -> Floats:
    """Greatest relative head error of each pump over its true duties, shape (pumps,)."""
    worst = []
    for index, (pump, curve) in enumerate(zip(pumps, model.curves, strict=True)):
        runs = truth.running[:, index]
        flow, speed = truth.pump_flows[runs, index], truth.speeds[runs, index]
        worst.append(float(np.abs(curve.head(flow, speed) / pump.head(flow, speed) - 1.0).max()))
    return np.array(worst)


@pytest.mark.parametrize(("pumps", "sizes", "n"), [(3, (1, 2), 1_500), (4, (2, 3), 3_000), (6, (2, 3, 4), 5_000)])
def test_varying_sets_identify_each_pump(pumps: int, sizes: tuple[int, ...], n: int) -> None:
    """Head within 1.5 % over the whole duty range, power within 1 %, from 1 % noise and 1 % outliers.

    Takes a second or two: a fit of six pumps is the point.
    """
    station = UNLIKE[:pumps]
    rng = np.random.default_rng(pumps)
    truth = operation(station, sets_of(pumps, *sizes), n, rng)

    model = learnt(station, measured(truth, rng))

    assert head_errors(station, model, truth).max() < 0.015
    duty = model.duty(truth.speeds, truth.head)
    total_error = duty.flows.sum(axis=1) / truth.flow - 1.0
    assert np.sqrt((total_error**2).mean()) < 0.005
    assert np.abs(total_error).max() < 0.02
    power_error = np.abs(duty.powers - truth.powers)[truth.running] / truth.powers[truth.running]
    assert np.quantile(power_error, 0.99) < 0.01


def test_with_one_set_the_total_is_good_and_the_shares_are_called_uncertain() -> None:
    """Nothing tells three pumps apart that always run together: claiming 1 % for a share would be a lie."""
    station = UNLIKE[:3]
    rng = np.random.default_rng(4)
    truth = operation(station, [(0, 1, 2)], 1_000, rng)

    model = learnt(station, measured(truth, rng))

    found = model.predict(truth.speeds, truth.head)
    assert np.sqrt(((found.flow / truth.flow - 1.0) ** 2).mean()) < 0.006
    relative = found.flows_std / found.flows
    assert (relative.mean(axis=0) > 0.05).all()
    assert (np.abs(found.flows - truth.pump_flows) < 1.645 * found.flows_std).mean() > 0.85
    drawn = np.array([draw.duty(truth.speeds[0], truth.head[0]).flows for draw in model.draws(60, rng)])
    assert drawn.sum(axis=1).std() < 0.2 * drawn.std(axis=0).max()


def test_intervals_cover_what_meters_show_later() -> None:
    """90 % intervals of total flow and powers over other days, four stations: between 85 and 96 %."""
    inside_flow, inside_power = [], []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        station = UNLIKE[seed % 3 : seed % 3 + 3]
        model = learnt(station, measured(operation(station, sets_of(3, 1, 2, 3), 800, rng), rng))
        truth = operation(station, sets_of(3, 1, 2, 3), 400, rng)
        seen = measured(truth, rng, outliers=0.0)
        found = model.predict(seen.speeds, seen.head)
        inside_flow.append(np.abs(found.flow - seen.flow) < 1.645 * found.flow_std)
        inside_power.append((np.abs(found.powers - seen.powers) < 1.645 * found.power_std)[truth.running])

    assert 0.85 < np.concatenate(inside_flow).mean() < 0.96
    assert 0.85 < np.concatenate(inside_power).mean() < 0.96


def test_one_pump_at_one_duty_point_is_uncertain_elsewhere() -> None:
    """Half a day at one speed and head teaches one point: there the head is known, at 70 % of the flow it is not."""
    rng = np.random.default_rng(5)
    pump = UNLIKE[0]
    n = 300
    flow, ones = np.full(n, 900.0), np.ones(n)
    truth = Points(
        times_ms=15_000 * np.arange(n),
        running=np.ones((n, 1), dtype=np.bool_),
        speeds=ones[:, None],
        head=pump.head(flow, ones),
        flow=flow,
        powers=pump.power(flow, ones)[:, None],
        pump_flows=flow[:, None],
    )

    curve = learnt((pump,), measured(truth, rng)).curves[0]

    assert float(curve.head_std(900.0, 1.0)) / 43.0 < 0.01
    assert float(curve.head_std(630.0, 1.0)) / 47.0 > 0.02
    assert not curve.supports(630.0, 1.0)
    error = abs(float(curve.head(630.0, 1.0)) - float(pump.head(np.array(630.0), np.array(1.0))))
    assert error < 2.0 * float(curve.head_std(630.0, 1.0))


def test_order_and_portions_do_not_matter() -> None:
    """The batch twin: all points at once, shuffled, or in twenty portions leave the same memory and the same curves."""
    rng = np.random.default_rng(6)
    station = UNLIKE[:3]
    points = measured(operation(station, sets_of(3, 1, 2), 2_000, rng), rng)
    batch, portions = (StationCurves(plates(station), capacity=400) for _ in range(2))
    shuffled = rng.permutation(len(points))

    batch.update(points)
    for part in np.array_split(shuffled, 20):
        portions.update(points.take(part))

    assert np.array_equal(batch.points.times_ms, portions.points.times_ms)
    assert (len(batch.points), batch.seen) == (len(portions.points), portions.seen)
    one, other = batch.fit(), portions.fit()
    assert one is not None
    assert other is not None
    assert np.array_equal(one.curves[2].theta, other.curves[2].theta)


def test_memory_is_bounded_and_rare_operation_stays() -> None:
    """Ten rows of a rare set among 5,000: a plain sample of 300 would keep none or one of them."""
    rng = np.random.default_rng(7)
    common = operation(UNLIKE[:3], [(0, 1)], 5_000, rng)
    rare = operation(UNLIKE[:3], [(2,)], 10, rng)
    rare = replace(rare, times_ms=rare.times_ms + 30_000)
    curves = StationCurves(plates(UNLIKE[:3]), capacity=300)

    curves.update(measured(Points.joined([common, rare]), rng, outliers=0.0))

    assert len(curves.points) <= 300
    assert curves.points.running[:, 2].sum() >= 5


def test_so_many_pumps_keep_so_many_points() -> None:
    """More for many pumps, whose sets are many; but a fit of twelve may not take the better part of a minute."""
    most = {count: StationCurves(plates(UNLIKE[:1] * count)).to_dict()["capacity"] for count in (1, 3, 5, 7, 8, 12)}

    assert most == {1: 1_500, 3: 1_500, 5: 4_500, 7: 6_000, 8: 6_000, 12: 6_000}


def test_a_state_that_kept_fewer_points_makes_room_for_more() -> None:
    """Its quota would stay for ever; one that has room for as many stays as it was, or it would matter who restarts."""
    rng = np.random.default_rng(18)
    station = UNLIKE[:2]
    first, then = (measured(operation(station, [(0,)], 2_000, rng), rng) for _ in range(2))
    then = replace(then, times_ms=first.times_ms + 15_000)
    tight = StationCurves(plates(station), capacity=300)
    tight.update(first)

    roomy, same = (StationCurves.from_dict(tight.to_dict(), plates(station), capacity=most) for most in (900, 300))
    for each in (tight, roomy, same):
        each.update(then)

    assert len(roomy.points) > 450
    assert np.array_equal(same.points.times_ms, tight.points.times_ms)


def test_what_a_stopped_pump_shows_changes_nothing() -> None:
    """Speed, power and flow of a pump that stands are noise, or the mains' 50 Hz; a fit may not look at them."""
    rng = np.random.default_rng(8)
    station = UNLIKE[:3]
    points = measured(operation(station, sets_of(3, 1, 2), 600, rng), rng)
    stands = ~points.running
    noisy = replace(
        points,
        speeds=np.where(stands, 1.0, points.speeds),
        powers=np.where(stands, 99.0, points.powers),
        pump_flows=np.where(stands, 500.0, points.pump_flows),
    )

    one, other = learnt(station, points), learnt(station, noisy)

    assert np.array_equal(one.curves[0].theta, other.curves[0].theta)


def test_a_pump_that_hardly_ran_has_no_curve_and_spoils_no_other() -> None:
    """Rows in which it ran say nothing of the others' flow; the others' curves stay what they were."""
    rng = np.random.default_rng(9)
    station = UNLIKE[:3]
    truth = operation(station, sets_of(2, 1, 2), 600, rng)
    usual = measured(truth, rng)
    few = operation(station, [(0, 2)], 8, rng)
    few = measured(replace(few, times_ms=few.times_ms - 86_400_000), rng)

    model = learnt(station, Points.joined([usual, few]))

    assert model.pumps == ("p0", "p1")
    assert head_errors(station[:2], model, truth).max() < 0.015


def test_a_pump_with_its_own_meter_is_known_and_lets_the_others_be() -> None:
    """One meter among three pumps that always run together: its share is sharp, and theirs sharper than without."""
    rng = np.random.default_rng(10)
    station = UNLIKE[:2]
    truth = operation(station, [(0, 1)], 600, rng)
    points = measured(truth, rng)
    metered = np.full(points.pump_flows.shape, np.nan)
    metered[:, 0] = truth.pump_flows[:, 0] * rng.normal(1.0, 0.01, 600)

    blind, seeing = learnt(station, points), learnt(station, replace(points, pump_flows=metered))

    assert (seeing.curves[0].flow_is_metered, seeing.curves[1].flow_is_metered) == (True, False)
    wide = blind.predict(truth.speeds[:1], truth.head[:1]).flows_std[0]
    narrow = seeing.predict(truth.speeds[:1], truth.head[:1]).flows_std[0]
    assert (narrow < 0.2 * wide).all()
    error = np.abs(seeing.duty(truth.speeds, truth.head).flows / truth.pump_flows - 1.0)
    assert error.max() < 0.02


def test_a_station_without_power_meters_still_learns_flow() -> None:
    """What is not measured is believed loosely, and the rest is learnt."""
    rng = np.random.default_rng(11)
    station = UNLIKE[:3]
    truth = operation(station, sets_of(3, 1, 2), 800, rng)
    points = replace(measured(truth, rng), powers=np.full(truth.powers.shape, np.nan))

    model = learnt(station, points)

    assert head_errors(station, model, truth).max() < 0.02
    assert np.isnan(model.basis.power_rmse).all()
    assert float(model.curves[0].power_std(900.0, 1.0)) > 10.0


def test_before_there_is_enough_there_is_no_model() -> None:
    """Nothing, or rows without head or speed, teach nothing."""
    curves = StationCurves(plates(UNLIKE[:2]))
    assert curves.fit() is None
    points = operation(UNLIKE[:2], [(0, 1)], 50, np.random.default_rng(12))

    curves.update(replace(points, head=np.full(50, np.nan)))
    curves.update(replace(points, speeds=np.full((50, 2), np.nan)))

    assert curves.fit() is None
    assert (curves.seen, len(curves.points)) == (0, 0)


def test_the_state_survives_and_belongs_to_its_pumps() -> None:
    """A worker that was killed goes on where it was; other pumps begin anew."""
    rng = np.random.default_rng(13)
    curves = StationCurves(plates(UNLIKE[:2]))
    curves.update(measured(operation(UNLIKE[:2], sets_of(2, 1, 2), 200, rng), rng))

    again = StationCurves.from_dict(curves.to_dict(), plates(UNLIKE[:2]))

    one, other = curves.fit(), again.fit()
    assert one is not None
    assert other is not None
    assert np.array_equal(one.covariance, other.covariance)
    with pytest.raises(ValueError, match="begin anew"):
        StationCurves.from_dict(curves.to_dict(), plates(UNLIKE[:3]))


def test_arrays_that_do_not_fit_are_refused() -> None:
    """A swapped column must not become a silent fit."""
    points = operation(UNLIKE[:2], [(0, 1)], 50, np.random.default_rng(14))

    with pytest.raises(ValueError, match="speeds has shape"):
        replace(points, speeds=points.speeds[:, :1])


def a_year_and_a_worn_month(pump: TruePump, rng: np.random.Generator) -> tuple[Points, Points, TruePump]:
    """Healthy for a year, 10 % worn (head lost, power won, at any flow) for thirty days, a point each 20 minutes."""
    worn = replace(pump, shut_off=0.9 * pump.shut_off, best_head=0.9 * pump.best_head)
    n = 395 * 72
    healthy = n - 30 * 72
    times = 1_700_000_400_000 + 1_200_000 * np.arange(n)
    flow = rng.uniform(0.8, 1.15, n) * pump.best_flow
    speed = rng.uniform(0.9, 1.0, n)
    is_worn = np.arange(n) >= healthy
    truth = Points(
        times_ms=times,
        running=np.ones((n, 1), dtype=np.bool_),
        speeds=speed[:, None],
        head=np.where(is_worn, worn.head(speed * flow, speed), pump.head(speed * flow, speed)),
        flow=speed * flow,
        powers=np.where(is_worn, 1.1, 1.0)[:, None] * pump.power(speed * flow, speed)[:, None],
        pump_flows=(speed * flow)[:, None],
    )
    return truth.take(slice(0, healthy)), truth.take(slice(healthy, None)), worn


def test_a_pump_that_wears_is_followed_within_a_month() -> None:
    """After a healthy year a curve that keeps points evenly over its life would believe the past for years more.

    Slower than most: a year of points goes through the memory.
    """
    rng = np.random.default_rng(15)
    pump = UNLIKE[0]
    before, after, worn = a_year_and_a_worn_month(pump, rng)
    curves = StationCurves(plates((pump,)))
    for part in (before, after):
        curves.update(measured(part, rng))

    model = curves.fit()

    assert model is not None
    curve = model.curves[0]
    flow, ones = np.linspace(0.85, 1.1, 6) * pump.best_flow, np.ones(6)
    head_error = curve.head(flow, ones) - worn.head(flow, ones)
    power_error = curve.power(flow, ones) - 1.1 * pump.power(flow, ones)
    assert np.abs(head_error / worn.head(flow, ones)).max() < 0.01
    assert np.abs(power_error / pump.power(flow, ones)).max() < 0.01
    assert (np.abs(head_error) < 1.645 * curve.head_std(flow, ones)).all()
    assert (np.abs(power_error) < 1.645 * curve.power_std(flow, ones)).all()
    later = measured(after, rng, outliers=0.0)
    found = model.predict(later.speeds, later.head)
    assert 0.8 < (np.abs(found.flow - later.flow) < 1.645 * found.flow_std).mean() < 0.97
    assert 0.8 < (np.abs(found.powers - later.powers) < 1.645 * found.power_std).mean() < 0.97


def test_what_was_not_visited_lately_is_held_less_and_less_surely() -> None:
    """The pump ran at two thirds of its flow once: known then, doubtful a season later, and never forgotten quite."""
    rng = np.random.default_rng(16)
    pump = UNLIKE[0]
    n, day_ms = 600, 86_400_000
    flow = np.where(np.arange(n) < n // 2, 0.62, 1.0) * pump.best_flow * rng.uniform(0.97, 1.03, n)
    ones = np.ones(n)
    stds = []
    for days in (0, 30, 120):
        truth = Points(
            times_ms=1_700_000_000_000 + 60_000 * np.arange(n) + days * day_ms * (np.arange(n) >= n // 2),
            running=np.ones((n, 1), dtype=np.bool_),
            speeds=ones[:, None],
            head=pump.head(flow, ones),
            flow=flow,
            powers=pump.power(flow, ones)[:, None],
            pump_flows=flow[:, None],
        )
        curve = learnt((pump,), measured(truth, rng)).curves[0]
        stds.append([float(curve.head_std(share * pump.best_flow, 1.0)) / 43.0 for share in (0.62, 1.0)])

    far, near = np.array(stds).T
    print("std:", far, near)  # noqa: T201 - measured
    assert far[0] < far[1] < far[2] < 0.05
    assert far[2] > 3.0 * far[0]
    assert near.max() < 0.006


def test_points_from_the_future_do_not_make_all_others_old() -> None:
    """A clock stood two years ahead for an hour: nothing of it is left, and what follows counts as recent."""
    rng = np.random.default_rng(17)
    station = UNLIKE[:2]
    points = measured(operation(station, sets_of(2, 1, 2), 300, rng), rng)
    plain, fooled = (StationCurves(plates(station)) for _ in range(2))
    ahead = replace(points, times_ms=points.times_ms + 2 * 365 * 86_400_000)

    plain.update(points)
    fooled.update(ahead)
    fooled.forget_after(int(points.times_ms[-1]))
    fooled.update(points)

    one, other = plain.fit(), fooled.fit()
    assert one is not None
    assert other is not None
    assert np.array_equal(one.covariance, other.covariance)


@pytest.mark.parametrize("seed", [3, 5])
def test_among_pumps_that_share_a_meter_the_worn_one_is_found(seed: int) -> None:
    """One of three wears by 10 % after a healthy year: neither its own past nor the sums it was part of may hold it.

    Slower than most: a year of points goes through the memory.
    """
    rng = np.random.default_rng(seed)
    healthy, sets = UNLIKE[:3], sets_of(3, 1, 2)
    pump = healthy[1]
    worn = (healthy[0], replace(pump, shut_off=0.9 * pump.shut_off, best_head=0.9 * pump.best_head), healthy[2])
    year = operation(healthy, sets, 365 * 24, rng, step_ms=3_600_000, every=3)
    month = operation(worn, sets, 30 * 72, rng, step_ms=1_200_000, every=6)
    month = replace(month, times_ms=month.times_ms + (year.times_ms[-1] + 1_200_000 - month.times_ms[0]))

    model = learnt(healthy, measured(Points.joined([year, month]), rng))

    for index, (true, curve) in enumerate(zip(worn, model.curves, strict=True)):
        runs = month.running[:, index]
        flow, speed = month.pump_flows[runs, index], month.speeds[runs, index]
        off = np.abs(curve.head(flow, speed) / true.head(flow, speed) - 1.0)
        assert np.median(off) < 0.01
        assert np.quantile(off, 0.9) < 0.02
