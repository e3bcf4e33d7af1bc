"""What the log has already of a time, for whoever brings history into it."""

from collections.abc import Set as AbstractSet

from agent.store.log import Log
from agent.store.rows import Rows, sealed_upto

Key = tuple[str, int]  # a tag and a time in ms


class Known:
    """Tells which readings are there, and remembers which tags lie where.

    A file that has one tag after the other goes through the same time as often as it has tags: what was brought in
    for the others is not looked at again.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self._rows = Rows(log.db)
        self._tags: dict[int, tuple[int, frozenset[int]]] = {}  # by a span's first id: up to which id, which tags

    def among(self, asked: AbstractSet[Key], first_ms: int, last_ms: int) -> set[Key]:
        """Which of these keys, from *first_ms* to *last_ms*, the log has; empty, at no cost, where it has none."""
        found: set[Key] = set()
        if not (spans := self._log.db.execute(SPANS, (first_ms, last_ms)).fetchall()):
            return found
        reach, upto = self._reach(asked), sealed_upto(self._log.db)
        for first, last, min_ms, max_ms in spans:
            near = {tag for tag, (start, end) in reach.items() if start <= max_ms and end >= min_ms}
            if tags := near if first <= upto else near & self._between(first, last):
                found |= self._there(first, last, tags, first_ms, last_ms) & asked
        return found

    def _reach(self, asked: AbstractSet[Key]) -> dict[int, list[int]]:
        """By number of each tag that the log has: its first time and its last."""
        reach: dict[int, list[int]] = {}
        numbers = self._log.names.tags
        for name, ts_ms in asked:
            if (number := numbers.get(name)) is None:
                continue
            ends = reach.setdefault(number, [ts_ms, ts_ms])
            if ts_ms < ends[0]:
                ends[0] = ts_ms
            elif ts_ms > ends[1]:
                ends[1] = ts_ms
        return reach

    def _between(self, first: int, last: int) -> frozenset[int]:
        """Numbers of the tags in a span that is not sealed; a span only ever grows at its end."""
        upto, tags = self._tags.get(first, (first - 1, frozenset[int]()))
        if upto < last:
            rows = self._log.db.execute("SELECT DISTINCT tag FROM reading WHERE id BETWEEN ? AND ?", (upto + 1, last))
            tags |= {row[0] for row in rows}
            self._tags[first] = last, tags
        return tags

    def _there(self, first: int, last: int, tags: AbstractSet[int], first_ms: int, last_ms: int) -> set[Key]:
        chunks, hot = self._rows.part(first, last, tags, first_ms, last_ms + 1)
        tag_of = self._log.names.tag_of
        there = {(tag_of[row[1]], row[2]) for row in hot}
        for chunk in chunks:
            tag = tag_of[chunk.tag]
            there.update((tag, ts_ms) for ts_ms in chunk.times_ms if first_ms <= ts_ms <= last_ms)
        return there


SPANS = "SELECT first, last, min_ms, max_ms FROM span WHERE max_ms >= ? AND min_ms <= ? ORDER BY first"
