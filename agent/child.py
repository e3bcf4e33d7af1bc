"""Child processes of ours, and how they end."""

import asyncio
from asyncio.subprocess import Process
from contextlib import suppress


async def killed(child: Process) -> int | None:
    """Kill *child* and wait until it is gone, however often whoever waits is cancelled meanwhile; its exit status.

    What it still had to say is read and dropped, since asyncio waits for the end of its pipes too, and never comes to
    that of one that is full. So nobody else may read its pipes meanwhile. A child that hangs in the kernel (state D),
    or a child of its own that holds a pipe, keeps this waiting: what bounds that is systemd's time for a stop.
    """
    with suppress(ProcessLookupError):
        child.kill()
    await _until_done(asyncio.create_task(_gone(child), name=f"end of process {child.pid}"))
    return child.returncode


async def _gone(child: Process) -> None:
    await child.communicate()


async def _until_done(task: asyncio.Task[None]) -> None:
    try:
        await asyncio.shield(task)
    finally:
        if not task.done():  # cancelled once more
            await _until_done(task)
