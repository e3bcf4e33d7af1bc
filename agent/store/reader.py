"""Reading the log and what is kept beside it; for jobs, commands, and the agent's receivers.

Arrays are made in `columns`, so that the polling process needs no NumPy.
"""

import json
import sqlite3
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeVar

from agent.store.errors import translating
from agent.store.losses import Loss, all_losses, summed_losses
from agent.store.newest import newest_rows
from agent.store.places import merged
from agent.store.records import Filled, Kind, Record, Row
from agent.store.rows import Part, Rows, snapshot
from agent.store.strips import Arithmetic
from agent.store.zones import ROTTED, ROTTED_TEXT, Stored

T = TypeVar("T")

CHUNK = 65_536  # rows a statement visits at most: a snapshot held for long keeps the write-ahead log growing
NEWEST = 2**62  # above every id
MIN_TIME = -(2**63)
NEXT_SPAN = f"SELECT coalesce(min(first), {NEWEST}) FROM span WHERE last > ?"  # noqa: S608 - ours


class JobRun(NamedTuple):
    """How a job is doing."""

    job: str
    mark: int  # id of the last row it has read
    ran_ms: int  # when it last succeeded; 0 for never
    failed_ms: int | None  # when it last failed; None where its last run succeeded
    took_ms: int  # of the last run, good or not
    error: str | None  # why the last run failed; None where it succeeded
    failures: int  # in a row
    counts: dict[str, int]  # of the last good run


