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


def test_what_cannot_be_is_refused_with_a_sentence(tmp_path: Path) -> None:
    """Instants outside of what messages can say, and more text than a command may have."""
    config = station(tmp_path)

    first = call("overhaul", config, "--pump", "p1", "--at", "0001-01-01T00:00:00Z")
    last = call("overhaul", config, "--pump", "p1", "--at", "9999-12-31T23:59:59-12:00")
    ahead = call("overhaul", config, "--pump", "p1", "--at", "2999-01-01T00:00Z")
    long = call("overhaul", config, "--pump", "p1", "--at", AT, "--note", "x" * 1_001)
    just = call("overhaul", config, "--pump", "p1", "--at", AT, "--note", "x" * 1_000)

    refused = [first, last, ahead, long]
    assert [(one.returncode, one.stdout, one.stderr.count("\n")) for one in refused] == [(2, "", 1)] * 4
    assert "before 1970" in first.stderr
    assert "has not come yet" in last.stderr
    assert "at most 1000" in long.stderr
    assert just.returncode == 0


def test_one_that_was_before_the_kept_one_is_refused(tmp_path: Path) -> None:
    """Wear would go on from the later one, whatever was confirmed; a later one, and the same again, are taken."""
    config = station(tmp_path)
    later = "2026-03-02T09:00:00Z"

    told = [call("overhaul", config, "--pump", "p1", "--at", at) for at in (AT, later, later, AT)]

    assert [one.returncode for one in told] == [0, 0, 0, 2]
    assert (
        told[-1].stderr == "p1: an overhaul at 2026-03-02T09:00:00.000Z is kept, and its wear is counted from there\n"
    )
    with Reader(load(config).storage.path) as reader:
        assert [one.ts_ms for one in reader.newest("overhaul")] == [AT_MS + 86_400_000]


async def test_it_reaches_the_running_agent_which_alone_writes(tmp_path: Path) -> None:
    """By the broker, as SCADA would say it; a refusal is printed as the agent gave it."""
    with mosquitto(tmp_path) as broker:
        config = station(tmp_path, 'host = "127.0.0.1"', f"port = {broker.port}", "commands = true")
        settings = load(config)
        migrate(settings.storage.path)
        async with Store(settings.storage) as store, asyncio.TaskGroup() as tasks:
            commands = Commands(settings, plant_handlers(store, settings), store)
            listening = tasks.create_task(commands.listen())
            await asyncio.to_thread(broker.wait_for_line, "pump-agent-east-commands 1 water/east/cmd/+")
            done = await asyncio.to_thread(call, "overhaul", config, "--pump", "p1", "--at", AT)
            ahead = await asyncio.to_thread(call, "overhaul", config, "--pump", "p1", "--at", "2999-01-01T00:00Z")
            before = await asyncio.to_thread(call, "overhaul", config, "--pump", "p1", "--at", "2026-02-01T00:00Z")
            (kept,) = await store.newest("overhaul", "p1")
            listening.cancel()

    assert done.returncode == 0
    assert (ahead.returncode, kept.ts_ms) == (2, AT_MS)
    assert before.returncode == 2
    assert f"an overhaul at {AT[:-1]}.000Z is kept" in before.stderr
    assert "2999-01-01T00:00:00.000Z has not come yet" in ahead.stderr
