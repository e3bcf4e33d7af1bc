"""Seasonal naive: as it was at this time a week ago, or a day ago where there is no week."""

from dataclasses import dataclass

import numpy as np

from analytics.dispatch.pump import Array
from analytics.forecast.series import Calendar, Outlook, Series

NAME = "seasonal naive"
LEAST_DAYS = 1.0  # before the first origin of a trial
_LEAST_SPREAD = 1e-3  # of the mean


@dataclass(frozen=True, slots=True)
class Naive:
    """The same time of the last week with a value there, or of the last day; how far off that was before."""

    spread: float

    @classmethod
    def fitted(cls, series: Series) -> "Naive":
        """By what the past missed."""
        values, day = series.values, series.per_day
        lag = 7 * day if len(values) > 8 * day else day
        missed = values[lag:] - values[:-lag]
        known = missed[np.isfinite(missed)]
        usual = 1.4826 * float(np.median(np.abs(known))) if len(known) else 0.0
        return cls(max(usual, _LEAST_SPREAD * float(np.abs(np.nanmean(values))), 1e-9))

    def outlook(self, series: Series, ahead: Calendar) -> Outlook:
        """For the steps after *series*."""
        steps = np.arange(len(ahead.local_ms))
        centre = _lagged(series, steps, (7, 14, 21))
        for days in ((1, 2, 3, 4, 5, 6), ()):
            missing = np.isnan(centre)
            centre[missing] = _lagged(series, steps, days)[missing] if days else float(np.nanmean(series.values))
        return Outlook(centre, np.full(len(steps), self.spread))


def _lagged(series: Series, steps: np.ndarray[tuple[int, ...], np.dtype[np.int64]], days: tuple[int, ...]) -> Array:
    """The first known of the values so many days before each of *steps* after the series' end."""
    found = np.full(len(steps), np.nan)
    for lag in days:
        at = len(series) + steps - lag * series.per_day
        inside = (at >= 0) & (at < len(series)) & np.isnan(found)
        found[inside] = series.values[at[inside]]
    return found
