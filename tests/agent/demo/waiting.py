"""Waiting for what another process or thread does, which has no event here."""

import asyncio
from collections.abc import Callable
from pathlib import Path


async def until(claim: Callable[[], bool]) -> None:
    """Return when *claim* is true; fail after half a minute, as machines are busy."""
    async with asyncio.timeout(30):
        while not claim():  # noqa: ASYNC110 - nobody would set an event
            await asyncio.sleep(0.01)


def is_alive(pid: int) -> bool:
    """Whether a process exists that has not ended (a zombie has)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
