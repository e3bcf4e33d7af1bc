"""Holt-Winters with two seasons: level, shape of the day and shape of the week, each smoothed on, and what is left."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.dispatch.pump import Array
from analytics.forecast.series import Calendar, Outlook, Series

NAME = "Holt-Winters"
LEAST_DAYS = 6.0  # before the first origin of a trial
_WEEKS = 6  # of the newest past that are gone through
_TRIED = {"phi": (0.7, 0.97), "delta": (0.03, 0.25), "alpha": (0.0, 0.02), "omega": (0.05, 0.4)}
_APART = 0.77  # days between the origins that constants are chosen by
_LEAST_SPREAD = 1e-3  # of the mean

Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class _State:
    """What the past has come to."""

    level: float
    day: Array  # by place of the day
    week: Array  # by place of the week
    left: float  # of the last known value, faded since

    def ahead(self, day: Places, week: Places, phi: float) -> Array:
        """What is expected at these places, one after the other."""
        return self.level + self.day[day] + self.week[week] + self.left * phi ** np.arange(1, len(day) + 1)


@dataclass(frozen=True, slots=True)
class Smoothing:
    """y = level + day + week + left, additive, without trend (after Taylor 2003).

    With e what level and seasons miss of a value: ``level += alpha e``, ``day += delta e``, ``week += omega e``, each
    season at the place of the local clock, so that a change of clocks shifts nothing; e lasts as ``phi ** k`` after k
    steps. A value that is not known changes nothing.
    """

    alpha: float = 0.005
    delta: float = 0.1
    omega: float = 0.2
    phi: float = 0.9
    spread: tuple[float, ...] = (1.0,)  # standard deviation of what is missed over the next day, by place of the day

    @classmethod
    def fitted(cls, series: Series) -> "Smoothing":
        """Of a few values of each constant, one after the other, those that miss least over the next day."""
        best = cls()
        missed = best.missed(series)
        for name, values in _TRIED.items():
            for value in values:
                changed: dict[str, Any] = {name: value}
                tried = replace(best, **changed)
                found = tried.missed(series)
                if _mean_size(found) < _mean_size(missed):
                    best, missed = tried, found
        return replace(best, spread=tuple(_spread(missed, series).tolist()))

    def outlook(self, series: Series, ahead: Calendar) -> Outlook:
        """For the steps after *series*."""
        *_, (_, now) = self._states(series, len(series))
        day, week = _places(ahead, series.per_day)
        return Outlook(now.ahead(day, week, self.phi), np.array(self.spread)[day])

    def missed(self, series: Series) -> Array:
        """Value less what was expected over the next day, (origins, per_day) by place of the day; NaN: not known."""
        per_day = series.per_day
        day, week = _places(series.calendar, per_day)
        rows = []
        for end, state in self._states(series, max(1, int(_APART * per_day))):
            if end + per_day <= len(series) and len(series) - end < 2 * len(series) // 3:
                next_day = slice(end, end + per_day)
                row = np.full(per_day, np.nan)
                row[day[next_day]] = series.values[next_day] - state.ahead(day[next_day], week[next_day], self.phi)
                rows.append(row)
        return np.array(rows) if rows else np.full((1, per_day), np.nan)

    def _states(self, series: Series, apart: int) -> Iterator[tuple[int, _State]]:
        """After each *apart* steps and at the end, what is known then."""
        first = max(0, len(series) - 7 * _WEEKS * series.per_day)
        values = series.values[first:]
        places = _places(Calendar(series.calendar.local_ms[first:]), series.per_day)
        level, day = _begun(values, places[0], series.per_day)
        week, left = [0.0] * (7 * series.per_day), 0.0
        for step, (value, on_day, in_week) in enumerate(_steps(values, *places)):
            if step and step % apart == 0:
                yield first + step, _State(level, np.array(day), np.array(week), left)
            left *= self.phi
            if not isnan(value):
                missed = value - level - day[on_day] - week[in_week]
                left = missed
                level += self.alpha * missed
                day[on_day] += self.delta * missed
                week[in_week] += self.omega * missed
        yield len(series), _State(level, np.array(day), np.array(week), left)


def _steps(values: Array, day: Places, week: Places) -> Iterator[tuple[float, int, int]]:
    return zip(values.tolist(), day.tolist(), week.tolist(), strict=True)


def _begun(values: Array, place: Places, per_day: int) -> tuple[float, list[float]]:
    """Level and shape of the day, of the first week."""
    first = values[: 7 * per_day]
    known = np.isfinite(first)
    level = float(first[known].mean()) if known.any() else 0.0
    sums = np.bincount(place[: len(first)][known], first[known] - level, per_day)
    counts = np.bincount(place[: len(first)][known], minlength=per_day)
    return level, (sums / np.maximum(counts, 1)).tolist()


def _places(calendar: Calendar, per_day: int) -> tuple[Places, Places]:
    """Of the day and of the week."""
    day = np.minimum((calendar.day_share * per_day).astype(np.int64), per_day - 1)
    return day, calendar.weekday * per_day + day


def _mean_size(missed: Array) -> float:
    known = np.isfinite(missed)
    return float(np.abs(missed[known]).mean()) if known.any() else np.inf


def _spread(missed: Array, series: Series) -> Array:
    """By place of the day, smoothed over the places around."""
    least = max(_LEAST_SPREAD * float(np.abs(np.nanmean(series.values))), 1e-9)
    known = np.isfinite(missed)
    squares, counts = np.where(known, missed, 0.0) ** 2, known.sum(axis=0)
    reach = max(1, missed.shape[1] // 8)
    rolled = [np.roll(np.stack([squares.sum(axis=0), counts]), step, axis=1) for step in range(-reach, reach + 1)]
    total, number = np.sum(rolled, axis=0)
    return np.asarray(np.maximum(np.sqrt(total / np.maximum(number, 1)), least))
