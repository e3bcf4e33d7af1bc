"""Many Modbus devices in one process: `python -m tests.benchmarks.devices COUNT [DELAY]`, prints their ports.

Every register holds the number of requests the device has answered, so every value of every poll is new. The last
device takes DELAY seconds for each answer, where one is given.
"""

import asyncio
import struct
import sys
from functools import partial
from typing import cast

import uvloop

HEAD = struct.Struct(">HHHBBHH")  # transaction, protocol, length, unit, function, start, count


class Device(asyncio.Protocol):
    """Answers read-holding-registers as fast as Python can."""

    def __init__(self, delay: float = 0.0) -> None:
        self._delay = delay
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
            words = struct.pack(">H", self.word()) * count
            head = struct.pack(">HHHBBB", transaction, 0, 3 + len(words), unit, function, len(words))
            if self._delay:
                asyncio.get_running_loop().call_later(self._delay, self._transport.write, head + words)
            else:
                self._transport.write(head + words)
        self._rest = data

    def word(self) -> int:
        """What every register holds at a request."""
        self._answered = (self._answered + 1) % 50_000
        return self._answered


async def main(count: int, delay: float) -> None:
    """Serve *count* devices until killed, the last of them slow."""
    loop = asyncio.get_running_loop()
    delays = [0.0] * (count - 1) + [delay]
    servers = [await loop.create_server(partial(Device, one), "127.0.0.1", 0) for one in delays]
    print(*(server.sockets[0].getsockname()[1] for server in servers), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 0.0))
