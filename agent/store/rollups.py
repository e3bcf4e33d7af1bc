"""Rolled up readings: what a tag did in each minute, quarter of an hour and hour, as arrays and as pages of strips."""

from collections.abc import Collection
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from agent.store.columns import Column
from agent.store.reader import Reader
from agent.store.rolled import PAGE, RolledPage, pages
from agent.store.stripping import strip_of_integers, strip_of_reals
from agent.store.strips import integers, reals
from agent.store.vectors import VECTORS
from drivers.reading import Quality

RESET = 0.9  # a counter that falls below this share of itself has begun anew

Whole: TypeAlias = NDArray[np.int64]
Doubles: TypeAlias = NDArray[np.float64]


class Rollup(NamedTuple):
    """Buckets of one tag in which there were readings, ascending, shape (n,) each.

    Of good readings only, NaN where a bucket has none: minimum to rise. `rises` is what a totaliser counted
    between the first and the last reading of the bucket, and NaN for other tags.
    """

    starts_ms: Whole
    counts: Whole  # readings
    goods: Whole  # among these the good ones
    minima: Doubles
    means: Doubles
    maxima: Doubles
    firsts: Doubles
    lasts: Doubles
    rises: Doubles

    @property
    def increments(self) -> Doubles:
        """What a totaliser counted in each bucket, from the last reading of the one before on; NaN for other tags.

        The first bucket counts from its own first reading.
        """
        found = self.rises.copy()
        good = np.flatnonzero(self.goods)
        found[good[1:]] += counted(self.lasts[good[:-1]], self.firsts[good[1:]])
        return found


NONE, NOTHING = np.empty(0, np.int64), np.empty(0)
EMPTY = Rollup(NONE, NONE, NONE, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING)


def counted(before: Doubles, after: Doubles) -> Doubles:
    """What a counter counted between two readings: nothing where it fell a little, all of it where it began anew."""
    fallen = np.where(after < RESET * before, np.maximum(after, 0.0), 0.0)
    return np.where(after >= before, after - before, fallen)


def rolled_up(column: Column, width_ms: int, *, is_totaliser: bool = False) -> Rollup:
    """The buckets of *width_ms* of a tag's readings."""
    buckets = column.times_ms // width_ms
    good = (column.quality >= Quality.GOOD) & np.isfinite(column.values)
    times, values = buckets[good], column.values[good]
    steps = counted(values[:-1], values[1:]) * (times[1:] == times[:-1])
    return _grouped(
        width_ms,
        (buckets, np.ones(len(buckets), np.int64), good.astype(np.int64)),
        (times, np.ones(len(times), np.int64), values, values, values, values, values),
        np.append(0.0, steps)[: len(times)] if is_totaliser else np.full(len(times), np.nan),
    )


def coarser(fine: Rollup, width_ms: int) -> Rollup:
    """The buckets of *width_ms*, a multiple of the width of the *fine* ones."""
    buckets, has = fine.starts_ms // width_ms, fine.goods > 0
    times, lasts, firsts = buckets[has], fine.lasts[has], fine.firsts[has]
    rises = fine.rises[has].copy()
    rises[1:] += counted(lasts[:-1], firsts[1:]) * (times[1:] == times[:-1])
    return _grouped(
        width_ms,
        (buckets, fine.counts, fine.goods),
        (times, fine.goods[has], fine.minima[has], fine.means[has], fine.maxima[has], firsts, lasts),
        rises,
    )


def replaced(old: Rollup | None, new: Rollup) -> Rollup:
    """The buckets of *old*, but those of *new* where it has them."""
    if old is None:
        return new
    stays = ~np.isin(old.starts_ms, new.starts_ms)
    order = np.argsort(np.append(old.starts_ms[stays], new.starts_ms))
    return Rollup._make(np.append(one[stays], other)[order] for one, other in zip(old, new, strict=True))


