"""The gaps job beside the curves job: what the pumps' learnt curves say of a gap, and where they say nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from agent.jobs import curves, gaps
from agent.store.records import Filled
from tests.agent.history import START_MS, History, history
from tests.simulators.waterworks import UNLIKE

Floats = NDArray[np.float64]
STATION = UNLIKE[:2]
LEARNING = 2_700  # s of three sets, at other duties each two and a half minutes
SIZE = 2_000  # s after it, with pump 1 alone but for some seconds
GAP = slice(1_840, 1_960)
TOGETHER = slice(1_870, 1_930)  # within the gap pump 2 runs, too
NAN = float("nan")
PLANT: dict[str, Any] = {
    "header": [{"id": "main", "pressure": ["pressure"], "flow": ["flow"], "suction_head": 3.0, "elevation": 1.0}],
    "pump": [
        {"id": "p1", "header": "main", "power": "p1.power", "speed": "p1.speed"},
        {"id": "p2", "header": "main", "power": "p2.power", "speed": "p2.speed", "flow": "p2.flow"},
    ],
}
UNITS = {"p1.power": "kW", "p2.power": "kW", "p1.speed": "Hz", "p2.speed": "Hz", "p2.flow": "m3/h"}
UNITS |= {"pressure": "kPa", "flow": "l/s"}
TAGS: dict[str, dict[str, Any]] = {name: {"unit": unit, "fill": "auto"} for name, unit in UNITS.items()}


def shown(head: Floats, speeds: Floats, seed: int) -> dict[str, Floats]:
    """What the meters say of pumps at *speeds* (0 while stopped) against *head*; 0.3 % of noise, 0.1 % on the gauge."""
    random = np.random.default_rng(seed)
    turning = np.where(speeds > 0, speeds, 1.0)
    flows = [np.where(s > 0, pump.flow(head, t), 0.0) for pump, s, t in zip(STATION, speeds.T, turning.T, strict=True)]
    powers = [pump.power(np.maximum(q, 1.0), t) for pump, q, t in zip(STATION, flows, turning.T, strict=True)]

    def noisy(values: Floats, share: float = 0.003) -> Floats:
        return values * random.normal(1.0, share, len(values))

    return {
        "p1.power": np.where(speeds[:, 0] > 0, noisy(powers[0]), 0.2),
        "p2.power": np.where(speeds[:, 1] > 0, noisy(powers[1]), 0.2),
        "p1.speed": 50.0 * speeds[:, 0],
        "p2.speed": 50.0 * speeds[:, 1],
        "p2.flow": noisy(flows[1]),
        "pressure": 9.80665 * noisy(head + 3.0 - 1.0, 0.001),
        "flow": noisy(np.sum(flows, axis=0)) / 3.6,
    }


def duties() -> tuple[Floats, Floats]:
    """Heads and speeds from which curves are learnt: pump 1, pump 2, or both, 90 % to full speed."""
    random = np.random.default_rng(3)
    count = LEARNING // 150
    runs = np.array([[True, False], [False, True], [True, True]])[np.arange(count) % 3]
    return random.uniform(33.0, 39.0, count), np.where(runs, random.uniform(0.9, 1.0, (count, 2)), 0.0)


def afterwards(*, speed: float = 0.97) -> tuple[Floats, Floats]:
    """Head and speeds of the hour after: pump 1 alone near one duty; for a minute pump 2 as well, at *speed*."""
    head = 36.0 + 0.5 * np.sin(np.arange(SIZE) / 200.0)
    speeds = np.column_stack([np.full(SIZE, 0.95), np.zeros(SIZE)])
    speeds[TOGETHER, 1] = speed
    head[TOGETHER] += 2.5
    return head, speeds


@contextmanager
def taught(folder: Path, *, is_learnt: bool = True) -> Iterator[History]:
    """A store whose curves job has seen three quarters of an hour of every set of pumps."""
    head, speeds = (np.repeat(each, 150, axis=0) for each in duties())
    with history(folder, TAGS, **PLANT) as store:
        for name, values in shown(head, speeds, 4).items():
            store.series(name, values)
        if is_learnt:
            store.perform("curves", curves.run, START_MS + 1_000 * LEARNING)
        yield store


def silenced(store: History, silent: str, *, speed: float = 0.97) -> tuple[list[Filled], Floats]:
    """What is filled of the tag *silent* in the gap, and what its meter would have shown."""
    begin_ms = START_MS + 1_000 * LEARNING
    truth = shown(*afterwards(speed=speed), 5)
    for name, values in truth.items():
        told = values.copy()
        told[GAP] = NAN if name == silent else told[GAP]
        store.series(name, told, start_ms=begin_ms)
    store.perform("gaps", gaps.run, begin_ms + 1_000 * SIZE)
    with store.reader() as reader:
        return reader.filled([silent], 0, 2**60), truth[silent][GAP]


def missed(found: list[Filled], truth: Floats) -> tuple[float, float]:
    """Mean error, and the share of truths in the 90 % intervals."""
    errors = np.abs(np.array([one.value for one in found]) - truth)
    return float(errors.mean()), float(np.mean(errors <= 1.645 * np.array([one.std for one in found])))


@pytest.mark.parametrize(("silent", "most"), [("flow", 2.0), ("pressure", 2.0), ("p2.power", 0.5), ("p2.flow", 4.0)])
def test_a_pump_that_was_started_while_a_meter_was_silent_is_told_by_its_curve(
    tmp_path: Path, silent: str, most: float
) -> None:
    """100 l/s, 25 kPa, 68 kW or 370 m³/h more for a minute, by a pump that the recent past has not seen run.

    In the tag's own unit, through suction head and elevation. Slow because an hour of six tags is written first.
    """
    with taught(tmp_path) as store:
        found, truth = silenced(store, silent)

    error, covered = missed(found, truth)
    assert len(found) == 120
    assert {one.method for one in found} == {"physics"}
    assert error < most
    assert covered >= 0.85
    assert np.median([one.std for one in found]) < 2.5 * most


def test_nobody_asks_curves_that_were_not_learnt_there(tmp_path: Path) -> None:
    """At 107 % of its speed, where pump 2 was never seen, a formula would still give a number."""
    with taught(tmp_path) as store:
        found, _ = silenced(store, "flow", speed=1.07)

    assert len(found) == 120
    assert "physics" not in {one.method for one in found}


def test_without_the_curves_job_the_recent_past_says_what_it_can(tmp_path: Path) -> None:
    """Switched off, or too young: gaps are filled all the same."""
    with taught(tmp_path, is_learnt=False) as store:
        found, _ = silenced(store, "flow")

    assert len(found) == 120
    assert "physics" not in {one.method for one in found}
