"""The OPC UA driver against asyncua's own server: well, changing, deleted from, locked, frozen and killed."""

import asyncio
import gc
import logging
import signal
import socket
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from asyncua.ua.status_codes import StatusCodes

from drivers.opcua.driver import OpcuaDriver
from drivers.reading import DriverError, Quality, Reading, RefusedError, UnreachableError
from drivers.settings import OpcuaSettings
from tests.simulators.opcua import OneUser, OpcuaStation, opcua_process, opcua_server

pytestmark = pytest.mark.asyncio(loop_scope="module")

PERIOD = 0.1  # s


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def station() -> AsyncIterator[OpcuaStation]:
    """One server for all tests that do not break it: it takes two seconds to start and one to stop."""
    async with opcua_server({}) as server:
        yield server


def driver(url: str, *names: str, **settings: object) -> OpcuaDriver:
    """A driver as the configuration would make it, of the variables ``ns=2;s=<name>``."""
    tags = [{"name": name, "node": f"ns=2;s={name}"} for name in names]
    device = {"name": "intake", "protocol": "opcua", "url": url, "period": PERIOD, "timeout": 1.0, "tag": tags}
    return OpcuaDriver(OpcuaSettings.model_validate({**device, **settings}), look_period=0.1)


async def polls(server: OpcuaDriver, first: int = 0) -> AsyncGenerator[list[Reading], None]:
    """Polls without end, one a period."""
    tick = first
    while True:
        yield await server.read(tick)
        await asyncio.sleep(PERIOD)
        tick += 1


async def until(server: OpcuaDriver, wanted: Callable[[Reading], bool], first: int = 1) -> Reading:
    """The first reading of a kind, polling for it."""
    async with aclosing(polls(server, first)) as endless:
        async for readings in endless:
            for reading in readings:
                if wanted(reading):
                    return reading
    raise AssertionError


async def trouble(server: OpcuaDriver) -> tuple[DriverError, list[Reading], float]:
    """Poll until it fails: how, what was read until then, and after how many seconds."""
    started = time.monotonic()
    kept: list[Reading] = []
    try:
        async with aclosing(polls(server)) as endless:
            async for readings in endless:
                kept += readings
    except DriverError as error:
        return error, kept, time.monotonic() - started
    raise AssertionError


async def test_every_healthy_tag_has_a_reading_from_the_first_poll_on(station: OpcuaStation) -> None:
    """Values that do not change are not reported again, and are still read every period."""
    values = {"flow": 36.5, "running": True, "mode": "auto"}
    for name, value in values.items():
        await station.add(name, value)

    seen: list[list[Reading]] = []
    async with driver(station.url, *values) as intake, aclosing(polls(intake)) as endless:
        async for readings in endless:
            seen.append(readings)
            if len(seen) == 5:
                break

    for readings in seen:
        assert {reading.tag: reading.value for reading in readings} == {"flow": 36.5, "running": 1, "mode": "auto"}
        assert {reading.quality for reading in readings} == {Quality.GOOD}
        assert len(readings) == 3
    stamps = [reading.ts_ms for readings in seen for reading in readings if reading.tag == "flow"]
    assert stamps == sorted(set(stamps))


async def test_a_change_has_its_sources_time(station: OpcuaStation) -> None:
    """To the millisecond, however late it is reported."""
    await station.add("timed", 1.0)
    source = datetime.now(UTC).replace(microsecond=123_000) + timedelta(seconds=1)

    async with driver(station.url, "timed") as intake:
        await intake.read(0)
        await station.say("timed", 2.0, source=source)
        reading = await until(intake, lambda one: one.value == 2.0)

    assert reading == ("timed", round(source.timestamp() * 1000), 2.0, Quality.GOOD, None)


async def test_every_change_between_two_polls_arrives_in_order(station: OpcuaStation) -> None:
    """The server keeps some for us: a peak shorter than a period is not lost."""
    await station.add("peak", 0.0)

    seen: list[object] = []
    async with driver(station.url, "peak") as intake:
        seen += [reading.value for reading in await intake.read(0)]
        for value in (1.0, 9.0, 2.0):
            await station.say("peak", value)
        async with aclosing(polls(intake, 1)) as endless:
            async for readings in endless:
                seen += [reading.value for reading in readings]
                if 2.0 in seen:
                    break

    assert list(dict.fromkeys(seen)) == [0.0, 1.0, 9.0, 2.0]


