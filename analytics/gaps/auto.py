"""Fill each gap by what has missed least in artificial gaps of its length in the tag's own recent past."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from analytics.gaps.gap import Estimate, Floats, Gap, Window, gaps
from analytics.gaps.held import Updates, updates
from analytics.gaps.linear import Line
from analytics.gaps.masks import Masks, shorter, size_class
from analytics.gaps.mixture import Study, studied
from analytics.gaps.series import Places, Series
from analytics.gaps.sources import Sources
from analytics.gaps.threads import one_thread
from analytics.gaps.totaliser import Totaliser

_ALIKE = 1.25  # times as long as another gap, up to which a gap is studied with it


@dataclass(slots=True)
class _Alike:
    """Gaps of one length; once one of them is asked for, those in which the same companions were measured."""

    size: int  # in places of the series
    gaps: list[Gap] = field(default_factory=list)
    parts: list[Gap] = field(default_factory=list)  # of each, in places of the series
    studied_as: int = 0
    pattern: bytes | None = None


class Auto:
    """The gaps of one window: those of about one length with the same companions share a study.

    Nothing is studied for gaps that nobody asks for, as those that were filled when they were new.

    >>> power = 100.0 + 10.0 * np.sin(np.arange(600.0) / 9.0)
    >>> flow = np.where(np.abs(np.arange(600) - 305) < 10, np.nan, 2.0 * power)
    >>> estimate = Auto(Window(flow, power[:, None])).fill(Gap(296, 315))
    >>> bool(np.abs(estimate.values - 2.0 * power[296:315]).max() < 0.1)
    True

    Args:
        window: Whose gaps.
        most_studies: When so many studies are made, gaps that need another one are bridged by lines.
        is_by_places: Whether readings count one by one even where they only repeat.
    """

    def __init__(self, window: Window, *, most_studies: int = 32, is_by_places: bool = False) -> None:
        self._window = window
        self._most_studies = most_studies
        self._line = Line(window)
        self._bounds = window.bounds
        # between two readings of a counter every place counts, repeated or not
        with one_thread():
            may_hold = window.counts is None and not is_by_places
            self._updates = updates(window.values, window.companions) if may_hold else None
        self._by_places: Auto | None = None  # the same, but for readings that are held
        self._sources = Sources(window, self._updates)
        self._values = window.values if self._updates is None else self._updates.reduced(window.values)
        self._totaliser = None if window.counts is None else Totaliser(window.counts)
        self._is_measured = np.isfinite(self._values)
        self._series = Series(self._values) if self._is_measured.any() else None
        self._studies: dict[tuple[bytes, int], Study | None] = {}
        self._masks: dict[int, Masks | None] = {}
        self._alike: dict[tuple[int, int], _Alike] = {}  # by begin and end
        self._known: dict[tuple[int, int], Estimate] = {}  # likewise

    @property
    def looks(self) -> int:
        """How often the whole window was gone through: what filling costs, apart from the filled values."""
        by_places = 0 if self._by_places is None else self._by_places.looks
        return 1 + self._line.looks + len(self._studies) + by_places

    def fill(self, gap: Gap) -> Estimate:
        """What is put into *gap*; empty while it is open."""
        if gap.end >= len(self._window.values):
            return Estimate(np.empty(0), np.empty(0), "auto")
        place = gap.begin, gap.end
        if self._updates is not None and self._updates.is_by_rest(gap):
            return self._beside_rest(gap, self._updates)
        if place not in self._known:
            with one_thread():
                if place not in self._alike:
                    self._group([gap] if self._alike else [*gaps(self._window.values), gap])
                self._fill(place)
        return self._known[place]

    def _beside_rest(self, gap: Gap, held: Updates) -> Estimate:
        """What stands, and what is told by places: a pump's rest is one piece among those of its run, and most places.

        By pieces, of which a rest is rare, it would hardly be learnt what tells of it.
        """
        if self._by_places is None:
            self._by_places = Auto(self._window, most_studies=self._most_studies, is_by_places=True)
        known = self._values[held.piece[gap.begin : gap.end]]
        is_known, floor = np.isfinite(known), max(self._window.floor(gap), held.doubt)
        if is_known.all():
            return Estimate(known, np.full(len(gap), floor), "held")
        found = self._by_places.fill(gap)
        std = np.where(is_known, floor, np.maximum(found.std, floor))
        return Estimate(np.where(is_known, known, found.values), std, found.method)

    def _group(self, found: Iterable[Gap]) -> None:
        """Gaps of one length that may ask the same companions are guessed at once, when one of them is asked for."""
        alike: dict[int, _Alike] = {}
        for gap in found:
            place = gap.begin, gap.end
            if gap.end < len(self._window.values) and place not in self._alike:
                part = gap if self._updates is None else self._narrowed(gap, self._updates.piece)
                size = part.end - part.begin
                one = alike.get(size)
                if one is None:
                    one = alike[size] = _Alike(size)
                one.gaps.append(gap)
                one.parts.append(part)
                self._alike[place] = one
        longest = 0
        for size in sorted(alike, reverse=True):
            # readings that are held come in one piece more or less in gaps of one length; what is learnt hardly differs
            if not size <= longest <= max(size + 1, _ALIKE * size):
                longest = size
            alike[size].studied_as = longest

    def _fill(self, place: tuple[int, int]) -> None:
        alike = self._alike[place]
        masks = self._masks_for(alike.studied_as) if alike.size else None
        if masks is not None and self._series is not None:
            if alike.pattern is None:
                self._part(alike, masks, self._series)
                alike = self._alike[place]
            study = self._study(alike.pattern or b"", masks, self._series)
            if study is not None:
                self._guess(study, alike.gaps, np.array([part.begin for part in alike.parts]), alike.size)
                return
        if alike.size:
            self._known |= {(gap.begin, gap.end): self._line.fill(gap) for gap in alike.gaps}
        elif self._updates is not None:
            self._keep(self._updates, alike.gaps, self._values, np.zeros_like(self._values), "held")

    def _part(self, alike: _Alike, masks: Masks, series: Series) -> None:
        """Those of one length into those that may ask the same companions."""
        for pattern, places in self._sources.patterns(series, masks.size, alike.parts):
            its, parts = ([each[place] for place in places] for each in (alike.gaps, alike.parts))
            one = _Alike(alike.size, its, parts, alike.studied_as, pattern)
            self._alike |= {(gap.begin, gap.end): one for gap in its}

    @staticmethod
    def _narrowed(gap: Gap, piece: Places) -> Gap:
        """The pieces of which nothing was measured; of no length where all were."""
        begin = int(piece[gap.begin - 1]) + 1
        return Gap(begin, max(begin, int(piece[gap.end])))

    def _study(self, pattern: bytes, masks: Masks, series: Series) -> Study | None:
        key = (pattern, masks.size)
        if key not in self._studies and len(self._studies) < self._most_studies:
            self._studies[key] = studied(series, self._sources, pattern, masks, self._totaliser)
        return self._studies.get(key)

    def _masks_for(self, size: int) -> Masks | None:
        """Of about *size*; of the longest there can be where the window is too short for that."""
        length = size_class(size)
        if length not in self._masks:
            found = None if self._series is None else Masks.spread(self._series, length)
            self._masks[length] = self._masks_for(shorter(length)) if found is None and length > 1 else found
        return self._masks[length]

    def _guess(self, study: Study, together: Sequence[Gap], begins: Places, size: int) -> None:
        found, stds = study.guesses(begins, size)
        low, high = self._bounds
        found = np.minimum(np.maximum(found * study.series.scale + study.series.mean, low), high)
        stds = stds * study.series.scale
        if self._updates is None:
            stds = np.maximum(stds, self._floors(together)[:, None])
            method = study.method
            for gap, its, doubt in zip(together, found, stds, strict=True):
                self._known[gap.begin, gap.end] = Estimate(its, doubt, method)
            return
        values, doubts = self._values.copy(), np.zeros_like(self._values)
        places = begins[:, None] + np.arange(size)
        values[places], doubts[places] = found, stds
        self._keep(self._updates, together, values, doubts, study.method)

    def _keep(self, held: Updates, together: Sequence[Gap], values: Floats, doubt: Floats, method: str) -> None:
        """What *values* and *doubt* of the series, whose pieces may be longer than a place, say of each gap."""
        floors = np.maximum(self._floors(together), held.doubt).tolist()
        for gap, floor in zip(together, floors, strict=True):
            at = held.piece[gap.begin : gap.end]
            self._known[gap.begin, gap.end] = Estimate(values[at], np.maximum(doubt[at], floor), method)

    def _floors(self, together: Sequence[Gap]) -> Floats:
        return self._window.floors(np.array([gap.begin for gap in together]))


def fill(window: Window, gap: Gap) -> Estimate:
    """One gap of *window*; whoever has more keeps an `Auto`, or asks for `fill_all`."""
    return Auto(window).fill(gap)


def fill_all(window: Window) -> list[tuple[Gap, Estimate]]:
    """Every gap of *window* that has a reading on both sides, oldest first."""
    auto = Auto(window)
    return [(gap, auto.fill(gap)) for gap in gaps(window.values) if gap.end < len(window.values)]
