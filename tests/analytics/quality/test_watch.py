"""Readings judged one tag at a time."""

import json
import pickle
from dataclasses import asdict, replace
from itertools import islice, pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from analytics.quality.balance import Balance
from analytics.quality.bounds import Limits
from analytics.quality.moves import Given
from analytics.quality.tally import Tally
from analytics.quality.verdict import FLAG_OF, Check, Finding, Flag, shares
from analytics.quality.watch import Portion, Rules, Watch, judge, judge_all
from tests.cpu import TRIES, least_seconds
from tests.real_station import needs_real_station, recording

Floats = NDArray[np.float64]
START_MS = 1_772_366_400_000
METER = Rules(period_ms=1_000)
COUNTER = Rules(period_ms=1_000, behaviour="totaliser")


def portion(values: Floats | list[float], start_ms: int = START_MS, *, active: bool = True) -> Portion:
    """A reading a second; NaN is a bad one."""
    array = np.array(values, np.float64)
    every = np.ones(len(array), np.bool_)
    times_ms = start_ms + 1_000 * np.arange(len(array))
    return Portion(times_ms, array, np.isfinite(array), every & active, every, ~every, every)


def judged(values: Floats | list[float], rules: Rules = METER, *, active: bool = True) -> dict[str, int]:
    """How many readings did not pass which check."""
    tally = judge(Watch(), portion(values, active=active), rules, START_MS + 10**9)
    return {check: finding.count for check, finding in tally.findings.items()}


def within(low: float = -np.inf, high: float = np.inf, **keys: Any) -> Rules:
    """A meter whose possible values are known."""
    return Rules(period_ms=1_000, limits=Limits(low=low, high=high, **keys))


def usual(size: int = 2_000, seed: int = 1) -> Floats:
    """A flow around 100 that moves by about 0.5 a second."""
    random = np.random.default_rng(seed)
    return 100.0 + 10.0 * np.sin(np.arange(size) / 300.0) + random.normal(0.0, 0.4, size)


def test_usual_readings_pass() -> None:
    """What a tag always does is not worth a word."""
    assert judged(usual()) == {}


def test_a_spike_is_found_and_is_no_step() -> None:
    """One reading far out and back; the reading itself is named, with the height and the limit."""
    values = usual()
    values[1_500] += 40.0

    tally = judge(Watch(), portion(values), METER, START_MS + 10**9)

    assert set(tally.findings) == {"spike"}
    spike = tally.findings["spike"]
    assert (spike.count, spike.first_ms, spike.flag) == (1, START_MS + 1_500_000, Flag.SUSPECT)
    assert spike.value == pytest.approx(40.0, abs=2.0)
    assert spike.limit is not None
    assert spike.limit < 40.0


def test_a_step_is_found_unless_something_was_switched() -> None:
    """A meter that jumps by itself is suspect; one that jumps because a pump started does its duty."""
    values = usual()
    values[1_500:] += 40.0
    switched = portion(values)
    around = np.abs(np.arange(2_000) - 1_500) > 60

    assert judged(values) == {"step": 1}
    calm = replace(switched, is_quiet=around)
    assert judge(Watch(), calm, METER, START_MS + 10**9).findings == {}


def test_a_frozen_value_is_found_while_the_plant_runs() -> None:
    """The tag moves with every reading, and then not for five minutes; with the pump stopped that is right."""
    values = usual()
    values[1_500:1_800] = values[1_500]

    assert set(judged(values)) == {"frozen"}
    assert judged(values)["frozen"] == pytest.approx(240, abs=20)
    assert judged(values, active=False) == {}


@pytest.mark.parametrize("cut", [1_400, 1_500, 1_501])
def test_a_hole_is_no_rest(cut: int) -> None:
    """A value that is the same before and after ten minutes of silence has not stood still for them, nor teaches it."""
    values = usual()
    values[1_500] = values[1_499]
    whole = portion(values)
    late = replace(whole, times_ms=whole.times_ms + 600_000 * (np.arange(2_000) >= 1_500))
    watch = Watch()

    found = [judge(watch, late.part(part), METER, START_MS + 10**9) for part in np.split(np.arange(2_000), [cut])]

    assert {check for one in found for check in one.findings} == {"missing"}
    assert watch.motion.rests.longest_ms < 60_000


