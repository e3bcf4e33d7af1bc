"""Who may speak on a bus, who is left alone, and what happens when the line itself goes away."""

import asyncio
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import mean

import pytest

from drivers.bus import connect
from drivers.bus.bus import Bus
from drivers.bus.buses import Buses
from drivers.bus.line import LostError, NoAnswerError, Query
from drivers.bus.rest import LONGEST, LONGEST_AT_LEAST, Rest
from drivers.bus.rtu_line import RtuLine
from drivers.modbus import ModbusDriver
from drivers.reading import Quality, UnreachableError
from tests.drivers.bus.lines import TIMEOUT, Kind, Rig, device, poll, rig, until_good, visit, wrong
from tests.simulators import modbus
from tests.simulators.serial_bus import Request, Write, answering, gateway, late, right, serial_bus, silent

KINDS = pytest.mark.parametrize("kind", ["serial", "gateway"])


@KINDS
@pytest.mark.slow
async def test_a_dead_unit_leaves_the_live_ones_their_ticks(kind: Kind, tmp_path: Path) -> None:
    """Three units beside one that is dead, which is tried as often as it may be, for 8 s at a quick period."""
    live = late(lambda: 0.005)
    async with rig(kind, tmp_path, {1: live, 2: live, 3: live, 4: silent}) as line:
        until = time.monotonic() + 8
        shares = await asyncio.gather(
            *(_share_of_ticks_kept(line, unit, until) for unit in (1, 2, 3)),
            _insist(partial(line.driver, 4, timeout=0.15), until),
        )

    assert min(shares[:3]) >= 0.9
    assert 3 <= sum(request.unit == 4 for request in line.units.requests) <= 8  # asked again, but seldom


async def _share_of_ticks_kept(line: Rig, unit: int, until: float) -> float:
    """Polls at a period of three timeouts, as the agent does; a tick that is late by a period is lost."""
    period, began, good, tick = 0.45, time.monotonic(), 0, 0
    async with line.driver(unit) as driver:
        while time.monotonic() < until:
            good += all(reading.quality == Quality.GOOD for reading in await driver.read(tick))
            tick = int((time.monotonic() - began) / period) + 1
            await asyncio.sleep(began + tick * period - time.monotonic())
    return good / tick


async def _insist(driver: Callable[[], ModbusDriver], until: float) -> float:
    """Tries a unit again and again, far more often than the supervisor does."""
    while time.monotonic() < until:
        await visit(driver())
        await asyncio.sleep(0.01)
    return 0.0


@KINDS
async def test_a_dead_unit_costs_its_timeout_once_a_step(kind: Kind, tmp_path: Path) -> None:
    """While it rests it is not asked at all, whoever asks for it, and says why as it did at first."""
    async with rig(kind, tmp_path, {1: silent, 2: answering(right)}) as line, line.driver(2) as live:
        first = await visit(line.driver(1, 0, 10, timeout=TIMEOUT))
        asked = len(line.units.requests)
        began = time.monotonic()
        again = [await visit(line.driver(1, 0, 10, timeout=TIMEOUT)) for _ in range(20)]
        took = time.monotonic() - began
        good = await live.read(0)

    assert asked == 2  # a single failure may be noise
    assert len(line.units.requests) == asked + 1
    assert took < 4 * TIMEOUT
    assert {
        reading.reason for readings in [first, *again] for reading in readings if "holding:10" in str(reading.reason)
    }
    assert {reading.quality for readings in again for reading in readings} == {Quality.NOT_CONNECTED}
    assert {reading.quality for reading in good} == {Quality.GOOD}