async def test_a_bad_status_is_a_bad_reading_until_it_is_good_again(station: OpcuaStation) -> None:
    """With the status's name as the reason, at every poll; its neighbours are untouched."""
    await station.add("bus", 1.0)
    await station.add("level", 2.0)

    async with driver(station.url, "bus", "level") as intake:
        await intake.read(0)
        await station.say("bus", None, status=StatusCodes.BadNoCommunication)
        bad = await until(intake, lambda one: one.tag == "bus" and one.quality != Quality.GOOD)
        still = await intake.read(90)
        await station.say("bus", 3.0)
        good = await until(intake, lambda one: one.tag == "bus" and one.quality == Quality.GOOD, 91)

    assert bad[2:] == (None, Quality.COMM_FAILURE, "BadNoCommunication")
    assert {one.tag: (one.value, one.quality) for one in still} == {"bus": (None, 24), "level": (2.0, 192)}
    assert good.value == 3.0


async def test_an_unknown_node_is_bad_alone(station: OpcuaStation, caplog: pytest.LogCaptureFixture) -> None:
    """The reason names the node as the configuration does; the log says it once, however often it is looked for."""
    await station.add("known", 1.0)

    readings: list[Reading] = []
    async with driver(station.url, "known", "knwon") as intake:
        for tick in range(8):
            readings += await intake.read(tick)
            await asyncio.sleep(PERIOD)

    reason = "unknown node ns=2;s=knwon (BadNodeIdUnknown)"
    assert {(one.tag, *one[2:]) for one in readings} == {
        ("known", 1.0, Quality.GOOD, None),
        ("knwon", None, Quality.CONFIGURATION_ERROR, reason),
    }
    ours = [record.getMessage() for record in caplog.records if record.name == "drivers.opcua.subscribing"]
    assert ours == [f"{station.url}: {reason} (knwon)"]


async def test_a_node_that_goes_and_comes_back_is_bad_in_between(station: OpcuaStation) -> None:
    """Looks at all nodes find both, in operation every 10 s while one is missing; the others are read on."""
    await station.add("goes", 1.0)
    await station.add("stays", 2.0)

    async with driver(station.url, "goes", "stays") as intake:
        await intake.read(0)
        await station.remove("goes")
        gone = await until(intake, lambda one: one.tag == "goes" and one.quality != Quality.GOOD)
        meanwhile = await intake.read(90)
        await station.add("goes", 3.0)
        back = await until(intake, lambda one: one.tag == "goes" and one.quality == Quality.GOOD, 91)

    assert gone.reason == "unknown node ns=2;s=goes (BadNodeIdUnknown)"
    assert {one.tag: one.value for one in meanwhile} == {"goes": None, "stays": 2.0}
    assert back.value == 3.0


async def test_a_subscription_that_dies_in_silence_is_noticed(station: OpcuaStation) -> None:
    """Keep-alives go on and the connection is well, but a value has changed that nobody reported."""
    await station.add("silent", 1.0)

    async with driver(station.url, "silent") as intake:
        await intake.read(0)
        await station.say_silently("silent", 2.0)
        error, _, _ = await trouble(intake)

    assert isinstance(error, UnreachableError)
    assert str(error) == f"{station.url} has stopped reporting ns=2;s=silent, which has changed"


async def test_a_value_that_changes_all_the_time_raises_no_suspicion(station: OpcuaStation) -> None:
    """A look always sees another value than the last report; as long as reports come, all is well."""
    await station.add("busy", 0)

    seen: list[Reading] = []
    async with driver(station.url, "busy") as intake:
        for tick in range(25):
            await station.say("busy", tick)
            seen += await intake.read(tick)
            await asyncio.sleep(PERIOD)

    assert {reading.quality for reading in seen} == {Quality.GOOD}


async def test_a_pending_opening_can_be_cancelled() -> None:
    """A server that accepts and says nothing must not hold up a shutdown; the connection is closed too."""
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        url = f"opc.tcp://127.0.0.1:{listener.getsockname()[1]}"
        opening = asyncio.create_task(driver(url, "flow", timeout=60.0).__aenter__())
        peer, _ = await loop.sock_accept(listener)
        with peer:
            await loop.sock_recv(peer, 4096)  # it has said hello
            opening.cancel()
            await asyncio.wait({opening}, timeout=5)
            async with asyncio.timeout(5):
                with suppress(ConnectionResetError):
                    rest = await loop.sock_recv(peer, 4096)
                    assert rest == b""

    assert opening.cancelled()


