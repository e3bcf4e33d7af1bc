"""A plan's steps on the clock, and what the forecast's half hours and their quantiles say of each."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.jobs.plans.demand import REACH, SLOT_MS, DemandState, Expected
from analytics.hydraulics import Floats
from analytics.schedule.margin import factors, level_margin
from analytics.schedule.storage import Storage

QUARTER_MS = 900_000  # what steps are made of: one, two or four
_HOUR_MS = 3_600_000
_HALVES = SLOT_MS // QUARTER_MS
_NINE_TENTHS = 1.645  # standard deviations of a normal distribution on either side


def begin_ms(now_ms: int, step_ms: int) -> int:
    """When the plan's first step began: at a half hour of the clock, or a quarter where steps are no longer."""
    grid_ms = min(step_ms, SLOT_MS)
    return now_ms // grid_ms * grid_ms


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """T steps of k quarter hours."""

    quarters_ms: NDArray[np.int64]  # (T, k) when each begins
    demand: Floats  # (T,) m³/h
    margin: Floats  # (T,) m to keep off the limits of the level
    std: Floats  # (T,) m³/h by which the forecast may miss the mean of a step

    @property
    def times_ms(self) -> NDArray[np.int64]:
        """When each step begins, (T,)."""
        return self.quarters_ms[:, 0]


def steps_of(kept: DemandState, expected: Expected, storage: Storage, now_ms: int, step_ms: int, most: int) -> Steps:  # noqa: PLR0917 - the forecast, the storage, and the steps asked for
    """At most *most* steps of *step_ms*, as far as the forecast reaches.

    A quarter hour has the mean flow of its half hour, and its margin: what forecasts missed by adds up to that at the
    half hour's end. An hour has the mean of both and the greater margin, and more by what its level leaves a straight
    line, as no plan sees the level within a step.
    """
    count = step_ms // QUARTER_MS
    first = max(0, (begin_ms(now_ms, step_ms) - expected.start_ms) // QUARTER_MS)
    half = first // _HALVES  # the one it begins in
    steps = min(most, (_HALVES * len(expected.centre) - first) // count)
    own = slice(first - _HALVES * half, first - _HALVES * half + steps * count)
    low, high = np.array(expected.low[half:]), np.array(expected.high[half:])
    each = factors(np.array(kept.missed, np.float64).reshape(-1, REACH))
    kept_off = np.repeat(level_margin(low, high, SLOT_MS / _HOUR_MS, storage, each), _HALVES)[own].reshape(-1, count)
    drawn = np.repeat(np.array(expected.centre[half:]), _HALVES)[own].reshape(-1, count)
    return Steps(
        quarters_ms=expected.start_ms
        + QUARTER_MS * (first + np.arange(steps * count, dtype=np.int64)).reshape(-1, count),
        demand=drawn.mean(axis=1),
        margin=kept_off.max(axis=1) + _within(drawn, storage),
        std=np.repeat((high - low) / (2 * _NINE_TENTHS), _HALVES)[own].reshape(-1, count).mean(axis=1),
    )


def drawn_std(expected: Expected, start_ms: int, step_ms: int, steps: int) -> Floats:
    """Standard deviation of all that is drawn by the end of each of T *steps* from *start_ms*, m³; nan: not known."""
    ends = (start_ms - expected.start_ms + step_ms * np.arange(1.0, steps + 1)) / SLOT_MS
    known = np.array([0.0, *expected.added])
    return np.asarray(np.interp(ends, np.arange(len(known)), known, right=np.nan))


def _within(drawn: Floats, storage: Storage) -> Floats:
    """Metres by which the level leaves a straight line on either side of each step's end, (T,); *drawn* (T, k)."""
    first, last = storage.volume(np.array([storage.low, storage.high])).tolist()
    missed = np.cumsum(drawn - drawn.mean(axis=1, keepdims=True), axis=1) * (QUARTER_MS / _HOUR_MS)
    off = np.abs(missed).max(axis=1) * (storage.high - storage.low) / (last - first)
    return np.asarray(np.maximum(off, np.append(off[1:], 0.0)))
