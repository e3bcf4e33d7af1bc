"""The two layouts of an export as columns: a line a reading, or a line a time with a column a tag."""

from collections.abc import Callable, Collection, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from agent.export.slices import Entry
from drivers.reading import Quality

Lines = list[tuple[Any, ...]]


class Table(NamedTuple):
    """What the columns are called and made of; the first is a time in ms."""

    names: Sequence[str]
    kinds: Sequence[type]  # int, float, str or bool
    lines: Callable[[Sequence[Entry]], Lines]


def long_table(*, with_filled: bool) -> Table:
    """Everything that is known: also text values, bad readings and why they are bad."""
    names, kinds = ("time", "tag", "value", "quality", "reason"), (int, str, object, int, str)
    if not with_filled:
        return Table(names, kinds, lambda entries: [one[:5] for one in entries])
    return Table(
        (*names, "filled", "std"),
        (*kinds, bool, float),
        lambda entries: [(*one[:5], one.quality is None, one.std) for one in entries],
    )


def wide_table(tags: Collection[str], *, with_filled: bool) -> Table:
    """Numbers that are good or uncertain; a bad reading is an empty cell. A last column names the tags filled."""
    places = {tag: place for place, tag in enumerate(tags, 1)}
    width = len(places) + 1

    def lines(entries: Sequence[Entry]) -> Lines:
        found: Lines = []
        for ts_ms, group in groupby(entries, lambda one: one.ts_ms):
            cells: list[Any] = [ts_ms, *[None] * (width - 1)]
            filled = []
            for one in group:
                if one.quality is None:
                    filled.append(one.tag)
                elif one.quality < Quality.UNCERTAIN:
                    continue
                cells[places[one.tag]] = None if isinstance(one.value, str) else one.value
            found.append((*cells, " ".join(filled) or None) if with_filled else tuple(cells))
        return found

    names, kinds = ("time", *tags), (int, *[float] * len(places))
    return Table((*names, "filled"), (*kinds, str), lines) if with_filled else Table(names, kinds, lines)
