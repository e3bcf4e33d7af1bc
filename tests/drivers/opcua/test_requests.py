"""What is asked of a server, and how often: no more than it takes, and nothing that it has just told by itself."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import NoReturn

import pytest
import pytest_asyncio

from drivers.opcua.driver import OpcuaDriver
from drivers.reading import Quality, Reading, UnreachableError
from drivers.settings import OpcuaSettings
from tests.simulators.opcua import OpcuaStation, opcua_server

pytestmark = pytest.mark.asyncio(loop_scope="module")

PERIOD = 0.1  # s


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def station() -> AsyncIterator[OpcuaStation]:
    """One server for all tests that do not narrow it."""
    async with opcua_server({}) as server:
        yield server


def driver(url: str, *names: str, **settings: object) -> OpcuaDriver:
    """A driver that looks at silent nodes every period."""
    tags = [{"name": name, "node": f"ns=2;s={name}"} for name in names]
    device = {"name": "works", "protocol": "opcua", "url": url, "period": PERIOD, "tag": tags, **settings}
    return OpcuaDriver(OpcuaSettings.model_validate(device), look_period=PERIOD)


async def test_only_a_node_that_is_silent_is_asked_for(station: OpcuaStation) -> None:
    """A report is proof that reports come; asking as well would cost as much again as the report."""
    await station.add("busy", 0)
    await station.add("steady", 1.0)

    async with driver(station.url, "busy", "steady") as works:
        with station.overheard() as heard:
            for tick in range(20):
                await station.say("busy", tick)
                await asyncio.sleep(2 * PERIOD)  # a change and its report
                await works.read(2 * tick)

    asked = [name for names in heard for name in names]
    assert asked.count("steady") >= 15
    assert asked.count("busy") <= 3  # where the machine was slow


async def test_a_last_change_that_was_lost_is_noticed_however_many_were_reported_before(station: OpcuaStation) -> None:
    """What a node has proved it has proved for one round only."""
    await station.add("stops", 0)
    seen: list[Reading] = []

    async with driver(station.url, "stops") as works:
        for tick in range(10):
            await station.say("stops", tick)
            await asyncio.sleep(PERIOD)
            seen += await works.read(tick)
        await station.say_silently("stops", 77)
        with pytest.raises(UnreachableError, match=r"has stopped reporting ns=2;s=stops, which has changed"):
            await _poll(works, seen, 10)

    assert seen[-1].value == 77  # what it is has been read meanwhile


async def _poll(works: OpcuaDriver, seen: list[Reading], tick: int) -> NoReturn:
    while True:
        seen += await works.read(tick)
        await asyncio.sleep(PERIOD)
        tick += 1


async def test_no_request_names_more_nodes_than_the_server_takes() -> None:
    """Small controllers refuse what is too much for them as a whole, and every tag with it."""
    names = [f"v{number}" for number in range(8)]
    readings: list[Reading] = []
    async with opcua_server(dict.fromkeys(names, 1.5)) as small:
        await small.take_at_most(3)

        for mode in ("subscribe", "poll"):
            async with driver(small.url, *names, mode=mode) as works:
                readings += await works.read(0)

    assert [(one.tag, one.value, one.quality) for one in readings] == 2 * [(name, 1.5, Quality.GOOD) for name in names]


@pytest.mark.parametrize(
    ("keys", "off", "quality"),
    [
        ({}, timedelta(seconds=90), Quality.UNCERTAIN),
        ({"source_ahead": 120.0}, timedelta(seconds=90), Quality.GOOD),
        ({}, timedelta(hours=-2), Quality.UNCERTAIN),
        ({"source_behind": 10_000.0}, timedelta(hours=-2), Quality.GOOD),
        ({"source_behind": 60.0}, timedelta(seconds=-90), Quality.UNCERTAIN),
        ({"source_ahead": 10.0}, timedelta(seconds=30), Quality.UNCERTAIN),
    ],
)
async def test_how_far_off_a_source_time_may_be_is_a_setting_of_its_device(
    station: OpcuaStation, keys: dict[str, float], off: timedelta, quality: Quality
) -> None:
    """A server whose clock nobody sets is still worth reading, if its owner says so; a strict one wants less."""
    name = f"off-{off.total_seconds():.0f}-{len(keys)}-{quality}"
    await station.add(name, 1.0)
    source = datetime.now(UTC) + off
    async with driver(station.url, name, mode="poll", **keys) as works:
        await works.read(0)
        await station.say(name, 2.0, source=source)

        (reading,) = await works.read(1)

    assert (reading.value, reading.quality) == (2.0, quality)
    assert (reading.ts_ms == source.timestamp() * 1000 // 1) is (quality is Quality.GOOD)
