"""What exporters, clocks and people do to an import: encodings, summer time, kills, old files."""

import asyncio
import json
import random
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.store.importing import begin_ms, import_history
from agent.store.known import Known
from agent.store.log import Log
from agent.store.reader import Reader
from agent.store.schema import prepare_now
from agent.store.settings import StorageSettings
from drivers.settings import TagSettings
from tests.agent.store.test_importing import BERLIN, NOON, imported, values
from tests.agent.test_cli import call

CHINESE = "数值,质量,tag,时间\n36.5,良好,flow,2025-02-27 13:00:00\n2,不确定,level,2025-02-27 13:00:00\n1,好,压力,1\n"
STATION = """
[station]
name = "hillside"
[[device]]
name = "plc"
protocol = "modbus-tcp"
host = "192.0.2.10"
tag = [{ name = "flow", unit = "m3/h", address = "holding:0" }]
"""
GERMAN = "Zeit;flow [m³/h];level;Öl °C\n27.02.2025 13:00:00;36,5;2;7\n"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gbk", "gb18030"])
def test_chinese_exports_are_read_in_their_encoding(settings: StorageSettings, encoding: str) -> None:
    """Excel in China writes GBK."""
    report, rows = imported(settings, CHINESE.encode(encoding))

    assert values(rows) == [("flow", 0, 36.5), ("level", 0, 2.0)]
    assert [row.quality for row in rows] == [192, 64]
    assert report.unknown == ["压力"]


def test_western_exports_are_not_taken_for_chinese(settings: StorageSettings) -> None:
    """Umlauts, ³ and ° are single bytes beyond ASCII; Chinese ones come in pairs."""
    report, rows = imported(settings, GERMAN.encode("cp1252"))

    assert values(rows) == [("flow", 0, 36.5), ("level", 0, 2.0)]
    assert report.unknown == ["Öl °C"]


def test_times_that_came_twice_or_never_are_counted(settings: StorageSettings) -> None:
    """Local times are a trap twice a year; whoever imports them learns how often it was sprung."""
    autumn = ["2024-10-27 01:30", "2024-10-27 02:00", "2024-10-27 02:30", "2024-10-27 02:00", "2024-10-27 02:30"]
    spring = ["2024-03-31 01:30", "2024-03-31 02:30", "2024-03-31 03:00"]

    report, rows = imported(settings, "time,flow\n" + "".join(f"{text},1\n" for text in [*spring, *autumn]))

    assert (report.imported, report.twice) == (7, 4)
    assert report.reasons == {"a time that clocks in Europe/Berlin skipped": 1}
    assert len({row.ts_ms for row in rows}) == 7


async def test_an_import_that_is_killed_goes_on_where_it_was(settings: StorageSettings, tmp_path: Path) -> None:
    """Killed (-9) at three instants, by chance; repeated, the log has every reading once.

    Takes seconds: each try is a process that imports some 50,000 readings before it is killed.
    """
    path, seconds = tmp_path / "long.csv", 4_000
    tags = [TagSettings(name=f"t{number}") for number in range(100)]
    header = ",".join(("time", *(tag.name for tag in tags)))
    path.write_text("\n".join([header, *(f"{1_740_657_600 + s}{100 * f',{s}'}" for s in range(seconds))]))
    seen = [await killed_in_the_middle(path, settings.path, len(tags), after) for after in (1, 2, 1)]

    report = import_history(path, settings.path, tags, BERLIN)
    with Reader(settings.path) as reader:
        rows = reader.after(0, 10**7)

    assert 0 < seen[0] <= seen[1] <= seen[2]
    assert len(rows) == len({(row.tag, row.ts_ms) for row in rows}) == 100 * seconds
    assert (report.duplicates, report.imported) == (seen[2], 100 * seconds - seen[2])


PROGRAM = """
import os, sys
from pathlib import Path
from zoneinfo import ZoneInfo
from agent.store.importing import import_history
from drivers.settings import TagSettings
tags = [TagSettings(name=f"t{number}") for number in range(int(sys.argv[3]))]
import_history(Path(sys.argv[1]), Path(sys.argv[2]), tags, ZoneInfo("Europe/Berlin"), lambda _: print(flush=True))
"""


