"""A whole agent on a disk in trouble, and what SCADA and the store have of it."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from agent.store.errors import StorageError
from agent.store.reader import Reader
from agent.store.records import Row
from tests.simulators.agent import Agent, agent
from tests.simulators.broker import mosquitto
from tests.simulators.modbus import modbus_server
from tests.simulators.station import one_device
from tests.simulators.subscriber import Subscriber, subscriber


class Plant(NamedTuple):
    """An agent at work."""

    scada: Subscriber
    agent: Agent
    database: Path

    def live(self) -> list[tuple[str, int, float, int]]:
        """Rows that came live."""
        return self.scada.rows("water/north/readings")

    async def more_live(self, count: int = 6) -> None:
        """Wait for as many more live batches."""
        await self.scada.on_topic("water/north/readings", len(self.scada.on("water/north/readings")) + count)

    async def alarm(self, state: str, name: str = "storage") -> dict[str, object]:
        """Wait until an alarm is in that state."""
        topic = f"water/north/alarm/{name}"
        await self.scada.until(lambda: any(one.payload and one.json["state"] == state for one in self.scada.on(topic)))
        return next(one.json for one in self.scada.on(topic) if one.payload and one.json["state"] == state)

    def stored(self) -> list[Row]:
        """What the store holds."""
        with Reader(self.database) as reader:
            return reader.after(0, 1_000_000)


@asynccontextmanager
async def plant(folder: Path, database: Path, storage: str = "ballast_mb = 1") -> AsyncIterator[Plant]:
    """An agent, its device and its broker; the store at *database*."""
    with mosquitto(folder / "broker") as broker:
        async with (
            modbus_server(holding={0: [75, 36]}) as port,
            subscriber(broker.port, "water/north/#") as scada,
            agent(one_device(folder, broker, port, database, storage)) as running,
        ):
            yield Plant(scada, running, database)


def missing(plant: Plant) -> set[tuple[str, int]]:
    """What SCADA has been given live and the store does not have."""
    stored = {(row.tag, row.ts_ms) for row in plant.stored()}
    return {(tag, ts_ms) for tag, ts_ms, *_ in plant.live()} - stored


async def stored_again(plant: Plant, within: float) -> float:
    """Wait until the newest live value is in the store; seconds."""
    started = time.monotonic()
    newest = plant.live()[-1]
    async with asyncio.timeout(within):
        while not _has(plant, newest[0], newest[1]):  # noqa: ASYNC110 - a file
            await asyncio.sleep(0.1)
    return time.monotonic() - started


def _has(plant: Plant, tag: str, ts_ms: int) -> bool:
    with suppress(StorageError, sqlite3.OperationalError):  # it is being set aside, or begun
        return any((row.tag, row.ts_ms) == (tag, ts_ms) for row in plant.stored())
    return False
