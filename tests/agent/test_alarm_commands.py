"""`pump-agent alarm` and `alarms`: real child processes, a real broker, and an agent that hears commands."""

import asyncio
import csv
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from agent.alarms.operators import EVENTS, alarm_handlers
from agent.alarms.watch import Watch
from agent.cli import ALARM_ACTIONS, main
from agent.configuration.config_file import load
from agent.mqtt.commands import Commands
from agent.store.delivery import Sink
from agent.store.schema import migrate
from agent.store.writer import Store
from drivers.reading import Quality, Reading
from tests.agent.test_cli import call
from tests.simulators.broker import Broker, mosquitto

STATION = """
[station]
name = "east"
[[device]]
name = "plc"
protocol = "modbus-tcp"
host = "192.0.2.10"
tag = [{ name = "pressure", unit = "bar", address = "holding:0" }]
[[limit]]
id = "burst"
tag = "pressure"
high = 8.0
cause = "a valve has closed"
[storage]
path = "agent.db"
"""


def station(folder: Path, *mqtt: str) -> Path:
    path = folder / "station.toml"
    path.write_text("\n".join([STATION, "[mqtt]", *mqtt]))
    return path


@asynccontextmanager
async def listening(config: Path, broker: Broker) -> AsyncIterator[tuple[Store, Sink]]:
    """The tasks of an agent that hears commands: its store, and its journal from here on."""
    settings = load(config)
    migrate(settings.storage.path)
    async with Store(settings.storage) as store, asyncio.TaskGroup() as tasks:
        store.sink("alarms")
        journal = store.sink("test")
        await journal.start()
        watch = Watch(settings, store)
        commands = Commands(settings, alarm_handlers(watch, settings.alarms.shelve_longest), store)
        working = [tasks.create_task(work) for work in (watch.follow(), commands.listen())]
        await asyncio.to_thread(broker.wait_for_line, "pump-agent-east-commands 1 water/east/cmd/+")
        yield store, journal
        for task in working:
            task.cancel()


async def test_an_alarm_is_acknowledged_from_the_command_line(tmp_path: Path) -> None:
    """The occurrence that stands, unless another is named; a refusal is printed as the agent gave it."""
    with mosquitto(tmp_path) as broker:
        config = station(tmp_path, 'host = "127.0.0.1"', f"port = {broker.port}", "commands = true")
        async with listening(config, broker) as (store, journal):
            await store.append([Reading("pressure", 1_000, 9.0, Quality.GOOD)])
            await journal.records(100)
            done = await asyncio.to_thread(call, "alarm", config, "ack", "burst", "--user", "ada", "--comment", "seen")
            again = await asyncio.to_thread(call, "alarm", config, "ack", "burst", "--occurrence", "1")
            (kept,) = await store.newest("alarm_event", "burst")

    assert (done.returncode, done.stdout) == (0, "ack burst, occurrence 1: ok\n")
    assert (again.returncode, again.stderr) == (2, "alarm 'burst': is acknowledged already\n")
    assert b'"user":"ada","comment":"seen"' in kept.body


async def test_every_command_is_given_from_the_command_line_and_kept_with_who_gave_it(tmp_path: Path) -> None:
    """One after the other, as the life of one alarm allows; `reset` once its cause has gone."""
    with mosquitto(tmp_path) as broker:
        config = station(tmp_path, 'host = "127.0.0.1"', f"port = {broker.port}", "commands = true")
        config.write_text(config.read_text().replace('id = "burst"', 'id = "burst"\nlatch = true'))
        async with listening(config, broker) as (store, journal):
            await store.append([Reading("pressure", 1_000, 9.0, Quality.GOOD)])
            events = await journal.records(100)
            await store.append([Reading("pressure", 2_000, 5.0, Quality.GOOD)])
            while not any(b'"cleared"' in record.body for _, record in events):
                events += await journal.records(100)
            statuses = {}
            for action in ALARM_ACTIONS:
                more = ("--minutes", "5") if action == "shelve" else ()
                arguments = [
                    "alarm",
                    str(config),
                    action,
                    "burst",
                    "--user",
                    "ada",
                    "--comment",
                    f"why {action}",
                    *more,
                ]
                statuses[action] = await asyncio.to_thread(main, arguments)
            while len(by_ada := [record for _, record in events if b'"user":"ada"' in record.body]) < len(
                ALARM_ACTIONS
            ):
                events += await journal.records(100)

    kept = [json.loads(record.body) for record in by_ada]
    assert statuses == dict.fromkeys(EVENTS, 0)
    assert [(one["event"], one["user"], one["comment"]) for one in kept] == [
        (EVENTS[action], "ada", f"why {action}") for action in ALARM_ACTIONS
    ]


def test_without_commands_it_says_how_to_switch_them_on(tmp_path: Path) -> None:
    result = call("alarm", station(tmp_path), "shelve", "burst", "--minutes", "30")

    assert result.returncode == 2
    assert "set commands = true in [mqtt] of " in result.stderr


def test_without_a_broker_it_says_so(tmp_path: Path) -> None:
    """Port 9 of this machine: nobody listens there."""
    config = station(tmp_path, 'host = "127.0.0.1"', "port = 9", "commands = true", "timeout = 2")

    result = call("alarm", config, "shelve", "burst", "--minutes", "30")

    assert result.returncode == 2
    assert "mqtt://127.0.0.1:9 cannot be reached" in result.stderr


def test_every_alarm_is_written_for_review(tmp_path: Path) -> None:
    result = call("alarms", station(tmp_path), "--output", tmp_path / "alarms.csv")

    with (tmp_path / "alarms.csv").open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert (result.returncode, result.stdout) == (0, f"{len(rows)} alarms in {tmp_path / 'alarms.csv'}\n")
    assert rows[0] | {"id": "burst", "limit": "8", "unit": "bar", "cause": "a valve has closed"} == rows[0]
    assert {row["id"] for row in rows} == {"burst", "silent.plc", "bad.pressure", "storage", "storage.damaged"}
