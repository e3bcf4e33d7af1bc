"""What leaves as a file says as much as the log does, and comes back the same."""

import csv
import gzip
import io
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyarrow import parquet

from agent.export.slices import MOST, slices
from agent.store.findings import add_filled
from agent.store.log import Log
from agent.store.reader import Reader
from agent.store.records import Filled
from agent.store.schema import migrate
from drivers.reading import Quality, Reading
from tests.agent.test_cli import call

NOON = 1_772_366_400_000  # 2026-03-01T12:00:00Z
STATION = """
[station]
name = "hillside"
[[device]]
name = "plc"
protocol = "modbus-tcp"
host = "192.0.2.10"
tag = [
  { name = "flow", unit = "m3/h", address = "holding:0" },
  { name = "level", unit = "m", address = "holding:1" },
  { name = "mode", address = "holding:2" },
]
"""
READINGS = [
    Reading("flow", NOON, 36.5, Quality.GOOD),
    Reading("level", NOON, 2.0, Quality.GOOD),
    Reading("mode", NOON, "auto, mostly", Quality.GOOD),
    Reading("flow", NOON + 1_000, None, Quality.COMM_FAILURE, "plc is silent"),
    Reading("level", NOON + 1_000, 2.5, Quality.UNCERTAIN, "stale"),
    Reading("flow", NOON + 2_050, 37.1, Quality.GOOD),
]
FILLED = [Filled("flow", NOON + 1_000, 36.8, 0.4, "linear", NOON), Filled("flow", NOON + 2_050, 1.0, 1.0, "x", NOON)]


@pytest.fixture
def station(tmp_path: Path) -> Path:
    """A configuration and a store with readings in it."""
    path = tmp_path / "station.toml"
    path.write_text(STATION)
    migrate(tmp_path / "pump-agent.db")
    with Log(tmp_path / "pump-agent.db") as log, log.transaction():
        log.insert(READINGS)
        add_filled(log, FILLED)
    return path


def exported(station: Path, *options: str) -> list[list[str]]:
    """The cells of what the command prints."""
    result = call("export", station, *options)
    assert result.returncode == 0, result.stderr
    return list(csv.reader(io.StringIO(result.stdout)))


def test_a_line_a_reading_says_everything(station: Path) -> None:
    """Bad readings are readings: without a value, with their quality and why; filled ones only when asked for."""
    assert exported(station) == [
        ["time", "tag", "value", "quality", "reason"],
        ["2026-03-01T12:00:00.000Z", "flow", "36.5", "192", ""],
        ["2026-03-01T12:00:00.000Z", "level", "2.0", "192", ""],
        ["2026-03-01T12:00:00.000Z", "mode", "auto, mostly", "192", ""],
        ["2026-03-01T12:00:01.000Z", "flow", "", "24", "plc is silent"],
        ["2026-03-01T12:00:01.000Z", "level", "2.5", "64", "stale"],
        ["2026-03-01T12:00:02.050Z", "flow", "37.1", "192", ""],
    ]


def test_filled_values_are_marked_and_never_hide_what_was_measured(station: Path) -> None:
    """Nobody measured them; where somebody did, the measurement is exported, good or bad."""
    with Log(station.parent / "pump-agent.db") as log, log.transaction():
        add_filled(log, [Filled("flow", NOON + 1_500, 36.8, 0.4, "linear", NOON)])

    lines = exported(station, "--filled", "--tags", "flow")

    assert lines[0] == ["time", "tag", "value", "quality", "reason", "filled", "std"]
    assert [line[2:] for line in lines[1:]] == [
        ["36.5", "192", "", "false", ""],
        ["", "24", "plc is silent", "false", ""],
        ["36.8", "filled", "linear", "true", "0.4"],
        ["37.1", "192", "", "false", ""],
    ]


def test_a_column_a_tag_has_numbers_only(station: Path) -> None:
    """For spreadsheets: a cell is empty where there is no number that can be used."""
    lines = exported(station, "--wide", "--filled", "--tags", "level", "flow")

    assert lines == [
        ["time", "level", "flow", "filled"],
        ["2026-03-01T12:00:00.000Z", "2.0", "36.5", ""],
        ["2026-03-01T12:00:01.000Z", "2.5", "", ""],
        ["2026-03-01T12:00:02.050Z", "", "37.1", ""],
    ]


