"""Units on serial lines and behind gateways that break the protocol in every way we know."""

import asyncio
import logging
import random
from functools import partial
from pathlib import Path

import pytest

from drivers.bus.buses import Buses
from drivers.reading import Quality, Reading, UnreachableError
from tests.drivers.bus.lines import PATIENCE, TIMEOUT, Kind, device, rig, until_good, visit, wrong
from tests.simulators.libmodbus import LIBRARY, libmodbus_unit
from tests.simulators.serial_bus import (
    Behaviour,
    Request,
    Write,
    answering,
    echo_alone,
    echoed,
    elsewhere,
    framed,
    late,
    noisy,
    pymodbus_bus,
    refusal,
    right,
    silent,
    slowly,
    truncated,
    understated,
    wrong_checksum,
)

KINDS = pytest.mark.parametrize("kind", ["serial", "gateway"])


async def _garbage(_: Request, write: Write) -> None:
    write(bytes(range(7, 250, 3)))


async def _garbage_first(request: Request, write: Write) -> None:
    write(b"\x00\xff" + right(request))


async def _twice(request: Request, write: Write) -> None:
    write(elsewhere(request) + right(request))


async def _babbling(request: Request, write: Write) -> None:
    while True:
        write(elsewhere(request, unit=9))
        await asyncio.sleep(0.001)


MISBEHAVIOURS: dict[str, Behaviour] = {
    "silent": silent,
    "truncated": answering(truncated),
    "garbage": _garbage,
    "garbage before the answer": _garbage_first,
    "babbling": _babbling,
    "wrong checksum": answering(wrong_checksum),
    "wrong unit": answering(partial(elsewhere, unit=9)),
    "wrong function": answering(partial(elsewhere, function=4)),
    "too many registers": answering(lambda request: right(request._replace(quantity=request.quantity + 1))),
    "too few registers": answering(lambda request: right(request._replace(quantity=request.quantity - 1))),
    "understated byte count": answering(understated),
    "another answer before its own": _twice,
    "exception of another function": answering(lambda request: framed(bytes((request.unit, 0x84, 2)))),
    "echo and nobody": answering(echo_alone),
    "late": late(lambda: 2.5 * TIMEOUT),
}