class Reader:
    """A read-only view of the database, up to a horizon in the log.

    Every method is a few short statements and raises `StorageError` when the disk fails. Any thread
    may use it, one at a time.
    """

    def __init__(self, path: Path, horizon: int | None = None) -> None:
        """Look at *path* as when *horizon* was the id of the newest row; None follows the log."""
        self._path = path
        self.horizon = NEWEST if horizon is None else horizon
        self._tags: dict[int, str] = {}
        self._reasons: dict[int | None, str | None] = {None: None, ROTTED: ROTTED_TEXT}

    def __enter__(self) -> Self:
        """Open.

        Raises:
            StorageError: There is no database, or it cannot be read.
        """
        with translating(self._path):
            place = self._path.resolve().as_uri() + "?mode=ro"
            self._db = sqlite3.connect(place, uri=True, isolation_level=None, check_same_thread=False)
        self._log = Rows(self._db)
        self._vectors: Rows | None = None
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._db.close()

    # The log

    @property
    def last_id(self) -> int:
        """Id of the newest row in sight, 0 where there is none."""
        newest = self._fetch("SELECT max(last) FROM span WHERE first <= ?", self.horizon)[0][0]
        return min(newest or 0, self.horizon)

    @property
    def extent(self) -> tuple[int, int]:
        """Times of the oldest and the newest row; (0, 0) where there is none."""
        oldest, newest = self._fetch("SELECT min(min_ms), max(max_ms) FROM span WHERE first <= ?", self.horizon)[0]
        return oldest or 0, newest or 0

    @property
    def units(self) -> dict[str, str]:
        """Every tag that ever had a reading, with its unit ("" where none was told)."""
        return dict(self._fetch("SELECT name, unit FROM tag ORDER BY name"))

    def id_at(self, ts_ms: int) -> int:
        """Id of the last row whose time is not after *ts_ms*, 0 for none: a horizon in history imported in order."""
        query = "SELECT first, last FROM span WHERE min_ms <= ? AND first <= ? ORDER BY first DESC LIMIT 1"
        for first, last in self._fetch(query, ts_ms, self.horizon):
            end = min(last, self.horizon)
            chunks, rows = self._part(first, end, None, MIN_TIME, ts_ms + 1)
            return max([row[0] for row in rows] + [chunk.id_at(ts_ms, end) for chunk in chunks], default=0)
        return 0

    def after(self, mark: int, limit: int, tags: Collection[str] | None = None) -> list[Row]:
        """The next rows after *mark*, in the log's order; of *tags* only, where given."""
        return self.named(self.stored_after(mark, limit, tags))

    def stored_after(self, mark: int, limit: int, tags: Collection[str] | None = None) -> list[Stored]:
        """The same as they lie on the disk, numbers standing for names."""
        numbers, last_id, found = None if tags is None else self.numbers(tags), self.last_id, list[Stored]()
        step = min(limit, CHUNK) if numbers is None else CHUNK
        while mark < last_id and len(found) < limit:
            start, end = mark + 1, min(mark + step, last_id)
            rows = self._between(start, end, numbers)
            found += rows[: limit - len(found)]
            mark = end if rows else max(end, self._fetch(NEXT_SPAN, end)[0][0] - 1)  # retention leaves holes
        return found

    def window(self, tags: Collection[str], start_ms: int, end_ms: int) -> list[Row]:
        """Rows of *tags* by source time, from *start_ms* up to, not including, *end_ms*; in the log's order."""
        return self.named(self.stored_window(tags, start_ms, end_ms))

    def stored_window(self, tags: Collection[str], start_ms: int, end_ms: int) -> list[Stored]:
        """The same as they lie on the disk."""
        numbers, found = self.numbers(tags), list[Stored]()
        for first, last in self._places(start_ms, end_ms):
            chunks, rows = self._part(first, last, numbers, start_ms, end_ms)
            sealed = [row for chunk in chunks for row in chunk.rows(first, last) if start_ms <= row[2] < end_ms]
            found += sorted(sealed) + rows
        return found

    def parts(
        self, tags: Collection[str], start_ms: int, end_ms: int, arithmetic: Arithmetic, upto: int = NEWEST
    ) -> Iterator[tuple[int, int, Part]]:
        """A window up to id *upto* as it lies on the disk (names are numbers): first and last ids, and what is there.

        Each is one short snapshot. Chunks may reach beyond the ids and the window.
        """
        numbers = self.numbers(tags)
        log = self._vectors = self._vectors or Rows(self._db, arithmetic)
        for first, last in self._places(start_ms, end_ms, upto):
            with translating(self._path):
                part = log.part(first, last, numbers, start_ms, end_ms)
            yield first, last, part

    def imported(self, first: int, last: int) -> list[tuple[int, int]]:
        """Where imported rows lie among those from *first* to *last*; neighbouring places are one."""
        query = "SELECT max(first, ?1), min(last, ?2) FROM span WHERE first <= ?2 AND last >= ?1 AND imported"
        return merged(self._fetch(f"{query} ORDER BY first", first, last))

    def history(self, mark: int) -> list[tuple[int, int]]:
        """Times of the oldest and the newest row of each span of imported rows after *mark*, in the log's order."""
        query = "SELECT first, last, min_ms, max_ms FROM span WHERE last > ?1 AND first <= ?2 AND imported ORDER BY 1"
        found = list[tuple[int, int]]()
        for first, last, min_ms, max_ms in self._fetch(query, mark, self.horizon):
            if mark < first and last <= self.horizon:
                found.append((min_ms, max_ms))
            elif times_ms := [row[2] for row in self._between(max(first, mark + 1), min(last, self.horizon))]:
                found.append((min(times_ms), max(times_ms)))
        return found

    def appended(self, first: int, last: int, limit: int) -> list[Row]:
        """The first *limit* rows from *first* to *last* that were appended, not imported: what receivers get."""
        query = (
            "SELECT max(first, ?1), min(last, ?2) FROM span"
            " WHERE first >= coalesce((SELECT max(first) FROM span WHERE first <= ?1), ?1)"
            " AND first <= ?2 AND last >= ?1 AND NOT imported ORDER BY first LIMIT ?3"
        )
        found: list[Row] = []
        for start, end in self._fetch(query, first, last, limit):
            # A span of sealed rows is long: no more of it is unpacked into rows than there is room for.
            for place in range(start, end + 1, limit):
                rows = self._between(place, min(end, place + limit - 1))
                found += self.named(rows[: limit - len(found)])
                if len(found) == limit:
                    return found
        return found

    def latest(self, tags: Collection[str] | None = None) -> dict[str, Row]:
        """The newest row of each tag; appended ones go before imported ones, which are history."""
        last_id = self.last_id
        found = {row.tag: row for row in self.named(self.ask(lambda db: newest_rows(db, last_id)))}
        return found if tags is None else {tag: found[tag] for tag in tags if tag in found}

    # What is kept besides

    def newest(self, kind: Kind, key: str | None = None) -> list[Record]:
        """The newest record of each key of *kind*; of *key* alone, where given."""
        query = (
            "SELECT kind, key, ts_ms, body FROM record WHERE id IN"
            " (SELECT max(id) FROM record WHERE kind = ? AND (?2 IS NULL OR key = ?2) GROUP BY key) ORDER BY key"
        )
        return [Record(*row) for row in self._fetch(query, kind, key)]

    def records(self, kind: Kind, start_ms: int, end_ms: int) -> list[Record]:
        """Records of *kind* from *start_ms* up to, not including, *end_ms*, as they were made."""
        query = "SELECT kind, key, ts_ms, body FROM record WHERE kind = ? AND ts_ms >= ? AND ts_ms < ? ORDER BY id"
        return [Record(*row) for row in self._fetch(query, kind, start_ms, end_ms)]

    def records_after(self, mark: int, limit: int, kind: Kind | None = None) -> list[tuple[int, Record]]:
        """The next records after the one with id *mark*, with their ids; of *kind* only, where given."""
        query = "SELECT id, kind, key, ts_ms, body FROM record WHERE id > ?1 AND kind = ifnull(?2, kind) ORDER BY id"
        return [(row[0], Record(*row[1:])) for row in self._fetch(f"{query} LIMIT ?3", mark, kind, limit)]

    def filled(self, tags: Collection[str], start_ms: int, end_ms: int) -> list[Filled]:
        """Filled values of *tags* from *start_ms* up to, not including, *end_ms*; by tag, then time."""
        query = (
            "SELECT tag, ts_ms, value, std, method, made_ms FROM filled"
            " WHERE tag IN (SELECT value FROM json_each(?)) AND ts_ms >= ? AND ts_ms < ? ORDER BY tag, ts_ms"
        )
        rows = self._fetch(query, self._numbers(tags), start_ms, end_ms)
        return [Filled(self._tags[row[0]], *row[1:]) for row in rows]

    def job_state(self, job: str) -> tuple[int, bytes | None]:
        """Where a job's last good run stopped reading, and what it left for itself."""
        mark, state = (self._fetch("SELECT mark, state FROM job WHERE job = ?", job) or [(0, None)])[0]
        return mark, state

    def job_runs(self) -> list[JobRun]:
        """Every job that has run or tried to."""
        query = "SELECT job, mark, ran_ms, failed_ms, took_ms, error, failures, counts FROM job ORDER BY job"
        return [JobRun._make([*row[:-1], json.loads(row[-1])]) for row in self._fetch(query)]

    def losses(self) -> list[Loss]:
        """What could not be kept, newest day first."""
        with translating(self._path):
            return all_losses(self._db)

    def lost(self, limit: int = 10_000) -> list[Loss]:
        """What could not be kept, by tag and reason, most recent first."""
        with translating(self._path):
            return summed_losses(self._db, limit)

    def behind(self, sink: str) -> int:
        """Rows that *sink* has not acknowledged, held back by an outage or on their way (an upper bound)."""
        held = self._fetch("SELECT sum(last - first + 1) FROM backlog WHERE sink = ?", sink)[0][0] or 0
        query = (
            "SELECT sum(last - max(first, id + 1) + 1) FROM cursor JOIN span ON last > id"
            " WHERE sink = ? AND stream = 'live' AND NOT imported"
        )
        return held + (self._fetch(query, sink)[0][0] or 0)

    def ask(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """What *query* finds in one snapshot, for those who look at the tables themselves."""
        with translating(self._path), snapshot(self._db):
            return query(self._db)

    # Inside

    def _fetch(self, query: str, *values: object) -> list[Any]:
        with translating(self._path):
            return self._db.execute(query, values).fetchall()

    def _between(self, first: int, last: int, tags: Collection[int] | None = None) -> list[Stored]:
        with translating(self._path):
            return self._log.between(first, last, tags)

    def _part(self, first: int, last: int, tags: Collection[int] | None, start_ms: int, end_ms: int) -> Part:
        with translating(self._path):
            return self._log.part(first, last, tags, start_ms, end_ms)

    def _places(self, start_ms: int, end_ms: int, upto: int = NEWEST) -> Iterator[tuple[int, int]]:
        """First and last ids between which rows of a window may be; neighbours are joined up to CHUNK rows."""
        query = "SELECT first, last FROM span WHERE max_ms >= ? AND min_ms < ? AND first <= ? ORDER BY first"
        place: tuple[int, int] | None = None
        for first, last in self._fetch(query, start_ms, end_ms, min(self.horizon, upto)):
            end = min(last, self.horizon, upto)
            if place and place[1] + 1 == first and end - place[0] < CHUNK:
                place = (place[0], end)
                continue
            if place:
                yield place
            place = (first, end)
        if place:
            yield place

    def named(self, stored: list[Stored]) -> list[Row]:
        """With the names of tags and reasons, for their numbers."""
        try:
            return self._named(stored)
        except KeyError:  # names that are newer than this reader
            self._learn()
            return self._named(stored)

    def _named(self, stored: list[Stored]) -> list[Row]:
        tags, reasons = self._tags, self._reasons
        return [
            Row(number, tags[tag], ts_ms, value, quality, reasons[reason])
            for number, tag, ts_ms, value, quality, reason in stored
        ]

    def numbers(self, tags: Collection[str]) -> dict[int, str]:
        """The tags' names by the numbers that stand for them in `chunks`; unknown ones are left out."""
        if not set(tags) <= set(self._tags.values()):
            self._learn()
        wanted = set(tags)
        return {number: tag for number, tag in self._tags.items() if tag in wanted}

    def _numbers(self, tags: Collection[str]) -> str:
        return json.dumps(list(self.numbers(tags)))

    def _learn(self) -> None:
        self._tags.update(self._fetch("SELECT id, name FROM tag"))
        self._reasons.update(self._fetch("SELECT id, text FROM reason"))
