"""Where each receiver stands in the log: its place in the database."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from agent.store.log import Log


class Place(NamedTuple):
    """What the database says of a sink."""

    acknowledged: int  # last row of the live stream that the receiver has
    backlog: list[tuple[int, int]]  # first and last ids held back, oldest first
    behind: int  # rows among these
    records: int  # last record that the receiver has


class Seen(NamedTuple):
    """What a receiver was given before the database could say where it stands."""

    first: int
    last: int  # it has all from first to last
    backlog: list[tuple[int, int]]  # but for these


def hold_back(log: Log, sink: str, seen: Seen | None = None, place: int = 0) -> Place:
    """Turn all that *sink* has not acknowledged into backlog, up to the log's end, in the caller's transaction.

    Args:
        log: Open, in a transaction.
        sink: Its name.
        seen: What it was given before the database could be asked.
        place: It has all live rows up to there; the disk may have yet to take some of these.
    """
    cursor = dict(log.db.execute("SELECT stream, id FROM cursor WHERE sink = ?", (sink,)).fetchall())
    live, records = max(place, cursor.get("live", 0)), cursor.get("records", 0)
    backlog = log.db.execute("SELECT first, last FROM backlog WHERE sink = ? ORDER BY first", (sink,)).fetchall()
    if live < log.last_id:
        backlog.append((live + 1, log.last_id))
    if seen:
        backlog = [*without(backlog, seen.first, seen.last), *seen.backlog]
        live = max(live, seen.last)
    end = max(live, log.last_id)  # the receiver may have rows that the disk has yet to take
    places = merged(backlog)
    counted = [(first, last, log.db.execute(APPENDED, (first, last)).fetchone()[0] or 0) for first, last in places]
    held = [(first, last) for first, last, rows in counted if rows]
    keep_place(log, sink, end, records, held)
    return Place(end, held, sum(rows for _, _, rows in counted), records)


def forget(log: Log, sinks: Iterable[str]) -> None:
    """Owe *sinks*, which are no longer there, nothing any more; in the caller's transaction."""
    for sink in sinks:
        log.db.execute("DELETE FROM cursor WHERE sink = ?", (sink,))
        log.db.execute("DELETE FROM backlog WHERE sink = ?", (sink,))


def hold_also(log: Log, sink: str, first: int, last: int) -> None:
    """Have rows delivered to *sink* besides all it is owed; in the caller's transaction."""
    backlog = log.db.execute("SELECT first, last FROM backlog WHERE sink = ?", (sink,)).fetchall()
    _hold(log, sink, merged([*backlog, (first, last)]))


def hold_again(log: Log, judges: Collection[str], first: int, last: int) -> None:
    """Have rows delivered again to all sinks that may have had them, but for *judges*; in the caller's transaction."""
    for (sink,) in log.db.execute("SELECT DISTINCT sink FROM cursor").fetchall():
        if sink not in judges:
            hold_also(log, sink, first, last)


def merged(places: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same places, in order, each id once.

    >>> merged([(7, 9), (1, 4), (3, 6)])
    [(1, 9)]
    """
    found: list[tuple[int, int]] = []
    for first, last in sorted(places):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((first, last))
    return found


def without(places: Iterable[tuple[int, int]], first: int, last: int) -> list[tuple[int, int]]:
    """The same places, but for ids from *first* to *last*.

    >>> without([(1, 4), (6, 9)], 3, 7)
    [(1, 2), (8, 9)]
    """
    parts = [part for one in places for part in ((one[0], min(one[1], first - 1)), (max(one[0], last + 1), one[1]))]
    return merged(part for part in parts if part[0] <= part[1]) if first <= last else merged(places)


def keep_place(log: Log, sink: str, live: int, records: int, backlog: list[tuple[int, int]]) -> None:
    """Note what *sink* has acknowledged, and what is held back for it, in the caller's transaction.

    Ids that are given but not on the disk count only once they are: a process that dies before gives them again.
    """
    places = [(sink, "live", min(live, log.last_id)), (sink, "records", records)]
    log.db.executemany("INSERT OR REPLACE INTO cursor VALUES (?, ?, ?)", places)
    if backlog != log.db.execute("SELECT first, last FROM backlog WHERE sink = ? ORDER BY first", (sink,)).fetchall():
        _hold(log, sink, backlog)


def _hold(log: Log, sink: str, backlog: list[tuple[int, int]]) -> None:
    log.db.execute("DELETE FROM backlog WHERE sink = ?", (sink,))
    log.db.executemany("INSERT INTO backlog VALUES (?, ?, ?)", [(sink, first, last) for first, last in backlog])


APPENDED = "SELECT sum(min(last, ?2) - max(first, ?1) + 1) FROM span WHERE last >= ?1 AND first <= ?2 AND NOT imported"
