"""Reading a table around pages that cannot be read."""

import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

TORN = (sqlite3.DatabaseError, OverflowError, UnicodeDecodeError)
FINEST = 32  # keys; a smaller part between torn pages is not looked into
TRIES = 1_000_000  # to read something torn, some µs each; a range that is mostly empty is not looked through for ever


class Torn:
    """Rows of a damaged database, as long as there are *tries*."""

    def __init__(self, db: sqlite3.Connection, tries: int = TRIES) -> None:
        self._db = db
        self._tries = tries

    def all(self, query: str, *values: object) -> list[Any]:
        """As many rows as come before the first torn page."""
        return list(self._until_torn(query, values))

    def one(self, *queries: str) -> int:
        """What the first of *queries* that can be answered says; 0 where none says anything."""
        for query in queries:
            if (found := self.all(query)) and isinstance(found[0][0], int):
                return int(found[0][0])
        return 0

    def around(
        self, table: str, key: str, within: tuple[int, int], where: str = "TRUE", finest: int = FINEST
    ) -> list[tuple[Any, ...]]:
        """Every row that lies on a sound page, by *key*, the first and last of which are *within*.

        From both sides up to a torn page, and between two of them by halves, down to *finest*.
        """
        query = f"SELECT {key}, * FROM {table} WHERE {where} AND {key} BETWEEN ? AND ? ORDER BY {key}"  # noqa: S608 - ours
        return [row[1:] for row in self._around(query, *within, finest)]

    def _around(self, query: str, low: int, high: int, finest: int) -> list[Any]:
        found, is_whole = self._run(query, low, high)
        if is_whole:
            return found
        first = found[-1][0] + 1 if found else low
        found += self._one_more(query, first, high)
        back, _ = self._run(query + " DESC", low, high)
        last = back[-1][0] - 1 if back else high
        back += self._one_more(query + " DESC", low, last)
        first, last = found[-1][0] + 1 if found else low, back[-1][0] - 1 if back else high
        between: list[Any] = []
        if last - first >= finest and self._tries > 0:
            middle = (first + last) // 2
            between = self._around(query, first, middle, finest) + self._around(query, middle + 1, last, finest)
        return found + between + back[::-1]

    def _one_more(self, query: str, low: int, high: int) -> list[Any]:
        """The row before a torn page: the module sqlite3 has read it, but fails with the step after it."""
        return self._run(query + " LIMIT 1", low, high)[0] if low <= high else []

    def _run(self, query: str, low: int, high: int) -> tuple[list[Any], bool]:
        """Rows before the first torn page; whether there was none."""
        found: list[Any] = []
        try:
            for row in self._db.execute(query, (low, high)):
                if not isinstance(row[0], int) or not low <= row[0] <= high:
                    return found, False
                found.append(row)
        except TORN:
            self._tries -= 1
            return found, False
        return found, True

    def _until_torn(self, query: str, values: tuple[object, ...]) -> Iterator[Any]:
        with suppress(*TORN):
            yield from self._db.execute(query, values)
