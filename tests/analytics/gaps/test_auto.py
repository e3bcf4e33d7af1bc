"""The mixture that fills a gap: which methods it takes, how sure it is, and what cannot upset it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import ThreadpoolController

from analytics.gaps import auto
from analytics.gaps.auto import Auto
from analytics.gaps.gap import COVERAGE_90, Gap, Window, gaps
from analytics.gaps.linear import Line
from analytics.gaps.masks import Masks
from analytics.gaps.mixture import spread
from analytics.gaps.threads import one_thread
from tests.analytics.gaps.series import Floats, blocks, filled, missed, walk, with_gap
from tests.real_station import needs_real_station, recording


def noise(*shape: int, seed: int = 5) -> Floats:
    """White, of standard deviation 1."""
    return np.random.default_rng(seed).normal(0.0, 1.0, shape)


def test_it_follows_a_companion_through_an_excursion() -> None:
    """Flow falls by a third within the gap, as never before; the power meter saw it, and many others are noise."""
    power = walk(1_500, step=0.3)
    power[1_200:1_260] -= 30.0
    flow = 5.0 * power + 0.5 * noise(1_500)
    gap = Gap(1_190, 1_280)

    (estimate,) = filled(Window(with_gap(flow, gap), np.column_stack([noise(1_500, 20), power])), gap)

    assert estimate.method == "correlated"
    assert np.abs(estimate.values - flow[1_190:1_280]).mean() < 3.0


def test_readings_far_off_hardly_move_what_companions_say() -> None:
    """One in twelve is wrong, by two hundred times what others are: least squares would miss .84."""
    found = []
    for seed in range(3):
        random, gaps_of = np.random.default_rng(seed), blocks(20, 10, 75)
        others = random.normal(size=(1_800, 12))
        truth = 100.0 + others @ np.full(12, 0.5)
        wrong = np.where(random.random(1_800) < 0.08, 20.0, 0.0) * random.normal(size=1_800)
        readings = truth + np.where(wrong, wrong, 0.1 * random.normal(size=1_800))
        found.append(missed(truth, gaps_of, filled(Window(with_gap(readings, *gaps_of), others), *gaps_of)))

    assert np.abs(found).mean() < 0.72


def test_a_noisy_level_is_not_read_off_its_two_neighbours_alone() -> None:
    """The line between two noisy readings is as noisy as they are; kriging asks more of them."""
    values = 50.0 + noise(3_000)
    found = blocks(20, 5, 130)
    window = Window(with_gap(values, *found))

    own = missed(values, found, filled(window, *found))
    line = missed(values, found, [Line(window).fill(gap) for gap in found])

    assert np.abs(own).mean() < 0.87 * np.abs(line).mean()


def test_a_value_that_jumps_between_levels_keeps_its_levels() -> None:
    """A mean of many neighbours is a level that it never had; artificial gaps show that the line is better."""
    values = np.repeat(np.random.default_rng(3).integers(0, 5, 40), 75).astype(np.float64)
    found = blocks(20, 1, 130)

    estimates = filled(Window(with_gap(values, *found)), *found)

    assert {estimate.method for estimate in estimates} == {"linear"}
    assert np.mean(np.abs(missed(values, found, estimates)) < 1e-9) > 0.9


def test_what_a_coarse_meter_cannot_show_is_not_put_in() -> None:
    """A temperature in whole degrees: between 61 and 62 there is nothing, and the nearest one is mostly right."""
    values = np.round(60.0 + 2.0 * np.sin(np.arange(3_000) / 200.0) + 0.2 * noise(3_000))
    found = blocks(20, 5, 130)

    estimates = filled(Window(with_gap(values, *found)), *found)

    filled_in = np.concatenate([estimate.values for estimate in estimates])
    assert np.abs(filled_in - np.round(filled_in)).max() < 1e-6
    assert np.mean(np.abs(missed(values, found, estimates)) < 1e-6) > 0.8


def held(values: Floats, every: int) -> Floats:
    """Only every so many places new."""
    return np.repeat(values[::every], every)[: len(values)]


def test_a_reading_that_only_repeats_is_told_by_its_meters_other_readings() -> None:
    """Asked every 3 s, written every second: where no tag of the meter is new, this one is not either."""
    meter = np.column_stack([held(noise(3_000, seed=seed) * 10.0, 3) for seed in range(4)])
    found = [*blocks(7, 1, 130), *blocks(7, 1, 130, first=1_501), *blocks(4, 1, 130, first=2_402)]
    values = meter[:, 0]

    estimates = filled(Window(with_gap(values, *found), meter[:, 1:]), *found)

    assert {estimate.method for estimate in estimates} == {"held"}
    assert np.abs(missed(values, found, estimates)).max() == 0.0
    assert all((estimate.std > 0).all() for estimate in estimates)


def test_meters_that_are_new_at_other_times_tell_nothing_of_repetitions() -> None:
    """A clock that does not fit would hold a value where there was a new one."""
    values, other = held(noise(3_000) * 10.0, 3), noise(3_000, seed=6)
    found = blocks(20, 1, 130)

    estimates = filled(Window(with_gap(values, *found), other[:, None]), *found)

    assert "held" not in {estimate.method for estimate in estimates}


@pytest.mark.parametrize("until", [700, 1_600])
def test_a_meter_that_was_new_with_others_at_first_only_is_not_held_by_them(until: int) -> None:
    """On the first day the flow is that of the pump whose power is read, on the others that of its neighbour."""
    first, runs = np.arange(3_000) < until, np.arange(3_000) % 40 < 25
    power = np.where(first & runs, 50.0 + noise(3_000), 0.0)
    flow = np.where(runs, 100.0 + noise(3_000, seed=9), 0.0)
    found = blocks(20, 5, 75, first=1_307)

    estimates = filled(Window(with_gap(flow, *found), np.column_stack([power, noise(3_000, seed=8)])), *found)

    errors = np.abs(missed(flow, found, estimates))
    assert "held" not in {estimate.method for estimate in estimates}
    assert np.mean(errors <= COVERAGE_90 * np.concatenate([one.std for one in estimates])) > 0.7


def test_what_tells_of_a_pumps_rest_is_learnt_by_its_places() -> None:
    """A rest is one repetition among hundreds of new readings of a run, and half of the time.

    It stands where a reading of it was left, and whether the pump ran in a gap its power tells.
    """
    begins = np.cumsum(np.random.default_rng(5).integers(60, 110, 60))
    runs = np.searchsorted(begins, np.arange(4_000)) % 2 == 0
    power = np.where(runs, 40.0 + walk(4_000, 3, 0.3) - 100.0 + noise(4_000), 0.0)
    speed = np.where(runs, 30.0 + 2.0 * np.cbrt(np.maximum(power, 0.0)) + 0.1 * noise(4_000, seed=4), 0.0)
    found = blocks(24, 120, 150)

    estimates = filled(Window(with_gap(speed, *found), np.column_stack([power, noise(4_000, seed=6)])), *found)

    errors = missed(speed, found, estimates)
    assert np.abs(errors).mean() < 2.0
    for gap, estimate in zip(found, estimates, strict=True):
        left = np.argmax(runs[gap.begin :]) if not runs[gap.begin - 1] else 0
        assert (estimate.values[:left] == 0.0).all()


def test_what_a_rest_costs_is_counted() -> None:
    """Gaps beside one are studied by places, once for all of a length, as those of a meter that does not rest."""
    runs = np.arange(3_000) % 150 < 75
    power = np.where(runs, 40.0 + noise(3_000), 0.0)
    values, found = np.where(runs, 90.0 + 2.0 * power, 0.0), blocks(16, 20, 150, first=220)
    window = Window(with_gap(values, *found), power[:, None])
    looks = []
    for asked in (found[:1], found):
        one, by_places = Auto(window), Auto(window, is_by_places=True)
        for gap in asked:
            one.fill(gap)
            by_places.fill(gap)
        assert one.looks == 1 + by_places.looks
        looks.append(one.looks)

    assert looks[0] == looks[1] < 20


def test_companions_that_do_what_they_never_did_are_doubted() -> None:
    """Two pumps change over inside the gap: weights learnt from the noise of a pump that stood say anything of it.

    The guess stays near the line, and where it does not, it says so: sure and wrong is the one thing it must not be.
    """
    random = np.random.default_rng(7)
    stood, ran = 1e-3 * random.normal(size=3_000), walk(3_000, step=0.05)
    gap = Gap(1_500, 1_600)
    flow = 3.0 * ran + 0.1 * random.normal(size=3_000)
    stood[1_520:1_580] += 40.0
    ran[1_520:1_580] -= 40.0
    values = with_gap(flow, gap)

    (estimate,) = filled(Window(values, np.column_stack([stood, ran, stood + 1e-3 * noise(3_000)])), gap)

    errors = np.abs(estimate.values - flow[1_500:1_600])
    assert np.mean(errors <= COVERAGE_90 * estimate.std) > 0.8


@pytest.mark.parametrize("size", [1, 5, 30, 120])
def test_intervals_hold_nine_in_ten(size: int) -> None:
    """Of a walk with a companion that explains most of it."""
    covered = []
    for seed in range(12):
        power = walk(2_400, seed, 0.3)
        values = 2.0 * power + walk(2_400, seed + 100, 0.1) + 0.3 * noise(2_400, seed=seed)
        found = blocks(max(2, 40 // size), size, 260 if size > 30 else 50)
        estimates = filled(Window(with_gap(values, *found), power[:, None]), *found)
        std = np.concatenate([estimate.std for estimate in estimates])
        covered.append(np.mean(np.abs(missed(values, found, estimates)) <= COVERAGE_90 * std))

    assert 0.85 <= np.mean(covered) <= 0.95


def test_a_meter_in_coarse_steps_is_not_doubted_by_a_whole_step() -> None:
    """One reading in nine is a step off: an interval of a step would hold them all, and claim nine in ten."""
    found, covered = blocks(280, 1, 10, first=50), []
    for seed in range(8):
        values = 230.0 + np.random.default_rng(seed).choice([-1.0, 0.0, 1.0], 3_000, p=[0.055, 0.89, 0.055])

        estimates = filled(Window(with_gap(values, *found)), *found)

        std = np.concatenate([estimate.std for estimate in estimates])
        covered.append(np.mean(np.abs(missed(values, found, estimates)) <= COVERAGE_90 * std))
        assert {float(value) for estimate in estimates for value in estimate.values} == {230.0}
    assert 0.85 <= np.mean(covered) <= 0.95


@pytest.mark.parametrize(("exact", "held"), [(0.93, 0.93), (0.83, 0.83), (0.78, 1.0)])
def test_the_interval_of_a_coarse_meter_is_the_one_nearest_to_nine_in_ten(exact: float, held: float) -> None:
    """What is met exactly lies in any interval, so it holds that share or all of them, and nothing between."""
    errors = np.where(np.arange(400) < exact * 400, 0.0, 1.0)[:, None]
    masks = Masks(np.arange(400), 1, np.array([0]), ())

    low, rise = spread(errors, masks)

    assert np.mean(errors <= COVERAGE_90 * (low + rise)) == held


@needs_real_station
@pytest.mark.parametrize("size", [1, 30, 120])
def test_on_the_real_station_it_misses_far_less_than_a_line(size: int) -> None:
    """Headers, currents, powers and voltages of an hour; and 90 % intervals hold 85 to 95 %.

    More of single values: many of them only repeat, are known exactly, and still in doubt.
    """
    hour = recording().replace(3276.7, np.nan)
    names = [str(name) for name in hour if not str(name).endswith(("energy", "volume")) and hour[name].std() > 1e-9]
    matrix = hour[names].to_numpy(np.float64)
    targets = [i for i, name in enumerate(names) if name.endswith(("flow", "current_a", "active_power", "voltage_b"))]
    targets = [i for i in targets if len(np.unique(matrix[:, i])) > 30]

    own, line, covered = [], [], []
    for place in targets:
        values = matrix[:, place]
        found = blocks(12, size, 280, first=100 + place)
        window = Window(with_gap(values, *found), np.delete(matrix, place, 1))
        estimates, method = filled(window, *found), Line(window)
        errors = np.abs(missed(values, found, estimates))
        own.append(errors.mean() / values.std())
        line.append(np.abs(missed(values, found, [method.fill(gap) for gap in found])).mean() / values.std())
        covered.append(np.mean(errors <= COVERAGE_90 * np.concatenate([estimate.std for estimate in estimates])))

    assert np.mean(own) < 0.6 * np.mean(line)
    assert 0.85 <= np.mean(covered) <= (0.95 if size > 1 else 0.98)


def test_an_open_gap_waits() -> None:
    """What needs the other end has nothing to say yet."""
    (estimate,) = filled(Window(with_gap(walk(600), Gap(590, 600)), walk(600, 2)[:, None]), Gap(590, 600))

    assert estimate.values.size == 0


def test_a_companion_missing_in_the_gap_is_not_asked() -> None:
    """The same device fell silent: what its tags said before tells nothing of the gap, and others still do."""
    power, pressure = walk(1_200, 2), walk(1_200, 3)
    values = 3.0 * power + 3.0 * pressure
    found = [Gap(400, 430), Gap(800, 830)]
    silent = with_gap(power, Gap(405, 415))

    both, one, none = (
        filled(Window(with_gap(values, *found), columns), *found)
        for columns in (
            np.column_stack([power, pressure]),
            np.column_stack([silent, pressure]),
            np.column_stack([silent, with_gap(pressure, Gap(395, 440))]),
        )
    )

    assert np.abs(one[0].values - values[400:430]).mean() > 3.0 * np.abs(both[0].values - values[400:430]).mean()
    assert np.abs(one[1].values - values[800:830]).max() < 1.0
    assert "correlated" not in none[0].method
    assert "correlated" in none[1].method


@pytest.mark.parametrize(
    "columns",
    [
        np.empty((600, 0)),
        np.full((600, 3), np.nan),
        np.full((600, 3), 7.0),
        np.tile(walk(600, 2)[:, None], (1, 30)),
        np.column_stack([walk(600, 2), 1e9 * walk(600, 2), 1e-9 * walk(600, 2)]),
        np.where(np.arange(600)[:, None] % 3, np.nan, noise(600, 4)),
        np.column_stack([np.where(np.arange(600) < 500, np.nan, 1.0), walk(600, 2)]),
    ],
    ids=["none", "missing", "constant", "all the same", "scales apart", "full of holes", "young"],
)
@pytest.mark.parametrize("values", [walk(600), np.full(600, 7.0), np.zeros(600)], ids=["moves", "constant", "zero"])
def test_nothing_upsets_it(columns: Floats, values: Floats) -> None:
    """Collinear, constant, absent, young companions; a series that never moves. Always finite, always in doubt."""
    found = [Gap(100, 101), Gap(200, 205), Gap(300, 360), Gap(500, 501)]
    window = Window(with_gap(values, *found), columns, resolution=0.01)

    for gap, estimate in zip(found, filled(window, *found), strict=True):
        assert len(estimate.values) == len(gap)
        assert np.isfinite(estimate.values).all()
        assert np.isfinite(estimate.std).all()
        assert (estimate.std > 0).all()
    if not values.std():
        assert filled(window, found[2])[0].values == pytest.approx(values[300:360])
        assert filled(window, found[2])[0].std.max() < 0.02


@given(
    measured=st.lists(st.one_of(st.floats(-1e6, 1e6), st.just(np.nan), st.just(3.0)), min_size=2, max_size=150),
    low=st.floats(-1e6, 0.0),
)
@settings(max_examples=60)
def test_every_estimate_is_finite_in_doubt_and_valid(measured: list[float], low: float) -> None:
    """Short, constant, full of holes; and what is not valid is not estimated."""
    values = np.array(measured)
    valid = (low, 1e6)
    values = np.where(values < low, low, values)
    window = Window(values, np.column_stack([values[::-1], np.arange(len(values))]), valid=valid)

    for gap in gaps(values):
        estimate = auto.fill(window, gap)
        assert len(estimate.values) in {0, len(gap)}
        assert np.isfinite(estimate.values).all()
        assert np.isfinite(estimate.std).all()
        assert (estimate.std > 0).all()
        assert (estimate.values >= low).all()
        assert (estimate.values <= valid[1]).all()


def test_what_was_never_below_zero_is_not_estimated_below_it() -> None:
    """A flow that stops and starts: kriging swings below zero between, a flow does not."""
    values = np.where(np.sin(np.arange(2_000) / 15.0) > 0, 40.0, 0.0) * np.abs(noise(2_000))
    found = blocks(15, 8, 115)

    estimates = filled(Window(with_gap(values, *found), noise(2_000, 3)), *found)

    assert min(estimate.values.min() for estimate in estimates) >= 0.0


def test_a_window_is_gone_through_no_more_often_for_more_gaps() -> None:
    """A day with a gap a minute costs studies of a few lengths, not of every gap."""
    looks = []
    for count in (60, 600):
        values, companion = walk(40_000), walk(40_000, 2)
        found = [Gap(1_000 + 60 * i, 1_003 + 60 * i + i % 23) for i in range(count)]
        one = Auto(Window(with_gap(values, *found), companion[:, None]))
        for gap in found:
            one.fill(gap)
        looks.append(one.looks)

    assert looks[1] <= looks[0] < 20


def test_gaps_that_nobody_asks_for_are_not_studied() -> None:
    """A minute's work is the gap of that minute, however many older ones of other lengths are still in the window."""
    found = [Gap(100 + 100 * place, 101 + 107 * place) for place in range(1, 14)]
    window = Window(with_gap(walk(1_600), *found), walk(1_600, 2)[:, None])

    newest = Auto(window)
    estimate = newest.fill(found[-1])

    assert newest.looks == 2
    assert estimate.values == pytest.approx(filled(window, *found)[-1].values)


