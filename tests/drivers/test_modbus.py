"""The Modbus driver against a server that follows the protocol, and one that breaks it in every way we know."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from drivers.modbus import ModbusDriver
from drivers.reading import Quality, Reading, UnreachableError
from drivers.settings import ModbusSettings
from tests.simulators.modbus import (
    Behaviour,
    Request,
    answering,
    capped,
    elsewhere,
    flooding,
    frame,
    half,
    hanging_up,
    longer,
    modbus_server,
    one_late,
    raw_device,
    refusal,
    refusing,
    right,
    shorter,
    understated,
    word,
)

TIMEOUT = 0.05  # s


def driver(port: int, *tags: dict[str, object], **settings: object) -> ModbusDriver:
    """A driver as the configuration would make it."""
    device = {"name": "plc", "protocol": "modbus-tcp", "host": "127.0.0.1", "port": port, "timeout": TIMEOUT}
    return ModbusDriver(ModbusSettings.model_validate({**device, "tag": tags, **settings}))


def neighbours(count: int, first: int = 0) -> list[dict[str, object]]:
    """Tags t<n> on registers *first* and following."""
    return [{"name": f"t{number}", "address": f"holding:{number}"} for number in range(first, first + count)]


def values(readings: list[Reading]) -> dict[str, object]:
    """Values by tag; each tag at most once."""
    assert len({reading.tag for reading in readings}) == len(readings)
    return {reading.tag: reading.value for reading in readings}


async def silent(_: Request, __: asyncio.StreamWriter) -> None:
    """Says nothing."""


async def test_reads_all_four_tables() -> None:
    """Functions 1, 2, 3 and 4, on a server that nobody here wrote."""
    tags: tuple[dict[str, object], ...] = (
        {"name": "flow", "address": "holding:10", "type": "float32"},
        {"name": "speed", "address": "input:2", "scale": 0.1},
        {"name": "running", "address": "coil:5", "type": "bool"},
        {"name": "fault", "address": "discrete:0", "type": "bool"},
    )
    server = modbus_server(
        holding={10: [0x4210, 0x0000]},
        inputs={0: [0, 0, 481]},
        coils={0: [False] * 5 + [True] + [False] * 10},
        discretes={0: [True] * 16},
    )
    async with server as port, driver(port, *tags) as plc:
        readings = await plc.read(0)

    assert values(readings) == {"flow": 36.0, "speed": 48.1, "running": 1, "fault": 1}
    assert {reading.quality for reading in readings} == {Quality.GOOD}


async def test_a_reading_is_stamped_with_the_middle_of_its_request() -> None:
    """The device looked at its register somewhere in between; the wait of 100 ms shows on neither side."""

    async def slow(request: Request, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.1)
        writer.write(right(request))

    async with raw_device(slow) as device, driver(device.port, *neighbours(1), timeout=5.0) as plc:
        before = time.time() * 1000
        (reading,) = await plc.read(0)
        after = time.time() * 1000

    assert isinstance(reading.ts_ms, int)
    assert before + 49 <= reading.ts_ms <= after - 49


async def test_neighbours_and_holes_are_one_request() -> None:
    """Fifteen unwanted registers cost less than a second request; seventeen do not."""
    tags = [*neighbours(1), *neighbours(1, 16), *neighbours(1, 34)]
    async with raw_device(answering(right)) as device, driver(device.port, *tags) as plc:
        readings = await plc.read(0)

    assert values(readings) == {"t0": word(0), "t16": word(16), "t34": word(34)}
    assert [(request.start, request.quantity) for request in device.requests] == [(0, 17), (34, 1)]


async def test_a_tag_with_its_own_period_is_read_when_due() -> None:
    """A third tick and a skipped one: the slow tag is late by as little as possible, and alone."""
    tags = [*neighbours(1), {"name": "slow", "address": "holding:1", "period": 3.0}]
    async with raw_device(answering(right)) as device, driver(device.port, *tags, period=1.0) as plc:
        seen = {tick: set(values(await plc.read(tick))) for tick in (0, 1, 2, 4, 5, 6)}

    assert [tick for tick, names in seen.items() if "slow" in names] == [0, 4, 6]
    assert all("t0" in names for names in seen.values())


@pytest.mark.parametrize(
    ("code", "quality", "words"),
    [
        (1, Quality.CONFIGURATION_ERROR, "illegal function (1)"),
        (2, Quality.CONFIGURATION_ERROR, "illegal data address (2)"),
        (3, Quality.CONFIGURATION_ERROR, "illegal data value (3)"),
        (4, Quality.DEVICE_FAILURE, "device failure (4)"),
    ],
)
async def test_a_refused_register_costs_only_itself(code: int, quality: Quality, words: str) -> None:
    """In the very first poll already, with the device's own reason."""
    async with raw_device(refusing({7, 30}, code)) as device, driver(device.port, *neighbours(40)) as plc:
        readings = await plc.read(0)

    bad = {reading.tag: reading for reading in readings if reading.quality != Quality.GOOD}
    assert set(bad) == {"t7", "t30"}
    assert {(reading.value, reading.quality, reading.reason) for reading in bad.values()} == {
        (None, quality, f"refused by the device: {words}")
    }
    assert values(readings) == {f"t{n}": None if n in (7, 30) else word(n) for n in range(40)}