def test_times_that_are_told_in_two_ways_are_no_holes_and_no_clock_set_back() -> None:
    """What changed is dated by its source, what stands by our clock: 3.3 s apart, or 0.5 s back, at a period of 2 s."""
    whole = portion([1.0, 1.0, 2.0, 2.0, 3.0, 3.0])
    told = replace(whole, times_ms=START_MS + np.array([0, 2_000, 2_720, 6_000, 5_500, 8_000]))
    watch, rules = Watch(), Rules(period_ms=2_000, jitter_ms=2_000)

    found = judge(watch, told, rules, START_MS + 10**9).findings
    more = judge(watch, told.part(np.array([5])), rules, START_MS + 10**9).findings
    held = replace(told.part(np.array([5])), times_ms=START_MS + np.array([13_100]))
    lost = judge(watch, held, rules, START_MS + 10**9).findings

    assert found == {}
    assert set(more) == {"duplicate"}
    assert {check: one.count for check, one in lost.items()} == {"missing": 1}
    assert watch.readings == 6  # of eight: what is older than the newest is held against nothing


@pytest.mark.parametrize(("back_ms", "told"), [(2_000, set()), (2_001, {"backward"})])
def test_a_time_further_back_than_it_may_be_is_told(back_ms: int, told: set[str]) -> None:
    """Up to a period it is only dated in another way, and is not judged against what came before it."""
    watch, rules = Watch(), Rules(period_ms=2_000, jitter_ms=2_000)
    times_ms = START_MS + np.array([0, 2_000, 4_000, 6_000, 6_000 - back_ms])
    whole = replace(portion([1.0, 1.0, 1.0, 1.0, 2.0]), times_ms=times_ms)

    found = judge(watch, whole, rules, START_MS + 10**9).findings

    assert set(found) == told
    assert watch.readings == 4


def test_who_froze_in_a_hole_is_found_after_it() -> None:
    """The hole is left out of the rest, which is judged as any other."""
    values = usual()
    values[1_500:1_800] = values[1_499]
    whole = portion(values)
    late = replace(whole, times_ms=whole.times_ms + 600_000 * (np.arange(2_000) >= 1_500))

    found = judge(Watch(), late, METER, START_MS + 10**9).findings

    assert found["frozen"].count == pytest.approx(240, abs=20)
    assert found["frozen"].first_ms >= START_MS + 2_150_000


@pytest.mark.parametrize("size", [60, 2_000])
@pytest.mark.parametrize(("every", "lost"), [(20, 3), (60, 4)])
def test_a_flaky_line_hides_no_frozen_sensor(every: int, lost: int, size: int) -> None:
    """A few bad polls in a row each minute, or three of twenty: what came between them adds up to one rest."""
    values = usual()
    values[1_500:] = values[1_500]
    values[np.arange(2_000) % every < lost] = np.nan
    watch, whole, frozen = Watch(), portion(values), 0

    for rows in np.array_split(np.arange(2_000), 2_000 // size):
        findings = judge(watch, whole.part(rows), METER, START_MS + 10**9).findings
        assert set(findings) <= {"bad", "frozen"}
        frozen += findings["frozen"].count if "frozen" in findings else 0

    share = 1 - lost / every
    assert frozen == pytest.approx(share * 430, abs=20)


def test_a_tag_that_hardly_moves_is_never_frozen() -> None:
    """A valve's position, a set point: rest is what it does."""
    assert judged(np.repeat([1.0, 2.0, 3.0], 1_000)) == {}


def test_range_and_the_register_s_end_are_failures() -> None:
    """Impossible, whatever the history."""
    assert judged([10.0, 250.0, -5.0, 20.0], within(low=0.0, high=200.0)) == {"range": 2}
    assert judged([10.0, 409.5], within(full_scale=(409.5,))) == {"full_scale": 1}


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ([*range(1_000, 1_100), 860.0, *range(1_101, 1_300)], "glitch"),  # drops by 14 % and returns
        ([*range(1_000, 1_100), *range(300)], "reset"),
        ([*range(65_400, 65_536), *range(300)], "rollover"),
        ([*range(1_000, 1_100), *range(700, 1_000)], "drop"),
        ([*range(1_000, 1_100), *range(9_000, 9_100)], "jump"),
    ],
)
def test_what_a_counter_does_is_told_apart(after: list[float], expected: str) -> None:
    """A glitch taken for a reset would add the whole counter to the day's energy."""
    assert judged(after, COUNTER) == {expected: 1}


