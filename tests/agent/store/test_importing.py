"""History from any exporter: checked as live values are, counted, and never twice."""

import csv
import gzip
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from agent.store.columns import columns
from agent.store.errors import StorageRefusedError
from agent.store.history_layout import HistoryError
from agent.store.history_report import ImportReport
from agent.store.history_time import Clock
from agent.store.importing import import_history
from agent.store.log import Log
from agent.store.reader import Reader
from agent.store.records import Row
from agent.store.settings import StorageSettings
from drivers.reading import Quality, Reading
from drivers.settings import TagSettings

NOON = 1_740_657_600_000  # 2025-02-27T12:00:00Z
BERLIN = ZoneInfo("Europe/Berlin")
FLOW = TagSettings(name="flow")
LEVEL = TagSettings(name="level")
TEMPERATURE = TagSettings(name="temperature", scale=0.1, offset=-5.0, sentinels=(32767,), valid_max=120.0)


def imported(
    settings: StorageSettings, content: str | bytes, tags: Sequence[TagSettings] = (FLOW, LEVEL)
) -> tuple[ImportReport, list[Row]]:
    """Import a file of that content; its report and all rows of the log."""
    path = settings.path.with_name("history.csv")
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    report = import_history(path, settings.path, tags, BERLIN)
    with Reader(settings.path) as reader:
        return report, reader.after(0, 1_000_000)


