"""The writing and the reading connection of the running agent, each on its own thread; opened anew after trouble."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple, TypeVar

from agent.store.errors import StorageError
from agent.store.log import Log
from agent.store.losses import Loss
from agent.store.reader import Reader

T = TypeVar("T")


class Opened(NamedTuple):
    """What the database says at its opening."""

    last_id: int
    last_record_id: int
    cut_off: Loss | None  # what the end of the write-ahead log has lost


class Connections:
    """Both or none; a connection that has failed is thrown away."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writing = ThreadPoolExecutor(1, "store-writing")
        self._reading = ThreadPoolExecutor(1, "store-reading")
        self._log: Log | None = None
        self._reader: Reader | None = None
        self._held = ExitStack()

    @property
    def is_open(self) -> bool:
        """Whether there are connections, be they of use or not."""
        return self._log is not None

    def describe_slow(self) -> str:
        """What a person should know where the disk does not come to an end."""
        return (
            f"the disk that holds {self._path} does not finish writing; end what else keeps it busy, or replace it"
            " if this comes again"
        )

    async def open(self) -> Opened:
        """Open both, anew if they are open.

        Raises:
            StorageRefusedError: Another process writes.
            StorageError: The disk does not do it.
        """
        await self.close()
        return await asyncio.get_running_loop().run_in_executor(self._writing, self._open)

    async def close(self) -> None:
        """Close both, after what they are at."""
        loop = asyncio.get_running_loop()
        self._reader = None
        await loop.run_in_executor(self._reading, int)
        await loop.run_in_executor(self._writing, self._close)

    def shut_down(self) -> None:
        """End the threads; waits for an opening that was cancelled."""
        self._writing.shutdown()
        self._reading.shutdown()
        self._close()

    def write(self, work: Callable[[Log], T]) -> "asyncio.Future[T]":
        """Do *work* on the writer's thread."""
        return asyncio.get_running_loop().run_in_executor(self._writing, self._with_log, work)

    def read(self, query: Callable[[Reader], T]) -> "asyncio.Future[T]":
        """Ask the database, on the reader's thread."""
        return asyncio.get_running_loop().run_in_executor(self._reading, self._with_reader, query)

    def _with_log(self, work: Callable[[Log], T]) -> T:
        if self._log is None:
            raise StorageError(f"{self._path} is not open")
        return work(self._log)

    def _with_reader(self, query: Callable[[Reader], T]) -> T:
        reader = self._reader
        if reader is None:
            raise StorageError(f"{self._path} is not open")
        return query(reader)

    def _open(self) -> Opened:
        with ExitStack() as stack:
            log = stack.enter_context(Log(self._path))
            reader = stack.enter_context(Reader(self._path))
            opened = Opened(log.last_id, log.last_record_id, log.cut_off)
            self._held = stack.pop_all()
        self._log, self._reader = log, reader
        return opened

    def _close(self) -> None:
        self._log = self._reader = None
        self._held.close()
