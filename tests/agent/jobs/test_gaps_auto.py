"""The gaps job where a tag asks for `auto`: what it reads beside companions, what it keeps, and what it leaves."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.jobs import gaps
from agent.jobs.filled.sources import measured, sources_of
from agent.store.records import Filled
from agent.window import frame
from tests.agent.history import START_MS, History, history

SIZE = 2_400
NAN = float("nan")
GAP = slice(1_800, 1_920)
PLANT: dict[str, Any] = {
    "header": [{"id": "main", "pressure": ["h"], "flow": ["x"], "volume": "v"}],
    "pump": [{"id": "p1", "header": "main", "speed": "n", "power": "p", "energy": "e"}],
}
TAGS: dict[str, dict[str, Any]] = {
    "x": {"unit": "l/s", "fill": "auto", "valid_min": 0.0},
    "h": {"unit": "bar"},
    "n": {"unit": "Hz"},
    "p": {"unit": "kW"},
    "v": {"unit": "m3", "fill": "auto"},
    "e": {"unit": "kWh"},
}


def pumped() -> dict[str, np.ndarray[Any, np.dtype[np.float64]]]:
    """A pump whose speed and head move; its power and flow follow from them, as the counters follow from those."""
    random = np.random.default_rng(3)
    speed = 45.0 + 2.0 * np.sin(np.arange(SIZE) / 170.0) + 0.05 * random.normal(size=SIZE)
    bar = 3.0 + 0.3 * np.sin(np.arange(SIZE) / 60.0) + 0.003 * random.normal(size=SIZE)
    flow = 30.0 * speed / 50.0 * np.sqrt(4.0 - 2.0 * bar / 3.0 / (speed / 50.0) ** 2)  # l/s
    power = flow * bar * 0.1 / 0.6
    return {
        "x": flow + 0.05 * random.normal(size=SIZE),
        "h": bar,
        "n": speed,
        "p": power,
        "v": np.floor(1_000.0 + np.cumsum(flow) / 1_000.0 * 10.0) / 10.0,
        "e": np.floor(np.cumsum(power) / 3_600.0),
    }


def filled(past: History, name: str = "x") -> list[Filled]:
    """Everything that is filled now."""
    with past.reader() as reader:
        return reader.filled([name], 0, 2**60)


def keep(past: History, silent: str, tags: str = "xhnpve") -> dict[str, np.ndarray[Any, np.dtype[np.float64]]]:
    """Keep the plant's hour but for *silent* in the gap."""
    plant = pumped()
    for name in tags:
        values = plant[name].copy()
        values[GAP] = NAN if name in silent else values[GAP]
        past.series(name, values)
    return plant


def test_flow_is_told_by_the_pumps_physics_and_the_totaliser(tmp_path: Path) -> None:
    """Its meter was silent while the duty point moved; in the tag's own unit, with method, doubt and time of making."""
    with history(tmp_path, TAGS, **PLANT) as past:
        plant = keep(past, "x")

        past.perform("gaps", gaps.run, START_MS + 1_000 * SIZE)
        found = filled(past)

    errors = np.abs(np.array([one.value for one in found]) - plant["x"][GAP])
    assert len(found) == 120
    assert "physics" in found[0].method or "correlated" in found[0].method
    assert errors.mean() < 0.1
    assert np.mean(errors <= 1.645 * np.array([one.std for one in found])) > 0.8
    assert {one.made_ms for one in found} == {START_MS + 1_000 * SIZE}


def test_a_totaliser_alone_fixes_the_sum(tmp_path: Path) -> None:
    """Everything else was silent, too: the counter still says how much went through."""
    with history(tmp_path, TAGS, **PLANT) as past:
        plant = keep(past, "xhnp")

        past.perform("gaps", gaps.run, START_MS + 1_000 * SIZE)
        found = filled(past)

    assert found[0].method.endswith("totaliser")
    assert sum(one.value for one in found) == pytest.approx(plant["x"][GAP].sum(), abs=150.0)


@pytest.mark.parametrize("own", [False, True])
def test_a_totaliser_of_several_meters_says_what_one_of_them_lacks(tmp_path: Path, own: bool) -> None:  # noqa: FBT001
    """Two meters of a header, or of its pumps each: the other one was read, and rose by half meanwhile."""
    tags = {name: keys for name, keys in TAGS.items() if name in "xhv"} | {"y": {"unit": "m3/h"}}
    meters = [{"id": f"p{name}", "header": "main", "flow": name} for name in "xy"] if own else []
    plant: dict[str, Any] = {
        "header": [{"id": "main", "pressure": ["h"], "flow": ["z"] if own else ["x", "y"], "volume": "v"}],
        "pump": meters,
    }
    tags |= {"z": {"unit": "m3/h"}} if own else {}
    with history(tmp_path, tags, **plant) as past:
        values = pumped()
        values["x"] += np.random.default_rng(1).normal(0.0, 3.0, SIZE)
        values["y"] = np.where(np.arange(SIZE) >= GAP.start, 150.0, 100.0)
        values["v"] = np.cumsum(values["x"] * 3.6 + values["y"]) / 3_600.0
        truth = values["x"][GAP].sum()
        values["y"][:20] = NAN  # as it does when it begins
        values["x"][GAP] = NAN
        for name in "xyv":
            past.series(name, values[name])

        past.perform("gaps", gaps.run, START_MS + 1_000 * SIZE)
        found = filled(past)

    assert "totaliser" in found[0].method
    assert sum(one.value for one in found) == pytest.approx(truth, rel=0.003)


