"""What a receiver's place in the log needs of the store."""

from collections.abc import Callable
from functools import partial
from typing import Protocol, TypeVar

from agent.store.errors import StorageError
from agent.store.log import Log
from agent.store.reader import Reader
from agent.store.records import Record, Row

T = TypeVar("T")


class Source(Protocol):
    """What a sink needs of the store."""

    @property
    def last_id(self) -> int:
        """Id of the newest row there is."""

    @property
    def last_record_id(self) -> int:
        """Id of the newest record there is."""

    @property
    def stored_id(self) -> int:
        """Id of the newest row on the disk; newer ones wait for it in memory."""

    @property
    def stored_record_id(self) -> int:
        """Id of the newest record on the disk."""

    def recent(self, mark: int, limit: int) -> list[Row] | None:
        """The next rows after *mark* from memory; None where they are only on the disk."""

    def held_rows(self, first: int, last: int, limit: int) -> list[Row]:
        """Rows that wait for the disk."""

    def held_records(self, mark: int, limit: int) -> list[tuple[int, Record]]:
        """Records after *mark* that wait for the disk."""

    @property
    def trouble(self) -> StorageError | None:
        """Why the disk does not take what is given, which receivers get all the same."""

    async def mended(self) -> None:
        """Wait until there is no trouble."""

    def rows_after(self, mark: int) -> int:
        """How many rows have come after *mark*, imported ones included."""

    async def read(self, query: Callable[[Reader], T]) -> T:
        """Ask the database."""

    async def write(self, change: Callable[[Log], T]) -> T:
        """Do *change* in the next transaction."""

    def touch(self, within: float) -> None:
        """Have `changes` of every sink written *within* that many seconds."""


async def oldest(source: Source, first: int, last: int, limit: int) -> list[Row]:
    """The oldest rows from *first* to *last*; where the disk is in trouble they are waited for."""
    rows: list[Row] = []
    stored = source.stored_id
    while first <= stored and not rows:
        try:
            rows = await source.read(partial(Reader.appended, first=first, last=min(last, stored), limit=limit))
        except StorageError:
            if source.trouble is None:
                raise
            await source.mended()
        else:
            break
    return rows or source.held_rows(first, last, limit)


async def records_after(source: Source, mark: int, limit: int) -> tuple[list[tuple[int, Record]], bool]:
    """The next records, and whether these are all.

    While the disk cannot be asked they are those that wait for it: alarms do not wait.
    """
    is_whole = True
    try:
        found = await source.read(partial(Reader.records_after, mark=mark, limit=limit))
    except StorageError:
        if source.trouble is None:
            raise
        found, is_whole = [], False
    return found or source.held_records(mark, limit), is_whole
