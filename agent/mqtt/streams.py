"""What one connection does side by side; the first failure ends it all."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, NoReturn

from agent.mqtt.client import BrokerError
from agent.store.errors import StorageError

TROUBLE: Final = (BrokerError, StorageError)


async def run(**streams: Coroutine[Any, Any, None]) -> NoReturn:
    """Run *streams* until one fails; its failure is raised as it is, a bug before trouble outside.

    Raises:
        BrokerError: The connection is lost.
        StorageError: The disk does not do what it is asked.
    """
    try:
        async with asyncio.TaskGroup() as tasks:
            for name, stream in streams.items():
                tasks.create_task(stream, name=name)
    except ExceptionGroup as group:
        _, bugs = group.split(TROUBLE)
        raise (bugs or group).exceptions[0] from group
    raise AssertionError("streams never end")
