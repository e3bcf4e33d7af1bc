"""From a backup taken while the agent ran, another one goes on: what a broken disk costs is the time since."""

import asyncio
import json
import shutil
import signal
import time
from pathlib import Path

from agent.store.reader import Reader
from tests.agent.test_agent import config
from tests.agent.test_cli import call
from tests.simulators.agent import agent
from tests.simulators.broker import mosquitto
from tests.simulators.modbus import modbus_server
from tests.simulators.subscriber import Subscriber, subscriber


def rows(scada: Subscriber) -> list[tuple[str, int, float, int]]:
    """Readings of both streams."""
    return scada.rows("water/north/readings") + scada.rows("water/north/history")


def sequence(scada: Subscriber) -> list[int]:
    """Places of live readings."""
    return [message.json["seq"] for message in scada.on("water/north/readings")]


async def test_a_restored_agent_goes_on_and_sends_only_what_was_owed(tmp_path: Path) -> None:
    """Backed up while it polls, killed, restored into a fresh folder.

    Takes seconds: two agents are started, and a backup is made between.
    """
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    with mosquitto(tmp_path / "broker") as broker:
        async with modbus_server(holding={0: [75]}) as port, subscriber(broker.port, "water/north/#") as scada:
            path = config(tmp_path, broker, port)
            async with agent(path) as running:
                await scada.on_topic("water/north/readings", count=10)
                settled_ms = scada.rows("water/north/readings")[-1][1] - 2_000  # acknowledged, and kept within a second
                made = await asyncio.to_thread(call, "backup", path, tmp_path / "copy.db", "--json")
                sent = len(scada.on("water/north/readings"))
                await scada.on_topic("water/north/readings", count=sent + 5)
                await running.stop(signal.SIGKILL)
            before = len(sequence(scada))
            shutil.copy(tmp_path / "copy.db", fresh / "north.db")
            began_ms = time.time_ns() // 1_000_000
            async with agent(config(fresh, broker, port)):
                await scada.until(lambda: scada.rows("water/north/readings")[-1][1] > began_ms)

    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["rows"]["reading"] >= 10
    settled = [row for row in rows(scada) if row[1] < settled_ms]
    assert len(settled) == len(set(settled)), "only what was on its way when it was backed up may come again"
    assert min(sequence(scada)[before:]) > max(sequence(scada)[:before])
    with Reader(fresh / "north.db") as reader:
        assert reader.latest()["pressure"].ts_ms > began_ms
