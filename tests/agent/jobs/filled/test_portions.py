"""How much of the gaps job's work one run takes on."""

from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from agent.jobs import gaps
from agent.jobs.filled.portions import MOST_WORK, blocks, within, work
from agent.jobs.filled.silence import Heard, Silence
from agent.jobs.job import Outcome
from agent.roles import Tag, known_tags
from agent.store.records import Filled
from drivers.reading import Quality, Reading
from drivers.settings import Fill
from tests.agent.history import START_MS, History, history

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def known(folder: Path, *names: str, fill: Fill = "linear") -> dict[str, Tag]:
    """Tags polled each second."""
    tags: dict[str, dict[str, Any]] = {name: {"unit": "l/s", "fill": fill} for name in names}
    with history(folder, tags) as past:
        return dict(known_tags(past.settings))


def minutely(hours: int) -> list[Silence]:
    """A gap in each minute."""
    return [Silence(START_MS + 60_000 * i, START_MS + 60_000 * (i + 1)) for i in range(60 * hours)]


@pytest.mark.parametrize("fill", ["linear", "forward", "correlated", "zero"])
def test_work_grows_with_the_gaps_and_no_faster(tmp_path: Path, fill: Fill) -> None:
    """A day of them costs twelve times two hours; it was the square of that."""
    tags = known(tmp_path, "x", fill=fill)

    day = work({"x": minutely(24)}, tags, {"x": Heard(companions=["x"])})
    two_hours = work({"x": minutely(2)}, tags, {"x": Heard(companions=["x"])})

    assert day == pytest.approx(12 * two_hours, rel=0.1)


def test_tags_that_were_silent_days_apart_have_windows_of_their_own(tmp_path: Path) -> None:
    """One window over both would be a week of readings, for two gaps."""
    tags = known(tmp_path, "x", "y")
    early, late = Silence(START_MS, START_MS + 9_000), Silence(START_MS + 7 * DAY_MS, START_MS + 7 * DAY_MS + 9_000)
    heard = {"x": Heard(), "y": Heard()}

    assert blocks({"x": [late], "y": [early]}, tags) == [(1_000, {"y": [early]}), (1_000, {"x": [late]})]
    assert work({"x": [late], "y": [early]}, tags, heard) == pytest.approx(2 * work({"x": [late]}, tags, heard))


def test_open_gaps_wait_for_their_turn_and_one_has_it_always(tmp_path: Path) -> None:
    """Hundreds of tags silent for an hour are filled run by run, beginning with those filled least far."""
    tags = known(tmp_path, "x", "y", "z", fill="forward")
    end_ms = START_MS + HOUR_MS
    done = {"x": START_MS + 1_000_000, "y": 0, "z": START_MS + 500_000}
    found = {name: [Silence(START_MS, end_ms, is_closed=False, done_ms=done_ms)] for name, done_ms in done.items()}
    heard = {name: Heard(last_ms=START_MS) for name in tags}
    two = work({"y": found["y"]}, tags, heard) + work({"z": found["z"]}, tags, heard)

    assert list(within(0.0, found, tags, heard)) == ["y"]
    assert list(within(two, found, tags, heard)) == ["y", "z"]
    assert list(within(MOST_WORK, found, tags, heard)) == ["y", "z", "x"]


def minutes(past: History, hours: range) -> None:
    """Two tags that are polled each second and heard once a minute, the second a little less often."""
    times = range(60 * hours.start, 60 * hours.stop)
    past.append(
        Reading(name, START_MS + 60_000 * minute, 5.0 + minute % 7, Quality.GOOD)
        for minute in times
        for name in ("x", "y")
        if name == "x" or minute % 10
    )


def caught_up(past: History, now_ms: int) -> list[Outcome]:
    """What each run found until nothing was left to do."""
    found: list[Outcome] = []
    while not found or found[-1].counts["runs_behind"]:
        found.append(past.perform("gaps", gaps.run, now_ms))
    return found


def filled(past: History) -> set[tuple[str, int, float, str]]:
    """Everything that is filled."""
    with past.reader() as reader:
        found: list[Filled] = reader.filled(["x", "y"], 0, 2**60)
    return {(one.tag, one.ts_ms, round(one.value, 9), one.method) for one in found}


def test_hours_with_a_gap_a_minute_are_caught_up_run_by_run() -> None:
    """A day of them took one run more than its budget: it was killed before it had moved its mark, for ever.

    Several runs fill what a run every two hours would have. Slow because each is a real store with 84,000 values.
    """
    tags: dict[str, dict[str, Any]] = {name: {"unit": "l/s", "fill": "correlated"} for name in ("x", "y")}
    results: list[set[tuple[str, int, float, str]]] = []
    runs: list[list[Outcome]] = []
    for bounds in ([0, 12], list(range(0, 13, 2))):
        with TemporaryDirectory() as folder, history(Path(folder), tags) as past:
            for begin, end in pairwise(bounds):
                minutes(past, range(begin, end))
                runs.append(caught_up(past, START_MS + end * HOUR_MS))
            results.append(filled(past))
    whole = runs[0]

    assert results[0] == results[1]
    assert len(results[0]) > 80_000
    assert len(whole) >= 2
    assert [outcome.counts["runs_behind"] for outcome in whole] == [1] * (len(whole) - 1) + [0]
    assert all(earlier.mark < later.mark for earlier, later in pairwise(whole))


def test_gaps_that_readings_of_one_moment_end_are_shared_out_among_runs(tmp_path: Path) -> None:
    """All of a station comes back at once: each run fills some of the tags, and together they fill each one.

    Slow because it takes 900 tags to be more than one run does.
    """
    names = [f"t{place}" for place in range(900)]
    with history(tmp_path, {name: {"unit": "l/s", "fill": "linear"} for name in names}) as past:
        for second in (0, 1, 2, 12):
            past.append([Reading(name, START_MS + 1_000 * second, 5.0, Quality.GOOD) for name in names])

        runs = caught_up(past, START_MS + 13_000)

        with past.reader() as reader:
            found = reader.filled(names, 0, 2**60)
    assert len(runs) >= 2
    assert len(found) == len({(one.tag, one.ts_ms) for one in found}) == 900 * 9


@pytest.mark.parametrize(("fill", "days"), [("auto", 5_000.0), ("linear", 0.0)])
def test_the_days_that_a_long_gap_asks_for_are_work(tmp_path: Path, fill: Fill, days: float) -> None:
    """A run that closes half an hour's gap of each of a thousand tags reads weeks of each: more than one run's work."""
    tags = known(tmp_path, "x", fill=fill)
    heard = {"x": Heard(companions=["x"])}
    short, half_an_hour, long = (
        work({"x": [Silence(START_MS, START_MS + 60_000 * minutes)]}, tags, heard) for minutes in (29, 30, 31)
    )

    assert half_an_hour - short == pytest.approx(long - half_an_hour + days, rel=0.01)
