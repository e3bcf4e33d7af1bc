"""The rows of the log by their place, wherever they lie: as they were written, or sealed."""

import json
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from agent.store.sealed import Chunk, SealedChunk, SharedStrip, unpacked
from agent.store.strips import SLOW, Arithmetic
from agent.store.zones import Stored, legible

MOST = 2**20  # numbers of unpacked chunks that are remembered: 8 MB, or a block


class Part(NamedTuple):
    """A part of the log: what is sealed of it, then what is not, which is always newer."""

    chunks: list[Chunk]  # each may reach beyond the part on both sides
    rows: list[Stored]


class Rows:
    """All rows, of which those up to the mark `sealed` lie in chunks.

    Unpacked chunks are remembered for a while, since whoever reads on by small steps asks for the
    same block many times.
    """

    def __init__(self, db: sqlite3.Connection, arithmetic: Arithmetic = SLOW) -> None:
        self._db = db
        self._arithmetic = arithmetic
        self._strips: dict[int, SharedStrip] = {}
        self._chunks: dict[tuple[int, int], Chunk] = {}
        self._weight = 0

    def between(self, first: int, last: int, tags: Collection[int] | None = None) -> list[Stored]:
        """Rows with ids from *first* to *last*, in order; of the *tags* with these numbers only, where given."""
        chunks, rows = self.part(first, last, tags)
        return sorted([row for chunk in chunks for row in chunk.rows(first, last)]) + rows if chunks else rows

    def part(
        self,
        first: int,
        last: int,
        tags: Collection[int] | None = None,
        start_ms: int = -(2**63),
        end_ms: int = 2**63 - 1,
    ) -> Part:
        """What lies at these places, of *tags* and from *start_ms* up to, not including, *end_ms*."""
        with snapshot(self._db):
            upto = sealed_upto(self._db)
            chunks = list(self._sealed(first, min(last, upto), tags, start_ms, end_ms)) if first <= upto else []
            if last <= upto:
                return Part(chunks, [])
            places = max(first, upto + 1), last, start_ms, end_ms
            if tags is None:
                return Part(chunks, legible(self._db.execute(HOT, places).fetchall()))
            found = self._db.execute(HOT_AMONG, (*places, json.dumps(list(tags)))).fetchall()
            return Part(chunks, legible(found))

    def _sealed(
        self, first: int, last: int, tags: Collection[int] | None, start_ms: int, end_ms: int
    ) -> Iterator[Chunk]:
        among = None if tags is None else json.dumps(list(tags))
        for block, end in self._db.execute(BLOCKS, (first, last)).fetchall():
            for row in self._db.execute(CHUNKS, (block, start_ms, end_ms, among)).fetchall():
                yield self._chunk(block, end, SealedChunk._make(row))

    def _chunk(self, block: int, end: int, packed: SealedChunk) -> Chunk:
        key = block, packed.tag
        if key not in self._chunks:
            times, ids = self._strip(packed.times), self._strip(packed.ids)
            chunk = unpacked(packed, end, times, ids, self._arithmetic)
            self._weight += chunk.weight
            if self._weight > MOST:
                self._chunks.clear()
                self._strips.clear()
                self._weight = chunk.weight
            self._chunks[key] = chunk
        return self._chunks[key]

    def _strip(self, number: int) -> SharedStrip:
        if number not in self._strips:
            body = self._db.execute("SELECT body FROM strip WHERE id = ?", (number,)).fetchone()
            self._strips[number] = SharedStrip(body[0] if body else b"", self._arithmetic)
        return self._strips[number]


@contextmanager
def snapshot(db: sqlite3.Connection) -> Iterator[None]:
    """Several statements see one state; a block that is sealed between them would hide rows, or show them twice."""
    if db.in_transaction:
        yield
        return
    db.execute("BEGIN")
    try:
        yield
    finally:
        db.execute("COMMIT")


def sealed_upto(db: sqlite3.Connection) -> int:
    """Id of the last sealed row, 0 where none is: all rows up to it are in chunks, all after it in the table."""
    mark: tuple[int] | None = db.execute("SELECT id FROM mark WHERE name = 'sealed'").fetchone()
    return mark[0] if mark else 0


HOT = "SELECT * FROM reading WHERE id BETWEEN ? AND ? AND ts_ms >= ? AND ts_ms < ? ORDER BY id"
HOT_AMONG = """
SELECT * FROM reading WHERE id BETWEEN ? AND ? AND ts_ms >= ? AND ts_ms < ?
AND +tag IN (SELECT value FROM json_each(?)) ORDER BY id
"""
BLOCKS = """
SELECT first, last FROM span WHERE first >= coalesce((SELECT max(first) FROM span WHERE first <= ?1), ?1)
AND first <= ?2 AND last >= ?1 ORDER BY first
"""
CHUNKS = """
SELECT tag, first, times, ids, min_ms, max_ms, rows, kinds, codes, reals, integers, texts FROM chunk
WHERE block = ?1 AND max_ms >= ?2 AND min_ms < ?3 AND (?4 IS NULL OR tag IN (SELECT value FROM json_each(?4)))
"""
