"""Commands that read or fill the store: real child processes on a real database."""

import json
import subprocess
import time
from pathlib import Path

from agent.commands.run import absent
from agent.mqtt.instant import rfc3339
from agent.mqtt.payloads.reports import Backlog, Health, PartHealth
from agent.settings import AgentSettings
from agent.store.opening import prepare
from agent.store.records import Record
from agent.store.settings import StorageSettings
from agent.store.writer import Store
from drivers.reading import Quality, Reading
from tests.agent.test_cli import call

STATION = """
[station]
name = "hillside"
time_zone = "Europe/Berlin"
[[device]]
name = "plc"
protocol = "modbus-tcp"
host = "192.0.2.10"
tag = [
  { name = "flow", unit = "m3/h", address = "holding:0" },
  { name = "level", unit = "m", address = "holding:1", valid_max = 5 },
]
"""
HISTORY = """time,flow,level,boiler
2026-01-01 00:00:00,10.5,2.0,7
2026-01-01 00:00:01,11.5,9.0,7
2026-01-01 00:00:02,twelve,2.0,7
"""


def station(folder: Path) -> Path:
    path = folder / "station.toml"
    path.write_text(STATION)
    return path


def taken_in(folder: Path, history: str, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "history.csv").write_text(history)
    return call("import", station(folder), folder / "history.csv", *options)


def test_import_counts_what_it_took_and_what_not(tmp_path: Path) -> None:
    """Nobody trusts a history of which some rows silently vanished."""
    result = taken_in(tmp_path, HISTORY)

    assert result.returncode == 0
    first, *others = result.stdout.splitlines()
    assert first == "history.csv: 5 imported (1 bad), 0 duplicates, 1 rejected"
    assert "  from 2025-12-31T23:00:00.000Z to 2025-12-31T23:00:02.000Z" in others
    assert "  left out, not configured: boiler" in others
    assert [line for line in others if "line 4" in line and "twelve" in line]


def test_import_of_the_same_file_does_nothing(tmp_path: Path) -> None:
    """A command that was interrupted, or given twice, may simply be repeated."""
    taken_in(tmp_path, HISTORY)

    result = taken_in(tmp_path, HISTORY)

    assert (result.returncode, result.stdout) == (0, "history.csv: was imported before; nothing to do\n")


def test_import_of_which_nothing_could_be_taken_fails(tmp_path: Path) -> None:
    """A script that fills the store must notice that it filled nothing."""
    result = taken_in(tmp_path, "time,flow\n2026-01-01 00:00:00,x\n", "--json")

    assert result.returncode == 2
    [report] = json.loads(result.stdout)
    assert (report["imported"], report["rejected"]) == (0, 1)


def test_import_of_a_file_that_is_not_there_fails_in_a_sentence(tmp_path: Path) -> None:
    """No traceback for a typing error."""
    result = call("import", station(tmp_path), tmp_path / "nowhere.csv")

    assert result.returncode == 2
    assert result.stderr.startswith(f"{tmp_path}/nowhere.csv ")


def test_status_without_a_store_says_how_to_get_one(tmp_path: Path) -> None:
    """Asked before the first start."""
    result = call("status", station(tmp_path))

    assert result.returncode == 2
    assert result.stderr.startswith(f"there is no store at {tmp_path}/pump-agent.db yet; start the agent with")


