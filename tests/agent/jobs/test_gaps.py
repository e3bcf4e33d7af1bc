"""The gaps job over real history."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.jobs import gaps
from agent.store.records import Filled
from drivers.reading import Quality, Reading
from drivers.settings import Fill
from tests.agent.history import START_MS, History, history

BAD, NAN = float("inf"), float("nan")


def tag(fill: Fill, unit: str = "l/s", **keys: Any) -> dict[str, dict[str, Any]]:
    """One tag named x."""
    return {"x": {"unit": unit, "fill": fill, **keys}}


def filled(past: History, name: str = "x") -> list[Filled]:
    """Everything that is filled now."""
    with past.reader() as reader:
        return reader.filled([name], 0, 2**60)


def run(past: History, second: float) -> dict[str, int]:
    """Run the job so many seconds after the start; what it has counted so far."""
    outcome = past.perform("gaps", gaps.run, START_MS + round(1_000 * second))
    return gaps.restored(outcome.state).counts


def seconds(values: list[Filled]) -> list[int]:
    """Their times, in seconds after the start."""
    return [(one.ts_ms - START_MS) // 1_000 for one in values]


@pytest.mark.parametrize("hole", [NAN, BAD])
def test_a_gap_is_filled_by_a_line_in_the_tags_own_unit(tmp_path: Path, hole: float) -> None:
    """Whether nothing came or something bad: what is good on both sides counts, in l/s as the meter says it."""
    with history(tmp_path, tag("linear")) as past:
        past.series("x", [*np.arange(100.0) % 7, 10.0, hole, hole, hole, 50.0])

        counts = run(past, 110)
        found = filled(past)

    assert seconds(found) == [101, 102, 103]
    assert [one.value for one in found] == pytest.approx([20.0, 30.0, 40.0])
    assert {one.method for one in found} == {"linear"}
    assert all(one.std > 0.5 for one in found)
    assert (counts["gaps_filled"], counts["values_filled"]) == (1, 3)


@pytest.mark.parametrize("fill", ["linear", "correlated", "forward", "zero", "auto"])
@pytest.mark.parametrize("kind", ["unit", "flag", "part"])
def test_a_counter_is_held_whatever_is_asked(tmp_path: Path, fill: Fill, kind: str) -> None:
    """Energy between two states of a counter is not known; a line would be a value the meter never showed."""
    keys: dict[str, Any] = {"unit": "kWh"} if kind == "unit" else {"unit": "1"}
    keys |= {"totaliser": True} if kind == "flag" else {}
    plant: dict[str, Any] = {
        "header": [{"id": "main", "pressure": ["y"], "flow": ["y"]}],
        "pump": [{"id": "p1", "header": "main", "energy": "x"}],
    }
    tags = tag(fill, **keys) | {"y": {"unit": "1"}}
    with history(tmp_path, tags, **(plant if kind == "part" else {})) as past:
        past.series("x", [*(1_000.0 + np.arange(200.0)), *[NAN] * 30, 1_231.0])
        past.series("y", np.arange(231.0))

        run(past, 231)
        found = filled(past)

    assert seconds(found) == list(range(200, 230))
    assert {one.value for one in found} == {1_199.0}
    assert all(one.std > 0 for one in found)


def test_a_state_is_held_too(tmp_path: Path) -> None:
    """Half running is no state."""
    plant: dict[str, Any] = {
        "header": [{"id": "main", "pressure": ["y"], "flow": ["y"]}],
        "pump": [{"id": "p1", "header": "main", "status": "x"}],
    }
    with history(tmp_path, tag("linear", "1") | {"y": {"unit": "1"}}, **plant) as past:
        past.series("x", [0.0, 0.0, 0.0, NAN, NAN, 1.0])

        run(past, 6)

        assert [one.value for one in filled(past)] == [0.0, 0.0]


def test_a_tag_of_missing_values_gets_none(tmp_path: Path) -> None:
    """The default: nobody invents what nobody asked for."""
    with history(tmp_path, {"x": {"unit": "l/s"}}) as past:
        past.series("x", [1.0, NAN, NAN, 4.0])

        counts = run(past, 10)

        assert filled(past) == []
        assert counts["values_filled"] == 0


def test_forward_fills_while_the_gap_lasts_and_a_line_waits(tmp_path: Path) -> None:
    """The present needs a value now; a line needs its other end."""
    tags = tag("forward") | {"y": {"unit": "l/s", "fill": "linear"}}
    with history(tmp_path, tags) as past:
        for name in tags:
            past.series(name, [5.0] * 60)

        run(past, 70)
        at_first = seconds(filled(past))
        run(past, 80)

        assert at_first == list(range(60, 69))
        assert seconds(filled(past)) == list(range(60, 79))
        assert filled(past, "y") == []


def test_a_gap_that_is_too_long_is_left_and_counted_once(tmp_path: Path) -> None:
    """After five minutes nobody knows; forward gives up there, a line is not drawn at all."""
    tags = tag("forward") | {"y": {"unit": "l/s", "fill": "linear"}}
    with history(tmp_path, tags, jobs={"gaps": {"period": 60, "longest": 300}}) as past:
        for name in tags:
            past.series(name, [5.0] * 60)
        for at in (120, 400, 1_000):
            run(past, at)
        for name in tags:
            past.series(name, [5.0] * 60, start_ms=START_MS + 1_000_000)

        counts = run(past, 1_060)

        assert seconds(filled(past))[-1] == 358
        assert filled(past, "y") == []
        assert counts["gaps_left"] == 2


@pytest.mark.parametrize(
    ("longest", "period", "missing", "is_filled"),
    [
        (None, 3_600, 1, True),
        (None, 3_600, 24, True),
        (None, 3_600, 25, False),
        (None, 900, 24, True),
        (None, 10, 359, True),
        (None, 10, 360, False),
        (3_600, 3_600, 1, False),
    ],
)
def test_slow_tags_are_filled_for_a_day_of_hourly_readings(
    tmp_path: Path, longest: int | None, period: int, missing: int, *, is_filled: bool
) -> None:
    """An hour is no time for a tag that is read each hour; what was asked in seconds is kept to."""
    asked = {} if longest is None else {"longest": longest}
    with history(tmp_path, tag("linear", period=period), jobs={"gaps": asked}) as past:
        values = [*np.arange(90.0) % 7, *[NAN] * missing, 50.0]
        past.series("x", values[:60], step_ms=1_000 * period)
        run(past, period * 60)
        past.series("x", values[60:], start_ms=START_MS + 60_000 * period, step_ms=1_000 * period)
        outcome = past.perform("gaps", gaps.run, START_MS + 1_000 * period * len(values))

        assert len(filled(past)) == missing * is_filled
        assert (outcome.doubt is None or "left missing" not in outcome.doubt) == is_filled


def test_a_gap_that_is_too_long_is_named_while_it_lasts_and_when_it_ends(tmp_path: Path) -> None:
    """A hole in a trend that nobody mentions is taken for a fault of the filling; once it is over it is no news."""
    tags = tag("linear") | {"y": {"unit": "l/s", "fill": "linear"}}
    with history(tmp_path, tags, jobs={"gaps": {"period": 60, "longest": 300}}) as past:
        past.series("x", [5.0] * 60 + [NAN] * 1_000 + [5.0] * 100)
        past.series("y", [5.0] * 1_160)
        told = [past.perform("gaps", gaps.run, START_MS + 1_160_000).doubt]
        past.series("x", [5.0] * 60, start_ms=START_MS + 1_160_000)
        past.series("y", [5.0] * 60, start_ms=START_MS + 1_160_000)
        told += [past.perform("gaps", gaps.run, START_MS + 1_000 * second).doubt for second in (1_220, 2_000, 2_060)]

    sentence = "left missing, as longer than [jobs.gaps] longest: "
    assert told == [sentence + "x", None, sentence + "x, y", sentence + "x, y"]


@pytest.mark.parametrize("fill", ["linear", "forward"])
def test_a_gap_is_filled_though_the_jobs_state_was_lost_in_it(tmp_path: Path, fill: Fill) -> None:
    """The log knows when the tag was last heard: rot in the state, or a version that reads no older one."""
    found = []
    for is_lost in (False, True):
        folder = tmp_path / f"{is_lost}"
        folder.mkdir()
        with history(folder, tag(fill) | {"y": {"unit": "l/s", "fill": "linear"}}) as past:
            past.series("x", [1.0] * 50)
            past.series("y", [2.0] * 90)
            outcome = past.perform("gaps", gaps.run, START_MS + 90_000)
            if is_lost:
                past.keep("gaps", replace(outcome, state=b"{rot"))
            past.series("x", [9.0] * 10, start_ms=START_MS + 90_000)
            run(past, 100)
            found.append([(one.ts_ms, one.value, one.method) for one in filled(past)])

    assert len(found[0]) == 40
    assert found[0] == found[1]


@pytest.mark.parametrize("fill", ["linear", "forward"])
def test_gaps_are_filled_after_a_clock_that_ran_ahead_came_back(tmp_path: Path, fill: Fill) -> None:
    """What was heard years ahead made every reading since then a late one, and no gap was found until that date."""
    ahead = 20_000 * 86_400
    with history(tmp_path, tag(fill)) as past:
        past.series("x", [1.0] * 50)
        run(past, 50)
        past.series("x", [1.0] * 50, start_ms=START_MS + 1_000 * ahead)
        run(past, ahead + 50)
        past.series("x", [1.0] * 10, start_ms=START_MS + 70_000)
        run(past, 80)
        past.series("x", [1.0] * 10, start_ms=START_MS + 85_000)
        run(past, 95)
        own = [second for second in seconds(filled(past)) if second < 95]

    assert own == [*range(50, 70), *range(80, 85)]


def test_each_run_counts_its_own_work(tmp_path: Path) -> None:
    """Health adds the runs up."""
    with history(tmp_path, tag("linear")) as past:
        past.series("x", [1.0, 1.0, NAN, 1.0])
        first = past.perform("gaps", gaps.run, START_MS + 4_000)
        past.series("x", [1.0, NAN, NAN, 1.0], start_ms=START_MS + 4_000)

        second = past.perform("gaps", gaps.run, START_MS + 8_000)

    assert (first.counts["values_filled"], second.counts["values_filled"]) == (1, 2)


def test_late_data_take_the_place_of_filled_values(tmp_path: Path) -> None:
    """The device kept them during the outage and delivers them afterwards; estimates give way to measurements."""
    with history(tmp_path, tag("linear")) as past:
        past.series("x", [1.0] * 50 + [NAN] * 10 + [1.0] * 10)
        run(past, 70)
        past.series("x", [9.0] * 4, start_ms=START_MS + 52_000)

        counts = run(past, 80)

        assert seconds(filled(past)) == [50, 51, 56, 57, 58, 59]
        assert counts["values_withdrawn"] == 4


def test_late_bad_data_withdraw_nothing(tmp_path: Path) -> None:
    """That the device was silent is what the gap says already."""
    with history(tmp_path, tag("linear")) as past:
        past.series("x", [1.0] * 50 + [NAN] * 10 + [1.0] * 10)
        run(past, 70)
        past.series("x", [BAD] * 4, start_ms=START_MS + 52_000)

        run(past, 80)

        assert len(filled(past)) == 10


def test_an_estimate_never_rests_on_an_estimate(tmp_path: Path) -> None:
    """The value before the gap is the last one measured, not the one held into the gap before."""
    with history(tmp_path, tag("forward")) as past:
        past.series("x", [1.0] * 60 + [NAN] * 5 + [2.0] + [NAN] * 5 + [3.0])

        run(past, 80)

        assert [one.value for one in filled(past) if one.ts_ms < START_MS + 72_000] == [1.0] * 5 + [2.0] * 5


@pytest.mark.parametrize("fill", ["correlated", "auto"])
def test_a_gap_is_read_off_the_tags_that_move_with_it(tmp_path: Path, fill: Fill) -> None:
    """Flow fell by a third while its meter was silent; the power meter saw it."""
    random = np.random.default_rng(1)
    power = 100.0 + np.cumsum(random.normal(0, 0.3, 1_500))
    power[1_200:1_260] -= 30.0
    flow = 5.0 * power + random.normal(0, 0.5, 1_500)
    tags = tag(fill) | {"power": {"unit": "kW"}, "noise": {"unit": "1"}}
    with history(tmp_path, tags) as past:
        past.series("x", np.where((np.arange(1_500) >= 1_190) & (np.arange(1_500) < 1_280), np.nan, flow))
        past.series("power", power)
        past.series("noise", random.normal(size=1_500))

        run(past, 1_500)
        found = filled(past)

    truth = flow[1_190:1_280]
    missed = np.abs(np.array([one.value for one in found]) - truth)
    assert {one.method for one in found} == {"correlated"}
    assert missed.mean() < 3.0
    assert np.mean(missed <= 1.645 * np.array([one.std for one in found])) > 0.8


@given(
    present=st.lists(st.booleans(), min_size=10, max_size=80),
    cuts=st.lists(st.integers(1, 80), max_size=4),
    fill=st.sampled_from(["linear", "forward", "zero"]),
)
@settings(max_examples=15)
def test_however_often_the_job_runs_it_fills_the_same(present: list[bool], cuts: list[int], fill: Fill) -> None:
    """Slow because each example is two real stores: one run over all, and one a cut as readings arrive."""
    values = [float(i) if is_present else NAN for i, is_present in enumerate(present)]
    found = []
    for bounds in ([0, len(values)], sorted({0, len(values), *(cut for cut in cuts if cut < len(values))})):
        with TemporaryDirectory() as folder, history(Path(folder), tag(fill)) as past:
            for begin, end in pairwise(bounds):
                past.series("x", values[begin:end], start_ms=START_MS + 1_000 * begin)
                run(past, end)
            found.append([(one.ts_ms, one.value, one.method) for one in filled(past)])

    assert found[0] == found[1]


def test_a_gap_that_is_filled_from_little_is_doubted(tmp_path: Path) -> None:
    """Ten minutes on each side of half an hour: x was hardly there; and half an hour around ten seconds is enough."""
    with history(tmp_path, tag("linear")) as past:
        past.series("x", [*[5.0] * 600, *[NAN] * 1_800, *[5.0] * 1_800])
        holed = past.perform("gaps", gaps.run, START_MS + 2_500_000)
        past.series("x", [*[5.0] * 1_800, *[NAN] * 10, *[5.0] * 60], start_ms=START_MS + 4_200_000)
        whole = past.perform("gaps", gaps.run, START_MS + 6_070_000)

    assert len(holed.filled) == 1_800
    assert holed.doubt is not None
    assert holed.doubt.startswith("x was known in ")
    assert (len(whole.filled), whole.doubt) == (10, None)


DAY = 1_440  # minutes


@pytest.mark.parametrize("fill", ["linear", "forward", "correlated", "zero", "auto"])
def test_a_history_of_minutes_has_no_gap_between_two_of_its_readings(tmp_path: Path, fill: Fill) -> None:
    """Polled each second, but the historian kept one value a minute: a week was a gap a row, and took the job's budget.

    Real holes of it are filled, at its own spacing; what is polled afterwards is judged by the second again.
    """
    week = [5.0 + minute % 7 for minute in range(7 * DAY)]
    week[300:305] = [NAN] * 5
    end = 60 * 7 * DAY
    with history(tmp_path, tag(fill)) as past:
        past.series("x", week, step_ms=60_000, imported=True)
        counts = run(past, end - 30)
        in_history = seconds(filled(past))
        past.series("x", [5.0, 5.0, NAN, NAN, 5.0, 5.0], start_ms=START_MS + 1_000 * (end - 1))
        run(past, end + 5)
        live = [second for second in seconds(filled(past)) if second > end]

    assert in_history == [60 * minute for minute in range(300, 305)]
    assert (counts["gaps_filled"], counts["values_filled"]) == (1, 5)
    assert live == [end + 1, end + 2]


def test_a_history_kept_by_exception_is_judged_by_its_long_steps(tmp_path: Path) -> None:
    """It has a value when something changed: between a second and five minutes, and nothing of that is missing."""
    steps = [1, 4, 90, 300, 2, 280, 300, 7, 31, 295] * 60
    times = [START_MS + 1_000 * sum(steps[:place]) for place in range(len(steps))]
    with history(tmp_path, tag("linear")) as past:
        past.append(
            [Reading("x", ts_ms, float(place), Quality.GOOD) for place, ts_ms in enumerate(times)], imported=True
        )

        counts = run(past, (times[-1] - START_MS) / 1_000)

    assert counts["values_filled"] == 0