@KINDS
async def test_a_unit_that_fell_silent_is_waited_for_as_long_as_it_used_to_take(kind: Kind, tmp_path: Path) -> None:
    """The others' time is dear; but now and then it is given all of its own, since it may have become slow."""
    async with rig(kind, tmp_path, {1: answering(right), 2: answering(right)}) as line, line.driver(2):
        bus = line.buses.of(line.driver(1)._settings)  # noqa: SLF001 - half of a driver
        bus._spared = 9  # noqa: SLF001 - so that it does not rest
        await bus.join()
        await bus.ask(Query(1, 3, 0, 1), 0.8)
        line.units.behaviours[1] = silent
        waits = [await _seconds_waited(bus, unit=1, given=0.8) for _ in range(4)]
        never_heard = [await _seconds_waited(bus, unit=9, given=0.1) for _ in range(2)]
        await bus.leave()

    assert waits[0] == waits[3] == 0.8
    assert max(waits[1:3]) < 0.8
    assert never_heard == [0.1, 0.1]


async def _seconds_waited(bus: Bus, unit: int, given: float) -> float:
    """What is said of an answer that did not come, s."""
    with pytest.raises(NoAnswerError) as caught:
        await bus.ask(Query(unit, 3, 0, 1), given)
    return float(str(caught.value).split()[-2])


@KINDS
async def test_a_unit_alone_on_its_line_is_always_given_its_time(kind: Kind, tmp_path: Path) -> None:
    """Nobody waits meanwhile, and a controller that is busy for a second is not lost over it."""
    async with rig(kind, tmp_path, {1: answering(right)}) as line, line.driver(1):
        bus = line.buses.of(line.driver(1)._settings)  # noqa: SLF001 - half of a driver
        bus._spared = 9  # noqa: SLF001 - so that it does not rest
        await bus.ask(Query(1, 3, 0, 1), 0.2)
        line.units.behaviours[1] = silent
        waits = [await _seconds_waited(bus, unit=1, given=0.2) for _ in range(3)]

    assert waits == [0.2, 0.2, 0.2]


@KINDS
async def test_a_unit_that_comes_back_is_read_after_its_rest(kind: Kind, tmp_path: Path) -> None:
    """And its next single failure costs no rest again."""
    async with rig(kind, tmp_path, {1: silent, 2: answering(right)}) as line, line.driver(2) as other:
        await visit(line.driver(1, 0, 10, timeout=0.02))
        line.units.behaviours[1] = answering(right)
        async with asyncio.timeout(30):
            while any(reading.value is None for reading in await visit(line.driver(1, timeout=0.02))):
                await other.read(0)
                await asyncio.sleep(0.01)
        line.units.behaviours[1] = silent
        await visit(line.driver(1, timeout=TIMEOUT))
        line.units.behaviours[1] = answering(right)
        after = await visit(line.driver(1, timeout=TIMEOUT))

    assert {reading.quality for reading in after} == {Quality.GOOD}
    assert wrong(after) == []


@KINDS
async def test_a_block_that_a_unit_is_silent_about_rests_alone(kind: Kind, tmp_path: Path) -> None:
    """Some units say nothing where others refuse; that must not cost the bus two timeouts a poll for ever."""

    async def deaf(request: Request, write: Write) -> None:
        if request.start != 10:
            write(right(request))

    async with rig(kind, tmp_path, {1: deaf}) as line, line.driver(1, 0, 10, timeout=0.15) as unit:
        polls = [await unit.read(tick) for tick in range(12)]

    assert [sum(reading.value is not None for reading in readings) for readings in polls] == [4] * 12
    assert sum(request.start == 10 for request in line.units.requests) <= 3
    reasons = {reading.reason for readings in polls for reading in readings if reading.value is None}
    assert reasons == {f"{unit} did not answer within 0.15 s"}


def test_rest_doubles_up_to_a_bound() -> None:
    """Trying takes twice the timeout, so at the bound a dead unit costs no more than a tenth of the time."""
    quick, slow = Rest(), Rest()

    quick_pauses = [_pause(quick, cost=0.5) for _ in range(8)]
    slow_pauses = [_pause(slow, cost=5.0) for _ in range(8)]

    assert quick_pauses == [0.0, 4.0, 8.0, 16.0, *[LONGEST_AT_LEAST] * 4]
    assert slow_pauses == [0.0, 40.0, 80.0, *[LONGEST * 5.0] * 5]