def test_gaps_of_one_and_two_places_share_a_study() -> None:
    """What two places teach holds for one; whoever has gaps of one place only is studied by them."""
    values, companion = walk(3_000), walk(3_000, 2)
    single, double = blocks(8, 1, 300), blocks(8, 2, 300, first=340)
    looks = []
    for found in (single, double, [*single, *double]):
        one = Auto(Window(with_gap(values, *found), companion[:, None]))
        for gap in found:
            assert len(one.fill(gap).values) == len(gap)
        looks.append(one.looks)

    assert len(set(looks)) == 1


def test_gaps_of_nearly_one_length_share_a_study() -> None:
    """Readings that are held come in one piece more or less in gaps of one length; twice as long a gap is another."""
    values, companion = walk(3_000), walk(3_000, 2)
    looks = []
    for sizes in ([11], [9, 10, 11], [9, 11, 22]):
        found = [Gap(300 * place, 300 * place + size) for place, size in enumerate(sizes * 2, 1)]
        one = Auto(Window(with_gap(values, *found), companion[:, None]))
        for gap in found:
            assert len(one.fill(gap).values) == len(gap)
        looks.append(one.looks)

    assert looks == [looks[0], looks[0], looks[0] + 1]


@pytest.mark.parametrize("repeats", [1, 3])
def test_the_order_in_memory_says_nothing(repeats: int) -> None:
    """Companions by rows or by columns, of a tag whose readings are new each time or repeat."""
    columns = np.repeat(np.column_stack([walk(700, seed) for seed in range(60)]), repeats, axis=0)
    values = columns[:, 3] + 0.5 * columns[:, 40]
    found = blocks(5, 8, 100)

    by_rows, by_columns = (
        filled(Window(with_gap(values, *found), order(columns)), *found)
        for order in (np.ascontiguousarray, np.asfortranarray)
    )

    for one, other in zip(by_rows, by_columns, strict=True):
        assert one.method == other.method
        assert one.values == pytest.approx(other.values)
        assert one.std == pytest.approx(other.std)


