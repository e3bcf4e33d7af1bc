"""How often the edge node has been alive: the number that ties a death to its birth, kept over restarts."""

from typing import Final

from agent.mqtt.sparkplug.edge import NUMBERS
from agent.store.errors import StorageError
from agent.store.log import Log
from agent.store.writer import Store

MARK: Final = "sparkplug bdSeq"


class Lives:
    """Counts connections, from 0 to 255 and again.

    Args:
        store: Keeps the number. While the disk refuses, it is counted on in memory, since a life without a number of
            its own is better than none.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._last: int | None = None
        self._unsaid: int | None = None  # the last one, where no broker has heard it

    async def begin(self) -> int:
        """The number of the life that now begins; on the disk before it is used, so that no crash repeats it.

        Raises:
            StorageError: The store does not keep it, though the disk is in no trouble.
        """
        if self._unsaid is not None:
            number, self._unsaid = self._unsaid, None
            return number
        try:
            self._last = await self._store.write(lambda log: _count(log, self._last))
        except StorageError:
            if self._store.trouble is None:
                raise
            self._last = _after(self._last)
        return self._last

    def take_back(self) -> None:
        """The life has not begun: no broker was reached. The next one has its number: hosts are to see no gap."""
        self._unsaid = self._last


def _count(log: Log, last: int | None) -> int:
    if last is None:
        row: tuple[int] | None = log.db.execute("SELECT id FROM mark WHERE name = ?", (MARK,)).fetchone()
        last = row[0] if row else None
    number = _after(last)
    log.db.execute("INSERT OR REPLACE INTO mark VALUES (?, ?)", (MARK, number))
    return number


def _after(last: int | None) -> int:
    return 0 if last is None else (last + 1) % NUMBERS
