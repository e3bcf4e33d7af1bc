"""`pump-agent overhaul`: real child processes, with the agent running and standing."""

import asyncio
import json
from pathlib import Path

from agent.configuration.config_file import load
from agent.mqtt.commands import Commands
from agent.mqtt.plant_commands import plant_handlers
from agent.store.reader import Reader
from agent.store.schema import migrate
from agent.store.writer import Store
from tests.agent.test_alarm_commands import station as without_pumps
from tests.agent.test_cli import call
from tests.simulators.broker import mosquitto

PLANT = """
[[header]]
id = "main"
pressure = ["pressure"]
flow = ["flow"]
[[pump]]
id = "p1"
header = "main"
"""
AT, AT_MS = "2026-03-01T09:00:00Z", 1_772_355_600_000


def station(folder: Path, *mqtt: str) -> Path:
    path = without_pumps(folder, *mqtt)
    text = path.read_text().replace('address = "holding:0" }]', 'address = "holding:0" },' + FLOW + "]")
    path.write_text(PLANT + text)
    return path


FLOW = ' { name = "flow", unit = "m3/h", address = "holding:2" }'


def test_it_is_kept_while_the_agent_stands(tmp_path: Path) -> None:
    """There is nobody else who could write it."""
    config = station(tmp_path)

    done = call("overhaul", config, "--pump", "p1", "--at", AT, "--note", "new rings", "--user", "ada")
    unknown = call("overhaul", config, "--pump", "p9")

    assert (done.returncode, done.stdout) == (0, "p1: its wear is counted anew from 2026-03-01T09:00:00.000Z\n")
    assert unknown.returncode == 2
    assert "there is no pump 'p9'" in unknown.stderr
    with Reader(load(config).storage.path) as reader:
        (kept,) = reader.newest("overhaul")
    assert (kept.key, kept.ts_ms) == ("p1", AT_MS)
    assert json.loads(kept.body) == {
        "pump": "p1",
        "ts": "2026-03-01T09:00:00.000Z",
        "user": "ada",
        "note": "new rings",
    }


async def test_it_reaches_the_running_agent_which_alone_writes(tmp_path: Path) -> None:
    """By the broker, as SCADA would say it; a refusal is printed as the agent gave it."""
    with mosquitto(tmp_path) as broker:
        config = station(tmp_path, 'host = "127.0.0.1"', f"port = {broker.port}", "commands = true")
        settings = load(config)
        migrate(settings.storage.path)
        async with Store(settings.storage) as store, asyncio.TaskGroup() as tasks:
            commands = Commands(settings, plant_handlers(store, settings))
            listening = tasks.create_task(commands.listen())
            await asyncio.to_thread(broker.wait_for_line, "pump-agent-east-commands 1 water/east/cmd/+")
            done = await asyncio.to_thread(call, "overhaul", config, "--pump", "p1", "--at", AT)
            ahead = await asyncio.to_thread(call, "overhaul", config, "--pump", "p1", "--at", "2999-01-01T00:00Z")
            (kept,) = await store.newest("overhaul", "p1")
            listening.cancel()

    assert done.returncode == 0
    assert (ahead.returncode, kept.ts_ms) == (2, AT_MS)
    assert "2999-01-01T00:00:00.000Z has not come yet" in ahead.stderr
