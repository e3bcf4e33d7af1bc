"""Room for new readings inside the database: what is needed when the disk has none left."""

import sqlite3
from typing import NamedTuple

from agent.store.retention import MEGABYTE, retain
from agent.store.settings import StorageSettings
from agent.store.writer import Store

SHARE = 10  # a tenth of what is used makes room at most, in one go


class Pages(NamedTuple):
    """Bytes of the database file."""

    used: int
    free: int


def pages(db: sqlite3.Connection) -> Pages:
    """How much of the file holds something, and how much is to be used again."""
    count, free, size = (
        int(db.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("page_count", "freelist_count", "page_size")
    )
    return Pages((count - free) * size, free * size)


async def make_room(store: Store, settings: StorageSettings, wanted: int) -> int:
    """Let the oldest readings go until *wanted* bytes, or a tenth of what is used, can be used again.

    A small database stays whole.

    Returns:
        Readings dropped; the loss report says which.

    Raises:
        StorageError: The disk refuses.
    """
    now = await store.write(lambda log: pages(log.db))
    if now.used < 2 * wanted:
        return 0  # it is not the readings that fill the disk
    missing = min(wanted, now.used // SHARE) - now.free
    if missing <= 0:
        return 0
    lowered = settings.model_copy(update={"max_mb": (now.used - missing) / MEGABYTE})
    return await retain(store, lowered, now_ms=0)
