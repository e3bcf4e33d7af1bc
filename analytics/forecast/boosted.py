"""Gradient-boosted trees for quantiles: calendar, the same time some days before, and the level of late."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor

from analytics.dispatch.pump import Array
from analytics.forecast.series import Calendar, Outlook, Series

NAME = "boosted quantiles"
LEAST_DAYS = 16.0  # before the first origin of a trial: each lag has to be known somewhere
_LAGS = (2, 3, 7, 14)  # days; all before any step that is forecast
_LEVELS = (0.1, 0.5, 0.9)
_NORMAL = 2.563  # width of a normal distribution between these levels, in standard deviations
_TREES, _LEAVES, _LEAST_LEAF = 80, 15, 30


@dataclass(frozen=True, slots=True, eq=False)
class Boosted:
    """One model a quantile; the outer ones tell how far off is usual where."""

    models: tuple[Any, ...]

    @classmethod
    def fitted(cls, series: Series) -> "Boosted":
        """To the past."""
        steps = np.arange(_LAGS[-2] * series.per_day, len(series))
        features = _features(series, steps, Calendar(series.calendar.local_ms[steps]))
        known = series.is_known[steps]
        models = []
        for level in _LEVELS:
            model = HistGradientBoostingRegressor(
                loss="quantile",
                quantile=level,
                max_iter=_TREES,
                max_leaf_nodes=_LEAVES,
                min_samples_leaf=_LEAST_LEAF,
                learning_rate=0.08,
                early_stopping=False,
                random_state=0,
            )
            models.append(model.fit(features[known], series.values[steps][known]))
        return cls(tuple(models))

    def outlook(self, series: Series, ahead: Calendar) -> Outlook:
        """For the steps after *series*, at most two days of them."""
        steps = len(series) + np.arange(len(ahead.local_ms))
        low, centre, high = (model.predict(_features(series, steps, ahead)) for model in self.models)
        least = 1e-3 * max(float(np.abs(np.nanmean(series.values))), 1e-6)
        return Outlook(centre, np.maximum((high - low) / _NORMAL, least))


def _features(series: Series, steps: np.ndarray[tuple[int, ...], np.dtype[np.int64]], calendar: Calendar) -> Array:
    """(n, features); NaN where not known, which the trees can take."""
    padded = np.concatenate([series.values, [np.nan]])
    columns = [calendar.day_share, calendar.weekday.astype(np.float64)]
    for days in _LAGS:
        at = steps - days * series.per_day
        columns.append(padded[np.where((at >= 0) & (at < len(series)), at, len(series))])
    columns.append(_level(series, steps))
    return np.stack(columns, axis=1)


def _level(series: Series, steps: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> Array:
    """Mean of the day that ended two days before each step."""
    known = series.is_known
    sums = np.concatenate([[0.0], np.cumsum(np.where(known, series.values, 0.0))])
    counts = np.concatenate([[0], np.cumsum(known)])
    end = np.clip(steps - 2 * series.per_day + 1, 0, len(series))
    start = np.maximum(end - series.per_day, 0)
    count = counts[end] - counts[start]
    return np.where(count > 0, (sums[end] - sums[start]) / np.maximum(count, 1), np.nan)
