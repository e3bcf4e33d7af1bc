"""Making a database ready before the agent opens it, in a short child process."""

import asyncio
import sys
from pathlib import Path

from agent.store.errors import StorageError, StorageRefusedError

REFUSED, TROUBLE = 3, 4  # exit statuses of the child; its sentence is on standard error


async def prepare(path: Path) -> None:
    """Bring the database at *path* to this version's tables; a damaged one is set aside and a new one begun.

    A child process does it, since sqlite-utils loads pandas (70 MB) and the poller should not.

    Raises:
        StorageRefusedError: Another process writes it, or a newer version has written it.
        StorageError: The disk does not do it.
    """
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "agent.store.schema", str(path), stderr=asyncio.subprocess.PIPE
    )
    try:
        _, told = await child.communicate()
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    sentence = told.decode("utf-8", "replace").strip()
    match child.returncode:
        case 0:
            return
        case status if status == REFUSED:
            raise StorageRefusedError(sentence)
        case status if status == TROUBLE:
            raise StorageError(sentence)
        case status:
            raise RuntimeError(f"preparing {path} ended with status {status}: {sentence}")
