"""The unit that runs the agent on the station's computer."""

import shutil
import subprocess
from pathlib import Path

import pytest

UNIT = Path(__file__).parent.parent / "systemd" / "pump-agent.service"


@pytest.fixture
def systemd_analyze() -> str:
    """The command, where this machine has it."""
    command = shutil.which("systemd-analyze")
    if command is None:
        pytest.skip("systemd-analyze is not installed: the unit's hardening was not judged")
    return command


def test_the_unit_is_exposed_by_two_at_most_with_serial_access(systemd_analyze: str) -> None:
    """Of 10; what an attacker who has taken over the agent could still reach."""
    command = [systemd_analyze, "security", "--offline=true", "--threshold=20", "--no-pager", str(UNIT)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)

    assert result.returncode == 0, result.stdout[-300:] + result.stderr
    assert "DeviceAllow=char-ttyUSB rw" in UNIT.read_text()


def test_systemd_understands_every_line(systemd_analyze: str, tmp_path: Path) -> None:
    """A misspelt key is ignored by systemd, and the promise behind it with it."""
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/opt/pump-agent/.venv/bin/pump-agent", "/bin/true"))

    result = subprocess.run([systemd_analyze, "verify", str(unit)], capture_output=True, text=True, check=False)

    assert [line for line in result.stderr.splitlines() if UNIT.name in line] == []


def test_the_agent_may_ask_whether_the_clock_is_synchronised() -> None:
    """A filter that forbids asking leaves every reading with a date of which nobody knows whether it is right."""
    lines = UNIT.read_text().splitlines()
    filters = [line.removeprefix("SystemCallFilter=") for line in lines if line.startswith("SystemCallFilter=")]
    denied = max(place for place, one in enumerate(filters) if one.startswith("~"))
    allowed = {call for one in filters[denied + 1 :] for call in one.split()}

    assert {"adjtimex", "clock_adjtime"} <= allowed  # what adjtimex(3) calls depends on the C library
    assert not any(line.startswith("ProtectClock=") for line in lines)
    assert "CapabilityBoundingSet=" in lines  # none is left, that to set the clock neither
