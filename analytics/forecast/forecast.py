"""The forecast: the method that missed least from rolling origins, and quantiles by what it missed there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from analytics.dispatch.pump import Array
from analytics.forecast import boosted, harmonic, naive, smoothing
from analytics.forecast.boosted import Boosted
from analytics.forecast.harmonic import Harmonic
from analytics.forecast.naive import Naive
from analytics.forecast.series import Calendar, Outlook, Series
from analytics.forecast.smoothing import Smoothing

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
LEAST_DAYS = 4.0  # of values
_ORIGINS = 12
_APART = 1.29  # days between origins, so that they fall on all hours
_BLOCK_SHARE = 0.4  # of the past: what origins may lie in
_LEADS = (0.125, 0.5, 1.0, 2.0)  # days: within each band of leads errors are taken together
_LEAST_ERRORS = 40  # of a band; else it shares those of all bands
_SLOW = frozenset({smoothing.NAME, boosted.NAME})  # to fit: once for all origins of a trial, to what was before them
_BETTER = 0.97  # times the error of a simpler method: what a harder one has to reach


class Model(Protocol):
    """A fitted method."""

    def outlook(self, series: Series, ahead: Calendar) -> Outlook:
        """For the steps after *series*, which may be longer than what it was fitted to."""


@dataclass(frozen=True, slots=True, eq=False)
class Forecast:
    """What is expected in each of h steps."""

    method: str
    centre: Array  # (h,)
    quantiles: Array  # (levels, h), rising along the first axis
    levels: tuple[float, ...]
    error: float  # mean absolute error over the rolling origins
    errors: dict[str, float]  # the same of every method that had enough history
    coverage: float  # share of the past between the outermost quantiles, each origin left out in turn
    added: Array  # (h,) standard deviation of the sum of the first 1 to h steps; nan: none was seen through


@dataclass(frozen=True, slots=True)
class NoForecast:
    """Too little is known."""

    why: str


@dataclass(frozen=True, slots=True, eq=False)
class _Trial:
    """A method over the rolling origins."""

    name: str
    origin: np.ndarray[tuple[int, ...], np.dtype[np.int64]]  # (m,) which one
    lead: Array  # (m,) days
    missed: Array  # (m,) value less centre
    score: Array  # (m,) the same in spreads

    @property
    def error(self) -> float:
        return float(np.abs(self.missed).mean())


def forecast(series: Series, ahead: Calendar) -> Forecast | NoForecast:
    """The steps after *series*, at most two days of them.

    Args:
        series: The past; some months are enough.
        ahead: Local times of the steps to come.
    """
    if series.known_days < LEAST_DAYS:
        return NoForecast(f"Only {series.known_days:.1f} days are known; a forecast needs {LEAST_DAYS:.0f}.")
    horizon = len(ahead.local_ms)
    trials = [trial for name in _eligible(series) if (trial := _tried(name, series, horizon)) is not None]
    if not trials:
        return NoForecast("The known past is too patchy to check a forecast against it.")
    best = trials[0]
    for trial in trials[1:]:
        best = trial if trial.error < _BETTER * best.error else best
    outlook = _fitted(best.name, series).outlook(series, ahead)
    leads = (np.arange(horizon) + 1) / series.per_day
    scores = _scores(best, leads)
    quantiles = np.maximum.accumulate(outlook.centre + outlook.spread * scores, axis=0)
    floor = 0.0 if np.nanmin(series.values) >= 0 else -np.inf
    return Forecast(
        method=best.name,
        centre=np.maximum(outlook.centre, floor),
        quantiles=np.maximum(quantiles, floor),
        levels=LEVELS,
        error=best.error,
        errors={trial.name: trial.error for trial in trials},
        coverage=_coverage(best),
        added=_added(best, leads),
    )


def _eligible(series: Series) -> list[str]:
    """Those that can be tried, the simplest first."""
    methods = (naive, harmonic, smoothing, boosted)
    return [one.NAME for one in methods if (1 - _BLOCK_SHARE) * series.known_days >= one.LEAST_DAYS]


def _fitted(name: str, series: Series) -> Model:
    match name:
        case naive.NAME:
            return Naive.fitted(series)
        case harmonic.NAME:
            return Harmonic.fitted(series)
        case smoothing.NAME:
            return Smoothing.fitted(series)
        case _:
            return Boosted.fitted(series)


def _tried(name: str, series: Series, horizon: int) -> _Trial | None:
    """Fitted to what was before the origins, and asked from each of them on."""
    begin = int((1 - _BLOCK_SHARE) * len(series))
    apart = int(_APART * series.per_day)
    origins = np.arange(len(series) - apart // 2, begin, -apart)[:_ORIGINS][::-1]
    if len(origins) < 2:  # noqa: PLR2004 - else nothing can be left out
        return None
    first = series.until(int(origins[0]))
    if first.known_days < 1:
        return None
    model = _fitted(name, first)
    parts: list[tuple[Array, ...]] = []
    for place, origin in enumerate(origins.tolist()):
        end = min(origin + horizon, len(series))
        past = series.until(origin)
        asked = model if name in _SLOW else _fitted(name, past)
        outlook = asked.outlook(past, Calendar(series.calendar.local_ms[origin:end]))
        missed = series.values[origin:end] - outlook.centre
        known = np.isfinite(missed)
        lead = (np.arange(end - origin) + 1) / series.per_day
        parts.append((np.full(int(known.sum()), place), lead[known], missed[known], (missed / outlook.spread)[known]))
    origin_of, lead, missed, score = (np.concatenate(column) for column in zip(*parts, strict=True))
    if len(np.unique(origin_of)) < 2:  # noqa: PLR2004 - likewise, of those after which anything is known
        return None
    return _Trial(name, origin_of.astype(np.int64), lead, missed, score)


def _scores(trial: _Trial, leads: Array, kept: Sequence[bool] | None = None) -> Array:
    """Quantiles of what was missed, in spreads, for each of *leads* (h,): shape (levels, h)."""
    use = np.ones(len(trial.score), np.bool_) if kept is None else np.asarray(kept)
    origins = len(np.unique(trial.origin[use]))
    found = np.empty((len(LEVELS), len(leads)))
    start = 0.0
    for end in _LEADS:
        band = use & (trial.lead > start) & (trial.lead <= end)
        scores = trial.score[band if band.sum() >= _LEAST_ERRORS else use]
        inside = (leads > start) & (leads <= end) if end < _LEADS[-1] else leads > start
        found[:, inside] = _wide(scores, origins)[:, None]
        start = end
    return found


def _wide(scores: Array, origins: int) -> Array:
    """Empirical quantiles a little outside of themselves.

    Errors from one origin go together, so that it is the number of origins that says how much is known of their
    spread (conformal, Vovk 2005; the factor is that of a new value against the mean of n).
    """
    levels = np.array(LEVELS)
    outward = np.sign(levels - 0.5) * np.abs(2 * levels - 1) / (4 * origins)
    middle = np.quantile(scores, 0.5)
    found = np.quantile(scores, np.clip(levels + outward, 0.0, 1.0))
    return np.asarray(middle + (found - middle) * (1 + 1 / origins))


def _added(trial: _Trial, leads: Array) -> Array:
    """How far the sum of what came was off in the first 1 to h steps of *leads* (h,), rms over origins; (h,).

    It is measured as it is: how long errors last no quantile of single steps says.
    """
    origins = np.unique(trial.origin)
    missed = np.full((len(origins), len(leads)), np.nan)
    missed[np.searchsorted(origins, trial.origin), np.searchsorted(leads, trial.lead - leads[0] / 2)] = trial.missed
    sums = np.cumsum(missed, axis=1)
    count = np.isfinite(sums).sum(axis=0)
    squares = np.nansum(sums**2, axis=0) / np.where(count, count, np.nan)
    return np.asarray(np.sqrt(squares * (1 + 1 / np.maximum(count, 1))))


def _coverage(trial: _Trial) -> float:
    """Share of what came that lay between the outermost quantiles made of the other origins."""
    inside = np.zeros(len(trial.score), np.bool_)
    for origin in np.unique(trial.origin):
        own = trial.origin == origin
        low, *_, high = _scores(trial, trial.lead[own], list(~own))
        inside[own] = (trial.score[own] >= low) & (trial.score[own] <= high)
    return float(inside.mean())
