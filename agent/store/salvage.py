"""What can be read of a damaged database, piece by piece; run as a child process that may take its time.

`python -m agent.store.salvage FILE` writes pickled pieces to standard output, the newest readings first.
"""

import os
import pickle
import sqlite3
import struct
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

from agent.store.fitting import fits
from agent.store.missing import Hole, holes
from agent.store.rolled import RolledPage
from agent.store.salvaged_block import Block, salvaged_block, span_of_block
from agent.store.torn import TORN, Torn
from agent.store.writer import JUDGES
from agent.store.zones import Span, Stored

LENGTH = struct.Struct(">Q")
ROWS = 4_096  # of a piece
PAGES = 65_536  # rows of the table of rollups that are looked for at once; most of them have been replaced
FEW_TRIES = 20_000  # at what is torn where nothing says that there are rows
SECOND_MS = 1_000
ANY_TIME = (0, 2**42)  # ms, until the year 2109


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
    """Readings of one span, and what of it could not be read."""

    span: Span
    rows: list[Stored]
    holes: list[Hole]


@dataclass(frozen=True, slots=True)
class Findings:
    """Rows of the other tables that a person would miss."""

    records: list[tuple[Any, ...]] = field(default_factory=list)
    filled: list[tuple[Any, ...]] = field(default_factory=list)
    rolled: list[RolledPage] = field(default_factory=list)
    losses: list[tuple[Any, ...]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Refused:
    """How many rows of each table are there, but are not what was written; readings among them are in holes too."""

    rows: dict[str, int]


Piece = Names | Unsent | Rows | Block | Findings | Refused


def pieces(path: Path) -> Iterator[Piece]:
    """Everything that can be read of the file at *path*; nothing where its tags' names are lost."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        yield from _Wreck(db).pieces()


class _Wreck:
    """A damaged database."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._torn = torn = Torn(db)
        self._refused: Counter[str] = Counter()
        last = torn.one("SELECT max(id) FROM tag", "SELECT max(rowid) FROM tag INDEXED BY sqlite_autoindex_tag_1")
        rows = self._fitting("tag", torn.around("tag", "id", (0, last)))
        names = torn.all("SELECT rowid, name FROM tag INDEXED BY sqlite_autoindex_tag_1")
        self._tags: dict[int, tuple[str, str, int]] = {
            number: (name, "", 0) for number, name in names if isinstance(number, int) and isinstance(name, str)
        }
        self._tags |= {number: (name, unit, first) for number, name, unit, first in rows}
        self._reasons = dict(self._fitting("reason", torn.all("SELECT id, text FROM reason")))
        self._sealed = torn.one("SELECT id FROM mark WHERE name = 'sealed'")
        self._spans = self._known_spans()
        self._unsent: list[Unsent] = []

    def pieces(self) -> Iterator[Piece]:
        if not self._tags:
            return
        yield Names(self._tags, self._reasons)
        self._unsent = list(self._not_acknowledged())
        yield from self._unsent
        usual: Counter[int] = Counter()
        for span, is_known in self._stretches():
            for piece in self._readings(span, usual, is_known=is_known):
                usual = Counter(row[1] for row in piece.rows) or usual
                yield piece
        yield from self._findings()
        for span in self._spans:
            if span.last <= self._sealed:
                yield salvaged_block(self._db, span, self._tags, self._owed())
        if self._refused:
            yield Refused(dict(self._refused))

    def _fitting(self, table: str, rows: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Those of *rows* that *table* can hold; the others are counted."""
        kept = [row for row in rows if fits(table, row)]
        if len(kept) < len(rows):
            self._refused[table] += len(rows) - len(kept)
        return kept

    def _known_spans(self) -> list[Span]:
        """The zone map, the newest first."""
        last = self._torn.one("SELECT max(first) FROM span", "SELECT max(first) FROM span INDEXED BY span_end")
        rows = self._fitting("span", self._torn.around("span", "first", (0, last)))
        found = {row[0]: Span(*row) for row in rows if 0 < row[0] <= row[1] and row[2] <= row[3]}
        for (block,) in self._torn.all("SELECT DISTINCT block FROM chunk"):
            if isinstance(block, int) and block not in found and (span := span_of_block(self._db, block, self._tags)):
                found[block] = span
        return [found[first] for first in sorted(found, reverse=True)]

    def _stretches(self) -> Iterator[tuple[Span, bool]]:
        """Spans in the table, the newest first, and what lies between them, where the zone map may be torn."""
        hot = [span for span in self._spans if span.last > self._sealed]
        newest = self._torn.one("SELECT max(id) FROM reading", "SELECT max(id) FROM latest")
        end = Span(max([newest, *(span.last for span in hot)]) + 1, 0, 0, 0, 0)
        begin = Span(0, self._sealed, 0, 0, 0)
        for newer, older in pairwise([end, *hot, begin]):
            if newer.first > older.last + 1:
                yield Span(older.last + 1, newer.first - 1, *ANY_TIME, 0), False
            if older is not begin:
                yield older, True

    def _readings(self, span: Span, usual: Counter[int], *, is_known: bool) -> Iterator[Rows]:
        if not is_known:  # ids may leap by any number
            rows = self._plausible(Torn(self._db, FEW_TRIES), span)
            for start in range(0, len(rows), ROWS):
                some = rows[start : start + ROWS]
                yield Rows(Span(some[0][0], some[-1][0], *ANY_TIME, 0), some, [])
            return
        for first in range(span.first, span.last + 1, ROWS):
            part = Span(first, min(first + ROWS - 1, span.last), *span[2:])
            rows = self._plausible(self._torn, part)
            yield Rows(part, rows, holes(part, rows, usual, [] if span.imported else self._owed()))

    def _plausible(self, torn: Torn, span: Span) -> list[Stored]:
        found = self._fitting("reading", torn.around("reading", "id", span[:2]))
        return [(row[0], row[1], row[2], row[3], row[4], row[5]) for row in found if self._is_plausible(row, span)]

    def _is_plausible(self, row: Sequence[Any], span: Span) -> bool:
        """Whether a row of a file with torn pages is what was written, as far as can be told."""
        _, tag, ts_ms, _, quality, _ = row
        return tag in self._tags and span.min_ms <= ts_ms <= span.max_ms and 0 <= quality < 2**16

    def _not_acknowledged(self) -> Iterator[Unsent]:
        last = max((span.last for span in self._spans), default=0)
        held: dict[str, list[tuple[int, int]]] = {}
        for sink, place in self._torn.all("SELECT sink, id FROM cursor WHERE stream = 'live'"):
            if isinstance(sink, str) and isinstance(place, int):
                held[sink] = [(place + 1, last)] if place < last else []
        backlog = self._torn.all("SELECT sink, first, last FROM backlog ORDER BY sink, first")
        for sink, *place in self._fitting("backlog", backlog):
            held.setdefault(sink, []).append((place[0], place[1]))
        yield from (Unsent(sink, places) for sink, places in held.items() if places)

    def _owed(self) -> list[tuple[int, int]]:
        """What the receiver that has least has not acknowledged."""
        every = [one.places for one in self._unsent if one.sink not in JUDGES]
        return max(every, key=lambda places: sum(last - first + 1 for first, last in places), default=[])

    def _findings(self) -> Iterator[Findings]:
        last = self._torn.one(
            "SELECT seq FROM sqlite_sequence WHERE name = 'record'", "SELECT max(id) FROM record INDEXED BY record_key"
        )
        records = self._fitting("record", self._torn.around("record", "id", (0, last)))
        for end in range(len(records), 0, -ROWS):
            yield Findings(records=records[max(0, end - ROWS) : end])
        few = Torn(self._db, FEW_TRIES)
        for tag in self._tags:
            if filled := self._fitting("filled", few.around("filled", "ts_ms", ANY_TIME, f"tag = {tag}", SECOND_MS)):
                yield Findings(filled=filled)
        last = few.one("SELECT max(rowid) FROM rollup", "SELECT max(rowid) FROM rollup INDEXED BY rollup_time")
        for first in range(1, last + 1, PAGES):
            if rolled := self._fitting("rollup", few.around("rollup", "rowid", (first, first + PAGES - 1))):
                yield Findings(rolled=[RolledPage(*row) for row in rolled])
        if losses := self._fitting("loss", self._torn.all("SELECT * FROM loss")):
            yield Findings(losses=losses)


def tell(piece: object, out: BinaryIO) -> None:
    """Write a piece."""
    data = pickle.dumps(piece)
    out.write(LENGTH.pack(len(data)) + data)
    out.flush()


def main() -> int:
    """Salvage the file named on the command line."""
    os.nice(10)
    try:
        for piece in pieces(Path(sys.argv[1])):
            tell(piece, sys.stdout.buffer)
    except TORN as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    import importlib

    # under its own name, because what is pickled here is unpickled as agent.store.salvage
    sys.exit(importlib.import_module("agent.store.salvage").main())
