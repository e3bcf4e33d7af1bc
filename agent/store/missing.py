"""Readings that a damaged database had: how many of which tag, and of what time."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from agent.store.zones import Span, Stored


class Hole(NamedTuple):
    """Readings of one tag that cannot be read."""

    tag: int  # its number; 0 where nothing tells
    first_ms: int  # not before
    last_ms: int  # not after
    readings: int
    undelivered: int  # of these, the ones that some receiver had not acknowledged

    def joined(self, other: "Hole") -> "Hole":
        """Both as one, of the same tag."""
        return Hole(
            self.tag,
            min(self.first_ms, other.first_ms),
            max(self.last_ms, other.last_ms),
            self.readings + other.readings,
            self.undelivered + other.undelivered,
        )


def holes(span: Span, rows: Sequence[Stored], usual: Mapping[int, int], owed: Iterable[tuple[int, int]]) -> list[Hole]:
    """What is missing of *span* besides *rows*.

    How many, and between which times, is exact. Which tags is told by what lies around it: devices say all their
    tags again and again, so a hole has them in the proportion of the rest.

    Args:
        span: Whose rows follow each other without a gap.
        rows: The ones that were read, by id.
        usual: Of each tag, how many rows of the log there are nearby, where the span itself says nothing.
        owed: First and last ids of what receivers have not acknowledged.
    """
    weights = Counter(row[1] for row in rows) or usual or {0: 1}
    places = list(owed)
    found: list[Hole] = []
    before = span.first - 1, span.min_ms
    for after in [*((row[0], row[2]) for row in rows), (span.last + 1, span.max_ms)]:
        if (missing := after[0] - before[0] - 1) > 0:
            times = min(before[1], after[1]), max(before[1], after[1])
            unsent = sum(overlap(before[0] + 1, after[0] - 1, *place) for place in places)
            parts, unsents = divided(missing, weights), divided(min(unsent, missing), weights)
            found += [Hole(tag, *times, parts[tag], unsents[tag]) for tag in parts if parts[tag]]
        before = after
    return summed(found)


def overlap(first: int, last: int, other_first: int, other_last: int) -> int:
    """How many whole numbers both have."""
    return max(0, min(last, other_last) - max(first, other_first) + 1)


def divided(count: int, weights: Mapping[int, int]) -> dict[int, int]:
    """*count* in proportion to *weights*, in whole numbers that add up to it.

    >>> divided(7, {1: 1, 2: 1, 3: 2})
    {1: 2, 2: 2, 3: 3}
    """
    total, found, done, seen = sum(weights.values()), {}, 0, 0
    for tag, weight in weights.items():
        seen += weight
        found[tag] = round(count * seen / total) - done
        done += found[tag]
    return found


def summed(found: Iterable[Hole]) -> list[Hole]:
    """One a tag."""
    by_tag: dict[int, Hole] = {}
    for hole in found:
        by_tag[hole.tag] = by_tag[hole.tag].joined(hole) if hole.tag in by_tag else hole
    return list(by_tag.values())
