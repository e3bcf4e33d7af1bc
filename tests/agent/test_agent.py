"""The whole agent, as it runs in a station: real devices, a real broker, a real process that is stopped and killed."""

import asyncio
import json
import os
import signal
import socket
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.store.reader import Reader
from tests.simulators.agent import agent
from tests.simulators.broker import Broker, mosquitto
from tests.simulators.modbus import modbus_server
from tests.simulators.subscriber import Subscriber, subscriber


def config(folder: Path, broker: Broker, port: int, more: str = "") -> Path:
    """A station with one Modbus device whose register 7 does not exist; no analyses unless *more* says so."""
    path = folder / "station.toml"
    path.write_text(f"""
[station]
name = "north"
[mqtt]
host = "{broker.host}"
port = {broker.port}
commands = true
keepalive = 2
[storage]
path = "north.db"
[[device]]
name = "plc"
protocol = "modbus-tcp"
host = "127.0.0.1"
port = {port}
period = 0.2
[[device.tag]]
name = "pressure"
address = "holding:0"
unit = "bar"
scale = 0.1
[[device.tag]]
name = "refused"
address = "holding:7"
[[limit]]
id = "burst"
tag = "pressure"
high = 8.0
{more}
""")
    return path


def free_port() -> int:
    """A port nobody listens on."""
    with closing(socket.socket()) as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


async def test_what_is_wrong_is_said_once_and_the_rest_works(tmp_path: Path) -> None:
    """An unreachable device, a refused register and a broker that is down at start, all at the same time."""
    dead = f"""
[[device]]
name = "dead"
protocol = "modbus-tcp"
host = "127.0.0.1"
port = {free_port()}
[[device.tag]]
name = "lost"
address = "holding:0"
"""
    with mosquitto(tmp_path / "broker") as broker:
        broker.kill()
        async with modbus_server(holding={0: [75]}) as port, agent(config(tmp_path, broker, port, dead)) as running:
            await running.says("broker: ")
            await running.says("dead: ")
            await running.says("refused by the device")
            broker.start()
            async with subscriber(broker.port, "water/north/#") as scada:
                await scada.on_topic("water/north/tag/pressure")
                await scada.on_topic("water/north/tag/lost")
                await scada.on_topic("water/north/readings", count=10)
                tags = {name: scada.on(f"water/north/tag/{name}")[-1].json for name in ("pressure", "refused", "lost")}
                held_back = scada.rows("water/north/history")
            complaints = [line for line in running.lines if line.startswith(("WARNING", "ERROR"))]
            status = await running.stop()

    assert (tags["pressure"]["value"], tags["pressure"]["quality"], tags["pressure"]["unit"]) == (7.5, "good", "bar")
    assert "value" not in tags["refused"]
    assert "illegal data address" in tags["refused"]["reason"]
    assert "does not accept connections" in tags["lost"]["reason"]
    assert held_back, "what was polled while the broker was down comes on history"
    for words in ("broker: ", "dead: ", "refused by the device"):
        assert len([line for line in complaints if words in line]) == 1, complaints
    assert status == 0


async def test_a_kill_costs_nothing_that_was_stored(tmp_path: Path) -> None:
    """Killed (-9) while the broker is away; the next process sends all of it, in order, on history or readings."""
    with mosquitto(tmp_path / "broker") as broker:
        async with modbus_server(holding={0: [75]}) as port, subscriber(broker.port, "water/north/#") as scada:
            path = config(tmp_path, broker, port)
            async with agent(path) as running:
                await scada.on_topic("water/north/readings", count=5)
                broker.kill()
                await running.says("broker: ")
                before = stored(tmp_path)
                while stored(tmp_path) < before + 10:  # noqa: ASYNC110 - another process writes it
                    await asyncio.sleep(0.05)
                await running.stop(signal.SIGKILL)
            kept = rows(tmp_path)
            broker.start()
            async with agent(path):
                await scada.until(lambda: kept <= received(scada))

    for stream in ("readings", "history"):
        times = [row[1] for row in scada.rows(f"water/north/{stream}") if row[0] == "pressure"]
        assert times == sorted(times)


def received(scada: Subscriber) -> set[tuple[str, int, object, int]]:
    """Rows of both streams."""
    return {row for stream in ("readings", "history") for row in scada.rows(f"water/north/{stream}")}


def rows(folder: Path) -> set[tuple[str, int, object, int]]:
    """What the store holds."""
    with Reader(folder / "north.db") as reader:
        return {(row.tag, row.ts_ms, row.value, row.quality) for row in reader.after(0, 1_000_000)}


def stored(folder: Path) -> int:
    return len(rows(folder))


async def test_an_operator_acknowledges_an_alarm_over_mqtt(tmp_path: Path) -> None:
    """From register to alarm to acknowledgement, and the answer to the command."""
    with mosquitto(tmp_path / "broker") as broker:
        async with (
            modbus_server(holding={0: [91]}) as port,
            subscriber(broker.port, "water/north/#") as scada,
            agent(config(tmp_path, broker, port)),
        ):
            (alarm,) = await scada.on_topic("water/north/alarm/burst")
            command = {
                "id": "ack-1",
                "expires": "2099-01-01T00:00:00Z",
                "user": "ada",
                "alarm": "burst",
                "occurrence": alarm.json["occurrence"],
            }
            scada.say("water/north/cmd/ack", json.dumps(command))
            (too_late,) = await scada.on_topic("water/north/cmd/result/ack-1")
            scada.say("water/north/cmd/ack", json.dumps(command | {"id": "ack-2", "expires": in_an_hour()}))
            (result,) = await scada.on_topic("water/north/cmd/result/ack-2")
            *_, acknowledged = await scada.on_topic("water/north/alarm/burst", count=2)

    assert (alarm.json["state"], alarm.json["value"]) == ("UNACK", pytest.approx(9.1))
    assert "within 24 hours" in too_late.json["error"]
    assert result.json["ok"] is True
    assert (acknowledged.json["state"], acknowledged.json["acked_by"]) == ("ACKED", "ada")


def in_an_hour() -> str:
    return (datetime.now(UTC) + timedelta(hours=1)).isoformat()


async def test_a_second_agent_on_the_same_store_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with mosquitto(tmp_path / "broker") as broker:
        async with modbus_server(holding={0: [75]}) as port:
            path = config(tmp_path, broker, port)
            async with agent(path) as first:
                await first.says("plc: answers")
                async with agent(path) as second:
                    status = await second.ended()
                still = await first.stop()

    assert status == 1
    assert "is being written by process" in second.lines[-1]
    assert still == 0


async def test_systemd_is_told_when_it_is_ready_alive_and_stopping(tmp_path: Path) -> None:
    """The watchdog is fed as soon as the first look at polling and store was good, not by a timer alone."""
    address = str(tmp_path / "notify")
    with mosquitto(tmp_path / "broker") as broker, closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as systemd:
        systemd.bind(address)
        systemd.settimeout(0)
        told = []
        async with modbus_server(holding={0: [75]}) as port:
            environment = {**os.environ, "NOTIFY_SOCKET": address}
            async with agent(config(tmp_path, broker, port), environment) as running:
                async with asyncio.timeout(30):
                    while "WATCHDOG=1" not in told:
                        told.append((await asyncio.get_running_loop().sock_recv(systemd, 4096)).decode())
                await running.stop()
                told.append((await asyncio.get_running_loop().sock_recv(systemd, 4096)).decode())

    assert told[0] == "READY=1"
    assert told[-1] == "STOPPING=1"
