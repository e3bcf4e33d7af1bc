"""Ids of commands that were taken, on the disk as long as in memory: none is done twice, whatever ends the process."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from agent.store.errors import StorageError
from agent.store.log import Log
from agent.store.writer import Store

MARK: Final = "command "  # and the id, as a name; beside it, when the command expires, ms


class UsedIds:
    """What is remembered of commands over restarts.

    While the disk refuses, only the process itself remembers: to silence an alarm then is worth more than that.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def there(self) -> dict[str, int]:
        """All of them, and when the command expires; also the expired ones: the clock may be wrong that says so."""
        with suppress(StorageError):
            return await self._store.write(_there)
        return {}

    async def keep(self, command_id: str, until_ms: int, forgotten: Iterable[str]) -> None:
        """Remember one, and those no longer that are *forgotten*."""
        with suppress(StorageError):
            await self._store.write(lambda log: _keep(log, command_id, until_ms, forgotten))


def _there(log: Log) -> dict[str, int]:
    found = log.db.execute("SELECT name, id FROM mark WHERE name GLOB ?", (f"{MARK}*",))
    return {name.removeprefix(MARK): until_ms for name, until_ms in found}


def _keep(log: Log, command_id: str, until_ms: int, forgotten: Iterable[str]) -> None:
    log.db.executemany("DELETE FROM mark WHERE name = ?", [(MARK + name,) for name in forgotten])
    log.db.execute("INSERT OR REPLACE INTO mark VALUES (?, ?)", (MARK + command_id, until_ms))