def _pause(rest: Rest, cost: float) -> float:
    rest.fail(1000.0, cost=cost, fact="did not answer")
    return max(0.0, rest.until - 1000.0)


@KINDS
async def test_everybody_is_heard_in_turn(kind: Kind, tmp_path: Path) -> None:
    """A unit with many blocks does not keep out one with few."""
    units = rig(kind, tmp_path, dict.fromkeys((1, 2), late(lambda: 0.002)))
    async with units as line, line.driver(1, *range(0, 300, 10)) as many, line.driver(2, 0, 10, 20) as few:
        await asyncio.gather(many.read(0), few.read(0))

    assert [request.unit for request in line.units.requests[:6]] == [1, 2, 1, 2, 1, 2]


async def test_nobody_waits_for_ever_for_its_turn() -> None:
    """Thirty dead units of a bus take a minute a round, and the watchdog looks after whoever does not go round."""
    async with gateway(dict.fromkeys((1, 2, 3), silent)) as found:
        line = RtuLine(partial(connect.gateway, "127.0.0.1", found.port, 1.0))
        bus = Bus([line], given_up_after=2, longest_wait=0.2)
        await bus.join()
        asked = [asyncio.create_task(bus.ask(Query(unit, 3, 0, 1), 0.15)) for unit in (1, 2, 3)]
        await asyncio.wait(asked)
        await bus.leave()

    assert [type(one.exception()) for one in asked] == [NoAnswerError, NoAnswerError, LostError]
    assert str(asked[2].exception()) == "did not get its turn: too many units of the line do not answer"


@KINDS
async def test_after_a_failure_the_line_is_quiet_for_as_long_as_an_answer_had(kind: Kind, tmp_path: Path) -> None:
    """For another unit too: a late answer would collide with its one."""
    arrivals: list[float] = []

    async def note(_: Request, __: Write) -> None:
        arrivals.append(time.monotonic())

    async with rig(kind, tmp_path, {1: note, 2: note}) as line:
        await asyncio.gather(*(visit(line.driver(unit, timeout=TIMEOUT)) for unit in (1, 2)))

    assert all(later - earlier >= 2 * TIMEOUT - 0.01 for earlier, later in pairwise(arrivals))


async def test_frames_keep_their_distance(tmp_path: Path) -> None:
    """3.5 characters of 11 bits without a byte begin a frame; at 1200 baud that is 32 ms."""
    spoken: list[float] = []
    asked: list[float] = []

    async def note(request: Request, write: Write) -> None:
        asked.append(time.monotonic())
        write(right(request))
        spoken.append(time.monotonic())

    async with rig("serial", tmp_path, {1: note}) as line, line.driver(1, 0, 10, 20, baudrate=1200) as unit:
        await unit.read(0)

    assert all(later - earlier >= 0.032 for earlier, later in zip(spoken, asked[1:], strict=False))


async def test_a_slow_line_is_given_the_time_its_bytes_take(tmp_path: Path) -> None:
    """125 registers at 1200 baud are 2.4 s under way; the timeout is for thinking."""
    units = rig("serial", tmp_path, {1: late(lambda: 0.1)})
    async with units as line, line.driver(1, *range(0, 40, 4), baudrate=1200, timeout=0.02) as unit:
        readings = await unit.read(0)

    assert {reading.quality for reading in readings} == {Quality.GOOD}


