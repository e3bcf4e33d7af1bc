"""What `auto` mixes: kriging, the local level, physics, other days, the totaliser, and artificial gaps to judge by."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import toeplitz

from analytics.gaps import level, physics
from analytics.gaps.auto import Auto
from analytics.gaps.gap import COVERAGE_90, Gap, Window
from analytics.gaps.held import updates
from analytics.gaps.kriging import REACH, Kriging, covariance_of, level_covariance
from analytics.gaps.masks import Masks, size_class
from analytics.gaps.season import profile
from analytics.gaps.series import Series
from analytics.gaps.totaliser import share
from tests.analytics.gaps.series import Floats, blocks, filled, missed, walk, with_gap

HOUR_S = 3_600.0


def smoothed(values: Floats, noise: float, drift: float) -> Floats:
    """The local level by a Kalman filter forward and Rauch-Tung-Striebel back, as the textbook has it."""
    level, variance = 0.0, 1e9
    levels, variances, ahead = [], [], []
    for value in values:
        variance += drift
        ahead.append(variance)
        gain = variance / (variance + noise) if np.isfinite(value) else 0.0
        level += gain * (value - level) if gain else 0.0
        variance *= 1.0 - gain
        levels.append(level)
        variances.append(variance)
    for place in range(len(values) - 2, -1, -1):
        back = variances[place] / ahead[place + 1]
        levels[place] += back * (levels[place + 1] - levels[place])
    return np.array(levels)


@given(noise=st.floats(0.2, 3.0), drift=st.floats(0.05, 2.0), size=st.integers(1, 20), seed=st.integers(0, 99))
@settings(max_examples=25)
def test_kriging_with_the_covariance_of_a_level_is_the_kalman_smoother(
    noise: float, drift: float, size: int, seed: int
) -> None:
    """Two ways to the same estimate; within the neighbours that are asked, the 30 next ones and those all read."""
    random = np.random.default_rng(seed)
    values = np.cumsum(random.normal(0, drift**0.5, 120)) + random.normal(0, noise**0.5, 120)
    gap = Gap(50, 50 + size)
    nearest = {*range(50 - REACH[5], 50), *range(50 + size, 50 + size + REACH[5])}
    seen = np.where(np.isin(np.arange(120), [*nearest]), values, np.nan)
    asked = np.sort([*(50 - REACH[:6]), *(50 + size - 1 + REACH[:6])])
    assert set(asked) == nearest

    kriged = Kriging(level_covariance(noise, drift), 0.0, nugget=0.0).guesses(
        values[asked[0] : asked[-1] + 1], np.array([50 - asked[0]]), size
    )

    assert kriged[0] == pytest.approx(smoothed(seen, noise, drift)[gap.begin : gap.end], abs=0.02)


def test_kriging_of_white_noise_is_its_mean() -> None:
    """Nothing is known of it but that."""
    values = 5.0 + np.random.default_rng(2).normal(0.0, 1.0, 4_000)

    guess = Kriging(covariance_of(values), 5.0).guesses(values, np.array([1_000, 2_000]), 3)

    assert guess == pytest.approx(np.full((2, 3), 5.0), abs=0.3)


def test_the_covariance_of_a_smooth_series_with_gaps_is_one_of_something() -> None:
    """Sums over fewer pairs at some lags than at others may be that of nothing, and weights from it swing by far."""
    smooth = np.sin(np.arange(2_000) / 40.0) + 0.3 * np.sin(np.arange(2_000) / 13.0)
    values = Series(with_gap(smooth, *blocks(30, 12, 60))).values

    covariance = covariance_of(values)(150)

    assert np.linalg.eigvalsh(toeplitz(covariance)).min() > -1e-9 * covariance[0]


@pytest.mark.parametrize("size", [1, 5, 30])
def test_several_krigings_at_once_are_those_of_each(size: int) -> None:
    """Of gaps near the ends of the window and in its middle, each from its own row, and of some of their places."""
    table = np.stack([walk(400, 3), walk(400, 4)]) - 100.0
    begins, which = np.array([2, 200, 396 - size, 17]), np.array([0, 1, 1, 0])
    parts = [level_covariance(1.0, 0.5), covariance_of(table[0])]
    inside = np.arange(0, size, 2)

    together = Kriging(lambda longest: np.stack([part(longest) for part in parts]), 0.0)
    found = together.guesses(table, begins, size, inside, which)

    for place, (begin, row) in enumerate(zip(begins, which, strict=True)):
        for kind, part in enumerate(parts):
            alone = Kriging(part, 0.0).guesses(table[row], np.array([begin]), size)[0, inside]
            assert found[kind, place] == pytest.approx(alone)


def test_the_level_of_a_noisy_tag_is_smoothed_from_both_sides() -> None:
    """A line would repeat the noise of its two ends."""
    values = walk(3_000, step=0.1) + np.random.default_rng(3).normal(0.0, 2.0, 3_000)
    found = blocks(18, 5, 150)
    window = Window(with_gap(values, *found))
    one = level.Level(window)

    estimates = [one.fill(gap) for gap in found]

    errors = np.abs(missed(values, found, estimates))
    assert errors.mean() < 1.85
    assert 0.8 <= np.mean(errors <= COVERAGE_90 * np.concatenate([each.std for each in estimates])) <= 0.97
    assert level.fill(window, Gap(2_990, 3_000)).values.size == 0


def test_artificial_gaps_lie_only_where_everything_was_measured() -> None:
    """One that overlaps a real gap would be judged by what nobody measured."""
    values = with_gap(walk(1_000), Gap(100, 140), Gap(500, 503))

    masks = Masks.spread(Series(values), 20)

    assert masks is not None
    assert len(masks.begins) >= 60
    for begin in masks.begins:
        assert np.isfinite(values[begin - 1 : begin + 21]).all()


def test_there_are_none_where_too_little_was_measured() -> None:
    """Two dozen readings cannot say how far thirty missing ones are off."""
    assert Masks.spread(Series(walk(24)), 30) is None


def test_lengths_are_studied_by_near_ones() -> None:
    """A few classes hold all of an hour; none is half as long again as what it stands for."""
    assert [size_class(size) for size in (1, 5, 30, 120)] == [1, 5, 30, 120]
    assert all(0.7 < size_class(size) / size < 1.45 for size in range(1, 3_600))
    assert len({size_class(size) for size in range(1, 3_601)}) <= 19


def pumped(size: int = 2_400) -> tuple[Floats, Floats, Floats]:
    """Head (m), speed and power of one pump whose flow is 100 n sqrt(4 - 2 H / 30 n²); the flow is not among them."""
    random = np.random.default_rng(11)
    speed = 0.9 + 0.05 * np.sin(np.arange(size) / 170.0) + 0.002 * random.normal(size=size)
    head = 30.0 + 3.0 * np.sin(np.arange(size) / 60.0) + 0.05 * random.normal(size=size)
    flow = flow_of(head, speed)
    return head, speed, flow * head * 9.81 / 3_600.0 / 0.6


def flow_of(head: Floats, speed: Floats) -> Floats:
    """The pump's law, m³/h."""
    return np.asarray(100.0 * speed * np.sqrt(4.0 - 2.0 * head / (30.0 * speed**2)), np.float64)


