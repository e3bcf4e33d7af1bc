"""Making a database ready before the agent opens it, in a short child process."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

from agent.child import killed
from agent.store.errors import FullError, StorageError, StorageRefusedError

DAMAGED = "damaged"
REFUSED, TROUBLE, FULL = 3, 4, 5  # exit statuses of the child; its sentence is on standard error


async def prepare(path: Path, *, surely_damaged: bool = False) -> Path | None:
    """Bring the database at *path* to this version's tables; a damaged one is set aside and a new one begun.

    A child process does it, since sqlite-utils loads pandas (70 MB) and the poller should not.

    Args:
        path: Of the database.
        surely_damaged: Set it aside without looking.

    Returns:
        The damaged file that was set aside, if one was.

    Raises:
        StorageRefusedError: Another process writes it, or a newer version has written it.
        StorageError: The disk does not do it.
    """
    words = [str(path), DAMAGED] if surely_damaged else [str(path)]
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "agent.store.schema", *words, stdout=PIPE, stderr=PIPE
    )
    try:
        aside, told = await child.communicate()
    finally:
        if child.returncode is None:
            await killed(child)
    sentence = told.decode("utf-8", "replace").strip()
    match child.returncode:
        case 0:
            return Path(os.fsdecode(aside)) if aside else None
        case status if status == REFUSED:
            raise StorageRefusedError(sentence)
        case status if status == TROUBLE:
            raise StorageError(sentence)
        case status if status == FULL:
            raise FullError(sentence)
        case status:
            raise RuntimeError(f"preparing {path} ended with status {status}: {sentence}")
