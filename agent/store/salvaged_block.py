"""What can be read of a sealed block of a damaged database; each chunk is unpacked to see whether it is whole."""

import sqlite3
import struct
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import NoneType
from typing import Any

from agent.store.errors import StorageError
from agent.store.fitting import fits
from agent.store.missing import Hole, divided, overlap
from agent.store.sealed import Kind, SealedChunk, SharedStrip, unpacked
from agent.store.strips import HEAD, REAL_HEAD, SLOW, integers
from agent.store.torn import Torn
from agent.store.zones import Span

# What comes of unpacking bytes that rotted.
ROTTEN = (StorageError, struct.error, ValueError, TypeError, OverflowError, MemoryError, LookupError)


@dataclass(frozen=True, slots=True)
class Block:
    """A sealed block as it lies there, but for what is torn of it."""

    span: Span
    strips: list[tuple[int, bytes]]
    chunks: list[tuple[Any, ...]]  # rows of the table
    holes: list[Hole]

    @property
    def rows(self) -> int:
        """Readings."""
        return sum(chunk[7] for chunk in self.chunks)


def salvaged_block(
    db: sqlite3.Connection, span: Span, tags: Mapping[int, object], owed: Sequence[tuple[int, int]]
) -> Block:
    """The block of *span*, and which readings of it are gone.

    How many are missing is exact. Of a chunk whose strips are torn the tag is known; where it cannot even be said
    that there was one, all tags without a chunk share what is missing.
    """
    strips, told = _strips(db, span.first), _chunks(db, span.first, tags)
    whole = [row for row in told if _is_whole(row, span, strips)]
    used = {place for row in whole for place in (row[3], row[4])}
    unread = _unread(span, told, whole, tags)
    unsent = min(sum(overlap(span.first, span.last, *place) for place in owed), span.last - span.first + 1)
    share = 0.0 if span.imported else unsent / (span.last - span.first + 1)
    gone = [hole._replace(undelivered=round(share * hole.readings)) for hole in unread]
    return Block(span, [one for one in strips.items() if one[0] in used], whole, gone)


def span_of_block(db: sqlite3.Connection, first: int, tags: Collection[int]) -> Span | None:
    """What the zone map would say of the block that begins with id *first*; None where no chunk of it can be read."""
    chunks, strips = _chunks(db, first, tags), _strips(db, first)
    lasts = []
    for row in chunks:
        with suppress(*ROTTEN):
            lasts.append(row[2] + int(integers(strips.get(row[4], b""), SLOW)[-1]))
    if not lasts:
        return None
    return Span(first, max(lasts), min(row[5] for row in chunks), max(row[6] for row in chunks), 0)


def _strips(db: sqlite3.Connection, block: int) -> dict[int, bytes]:
    torn, found = Torn(db), dict[int, bytes]()
    for (number,) in torn.all("SELECT id FROM strip WHERE block = ?", block):
        rows = torn.all("SELECT id, body FROM strip WHERE id = ?", number)  # torn pages of one hide no others
        found |= {place: body for place, body in rows if isinstance(body, bytes)}
    return found


def _chunks(db: sqlite3.Connection, block: int, tags: Collection[int]) -> list[tuple[Any, ...]]:
    rows = Torn(db).around("chunk", "tag", (0, max(tags, default=0)), f"block = {block}")
    return [row for row in rows if fits("chunk", row) and row[0] == block and row[1] in tags]


def _is_whole(row: Sequence[Any], span: Span, strips: Mapping[int, bytes]) -> bool:
    """Whether a chunk says as many readings as it should, of the times and ids that it should."""
    chunk = SealedChunk(row[1], *row[2:])
    if chunk.times not in strips or chunk.ids not in strips:
        return False
    times, ids = (SharedStrip(strips[place], SLOW) for place in (chunk.times, chunk.ids))
    try:
        if not _counts_fit(chunk, times.body, ids.body):  # before a number that rotted makes a list of it
            return False
        found = unpacked(chunk, span.last, times, ids, SLOW)
        if not all(_is_kind(kind) for kind in found.kinds):
            return False
        last = found.first + int(found.ids[-1])
    except (
        StorageError,
        struct.error,
        ValueError,
        TypeError,
        OverflowError,
        MemoryError,
        LookupError,
    ):  # bytes that rotted
        return False
    is_in_place = span.first <= found.first <= last <= span.last
    return is_in_place and (min(found.times_ms), max(found.times_ms)) == (chunk.min_ms, chunk.max_ms)


def _is_kind(kind: Kind) -> bool:
    return isinstance(kind.quality, int) and isinstance(kind.reason, (int, NoneType))


def _counts_fit(chunk: SealedChunk, times: bytes, ids: bytes) -> bool:
    whole = [times, ids, *([chunk.codes] if chunk.codes else [])]
    parts = [*([chunk.reals[REAL_HEAD.size :]] if chunk.reals else []), *([chunk.integers] if chunk.integers else [])]
    counts = [HEAD.unpack_from(strip)[2] for strip in whole]
    return set(counts) == {chunk.rows} and sum(HEAD.unpack_from(strip)[2] for strip in parts) <= chunk.rows


def _unread(
    span: Span, told: Sequence[Sequence[Any]], whole: Sequence[Sequence[Any]], tags: Collection[int]
) -> list[Hole]:
    there = {row[1] for row in whole}
    found = [Hole(row[1], row[5], row[6], row[7], 0) for row in told if row[1] not in there]
    left = span.last - span.first + 1 - sum(row[7] for row in told)
    if left <= 0:
        return found
    unseen = dict.fromkeys(sorted(set(tags) - {row[1] for row in told}), 1) or {0: 1}
    parts = divided(left, unseen)
    return found + [Hole(tag, span.min_ms, span.max_ms, count, 0) for tag, count in parts.items() if count]