def test_the_last_digits_of_a_float_do_not_count_backwards() -> None:
    """A 32-bit float of 71,574.59 kWh steps by 0.008 and may go either way."""
    digits = np.random.default_rng(2).integers(-1, 2, 1_000)

    assert judged([71_574.59 + 0.0078 * digit for digit in digits], COUNTER) == {}


def test_time_is_judged_in_the_order_of_arrival() -> None:
    """Late, twice, from the future, and missing: each is said, and none upsets the checks of values."""
    times = np.array([0, 1, 2, 6, 4, 6, 7, 10_000, 8]) * 1_000 + START_MS
    every = np.ones(9, np.bool_)

    tally = judge(Watch(), Portion(times, np.full(9, 5.0), every, every, every, ~every, every), METER, START_MS + 8_000)

    counts = {check: finding.count for check, finding in tally.findings.items()}
    assert counts == {"late": 1, "duplicate": 1, "future": 1, "missing": 3}


def test_bad_readings_are_failures_and_no_gap() -> None:
    """They came; what they say is that the device does not know."""
    assert judged([1.0, np.nan, np.nan, 2.0]) == {"bad": 2}


def test_the_score_is_the_share_of_expected_readings_nothing_speaks_against() -> None:
    """100 expected; 90 came, 9 of them twice or late, 8 bad, 10 suspect: 63 remain."""
    found = shares(expected=100, came=90, untimely=9, invalid=8, suspect=10)

    assert found.score == pytest.approx(0.63 * 0.9)  # timeliness counts once more: late data served nobody live
    assert found.completeness == pytest.approx(0.81)
    assert found.validity == pytest.approx(73 / 81)
    assert found.consistency == pytest.approx(63 / 73)
    assert found.timeliness == pytest.approx(0.9)


@given(
    seed=st.integers(0, 1_000),
    faults=st.lists(st.tuples(st.integers(0, 1_999), st.sampled_from([40.0, -40.0, np.nan, 65_535.0])), max_size=12),
    cuts=st.lists(st.integers(1, 1_999), max_size=6),
    rules=st.sampled_from([METER, COUNTER]),
)
@settings(max_examples=40)
def test_portions_and_the_whole_are_judged_the_same(
    seed: int, faults: list[tuple[int, float]], cuts: list[int], rules: Rules
) -> None:
    """How the log is cut into runs of a job, and being pickled between them, must not show."""
    values = usual(seed=seed)
    values = values if rules is METER else np.cumsum(np.abs(values))
    for place, fault in faults:
        values[place] += fault
    whole, rows = portion(values), np.arange(2_000)
    at_once = judge(Watch(), whole, rules, START_MS + 10**9)

    watch, found = Watch(), Tally()
    for begin, end in pairwise(sorted({0, 2_000, *cuts})):
        part = whole.part((rows >= begin) & (rows < end))
        found.join(judge(watch, part, rules, START_MS + 10**9))
        watch = pickle.loads(pickle.dumps(watch))  # noqa: S301 - our own

    assert found == at_once


@pytest.mark.parametrize("fault", ["spike", "step", "frozen", "glitch"])
def test_injected_faults_are_found(fault: str) -> None:
    """Twenty seeds of each kind, on a signal with the same kind of noise as a real flow."""
    found = 0
    for seed in range(20):
        values = usual(3_000, seed)
        place = int(np.random.default_rng(seed).integers(1_300, 2_600))
        if fault == "spike":
            values[place] += 25.0
        elif fault == "step":
            values[place:] -= 25.0
        elif fault == "frozen":
            values[place : place + 300] = values[place]
        else:
            values = np.cumsum(np.abs(values))
            values[place] *= 0.86
        found += fault in judged(values, COUNTER if fault == "glitch" else METER)

    assert found >= 19


