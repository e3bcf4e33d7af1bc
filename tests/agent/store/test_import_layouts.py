"""Which column says when, and what its texts and the numbers mean: a wrong guess here is wrong history."""

import pytest

from agent.store.history_layout import HistoryError
from agent.store.history_time import Clock
from agent.store.settings import StorageSettings
from tests.agent.store.test_importing import BERLIN, NOON, imported, values

TWO = [("flow", 0, 1.5), ("flow", 1, 1.6)]
LAYOUTS = {
    "days and times of day": "Date;Time;flow\n2025-02-27;13:00:00;1,5\n2025-02-27;13:00:01;1,6\n",
    "the times first": "Uhrzeit;Datum;flow\n13:00:00;27.02.2025;1,5\n13:00:01;27.02.2025;1,6\n",
    "days with midnight behind": "Date,Time,flow\n2025-02-27 00:00:00,13:00:00,1.5\n2025-02-27 00:00:00,13:00:01,1.6\n",
    "compact days and times": "date,time,flow\n20250227,130000,1.5\n20250227,130001,1.6\n",
    "days and times under other names": "when,at,flow\n2025-02-27,13:00:00,1.5\n2025-02-27,13:00:01,1.6\n",
    "a line of units": "Date,Time,flow\nd,s,m3/h\n2025-02-27,13:00:00,1.5\n2025-02-27,13:00:01,1.6\n",
    "long": "Date,Time,tag,value\n2025-02-27,13:00:00,flow,1.5\n2025-02-27,13:00:01,flow,1.6\n",
    "one column, without signs between": "time,flow\n20250227130000,1.5\n20250227130001,1.6\n",
    "a number of the row": "No;Timestamp (UTC);flow\n1;2025-02-27 12:00:00;1,5\n2;2025-02-27 12:00:01;1,6\n",
    "a number of the row, no known title": "No;Quand;flow\n1;2025-02-27 13:00:00;1,5\n2;2025-02-27 13:00:01;1,6\n",
    "a number of the row called time": "time,timestamp,flow\n1,2025-02-27 13:00:00,1.5\n2,2025-02-27 13:00:01,1.6\n",
    "zone in the title": "Time [UTC];flow\n2025-02-27 12:00:00;1,5\n2025-02-27 12:00:01;1,6\n",
    "zone behind the title": "time_utc,flow\n2025-02-27 12:00:00,1.5\n2025-02-27 12:00:01,1.6\n",
    "offset in the title": "Time (UTC+8);flow\n2025-02-27 20:00:00;1,5\n2025-02-27 20:00:01;1,6\n",
    "zone and long": "Time (UTC),tag,Value [m3/h]\n2025-02-27 12:00:00,flow,1.5\n2025-02-27 12:00:01,flow,1.6\n",
    "unit of the epoch": "timestamp (ms),flow\n1740657600000,1.5\n1740657601000,1.6\n",
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_times_are_found(settings: StorageSettings, layout: str) -> None:
    """Days alone would put a whole day at midnight, row numbers at 1970, and another zone hours away."""
    report, rows = imported(settings, LAYOUTS[layout])

    assert values(rows) == TWO
    assert (report.unknown in ([], ["No"], ["time"]), report.duplicates) == (True, 0)


@pytest.mark.parametrize(
    "content",
    ["Date,Hour,flow\n2025-02-27,13,1.5\n2025-02-27,14,1.6\n", "Date,from,to,flow\n2025-02-27,13:00,13:05,1.5\n"],
)
def test_days_whose_times_cannot_be_told_are_refused(settings: StorageSettings, content: str) -> None:
    """An hour may be the one that begins or the one that ends; midnight is neither."""
    with pytest.raises(HistoryError, match=r'history.csv cannot be taken in: column "date" has days, and column'):
        imported(settings, content)


def test_days_alone_are_times(settings: StorageSettings) -> None:
    """A value a day is history too."""
    _, rows = imported(settings, "Date,flow\n2025-02-27,1.5\n20250228,1.6\n")

    assert [(row.ts_ms - NOON) // 3_600_000 for row in rows] == [-13, 11]


def test_times_that_cannot_be_are_rejected_with_their_places(settings: StorageSettings) -> None:
    """Row numbers and Excel's counts of days are no times, and nothing was measured tomorrow."""
    content = "time,flow\n17,1\n45715.5,2\n1989-12-31 12:00,3\n2999-01-01,4\n20251301,5\n1740657600,6\n"
    report, rows = imported(settings, content)

    assert values(rows) == [("flow", 0, 6.0)]
    assert report.reasons == {"a time before 1990": 3, "a time in the future": 1, "not a time": 1}
    assert report.examples[1] == 'line 3: a time before 1990: "45715.5"'


def test_compact_times_of_each_length_are_dates() -> None:
    """As numbers of seconds, milliseconds or microseconds they would be in 1970, 1976 or 2611."""
    clock = Clock(BERLIN)

    assert [clock.ms(text) - NOON for text in ("202502271300", "20250227130001", "20250227")] == [
        0,
        1_000,
        -13 * 3_600_000,
    ]


def test_underscores_are_in_no_number(settings: StorageSettings) -> None:
    """Python reads 1_0 as ten; where all cells of a line are numbers so far, too."""
    report, rows = imported(settings, "time,flow,level\n1740657600,1_0,2\n")

    assert (values(rows), report.reasons) == ([("level", 0, 2.0)], {"not a number (flow)": 1})


def test_points_of_thousands_are_told_by_the_files_decimal_commas(settings: StorageSettings) -> None:
    """The same 1.234 is a good thousand in one file and little more than one in another."""
    german = "Zeit;flow;level\n1740657600;1.234;2\n1740657601;1.234,5;-1.234.567\n1740657602;36.5;1,25\n"
    report, rows = imported(settings, german)
    _, others = imported(settings, "Zeit;flow\n1740657610;1.234\n1740657611;2.5\n")

    assert [row[2] for row in values(rows)] == [1234.0, 2.0, 1234.5, -1234567.0, 36.5, 1.25]
    assert report.rejected == 0
    assert [row[2] for row in values(others)[-2:]] == [1.234, 2.5]


def test_spaces_that_do_not_break_are_taken_out_of_numbers(settings: StorageSettings) -> None:
    """Spreadsheets put them between thousands and before units."""
    _, rows = imported(settings, "time;flow\n1740657600;1\u00a0234,5\n1740657601;12\u202f345\n1740657602;7\u00a0\n")

    assert [row.value for row in rows] == [1234.5, 12345.0, 7.0]