async def test_splits_are_remembered_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """Refused registers are not asked for at every poll, and one line in the log names them."""
    caplog.set_level(logging.INFO, "drivers")
    async with raw_device(refusing({7})) as device, driver(device.port, *neighbours(16)) as plc:
        await plc.read(0)
        learnt = len(device.requests)
        for tick in range(1, 5):
            await plc.read(tick)

    assert not any(one.start <= 7 < one.start + one.quantity for one in device.requests[learnt:])
    (line,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert (
        line == f"modbus://127.0.0.1:{device.port}/1: holding:7 (t7): refused by the device: illegal data address (2)"
    )


async def test_a_device_that_caps_the_count_is_read_in_parts() -> None:
    """Nobody has to find out that 10 is its limit."""
    async with raw_device(capped(10)) as device, driver(device.port, *neighbours(80)) as plc:
        first = await plc.read(0)
        second = await plc.read(1)

    assert values(first) == values(second) == {f"t{n}": word(n) for n in range(80)}


async def test_a_device_that_refuses_everything_is_asked_little_at_a_time() -> None:
    """A wrong unit or table of 100 tags must not hold up a poll with 200 requests; all ends in one line each."""
    async with raw_device(refusing(range(200))) as device, driver(device.port, *neighbours(100)) as plc:
        counts = []
        for tick in range(20):
            before = len(device.requests)
            readings = await plc.read(tick)
            counts.append(len(device.requests) - before)

    assert set(values(readings).values()) == {None}
    assert len(readings) == 100
    assert max(counts) < 120
    assert counts[-1] == 0


async def test_a_busy_gateway_is_no_reason_to_split() -> None:
    """Exceptions 5, 6, 10 and 11 are about the moment: the block is bad now and asked for whole next time."""
    code = 11

    async def busy(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(refusal(request, code))

    async with raw_device(busy) as device, driver(device.port, *neighbours(10)) as plc:
        bad = await plc.read(0)
        device.behaviour = answering(right)
        good = await plc.read(1)

    assert {(reading.quality, reading.reason) for reading in bad} == {
        (Quality.COMM_FAILURE, "refused by the device: no answer from the device behind the gateway (11)")
    }
    assert values(good) == {f"t{n}": word(n) for n in range(10)}
    assert len(device.requests) == 2


async def _garbage(_: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(bytes(range(7, 250, 3)))


async def _garbage_first(request: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(b"\xde\xad\xbe\xef" + right(request))


async def _unknown_function(request: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(frame(request, b"\x02\x00\x07", function=0x63))


async def _half_exception(request: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(frame(request, b"", function=request.function | 0x80))


MISBEHAVIOURS: dict[str, Behaviour] = {
    "silent": silent,
    "half a frame": answering(half),
    "garbage": _garbage,
    "garbage before the answer": _garbage_first,
    "flood": flooding,
    "wrong transaction id": answering(lambda request: elsewhere(request, transaction=request.transaction + 1)),
    "transaction id 0": answering(partial(elsewhere, transaction=0)),
    "wrong unit id": answering(partial(elsewhere, unit=9)),
    "wrong function code": answering(partial(elsewhere, function=4)),
    "unknown function code": _unknown_function,
    "exception of another function": answering(partial(elsewhere, function=0x84)),
    "half an exception": _half_exception,
    "too many registers": answering(longer),
    "too few registers": answering(shorter),
    "understated byte count": answering(understated),
    "late answers": one_late(),
    "hangs up": hanging_up,
}


@pytest.mark.parametrize("behaviour", MISBEHAVIOURS.values(), ids=MISBEHAVIOURS)
async def test_no_misbehaviour_makes_a_wrong_value(behaviour: Behaviour, caplog: pytest.LogCaptureFixture) -> None:
    """Bad readings with a reason, then the connection is given up; takes three timeouts and two pauses."""
    tags = [*neighbours(3), *neighbours(3, 50), *neighbours(3, 100)]
    async with raw_device(behaviour) as device, driver(device.port, *tags, max_hole=0, timeout=0.1) as plc:
        with pytest.raises(UnreachableError, match=f"modbus://127.0.0.1:{device.port}/1 ") as caught:
            await plc.read(0)

    assert "holding:" in str(caught.value)
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.mark.parametrize("behaviour", MISBEHAVIOURS.values(), ids=MISBEHAVIOURS)
async def test_after_misbehaviour_the_right_answer_is_believed_again(behaviour: Behaviour) -> None:
    """Bad readings with a reason until then, and no value that is not right, on this or the next connection."""
    tags = neighbours(3)
    async with raw_device(behaviour) as device:
        async with driver(device.port, *tags, timeout=0.1) as plc:
            bad = await poll(plc, 0)
            device.behaviour = answering(right)
            between = await poll(plc, 1)
        async with driver(device.port, *tags, timeout=0.1) as plc:
            again = await poll(plc, 0)

    expected = {f"t{n}": word(n) for n in range(3)}
    assert {reading.value for reading in bad} == {None}
    assert {reading.quality for reading in bad} <= {Quality.COMM_FAILURE, Quality.NOT_CONNECTED}
    assert all(reading.reason for reading in bad)
    assert values(between) in (expected, dict.fromkeys(expected))
    assert values(again) == expected


async def poll(plc: ModbusDriver, tick: int) -> list[Reading]:
    """What the caller keeps of a poll, whether it fails or not."""
    try:
        return await plc.read(tick)
    except UnreachableError as error:
        return plc.unavailable(0, str(error))


async def test_two_silent_blocks_do_not_take_the_others_along() -> None:
    """Next to each other, on a device that has its connection for itself; the third one in a row would."""

    async def deaf(request: Request, writer: asyncio.StreamWriter) -> None:
        if request.start == 100:
            writer.write(right(request))

    tags = [*neighbours(1), *neighbours(1, 50), *neighbours(1, 100)]
    async with raw_device(deaf) as device, driver(device.port, *tags) as plc:
        polls = [await plc.read(tick) for tick in range(4)]

    for readings in polls:
        assert values(readings) == {"t0": None, "t50": None, "t100": word(100)}


async def test_a_silent_block_does_not_take_the_others_along() -> None:
    """Its tags are bad, the rest of the poll goes on after the pause."""

    async def deaf(request: Request, writer: asyncio.StreamWriter) -> None:
        if request.start != 50:
            writer.write(right(request))

    tags = [*neighbours(1), *neighbours(1, 50), *neighbours(1, 100)]
    async with raw_device(deaf) as device, driver(device.port, *tags) as plc:
        polls = [await plc.read(tick) for tick in range(4)]

    for readings in polls:
        assert values(readings) == {"t0": word(0), "t50": None, "t100": word(100)}
    (reason,) = {reading.reason for readings in polls for reading in readings if reading.value is None}
    assert reason == f"modbus://127.0.0.1:{device.port}/1 did not answer within 0.05 s"


async def test_registers_a_device_is_silent_about_hold_the_others_up_less_the_second_time() -> None:
    """The device answers others in milliseconds; takes the first time's two timeouts."""
    arrivals: dict[int, list[float]] = {0: [], 50: []}

    async def deaf(request: Request, writer: asyncio.StreamWriter) -> None:
        arrivals[request.start].append(time.monotonic())
        if request.start == 50:
            writer.write(right(request))

    async with raw_device(deaf) as device, driver(device.port, *neighbours(1), *neighbours(1, 50), timeout=0.6) as plc:
        for tick in range(2):
            await plc.read(tick)

    first, second = (heard - asked for asked, heard in zip(arrivals[0], arrivals[50], strict=True))
    assert first >= 1.19
    assert second < 0.9 * first


async def test_after_silence_the_next_request_waits_until_a_late_answer_has_passed() -> None:
    """A gateway that pairs answers with requests by order would give the late one to whoever asks next."""
    arrivals: list[float] = []

    async def deaf_once(request: Request, writer: asyncio.StreamWriter) -> None:
        arrivals.append(time.monotonic())
        if len(arrivals) > 1:
            writer.write(right(request))

    tags = [*neighbours(1), *neighbours(1, 50)]
    async with raw_device(deaf_once) as device, driver(device.port, *tags, timeout=0.1) as plc:
        await plc.read(0)

    assert arrivals[1] - arrivals[0] >= 0.19  # the timeout and as long again


async def test_nobody_there_is_unreachable() -> None:
    """The sentence names the device as a technician knows it."""
    async with raw_device(answering(right)) as device:
        pass

    with pytest.raises(UnreachableError, match=f"modbus://127.0.0.1:{device.port}/1 does not accept connections"):
        await driver(device.port).__aenter__()


async def test_a_device_that_hangs_up_between_polls_is_called_again() -> None:
    """Many close a connection that was idle for a while; that is no outage."""
    writers: list[asyncio.StreamWriter] = []

    async def polite(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(right(request))
        await writer.drain()
        writers.append(writer)

    async with raw_device(polite) as device, driver(device.port, *neighbours(1)) as plc:
        await plc.read(0)
        writers[0].close()
        await _until(lambda: not plc._bus.is_open)  # noqa: SLF001 - waits for the kernel, not for the driver
        readings = await plc.read(1)

    assert values(readings) == {"t0": word(0)}
    assert len({id(writer) for writer in writers}) == 2


async def _until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - there is no event for what the kernel does
        await asyncio.sleep(0.001)


@pytest.mark.parametrize("behaviour", [silent, flooding], ids=["silent", "flood"])
async def test_a_pending_read_can_be_cancelled(behaviour: Behaviour) -> None:
    """Shutdown never waits for a device (pymodbus up to 3.15 swallowed the cancellation)."""
    asked = asyncio.Event()

    async def behave(request: Request, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await behaviour(request, writer)

    async with raw_device(behave) as device, driver(device.port, *neighbours(1), timeout=60.0) as plc:
        read = asyncio.create_task(plc.read(0))
        await asked.wait()
        read.cancel()
        await asyncio.wait({read}, timeout=5)

        assert read.cancelled()


async def test_the_pause_after_silence_can_be_cancelled() -> None:
    """It is as long as the timeout, which may be a minute."""
    tags = [*neighbours(1), *neighbours(1, 50)]
    async with raw_device(silent) as device, driver(device.port, *tags, timeout=0.2) as plc:
        read: Awaitable[object] = asyncio.create_task(plc.read(0))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(read, 0.3)

    assert len(device.requests) == 1


def test_everything_unavailable_is_bad_with_the_reason() -> None:
    """For the caller, when reading or opening failed; a quality of its own, so that it is one alarm."""
    readings = driver(502, *neighbours(2)).unavailable(1_700_000_000_000, "cable pulled")

    assert readings == [
        ("t0", 1_700_000_000_000, None, Quality.NOT_CONNECTED, "cable pulled"),
        ("t1", 1_700_000_000_000, None, Quality.NOT_CONNECTED, "cable pulled"),
    ]
