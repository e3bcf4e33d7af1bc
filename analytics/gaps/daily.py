"""Gaps of half an hour and longer, judged by what quarters of an hour have been for days, in which days are alike."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from analytics.gaps.auto import Auto
from analytics.gaps.gap import Estimate, Floats, Gap, Method, Window
from analytics.gaps.totaliser import share

CYCLE = 96  # quarters of an hour in a day
PAST, _AFTER = 14 * CYCLE, CYCLE // 2  # of them before and after a gap that are looked at
_LEAST = 2 * CYCLE  # of them that were measured
_LONG = 2  # quarters of an hour that a gap lasts at least
_ENDS = 30  # readings on either side, whose mean a guess meets
_JUDGED = 3  # times a gap's length that has to be measured for gaps of its length to be judged in a window
_NEW = 2.0  # standard deviations between two guesses, from which the window has not seen what days have
_OWN = frozenset({"linear", "level", "kriging"})


@dataclass(frozen=True, slots=True)
class Quarters:
    """A tag's means by quarters of an hour, in which its window lies."""

    means: Floats  # shape (m,), NaN where not measured
    places: Floats  # of each place of the window, in quarters after the first one began, shape (n,)


def is_long(quarters: float) -> bool:
    """Whether a gap of so many quarters of an hour is looked at by these."""
    return quarters >= _LONG


class Daily:
    """Gaps by quarters of an hour where a window is too short for them, or misses more; all others as *otherwise* says.

    A window of 1,800 seconds has no gaps of an hour in which to try anything, and no yesterday. Means by quarters of
    an hour do: artificial gaps in them choose among lines, the level, kriging and the means of other days at this
    time (`Auto`). What they say is joined to the readings at both ends by the mean of 30 of these at most, and what
    the gap adds up to stays where a counter has told it.

    >>> day = np.sin(np.arange(14 * 86_400 / 60) * 2.0 * np.pi / 1_440)  # a reading a minute
    >>> readings = np.where(np.abs(np.arange(20_160) - 18_000) < 60, np.nan, day)
    >>> quarters = Quarters(readings.reshape(-1, 15).mean(axis=1), np.arange(20_160)[-3_000:] / 15)
    >>> from analytics.gaps.linear import Line
    >>> window = Window(readings[-3_000:])
    >>> found = Daily(window, quarters, Line(window)).fill(Gap(781, 900))
    >>> bool(np.abs(found.values - day[-3_000:][781:900]).max() < 0.01)
    True

    Args:
        window: Whose gaps.
        quarters: Of its tag, over days.
        otherwise: What fills the other gaps.
    """

    def __init__(self, window: Window, quarters: Quarters, otherwise: Method) -> None:
        self._window = window
        self._quarters = quarters
        self._otherwise = otherwise
        self._measured = np.flatnonzero(np.isfinite(window.values))

    def fill(self, gap: Gap) -> Estimate:
        """What is put into *gap*; empty while it is open."""
        found = self._otherwise.fill(gap)
        if not len(found.values):
            return found
        daily = self._daily(gap)
        if daily is None:
            return found
        if not self._is_better(gap, daily, found):
            return found
        if "totaliser" not in found.method:
            return daily
        lacking = float(found.values.sum() - daily.values.sum())
        return Estimate(daily.values + lacking * share(len(gap)), daily.std, f"{daily.method}+totaliser")

    def _is_better(self, gap: Gap, daily: Estimate, found: Estimate) -> bool:
        """Whether *daily* misses less than what was *found* in the window.

        Where nobody else has told anything, it does also where the window is too short to tell, or other days know of
        what is new to it.
        """
        doubt, by_days = float((found.std**2).mean()), float((daily.std**2).mean())
        if by_days < doubt or not set(found.method.split("+")) <= _OWN:
            return by_days < doubt
        apart = float(((daily.values - found.values) ** 2).mean())
        return len(self._measured) < _JUDGED * len(gap) or apart > _NEW**2 * (doubt + by_days)

    def _daily(self, gap: Gap) -> Estimate | None:
        """By quarters of an hour; None where the gap is short, or there are too few."""
        places = self._quarters.places
        first, stop = int(places[gap.begin]), int(places[gap.end]) + 1
        if not is_long(float(places[gap.end] - places[gap.begin])) or not 0 < first <= stop < len(self._quarters.means):
            return None
        means = self._means(first, stop)
        start = max(first - PAST, 0)
        part = means[start : stop + _AFTER]
        if not np.isfinite(means[[first - 1, stop]]).all() or np.isfinite(part).sum() < _LEAST:
            return None
        window = Window(part, valid=self._window.valid, cycle=CYCLE)
        said = Auto(window).fill(Gap(first - start, stop - start))
        means[first:stop] = said.values
        values = _through(means[first - 1 : stop + 1], places - first)
        low, high = window.bounds
        found = np.clip(values[gap.begin : gap.end] + self._joined(gap, values), low, high)
        doubt = np.interp(places[gap.begin : gap.end] - first, np.arange(stop - first) + 0.5, said.std)
        std = np.maximum(np.hypot(doubt, self._noise), self._window.floor(gap))
        return Estimate(found, std, said.method)

    def _means(self, first: int, stop: int) -> Floats:
        """With none of the quarters *first* up to *stop*.

        Where readings have only just come again, *stop* is what the quarter before it is by these.
        """
        means = np.where(np.isfinite(self._quarters.means), self._quarters.means, self._own)
        means[first:stop] = np.nan
        means[stop] = self._own[stop - 1] if np.isnan(means[stop]) else means[stop]
        return means

    def _joined(self, gap: Gap, values: Floats) -> Floats:
        """A line from what readings before the gap are above *values* to what those after it are, shape (g,)."""
        middle = int(np.searchsorted(self._measured, gap.begin))
        ends = self._measured[max(middle - _ENDS, 0) : middle], self._measured[middle : middle + _ENDS]
        before, after = (float(np.nanmean(self._window.values[end] - values[end])) for end in ends)
        return np.linspace(before, after, len(gap))

    @cached_property
    def _own(self) -> Floats:
        """Means of what the window has of each quarter of an hour, NaN where nothing."""
        quarter, values, size = *self._seen, len(self._quarters.means)
        counts = np.bincount(quarter, minlength=size)
        return np.where(counts > 0, np.bincount(quarter, values, size) / np.maximum(counts, 1), np.nan)

    @cached_property
    def _noise(self) -> float:
        """Standard deviation of single readings about the means of their quarters of an hour."""
        quarter, values = self._seen
        return float((values - self._own[quarter]).std())

    @cached_property
    def _seen(self) -> tuple[NDArray[np.intp], Floats]:
        """Readings of the window, and in which quarter each is."""
        quarter = np.floor(self._quarters.places[self._measured]).astype(np.intp)
        known = (quarter >= 0) & (quarter < len(self._quarters.means))
        return quarter[known], self._window.values[self._measured[known]]


def _through(means: Floats, places: Floats) -> Floats:
    """Lines through the middles of quarters of an hour, such that *means* are about theirs; NaN beyond these.

    Args:
        means: Of the quarters from -1 on.
        places: In quarters.
    """
    middles = means.copy()
    middles[1:-1] -= (means[:-2] - 2.0 * means[1:-1] + means[2:]) / 8.0
    return np.interp(places, np.arange(len(means)) - 0.5, middles, np.nan, np.nan)
