"""Estimates of what nobody measured, and how sure they claim to be."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from analytics.gaps import correlated, forward, linear, missing, zero
from analytics.gaps.correlated import Regression
from analytics.gaps.forward import Forward
from analytics.gaps.gap import COVERAGE_90, Estimate, Gap, Window, gaps
from analytics.gaps.linear import Line
from analytics.gaps.variability import bridge_std, length_class, structure
from analytics.gaps.zero import Zero
from tests.real_station import needs_real_station, recording

Floats = NDArray[np.float64]
METHODS = (zero.fill, linear.fill, forward.fill, correlated.fill)


def walk(size: int, seed: int = 1) -> Floats:
    """A random walk around 100."""
    return 100.0 + np.cumsum(np.random.default_rng(seed).normal(0.0, 1.0, size))


def with_gap(values: Floats, gap: Gap) -> Floats:
    """*values* without those of *gap*."""
    left_out = values.copy()
    left_out[gap.begin : gap.end] = np.nan
    return left_out


def test_gaps_are_found_where_something_was_measured_before() -> None:
    """What lies before the first reading is no gap, and an open gap ends with the window."""
    nan = np.nan

    found = gaps(np.array([nan, nan, 1.0, nan, 2.0, nan, nan, 3.0, nan]))

    assert found == [Gap(3, 4), Gap(5, 7), Gap(8, 9)]


def test_missing_invents_nothing() -> None:
    """For tags whose values nobody may invent."""
    assert missing.fill(Window(with_gap(walk(100), Gap(40, 50))), Gap(40, 50)).values.size == 0


def test_zero_says_how_wrong_zero_usually_is() -> None:
    """A tag that usually shows 100 is not known to a hair when zero is put in."""
    estimate = zero.fill(Window(with_gap(walk(1_000), Gap(500, 510))), Gap(500, 510))

    assert (estimate.values == 0.0).all()
    assert (estimate.std > 50.0).all()


def test_linear_is_the_line_between_both_ends() -> None:
    """From 10 before to 20 after: 12, 14, 16, 18."""
    values = np.array([9.0, 10.0, np.nan, np.nan, np.nan, np.nan, 20.0, 21.0])

    assert linear.fill(Window(values), Gap(2, 6)).values == pytest.approx([12.0, 14.0, 16.0, 18.0])


@pytest.mark.parametrize("fill", [linear.fill, correlated.fill])
def test_what_needs_the_other_end_waits_for_it(fill: Callable[[Window, Gap], Estimate]) -> None:
    """An open gap has no line."""
    assert fill(Window(with_gap(walk(100), Gap(90, 100))), Gap(90, 100)).values.size == 0


def test_forward_holds_and_grows_less_sure() -> None:
    """A walk of 1 a step is known to 1 after one step and to about 10 after a hundred."""
    values = with_gap(walk(5_000), Gap(4_000, 4_100))

    estimate = forward.fill(Window(values), Gap(4_000, 4_100))

    assert (estimate.values == values[3_999]).all()
    assert estimate.std[0] == pytest.approx(1.0, rel=0.3)
    assert estimate.std[-1] == pytest.approx(10.0, rel=0.4)


def test_the_uncertainty_of_a_line_is_that_of_a_bridge() -> None:
    """Between both ends of a walk (D² = k) the variance is a b / (a + b): Brownian bridge, not the walk's own."""
    std = bridge_std(np.arange(12.0), 10)

    left = np.arange(1, 11)
    assert std**2 == pytest.approx(left * (11 - left) / 11)


def test_structure_of_a_walk_grows_by_one_a_lag() -> None:
    """D²(k) = k for steps of variance 1."""
    assert structure(walk(200_000), 64)[[1, 2, 16, 64]] == pytest.approx([1.0, 2.0, 16.0, 64.0], rel=0.15)


@pytest.mark.parametrize("fill", METHODS)
def test_nobody_claims_to_know_exactly(fill: Callable[[Window, Gap], Estimate]) -> None:
    """A tag that never moved in its history may move in the gap; the meter's own resolution is the least doubt."""
    values = np.full(200, 7.0)
    window = Window(with_gap(values, Gap(100, 105)), values[:, None], resolution=0.1)

    assert (fill(window, Gap(100, 105)).std >= 0.1 / np.sqrt(12)).all()


