"""Reading where nothing is reported: a server without subscriptions, or a technician who wants it so."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime

import pytest
import pytest_asyncio
from asyncua.ua.status_codes import StatusCodes

from drivers.opcua.driver import OpcuaDriver
from drivers.opcua.settings import OpcuaSettings
from drivers.reading import Quality, Reading, UnreachableError
from tests.simulators.opcua import OpcuaStation, opcua_process, opcua_server

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def station() -> AsyncIterator[OpcuaStation]:
    async with opcua_server({}) as server:
        yield server


def driver(url: str, *names: str, mode: str = "poll", **tag: object) -> OpcuaDriver:
    tags = [{"name": name, "node": f"ns=2;s={name}", **tag} for name in names]
    device = {"name": "s", "protocol": "opcua", "url": url, "period": 0.1, "timeout": 1.0, "mode": mode, "tag": tags}
    return OpcuaDriver(OpcuaSettings.model_validate(device), look_period=0.1)


async def test_every_tag_is_read_each_period(station: OpcuaStation) -> None:
    """Nobody is subscribed, and a change has its source's time."""
    await station.add("flow", 36.5)
    await station.add("running", True)  # noqa: FBT003 - a value
    source = datetime.now(UTC).replace(microsecond=123_000)

    async with driver(station.url, "flow", "running") as works:
        first = await works.read(0)
        await station.say("flow", 40.0, source=source)
        second = await works.read(1)
        subscriptions = len(station.server.iserver.subscription_service.subscriptions)

    assert [one[2:] for one in first] == [(36.5, Quality.GOOD, None), (1, Quality.GOOD, None)]
    assert second[0] == ("flow", round(source.timestamp() * 1000), 40.0, Quality.GOOD, None)
    assert second[1].ts_ms >= first[1].ts_ms
    assert subscriptions == 0


async def test_a_slow_tag_is_asked_for_at_its_own_period(station: OpcuaStation) -> None:
    """Every third of the device's periods here."""
    await station.add("slow", 1.0)

    async with driver(station.url, "slow", period=0.3) as works:
        counts = [len(await works.read(tick)) for tick in range(7)]

    assert counts == [1, 0, 0, 1, 0, 0, 1]


async def test_a_node_that_goes_and_comes_is_bad_alone(station: OpcuaStation, caplog: pytest.LogCaptureFixture) -> None:
    """At the next poll, in both directions; the log says it once. A node that cannot be one is bad too."""
    await station.add("goes", 1.0)
    await station.add("stays", 2.0)

    async with driver(station.url, "goes", "stays") as works:
        before = await works.read(0)
        await station.remove("goes")
        gone = [await works.read(1), await works.read(2)]
        await station.add("goes", 3.0)
        after = await works.read(3)

    reason = "unknown node ns=2;s=goes (BadNodeIdUnknown)"
    assert [one.value for one in before] == [1.0, 2.0]
    assert [[one[2:] for one in readings] for readings in gone] == [
        [(None, Quality.CONFIGURATION_ERROR, reason), (2.0, Quality.GOOD, None)]
    ] * 2
    assert [one.value for one in after] == [3.0, 2.0]
    assert [record.getMessage() for record in caplog.records if record.name == "drivers.opcua.polling"] == [
        f"{station.url}: {reason} (goes)"
    ]


async def test_a_bad_status_is_a_bad_reading(station: OpcuaStation) -> None:
    """With its name, as when it is reported."""
    await station.add("bus", 1.0)

    async with driver(station.url, "bus") as works:
        await station.say("bus", None, status=StatusCodes.BadNoCommunication)
        (bad,) = await works.read(0)
        await station.say("bus", 2.0)
        (good,) = await works.read(1)

    assert bad[2:] == (None, Quality.COMM_FAILURE, "BadNoCommunication")
    assert good[2:] == (2.0, Quality.GOOD, None)


