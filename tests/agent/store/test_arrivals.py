"""What arrived after a mark, as arrays."""

from pathlib import Path

import numpy as np

from agent.store.columns import arrivals, columns
from agent.store.passage import Passage
from drivers.reading import Reading
from tests.agent.history import START_MS, History, history


def _told(past: History) -> None:
    past.series("x", range(10))
    past.series("y", range(10))
    past.append([Reading("x", START_MS + 9_000, 99.0, 192), Reading("x", START_MS + 4_500, None, 24, "silent")])
    past.append([Reading("y", START_MS + 20_000, "open", 192)])


def test_arrivals_are_in_the_order_of_the_log(tmp_path: Path) -> None:
    """With their ids, reasons by place, and no number for what is none."""
    with history(tmp_path, {"x": {}, "y": {}}) as past:
        _told(past)
        with past.reader() as reader:
            found = arrivals(reader, 19, 100)
            few = arrivals(reader, 19, 2)
            names = reader.numbers(["x", "y"])

    assert [names[number] for number in found.tags.tolist()] == ["y", "x", "x", "y"]
    assert found.ids.tolist() == [20, 21, 22, 23]
    np.testing.assert_array_equal(found.values, [9.0, 99.0, np.nan, np.nan])
    assert found.reasons == {2: "silent"}
    assert few.ids.tolist() == [20, 21]


def test_a_window_is_the_same_where_its_newest_rows_were_read_before(tmp_path: Path) -> None:
    """Wherever the mark lies: also a time that came twice, on both sides of it, and rows outside the window."""
    with history(tmp_path, {"x": {}, "y": {}}) as past:
        _told(past)
        with past.reader() as reader:
            whole = columns(reader, ["x"], START_MS + 2_000, START_MS + 15_000)
            for mark in range(24):
                newest = arrivals(reader, mark, 100)
                again = columns(reader, ["x"], START_MS + 2_000, START_MS + 15_000, newest)
                for one, other in zip(whole["x"], again["x"], strict=True):
                    np.testing.assert_array_equal(one, other)


def test_who_goes_through_history_gets_it_in_the_order_of_time(tmp_path: Path) -> None:
    """As rows, whatever the file began with: what is before its place was judged, what is after the instant comes."""
    with history(tmp_path, {"x": {}}) as past:
        past.append([Reading("x", START_MS + 1_000 * second, float(second), 192) for second in range(9, -1, -1)])
        with Passage(past.settings.storage.path, None, (START_MS + 3_000, 7), START_MS + 8_000) as reader:
            found = arrivals(reader, 0, 100)
            rows = reader.after(0, 100)

    assert found.values.tolist() == [4.0, 5.0, 6.0, 7.0, 8.0]
    assert [row.value for row in rows] == found.values.tolist()