def test_flow_is_computed_from_power_head_and_speed() -> None:
    """The flow meter is silent while the duty point moves; the pump's own laws tell what it delivers."""
    head, speed, power = pumped()
    flow = flow_of(head, speed) + np.random.default_rng(4).normal(0.0, 0.3, 2_400)
    found = blocks(5, 120, 400)
    columns = physics.flow_columns(head, speed[:, None], power[:, None])
    window = Window(with_gap(flow, *found), computed=columns)

    estimates = filled(window, *found)

    assert {estimate.method for estimate in estimates} == {"physics"}
    assert np.abs(missed(flow, found, estimates)).mean() < 0.6


def test_a_learnt_curve_is_one_more_thing_that_tells() -> None:
    """Where the pump's curve is known, its flow is a column of its own, weighed like the laws' columns."""
    head, speed, _ = pumped()
    flow = flow_of(head, speed)
    noisy = flow + np.random.default_rng(5).normal(0.0, 0.05, len(flow))
    found = blocks(5, 120, 400)

    estimates = filled(Window(with_gap(noisy, *found), computed=flow_of(head, speed)[:, None]), *found)

    assert {estimate.method for estimate in estimates} == {"physics"}
    assert np.abs(missed(noisy, found, estimates)).mean() < 0.1


def test_head_is_computed_from_flow_and_speed() -> None:
    """H = a n² - b Q², which is linear in n² and Q²."""
    head, speed, power = pumped()
    flow, noisy = flow_of(head, speed), head + np.random.default_rng(5).normal(0.0, 0.02, 2_400)
    found = blocks(5, 120, 400)
    columns = physics.head_columns(flow, speed[:, None], power[:, None])

    estimates = filled(Window(with_gap(noisy, *found), computed=columns), *found)

    assert {estimate.method for estimate in estimates} == {"physics"}
    assert np.abs(missed(noisy, found, estimates)).mean() < 0.05


