"""What stands behind a window, and every analysis that says so where it is little."""

import importlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from shutil import copytree
from typing import Any

import numpy as np
import pytest

from agent.availability import Availability, availability_of, doubt_of, mean_known, together
from agent.compute import SHOWN
from agent.jobs import forecast, running
from agent.jobs.job import Job
from tests.agent.history import START_MS, History, history
from tests.agent.jobs.test_dispatch import HEAD, MINUTE_MS, MODEL, PLANT, TAGS, UNEVEN, advise, learnt

MINUTES = 45  # of which half an hour is one of the forecast's
NOW_MS = START_MS + MINUTES * MINUTE_MS
SAID = {"conditions", "anomalies", "curves", "wear", "forecast", "schedule", "running", "saving"}
WORDED = {"conditions", "anomalies", "wear", "schedule"}  # whose payloads have the same words
# quality judges the readings one by one, gaps has a test of its own, dispatch and front have no result at all then,
# and the last two keep what was read as it is
ELSEWHERE = {"quality", "gaps", "dispatch", "front", "rollup", "seal"}


def seen(tag: str, known: float, filled: float = 0.0, *, minutes: int = 10, hole_ms: int = 60_000) -> Availability:
    """A window of a tag in which all that is known was measured."""
    return Availability(tag, minutes * MINUTE_MS, known, 0.0, filled, 1.0 - known - filled, hole_ms)


def test_half_of_a_window_is_enough_and_a_filled_value_is_told() -> None:
    """A line that gives three readings of five says what there is to say; what nobody measured is never silent."""
    assert doubt_of([seen("a", 0.6), seen("b", 0.5)]) is None
    assert doubt_of([seen("a", 0.6), seen("b", 0.49)]) == "b was known in 49% of the time (longest hole 60 s)"
    assert doubt_of([seen("a", 0.996, 0.004)]) == (
        "a was known in 100% of the time and filled in less than 1% of it (longest hole 60 s)"
    )


def test_of_several_windows_each_tag_is_told_where_it_was_least_known() -> None:
    """One bad window of ten is not made good by nine others; as one long window it is."""
    windows = [*(seen("a", 1.0, hole_ms=0) for _ in range(9)), seen("a", 0.1, minutes=30, hole_ms=90_000)]

    (whole,) = together(windows)

    assert doubt_of(windows) == "a was known in 10% of the time (longest hole 90 s)"
    assert (whole.length_ms, whole.longest_hole_ms) == (120 * MINUTE_MS, 90_000)
    assert whole.known == pytest.approx((9 * 10 + 0.1 * 30) / 120)
    assert doubt_of([whole]) is None


@pytest.mark.parametrize("seed", range(20))
def test_a_hole_goes_on_from_one_window_to_the_next(seed: int) -> None:
    """Of windows that are put together one by one, as of one that is seen whole: half of it known, little, nothing."""
    rng = np.random.default_rng(seed)
    share = (0.5, 0.1, 0.02, 0.0)[seed % 4]
    values = np.where(rng.random(200) < share, 1.0, np.nan)
    counts, filled = np.isfinite(values).astype(np.int64), np.zeros(200, np.bool_)
    edges = [0, *sorted(rng.choice(np.arange(1, 200), 30, replace=False).tolist()), 200]

    parts = [
        availability_of("a", values[begin:end], counts[begin:end], filled[begin:end], 1_000)
        for begin, end in pairwise(edges)
    ]
    joined = [parts[0]]
    for part in parts[1:]:
        joined = list(together([*joined, part]))

    whole = availability_of("a", values, counts, filled, 1_000)
    for (found,) in (joined, together(parts)):
        assert (found.longest_hole_ms, found.open_ms) == (whole.longest_hole_ms, whole.open_ms)
        assert found.known == pytest.approx(whole.known)


@pytest.mark.parametrize(
    ("values", "least", "mean"),
    [
        ([2.0, 4.0], 0.5, 3.0),
        ([2.0, np.nan], 0.5, 2.0),
        ([2.0, np.nan, np.nan], 0.5, None),
        ([2.0, np.nan, np.nan], 0.3, 2.0),
        ([np.nan], 0.0, None),
        ([], 0.5, None),
    ],
)
def test_one_cell_of_many_is_not_their_mean(values: list[float], least: float, mean: float | None) -> None:
    """A minute of which a second was read is a second."""
    assert mean_known(np.array(values, np.float64), least) == mean


