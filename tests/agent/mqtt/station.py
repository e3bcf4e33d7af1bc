"""A small station whose store is published: two meters, a valve and a pump."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from agent.health import Part
from agent.mqtt.publisher import describe, publish
from agent.settings import AgentSettings
from agent.store.schema import migrate
from agent.store.writer import Store
from agent.supervisor import supervise
from drivers.reading import Quality, Reading
from tests.simulators.broker import Broker

NOON_MS = 1_772_366_400_000  # 2026-03-01T12:00:00Z


def station(broker: Broker, folder: Path, **mqtt: object) -> AgentSettings:
    """Settings; the device itself is never polled."""
    tags = [
        {"name": "flow", "unit": "m3/h", "address": "holding:0", "deadband": 0.5},
        {"name": "pressure", "unit": "bar", "address": "holding:1"},
        {"name": "valve", "address": "holding:2"},
    ]
    return AgentSettings.model_validate(
        {
            "station": {"name": "east"},
            "device": [{"name": "plc", "protocol": "modbus-tcp", "host": "192.0.2.1", "tag": tags}],
            "header": [{"id": "main", "pressure": ["pressure"], "flow": ["flow"]}],
            "pump": [{"id": "p1", "header": "main"}],
            "mqtt": {"host": broker.host, "port": broker.port, "timeout": 2, "keepalive": 2} | mqtt,
            "storage": {"path": folder / "pump-agent.db", "commit_interval": 0.005},
        }
    )


@asynccontextmanager
async def store_of(settings: AgentSettings) -> AsyncIterator[Store]:
    """The station's store, open."""
    migrate(settings.storage.path)
    async with Store(settings.storage) as store:
        store.sink("mqtt")  # named before what it is to get, as the agent does
        yield store


@asynccontextmanager
async def publishing(settings: AgentSettings, store: Store, retry: float = 60.0) -> AsyncIterator[Part]:
    """Publish, and again after trouble, as the agent does; yields how it goes."""
    part = Part("broker")
    async with supervised(part, partial(publish, settings, store, part, describe(settings, "1.2.3", NOON_MS), retry)):
        yield part


@asynccontextmanager
async def supervised(part: Part, work: Callable[[], Coroutine[Any, Any, NoReturn]]) -> AsyncIterator[None]:
    """Do *work*, and again after trouble; a bug in it is raised when this is left."""
    task = asyncio.create_task(supervise(part, work), name=part.name)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})
        if not task.cancelled() and (error := task.exception()):
            raise error


def good(tag: str, value: float, ts_ms: int = NOON_MS) -> Reading:
    """A good reading."""
    return Reading(tag, ts_ms, value, Quality.GOOD)


async def append_numbered(store: Store, numbers: Iterable[int]) -> None:
    """Append one reading of flow and one of pressure for each number, which is their value and their time in s."""
    for number in numbers:
        await store.append([good(tag, float(number), NOON_MS + number * 1_000) for tag in ("flow", "pressure")])