async def test_an_adapter_that_is_pulled_out_is_lost_and_found_again(tmp_path: Path) -> None:
    """Whether it is in the middle of a request or idle; and for every unit on it."""
    behaviours = {1: answering(right), 2: answering(right)}
    async with serial_bus(tmp_path, behaviours) as bus:
        line = Rig({"protocol": "modbus-rtu", "serial_port": str(bus.port.path)}, bus.units, Buses())
        async with line.driver(1, timeout=0.5) as one, line.driver(2, timeout=0.5) as two:
            before = await one.read(0) + await two.read(0)
            bus.units.behaviours[1] = silent
            asked = asyncio.create_task(one.read(1))
            while len(bus.units.requests) < 3:  # noqa: ASYNC110 - the pty has no event for it
                await asyncio.sleep(0.001)
            bus.port.unplug()
            with pytest.raises(UnreachableError, match="is lost: "):
                await asked
            with pytest.raises(UnreachableError, match="No such file or directory; is the adapter plugged in"):
                await two.read(1)
        with pytest.raises(UnreachableError, match="is the adapter plugged in"):
            await line.driver(1).__aenter__()
        bus.units.behaviours[1] = answering(right)
        bus.port.plug()
        after = await visit(line.driver(1)) + await visit(line.driver(2))

    assert wrong(before + after) == []
    assert {reading.quality for reading in before + after} == {Quality.GOOD}


async def test_an_adapter_that_is_pulled_out_while_idle_is_opened_again_by_itself(tmp_path: Path) -> None:
    """Where it is back by the next poll, nobody notices."""
    async with serial_bus(tmp_path, {1: answering(right)}) as bus:
        line = Rig({"protocol": "modbus-rtu", "serial_port": str(bus.port.path)}, bus.units, Buses())
        async with line.driver(1) as one:
            await one.read(0)
            bus.port.unplug()
            bus.port.plug()
            await _until(lambda: not one._bus.is_open)  # noqa: SLF001 - waits for the kernel, not for the driver
            readings = await one.read(1)

    assert {reading.quality for reading in readings} == {Quality.GOOD}


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - there is no event for what the kernel does
            await asyncio.sleep(0.001)


async def test_a_port_is_used_by_one_program(tmp_path: Path) -> None:
    """Two masters on one line would take each other's answers; when one leaves, the other may."""
    async with rig("serial", tmp_path, {1: answering(right)}) as line:
        async with line.driver(1):
            line.buses = Buses()
            with pytest.raises(UnreachableError, match="another program has it"):
                await line.driver(1).__aenter__()
        readings = await visit(line.driver(1))

    assert {reading.quality for reading in readings} == {Quality.GOOD}


async def test_what_is_no_serial_port_is_called_so(tmp_path: Path) -> None:
    path = tmp_path / "ttyUSB0"
    path.write_text("")

    with pytest.raises(UnreachableError, match="it is no serial port"):
        await device(Buses(), {"protocol": "modbus-rtu", "serial_port": str(path)}, 1).__aenter__()


async def test_nothing_stays_open(tmp_path: Path) -> None:
    """Years of units that come and go, and of openings that are cancelled, cost no file descriptor."""
    async with rig("serial", tmp_path, {1: answering(right)}) as line:
        await visit(line.driver(1))
        before = _open_files()
        for _ in range(20):
            await visit(line.driver(1))
            opening = asyncio.create_task(line.driver(1).__aenter__())
            await asyncio.sleep(0)
            opening.cancel()
            await asyncio.wait({opening})
            line.buses = Buses()
        await _until(lambda: _open_files() <= before)


def _open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def test_a_half_open_connection_is_given_up_and_dialled_again() -> None:
    """A gateway that has forgotten the connection says nothing on it; three failures of whatever units are enough."""
    async with gateway({1: silent, 2: silent}) as found:
        line = Rig({"protocol": "modbus-rtu-over-tcp", "host": "127.0.0.1", "port": found.port}, found.units, Buses())
        async with line.driver(1, timeout=0.05) as one, line.driver(2, timeout=0.05) as two:
            bad = [await poll(driver, tick) for tick, driver in enumerate((one, two, one))]
            found.units.behaviours.update({1: answering(right), 2: answering(right)})
            readings = await poll(one, 3) + await poll(two, 3)

    assert {reading.value for readings in bad for reading in readings} == {None}
    assert len(found.connections) == 2
    assert {reading.quality for reading in readings} == {Quality.GOOD}