@contextmanager
def station(folder: Path) -> Iterator[History]:
    """Two pumps and a tank, whose store is in *folder*."""
    plant = {**PLANT, "tank": {"level": "level", "area": 250.0, "level_min": 1.0, "level_max": 5.0}}
    with history(folder, {**TAGS, "level": {"unit": "m"}}, **plant) as past:
        yield past


def live_through(past: History, *silent: str) -> None:
    """Advised of after five minutes; from then on *silent* tags are mostly bad: minutes of them, at the end seconds."""
    past.perform("curves", learnt, START_MS)
    duty = MODEL.duty([UNEVEN[pump] / 50.0 for pump in MODEL.pumps], HEAD)
    values = {"pressure": HEAD * 0.0980665, "flow": float(duty.flows.sum()) / 3.6, "level": 3.0}
    for pump, power in zip(MODEL.pumps, duty.powers, strict=True):
        values |= {f"{pump}.speed": UNEVEN[pump], f"{pump}.power": float(power)}
    second = np.arange(60 * MINUTES)
    is_bad = np.where(second < 60 * (MINUTES - 3), second // 60 % 3 > 0, second // 10 % 4 > 0) & (second >= 360)
    columns = {tag: np.where(is_bad & (tag in silent), np.inf, value) for tag, value in values.items()}
    past.columns({tag: column[:360] for tag, column in columns.items()})
    advise(past, 5)
    past.columns({tag: column[360:] for tag, column in columns.items()}, start_ms=START_MS + 360_000)
    past.perform("running", running.run, NOW_MS - 30_000)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two folders with a store each, `whole` and `holed`; to be copied."""
    folder = tmp_path_factory.mktemp("lived")
    for name, silent in (("whole", ()), ("holed", ("flow", "level"))):
        (folder / name).mkdir()
        with station(folder / name) as past:
            live_through(past, *silent)
    return folder


def told(folder: Path, job: str) -> tuple[str | None, list[dict[str, Any]]]:
    """The doubt of a job at the end, and what it publishes."""
    run: Job = importlib.import_module(f"agent.jobs.{job}").run
    with station(folder) as past:
        if job == "schedule":
            past.perform("forecast", forecast.run, NOW_MS)
        outcome = past.perform(job, run, NOW_MS)
    return outcome.doubt, [json.loads(record.body) for record in outcome.records if record.kind in SHOWN[job]]


@pytest.mark.parametrize("job", sorted(SAID))
def test_an_analysis_that_has_seen_little_of_a_tag_says_of_which(tmp_path: Path, lived: Path, job: str) -> None:
    """Over one and the same history; and where all was there, nothing is doubted."""
    copytree(lived, tmp_path, dirs_exist_ok=True)
    silent = "level" if job == "schedule" else "flow"

    nothing, _ = told(tmp_path / "whole", job)
    doubt, bodies = told(tmp_path / "holed", job)

    assert nothing is None
    assert doubt is not None
    assert f"{silent} was known in " in doubt
    assert "power" not in doubt
    if job in WORDED:
        where = [line for body in bodies for line in body.get("watches", [body])]
        assert where
        assert all(f"{silent} was known in " in line["doubt"] for line in where)


def test_an_analysis_that_is_added_must_say_so_too() -> None:
    """What reads a window, and is not looked at here, would run on sand unknowingly."""
    assert SHOWN.keys() == SAID | ELSEWHERE


def test_a_schedule_says_what_its_forecast_has_seen(tmp_path: Path, lived: Path) -> None:
    """The demand of the day is told from half hours in which the flow was hardly measured."""
    copytree(lived, tmp_path, dirs_exist_ok=True)

    doubt, (body,) = told(tmp_path / "holed", "schedule")

    assert doubt is not None
    assert "; of what the forecast has seen last, flow was known in 44%" in doubt
    assert body["doubt"] == doubt