async def killed_in_the_middle(path: Path, store: Path, tags: int, after: int) -> int:
    """Import until some chunks are in, then kill a moment later; how many readings the log has."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, str(path), str(store), str(tags), stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    try:
        for _ in range(after):
            await child.stdout.readline()
        await asyncio.sleep(random.uniform(0, 0.2))  # into the next chunk, its transaction, or the wait for the disk
    finally:
        child.send_signal(signal.SIGKILL)
        await child.wait()
    with Reader(store) as reader:
        return len(reader.after(0, 10**7))


def test_history_that_will_not_be_kept_is_said_before_it_is_taken(tmp_path: Path) -> None:
    """A year of history is taken in for minutes, and retention drops it ten minutes after the agent starts."""
    (tmp_path / "station.toml").write_text(STATION)
    (tmp_path / "old.csv").write_text("time,flow\n2020-01-01T00:00:00Z,1\n")

    result = call("import", tmp_path / "station.toml", tmp_path / "old.csv")

    assert result.stderr.startswith("old.csv begins 2020-01-01T00:00:00.000Z: what is older than ")
    assert "raise keep_days of [storage], now 30, before you start it" in result.stderr
    assert result.returncode == 0


def test_it_is_said_too_where_the_newest_comes_first(tmp_path: Path) -> None:
    """Such a file begins with what will be kept; only its end tells, and it is told once."""
    (tmp_path / "station.toml").write_text(STATION)
    newest = datetime.now(UTC).replace(microsecond=0).isoformat()
    (tmp_path / "history.csv").write_text(f"time,flow\n{newest},2\n2020-01-01T00:00:00Z,1\n")

    result = call("import", tmp_path / "station.toml", tmp_path / "history.csv")

    assert result.stderr.count("history.csv begins 2020-01-01T00:00:00.000Z: what is older than ") == 1
    assert "begins" not in result.stderr.replace("history.csv begins 2020", "")


def test_what_was_taken_is_told_where_the_next_file_fails(tmp_path: Path) -> None:
    """Whoever reads the JSON would else believe that nothing was taken."""
    (tmp_path / "station.toml").write_text(STATION)
    (tmp_path / "good.csv").write_text("time,flow\n2025-02-27T12:00:00Z,1\n")

    result = call(
        "import",
        "--json",
        tmp_path / "station.toml",
        tmp_path / "good.csv",
        tmp_path / "none.csv",
        tmp_path / "good.csv",
    )

    assert [(report["name"], report["imported"]) for report in json.loads(result.stdout)] == [("good.csv", 1)]
    assert (result.returncode, "none.csv cannot be read" in result.stderr) == (2, True)


def test_the_beginning_is_the_first_line_with_a_time(tmp_path: Path) -> None:
    """Some exporters put a line of units below the names."""
    path = tmp_path / "history.csv"
    path.write_text("time,flow,level\n,m3/h,m\n2025-02-27T12:00:00Z,36.5,2\n")

    assert begin_ms(path, BERLIN) == NOON


def test_a_tag_after_the_other_costs_the_last_what_it_costs_the_first(settings: StorageSettings) -> None:
    """Long files are often ordered by tag: all go through the same time, which must not be read again for each."""
    tags = [f"t{number}" for number in range(40)]
    read: list[str] = []

    prepare_now(settings.path)
    with Log(settings.path) as log:
        known = Known(log)
        for tag in tags:
            keys = {(tag, NOON + second) for second in range(2_000)}
            log.db.set_trace_callback(read.append)
            assert known.among(keys, NOON, NOON + 1_999) == set()
            log.db.set_trace_callback(None)
            with log.transaction():
                log.insert([(*key, 1.0, 192, None) for key in sorted(keys)], imported=True)
        assert known.among({("t7", NOON), ("t7", NOON + 2_000), ("t99", NOON)}, NOON, NOON + 2_000) == {("t7", NOON)}
    looked = [statement for statement in read if "FROM reading" in statement]
    assert len(looked) <= 2 * len(tags)
    assert not any("SELECT *" in statement for statement in looked)
