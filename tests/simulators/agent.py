"""The agent itself as a child process, as systemd runs it, and its commands, as a technician calls them."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

PROGRAM = str(Path(sys.executable).parent / "pump-agent")
PATIENCE = 60.0  # s a test waits for what never comes


class Called(NamedTuple):
    """A command that has ended."""

    status: int
    out: str
    err: str


async def called(*arguments: object) -> Called:
    """Call a command beside this loop, which may serve the devices that it asks."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(PROGRAM, *map(str, arguments), stdout=pipe, stderr=pipe)
    out, err = await process.communicate()
    return Called(process.returncode or 0, out.decode(), err.decode())


class Agent:
    """One `pump-agent run`, and what it has logged so far."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._news = asyncio.Event()
        self.lines: list[str] = []

    async def read_log(self) -> None:
        """Gather lines until it ends."""
        assert self._process.stderr is not None
        async for line in self._process.stderr:
            self.lines.append(line.decode().rstrip())
            self._news.set()

    async def says(self, words: str, patience: float = PATIENCE) -> str:
        """Wait for a line with *words*."""
        async with asyncio.timeout(patience):
            while not (found := [line for line in self.lines if words in line]):
                self._news.clear()
                await self._news.wait()
        return found[0]

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send it a signal; its exit status."""
        if self._process.returncode is None:
            self._process.send_signal(number)
        return await self._process.wait()

    async def ended(self) -> int:
        """Wait until it ends by itself; its exit status."""
        async with asyncio.timeout(PATIENCE):
            return await self._process.wait()


@asynccontextmanager
async def agent(config: Path, environment: dict[str, str] | None = None) -> AsyncIterator[Agent]:
    """Run the agent on *config*; it is stopped at the end, if it still runs."""
    process = await asyncio.create_subprocess_exec(
        PROGRAM, "run", str(config), stderr=asyncio.subprocess.PIPE, env=environment
    )
    running = Agent(process)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(running.read_log(), name="log")
        try:
            yield running
        finally:
            await running.stop()
