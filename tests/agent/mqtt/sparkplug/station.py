"""The small station of the JSON topics, as an edge node."""

import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from agent.health import Part
from agent.mqtt.sparkplug.node import EdgeNode
from agent.settings import AgentSettings
from agent.store.schema import migrate
from agent.store.writer import Store
from drivers.reading import Quality, Reading
from tests.agent.mqtt.station import station, supervised
from tests.simulators.broker import Broker

HOST = "scada"


def edge_station(broker: Broker, folder: Path, port: int | None = None, **sparkplug: object) -> AgentSettings:
    """Settings; *port* where the agent reaches the broker another way."""
    mqtt = {"sparkplug": {"enabled": True} | sparkplug} | ({"port": port} if port else {})
    return station(broker, folder, **mqtt)


@asynccontextmanager
async def edge_store(settings: AgentSettings) -> AsyncIterator[Store]:
    """The station's store, open."""
    migrate(settings.storage.path)
    async with Store(settings.storage) as store:
        store.sink("sparkplug")
        yield store


@asynccontextmanager
async def edge_node(settings: AgentSettings, store: Store, settled: float = 0.0) -> AsyncIterator[Part]:
    """Be an edge node, and again after trouble, as the agent is; yields how it goes."""
    part = Part("sparkplug")
    node = EdgeNode(settings, store, part, {"Properties/Version": "1.2.3"}, settled)
    async with supervised(part, node.publish):
        yield part


def now(tag: str, value: float | None, quality: int = Quality.GOOD, reason: str | None = None) -> Reading:
    """A reading of this moment."""
    return Reading(tag, time.time_ns() // 1_000_000, value, quality, reason)


async def append(store: Store, numbers: Iterable[int]) -> None:
    """One reading of flow for each number, which is its value; no two of one time."""
    for number in numbers:
        await store.append([now("flow", float(number))])
