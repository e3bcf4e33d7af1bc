"""The whole agent as an edge node: a real device, a real broker, a real process that is killed and stopped."""

import signal
import sqlite3
import time
from contextlib import AsyncExitStack, closing
from pathlib import Path

from pymodbus.client import AsyncModbusTcpClient

from tests.agent.test_agent import config
from tests.simulators.agent import agent
from tests.simulators.broker import mosquitto
from tests.simulators.modbus import modbus_server
from tests.simulators.strict_host import StrictHost
from tests.simulators.subscriber import subscriber

SPARKPLUG = '[mqtt.sparkplug]\nenabled = true\ngroup_id = "works"\n'


async def write(port: int, value: int) -> None:
    """Turn the knob at the device."""
    client = AsyncModbusTcpClient("127.0.0.1", port=port)
    await client.connect()
    await client.write_register(0, value)
    client.close()


async def test_a_kill_a_silent_device_and_a_stop_are_each_told_once(tmp_path: Path) -> None:
    """From register to host; -9 has the broker tell the death, and the next process lives under the next number."""
    host = StrictHost(group="works", node="north")
    with mosquitto(tmp_path / "broker") as broker:
        async with AsyncExitStack() as device, subscriber(broker.port, "spBv1.0/#", "water/north/tag/+") as scada:
            port = await device.enter_async_context(modbus_server(holding={0: [75]}))
            path = config(tmp_path, broker, port, SPARKPLUG)

            def heard() -> StrictHost:
                return host.read([one for one in scada.messages if one.topic.startswith("spBv1.0/")])

            async with agent(path) as running:
                await scada.until(lambda: heard().values("pressure")[-1:] == [7.5])
                await write(port, 76)
                await scada.until(lambda: heard().values("pressure")[-1:] == [7.6])
                await running.stop(signal.SIGKILL)
                await scada.until(lambda: heard().verbs[-1] == "NDEATH")
            async with agent(path) as running:
                await scada.until(lambda: heard().lives[-1] == 1 and "plc" in host.devices)
                await device.aclose()
                await scada.until(lambda: heard().verbs[-1] == "DDEATH plc")
                await device.enter_async_context(modbus_server(holding={0: [80]}, port=port))
                await scada.until(lambda: heard().values("pressure")[-1:] == [8.0])
                status = await running.stop()
            await scada.until(lambda: heard().verbs[-1] == "NDEATH")
            json = scada.on("water/north/tag/pressure")

    assert host.faults == []
    assert host.lives == sorted(host.lives)
    assert set(host.lives) == {0, 1}
    assert host.verbs.count("NDEATH") == 2
    assert host.verbs[-2:] == ["DDEATH plc", "NDEATH"]
    assert status == 0
    assert [one.content for one in host.told["refused"] if one.content is not None] == []
    assert host.units["pressure"] == "bar"
    assert host.facts["Properties/Station"] == "north"
    assert json, "the JSON topics stay beside"


async def test_sparkplug_alone_leaves_nothing_else_on_the_broker_and_nothing_that_is_owed(tmp_path: Path) -> None:
    """What JSON subscribers had not got before is no reason to keep readings, or to count them as undelivered."""
    host = StrictHost(node="north")
    with mosquitto(tmp_path / "broker") as broker:
        async with modbus_server(holding={0: [75]}) as port, subscriber(broker.port, "#") as scada:
            path = config(tmp_path, broker, port)
            async with agent(path) as running:
                await scada.on_topic("water/north/readings")
                await running.stop()
            with closing(sqlite3.connect(tmp_path / "north.db")) as db:
                before = db.execute("SELECT DISTINCT sink FROM cursor ORDER BY sink").fetchall()
            text = path.read_text().replace("commands = true", "commands = false\njson_topics = false")
            path.write_text(text + SPARKPLUG.replace("works", "water"))
            begun = len(scada.messages)
            async with agent(path) as running:
                await scada.until(
                    lambda: host.read([one for one in scada.messages if one.topic.startswith("spBv1.0/")]).devices
                )
                await running.stop()
            with closing(sqlite3.connect(tmp_path / "north.db")) as db:
                after = db.execute("SELECT DISTINCT sink FROM cursor ORDER BY sink").fetchall()

    assert [one.topic for one in scada.messages[begun:] if not one.topic.startswith("spBv1.0/")] == []
    assert before == [("alarms",), ("mqtt",)]
    assert after == [("alarms",), ("sparkplug",)]
    assert host.faults == []


async def test_off_and_on_again_is_a_new_beginning(tmp_path: Path) -> None:
    """By reload, as by a restart: what was read meanwhile was nobody's to send, and nothing waited for it."""
    host = StrictHost(group="works", node="north")
    with mosquitto(tmp_path / "broker") as broker:
        async with (
            modbus_server(holding={0: [75]}) as port,
            subscriber(broker.port, "spBv1.0/#", "water/north/tag/+") as scada,
        ):
            path = config(tmp_path, broker, port, SPARKPLUG)

            def heard() -> StrictHost:
                return host.read([one for one in scada.messages if one.topic.startswith("spBv1.0/")])

            async with agent(path) as running:
                await scada.until(lambda: heard().values("pressure")[-1:] == [7.5])
                on, off = path.read_text(), path.read_text().replace("enabled = true", "enabled = false")
                path.write_text(off)
                await scada.until(lambda: heard().verbs[-1] == "NDEATH")
                off_ms = time.time_ns() // 1_000_000
                await write(port, 77)
                await scada.until(lambda: scada.on("water/north/tag/pressure")[-1].json["value"] == 7.7)
                on_ms = time.time_ns() // 1_000_000
                path.write_text(on)
                await scada.until(lambda: heard().lives[-1] == 1 and "plc" in host.devices)
                await write(port, 78)
                await scada.until(lambda: heard().values("pressure")[-1:] == [7.8])
                await running.stop()

    assert host.faults == []
    assert [one for one in host.told["pressure"] if one.is_historical and off_ms < one.ts_ms < on_ms] == []
    assert 7.7 in host.values("pressure", is_historical=False), "the birth tells how it stands"