def between(rollup: Rollup, start_ms: int, end_ms: int) -> Rollup:
    """The buckets that begin from *start_ms* up to, not including, *end_ms*."""
    part = slice(*np.searchsorted(rollup.starts_ms, (start_ms, end_ms)))
    return Rollup._make(values[part] for values in rollup)


def paged(rollup: Rollup, tag: int, width_ms: int) -> list[RolledPage]:
    """The buckets as they lie on the disk, a page for each `PAGE` of them in time."""
    length = PAGE * width_ms
    found = []
    for start_ms in np.unique(rollup.starts_ms // length * length).tolist():
        part = between(rollup, start_ms, start_ms + length)
        has = part.goods > 0
        places = (part.starts_ms - start_ms) // width_ms
        known = [_strip(values[has]) for values in part[3:]]
        found.append(
            RolledPage(tag, width_ms, start_ms, *map(strip_of_integers, (places, part.counts, part.goods)), *known)
        )
    return found


def _strip(values: Doubles) -> bytes | None:
    return strip_of_reals(values) if len(values) and np.isfinite(values).all() else None


def unpaged(page: RolledPage) -> Rollup:
    """The buckets of a page.

    Raises:
        StripDamagedError: It is torn.
    """
    places, counts, goods = (np.asarray(integers(strip, VECTORS)) for strip in page[3:6])
    has = goods > 0
    columns = []
    for strip in page[6:]:
        values = np.full(len(places), np.nan)
        if strip is not None:
            values[has] = reals(strip, VECTORS)
        columns.append(values)
    return Rollup(page.start_ms + places * page.width_ms, counts, goods, *columns)


def rollups(reader: Reader, tags: Collection[str], width_ms: int, start_ms: int, end_ms: int) -> dict[str, Rollup]:
    """Buckets of *tags* that begin from *start_ms* up to, not including, *end_ms*; every tag asked for is there.

    They are as new as the last run of the job that rolls up. *width_ms* is one of `WIDTHS_MS`.
    """
    names = reader.numbers(tags)
    found: dict[str, list[Rollup]] = {tag: [EMPTY] for tag in tags}
    for page in reader.ask(lambda db: pages(db, list(names), width_ms, start_ms, end_ms)):
        found[names[page.tag]].append(unpaged(page))
    joined = {tag: Rollup(*map(np.concatenate, zip(*parts, strict=True))) for tag, parts in found.items()}
    return {tag: between(rollup, start_ms, end_ms) for tag, rollup in joined.items()}


def _grouped(
    width_ms: int,
    all_of: tuple[Whole, Whole, Whole],
    good_of: tuple[Whole, Whole, Doubles, Doubles, Doubles, Doubles, Doubles],
    rises: Doubles,
) -> Rollup:
    """Buckets of parts: places, counts and goods; and of those with good readings places, weights and values."""
    buckets, counts, goods = all_of
    starts = _starts(buckets)
    goods = np.add.reduceat(goods, starts) if len(starts) else goods
    places, weights, minima, means, maxima, firsts, lasts = good_of
    begins = _starts(places)
    columns = [np.full(len(starts), np.nan) for _ in range(6)]
    if len(begins):
        ends = np.append(begins[1:], len(places)) - 1
        sums = np.add.reduceat(means * weights, begins) / np.add.reduceat(weights, begins)
        found = (
            np.minimum.reduceat(minima, begins),
            sums,
            np.maximum.reduceat(maxima, begins),
            firsts[begins],
            lasts[ends],
            np.add.reduceat(rises, begins),
        )
        for column, values in zip(columns, found, strict=True):
            column[goods > 0] = values
    counts = np.add.reduceat(counts, starts) if len(starts) else counts
    return Rollup(buckets[starts] * width_ms, counts, goods, *columns)


def _starts(places: Whole) -> Whole:
    """Where each different place begins."""
    return np.flatnonzero(np.append(True, places[1:] != places[:-1])) if len(places) else np.empty(0, np.int64)