def test_correlated_follows_a_companion_through_an_excursion() -> None:
    """Flow rises and falls within the gap; the power meter saw it, a straight line cannot."""
    power = np.concatenate([walk(1_000), walk(100, seed=2) + 40.0, walk(1_000, seed=3)])
    flow = 12.0 * power + 30.0 + np.random.default_rng(4).normal(0.0, 1.0, power.size)
    gap = Gap(990, 1_110)
    window = Window(with_gap(flow, gap), power[:, None])

    estimate = correlated.fill(window, gap)

    assert estimate.method == "correlated"
    assert np.abs(estimate.values - flow[990:1_110]).mean() < 3.0
    assert np.abs(linear.fill(window, gap).values - flow[990:1_110]).mean() > 100.0


def test_correlated_does_not_use_a_companion_that_is_missing_too() -> None:
    """The same device fell silent: its other tags know nothing of the gap, and a line is called a line."""
    power = walk(1_000)
    gap = Gap(500, 530)
    flow = with_gap(12.0 * power, gap)
    power[510] = np.nan

    assert correlated.fill(Window(flow, power[:, None]), gap).method == "linear"


def test_correlated_gives_way_to_a_line_where_companions_are_noise() -> None:
    """What does not help in artificial gaps is not used in real ones."""
    noise = np.random.default_rng(5).normal(0.0, 1.0, (1_000, 5))
    gap = Gap(500, 510)

    assert correlated.fill(Window(with_gap(walk(1_000), gap), noise), gap).method == "linear"


def test_the_best_companions_come_first() -> None:
    """And those that never moved, or were hardly measured, do not come."""
    values = walk(1_000)
    random = np.random.default_rng(6)
    rare = np.where(np.arange(1_000) < 50, values, np.nan)
    others = np.column_stack(
        [random.normal(size=1_000), values + random.normal(0, 3, 1_000), np.full(1_000, 3.0), -values, rare]
    )

    assert list(correlated.companions(values, others, 2)) == [3, 1]


@given(
    measured=st.lists(st.one_of(st.floats(-1e6, 1e6), st.just(np.nan)), min_size=2, max_size=200),
    resolution=st.floats(0.0, 1.0),
)
@settings(max_examples=100)
def test_every_estimate_is_finite_and_doubts_itself(measured: list[float], resolution: float) -> None:
    """Whatever the history looks like: short, constant, full of holes."""
    values = np.array(measured)
    window = Window(values, np.column_stack([values[::-1], np.arange(len(values))]), resolution)

    for gap in gaps(values):
        for fill in METHODS:
            estimate = fill(window, gap)
            assert len(estimate.values) in {0, len(gap)}
            assert np.isfinite(estimate.values).all()
            assert np.isfinite(estimate.std).all()
            assert (estimate.std > 0).all()


def test_usual_lengths_are_studied_as_they_are_and_others_by_near_ones() -> None:
    """No gap is studied by ones that are a fifth longer or shorter, and a few dozen classes hold all of an hour."""
    usual = [1, 2, 3, 4, 5, 10, 30, 60, 120, 300, 600, 1_200]

    assert [length_class(size) for size in usual] == usual
    assert all(0.8 < length_class(size) / size < 1.2 for size in range(1, 20_000))
    assert len({length_class(size) for size in range(1, 3_601)}) < 40


def holed(count: int) -> Window:
    """40,000 values with so many gaps of 3 to 25, and two companions that were measured throughout."""
    values = walk(40_000)
    companion = values + np.random.default_rng(8).normal(0.0, 0.5, values.size)
    for place in range(count):
        begin = 1_000 + 60 * place
        values[begin : begin + 3 + place % 23] = np.nan
    return Window(values, np.column_stack([companion, companion[::-1]]))


