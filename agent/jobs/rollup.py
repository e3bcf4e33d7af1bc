"""The job that rolls readings up: each minute, quarter of an hour and hour in which something is new, anew."""

import sqlite3
from collections import defaultdict
from functools import partial
from itertools import pairwise

import numpy as np

from agent.jobs.job import JobContext, Outcome
from agent.store.columns import columns
from agent.store.losses import DAY_MS
from agent.store.reader import NEWEST, Reader
from agent.store.rolled import MINUTE_MS, PAGE, WIDTHS_MS, RolledPage, pages
from agent.store.rollups import Rollup, coarser, paged, replaced, rolled_up, unpaged
from agent.store.rows import Rows, sealed_upto

MOST = 500_000  # rows of a run; the next one goes on behind them
APART = 15  # minutes; what lies further apart is read apart
HOUR_MS = 60 * MINUTE_MS

Minutes = dict[int, list[int]]
"""Of each tag's number, the minutes since the epoch in which readings are new, ascending."""


def run(context: JobContext) -> Outcome:
    """Recompute every minute with readings that no run has seen, so that late ones count like all others."""
    reader = context.reader
    # Times in doubt are still to be corrected in their place.
    settled = reader.ask(
        lambda db: db.execute("SELECT coalesce(min(first) - 1, ?) FROM anchor", (NEWEST,)).fetchone()[0]
    )
    end = min(reader.last_id, settled, context.mark + MOST)
    # What is older than readings are kept cannot be computed anew: most of its readings may be gone.
    oldest = (context.now_ms - context.settings.storage.keep_days * DAY_MS) // MINUTE_MS
    fresh = reader.ask(partial(_fresh, context.mark + 1, end))
    minutes = {tag: kept for tag, all_of in fresh.items() if (kept := [one for one in all_of if one >= oldest])}
    totalisers = {tag.name for device in context.settings.devices for tag in device.tags if tag.totaliser}
    names, rolled = reader.numbers(reader.units), _Pages(reader)
    for (first, last), numbers in _stretches(minutes).items():
        of_tags = {names[number]: number for number in numbers}
        found = columns(reader, list(of_tags), first * MINUTE_MS, (last + 1) * MINUTE_MS)
        for name, column in found.items():
            rolled.take(of_tags[name], rolled_up(column, MINUTE_MS, is_totaliser=name in totalisers))
    return Outcome(mark=max(end, context.mark), rolled=rolled.all, counts={"pages": len(rolled.all)})


def _fresh(first: int, last: int, db: sqlite3.Connection) -> Minutes:
    """In which minutes the rows from *first* to *last* lie."""
    found: dict[int, set[int]] = defaultdict(set)
    upto = sealed_upto(db)
    if first <= upto:
        for chunk in Rows(db).part(first, min(last, upto)).chunks:
            found[chunk.tag].update(ts_ms // MINUTE_MS for ts_ms in chunk.times_ms[chunk.between(first, last)])
    for tag, minute in db.execute(FRESH, (MINUTE_MS, max(first, upto + 1), last)):
        found[tag].add(minute)
    return {tag: sorted(minutes) for tag, minutes in found.items()}


def _stretches(minutes: Minutes) -> dict[tuple[int, int], list[int]]:
    """First and last minutes without large gaps between them, and the tags that have them alike."""
    found = defaultdict(list)
    for tag, all_of in minutes.items():
        breaks = [0, *(n for n, (one, other) in enumerate(pairwise(all_of), 1) if other - one > APART), len(all_of)]
        for start, end in pairwise(breaks):
            found[all_of[start], all_of[end - 1]].append(tag)
    return found


class _Pages:
    """The pages that a run makes anew; what it made already counts as there."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._made: dict[tuple[int, int, int], RolledPage] = {}

    @property
    def all(self) -> list[RolledPage]:
        """What has been made."""
        return list(self._made.values())

    def take(self, tag: int, fine: Rollup) -> None:
        """Put the minutes of *fine* into their pages, and what they change of the wider buckets into theirs."""
        if not len(fine.starts_ms):
            return
        first_ms = int(fine.starts_ms[0]) // HOUR_MS * HOUR_MS
        end_ms = (int(fine.starts_ms[-1]) // HOUR_MS + 1) * HOUR_MS
        minutes = self._put(tag, MINUTE_MS, first_ms, end_ms, fine)
        for width_ms in WIDTHS_MS[1:]:
            self._put(tag, width_ms, first_ms, end_ms, coarser(minutes, width_ms))

    def _put(self, tag: int, width_ms: int, first_ms: int, end_ms: int, new: Rollup) -> Rollup:
        stored = self._reader.ask(lambda db: pages(db, [tag], width_ms, first_ms, end_ms))
        there = {page.start_ms: page for page in stored}
        first_page = first_ms - PAGE * width_ms
        there |= {
            start_ms: page
            for (number, width, start_ms), page in self._made.items()
            if (number, width) == (tag, width_ms) and first_page < start_ms < end_ms
        }
        old = [unpaged(there[start_ms]) for start_ms in sorted(there)]
        joined = replaced(Rollup(*map(np.concatenate, zip(*old, strict=True))) if old else None, new)
        self._made |= {page[:3]: page for page in paged(joined, tag, width_ms)}
        return joined


FRESH = "SELECT DISTINCT tag, ts_ms / ? FROM reading WHERE id BETWEEN ? AND ?"
