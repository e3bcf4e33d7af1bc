"""Many Modbus devices in one process: `python -m tests.benchmarks.devices COUNT`, prints their ports.

Every register holds the number of requests the device has answered, so every value of every poll is new.
"""

import asyncio
import struct
import sys
from typing import cast

import uvloop

HEAD = struct.Struct(">HHHBBHH")  # transaction, protocol, length, unit, function, start, count


class Device(asyncio.Protocol):
    """Answers read-holding-registers as fast as Python can."""

    def __init__(self) -> None:
        self._rest = b""
        self._answered = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass of asyncio's

    def data_received(self, data: bytes) -> None:
        """Answer every whole request."""
        data = self._rest + data
        while len(data) >= HEAD.size:
            transaction, _, _, unit, function, _, count = HEAD.unpack_from(data)
            data = data[HEAD.size :]
            self._answered = (self._answered + 1) % 50_000
            words = struct.pack(">H", self._answered) * count
            head = struct.pack(">HHHBBB", transaction, 0, 3 + len(words), unit, function, len(words))
            self._transport.write(head + words)
        self._rest = data


async def main(count: int) -> None:
    """Serve *count* devices until killed."""
    loop = asyncio.get_running_loop()
    servers = [await loop.create_server(Device, "127.0.0.1", 0) for _ in range(count)]
    print(*(server.sockets[0].getsockname()[1] for server in servers), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
