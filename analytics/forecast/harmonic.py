"""Harmonic regression: the shape of workdays and of weekends, and what is left over of the last hours."""

from dataclasses import dataclass

import numpy as np

from analytics.dispatch.pump import Array
from analytics.forecast.drift import Drift, scales, sizes
from analytics.forecast.series import Calendar, Outlook, Series

NAME = "harmonic regression"
LEAST_DAYS = 1.5  # before the first origin of a trial
_HARMONICS = 5
_WEEKS_FROM = 10.0  # days from which on weekends have a shape of their own
_MEMORY_DAYS = 21.0
_RIDGE = 1e-3
_RECENT_DAYS = 3  # that tell where the drift is
_SHARE = 0.25  # of a day: over it the spread is smoothed


@dataclass(frozen=True, slots=True, eq=False)
class Harmonic:
    """y = Σ aₖ cos 2πkτ + bₖ sin 2πkτ by kind of day, τ the share of the day, least squares with fading weights.

    What is left over of late fades out into the forecast, as a share of the fit where it goes with its size.
    """

    weights: Array
    has_weekends: bool
    mean: float  # of the fit
    drift: Drift
    in_shares: bool  # the drift is one of shares of the fit
    scale: float  # its standard deviation
    shape: Array  # (24,) of the spread over the hours of the day, about 1

    @classmethod
    def fitted(cls, series: Series) -> "Harmonic":
        """To the past."""
        has_weekends = series.known_days >= _WEEKS_FROM
        known = np.flatnonzero(series.is_known)
        columns = _columns(Calendar(series.calendar.local_ms[known]), has_weekends=has_weekends)
        values = series.values[known]
        fading = np.exp(-(len(series) - known) / (_MEMORY_DAYS * series.per_day))
        normal = columns.T @ (fading[:, None] * columns) + _RIDGE * np.eye(columns.shape[1])
        weights = np.linalg.solve(normal, columns.T @ (fading * values))
        left = np.full(len(series), np.nan)
        left[known] = values - columns @ weights
        fit = _columns(series.calendar, has_weekends=has_weekends) @ weights
        mean, in_shares = float(fit.mean()), scales(left, fit, series.per_day)
        drift = Drift.fitted(left / sizes(fit, mean) if in_shares else left)
        scale = max(float(np.nanstd(left)), 1e-3 * float(np.abs(np.nanmean(values))), 1e-9)
        shape = _shape(left, series.calendar, scale)
        return cls(np.asarray(weights, np.float64), has_weekends, mean, drift, in_shares, scale, shape)

    def outlook(self, series: Series, ahead: Calendar) -> Outlook:
        """For the steps after *series*."""
        centre = _columns(ahead, has_weekends=self.has_weekends) @ self.weights
        recent = slice(max(0, len(series) - _RECENT_DAYS * series.per_day), None)
        fit = _columns(Calendar(series.calendar.local_ms[recent]), has_weekends=self.has_weekends) @ self.weights
        left = series.values[recent] - fit
        if self.in_shares:
            centre *= 1 + self.drift.ahead(left / sizes(fit, self.mean), len(centre))
        else:
            centre += self.drift.ahead(left, len(centre))
        hours = np.minimum((ahead.day_share * 24).astype(np.intp), 23)
        return Outlook(centre, self.scale * self.shape[hours])


def _columns(calendar: Calendar, *, has_weekends: bool) -> Array:
    """(n, columns)."""
    angles = 2 * np.pi * calendar.day_share[:, None] * np.arange(1, _HARMONICS + 1)
    daily = np.concatenate([np.ones((len(angles), 1)), np.cos(angles), np.sin(angles)], axis=1)
    if not has_weekends:
        return daily
    weekend = calendar.is_weekend[:, None]
    return np.concatenate([daily * ~weekend, daily * weekend], axis=1)


def _shape(left: Array, calendar: Calendar, scale: float) -> Array:
    """How much larger the errors of each hour are than usual, smoothed over neighbouring hours."""
    hours = np.minimum((calendar.day_share * 24).astype(np.intp), 23)
    known = np.isfinite(left)
    squares = np.bincount(hours[known], left[known] ** 2, minlength=24)
    counts = np.bincount(hours[known], minlength=24)
    reach = int(24 * _SHARE) // 2
    rolled = [np.roll(np.stack([squares, counts]), step, axis=1) for step in range(-reach, reach + 1)]
    squares, counts = np.sum(rolled, axis=0)
    return np.asarray(np.clip(np.sqrt(squares / np.maximum(counts, 1)) / scale, 0.4, 2.5))