@needs_real_station
def test_clean_data_raise_hardly_a_flag() -> None:
    """Below 0.1 a tag-day: the hour is 10.5 tag-days, so one episode at most (the intake's flow does step once)."""
    hour = recording().replace(3276.7, np.nan)
    stopped = ("supply.p2", "supply.p3", "supply.p4", "supply.p6", "phase1", "intake.p1", "intake.p3", "intake.p5")

    flagged = [
        name
        for name in hour
        if set(
            judged(
                hour[name].to_numpy(np.float64),
                COUNTER if str(name).endswith(("energy", "volume")) else METER,
                active=not str(name).startswith(stopped),
            )
        )
        - {"bad"}
    ]

    assert flagged in ([], ["intake.inlet.flow"])


def test_a_hundred_thousand_readings_a_second() -> None:
    """CPU time of portions of a minute after hours of them, as the job has them; a third of the aim, on any machine."""
    watch = Watch()
    parts = iter([portion(usual(60, seed), START_MS + 60_000 * seed) for seed in range(300 + 50 * TRIES)])

    def judge_next(number: int) -> None:
        for part in islice(parts, number):
            judge(watch, part, METER, START_MS + 10**9)

    judge_next(300)

    assert 3_000 / least_seconds(lambda: judge_next(50)) > 33_000


def test_many_tags_at_once_are_judged_as_each_alone() -> None:
    """Faults of every kind among good tags, in uneven portions: nobody's finding or limit is another one's."""
    random = np.random.default_rng(3)
    series = [usual(1_500, seed) for seed in range(12)]
    series[1][1_200] += 40.0
    series[2][1_200:] += 40.0
    series[3][1_000:1_300] = series[3][1_000]
    series[4][700:710] = np.nan
    series[5][900:905] = 32_767.0
    series[6] = 1_000.0 + np.arange(1_500.0)
    series[6][1_200:1_210] *= 0.86
    series[7][800:900] = 130.0
    series[8] = np.round(series[8])
    rules = [METER] * 12
    rules[6], rules[7], rules[9] = COUNTER, within(80.0, 120.0), Rules(1_000, behaviour="status")
    rules[10] = Rules(1_000, given=Given(move=1.0, rest_ms=5_000.0))
    together, alone = [Watch() for _ in series], [Watch() for _ in series]
    begin = 0
    while begin < 1_500:
        ends = begin + random.integers(50, 70, 12)
        parts = [portion(values[begin:end], START_MS + 1_000 * begin) for values, end in zip(series, ends, strict=True)]
        said = judge_all(list(zip(together, parts, rules, strict=True)), START_MS + 10**9)

        told = [judge(*one, START_MS + 10**9) for one in zip(alone, parts, rules, strict=True)]

        assert said == told
        begin += 70
    assert together == alone


def test_minutes_of_nonsense_become_no_habit() -> None:
    """Five minutes of wild values, all possible, in a day: what is unusual and what is a spike stay what they were."""
    clean = usual(86_400 + 4_000)
    wild = clean.copy()
    wild[40_000:40_300] = np.random.default_rng(5).uniform(200.0, 9_000.0, 300)

    usuals, moves = list[tuple[float, float] | None](), list[list[float]]()
    for values in (clean, wild):
        watch = Watch()
        for begin in range(0, len(values), 3_600):
            judge(watch, portion(values[begin : begin + 3_600], START_MS + 1_000 * begin), METER, START_MS + 10**9)
        usuals.append(watch.bounds.usual)
        moves.append([limits[1] or 0.0 for limits in (watch.motion.spike_limits, watch.motion.step_limits)])

    assert usuals[0] is not None
    assert usuals[1] == usuals[0]
    assert moves[1] == pytest.approx(moves[0], rel=0.5)  # else some thousands