def values(rows: list[Row]) -> list[tuple[str, int, object]]:
    """Tag, seconds after noon, value."""
    return [(row.tag, (row.ts_ms - NOON) // 1_000, row.value) for row in rows]


BOTH = [("flow", 0, 36.5), ("level", 0, 2.0), ("flow", 1, 37.0), ("level", 1, 2.5)]
FORMS = {
    "wide": "time,flow,level\n2025-02-27T12:00:00Z,36.5,2\n2025-02-27T12:00:01Z,37,2.5\n",
    "wide with an offset": "Timestamp,flow,level\n"
    "2025-02-27 13:00:00+01:00,36.5,2\n2025-02-27 13:00:01 +01:00,37,2.5\n",
    "local time": "time,flow,level\n2025-02-27 13:00:00,36.5,2\n2025-02-27 13:00:01.000,37,2.5\n",
    "epoch in seconds": "ts,flow,level\n1740657600,36.5,2\n1740657601.0,37,2.5\n",
    "epoch in milliseconds": "ts,flow,level\n1740657600000,36.5,2\n1740657601000,37,2.5\n",
    "semicolons and decimal commas": "Zeit;flow;level\n27.02.2025 13:00:00;36,5;2\n27.02.2025 13:00:01;37,0;2,5\n",
    "tabs": "time\tflow\tlevel\n2025/2/27 13:00:00\t36.5\t2\n2025/2/27 13:00:01\t37\t2.5\n",
    "a nameless first column": ",flow,level\n2025-02-27T12:00:00Z,36.5,2\n2025-02-27T12:00:01Z,37,2.5\n",
    "units in the header": "time,flow [m3/h],level (m)\n2025-02-27T12:00:00Z,36.5,2\n2025-02-27T12:00:01Z,37,2.5\n",
    "quotes": 'time,"flow","level"\n"2025-02-27T12:00:00Z","36.5","2"\n2025-02-27T12:00:01Z,37,"2.5"\n',
    "a line for Excel": "sep=;\r\ntime;flow;level\r\n27.2.2025 13:00;36,5;2\r\n27.2.2025 13:00:01;37;2,5\r\n",
    "a delimiter too many": "time,flow,level,\n2025-02-27T12:00:00Z,36.5,2,\n2025-02-27T12:00:01Z,37,2.5\n,,,\n",
    "long": "time,tag,value\n2025-02-27T12:00:00Z,flow,36.5\n2025-02-27T12:00:00Z,level,2\n"
    "2025-02-27T12:00:01Z,flow,37\n2025-02-27T12:00:01Z,level,2.5\n",
    "long, columns in another order": "value;quality;tagname;timestamp\n"
    "36,5;good;flow;1740657600\n2;192;level;1740657600\n"
    "37;;flow;1740657601\n2,5;GOOD;level;1740657601\n",
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_every_exporters_habit_gives_the_same_readings(settings: StorageSettings, form: str, encoding: str) -> None:
    """Delimiters, decimal signs, times, headers and encodings differ; what was measured does not."""
    report, rows = imported(settings, FORMS[form].encode(encoding))

    assert sorted(values(rows), key=lambda row: (row[1], row[0])) == BOTH
    assert all(row.quality == Quality.GOOD for row in rows)
    assert (report.imported, report.rejected, report.duplicates, report.unknown) == (4, 0, 0, [])
    assert (report.first_ms, report.last_ms) == (NOON, NOON + 1_000)


def test_compressed_files_are_known_by_their_content(settings: StorageSettings) -> None:
    """A name says little: this one ends in .csv."""
    report, rows = imported(settings, gzip.compress(FORMS["wide"].encode()))

    assert (report.imported, values(rows)) == (4, BOTH)


def test_rejects_are_counted_with_reason_and_place(settings: StorageSettings) -> None:
    """A wrong cell costs one cell, an unclosed quote its own line and not the rest; and a person can find them."""
    report, rows = imported(
        settings,
        "time,flow,level\n"
        "2025-02-27T12:00:00Z,36.5,2\n"
        "2025-02-27T12:00:01Z,Bad Input,2.1\n"
        "noon,37,2.2\n"
        "2025-02-27T12:00:03Z,38\n"
        '2025-02-27T12:00:04Z,"39,2.4\n'
        "2025-02-27T12:00:05Z,NaN,\n"
        "2025-02-27T12:00:06Z,inf,2.6\n"
        "2025-02-27T12:00:07Z,1_000,\x00\n"
        "2025-02-27T12:00:08Z,40,2.8\n",
    )

    assert values(rows) == [
        ("flow", 0, 36.5),
        ("level", 0, 2.0),
        ("level", 1, 2.1),
        ("level", 6, 2.6),
        ("flow", 8, 40.0),
        ("level", 8, 2.8),
    ]
    assert report.reasons == {
        "not a number (flow)": 3,
        "not a number (level)": 1,
        "not a time": 1,
        "2 cells instead of 3": 2,
    }
    assert (report.rejected, report.empty, report.imported) == (7, 2, 6)
    assert report.examples[:2] == ['line 3: not a number (flow): "Bad Input"', 'line 4: not a time: "noon"']


def test_tags_that_are_not_configured_are_named(settings: StorageSettings) -> None:
    """A typing error in a header must not make a column vanish silently."""
    report, rows = imported(settings, "time,flow,levle\n2025-02-27T12:00:00Z,36.5,2\n")

    assert (values(rows), report.unknown) == ([("flow", 0, 36.5)], ["levle"])


def test_a_file_without_a_configured_tag_is_refused(settings: StorageSettings) -> None:
    """Nothing would be imported, and it would look like success."""
    with pytest.raises(
        HistoryError, match=r"no column of history.csv is a configured tag .its columns: time, Durchfluss"
    ):
        imported(settings, "time,Durchfluss\n2025-02-27T12:00:00Z,36.5\n")


def test_sentinels_and_limits_hold_for_history_too(settings: StorageSettings) -> None:
    """32767 means "no sensor" and reads 3271.7 once scaled: history must not teach the analyses such temperatures."""
    report, rows = imported(
        settings,
        "time,temperature\n" + "".join(f"{1740657600 + second},{value}\n" for second, value in enumerate(HOT)),
        [TEMPERATURE],
    )

    assert [(row.value, row.quality) for row in rows] == [
        (20.5, Quality.GOOD),
        (None, Quality.SENSOR_FAILURE),
        (None, Quality.SENSOR_FAILURE),
        (None, Quality.BAD),
        (120.0, Quality.GOOD),
    ]
    assert [row.reason for row in rows[1:4]] == [
        "no sensor (raw value 32767)",
        "no sensor (raw value 32767)",
        "3271.6 is above 120, outside the valid range",
    ]
    assert (report.imported, report.bad, report.rejected) == (5, 3, 0)


HOT = (20.5, 3271.7, 3271.7000000000003, 3271.6, 120.0)


def test_qualities_of_the_historian_are_kept(settings: StorageSettings) -> None:
    """What it called bad has no value with us either; a bad line without a value is still a reading."""
    report, rows = imported(
        settings,
        "time,tag,value,quality\n1740657600,flow,36,good\n1740657601,flow,37,64\n1740657602,flow,38,bad\n"
        "1740657603,flow,,24\n1740657604,flow,39,great\n1740657605,flow,,good\n",
    )

    assert [(row.value, row.quality) for row in rows] == [(36.0, 192), (37.0, 64), (None, 0), (None, 24)]
    assert (report.bad, report.empty, report.reasons) == (2, 1, {"not a quality": 1})


def test_unsorted_and_repeated_rows_are_put_right(settings: StorageSettings) -> None:
    """The log is read in its order, so history enters it in the order of time; of equal times the last counts."""
    report, rows = imported(settings, "time,flow\n1740657602,3\n1740657600,1\n1740657601,2\n1740657602,4\n")

    assert values(rows) == [("flow", 0, 1.0), ("flow", 1, 2.0), ("flow", 2, 4.0)]
    assert (report.imported, report.duplicates) == (3, 1)


def test_the_same_file_is_imported_once(settings: StorageSettings) -> None:
    """Somebody repeats the command; a longer export of the same days adds only what is new."""
    _, first = imported(settings, FORMS["wide"])
    again, same = imported(settings, FORMS["wide"])
    longer, rows = imported(settings, FORMS["wide"] + "2025-02-27T12:00:02Z,38,3\n")

    assert (again.is_known, again.imported) == (True, 0)
    assert same == first
    assert (longer.is_known, longer.imported, longer.duplicates) == (False, 2, 4)
    assert values(rows) == [*BOTH, ("flow", 2, 38.0), ("level", 2, 3.0)]


def test_what_was_polled_is_not_imported_again(settings: StorageSettings) -> None:
    """The export of today overlaps what the agent has polled itself, which stays as it was."""
    with Log(settings.path) as log, log.transaction():
        log.insert([Reading("flow", NOON, 36.51, 192)])
    report, rows = imported(settings, FORMS["wide"])

    assert (report.imported, report.duplicates) == (3, 1)
    assert values(rows) == [("flow", 0, 36.51), *BOTH[1:]]


def test_an_interrupted_import_goes_on(settings: StorageSettings) -> None:
    """The copy broke off in the middle; what came before is kept, and the whole file adds the rest."""
    lines = "time,flow\n" + "".join(f"{1740657600 + second},{second % 997 * 1.001}\n" for second in range(30_000))
    packed = gzip.compress(lines.encode())
    with pytest.raises(HistoryError, match=r"history\.csv breaks off after line"):
        imported(settings, packed[: len(packed) // 2])
    with Reader(settings.path) as reader:
        before = reader.last_id
    report, rows = imported(settings, packed)

    assert 0 < before < 30_000
    assert before == report.duplicates
    assert len(rows) == report.duplicates + report.imported == 30_000


def test_nothing_is_imported_while_the_agent_runs(settings: StorageSettings) -> None:
    """There is one writer; the sentence says what to do."""
    with Log(settings.path), pytest.raises(StorageRefusedError, match=r"stop it .the agent, or an import. first"):
        imported(settings, FORMS["wide"])


@pytest.mark.parametrize(
    "content", [b"", b"\n\n", b"\x1f\x8b\x08garbage", b"\xff\xfe", bytes(range(256)) * 50, b"\x00" * 9]
)
def test_what_is_no_history_is_refused_in_a_sentence(settings: StorageSettings, content: bytes) -> None:
    """A wrong file is a mistake of a person, not a bug."""
    with pytest.raises(HistoryError, match=r"history\.csv"):
        imported(settings, content)


def test_progress_is_told(settings: StorageSettings, tmp_path: Path) -> None:
    """A year takes minutes; a bar shows that they pass."""
    path = tmp_path / "long.csv"
    tags = [TagSettings(name=f"t{number}") for number in range(200)]
    lines = [
        ",".join(("time", *(tag.name for tag in tags))),
        *(f"{1740657600 + second}{200 * ',1'}" for second in range(600)),
    ]
    path.write_text("\n".join(lines))
    told: list[float] = []

    import_history(path, settings.path, tags, BERLIN, told.append)

    assert len(told) == 3
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_local_times_pass_the_end_of_summer_time_twice() -> None:
    """In the night of 27 October 2024 the hour from two to three came twice; the file's order tells which."""
    clock = Clock(BERLIN)
    texts = [
        "2024-10-27 01:30",
        "2024-10-27 02:00",
        "2024-10-27 02:30",
        "2024-10-27 02:00",
        "2024-10-27 02:30",
        "2024-10-27 03:00",
    ]

    found = [datetime.fromtimestamp(clock.ms(text) / 1_000, UTC).strftime("%H:%M") for text in texts]

    assert found == ["23:30", "00:00", "00:30", "01:00", "01:30", "02:00"]


def test_local_times_of_a_file_with_the_newest_first_pass_it_twice_too() -> None:
    """Some exporters write them so."""
    clock = Clock(BERLIN)
    texts = ["2024-10-27 " + time for time in ("03:30", "03:00", "02:30", "02:00", "02:30", "02:00", "01:30")]

    found = [datetime.fromtimestamp(clock.ms(text) / 1_000, UTC).strftime("%H:%M") for text in texts]

    assert found == ["02:30", "02:00", "01:30", "01:00", "00:30", "00:00", "23:30"]


def test_each_tag_of_a_long_file_passes_it_twice() -> None:
    """A file with one tag after the other goes back in time where the next one begins."""
    clock = Clock(BERLIN)
    texts = ["2024-10-27 " + time for time in ("01:30", "02:00", "02:30", "02:00", "02:30", "03:00")]

    found = [[clock.ms(text) for text in texts] for _ in range(3)]

    assert found[0] == found[1] == found[2]
    assert found[0] == sorted(set(found[0]))


def test_a_local_time_that_never_was_is_refused() -> None:
    """On 31 March 2024 clocks in Berlin went from two to three; 02:30 is a mistake of the exporter."""
    with pytest.raises(ValueError, match="a time that clocks in Europe/Berlin skipped"):
        Clock(BERLIN).ms("2024-03-31 02:30")


@pytest.mark.parametrize(
    "text", ["02/03/2025 12:00", "2025-13-01", "30.02.2025", "12:00", "", "1e400", "9" * 30, "0001-01-01"]
)
def test_times_that_cannot_be_told_are_refused(text: str) -> None:
    """Nobody can tell day/month from month/day; a guess would be wrong for half of the sites."""
    with pytest.raises(ValueError, match="not a time"):
        Clock(BERLIN).ms(text)


HOUR = Path(__file__).parents[4] / "shared" / "data" / "real-station"


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(not HOUR.exists(), reason=f"the recorded hour of a real station is not at {HOUR}")
def test_the_hour_of_a_real_station_comes_back_as_it_was_recorded(settings: StorageSettings) -> None:
    """251 tags, 3600 rows; seven temperature channels have no sensor and read 3276.7.

    Takes seconds: 903,600 readings are imported.
    """
    with (HOUR / "registers.csv").open() as file:
        tags = [
            TagSettings(name=row["tag"], scale=float(row["scale"]), sentinels=(32767,) * (row["datatype"] == "int16"))
            for row in csv.DictReader(file)
        ]
    report = import_history(HOUR / "first-hour.csv.gz", settings.path, tags, ZoneInfo("UTC"))
    with gzip.open(HOUR / "first-hour.csv.gz", "rt") as file:
        recorded = list(csv.DictReader(file))
    with Reader(settings.path) as reader:
        kept = columns(reader, [tag.name for tag in tags], 0, 2**60)

    assert (report.imported, report.bad, report.rejected, report.duplicates, report.empty) == (903_600, 25_200, 0, 0, 0)
    assert sum(1 for column in kept.values() if (column.quality == Quality.SENSOR_FAILURE).all()) == 7
    for tag, column in kept.items():
        if (column.quality == Quality.GOOD).all():
            assert column.values.tolist() == [float(row[tag]) for row in recorded]
            assert column.times_ms.tolist() == list(range(1_740_679_200_000, 1_740_682_800_000, 1_000))