@KINDS
@pytest.mark.parametrize("behaviour", MISBEHAVIOURS.values(), ids=MISBEHAVIOURS)
async def test_no_misbehaviour_makes_a_wrong_value(
    kind: Kind, behaviour: Behaviour, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Bad readings with a reason, then the unit is given up."""
    async with rig(kind, tmp_path, {1: behaviour}) as line, line.driver(1, 0, 10, timeout=TIMEOUT) as unit:
        with pytest.raises(UnreachableError, match="again and again, when asked for holding:") as caught:
            await unit.read(0)

    assert str(caught.value).startswith(str(unit))
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


@KINDS
@pytest.mark.parametrize("behaviour", MISBEHAVIOURS.values(), ids=MISBEHAVIOURS)
async def test_after_misbehaviour_the_right_answer_is_believed_again(
    kind: Kind, behaviour: Behaviour, tmp_path: Path
) -> None:
    """One bad poll costs no rest; the next one asks again, after the pause."""
    async with rig(kind, tmp_path, {1: behaviour}) as line, line.driver(1, timeout=2 * TIMEOUT) as unit:
        bad = await unit.read(0)
        await line.units.rest()
        line.units.behaviours[1] = answering(right)
        good = await unit.read(1)

    assert {(reading.value, reading.quality) for reading in bad} == {(None, Quality.COMM_FAILURE)}
    assert all(reading.reason and reading.reason.startswith(str(unit)) for reading in bad)
    assert wrong(good) == []
    assert {reading.quality for reading in good} == {Quality.GOOD}


@KINDS
@pytest.mark.parametrize("behaviour", [answering(right), answering(echoed), slowly], ids=["right", "echo", "slowly"])
async def test_units_of_one_line_share_it(kind: Kind, behaviour: Behaviour, tmp_path: Path) -> None:
    """Three units at the same time: never two requests on the line at once, and everybody gets its own values."""
    under_way = 0

    async def alone(request: Request, write: Write) -> None:
        nonlocal under_way
        under_way += 1
        assert under_way == 1
        await asyncio.sleep(0.002)
        under_way -= 1
        await behaviour(request, write)

    async with rig(kind, tmp_path, dict.fromkeys((1, 2, 3), alone)) as line:
        drivers = [line.driver(unit, 0, 10, 20) for unit in (1, 2, 3)]
        async with drivers[0], drivers[1], drivers[2]:
            polls = [
                readings
                for tick in range(5)
                for readings in await asyncio.gather(*(driver.read(tick) for driver in drivers))
            ]

    assert {len(readings) for readings in polls} == {12}
    assert {reading.quality for readings in polls for reading in readings} == {Quality.GOOD}
    assert [wrong(readings) for readings in polls] == [[]] * 15


@KINDS
async def test_refused_registers_are_left_out(kind: Kind, tmp_path: Path) -> None:
    """An exception on the line is the unit's own word, as it is over TCP."""
    taboo = answering(
        lambda request: refusal(request, 2) if request.start <= 2 < request.start + request.quantity else right(request)
    )
    async with rig(kind, tmp_path, {1: taboo}) as line, line.driver(1) as unit:
        readings = {reading.tag: reading for reading in await unit.read(0)}

    assert {tag: reading.value for tag, reading in readings.items()} == {
        "u1.0": 1007,
        "u1.1": 1014,
        "u1.2": None,
        "u1.3": 1028,
    }
    assert readings["u1.2"].reason == "refused by the device: illegal data address (2)"


@KINDS
@pytest.mark.slow
@pytest.mark.parametrize("slowest", [1.9, 5.0])
async def test_late_answers_are_never_taken_for_another_request_s(kind: Kind, slowest: float, tmp_path: Path) -> None:
    """Two units that think for up to *slowest* timeouts, and blocks of the same shape; takes 4 s.

    Without the pause after a failure a fifth of the readings would be wrong; and the pause alone does not help
    where an answer comes after it.
    """
    rng = random.Random(7)
    tardy = late(lambda: rng.uniform(0, slowest * 0.03))
    readings: list[Reading] = []
    async with rig(kind, tmp_path, {1: tardy, 2: tardy}) as line, asyncio.timeout(40):
        while len(line.units.requests) < 100 or all(reading.value is None for reading in readings):
            drivers = [line.driver(unit, 0, 10, 20, timeout=0.03) for unit in (1, 2)]  # as the supervisor makes them
            for found in await asyncio.gather(*map(visit, drivers)):
                readings += found
            await asyncio.sleep(0.01)

    assert wrong(readings) == []
    assert any(reading.value is None for reading in readings)


@KINDS
@pytest.mark.slow
async def test_a_unit_that_is_always_one_answer_behind_is_never_believed(kind: Kind, tmp_path: Path) -> None:
    """However long we are quiet: it answers when the next request comes, with what the last one asked for."""
    held: list[bytes] = []

    async def behind(request: Request, write: Write) -> None:
        held.append(right(request))
        if len(held) > 1:
            write(held.pop(0))

    readings = []
    async with rig(kind, tmp_path, {1: behind}) as line, asyncio.timeout(40):
        while len(line.units.requests) < 30:
            readings += await visit(line.driver(1, 0, 10, 20, timeout=0.01))
            await asyncio.sleep(0.001)
        line.units.behaviours[1] = answering(right)
        after = await until_good(lambda: line.driver(1, 0, 10, timeout=0.01))

    assert {reading.value for reading in readings} == {None}
    assert wrong(after) == []


@KINDS
async def test_a_unit_without_other_registers_is_believed_again(kind: Kind, tmp_path: Path) -> None:
    """It is silent about what it does not have, so that nothing else can be asked to see whether it is in step."""

    async def only(request: Request, write: Write) -> None:
        if request.start == 0 and request.quantity == 4:
            write(right(request))

    async with rig(kind, tmp_path, {1: silent}) as line, asyncio.timeout(20):
        await visit(line.driver(1, timeout=0.02))
        line.units.behaviours[1] = only
        after = await until_good(lambda: line.driver(1, timeout=0.02))

    assert wrong(after) == []


@KINDS
async def test_what_waits_in_the_kernel_answers_nothing(kind: Kind, tmp_path: Path) -> None:
    """The event loop has not even seen it when the next request goes out."""
    send: list[Write] = []

    async def note(request: Request, write: Write) -> None:
        send.append(write)
        write(right(request))

    async with rig(kind, tmp_path, {1: note}) as line, line.driver(1) as unit:
        await unit.read(0)
        await asyncio.sleep(0.01)  # so that no silence is due
        send[0](elsewhere(line.units.requests[0]))
        readings = await unit.read(1)

    assert wrong(readings) == []
    assert {reading.quality for reading in readings} == {Quality.GOOD}


@KINDS
async def test_what_arrives_between_two_requests_answers_neither(kind: Kind, tmp_path: Path) -> None:
    """A sound frame of the very shape that is asked for next, but older than the question."""
    sent = asyncio.Event()

    async def and_another(request: Request, write: Write) -> None:
        write(right(request))
        await asyncio.sleep(0.01)
        write(elsewhere(request))
        sent.set()

    async with rig(kind, tmp_path, {1: and_another}) as line, line.driver(1) as unit:
        first = await unit.read(0)
        await sent.wait()
        line.units.behaviours[1] = answering(right)
        await asyncio.sleep(0.01)  # the frame is on its way through the kernel
        second = await unit.read(1)

    assert wrong(first + second) == []
    assert {reading.quality for reading in first + second} == {Quality.GOOD}


@KINDS
async def test_a_cancelled_request_leaves_its_answer_to_nobody(kind: Kind, tmp_path: Path) -> None:
    """A device that is taken out of the configuration while it is asked; its neighbour of the same unit asks next."""
    units = rig(kind, tmp_path, {1: late(lambda: 0.05)})
    async with units as line, line.driver(1, timeout=0.4) as one, line.driver(1, 10, timeout=0.4) as other:
        asked = asyncio.create_task(one.read(0))
        while not line.units.requests:  # noqa: ASYNC110 - the pty has no event for it
            await asyncio.sleep(0.001)
        asked.cancel()
        await asyncio.wait({asked})
        readings = await other.read(0)

    assert asked.cancelled()
    assert wrong(readings) == []
    assert {reading.quality for reading in readings} == {Quality.GOOD}


@KINDS
async def test_noise_on_the_line_makes_no_wrong_value(kind: Kind, tmp_path: Path) -> None:
    """A byte in a hundred is wrong, lost or doubled, over 200 requests of 4 registers."""
    rng = random.Random(3)
    readings = []
    async with rig(kind, tmp_path, {1: answering(noisy(rng, 0.01))}) as line, asyncio.timeout(40):
        while len(line.units.requests) < 200:
            readings += await visit(line.driver(1, timeout=0.03))
            await asyncio.sleep(0)

    assert wrong(readings) == []
    assert {reading.value is None for reading in readings} == {True, False}
    assert sum(reading.value is not None for reading in readings) > 500  # of 800, where 88 % of the frames are whole


async def test_reads_units_of_a_server_nobody_here_wrote(tmp_path: Path) -> None:
    """Functions 1 to 4 on two units of pymodbus's serial server, and a register it does not have."""
    tags = (
        {"name": "level", "address": "holding:10", "type": "float32"},
        {"name": "count", "address": "input:12"},
        {"name": "running", "address": "coil:4", "type": "bool"},
        {"name": "fault", "address": "discrete:5", "type": "bool"},
        {"name": "refused", "address": "holding:99"},
    )
    buses = Buses()
    async with pymodbus_bus(tmp_path, {1: {10: [0x4210, 0, 7]}, 2: {10: [0x4211, 0, 8]}}) as port:
        place = {"protocol": "modbus-rtu", "serial_port": str(port), "timeout": 1.0}
        async with device(buses, place, 1, *tags) as one, device(buses, place, 2, *tags) as two:
            found = await asyncio.gather(one.read(0), two.read(0))

    rest = {"running": 1, "fault": 0, "refused": None}
    assert {reading.tag: reading.value for reading in found[0]} == {"level": 36.0, "count": 8, **rest}
    assert {reading.tag: reading.value for reading in found[1]} == {"level": 36.25, "count": 9, **rest}


@pytest.mark.skipif(LIBRARY is None, reason="libmodbus is not installed")
async def test_reads_a_unit_of_libmodbus(tmp_path: Path) -> None:
    """The C library in many a meter: all four tables, and a register it does not have; twenty times."""
    tags = (
        {"name": "holding", "address": "holding:7"},
        {"name": "long", "address": "holding:60", "type": "uint32"},
        {"name": "input", "address": "input:9"},
        {"name": "coil", "address": "coil:33", "type": "bool"},
        {"name": "discrete", "address": "discrete:34", "type": "bool"},
        {"name": "refused", "address": "holding:64"},
    )
    async with libmodbus_unit(tmp_path, 17) as port:
        place = {"protocol": "modbus-rtu", "serial_port": str(port), "timeout": PATIENCE}
        async with device(Buses(), place, 17, *tags) as unit:
            polls = [{reading.tag: reading.value for reading in await unit.read(tick)} for tick in range(20)]

    expected = {"holding": 1007, "long": (1060 << 16) + 1061, "input": 2009, "coil": 1, "discrete": 0, "refused": None}
    assert polls == [expected] * 20
