"""Fill each gap by what has missed least in artificial gaps of its length in the tag's own recent past."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from analytics.gaps.gap import Estimate, Floats, Gap, Window, gaps
from analytics.gaps.held import Updates, updates
from analytics.gaps.linear import Line
from analytics.gaps.masks import Masks, shorter, size_class
from analytics.gaps.mixture import Sources, Study, studied
from analytics.gaps.season import profile
from analytics.gaps.series import Series, rows
from analytics.gaps.threads import one_thread
from analytics.gaps.totaliser import Totaliser

_NOTHING: Floats = np.empty(0)
_LEAST_MEASURED = 0.75  # share of the tag's own readings, for a companion to be asked


class Auto:
    """The gaps of one window, filled together: those of about one length with the same companions share a study.

    >>> power = 100.0 + 10.0 * np.sin(np.arange(600.0) / 9.0)
    >>> flow = np.where(np.abs(np.arange(600) - 305) < 10, np.nan, 2.0 * power)
    >>> estimate = Auto(Window(flow, power[:, None])).fill(Gap(296, 315))
    >>> bool(np.abs(estimate.values - 2.0 * power[296:315]).max() < 0.1)
    True

    Args:
        window: Whose gaps.
        most_studies: When so many studies are made, gaps that need another one are bridged by lines.
    """

    def __init__(self, window: Window, *, most_studies: int = 32) -> None:
        self._window = window
        self._most_studies = most_studies
        self._line = Line(window)
        self._bounds = window.bounds
        # between two readings of a counter every place counts, repeated or not
        self._updates = updates(window.values, window.companions) if window.counts is None else None
        columns, self._names = _columns(window)
        self._values, self._columns = _reduced(window.values, columns, self._updates)
        self._totaliser = None if window.counts is None else Totaliser(window.counts)
        self._series = Series(self._values) if np.isfinite(self._values).any() else None
        self._studies: dict[tuple[bytes, int], Study | None] = {}
        self._masks: dict[int, Masks | None] = {}
        self._known: dict[Gap, Estimate] = {}

    @property
    def looks(self) -> int:
        """How often the whole window was gone through: what filling costs, apart from the filled values."""
        return 1 + self._line.looks + len(self._studies)

    def fill(self, gap: Gap) -> Estimate:
        """What is put into *gap*; empty while it is open."""
        if gap.end >= len(self._window.values):
            return Estimate(np.empty(0), np.empty(0), "auto")
        if not self._known:
            self._fill(gaps(self._window.values))
        if gap not in self._known:
            self._fill([gap])
        return self._known[gap]

    def _fill(self, found: Iterable[Gap]) -> None:
        """Gaps of one length that share a study are guessed at once."""
        with one_thread():
            self._fill_together(found)

    def _fill_together(self, found: Iterable[Gap]) -> None:
        inner = {gap: self._narrowed(gap) for gap in found if gap.end < len(self._window.values)}
        usable = _usable(self._columns, np.isfinite(self._values), [each for each in inner.values() if len(each)])
        alike: dict[tuple[bytes, int], list[Gap]] = {}
        for gap, part in inner.items():
            alike.setdefault((usable.get(part, b""), len(part)), []).append(gap)
        for (pattern, size), together in alike.items():
            study = self._study(pattern, size) if size else None
            if study is not None:
                self._guess(study, together, [inner[gap] for gap in together])
            for gap in together if study is None else ():
                self._known[gap] = self._line.fill(gap) if size else self._expanded(gap, _NOTHING, _NOTHING, "held")

    def _narrowed(self, gap: Gap) -> Gap:
        """The pieces of which nothing was measured; of no length where all were."""
        if self._updates is None:
            return gap
        piece = self._updates.piece
        begin = int(piece[gap.begin - 1]) + 1
        return Gap(begin, max(begin, int(piece[gap.end])))

    def _study(self, pattern: bytes, size: int) -> Study | None:
        masks = self._masks_for(size)
        if masks is None or self._series is None:
            return None
        key = (pattern, masks.size)
        if key not in self._studies and len(self._studies) < self._most_studies:
            places = np.frombuffer(pattern, np.intp)
            is_all = len(places) == self._columns.shape[1]
            columns = self._columns if is_all else self._columns[:, places]
            names = tuple(self._names[place] for place in places)
            self._studies[key] = studied(self._series, Sources(columns, names, self._totaliser), masks)
        return self._studies.get(key)

    def _masks_for(self, size: int) -> Masks | None:
        """Of about *size*; of the longest there can be where the window is too short for that."""
        length = size_class(size)
        if length not in self._masks:
            found = None if self._series is None else Masks.spread(self._series, length)
            self._masks[length] = self._masks_for(shorter(length)) if found is None and length > 1 else found
        return self._masks[length]

    def _guess(self, study: Study, together: Sequence[Gap], inner: Sequence[Gap]) -> None:
        size = len(inner[0])
        begins = np.array([each.begin for each in inner])
        found, stds = study.guesses(begins, size)
        found, stds = found * study.series.scale + study.series.mean, stds * study.series.scale
        if self._updates is not None:
            for gap, guess, std in zip(together, found, stds, strict=True):
                self._known[gap] = self._expanded(gap, guess, std, study.method)
            return
        stds = np.fmax(stds, np.array([self._window.floor(gap) for gap in together])[:, None])
        method = study.method
        for gap, guess, each in zip(together, np.clip(found, *self._bounds), stds, strict=True):
            self._known[gap] = Estimate(guess, each, method)

    def _expanded(self, gap: Gap, guess: Floats, std: Floats, method: str) -> Estimate:
        """The guess for each piece, and what was measured of a piece outside *gap*, at every place of it."""
        if self._updates is None:
            return Estimate(guess, std, method)
        piece = self._updates.piece[gap.begin - 1 : gap.end + 1]
        values = np.concatenate([[self._values[piece[0]]], guess, [self._values[piece[-1]]]])
        doubt = np.concatenate([[self._updates.doubt], std, [self._updates.doubt]])
        at = np.minimum(piece[1:-1] - piece[0], len(values) - 1)
        least = max(self._window.floor(gap), self._updates.doubt)
        return Estimate(np.clip(values[at], *self._bounds), np.fmax(doubt[at], least), method)


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


def _reduced(values: Floats, columns: Floats, held: Updates | None) -> tuple[Floats, Floats]:
    if held is None:
        return values, columns
    return held.reduced(values), rows(columns, held.last)


def _usable(columns: Floats, is_measured: NDArray[np.bool_], found: Sequence[Gap]) -> dict[Gap, bytes]:
    """Of each gap, which columns were measured throughout it and at both its ends, and mostly where the tag was."""
    every = np.arange(columns.shape[1])
    is_whole = np.isfinite(columns.sum(axis=0)) if columns.size else np.ones(len(every), np.bool_)
    if is_whole.all():
        return dict.fromkeys(found, every.tobytes())
    missing = np.isnan(columns[:, ~is_whole])
    holed, rare = every[~is_whole], missing[is_measured].mean(axis=0) > 1 - _LEAST_MEASURED
    so_far = np.concatenate([np.zeros((1, len(holed)), np.intp), np.cumsum(missing, axis=0)])
    usable = {}
    for gap in found:
        lost = rare | (so_far[gap.end + 1] > so_far[gap.begin - 1])
        usable[gap] = np.setdiff1d(every, holed[lost]).tobytes()
    return usable


def fill(window: Window, gap: Gap) -> Estimate:
    """One gap of *window*; whoever has more keeps an `Auto`, or asks for `fill_all`."""
    return Auto(window).fill(gap)


def fill_all(window: Window) -> list[tuple[Gap, Estimate]]:
    """Every gap of *window* that has a reading on both sides, oldest first."""
    auto = Auto(window)
    return [(gap, auto.fill(gap)) for gap in gaps(window.values) if gap.end < len(window.values)]