def test_a_stopped_pump_adds_nothing_and_a_missing_one_is_not_taken_for_stopped() -> None:
    """0 / 0 is no flow; NaN stays unknown, so that nobody builds on it."""
    head, still, unknown = np.full(3, 30.0), np.zeros(3), np.array([0.9, np.nan, 0.9])

    columns = physics.flow_columns(head, np.column_stack([still, unknown]), np.column_stack([still, unknown * 20.0]))

    assert np.isfinite(columns[0]).all()
    assert (columns[:, [0, 2, 4]] == 0.0).all()
    assert np.isnan(columns[1]).sum() == 3
    assert physics.power_columns(head, head, still).shape == (3, 4)


def counted(flow: Floats, resolution: float) -> Floats:
    """A counter of *flow* in its unit times places, that shows steps of *resolution* only."""
    volume = np.concatenate([[0.0], np.cumsum(0.5 * (flow[1:] + flow[:-1]))])
    return np.floor(volume / resolution) * resolution


def test_what_the_totaliser_added_fixes_the_sum() -> None:
    """A line misses the bump between its ends; the counter did not."""
    flow = 100.0 + 60.0 * np.abs(np.sin(np.arange(3_600) / 70.0)) + walk(3_600, 6, 0.5) - 100.0
    found = blocks(8, 120, 410)
    values = with_gap(flow, *found)

    alone = missed(flow, found, filled(Window(values), *found))
    estimates = filled(Window(values, counts=counted(flow, 50.0)), *found)

    assert "totaliser" in estimates[0].method
    assert np.abs(missed(flow, found, estimates)).mean() < 0.6 * np.abs(alone).mean()
    for gap, estimate in zip(found, estimates, strict=True):
        assert estimate.values.sum() == pytest.approx(flow[gap.begin : gap.end].sum(), abs=300.0)
    assert estimates[0].std.mean() < filled(Window(values), *found)[0].std.mean()


@pytest.mark.parametrize("kind", ["coarse", "reset", "silent", "of something else"])
def test_a_counter_that_tells_nothing_changes_nothing(kind: str) -> None:
    """Steps far beyond what the gap held, a reset within it, no reading at its end, or another meter's."""
    flow = walk(2_000, 6, 0.5)
    gap = Gap(1_000, 1_030)
    counts = {
        "coarse": counted(flow, 1e6),
        "reset": counted(flow, 1.0) - np.where(np.arange(2_000) >= 1_010, 1e6, 0.0),
        "silent": with_gap(counted(flow, 1.0), Gap(990, 1_100)),
        "of something else": counted(1e3 * np.abs(walk(2_000, 9)), 1.0),
    }[kind]
    values = with_gap(flow, gap)

    (told,) = filled(Window(values, counts=counts), gap)
    (alone,) = filled(Window(values), gap)

    assert told.values == pytest.approx(alone.values)


def test_the_shape_of_what_is_added_sums_up_to_one_and_is_least_at_the_ends() -> None:
    """Where the guess leans on a reading it is moved least."""
    shape = share(9)

    assert shape.sum() == pytest.approx(1.0)
    assert shape.argmax() == 4
    assert shape[0] == pytest.approx(shape.min())


def test_other_days_tell_what_this_hour_is_like() -> None:
    """Quarter hours of six days; a pump that runs each morning is not a line through the gap of a morning."""
    day = 96
    places = np.arange(6 * day)
    flow = 50.0 + 40.0 * (places % day // 8 == 3) + 20.0 * (places % day // 12 == 5)
    flow += np.random.default_rng(8).normal(0.0, 1.0, len(flow))
    gap = Gap(4 * day + 20, 4 * day + 40)

    (estimate,) = filled(Window(with_gap(flow, gap), cycle=day), gap)

    assert "seasonal" in estimate.method
    assert np.abs(estimate.values - flow[gap.begin : gap.end]).mean() < 4.0


def test_a_profile_is_of_the_other_days_only() -> None:
    """A day that explains itself explains nothing of its gap."""
    values = np.array([1.0, 10.0, 3.0, 30.0, np.nan, 50.0])

    assert profile(values, 2) == pytest.approx(np.array([3.0, 40.0, 1.0, 30.0, 2.0, 20.0]))
    assert np.isnan(profile(values, 6)).all()


def test_updates_are_found_by_tags_that_change_together() -> None:
    """One value a piece; what the last reading of a piece says, holds for all of it."""
    meter = np.repeat(np.random.default_rng(1).normal(size=(300, 3)), 3, axis=0)
    values = np.where(np.arange(900) == 450, np.nan, meter[:, 0])

    found = updates(values, meter[:, 1:])

    assert found is not None
    assert len(found.last) == 300
    assert found.reduced(values) == pytest.approx(meter[::3, 0])
    assert updates(np.random.default_rng(2).normal(size=900), meter[:, 1:]) is None


def test_a_window_without_a_single_reading_waits() -> None:
    """Nothing measured, nothing said."""
    assert Auto(Window(np.full(50, np.nan))).fill(Gap(10, 50)).values.size == 0