def test_a_count_that_others_share_falls_where_these_were_silent(tmp_path: Path) -> None:
    """As a counter that begins anew, which has no say; before and after it the rest of the count is the tag's."""
    tags = {"x": {"unit": "m3/h"}, "y": {"unit": "m3/h"}, "h": {"unit": "bar"}, "v": {"unit": "m3"}}
    header = {"id": "main", "pressure": ["h"], "flow": ["x", "y"], "volume": "v"}
    with history(tmp_path, tags, header=[header]) as past:
        past.series("y", [90.0, 90.0, 90.0, NAN, NAN, NAN, 90.0, 90.0])
        past.series("v", np.arange(8) * 0.1)  # 360 m3/h
        with past.reader() as reader:
            cells = frame(reader, past.settings, ["v", "y"], START_MS, START_MS + 8_000, 1_000)
        counts = sources_of(past.settings, "x").counts(cells)

    assert counts is not None
    steps = np.diff(counts)
    assert steps[[0, 1, 2, 6]] == pytest.approx(270.0)
    assert (steps[3:6] < -360.0).all()


def test_a_silent_device_takes_its_tags_with_it(tmp_path: Path) -> None:
    """Their last values may stand for the present for some seconds, but tell nothing of what happened meanwhile."""
    tags = {name: keys for name, keys in TAGS.items() if name not in "ve"}
    plant = {
        "header": [{"id": "main", "pressure": ["h"], "flow": ["x"]}],
        "pump": [{"id": "p1", "header": "main", "speed": "n", "power": "p"}],
    }
    with history(tmp_path, tags, **plant) as past:
        values = pumped()
        for name in "xhnp":
            past.series(name, np.where((np.arange(SIZE) >= 1_800) & (np.arange(SIZE) < 1_804), NAN, values[name]))

        past.perform("gaps", gaps.run, START_MS + 1_000 * SIZE)
        found = filled(past)

    assert len(found) == 4
    assert not {"correlated", "physics"} & set(found[0].method.split("+"))


def test_a_counter_that_asks_for_auto_is_held(tmp_path: Path) -> None:
    """What it will show next is between its last and its next reading, and nobody knows where."""
    with history(tmp_path, TAGS, **PLANT) as past:
        plant = keep(past, "v")

        past.perform("gaps", gaps.run, START_MS + 1_000 * SIZE)
        found = filled(past, "v")

    assert {one.method for one in found} == {"forward"}
    assert {one.value for one in found} == {float(plant["v"][1_799])}


def test_late_readings_take_the_place_of_what_auto_put_in(tmp_path: Path) -> None:
    """The device kept them and delivers them afterwards."""
    with history(tmp_path, TAGS, **PLANT) as past:
        plant = keep(past, "x")
        past.perform("gaps", gaps.run, START_MS + 1_000 * SIZE)
        past.series("x", plant["x"][1_850:1_900], start_ms=START_MS + 1_850_000)

        outcome = past.perform("gaps", gaps.run, START_MS + 1_000 * SIZE + 60_000)
        found = filled(past)

    assert gaps.restored(outcome.state).counts["values_withdrawn"] == 50
    assert [(one.ts_ms - START_MS) // 1_000 for one in found] == [*range(1_800, 1_850), *range(1_900, 1_920)]


def test_what_the_job_remembers_does_not_grow_with_what_it_has_filled(tmp_path: Path) -> None:
    """A state that grew with history would be rewritten each minute for years; and lost, it is built anew."""
    with history(tmp_path, TAGS, **PLANT) as past:
        keep(past, "x")
        first = past.perform("gaps", gaps.run, START_MS + 1_000 * SIZE)
        begin = START_MS + 1_000 * SIZE
        for place in range(10):
            past.series("x", [20.0, NAN, NAN, 20.0, 21.0], start_ms=begin + 5_000 * place)

        second = past.perform("gaps", gaps.run, begin + 60_000)

    assert first.state is not None
    assert second.state is not None
    assert len(second.state) < len(first.state) + 64


def test_physics_reads_only_what_was_measured(tmp_path: Path) -> None:
    """A power that was held for 5 s is one that nobody measured; one empty cell between two readings is none."""
    with history(tmp_path, TAGS, **PLANT) as past:
        past.series("p", [10.0, NAN, 12.0, NAN, NAN, NAN, 14.0])
        with past.reader() as reader:
            cells = frame(reader, past.settings, ["p"], START_MS, START_MS + 7_000, 1_000)

    assert measured(cells, "p") == pytest.approx(np.array([10.0, 10.0, 12.0, 12.0, NAN, NAN, 14.0]), nan_ok=True)


@pytest.mark.parametrize(("name", "tags"), [("x", "xhnpv"), ("h", "xhnp"), ("p", "xhnpe"), ("n", "")])
def test_each_tag_asks_for_what_its_part_needs(tmp_path: Path, name: str, tags: str) -> None:
    """Flow its header's head, speeds, powers and volume; power its own energy; a speed nothing."""
    with history(tmp_path, TAGS, **PLANT) as past:
        assert sources_of(past.settings, name).tags == set(tags)