def test_what_comes_back_hour_after_hour_becomes_usual() -> None:
    """The town's evening doubles the flow each day: not nonsense, but what the tag does."""
    seconds = np.arange(3 * 86_400, step=10.0)
    values = 100.0 + np.where(seconds % 86_400 > 72_000, 250.0, 0.0) + np.sin(seconds / 70.0)
    watch, rules = Watch(), Rules(period_ms=10_000)
    every = np.ones(len(values), np.bool_)
    times_ms = START_MS + (1_000 * seconds).astype(np.int64)

    judge(watch, Portion(times_ms, values, every, every, every, ~every, every), rules, START_MS + 10**9)

    assert watch.bounds.usual is not None
    assert watch.bounds.usual[1] > 700.0


def test_what_is_remembered_is_plain() -> None:
    """The job keeps it as JSON: no NumPy number hides in it."""
    watch = Watch()
    judge(watch, portion(usual()), METER, START_MS + 10**9)
    judge(watch, portion(np.arange(100.0), START_MS + 10**7), COUNTER, START_MS + 10**9)

    assert json.dumps(asdict(watch))


def test_a_counter_that_keeps_step_with_its_rate_agrees() -> None:
    """200 kW for an hour are 200 kWh in steps of 16; at half the scale they are not."""
    power = np.full(3_600, 200.0)
    energy = np.floor(np.cumsum(power) / 3_600 / 16.0) * 16.0

    right = Balance().update(energy, power, 1_000)
    wrong = Balance().update(energy / 2, power, 1_000)

    assert [verdict.agrees for verdict in right] == [True]
    assert [verdict.agrees for verdict in wrong] == [False]


def test_a_glitch_of_a_counter_blinds_nobody() -> None:
    """It drops by 14 % and returns, over the seam of two portions: what it counts wrongly is still told, soon after."""
    power = np.full(7_200, 200.0)
    energy = 5_000.0 + np.cumsum(power) / 3_600 / 2
    energy[1_790:1_810] *= 0.86
    balance = Balance()

    found = [
        v
        for begin in range(0, 7_200, 1_800)
        for v in balance.update(energy[begin : begin + 1_800], power[begin : begin + 1_800], 1_000)
    ]

    assert [verdict.agrees for verdict in found] == [False] * len(found)
    assert len(found) >= 2


def test_a_counter_that_goes_on_while_nothing_comes_of_it_has_not_jumped() -> None:
    """Two hours of silence, and 7,200 counts more; as many between two readings are a jump, and a second one is too."""
    quiet = portion([*range(1_000, 1_200), *range(8_400, 8_600)])
    times_ms = quiet.times_ms + np.repeat([0, 7_200_000], 200)
    silent = judge(Watch(), replace(quiet, times_ms=times_ms), COUNTER, START_MS + 10**9)

    twice = judged([*range(1_000, 1_200), *range(8_400, 8_600), *range(15_600, 15_800)], COUNTER)

    assert set(silent.findings) == {"missing"}
    assert twice == {"jump": 2}


def test_a_counter_that_never_counts_is_told_after_a_day() -> None:
    """Its wire is off since it was built in; one that counts by hundreds may stand for hours."""
    still, balance, idle = np.full(3_600, 7.0), Balance(), Balance()

    found = [balance.update(still, np.full(3_600, 20.0), 1_000) for _ in range(26)]
    standing = [idle.update(still, np.zeros(3_600), 1_000) for _ in range(26)]

    assert [len(each) for each in found] == [0] * 24 + [1, 0]
    assert not found[24][0].agrees
    assert standing == [[]] * 26


def test_a_balance_goes_on_between_portions_and_over_a_gap() -> None:
    """What rose while nobody measured the rate is in neither sum."""
    power = np.full(7_200, 200.0)
    energy = np.cumsum(power) / 3_600
    power[1_000:2_000] = np.nan
    balance = Balance()

    found = [
        v
        for begin in range(0, 7_200, 60)
        for v in balance.update(energy[begin : begin + 60], power[begin : begin + 60], 1_000)
    ]

    assert found
    assert all(abs(verdict.counted - verdict.integrated) < 0.2 for verdict in found)