@pytest.mark.parametrize("method", [Zero, Line, Forward, Regression])
def test_a_window_is_gone_through_no_more_often_for_more_gaps(
    method: Callable[[Window], Zero | Line | Forward | Regression],
) -> None:
    """Once for each gap was quadratic: a day with a gap a minute took what is allowed a run, and filled nothing."""
    looks = []
    for count in (60, 600):
        window = holed(count)
        one = method(window)
        for gap in gaps(window.values):
            one.fill(gap)
        looks.append(one.looks)

    assert looks[1] <= looks[0] < 60


@pytest.mark.parametrize("method", [(Zero, zero.fill), (Line, linear.fill), (Forward, forward.fill)])
def test_what_is_kept_for_the_next_gap_changes_nothing(
    method: tuple[Callable[[Window], Zero | Line | Forward], Callable[[Window, Gap], Estimate]],
) -> None:
    """Gap after gap of one window, the long before the short, is what each would be on its own."""
    window = holed(60)
    kept, alone = method[0](window), method[1]

    for gap in reversed(gaps(window.values)):
        together, single = kept.fill(gap), alone(window, gap)
        assert (together.values == single.values).all()
        assert (together.std == single.std).all()


def test_what_is_learnt_from_companions_is_kept_apart_by_companions_and_lengths() -> None:
    """A gap in which the best companion is missing must not be read off a study with it."""
    window = holed(60)
    found = gaps(window.values)
    window.companions[found[30].begin, 0] = np.nan
    kept = Regression(window)

    for gap in found[27:34]:
        together, single = kept.fill(gap), correlated.fill(window, gap)
        assert together.method == single.method
        assert together.values == pytest.approx(single.values)
        assert together.std == pytest.approx(single.std)
    assert {kept.fill(found[29]).method, kept.fill(found[30]).method} == {"correlated", "linear"}


def test_beyond_so_many_studies_a_line_is_drawn() -> None:
    """What one window may cost is bounded; gaps like the ones studied before are still read off companions."""
    window = holed(60)
    found = gaps(window.values)
    kept = Regression(window, most_studies=1)

    methods = [kept.fill(gap).method for gap in found[:24]]

    assert methods[0] == methods[23] == "correlated"
    assert set(methods[1:23]) == {"linear"}


@needs_real_station
@pytest.mark.parametrize("size", [1, 5, 30, 120])
def test_intervals_cover_what_they_claim_on_the_real_station(size: int) -> None:
    """90 % intervals of `correlated` hold 85 to 95 % of what was really measured, and it beats the line."""
    hour = recording().replace(3276.7, np.nan)
    names = [
        str(name) for name in hour if not str(name).endswith(("energy", "volume")) and hour[str(name)].std() > 1e-9
    ]
    hour = hour[names]
    targets = [name for name in names if name.endswith((".flow", ".pressure", "p5.active_power", "p5.current_a"))]
    random = np.random.default_rng(7)

    covered, missed, line_missed = [], [], []
    for name in targets:
        values = hour[name].to_numpy(np.float64)
        others = hour.drop(columns=name).to_numpy(np.float64)
        best = others[:, correlated.companions(values[:1_800], others[:1_800], 16)]
        for begin in random.integers(1_801, 3_590 - size, 24):
            window, gap = _past(values, best, int(begin), size)
            truth = values[begin : begin + size]
            estimate, line = correlated.fill(window, gap), linear.fill(window, gap)
            covered.append(np.mean(np.abs(estimate.values - truth) <= COVERAGE_90 * estimate.std))
            missed.append(np.abs(estimate.values - truth).mean() / values.std())
            line_missed.append(np.abs(line.values - truth).mean() / values.std())

    assert 0.85 <= np.mean(covered) <= 0.95
    assert np.mean(missed) < np.mean(line_missed)


def _past(values: Floats, companions: Floats, begin: int, size: int) -> tuple[Window, Gap]:
    """Half an hour before an artificial gap, the gap, and the value that ends it."""
    part = slice(begin - 1_800, begin + size + 1)
    gap = Gap(1_800, 1_800 + size)
    return Window(with_gap(values[part], gap), companions[part]), gap
