"""Serial lines with Modbus RTU units on them: pymodbus's own server, and units that break the protocol on purpose.

A line is a pair of ptys, whose near end is a port that can be pulled out and plugged in again, or a TCP socket as
a gateway has it that passes bytes on.
"""

import asyncio
import os
import struct
import tty
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import NamedTuple

from pymodbus.framer.rtu import FramerRTU
from pymodbus.server import ModbusSerialServer
from pymodbus.simulator import DataType, SimData, SimDevice

REQUEST = 8  # bytes
CHUNK = 4096


class Request(NamedTuple):
    """What a master asked for."""

    unit: int
    function: int
    start: int
    quantity: int


def word(unit: int, address: int) -> int:
    """What every register of a raw unit holds, so that a value taken from another place or unit shows."""
    return 1000 * unit + 7 * (address + 1)


def framed(body: bytes) -> bytes:
    """A body with its checksum, as pymodbus makes it."""
    return body + FramerRTU.compute_CRC(body).to_bytes(2, "big")


def right(request: Request) -> bytes:
    """The right answer."""
    if request.function in (1, 2):
        bits = sum((word(request.unit, request.start + n) & 1) << n for n in range(request.quantity))
        data = bits.to_bytes((request.quantity + 7) // 8, "little")
    else:
        words = (word(request.unit, request.start + n) for n in range(request.quantity))
        data = struct.pack(f">{request.quantity}H", *words)
    return framed(bytes((request.unit, request.function, len(data))) + data)


def elsewhere(request: Request, **other: int) -> bytes:
    """A well-formed answer with values of the next address on, under an identity that is not the request's."""
    moved = bytearray(right(request._replace(start=request.start + 1))[:-2])
    said = request._replace(**other)
    moved[0], moved[1] = said.unit, said.function
    return framed(bytes(moved))


def refusal(request: Request, code: int) -> bytes:
    """An exception answer."""
    return framed(bytes((request.unit, request.function | 0x80, code)))


Write = Callable[[bytes], None]
Behaviour = Callable[[Request, Write], Awaitable[None]]


def answering(answer: Callable[[Request], bytes]) -> Behaviour:
    """Answers at once with whatever bytes *answer* makes."""

    async def behave(request: Request, write: Write) -> None:
        write(answer(request))

    return behave


async def silent(_: Request, __: Write) -> None:
    """Says nothing."""


def late(seconds: Callable[[], float], answer: Callable[[Request], bytes] = right) -> Behaviour:
    """Thinks for some time, never mind whether anybody still waits."""

    async def behave(request: Request, write: Write) -> None:
        await asyncio.sleep(seconds())
        write(answer(request))

    return behave


def in_pieces(request: Request) -> list[bytes]:
    """The right answer, byte by byte, as a slow adapter hands it on."""
    return [bytes((byte,)) for byte in right(request)]


async def slowly(request: Request, write: Write) -> None:
    """Hands on the right answer in pieces."""
    for piece in in_pieces(request):
        write(piece)
        await asyncio.sleep(0.001)


def wrong_checksum(request: Request) -> bytes:
    """Other values under the checksum of the right ones."""
    return elsewhere(request)[:-2] + right(request)[-2:]


def truncated(request: Request) -> bytes:
    """All but the last three bytes."""
    return right(request)[:-3]


def understated(request: Request) -> bytes:
    """All registers of the next address on, under a byte count that says one fewer."""
    body = bytearray(elsewhere(request)[:-2])
    body[2] -= 2
    return framed(bytes(body))


def echoed(request: Request) -> bytes:
    """The request, heard by its own adapter, before the right answer."""
    return framed(struct.pack(">BBHH", *request)) + right(request)


def echo_alone(request: Request) -> bytes:
    """Nothing but the request: nobody is on the line."""
    return framed(struct.pack(">BBHH", *request))


def noisy(rng: Random, share: float) -> Callable[[Request], bytes]:
    """A line on which each byte is another one, is lost or is doubled with a probability."""

    def answer(request: Request) -> bytes:
        heard = bytearray()
        for byte in right(request):
            match rng.random() / share:
                case hit if hit < 1 / 2:
                    heard.append(rng.randrange(256))
                case hit if hit < 3 / 4:
                    pass
                case hit if hit < 1:
                    heard += bytes((byte, byte))
                case _:
                    heard.append(byte)
        return bytes(heard)

    return answer


@dataclass
class Units:
    """What is on a line; behaviours may be changed while it runs."""

    behaviours: dict[int, Behaviour]
    requests: list[Request] = field(default_factory=list)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _heard: bytearray = field(default_factory=bytearray)
    _thinking: dict[int, asyncio.Lock] = field(default_factory=dict)

    def hear(self, data: bytes, write: Write) -> None:
        """Bytes came in; whoever is meant by a whole request begins to answer."""
        self._heard += data
        while len(self._heard) >= REQUEST:
            frame = bytes(self._heard[:REQUEST])
            del self._heard[:REQUEST]
            assert framed(frame[:-2]) == frame, f"{frame.hex()} is no request"
            request = Request(*struct.unpack(">BBHH", frame[:-2]))
            self.requests.append(request)
            task = asyncio.create_task(self._answer(request, write))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _answer(self, request: Request, write: Write) -> None:
        """Answer when what was asked before is answered: a unit thinks of one thing at a time."""
        async with self._thinking.setdefault(request.unit, asyncio.Lock()):
            if behaviour := self.behaviours.get(request.unit):
                await behaviour(request, write)

    async def rest(self) -> None:
        """Nobody answers any more."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Port:
    """The near end of a serial line: a name that stays, for an adapter that can be pulled out.

    Args:
        path: The name; a symbolic link, as udev makes it.
        hear: Called with what is sent to the line, and with what to answer by.
    """

    def __init__(self, path: Path, hear: Callable[[bytes, Write], None]) -> None:
        self.path = path
        self._hear = hear
        self._ends: tuple[int, int] | None = None

    def plug(self) -> None:
        """Plug the adapter in."""
        master, slave = os.openpty()
        tty.setraw(slave)
        os.set_blocking(master, False)
        self._ends = master, slave
        asyncio.get_running_loop().add_reader(master, self._take)
        self.path.symlink_to(os.ttyname(slave))

    def unplug(self) -> None:
        """Pull the adapter out, under whoever has it open."""
        if self._ends is not None:
            self.path.unlink()
            asyncio.get_running_loop().remove_reader(self._ends[0])
            for end in self._ends:
                os.close(end)
            self._ends = None

    def write(self, data: bytes) -> None:
        """Send to whoever has the port open; lost where it is unplugged."""
        if self._ends is not None:
            os.write(self._ends[0], data)

    def _take(self) -> None:
        if self._ends is not None:
            with suppress(BlockingIOError):
                self._hear(os.read(self._ends[0], CHUNK), self.write)


@dataclass
class SerialBus:
    """A serial line of raw units."""

    units: Units
    port: Port


@asynccontextmanager
async def serial_bus(folder: Path, behaviours: Mapping[int, Behaviour]) -> AsyncIterator[SerialBus]:
    """A serial line, plugged in at *folder*."""
    units = Units(dict(behaviours))
    port = Port(folder / "ttyUSB0", units.hear)
    port.plug()
    try:
        yield SerialBus(units, port)
    finally:
        port.unplug()
        await units.rest()


@dataclass
class Gateway:
    """A TCP port that passes bytes on to a serial line of raw units."""

    units: Units
    port: int
    connections: list[asyncio.StreamWriter] = field(default_factory=list)


@asynccontextmanager
async def gateway(behaviours: Mapping[int, Behaviour], port: int = 0) -> AsyncIterator[Gateway]:
    """A gateway on a free port; it drops its connections at the end."""
    found = Gateway(Units(dict(behaviours)), port)
    tasks: list[asyncio.Task[None] | None] = []

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.append(asyncio.current_task())
        found.connections.append(writer)
        with suppress(ConnectionError):
            while data := await reader.read(CHUNK):
                found.units.hear(data, writer.write)
        writer.close()

    server = await asyncio.start_server(connect, "127.0.0.1", port)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        server.close()
        for writer in found.connections:
            writer.transport.abort()
        await found.units.rest()
        await asyncio.gather(*(task for task in tasks if task))
        await server.wait_closed()


@contextmanager
def cable(folder: Path) -> Iterator[tuple[Path, Path]]:
    """Two ports, each of which hears what is sent to the other."""
    far = Port(folder / "far", lambda data, _: near.write(data))
    near = Port(folder / "ttyUSB0", lambda data, _: far.write(data))
    with ExitStack() as stack:
        for port in (far, near):
            port.plug()
            stack.callback(port.unplug)
        yield far.path, near.path


@asynccontextmanager
async def pymodbus_bus(folder: Path, tables: Mapping[int, Mapping[int, Sequence[int]]]) -> AsyncIterator[Path]:
    """Units of pymodbus's own serial server; yields the port.

    Args:
        folder: For the ports of both ends.
        tables: By unit, its holding registers as runs by first address; its input registers hold the same plus 1,
            its coils and discrete inputs from 0 on are 1, 0, 1, 0 ...
    """
    with cable(folder) as (far, near):
        server = ModbusSerialServer(
            [_sim_device(unit, table) for unit, table in tables.items()],
            port=str(far),
            baudrate=9600,
            ignore_missing_devices=True,
        )
        await server.serve_forever(background=True)
        try:
            yield near
        finally:
            await server.shutdown()  # type: ignore[no-untyped-call]


def _sim_device(unit: int, table: Mapping[int, Sequence[int]]) -> SimDevice:
    words = [
        [
            SimData(start, values=[value + more for value in run], datatype=DataType.REGISTERS)
            for start, run in table.items()
        ]
        for more in (0, 1)
    ]
    bits = [[SimData(0, values=[True, False] * 32, datatype=DataType.BITS)] for _ in range(2)]
    return SimDevice(unit, simdata=(bits[0], bits[1], words[0], words[1]))