@pytest.mark.parametrize(("connections", "expected"), [(None, 3), (1, 1), (2, 2), (8, 3)])
async def test_modbus_tcp_units_of_one_gateway_use_as_many_connections_as_it_may_have(
    connections: int | None, expected: int
) -> None:
    """Some gateways take four connections and hang up on the fifth; units are told apart on each of them."""
    writers: set[int] = set()
    at_once: list[int] = []
    under_way = 0

    async def slow(request: modbus.Request, writer: asyncio.StreamWriter) -> None:
        nonlocal under_way
        writers.add(id(writer))
        under_way += 1
        at_once.append(under_way)
        await asyncio.sleep(0.02)
        under_way -= 1
        writer.write(modbus.right(request))

    async with modbus.raw_device(slow) as plc:
        keys = {"protocol": "modbus-tcp", "host": "127.0.0.1", "port": plc.port}
        keys |= {} if connections is None else {"connections": connections}
        buses = Buses()
        drivers = [device(buses, keys, unit, {"name": "a", "address": "holding:3"}) for unit in (1, 2, 3)]
        async with drivers[0], drivers[1], drivers[2]:
            for tick in range(3):
                found = await asyncio.gather(*(driver.read(tick) for driver in drivers))

    assert [readings[0].value for readings in found] == [modbus.word(3)] * 3
    assert len(writers) == max(at_once) == expected
    assert {request.unit for request in plc.requests} == {1, 2, 3}


async def test_a_dead_unit_behind_a_gateway_rests_too() -> None:
    """On the one connection that three devices share; the frames' numbers make no difference to who waits for whom."""

    async def gateway_with_a_dead_unit(request: modbus.Request, writer: asyncio.StreamWriter) -> None:
        if request.unit != 3:
            writer.write(modbus.right(request))

    async with modbus.raw_device(gateway_with_a_dead_unit) as plc:
        keys = {"protocol": "modbus-tcp", "host": "127.0.0.1", "port": plc.port, "connections": 1, "timeout": 0.05}
        buses = Buses()
        makers = [partial(device, buses, keys, unit, {"name": f"{unit}", "address": "holding:3"}) for unit in (1, 2, 3)]
        rounds = [await asyncio.gather(*(visit(make()) for make in makers)) for _ in range(20)]

    assert [found[unit][0].value for found in rounds for unit in (0, 1)] == [modbus.word(3)] * 40
    assert {found[2][0].value for found in rounds} == {None}
    assert sum(request.unit == 3 for request in plc.requests) <= 3


async def test_a_line_that_was_opened_for_nobody_is_closed(tmp_path: Path) -> None:
    """A device is taken out of the configuration at that very moment; its port must be free for the next."""
    async with rig("serial", tmp_path, {1: answering(right)}) as line:
        for turns in range(12):
            joining = asyncio.create_task(line.buses.of(line.driver(1)._settings).join())  # noqa: SLF001 - half of a driver
            for _ in range(turns):
                await asyncio.sleep(0)
            joining.cancel()
            await asyncio.wait({joining})
            if joining.cancelled():
                line.buses = Buses()
        async with asyncio.timeout(30):
            readings = await until_good(lambda: line.driver(1))

    assert wrong(readings) == []


async def test_the_event_loop_never_waits_for_the_line(tmp_path: Path) -> None:
    """Opening, asking the dead and the living, being unplugged: another task goes round every millisecond."""
    async with serial_bus(tmp_path, {1: late(lambda: 0.01), 2: silent}) as bus:
        line = Rig({"protocol": "modbus-rtu", "serial_port": str(bus.port.path)}, bus.units, Buses())
        lags: list[float] = []
        watch = asyncio.create_task(_watch(lags))
        for _ in range(5):
            await asyncio.gather(visit(line.driver(1)), visit(line.driver(2, timeout=0.05)))
        bus.port.unplug()
        await visit(line.driver(1))
        watch.cancel()
        await asyncio.wait({watch})

    assert mean(lags) < 0.02
    assert max(lags) < 0.2


async def _watch(lags: list[float]) -> None:
    while True:
        before = time.monotonic()
        await asyncio.sleep(0.001)
        lags.append(time.monotonic() - before - 0.001)
