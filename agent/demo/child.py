"""A child process of the demo: started in a group of its own, and gone with all its children when left."""

import asyncio
import os
import signal
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from agent.child import killed

GRACE = 8.0  # s for a clean end; then it is killed
TAIL = 5  # lines of its log that are shown when it fails


class DemoError(Exception):
    """The demo cannot go on; the sentence says why and what to do."""


@asynccontextmanager
async def child(*command: str, log: Path) -> AsyncIterator[Process]:
    """Run *command* with its output in *log*; on leaving it is asked to end, then made to.

    A group of its own keeps the terminal's Ctrl-C from it: the demo decides in which order things stop.
    """
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    try:
        yield process
    finally:
        await _end(process)


async def _end(process: Process) -> None:
    try:
        if process.returncode is None:
            process.terminate()
            with suppress(TimeoutError):
                async with asyncio.timeout(GRACE):
                    await process.wait()
    finally:  # also when somebody presses Ctrl-C again
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await killed(process)


def last_words(log: Path) -> str:
    """The end of a log, to be shown to a person."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL:]
    return "".join(f"\n  {line}" for line in lines)
