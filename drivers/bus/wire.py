"""Bytes to and from a file descriptor that never blocks: of a serial port, or of a socket."""

import asyncio
import os
import termios
import time
from contextlib import suppress

CHUNK = 4096  # bytes taken at a time, and kept at the most: sixteen times the longest frame


class Wire:
    """What came since it was last cleared, and whether it is still there.

    Args:
        fd: Non-blocking; closed by this wire.
    """

    def __init__(self, fd: int) -> None:
        self.received = bytearray()
        self.last = time.monotonic()  # s, when a byte last went over it, in either direction
        self.lost: str | None = None  # why it is of no use any more
        self._fd = fd
        self._news = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(fd, self.take)

    def take(self) -> bool:
        """Take over what has arrived; whether there was anything."""
        if self.lost is not None:
            return False
        try:
            data = os.read(self._fd, CHUNK)
        except BlockingIOError:
            return False
        except OSError as error:  # the adapter was pulled out, the gateway reset the connection
            self.close(os.strerror(error.errno or 0))
            return False
        if not data:
            self.close("hung up")
            return False
        self.last = time.monotonic()
        self.received += data[: CHUNK - len(self.received)]
        self._news.set()
        return True

    def send(self, data: bytes) -> None:
        """Hand a few bytes to the kernel, or find the wire lost."""
        if self.lost is not None:
            return
        try:
            is_taken = os.write(self._fd, data) == len(data)
        except OSError as error:
            self.close("takes no more bytes" if isinstance(error, BlockingIOError) else os.strerror(error.errno or 0))
            return
        if not is_taken:
            self.close("takes no more bytes")
        self.last = time.monotonic()

    async def news(self) -> None:
        """Wait until more has come, or the wire is lost."""
        if self.lost is None:
            self._news.clear()
            await self._news.wait()

    def close(self, reason: str = "closed") -> None:
        """Let go of it; once is enough."""
        if self.lost is None:
            self.lost = reason
            self._loop.remove_reader(self._fd)
            with suppress(OSError, termios.error):
                termios.tcflush(self._fd, termios.TCOFLUSH)  # closing would wait for what nobody takes; a socket minds
            os.close(self._fd)
            self._news.set()
