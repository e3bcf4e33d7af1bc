"""Readings that are sealed: what a block of the log became, and how its chunks are read.

A block is a run of consecutive ids, in `span` one row. Each of its tags has a chunk: its values as strips,
and the strips of times and ids, which tags that are polled together share.
"""

import json
import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import repeat
from typing import NamedTuple

from agent.store.strips import Arithmetic, Numbers, StripDamagedError, integers, reals
from agent.store.zones import Stored
from drivers.reading import Value

REAL, INTEGER, TEXT, NOTHING = "real", "integer", "text", "null"


class SealedChunk(NamedTuple):
    """One tag's readings of a block, as they lie in the table `chunk`."""

    tag: int
    first: int  # id of the first of them; the strip of ids counts from it
    times: int  # place of its strip among the block's
    ids: int  # the same
    min_ms: int
    max_ms: int
    rows: int
    kinds: str  # JSON: each different type, quality and reason number
    codes: bytes | None  # strip: the place of each reading's kind; None where there is one kind
    reals: bytes | None  # strips of the values, by type, in order
    integers: bytes | None
    texts: bytes | None


class SealedBlock(NamedTuple):
    """Rows *first* to *last* of the log, made small by the worker, for the writer to put in their place."""

    first: int
    last: int
    min_ms: int
    max_ms: int
    imported: int
    rows: int
    strips: list[bytes]
    chunks: list[SealedChunk]


class Kind(NamedTuple):
    """What readings of a chunk may have in common."""

    type: str
    quality: int
    reason: int | None


@dataclass(frozen=True)
class SharedStrip:
    """A strip of integers that several chunks share; unpacked once, and not before somebody asks."""

    body: bytes
    arithmetic: Arithmetic

    @cached_property
    def numbers(self) -> Numbers:
        """What it says.

        Raises:
            StripDamagedError: It is torn.
        """
        return integers(self.body, self.arithmetic)


@dataclass(frozen=True)
class Chunk:
    """One tag's readings of a block, unpacked; oldest in the log first."""

    tag: int
    first: int
    last: int  # id of the last reading of its block, which may be another tag's
    times_ms: Numbers
    shared_ids: SharedStrip
    kinds: list[Kind]
    codes: Numbers | None  # of each reading, the place of its kind; None where there is one kind
    values: Sequence[Value]  # numbers as they are in strips where there is one type

    @cached_property
    def ids(self) -> Numbers:
        """Ids of the readings, less `first`; a third of the work of unpacking, which whole blocks do not need.

        Raises:
            StripDamagedError: Their strip is torn.
        """
        found = self.shared_ids.numbers
        if len(found) != len(self.times_ms):
            raise StripDamagedError("sealed readings are damaged (a chunk has not as many ids as times)")
        return found

    def between(self, first: int, last: int) -> slice:
        """The places of the readings with these ids."""
        if first <= self.first and self.last <= last:
            return slice(0, len(self.times_ms))
        return slice(bisect_left(self.ids, first - self.first), bisect_right(self.ids, last - self.first))

    def rows(self, first: int, last: int) -> Iterator[Stored]:
        """The readings with these ids, as rows of the log."""
        part = self.between(first, last)
        whole = zip(self.ids[part], self.times_ms[part], self.values[part], self._kinds(part), strict=False)
        start, tag = self.first, self.tag
        for number, ts_ms, value, kind in whole:
            yield start + number, tag, ts_ms, value, kind.quality, kind.reason

    def id_at(self, ts_ms: int, last: int) -> int:
        """The greatest id up to *last* of a reading not after *ts_ms*, 0 where none is."""
        for place in range(self.between(self.first, last).stop - 1, -1, -1):
            if self.times_ms[place] <= ts_ms:
                return self.first + int(self.ids[place])
        return 0

    def _kinds(self, part: slice) -> Iterator[Kind]:
        if self.codes is None:
            return repeat(self.kinds[0])
        return map(self.kinds.__getitem__, self.codes[part])

    @cached_property
    def weight(self) -> int:
        """Numbers in memory, roughly."""
        return len(self.times_ms) * (1 if self.codes is None else 4)


def unpacked(chunk: SealedChunk, last: int, times: SharedStrip, ids: SharedStrip, arithmetic: Arithmetic) -> Chunk:
    """The chunk's readings, with the strips of times and ids that it shares; *last* is the last id of its block.

    Raises:
        StripDamagedError: It is torn.
    """
    try:
        kinds = [Kind(*kind) for kind in json.loads(chunk.kinds)]
        texts = json.loads(zlib.decompress(chunk.texts)) if chunk.texts else []
    except (ValueError, TypeError, zlib.error) as error:
        raise StripDamagedError(f"sealed readings are damaged ({error})") from error
    times_ms = times.numbers
    codes = integers(chunk.codes, arithmetic) if chunk.codes else None
    found: dict[str, Sequence[Value]] = {
        REAL: reals(chunk.reals, arithmetic) if chunk.reals else (),
        INTEGER: integers(chunk.integers, arithmetic) if chunk.integers else (),
        TEXT: texts,
        NOTHING: (None,) * chunk.rows,
    }
    if len({kind.type for kind in kinds}) == 1:
        values = found[kinds[0].type]
    else:
        each = {name: iter(numbers) for name, numbers in found.items()}
        values = [next(each[kinds[code].type]) for code in (() if codes is None else codes)]
    if not chunk.rows == len(values) == len(times_ms):
        raise StripDamagedError("sealed readings are damaged (a chunk has not as many values as times)")
    return Chunk(chunk.tag, chunk.first, last, times_ms, ids, kinds, codes, values)
