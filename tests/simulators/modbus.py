"""Modbus TCP devices: one that follows the protocol (pymodbus's own server), and one that breaks it on purpose."""

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

NO_WORDS = {60_000: [0]}  # pymodbus wants something in every table
NO_BITS = {60_000: [False] * 16}


@asynccontextmanager
async def modbus_server(
    *,
    holding: Mapping[int, Sequence[int]] | None = None,
    inputs: Mapping[int, Sequence[int]] | None = None,
    coils: Mapping[int, Sequence[bool]] | None = None,
    discretes: Mapping[int, Sequence[bool]] | None = None,
    unit_id: int = 1,
    port: int = 0,
) -> AsyncIterator[int]:
    """Serve tables given as runs of words (or bits) by first address; yields the TCP port.

    Whatever is not in a run is refused with exception 2.
    """
    words = [
        [
            SimData(start, values=list(run), datatype=DataType.REGISTERS)
            for start, run in (table or {60_000: [0]}).items()
        ]
        for table in (holding, inputs)
    ]
    bits = [
        [
            SimData(start, values=list(run), datatype=DataType.BITS)
            for start, run in (table or {60_000: [False] * 16}).items()
        ]
        for table in (coils, discretes)
    ]
    device = SimDevice(unit_id, simdata=(bits[0], bits[1], words[0], words[1]))
    server = ModbusTcpServer(device, address=("127.0.0.1", port))
    await server.serve_forever(background=True)
    try:
        yield server.transport.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    finally:
        await server.shutdown()  # type: ignore[no-untyped-call]


class Request(NamedTuple):
    """What a client asked for."""

    transaction: int
    unit: int
    function: int
    start: int
    quantity: int


def word(address: int) -> int:
    """What every register of a raw device holds, so that a value taken from another place shows.

    >>> word(100), word(101)
    (707, 714)
    """
    return 7 * (address + 1)


def frame(request: Request, body: bytes, **other: int) -> bytes:
    """An answer to *request*; transaction, unit and function can be other ones."""
    said = request._replace(**other)
    return struct.pack(">HHHBB", said.transaction, 0, len(body) + 2, said.unit, said.function) + body


def right(request: Request) -> bytes:
    """The right answer."""
    if request.function in (1, 2):
        bits = sum((word(request.start + index) & 1) << index for index in range(request.quantity))
        data = bits.to_bytes((request.quantity + 7) // 8, "little")
    else:
        data = struct.pack(f">{request.quantity}H", *(word(request.start + index) for index in range(request.quantity)))
    return frame(request, bytes((len(data),)) + data)


def refusal(request: Request, code: int) -> bytes:
    """An exception answer."""
    return frame(request, bytes((code,)), function=request.function | 0x80)


Behaviour = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]


def answering(answer: Callable[[Request], bytes]) -> Behaviour:
    """Answers at once with whatever bytes *answer* makes."""

    async def behave(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(request))
        await writer.drain()

    return behave


def half(request: Request) -> bytes:
    """The first half of the right answer."""
    whole = right(request)
    return whole[: len(whole) // 2]


def longer(request: Request) -> bytes:
    """The right answer and one register more."""
    return right(request._replace(quantity=request.quantity + 1))


def shorter(request: Request) -> bytes:
    """The right answer without its last register."""
    return right(request._replace(quantity=request.quantity - 1))


def understated(request: Request) -> bytes:
    """All registers, under a byte count that says one fewer."""
    body = right(request)[8:]
    return frame(request, bytes((body[0] - 2,)) + body[1:])


def elsewhere(request: Request, **other: int) -> bytes:
    """Well-formed registers from the next address on, under an identity that is not the request's."""
    moved = request._replace(start=request.start + 1)
    return frame(moved, right(moved)[8:], **other)


async def flooding(request: Request, writer: asyncio.StreamWriter) -> None:
    """Frames of other transactions without end, as fast as they are taken."""
    noise = elsewhere(request, transaction=request.transaction ^ 0x5555) * 100
    while True:
        writer.write(noise)
        await writer.drain()


async def hanging_up(_: Request, writer: asyncio.StreamWriter) -> None:
    """Closes the connection instead of answering."""
    writer.close()


def refusing(addresses: Iterable[int], code: int = 2) -> Behaviour:
    """Refuses whatever touches one of *addresses*."""
    taboo = frozenset(addresses)

    def answer(request: Request) -> bytes:
        touched = range(request.start, request.start + request.quantity)
        return right(request) if taboo.isdisjoint(touched) else refusal(request, code)

    return answering(answer)


def capped(most: int) -> Behaviour:
    """Refuses more than *most* registers at a time."""
    return answering(lambda request: right(request) if request.quantity <= most else refusal(request, 3))


def one_late() -> Behaviour:
    """Each answer comes only when the next request does, just before it could be taken for that one's."""
    held: list[bytes] = []

    async def behave(request: Request, writer: asyncio.StreamWriter) -> None:
        held.append(right(request))
        if len(held) > 1:
            writer.write(held.pop(0))
            await writer.drain()

    return behave


@dataclass
class RawDevice:
    """A device whose behaviour can be changed while it runs."""

    behaviour: Behaviour
    port: int = 0
    requests: list[Request] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                transaction, _, _, unit, function, start, count = struct.unpack(
                    ">HHHBBHH", await reader.readexactly(12)
                )
                request = Request(transaction, unit, function, start, count)
                self.requests.append(request)
                await self.behaviour(request, writer)
        writer.close()


@asynccontextmanager
async def raw_device(behaviour: Behaviour) -> AsyncIterator[RawDevice]:
    """A device on a free port, with every register of every table holding `word` of its address."""
    device = RawDevice(behaviour)
    connections: list[tuple[asyncio.Task[None] | None, asyncio.StreamWriter]] = []

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append((asyncio.current_task(), writer))
        await device.serve(reader, writer)

    server = await asyncio.start_server(connect, "127.0.0.1", 0)
    device.port = server.sockets[0].getsockname()[1]
    try:
        yield device
    finally:
        server.close()
        for _, writer in connections:
            writer.transport.abort()
        await asyncio.gather(*(task for task, _ in connections if task))
        await server.wait_closed()