def test_a_spike_at_the_seam_of_two_portions_is_one_spike() -> None:
    """Whoever decided on the last move at once would call the way up a step and the way down another."""
    values = usual()
    values[1_499] += 40.0
    watch, found = Watch(), Tally()

    for begin in (0, 1_500):
        found.join(
            judge(watch, portion(values[begin : begin + 1_500], START_MS + 1_000 * begin), METER, START_MS + 10**9)
        )

    assert {check: finding.count for check, finding in found.findings.items()} == {"spike": 1}


def test_a_plant_that_moves_is_no_broken_sensor() -> None:
    """A valve that opens makes several large moves one after the other; a sensor that breaks makes one."""
    values = usual()
    values[1_500:] += 40.0 * (1 - np.exp(-np.arange(500) / 3.0))

    assert judged(values) == {}


def test_noise_that_grows_with_the_value_is_no_fault() -> None:
    """A flow meter's error is a share of what it shows; limits learnt at 100 must not fill the report at 600."""
    random = np.random.default_rng(3)
    level = np.repeat([100.0, 600.0], 2_000)
    ramp = np.convolve(level, np.ones(30) / 30, mode="same")[30:-30]

    assert judged(ramp * (1 + random.normal(0, 0.004, len(ramp)))) == {}


def test_a_night_of_standing_does_not_make_the_days_noise_a_fault() -> None:
    """Ten thousand readings without a move, and then the pump runs: what moves then is not rare, it is new."""
    values = np.concatenate([np.zeros(10_000), usual(1_500)])
    running = np.arange(11_500) >= 10_000
    whole = replace(portion(values), is_active=running, is_quiet=np.abs(np.arange(11_500) - 10_000) > 60)

    assert judge(Watch(), whole, METER, START_MS + 10**9).findings == {}


def test_what_devices_write_without_a_sensor_is_known() -> None:
    """32767 in tenths from the first reading on, -9999 once the tag is known; and 999 of a flow around 900 is none."""
    known = [*usual(), -9_999.0, -9_999.0]
    large = [*(9 * usual()), 999.0]

    assert judged([3_276.7] * 5) == {"sentinel": 5}
    assert judged(known) == {"sentinel": 2}
    assert "sentinel" not in judged(large)
    assert judged([5.0, 6_000.0], within(sentinels=(6_000.0,))) == {"sentinel": 1}


def test_a_value_stuck_at_the_end_of_its_range_is_found() -> None:
    """4 bar of a gauge that ends there, reading after reading; a tag that lives at 0 is not stuck there."""
    values = usual()
    values[1_500:1_540] = 130.0
    idle = np.concatenate([np.zeros(500), usual(500), np.zeros(500), usual(500), np.zeros(500)])

    assert judged(values, within(high=130.0))["at_limit"] == 31
    assert "at_limit" not in judged(idle, within(low=0.0))


def test_limits_of_the_configuration_take_the_place_of_learnt_ones() -> None:
    """From the first reading on, and also where the tag's own history would allow more."""
    values = usual(300)
    values[200] += 5.0
    still = [*usual(100), *[7.0] * 40]
    given = Rules(period_ms=1_000, given=Given(move=3.0))

    assert judged(values, given) == {"spike": 1}
    assert judged(still, Rules(period_ms=1_000, given=Given(rest_ms=20_000))) == {"frozen": 19}
    assert judged([90.0, 100.0, 110.0], within(usual_low=95.0, usual_high=105.0)) == {"unusual": 2}


def after(day: Floats, *, last: float, ran: bool = True) -> set[str]:
    """What is said of a reading that comes after a day and more of minutes in which the plant *ran* or stood."""
    values = np.append(day, last)
    every = np.ones(len(values), np.bool_)
    active = np.append(np.full(len(day), ran), True)
    times_ms = START_MS + 60_000 * np.arange(len(values))
    ready = Portion(times_ms, values, every, active, ~every, ~every, every)
    return set(judge(Watch(), ready, Rules(period_ms=60_000), START_MS + 10**10).findings)


