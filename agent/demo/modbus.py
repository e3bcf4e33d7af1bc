"""A small Modbus TCP server on loopback: one port, several units behind it, like a gateway."""

import asyncio
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from agent.demo.registers import NOBODY_THERE, Unit

HEADER = struct.Struct(">HHHB")  # transaction, protocol, bytes that follow, unit
REQUEST = struct.Struct(">BHH")  # function, first register, registers


class _Connection(asyncio.Protocol):
    """One client; requests are answered in the order they come."""

    def __init__(self, units: Mapping[int, Unit], open_ones: set[asyncio.Transport]) -> None:
        self._units = units
        self._open = open_ones
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - TCP, as the server was made for
        self._transport = transport
        self._open.add(transport)

    def connection_lost(self, _error: Exception | None) -> None:
        self._open.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while len(self._buffer) >= HEADER.size:
            transaction, protocol, length, number = HEADER.unpack_from(self._buffer)
            if protocol != 0 or length != 1 + REQUEST.size:
                self._transport.close()  # no request that reads registers
                return
            if len(self._buffer) < HEADER.size + REQUEST.size:
                return
            function, start, count = REQUEST.unpack_from(self._buffer, HEADER.size)
            self._buffer = self._buffer[HEADER.size + REQUEST.size :]
            unit = self._units.get(number)
            answer = unit.answer(function, start, count) if unit else bytes((function | 0x80, NOBODY_THERE))
            self._transport.write(HEADER.pack(transaction, 0, 1 + len(answer), number) + answer)


@asynccontextmanager
async def modbus_server(port: int, units: Mapping[int, Unit]) -> AsyncIterator[int]:
    """Serve *units* by their ids on 127.0.0.1; yields the port (a free one where 0 is asked for)."""
    connections: set[asyncio.Transport] = set()
    server = await asyncio.get_running_loop().create_server(lambda: _Connection(units, connections), "127.0.0.1", port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for connection in list(connections):
            connection.abort()  # clients may stay connected; the station is gone
        await server.wait_closed()
        await asyncio.sleep(0)  # an aborted connection is closed in the loop's next round
