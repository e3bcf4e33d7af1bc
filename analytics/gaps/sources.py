"""What else was measured or computed where a series was: columns of a window, read only where they are asked."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from analytics.gaps.gap import Floats, Gap, Singles, Window
from analytics.gaps.held import Updates
from analytics.gaps.likeness import Likeness
from analytics.gaps.season import profile
from analytics.gaps.series import Places, Series, spaced

MOST_COLUMNS = 14
_SAMPLES = 120  # by which columns are compared
_LEAST_SAMPLES = 30
_LEAST_MEASURED = 0.75  # share of the tag's own readings, for a column to be asked
_TINY = 1e-150


class Sources:
    """Columns beside a series; of each length of gaps it is looked once which are like it.

    Args:
        window: With companions, physics and a cycle.
        held: Where the series keeps its values, if it does; its places are pieces then.
    """

    def __init__(self, window: Window, held: Updates | None) -> None:
        self._columns, self._names = _columns(window)
        self._at = None if held is None else held.last
        self._alike: dict[int, Likeness | None] = {}
        self._best: dict[tuple[bytes, int], Places] = {}
        self._rows: dict[bytes, tuple[Singles, bool]] = {}

    def name(self, column: int) -> str:
        """Of the method that rests on *column* most."""
        return self._names[column]

    def patterns(self, series: Series, size: int, found: Sequence[Gap]) -> list[tuple[bytes, list[int]]]:
        """Gaps studied at the scale of *size*, as places in *found*, by the columns that they may ask.

        All may be asked where those that would be are whole. Else, of each gap, those measured throughout it and at
        both its ends, and mostly where the tag was.
        """
        every = np.arange(self._columns.shape[1])
        if self._gathered(self.best(series, every.tobytes(), size))[1]:
            return [(every.tobytes(), list(range(len(found))))]
        alike: dict[bytes, list[int]] = {}
        for place, pattern in enumerate(self._usable(series.is_measured, found)):
            alike.setdefault(pattern, []).append(place)
        return list(alike.items())

    def _usable(self, is_measured: NDArray[np.bool_], found: Sequence[Gap]) -> list[bytes]:
        """Of each gap, which columns were measured in it and around it, and mostly where the tag was."""
        columns = self._columns
        every = np.arange(columns.shape[1])
        holed = every[~np.isfinite(np.ones(len(columns)) @ columns)]
        missing = np.isnan(columns[:, holed])
        missing = missing if self._at is None else missing[self._at]
        rare = missing[is_measured].mean(axis=0) > 1 - _LEAST_MEASURED
        so_far = np.concatenate([np.zeros((1, len(holed)), np.intp), np.cumsum(missing, axis=0)])
        ends, begins = (np.array(each, np.intp) for each in ([gap.end for gap in found], [gap.begin for gap in found]))
        lost = rare | (so_far[np.minimum(ends + 1, len(missing))] > so_far[begins - 1])
        return [np.setdiff1d(every, holed[each]).tobytes() for each in lost]

    def best(self, series: Series, pattern: bytes, size: int) -> Places:
        """The columns of *pattern*; of many, those that together tell most of the series at the scale of *size*."""
        reach = (size + 1) // 2
        if (pattern, reach) not in self._best:
            usable = np.frombuffer(pattern, np.intp)
            if len(usable) > MOST_COLUMNS:
                if reach not in self._alike:
                    self._alike[reach] = self._likeness(series, reach)
                likeness = self._alike[reach]
                usable = usable[:0] if likeness is None else likeness.telling(usable, MOST_COLUMNS)
            self._best[pattern, reach] = usable
        return self._best[pattern, reach]

    def rows(self, chosen: Places) -> Singles:
        """Of *chosen* columns the values, complete, from -1 to 1, in the order of memory, shape (k, n)."""
        return self._gathered(chosen)[0]

    def _gathered(self, chosen: Places) -> tuple[Singles, bool]:
        """Their rows, and whether nothing was missing in them.

        Half as long numbers do for what is a regression's, whose ridge is a thousand times their grain; about the
        middle of what they have been, so that no level wears them.
        """
        key = chosen.tobytes()
        if key not in self._rows:
            found = self._columns.T.take(chosen, 0)
            found = found if self._at is None else found.take(self._at, 1)
            low, high = found.min(axis=1, initial=np.inf), found.max(axis=1, initial=-np.inf)
            is_whole = bool(np.isfinite(high - low).all())
            if not is_whole:
                _complete(found)
                low, high = found.min(axis=1), found.max(axis=1)
            found -= (0.5 * (low + high))[:, None]
            found *= (2.0 / np.maximum(high - low, _TINY))[:, None]
            self._rows[key] = found.astype(np.float32), is_whole
        return self._rows[key]

    def _likeness(self, series: Series, reach: int) -> Likeness | None:
        """Of all columns with the series, and of how both stray from lines over about *reach* to either side.

        None where too little was measured.
        """
        seen, count = series.is_measured, len(series) - 2 * reach
        room = np.flatnonzero(seen[reach:-reach] & seen[: max(count, 0)] & seen[2 * reach :]) + reach
        if len(room) < _LEAST_SAMPLES:
            return None
        at = room[spaced(len(room), _SAMPLES)]
        places = np.concatenate([at - reach, at, at + reach])
        columns, its = self._columns, places if self._at is None else self._at[places]
        found = np.empty((columns.shape[1] + 1, len(places)))
        found[:-1] = (
            columns.T.take(its, 1, mode="clip") if columns.flags.f_contiguous else columns.take(its, 0, mode="clip").T
        )
        found[-1] = series.values[places]
        missing = np.isnan(found @ np.ones(len(places)))
        if missing.any():
            found[missing] = _mean_where_missing(found[missing])
        return Likeness.sampled(found)


def _columns(window: Window) -> tuple[Floats, list[str]]:
    """All that may tell of the tag, and the method it stands for: companions, physics, and other days."""
    companions, computed = window.companions, window.computed
    names = ["correlated"] * companions.shape[1] + ["physics"] * computed.shape[1]
    parts = [each for each in (companions, computed) if each.size]
    if 0 < window.cycle <= len(window.values) // 2:
        parts.append(profile(window.values, window.cycle)[:, None])
        names.append("seasonal")
    if len(parts) == 1 and parts[0] is companions:
        return companions, names
    return (np.concatenate(parts, axis=1) if parts else np.empty((len(window.values), 0))), names


def _mean_where_missing(rows: Floats) -> Floats:
    missing = np.isnan(rows)
    counts = np.maximum((~missing).sum(axis=1, keepdims=True), 1)
    return np.where(missing, np.where(missing, 0.0, rows).sum(axis=1, keepdims=True) / counts, rows)


def _complete(rows: Floats) -> None:
    """Draw lines where something is missing; nothing at all is zero."""
    places = np.arange(rows.shape[1])
    for row in rows:
        known = np.isfinite(row)
        row[~known] = np.interp(places[~known], places[known], row[known]) if known.any() else 0.0