DAY = 100.0 + 20.0 * np.sin(np.arange(1_800) / 1_440 * 2 * np.pi)


def test_a_value_far_from_a_whole_day_is_unusual() -> None:
    """A wrong unit or scale; twice as much as ever is another duty, and before a day has passed nothing is far."""
    assert after(DAY, last=1_000.0) == {"unusual"}
    assert after(DAY, last=-1_000.0) == {"unusual"}
    assert after(DAY, last=250.0) == set()
    assert after(DAY[:1_000], last=1_000.0) == set()


def test_a_start_after_days_of_rest_is_not_unusual() -> None:
    """A standby pump's meter shows noise until it runs; a valve that is mostly shut is opened now and then."""
    noise = np.abs(np.random.default_rng(6).normal(0.0, 0.02, 1_800))
    seldom = np.where(np.arange(1_800) % 50 == 0, 5.0, 0.0)

    assert after(noise, last=150.0, ran=False) == set()
    assert after(seldom, last=150.0) == set()
    assert after(np.zeros(1_800), last=150.0) == set()


def test_a_clock_that_goes_back_is_not_taken_for_late_data() -> None:
    """Late readings fall into holes; a clock that was set back says times that were read already."""
    times = np.array([0, 1, 2, 3, 1.5, 2.5, 3.5, 4.5]) * 1_000 + START_MS
    every = np.ones(8, np.bool_)
    back = Portion(times.astype(np.int64), np.arange(8.0), every, every, every, ~every, every)

    tally = judge(Watch(), back, METER, START_MS + 8_000)

    assert {check: finding.count for check, finding in tally.findings.items()} == {"backward": 2}


def test_readings_of_an_unset_clock_upset_nothing() -> None:
    """They bear dates of 1970; what comes after them is neither ahead nor missing."""
    values = usual(200)
    early = replace(portion(values[:100], start_ms=5_000), is_dated=np.zeros(100, np.bool_))
    watch = Watch()

    first = judge(watch, early, METER, START_MS)
    then = judge(watch, portion(values[100:]), METER, START_MS + 10**6)

    assert {check: finding.count for check, finding in first.findings.items()} == {"unsynchronised": 100}
    assert then.findings == {}


def test_what_the_device_doubts_is_neither_bad_nor_learnt() -> None:
    """The last usable value, said again and again, must not make the tag one that rests."""
    doubted = portion([1.0, 2.0, 3.0, 4.0])
    no = np.zeros(4, np.bool_)

    tally = judge(watch := Watch(), replace(doubted, is_good=no, is_uncertain=~no), METER, START_MS + 10**6)

    assert {check: finding.count for check, finding in tally.findings.items()} == {"uncertain": 4}
    assert watch.readings == 0


def test_the_steps_of_a_coarse_meter_are_noted() -> None:
    """2.5 m³/h, which nobody told; a fine one has none."""
    random = np.random.default_rng(4)
    coarse, fine = Watch(), Watch()

    judge(coarse, portion(np.round(usual() / 2.5 + random.normal(0, 1, 2_000)) * 2.5), METER, START_MS + 10**9)
    judge(fine, portion(usual()), METER, START_MS + 10**9)

    assert coarse.motion.grid.resolution == pytest.approx(2.5)
    assert fine.motion.grid.resolution == 0.0


def test_what_cannot_be_judged_yet_is_said() -> None:
    """A pass of a tag with ten readings is worth less than one of a tag with ten thousand."""
    young, old = Watch(), Watch()

    judge(young, portion(usual(10)), METER, START_MS + 10**9)
    judge(old, portion(usual()), METER, START_MS + 10**9)

    assert young.not_evaluated(METER) == ("spike", "step", "frozen", "unusual")
    assert old.not_evaluated(METER) == ("unusual",)


@pytest.mark.parametrize("check", list(FLAG_OF))
def test_every_verdict_has_a_reason_with_its_figures(check: Check) -> None:
    """A person reads it; no figure is left to be guessed."""
    told = Finding(check, 1, START_MS, 12.5, 3.0).reason

    assert told
    assert "None" not in told
    assert "{" not in told
