"""The log in the order of time, for jobs that go through history after it was taken in, in whatever order that was."""

from collections.abc import Collection, Iterator
from pathlib import Path

from agent.store.reader import CHUNK, MIN_TIME, NEWEST, Reader
from agent.store.records import Row
from agent.store.rows import Part
from agent.store.strips import Arithmetic
from agent.store.zones import Stored

Place = tuple[int, int]
"""Time in ms, and id, of the last row a job has read in the order of time."""

BEGIN: Place = (MIN_TIME, 0)
HOUR_MS = 3_600_000
WIDE_MS = 24 * HOUR_MS  # of a span: what lies in it is looked at row by row


class Passage(Reader):
    """The log up to an instant, whose news after a mark come by their time, from a place in that order.

    A job's mark stays where it is meanwhile: what comes by its time has no last id.
    """

    def __init__(self, path: Path, horizon: int | None, place: Place, until_ms: int) -> None:
        """Look at *path*: news are what comes after *place* up to and including *until_ms*."""
        super().__init__(path, horizon)
        self._place = place
        self._end_ms = until_ms + 1

    def stored_after(self, mark: int, limit: int, tags: Collection[str] | None = None) -> list[Stored]:
        """The next rows in the order of time that came into the log after *mark*."""
        wanted, found = self.units if tags is None else tags, list[Stored]()
        start_ms, width_ms = max(self._place[0], self.extent[0]), HOUR_MS
        while start_ms < self._end_ms and len(found) < limit:
            end_ms = min(start_ms + width_ms, self._end_ms)
            rows = self.stored_window(wanted, start_ms, end_ms)
            rows = [row for row in rows if row[0] > mark and place(row) > self._place]
            found += sorted(rows, key=place)
            start_ms, width_ms = end_ms, HOUR_MS if rows else 2 * width_ms
        return found[:limit]

    def stored_window(self, tags: Collection[str], start_ms: int, end_ms: int) -> list[Stored]:
        """As of any reader, with nothing newer than the instant."""
        return super().stored_window(tags, start_ms, min(end_ms, self._end_ms))

    def parts(
        self, tags: Collection[str], start_ms: int, end_ms: int, arithmetic: Arithmetic, upto: int = NEWEST
    ) -> Iterator[tuple[int, int, Part]]:
        """As of any reader, with nothing newer than the instant."""
        return super().parts(tags, start_ms, min(end_ms, self._end_ms), arithmetic, upto)

    def history(self, mark: int) -> list[tuple[int, int]]:
        """Times between which imported rows after *mark* are, as far as they are news."""
        first_ms, last_ms = self._place[0], self._end_ms - 1
        spans = super().history(mark)
        return [
            (max(start, first_ms), min(end, last_ms)) for start, end in spans if start <= last_ms and end > first_ms
        ]

    def appended(self, first: int, last: int, limit: int) -> list[Row]:
        """The first *limit* of the news between those ids that were appended, in the order of time."""
        query = "SELECT 1 FROM span WHERE last >= ? AND first <= ? AND max_ms >= ? AND min_ms < ? AND NOT imported"
        if not self._fetch(f"{query} LIMIT 1", first, last, self._place[0], self._end_ms):
            return []
        old = self.imported(first, last)
        rows = self.after(first - 1, NEWEST)
        return [row for row in rows if row.id <= last and not any(one[0] <= row.id <= one[1] for one in old)][:limit]

    def reached(self, mark: int) -> Place:
        """How far a job has come that would leave *mark*: to the instant, or to the row of that id."""
        rows = [] if mark >= self.last_id else self._between(mark, mark)
        return (rows[0][2], mark) if rows else (self._end_ms - 1, NEWEST)

    def stretches(self, mark: int) -> list[tuple[int, int]]:
        """Times of the first and the last of what came after *mark*, for each stretch of time it lies in, unsorted."""
        query = "SELECT max(first, ?1 + 1), min(last, ?2), min_ms, max_ms FROM span WHERE last > ?1 AND first <= ?2"
        found: list[tuple[int, int]] = []
        for first, last, min_ms, max_ms in self._fetch(f"{query} AND min_ms < ?3", mark, self.horizon, self._end_ms):
            wide = max_ms - min_ms > WIDE_MS or max_ms >= self._end_ms
            found += self._hours(first, last) if wide else [(min_ms, max_ms)]
        return found

    def settled(self, mark: int) -> int:
        """The last id before the first row after *mark* that is newer than the instant."""
        query = "SELECT max(first, ?1 + 1), min(last, ?2) FROM span WHERE last > ?1 AND first <= ?2 AND max_ms >= ?3"
        for first, last in self._fetch(f"{query} ORDER BY first", mark, self.horizon, self._end_ms):
            for start in range(first, last + 1, CHUNK):
                rows = self._between(start, min(last, start + CHUNK - 1))
                newer = [row[0] for row in rows if row[2] >= self._end_ms]
                if newer:
                    return min(newer) - 1
        return self.last_id

    def _hours(self, first: int, last: int) -> list[tuple[int, int]]:
        hours: dict[int, tuple[int, int]] = {}
        for start in range(first, last + 1, CHUNK):
            for row in self._between(start, min(last, start + CHUNK - 1)):
                if (ts_ms := row[2]) < self._end_ms:
                    known = hours.get(ts_ms // HOUR_MS, (ts_ms, ts_ms))
                    hours[ts_ms // HOUR_MS] = min(known[0], ts_ms), max(known[1], ts_ms)
        return list(hours.values())


def place(row: Row | Stored) -> Place:
    """Where a row is in the order of time."""
    return row[2], row[0]