async def test_a_server_without_subscriptions_is_polled(caplog: pytest.LogCaptureFixture) -> None:
    """As small controllers are; the log says so, and nothing is missing."""
    caplog.set_level(logging.WARNING)
    async with opcua_server({"flow": 36.5}) as small:
        small.give_no_subscriptions()
        async with driver(small.url, "flow", mode="subscribe") as works:
            readings = [*await works.read(0), *await works.read(1)]

    assert [one[2:] for one in readings] == [(36.5, Quality.GOOD, None)] * 2
    assert [record.getMessage() for record in caplog.records if record.name.startswith("drivers")] == [
        f"{small.url} has no subscriptions (BadServiceUnsupported) and is polled"
    ]


@pytest.mark.slow
async def test_a_frozen_server_is_noticed_by_the_first_poll() -> None:
    """Within the timeout of one answer, and no value is repeated. Takes seconds: another process has to start."""
    async with opcua_process() as (process, url), driver(url, "counter") as works:
        (before,) = await works.read(0)
        process.send_signal(19)
        with pytest.raises(UnreachableError):
            async with asyncio.timeout(5):
                await works.read(1)

    assert before.quality == Quality.GOOD


async def test_a_servers_deadband_keeps_small_changes_away(station: OpcuaStation) -> None:
    """In the tag's unit; the value is kept each period as it was last reported, and a look raises no suspicion."""
    await station.add("level", 1000)

    seen = await _while_it_says(station, "level", (1000, 1030, 1020, 1100, 1105, 1110, 1100, 1105, 1100, 1105))

    assert list(dict.fromkeys(one.value for one in seen)) == [1.0, 1.1]
    assert {one.quality for one in seen} == {Quality.GOOD}


async def test_a_creeping_value_is_seen_though_each_step_is_below_the_deadband(station: OpcuaStation) -> None:
    """Some servers compare with the last sample instead of the last report (asyncua's does): the look corrects it."""
    await station.add("creeping", 1000)

    seen = await _while_it_says(station, "creeping", range(1000, 1300, 20))

    assert {one.quality for one in seen} == {Quality.GOOD}
    raw = [round(1000 * one.value) for one in seen if isinstance(one.value, float)]
    assert raw[-1] > 1150


async def _while_it_says(station: OpcuaStation, name: str, raws: Iterable[int]) -> list[Reading]:
    """What is read with a deadband of 0.05 while the server says one raw thousandth after the other."""
    tag = {"server_deadband": 0.05, "scale": 0.001, "sampling": 0.05, "queue": 3}
    seen: list[Reading] = []
    async with driver(station.url, name, mode="subscribe", **tag) as works:
        for tick, raw in enumerate(raws):
            await station.say(name, raw)
            await asyncio.sleep(0.15)
            seen += await works.read(tick)
    return seen


async def test_a_server_that_takes_no_deadband_reports_every_change(
    station: OpcuaStation, caplog: pytest.LogCaptureFixture
) -> None:
    """A text has none (OPC 10000-4, 7.22.2): the tag is read all the same."""
    await station.add("mode", "auto")
    works = driver(station.url, "mode", mode="subscribe", server_deadband=1.0)

    with station.no_deadband():
        async with works:
            (reading,) = await works.read(0)

    assert reading[2:] == ("auto", Quality.GOOD, None)
    assert "takes no deadband for mode and reports every change" in caplog.text


async def test_many_tags_are_spread_over_subscriptions(station: OpcuaStation) -> None:
    """One message then holds a few hundred values at most, whatever the server thinks of our wish for that."""
    names = [f"many-{number}" for number in range(450)]
    for name in names:
        await station.add(name, 1.0)

    async with driver(station.url, *names, mode="subscribe") as works:
        readings = await works.read(0)
        subscriptions = len(station.server.iserver.subscription_service.subscriptions)

    assert [one.tag for one in readings] == names
    assert subscriptions == 3