def test_times_and_tags_limit_what_is_exported(station: Path) -> None:
    """The end is not included, so that days that follow each other share no reading."""
    lines = exported(
        station, "--from", "2026-03-01T12:00:01Z", "--to", "2026-03-01T13:00:02.050+01:00", "--tags", "flow"
    )

    assert [line[0] for line in lines[1:]] == ["2026-03-01T12:00:01.000Z"]


@pytest.mark.parametrize("name", ["out.csv", "out.csv.gz"])
def test_an_export_can_be_imported_and_is_the_same(station: Path, tmp_path: Path, name: str) -> None:
    """A station moves to another computer, or somebody wants the last month back."""
    assert call("export", station, "--tags", "flow", "level", "--output", tmp_path / name).returncode == 0
    other = tmp_path / "other"
    other.mkdir()
    (other / "station.toml").write_text(STATION)

    result = call("import", other / "station.toml", tmp_path / name)
    with Reader(other / "pump-agent.db") as reader:
        rows = [(row.tag, row.ts_ms, row.value, row.quality) for row in reader.after(0, 100)]

    assert "5 imported (1 bad), 0 duplicates, 0 rejected" in result.stdout
    assert sorted(rows) == sorted(tuple(one[:4]) for one in READINGS if one.tag != "mode")


def test_what_was_filled_is_not_imported_as_measured(station: Path, tmp_path: Path) -> None:
    """Else an estimate becomes a measurement on its way through a file."""
    with Log(station.parent / "pump-agent.db") as log, log.transaction():
        add_filled(log, [Filled("flow", NOON + 1_500, 36.8, 0.4, "linear", NOON)])
    call("export", station, "--filled", "--tags", "flow", "--output", tmp_path / "out.csv")

    result = call("import", station, tmp_path / "out.csv", "--json")

    assert '"imported": 0' in result.stdout
    assert '"not a quality": 1' in result.stdout


def test_parquet_has_types(station: Path, tmp_path: Path) -> None:
    """Times are instants, values numbers; a text has a column of its own."""
    result = call("export", station, "--filled", "--output", tmp_path / "out.parquet")

    assert result.returncode == 0, result.stderr
    table = parquet.read_table(tmp_path / "out.parquet").to_pylist()
    assert table[0] == {
        "time": datetime(2026, 3, 1, 12, tzinfo=UTC), "tag": "flow", "value": 36.5, "text": None, "quality": 192,
        "reason": None, "filled": False, "std": None,
    }  # fmt: skip
    assert [row["text"] for row in table if row["tag"] == "mode"] == ["auto, mostly"]
    assert len(table) == 6


def test_a_tag_that_is_not_there_is_told_and_leaves_no_file(station: Path, tmp_path: Path) -> None:
    """An empty file would look like an empty day."""
    result = call("export", station, "--tags", "flwo", "--output", tmp_path / "out.csv.gz")

    assert result.returncode == 2
    assert result.stderr.startswith('the store has no reading of a tag "flwo"; did you mean "flow"?')
    assert not list(tmp_path.glob("out*"))


def test_a_file_that_cannot_be_written_is_told(station: Path, tmp_path: Path) -> None:
    """No traceback for a folder that is not there."""
    result = call("export", station, "--output", tmp_path / "nowhere" / "out.csv")

    assert (result.returncode, "cannot be written: No such file or directory" in result.stderr) == (2, True)


def test_an_export_while_the_agent_writes_reads_a_little_at_a_time(station: Path, tmp_path: Path) -> None:
    """One long look would keep the write-ahead log growing; here another process has the right to write.

    A year of 250 tags is no more in memory than some minutes of them.
    """
    with Log(station.parent / "pump-agent.db") as log:
        for start in range(0, 4 * 3_600, 600):
            with log.transaction():
                log.insert([Reading("flow", NOON + 1_000 * second, 1.0, 192) for second in range(start, start + 600)])
        result: subprocess.CompletedProcess[str] = call("export", station, "--output", tmp_path / "out.csv.gz")
        with Reader(station.parent / "pump-agent.db") as reader:
            parts = [len(part) for part in slices(reader, ["flow"], NOON, NOON + 10**9, with_filled=False)]

    with gzip.open(tmp_path / "out.csv.gz", "rt") as file:
        assert len(file.readlines()) == 1 + 4 * 3_600 + 4  # flow at the seconds 0 to 2 came twice, the last counts
    assert result.stderr == f"{4 * 3_600 + 4} readings\n"
    assert max(parts) <= 3_601
    assert max(parts) < MOST
