"""Readings of the log become frames in the plant's units."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.store.records import Filled
from agent.units import UnitError
from agent.window import frame, told
from drivers.reading import Reading
from tests.agent.history import START_MS, History, history, reading
from tests.cpu import least_seconds

BAD = float("inf")
NAN = float("nan")
TAGS: dict[str, dict[str, Any]] = {
    "flow": {"unit": "l/s"},
    "pressure": {"unit": "MPa"},
    "energy": {"unit": "kWh"},
    "status": {"unit": "1"},
    "level": {"unit": "m", "period": 60.0},
}


def window(
    past: History, tags: list[str], seconds: int, step_ms: int = 1_000, *, hold: bool = True
) -> dict[str, list[float]]:
    """Values of a frame from the start, in lists."""
    with past.reader() as reader:
        end_ms = START_MS + 1_000 * seconds
        found = frame(reader, past.settings, tags, START_MS, end_ms, step_ms, rules="held" if hold else "nothing")
    return {tag: values.tolist() for tag, values in found.values.items()}


def test_values_are_in_the_plants_units(tmp_path: Path) -> None:
    """10 l/s are 36 m³/h, 0.4903325 MPa are 50 m of water."""
    with history(tmp_path, TAGS) as past:
        past.series("flow", [10.0])
        past.series("pressure", [0.4903325])

        found = window(past, ["flow", "pressure"], 1)

    assert found == {"flow": [pytest.approx(36.0)], "pressure": [pytest.approx(50.0)]}


def test_a_cell_is_the_mean_of_a_measurement_and_the_last_of_a_counter_or_state(tmp_path: Path) -> None:
    """The mean of a counter, or of on and off, is something the plant never showed."""
    pumps = [{"id": "p1", "header": "main", "status": "status"}]
    headers = [{"id": "main", "pressure": ["pressure"], "flow": ["flow"]}]
    with history(tmp_path, TAGS, header=headers, pump=pumps) as past:
        past.series("flow", [1.0, 2.0, 6.0, 7.0])
        past.series("energy", [100.0, 101.0, 104.0, 105.0])
        past.series("status", [0.0, 0.0, 1.0, 1.0])

        found = window(past, ["flow", "energy", "status"], 4, step_ms=4_000)

    assert found == {"flow": [pytest.approx(4.0 * 3.6)], "energy": [105.0], "status": [1.0]}


def test_only_good_readings_count(tmp_path: Path) -> None:
    """A cell with one good and one bad reading is the good one; how many stood behind it is said."""
    with history(tmp_path, TAGS) as past:
        past.series("flow", [1.0, BAD, 3.0, BAD])

        with past.reader() as reader:
            found = frame(reader, past.settings, ["flow"], START_MS, START_MS + 4_000, 2_000)

    assert found.values["flow"].tolist() == [pytest.approx(3.6), pytest.approx(10.8)]
    assert found.counts["flow"].tolist() == [1, 1]


def test_a_value_is_held_for_some_seconds_and_no_longer(tmp_path: Path) -> None:
    """A tag of 1 s stands for 5 s; then nobody knows."""
    with history(tmp_path, TAGS) as past:
        past.series("energy", [7.0])

        held = window(past, ["energy"], 8)["energy"]
        without = window(past, ["energy"], 8, hold=False)["energy"]

    assert held == [7.0] * 6 + [pytest.approx(NAN, nan_ok=True)] * 2
    assert np.isnan(without[1:]).all()


def test_a_slow_tag_is_held_for_its_own_period(tmp_path: Path) -> None:
    """A level read once a minute is known in between, also from before the window began."""
    with history(tmp_path, TAGS) as past:
        past.series("level", [2.5], start_ms=START_MS - 50_000)

        found = window(past, ["level"], 100)["level"]

    assert found == [2.5] * 100


def test_what_the_device_calls_bad_is_not_held(tmp_path: Path) -> None:
    """The last good value is never repeated as if fresh."""
    with history(tmp_path, TAGS) as past:
        past.series("energy", [7.0, BAD, NAN, NAN])

        found = window(past, ["energy"], 4)["energy"]

    assert found[0] == 7.0
    assert np.isnan(found[1:]).all()


def test_filled_values_come_only_when_asked_for_and_are_flagged(tmp_path: Path) -> None:
    """No analysis runs on sand unknowingly; a measured value is never replaced."""
    with history(tmp_path, TAGS) as past:
        past.series("flow", [10.0, BAD, 30.0])
        past.fill([Filled("flow", START_MS + 1_000 * i, 20.0, 1.0, "linear", START_MS) for i in range(3)])

        with past.reader() as reader:
            plain = frame(reader, past.settings, ["flow"], START_MS, START_MS + 3_000, 1_000)
            asked = frame(reader, past.settings, ["flow"], START_MS, START_MS + 3_000, 1_000, rules="filled")

    assert np.isnan(plain.values["flow"][1])
    assert not plain.filled["flow"].any()
    assert asked.values["flow"].tolist() == pytest.approx([36.0, 72.0, 108.0])
    assert asked.filled["flow"].tolist() == [False, True, False]
    assert asked.counts["flow"].tolist() == [1, 0, 1]


def test_a_tag_that_is_not_configured_is_nan(tmp_path: Path) -> None:
    """An optional part without a tag needs no case of its own."""
    with history(tmp_path, TAGS) as past:
        assert np.isnan(window(past, ["nobody"], 3)["nobody"]).all()


def test_an_unknown_unit_names_its_tag(tmp_path: Path) -> None:
    """It stops the analysis that needs the tag, and no other."""
    with history(tmp_path, {"a": {"unit": "furlong"}, "b": {"unit": "m"}}) as past:
        past.series("b", [1.0])

        assert window(past, ["b"], 1) == {"b": [1.0]}
        with pytest.raises(UnitError, match='tag "a" has the unit "furlong"'):
            window(past, ["a"], 1)


def test_an_hour_of_twenty_tags_takes_well_under_a_second(tmp_path: Path) -> None:
    """Of a processor: 72,000 readings among 144,000 in the log.

    Slow because of the readings it has to write first.
    """
    names = [f"t{i}" for i in range(40)]
    with history(tmp_path, {name: {"unit": "l/s"} for name in names}) as past:
        for minute in range(60):
            past.append(
                reading(name, START_MS + 1_000 * (60 * minute + second), float(second))
                for second in range(60)
                for name in names
            )

        with past.reader() as reader:
            found = frame(reader, past.settings, names[:20], START_MS, START_MS + 3_600_000, 1_000)
            took = least_seconds(
                lambda: frame(reader, past.settings, names[:20], START_MS, START_MS + 3_600_000, 1_000)
            )

    assert found.matrix(names[:20]).shape == (3_600, 20)
    assert all(found.measured(name).all() for name in names[:20])
    assert took < 1.0


def test_readings_out_of_order_and_twice_are_put_in_order(tmp_path: Path) -> None:
    """Late data and a second delivery do not shift anything."""
    with history(tmp_path, TAGS) as past:
        past.append(Reading("energy", START_MS + 1_000 * i, float(i), 192) for i in (2, 0, 1, 2))

        assert window(past, ["energy"], 3) == {"energy": [0.0, 1.0, 2.0]}


def test_each_tag_has_a_rule_of_its_own(tmp_path: Path) -> None:
    """A curve wants nothing but measurements of power, and may take a filled level: one window serves both."""
    with history(tmp_path, TAGS) as past:
        for tag in ("flow", "energy", "pressure"):
            past.series(tag, [10.0, NAN, 30.0])
            past.fill([Filled(tag, START_MS + 1_000, 20.0, 1.0, "linear", START_MS)])

        with past.reader() as reader:
            found = frame(
                reader,
                past.settings,
                ["flow", "energy", "pressure"],
                START_MS,
                START_MS + 3_000,
                1_000,
                rules={"flow": "nothing", "energy": "filled", "nobody": "held"},
            )

    assert np.isnan(found.values["flow"][1])
    assert found.values["energy"].tolist() == [10.0, 20.0, 30.0]
    assert found.values["pressure"][1] == found.values["pressure"][0]
    assert [bool(found.filled[tag][1]) for tag in ("flow", "energy", "pressure")] == [False, True, False]


def test_what_stands_behind_a_window_is_told_tag_by_tag(tmp_path: Path) -> None:
    """Ten seconds: three measured, five held, one filled, one missing; a hole of two."""
    with history(tmp_path, TAGS) as past:
        past.series("energy", [1.0, 2.0, 3.0])
        past.fill([Filled("energy", START_MS + 8_000, 9.0, 1.0, "forward", START_MS)])

        with past.reader() as reader:
            cells = frame(
                reader, past.settings, ["energy", "nobody"], START_MS, START_MS + 10_000, 1_000, rules="filled"
            )

    found = cells.availability("energy")
    assert (found.measured, found.held, found.filled, found.missing) == pytest.approx((0.3, 0.5, 0.1, 0.1))
    assert found.known == pytest.approx(0.8)
    assert found.longest_hole_ms == 2_000
    assert cells.availability("nobody").missing == 1.0
    assert [one.tag for one in cells.thin()] == ["nobody"]
    assert cells.thin(["energy"]) == ()
    assert told(cells.thin()) == "nobody was known in 0% of the time (longest hole 10 s)"
    assert cells.doubt() == (
        "nobody was known in 0% of the time (longest hole 10 s); "
        "energy was known in 80% of the time and filled in 10% of it (longest hole 2 s)"
    )


def test_a_cell_with_one_good_reading_of_sixty_is_hardly_known(tmp_path: Path) -> None:
    """Its value stands for a second of the minute; a historian that keeps a reading a minute has none that are bad."""
    minute = [float("inf")] * 59
    with history(tmp_path, TAGS) as past:
        past.series("flow", [100.0, *minute, *[100.0] * 60, *minute, 100.0])
        past.series("pressure", [4.0, 4.0, 4.0], step_ms=60_000)
        with past.reader() as reader:
            cells = frame(reader, past.settings, ["flow", "pressure"], START_MS, START_MS + 180_000, 60_000)

    assert cells.values["flow"].tolist() == [360.0, 360.0, 360.0]
    assert cells.availability("flow").known == pytest.approx((1 / 60 + 1 + 1 / 60) / 3)
    assert cells.doubt() == "flow was known in 34% of the time"
    assert cells.since(START_MS + 60_000).part(slice(0, 1)).doubt() is None


def test_a_cell_that_was_hardly_good_is_known_no_better_where_others_are_filled(tmp_path: Path) -> None:
    """A second of the first minute was good, and nothing of the other, which has an estimate."""
    with history(tmp_path, TAGS) as past:
        past.series("flow", [100.0, *[BAD] * 119])
        past.fill([Filled("flow", START_MS + 60_000, 50.0, 1.0, "linear", START_MS)])
        with past.reader() as reader:
            cells = frame(reader, past.settings, ["flow"], START_MS, START_MS + 120_000, 60_000, rules="filled")

    found = cells.availability("flow")
    assert cells.values["flow"].tolist() == [360.0, 180.0]
    assert (found.measured, found.known, found.filled) == pytest.approx((1 / 120, 1 / 120, 1 / 2))


def test_a_tag_that_says_only_what_has_changed_is_bad_until_it_is_good_again(tmp_path: Path) -> None:
    """One bad reading and one good one in the minute, a second of which was good; what is read once is known."""
    with history(tmp_path, TAGS) as past:
        past.append([reading("flow", START_MS, 100.0), reading("flow", START_MS + 1_000, BAD)])
        past.append([reading("flow", START_MS + 60_000, 100.0)])
        past.series("level", [2.0, BAD, 2.0, 2.0], start_ms=START_MS + 59_000, step_ms=60_000)
        with past.reader() as reader:
            cells = frame(reader, past.settings, ["flow", "level"], START_MS, START_MS + 240_000, 60_000)

    assert cells.part(slice(0, 1)).availability("flow").known == pytest.approx(1 / 60)
    assert cells.since(START_MS + 60_000).part(slice(0, 1)).availability("flow").known == 1.0
    assert cells.availability("level").known == pytest.approx(3 / 4)


def test_a_slow_tag_is_known_between_its_readings(tmp_path: Path) -> None:
    """A level of once a minute is no sand in a window of seconds."""
    with history(tmp_path, TAGS) as past:
        past.series("level", [2.0, 2.1], step_ms=60_000)

        with past.reader() as reader:
            found = frame(reader, past.settings, ["level"], START_MS, START_MS + 120_000, 1_000)

    assert found.availability("level").known == 1.0
    assert found.availability("level").measured == pytest.approx(2 / 120)


def test_an_empty_window_knows_nothing(tmp_path: Path) -> None:
    """And divides by nothing."""
    with history(tmp_path, TAGS) as past, past.reader() as reader:
        found = frame(reader, past.settings, ["flow"], START_MS, START_MS, 1_000)

    assert found.availability("flow").missing == 1.0
    assert [one.tag for one in found.thin()] == ["flow"]


@pytest.mark.parametrize("seed", range(3))
def test_tags_of_one_frame_know_nothing_of_each_other(tmp_path: Path, seed: int) -> None:
    """They are put into cells together; each is as in a frame of its own, whatever its neighbours lack or hold."""
    rng = np.random.default_rng(seed)
    with history(tmp_path, TAGS | {"silent": {"unit": "m"}}) as past:
        for tag in TAGS:
            past.series(tag, rng.choice([1.0, 2.0, 3.0, NAN, NAN, BAD], 90).tolist())
        with past.reader() as reader:
            window_ms = START_MS + 20_300, START_MS + 80_700
            tags = ["silent", *TAGS]
            together = frame(reader, past.settings, tags, *window_ms, 700)
            alone = {tag: frame(reader, past.settings, [tag], *window_ms, 700) for tag in tags}

    for tag in tags:
        np.testing.assert_array_equal(together.values[tag], alone[tag].values[tag])
        np.testing.assert_array_equal(together.counts[tag], alone[tag].counts[tag])
    assert 0.5 < together.availability("flow").known < 1.0
