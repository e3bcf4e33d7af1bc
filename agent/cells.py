"""Readings of many tags, put into cells of time."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.roles import Tag
from agent.store.columns import Column
from drivers.reading import Quality

Floats = NDArray[np.float64]
Times = NDArray[np.int64]
Booleans = NDArray[np.bool_]

_TOGETHER = 65_536  # readings and cells of the tags that are worked on at once, so that all fits the cache


@dataclass(frozen=True, slots=True)
class Cells:
    """The grid of a frame."""

    start_ms: int
    end_ms: int
    step_ms: int

    @property
    def times_ms(self) -> Times:
        """Start of each, shape (size,)."""
        return np.arange(self.start_ms, self.end_ms, self.step_ms, dtype=np.int64)

    @property
    def size(self) -> int:
        """How many there are."""
        return max(0, -(-(self.end_ms - self.start_ms) // self.step_ms))


@dataclass(frozen=True, slots=True)
class Series:
    """One tag in each cell, each of shape (n,); NaN and 0 where it was not measured."""

    values: Floats  # plant units
    counts: Times  # of good readings
    shares: Floats | None = None  # of each cell, what was good of it where it has bad readings; None: it has none

    @staticmethod
    def empty(size: int) -> "Series":
        """Nothing was measured."""
        return Series(np.full(size, np.nan), np.zeros(size, np.int64))


def aligned(
    tags: Collection[Tag], found: Mapping[str, Column], held: Collection[str], cells: Cells
) -> dict[str, Series]:
    """The *tags* in *cells*: the mean of a cell's good readings, or the last of them for totalisers and states.

    A cell that is empty has what the tag showed before it, for those that are *held*. Tags go together, because a call
    of NumPy costs as much for the few readings of one as for all of them.

    Raises:
        UnitError: A tag's unit is not known.
    """
    series = dict[str, Series]()
    for group in _groups(tags, found, cells.size):
        together = _Together([(tag, found[tag.name]) for tag in group], cells)
        values, counts = together.reduced()
        shares = together.shares()
        together.hold(values, np.array([tag.name in held for tag in group]))
        units = [tag.unit for tag in group]
        values = values * _column([one.factor for one in units]) + _column([one.offset for one in units])
        rows = zip(group, values, counts, shares, strict=True)
        series |= {tag.name: Series(value, count, share) for tag, value, count, share in rows}
    return series


def reduced(tag: Tag, index: Times, values: Floats, counts: Times) -> Floats:
    """The *values* of each cell of a tag as one, where *index* is the cell of each, in order of time."""
    result = np.full(len(counts), np.nan)
    if tag.behaviour == "analogue":
        np.divide(np.bincount(index, weights=values, minlength=len(counts)), counts, out=result, where=counts > 0)
    else:
        result[index] = values  # in order of time, so that the last one stays
    return result


def _groups(tags: Collection[Tag], found: Mapping[str, Column], size: int) -> Iterator[list[Tag]]:
    group, weight = list[Tag](), 0
    for tag in tags:
        own = size + len(found[tag.name].times_ms)
        if group and weight + own > _TOGETHER:
            yield group
            group, weight = [], 0
        group.append(tag)
        weight += own
    if group:
        yield group


class _Together:
    """Readings of some tags, one tag after the other, each in order of time; by the start of the cells."""

    def __init__(self, of_each: list[tuple[Tag, Column]], cells: Cells) -> None:
        self._tags, self._cells = [tag for tag, _ in of_each], cells
        lengths = [len(column.times_ms) for _, column in of_each]
        self._owner: Times = np.repeat(np.arange(len(lengths)), lengths)
        self._first = np.cumsum([0, *lengths[:-1]])
        self._offset_ms = np.concatenate([column.times_ms for _, column in of_each]) - cells.start_ms
        self._values = np.concatenate([column.values for _, column in of_each])
        quality = np.concatenate([column.quality for _, column in of_each])
        self._is_good: Booleans = (quality >= Quality.GOOD) & np.isfinite(self._values)

    def reduced(self) -> tuple[Floats, Times]:
        """Value and number of good readings in each cell, shape (tags, n)."""
        size, shape = self._cells.size, (len(self._tags), self._cells.size)
        inside = self._is_good & self._inside()
        index = self._owner[inside] * size + self._offset_ms[inside] // self._cells.step_ms
        values = self._values[inside]
        is_mean = np.array([tag.behaviour == "analogue" for tag in self._tags])
        counts = np.bincount(index, minlength=shape[0] * size).reshape(shape)
        sums = np.bincount(index, weights=values, minlength=shape[0] * size).reshape(shape)
        result = np.full(shape, np.nan)
        np.divide(sums, counts, out=result, where=(counts > 0) & is_mean[:, None])
        is_last = ~is_mean[self._owner[inside]]
        result.ravel()[index[is_last]] = values[is_last]  # in order of time, so that the last one stays
        return result, counts

    def shares(self) -> list[Floats | None]:
        """How much of each cell was good, tag by tag; None where no cell has bad readings.

        A reading stands until the next one: who stores only what has changed says once that it has gone bad.
        """
        ends = [*self._first[1:].tolist(), len(self._owner)]
        is_bad = ~self._is_good & self._inside()
        owns = [slice(first, end) for first, end in zip(self._first.tolist(), ends, strict=True)]
        return [self._share(own) if is_bad[own].any() else None for own in owns]

    def _share(self, own: slice) -> Floats:
        step_ms, at_ms, is_bad = self._cells.step_ms, self._offset_ms[own], ~self._is_good[own]
        edges_ms = np.arange(self._cells.size + 1) * step_ms
        end_ms = max(int(edges_ms[-1]), int(at_ms[-1]) + 1)
        bad_ms = np.concatenate([[0], np.where(is_bad, np.diff(at_ms, append=end_ms), 0).cumsum()])
        share = 1.0 - np.diff(np.interp(edges_ms, np.append(at_ms, end_ms), bad_ms)) / step_ms
        has_bad = np.bincount(at_ms[is_bad & self._inside()[own]] // step_ms, minlength=self._cells.size) > 0
        return np.where(has_bad, share, 1.0)

    def _inside(self) -> Booleans:
        offset_ms = self._offset_ms
        return np.asarray((offset_ms >= 0) & (offset_ms < self._cells.end_ms - self._cells.start_ms))

    def hold(self, values: Floats, is_held: Booleans) -> None:
        """Put the last reading before an empty cell into it, if that reading is good and young enough."""
        owner, cell = (np.isnan(values) & is_held[:, None]).nonzero()
        if not len(owner) or not len(self._owner):
            return
        start_ms, step_ms = cell * self._cells.step_ms, self._cells.step_ms
        # One time for all tags, in which each has its own stretch, longer than the window and what is held into it.
        before_ms = max(0, -int(self._offset_ms.min()))
        stretch_ms = before_ms + self._cells.size * step_ms + step_ms
        at_ms = self._owner * stretch_ms + self._offset_ms
        empty_ms = owner * stretch_ms + start_ms
        last = np.searchsorted(at_ms, empty_ms) - 1
        # A bad reading inside the cell ends the hold as well: what the device calls bad is not repeated as good.
        bad_ms = at_ms[~self._is_good]
        turned_bad = np.searchsorted(bad_ms, empty_ms + step_ms) > np.searchsorted(bad_ms, empty_ms)
        hold_ms = np.array([tag.hold_ms for tag in self._tags])[owner]
        use = (last >= self._first[owner]) & self._is_good[last] & ~turned_bad
        use &= start_ms - self._offset_ms[last] <= hold_ms
        values[owner[use], cell[use]] = self._values[last[use]]


def _column(figures: list[float]) -> Floats:
    return np.array(figures)[:, None]
