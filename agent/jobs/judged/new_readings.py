"""What arrived since a job's mark, tag by tag, with what the plant did meanwhile, as the checks take it."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from agent.clock.marks import is_doubt
from agent.jobs.judged.activity import Activity
from agent.store.columns import Arrivals
from analytics.quality.watch import Portion
from drivers.reading import Quality

Times = NDArray[np.int64]
Booleans = NDArray[np.bool_]

_NOWHERE = slice(0, 0)


@dataclass(frozen=True, slots=True)
class NewReadings:
    """Readings sorted by tag, each tag's in the order of their arrival.

    All that needs no more than a reading and its time is worked out for all tags at once: each has few new readings,
    and every call of NumPy costs as much for sixty numbers as for six.
    """

    ids: Times
    reasons: dict[int, str]  # by place
    told_at: list[int]  # their places, ascending
    cells: Times  # of what the plant did
    everything: Portion  # with `is_active` left out
    places: dict[int, slice]  # by the tag's number
    told: Activity

    def of(self, tag: str, number: int | None) -> "OfTag":
        """A tag's own; *number* is what the log calls it by, None where it never came."""
        own = _NOWHERE if number is None else self.places.get(number, _NOWHERE)
        every = self.everything
        portion = Portion(
            every.times_ms[own],
            every.values[own],
            every.is_good[own],
            self.told.is_active(tag, self.cells[own]),
            every.is_quiet[own],
            every.is_uncertain[own],
            every.is_dated[own],
        )
        has_reasons = bisect_left(self.told_at, own.start) < bisect_left(self.told_at, own.stop)
        reasons = [self.reasons.get(place) for place in range(own.start, own.stop)] if has_reasons else None
        return OfTag(self.ids[own], portion, reasons)


@dataclass(frozen=True, slots=True)
class OfTag:
    """One tag's new readings."""

    ids: Times
    portion: Portion
    reasons: Sequence[str | None] | None  # None where no reading has one

    def __len__(self) -> int:
        """Number of readings."""
        return len(self.ids)

    def told(self) -> list[str]:
        """The reasons of those that have one."""
        return [reason for reason in self.reasons or () if reason is not None]

    def history(self, imported: Sequence[tuple[int, int]], newest_ms: int) -> tuple["OfTag", bool]:
        """Without imported rows that are older than what was judged, and whether all of them were imported.

        Files begin with the oldest or with the newest, so imported rows are put in the order of time, before, between
        and after the others. Those stay in the order in which they came: it tells how the source's clock goes.
        """
        times_ms, is_old = self.portion.times_ms, np.zeros(len(self), np.bool_)
        for first, last in imported:
            is_old |= (self.ids >= first) & (self.ids <= last)
        live_ms = np.maximum.accumulate(np.where(is_old, 0, np.maximum(times_ms, 0)))
        order: Times = np.argsort(np.where(is_old, times_ms, live_ms), kind="stable")
        order = order[(~is_old | (times_ms > newest_ms))[order]]
        reasons = None if self.reasons is None else [self.reasons[place] for place in order.tolist()]
        return OfTag(self.ids[order], self.portion.part(order), reasons), bool(is_old.all())


def new_readings(rows: Arrivals, told: Activity) -> NewReadings:
    """*rows* by tag, where *told* is what the plant did while they came."""
    order = np.argsort(rows.tags, kind="stable")
    tags, times_ms, quality = rows.tags[order], rows.times_ms[order], rows.quality[order]
    starts = [0, *(1 + np.flatnonzero(np.diff(tags))).tolist(), len(tags)] if len(tags) else [0]
    is_good = quality >= Quality.GOOD
    reasons, is_dated = dict[int, str](), np.ones(len(tags), np.bool_)
    for place in np.flatnonzero(np.isin(order, list(rows.reasons))).tolist() if rows.reasons else ():
        reasons[place] = rows.reasons[int(order[place])]
        is_dated[place] = not is_doubt(reasons[place])
    everything = Portion(
        times_ms,
        rows.values[order],
        is_good,
        is_good,
        told.is_quiet(times_ms),
        (quality >= Quality.UNCERTAIN) & ~is_good,
        is_dated,
    )
    places = {int(tags[start]): slice(start, end) for start, end in pairwise(starts)}
    return NewReadings(rows.ids[order], reasons, list(reasons), told.cells(times_ms), everything, places, told)