def test_products_are_computed_by_one_thread_only_while_gaps_are_filled() -> None:
    """Others in the process keep the threads that they had."""
    blas = [library for library in ThreadpoolController().lib_controllers if library.user_api == "blas"]
    before = [library.num_threads for library in blas]

    with one_thread():
        during = [library.num_threads for library in blas]

    assert set(during) <= {1}
    assert [library.num_threads for library in blas] == before


def test_one_gap_alone_is_filled_as_among_others() -> None:
    """Whoever asks for one gap or for all of a window gets the same."""
    power = walk(2_000, 2)
    values = 2.0 * power + noise(2_000)
    found = blocks(10, 7, 150)
    window = Window(with_gap(values, *found), power[:, None])

    together = filled(window, *found)

    assert [gap for gap, _ in auto.fill_all(window)] == found
    for gap, one in zip(found, together, strict=True):
        alone = auto.fill(window, gap)
        assert alone.values == pytest.approx(one.values)
        assert alone.std == pytest.approx(one.std)


def test_beyond_so_many_studies_a_line_is_drawn() -> None:
    """What one window may cost is bounded, however its companions come and go."""
    columns = np.column_stack([walk(2_000, seed) for seed in range(8)])
    found = blocks(12, 7, 150)
    for place, gap in enumerate(found):
        columns[gap.begin, place % 8] = np.nan
    one = Auto(Window(with_gap(columns.sum(axis=1), *found), columns), most_studies=2)

    methods = [one.fill(gap).method for gap in found]

    assert sum("correlated" in method for method in methods) >= 2
    assert "linear" in methods


def test_a_gap_longer_than_any_that_could_be_studied_is_doubted_more() -> None:
    """Half of what was measured is missing: nobody can mask as much again, so doubt grows as of a walk."""
    values = walk(1_000)
    short, long = (Gap(300, 300 + size) for size in (60, 600))

    (near,) = filled(Window(with_gap(values, short)), short)
    (far,) = filled(Window(with_gap(values, long)), long)

    assert far.std[len(long) // 2] > 2.0 * near.std[len(short) // 2]


def test_companions_that_stand_still_in_a_gap_are_believed() -> None:
    """That nothing moved is news, too: it is no sign of what they never did, so doubt stays as it was learnt."""
    power = np.cumsum(np.where(np.arange(3_000) // 100 % 2, noise(3_000), 0.0))
    values = 2.0 * power + 0.1 * noise(3_000, seed=6)
    still, moving = Gap(1_040, 1_060), Gap(1_140, 1_160)

    estimates = filled(Window(with_gap(values, still, moving), power[:, None]), still, moving)

    assert estimates[0].std == pytest.approx(estimates[1].std, rel=0.2)
    assert np.abs(estimates[0].values - values[1_040:1_060]).max() < 0.6