async def test_status_shows_what_the_agent_last_knew(tmp_path: Path) -> None:
    """Devices, jobs, advice, alarms and tags, also while the agent writes."""
    path = station(tmp_path)
    settings = StorageSettings(path=tmp_path / "pump-agent.db")
    await prepare(settings.path)
    now_ms = time.time_ns() // 1_000_000
    part = PartHealth(name="plc", state="failed", since=now_ms - 7_200_000, error="plc is silent", error_at=now_ms)
    report = Health(
        station="hillside",
        ts=now_ms,
        state="failed",
        version="0.1.0",
        uptime_s=9_000,
        devices=(part,),
        backlog=Backlog(behind=300_000, rate=500.0, until=now_ms + 605_000),
    )
    advice = {"id": "1", "ts": rfc3339(now_ms), "expires": rfc3339(now_ms - 1), "action": "change", "saving_kw": 4.25}
    advice |= {
        "saving_uncertainty_kw": 1.0,
        "pumps": [{"id": "p1", "run": True, "speed": 0.9}, {"id": "p2", "run": False}],
    }
    alarm = {"id": "low", "state": "unack", "active": True, "acked": False, "priority": "high", "message": "Too low"}
    over = alarm | {"id": "old", "active": False, "acked": True}
    async with Store(settings) as store:
        store.sink("mqtt")
        await store.append(
            [
                Reading("flow", now_ms, 1.0, Quality.GOOD),
                Reading("level", now_ms, None, Quality.BAD, "silent"),
                Reading("flow", 1_000, float("nan"), Quality.GOOD),
            ]
        )
        records = [
            Record("health", "", now_ms, report.encode()),
            Record("recommendation", "main", now_ms, json.dumps(advice).encode()),
            Record("alarm", "low", now_ms, json.dumps(alarm).encode()),
            Record("alarm", "old", now_ms, json.dumps(over).encode()),
        ]
        await store.record(records)

        shown, told = call("status", path), call("status", path, "--json")

    lines = shown.stdout.splitlines()
    assert shown.returncode == 0
    assert lines[0].startswith("hillside: running, failed, up 2 h, version 0.1.0; said ")
    assert lines[1].startswith("tags: 1 good, 1 bad; newest reading ")
    assert "  plc              failed    since 2 h: plc is silent" in lines
    assert [
        line for line in lines if line.startswith("  change, saving 4.2 ± 1.0 kW, ") and line.endswith(" (expired)")
    ]
    assert "    p1: run at 90% speed" in lines
    assert "    p2: off" in lines
    assert "  high    low: Too low (unack)" in lines
    assert "not yet with the broker: 2 readings, 500 a second less, all of them in about 10 min" in lines
    lost = lines[lines.index("lost:") + 1]
    assert lost.startswith(
        "  flow             1 readings could not be stored: its value is nan, from 1970-01-01T00:00:01."
    )
    assert lost.endswith(" (1 of them never delivered)")
    assert lines[lines.index("disk:") + 1].endswith(" MB of 8000 for 2 readings")
    assert json.loads(told.stdout)["lost"] == 1
    assert [alarm["id"] for alarm in json.loads(told.stdout)["alarms"]] == ["low"]


async def test_status_says_when_the_agent_is_silent(tmp_path: Path) -> None:
    """Old figures shown as fresh are worse than none."""
    path = station(tmp_path)
    settings = StorageSettings(path=tmp_path / "pump-agent.db")
    await prepare(settings.path)
    then_ms = time.time_ns() // 1_000_000 - 600_000
    report = Health(station="hillside", ts=then_ms, state="ok", version="0.1.0", uptime_s=9_000)
    async with Store(settings) as store:
        await store.record([Record("health", "", then_ms, report.encode())])

    result = call("status", path)

    assert result.stdout.startswith("hillside: the agent does not run, or is stuck; its last word came 10 min ago")


def test_a_missing_protocol_library_is_said_with_the_command_that_brings_it() -> None:
    """A site without OPC UA does not install it; one that adds such a device later gets a sentence, not a trace."""
    device = {"name": "intake", "protocol": "opcua", "url": "opc.tcp://192.0.2.1:4840"}
    settings = AgentSettings.model_validate({"station": {"name": "north"}, "device": [device]})

    sentence = absent(settings, find=lambda _: None)

    assert sentence is not None
    assert sentence.startswith("intake: OPC UA is not part of this installation")
    assert "requirements/opcua.lock" in sentence
    assert absent(settings) is None
