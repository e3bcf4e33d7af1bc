"""Ids of commands that were taken, on the disk until they expire: none is done twice, whatever ends the process."""

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

    async def there(self, now_ms: int) -> dict[str, int]:
        """Those that have not expired, and when they will."""
        with suppress(StorageError):
            return await self._store.write(lambda log: _there(log, now_ms))
        return {}

    async def keep(self, command_id: str, until_ms: int, now_ms: int) -> None:
        """Remember one; those that have expired are forgotten."""
        with suppress(StorageError):
            await self._store.write(lambda log: _keep(log, command_id, until_ms, now_ms))


def _there(log: Log, now_ms: int) -> dict[str, int]:
    found = log.db.execute("SELECT name, id FROM mark WHERE name GLOB ? AND id > ?", (f"{MARK}*", now_ms))
    return {name.removeprefix(MARK): until_ms for name, until_ms in found}


def _keep(log: Log, command_id: str, until_ms: int, now_ms: int) -> None:
    log.db.execute("DELETE FROM mark WHERE name GLOB ? AND id <= ?", (f"{MARK}*", now_ms))
    log.db.execute("INSERT OR REPLACE INTO mark VALUES (?, ?)", (MARK + command_id, until_ms))