async def test_a_server_that_says_nothing_is_unreachable() -> None:
    """After the timeout of one answer (0.2 s here), and the sentence names it without its password."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(UnreachableError, match=f"^opc.tcp://127.0.0.1:{port}/x does not answer"):
            await driver(f"opc.tcp://127.0.0.1:{port}/x", "flow", timeout=0.2).__aenter__()


async def test_nobody_there_is_unreachable() -> None:
    """At once."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(UnreachableError, match=f"opc.tcp://127.0.0.1:{port} does not answer .*Connect"):
        await driver(f"opc.tcp://127.0.0.1:{port}", "flow").__aenter__()


async def test_a_login_is_refused_in_words(tmp_path: Path) -> None:
    """A person must act; takes the two seconds a server needs to start."""
    password = tmp_path / "password"
    password.write_text("open sesame\n")
    wrong = tmp_path / "wrong"
    wrong.write_text("guess\n")
    async with opcua_server({"flow": 1.0}, users=OneUser("pump", "open sesame")) as locked:
        with pytest.raises(RefusedError, match="turns us away"):
            await driver(locked.url, "flow", user="pump", password_file=wrong, plain_password=True).__aenter__()
        async with driver(locked.url, "flow", user="pump", password_file=password, plain_password=True) as intake:
            (reading,) = await intake.read(0)

    assert reading.value == 1.0


async def test_a_missing_password_file_is_named(tmp_path: Path) -> None:
    """Its path, and never what it should hold."""
    missing = tmp_path / "nothing"

    login = {"user": "pump", "password_file": missing, "plain_password": True}
    with pytest.raises(RefusedError, match=f"cannot read {missing}: No such file"):
        await driver("opc.tcp://127.0.0.1:9", "flow", **login).__aenter__()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL], ids=["frozen", "killed"])
async def test_a_lost_server_is_noticed_and_left_in_peace(number: int, caplog: pytest.LogCaptureFixture) -> None:
    """Its values end, the driver fails, and closes at once, without a word from the library; then a new one works.

    Takes seconds: another process has to start, and a frozen one is noticed by what it does not answer.
    """
    caplog.set_level(logging.DEBUG)
    async with opcua_process() as (process, url):
        async with driver(url, "counter") as intake:
            await until(intake, lambda one: one.quality == Quality.GOOD, 0)
            process.send_signal(number)
            error, kept, seconds = await trouble(intake)
            closing = time.monotonic()
        closing = time.monotonic() - closing
        process.send_signal(signal.SIGCONT) if number == signal.SIGSTOP else None
        recovered = [] if number == signal.SIGKILL else await _fresh(url)

    gc.collect()  # an exception nobody retrieved is told by the collector
    assert isinstance(error, UnreachableError)
    assert url in str(error)
    assert seconds < 15  # with the timeout of 1 s; what a technician is promised
    assert closing < 5
    assert all(one.quality == Quality.GOOD for one in recovered)
    counted = [one.value for one in kept if isinstance(one.value, int)]
    assert counted == sorted(counted)
    loud = [record.getMessage() for record in caplog.records if record.name.startswith(("asyncua", "asyncio"))]
    assert [line for line in loud if "selector" not in line] == []


@pytest.mark.slow
async def test_a_server_that_freezes_before_the_goodbye_is_not_waited_for() -> None:
    """Closing takes the timeout of one answer and leaves no socket. Takes seconds: another process has to start."""
    async with opcua_process() as (process, url):
        sockets = open_sockets()
        async with driver(url, "counter") as intake:
            await intake.read(0)
            process.send_signal(signal.SIGSTOP)
            closing = time.monotonic()
        seconds = time.monotonic() - closing

        assert seconds < 5
        assert open_sockets() == sockets


def open_sockets() -> int:
    """How many sockets this process holds."""
    links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return sum(str(link.readlink()).startswith("socket:") for link in links if link.is_symlink())


async def _fresh(url: str) -> list[Reading]:
    async with driver(url, "counter") as intake:
        return await intake.read(0)


async def test_everything_unavailable_is_bad_with_the_reason() -> None:
    """For the caller, when reading or opening failed; a quality of its own, so that it is one alarm."""
    readings = driver("opc.tcp://127.0.0.1:9", "flow", "level").unavailable(1_700_000_000_000, "cable pulled")

    assert readings == [
        ("flow", 1_700_000_000_000, None, Quality.NOT_CONNECTED, "cable pulled"),
        ("level", 1_700_000_000_000, None, Quality.NOT_CONNECTED, "cable pulled"),
    ]
