"""What docs/operating.md says: its commands do it as they stand there, and the agent writes its lines."""

import logging
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from agent.store.log import Log
from agent.store.reader import Reader
from agent.store.schema import migrate
from drivers.modbus import ModbusDriver
from drivers.reading import Reading
from drivers.settings import ModbusSettings
from tests.simulators.modbus import raw_device, refusing

DOCUMENT = Path(__file__).parents[2] / "docs" / "operating.md"
NOON = 1_772_366_400_000  # 2026-03-01T12:00Z
STATION = """
[station]
name = "hillside"
[storage]
path = "station.db"
[[device]]
name = "plc"
protocol = "modbus-tcp"
host = "192.0.2.10"
tag = [
    { name = "header.flow", unit = "m3/h", address = "holding:0" },
    { name = "p1.power", unit = "kW", address = "holding:1" },
]
"""

REFUSED = re.findall(
    r"^\| `modbus://192\.0\.2\.10:502/(\d+): ((\w+:\d+)(-\d+)? \((\S+)\): refused by .+ \((\d+)\))` \|",
    DOCUMENT.read_text(),
    re.MULTILINE,
)


def commands(heading: str, number: int = 0) -> list[str]:
    """The lines of a block of commands below *heading*."""
    section = DOCUMENT.read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return list(re.finditer(r"```sh\n(.*?)```", section, re.DOTALL))[number][1].strip().splitlines()


def run(folder: Path, line: str) -> subprocess.CompletedProcess[str]:
    """A line of the document as an ordinary user, below *folder*; there is no systemd."""
    line = re.sub(r"sudo (-u \S+ )?", "", line)
    line = re.sub(r"systemctl \w+ pump-agent", "true", line)
    for place in ("/var/lib/pump-agent", "/etc/pump-agent", "/backup"):
        line = line.replace(place, str(folder))
    line = re.sub(r"^pump-agent ", f"{sys.executable} -m agent ", line)
    return subprocess.run(["/bin/sh", "-e", "-c", line], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A station with some readings."""
    (tmp_path / "station.toml").write_text(STATION)
    migrate(tmp_path / "station.db")
    write(tmp_path, 0)
    return tmp_path


def write(folder: Path, start: int) -> int:
    with Log(folder / "station.db") as log:
        for second in range(start, start + 10):
            with log.transaction():
                log.insert([Reading(tag, NOON + 1_000 * second, 1.5, 192) for tag in ("header.flow", "p1.power")])
        return log.last_id


def test_a_backup_is_restored_by_the_commands(folder: Path) -> None:
    """Nothing of the old database stays beside the other one: its log would be played into it.

    Takes seconds: the program is started three times.
    """
    assert [run(folder, line).returncode for line in commands("Backup and restore")] == [0]
    with closing(sqlite3.connect(folder / "station.db")) as keeps_open:
        keeps_open.execute("SELECT count(*) FROM reading").fetchone()
        last = write(folder, 10)
        for end in ("-wal", "-shm"):  # as after a kill
            shutil.copy(folder / f"station.db{end}", folder / f"kept{end}")
    for end in ("-wal", "-shm"):
        (folder / f"kept{end}").rename(folder / f"station.db{end}")

    lines = commands("Backup and restore", 1)
    for line in lines[:-1]:
        assert run(folder, line).returncode == 0, line
    assert sorted(path.name for path in folder.glob("station.db*")) == ["station.db"]
    assert {path.name for path in (folder / "old").iterdir()} >= {"station.db", "station.db-wal", "station.db.tail"}
    status = run(folder, lines[-1])
    new = write(folder, 60)
    with Reader(folder / "station.db") as reader:
        times = [row.ts_ms for row in reader.after(0, 1_000)]
        losses = reader.losses()

    assert "20 readings" in status.stdout, status.stderr
    assert times == sorted(NOON + 1_000 * second for second in [*range(10), *range(60, 70)] for _ in range(2))
    assert losses == []
    assert new > last + 1_000_000


def test_an_old_note_of_how_far_the_log_reached_is_not_taken_for_a_loss(folder: Path) -> None:
    """Somebody restores by copying the file alone: the backup's ids lie far above those of the note."""
    assert [run(folder, line).returncode for line in commands("Backup and restore")] == [0]
    write(folder, 10)
    shutil.copy(folder / "station-2026-03-01.db", folder / "station.db")

    with Log(folder / "station.db") as log:
        assert log.cut_off is None
    with Reader(folder / "station.db") as reader:
        assert reader.losses() == []


def test_history_is_taken_in_by_the_commands(folder: Path) -> None:
    """Takes a second: the program is started."""
    (folder / "history.csv.gz").write_text("time,header.flow\n2026-03-01T00:00:00Z,36.5\n")  # packed or not

    told = [run(folder, line) for line in commands("Taking in history")]

    assert [one.returncode for one in told] == [0, 0, 0]
    assert "1 imported" in told[1].stdout


def test_readings_are_taken_out_by_the_commands(folder: Path) -> None:
    """Takes seconds: the program is started twice."""
    day, table, _ = commands("Taking out readings")

    assert (run(folder, day).returncode, run(folder, table).returncode) == (0, 0)
    assert (folder / "march-1.csv.gz").stat().st_size > 20
    assert len((folder / "table.csv").read_text().splitlines()) == 11


@pytest.mark.parametrize("line", REFUSED, ids=lambda line: line[-1])
async def test_a_line_of_what_a_device_refuses_is_what_the_agent_writes(
    caplog: pytest.LogCaptureFixture, line: tuple[str, ...]
) -> None:
    """Whoever looks a line of the journal up on the page must find it."""
    unit, said, address, is_double, tag, code = line
    tags = [{"name": tag, "address": address, "type": "float32" if is_double else "uint16"}]
    settings = {"name": "plc", "protocol": "modbus-tcp", "host": "127.0.0.1", "unit_id": int(unit), "tag": tags}
    async with (
        raw_device(refusing({int(address.split(":")[1])}, int(code))) as device,
        ModbusDriver(ModbusSettings.model_validate(settings | {"port": device.port})) as driver,
    ):
        await driver.read(0)

    lines = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert lines == [f"modbus://127.0.0.1:{device.port}/{unit}: {said}"]


def test_the_page_has_a_line_for_a_wrong_address_and_one_for_a_device_that_fails() -> None:
    """Each asks for something else."""
    assert {code for *_, code in REFUSED} == {"2", "4"}
