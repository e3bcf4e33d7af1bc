"""What can be read of a damaged database, piece by piece; run as a child process that may take its time.

`python -m agent.store.salvage FILE` writes pickled pieces to standard output, the newest readings first. A part
of the file that cannot be read is approached from both sides by halves, and passed over at the end.
"""

import os
import pickle
import sqlite3
import struct
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from agent.store.zones import Span, Stored

LENGTH = struct.Struct(">Q")
ROWS = 4_096  # of a piece
FINEST = 32  # ids; a smaller part around torn pages is not looked into
TORN = (sqlite3.DatabaseError, OverflowError, UnicodeDecodeError)


@dataclass(frozen=True, slots=True)
class Names:
    """What the numbers in rows stand for; always the first piece."""

    tags: dict[int, tuple[str, str, int]]  # name, unit, id of the first reading
    reasons: dict[int, str]


@dataclass(frozen=True, slots=True)
class Unsent:
    """Rows that a receiver had not acknowledged."""

    sink: str
    places: list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Rows:
    """Readings of one span, and how many of it could not be read."""

    span: Span
    rows: list[Stored]
    missing: int


@dataclass(frozen=True, slots=True)
class Block:
    """A sealed block as it lies there."""

    span: Span
    strips: list[tuple[int, bytes]]
    chunks: list[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Findings:
    """Rows of the other tables that a person would miss."""

    records: list[tuple[Any, ...]]
    filled: list[tuple[Any, ...]]


Piece = Names | Unsent | Rows | Block | Findings


def pieces(path: Path) -> Iterator[Piece]:
    """Everything that can be read of the file at *path*; nothing where its dictionary or zone map is lost."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        tags = {row[0]: row[1:] for row in _all(db, "SELECT id, name, unit, first FROM tag")}
        reasons = dict(_all(db, "SELECT id, text FROM reason"))
        spans = [Span(*row) for row in _all(db, "SELECT * FROM span ORDER BY first DESC")]
        if not tags or not spans:
            return
        yield Names(tags, reasons)
        yield from _unsent(db, max(span.last for span in spans))
        sealed = (_all(db, "SELECT id FROM mark WHERE name = 'sealed'") or [(0,)])[0][0]
        for span in spans:
            if span.last > sealed:
                yield from _readings(db, span, tags.keys())
        for kind in _all(db, "SELECT DISTINCT kind FROM record"):
            yield Findings(_all(db, "SELECT id, kind, key, ts_ms, body FROM record WHERE kind = ?", *kind), [])
        for tag in tags:
            if filled := _all(db, "SELECT * FROM filled WHERE tag = ?", tag):
                yield Findings([], filled)
        for span in spans:
            if span.last <= sealed and (block := _block(db, span)):
                yield block


def _all(db: sqlite3.Connection, query: str, *values: object) -> list[Any]:
    """As many rows as come before the first torn page."""
    found: list[Any] = []
    with suppress(*TORN):
        found.extend(db.execute(query, values))
    return found


def _unsent(db: sqlite3.Connection, last: int) -> Iterator[Unsent]:
    held: dict[str, list[tuple[int, int]]] = {}
    for sink, place in _all(db, "SELECT sink, id FROM cursor WHERE stream = 'live'"):
        held[sink] = [(place + 1, last)] if place < last else []
    for sink, *place in _all(db, "SELECT sink, first, last FROM backlog ORDER BY sink, first"):
        held.setdefault(sink, []).append((place[0], place[1]))
    yield from (Unsent(sink, places) for sink, places in held.items() if places)


def _readings(db: sqlite3.Connection, span: Span, tags: Any) -> Iterator[Rows]:
    for first in range(span.first, span.last + 1, ROWS):
        last = min(first + ROWS - 1, span.last)
        rows = [row for row in _between(db, first, last) if _is_plausible(row, span, tags)]
        part = Span(first, last, span.min_ms, span.max_ms, span.imported)
        yield Rows(part, rows, last - first + 1 - len(rows))


def _between(db: sqlite3.Connection, first: int, last: int) -> list[Stored]:
    try:
        return db.execute("SELECT * FROM reading WHERE id BETWEEN ? AND ? ORDER BY id", (first, last)).fetchall()
    except TORN:
        if last - first < FINEST:
            return []
        middle = (first + last) // 2
        return _between(db, first, middle) + _between(db, middle + 1, last)


def _is_plausible(row: Sequence[Any], span: Span, tags: Any) -> bool:
    """Whether a row of a file with torn pages is what was written, as far as can be told."""
    number, tag, ts_ms, _, quality, reason = row
    return (
        all(isinstance(one, int) for one in (number, tag, ts_ms, quality, reason or 0))
        and tag in tags
        and span.min_ms <= ts_ms <= span.max_ms
        and 0 <= quality < 2**16
    )


def _block(db: sqlite3.Connection, span: Span) -> Block | None:
    """A sealed block; None where a strip of it, which its chunks share, is torn."""
    try:
        strips = db.execute("SELECT id, body FROM strip WHERE block = ?", (span.first,)).fetchall()
        chunks = db.execute("SELECT * FROM chunk WHERE block = ?", (span.first,)).fetchall()
    except TORN:
        return None
    return Block(span, strips, chunks)


def tell(piece: object, out: BinaryIO) -> None:
    """Write a piece."""
    data = pickle.dumps(piece)
    out.write(LENGTH.pack(len(data)) + data)
    out.flush()


def main() -> int:
    """Salvage the file named on the command line."""
    os.nice(10)
    with suppress(*TORN):
        for piece in pieces(Path(sys.argv[1])):
            tell(piece, sys.stdout.buffer)
    return 0


if __name__ == "__main__":
    import importlib

    # under its own name, because what is pickled here is unpickled as agent.store.salvage
    sys.exit(importlib.import_module("agent.store.salvage").main())
