"""The flow that brings a tank or well to a level and holds it there, by what came and went in the last half hour."""

from dataclasses import dataclass

import numpy as np

from agent.availability import LEAST_SUMMED
from agent.jobs.job import JobContext
from agent.jobs.plans.demand import storage_of
from agent.plant import HeaderSettings, TankSettings
from agent.roles import known_tags
from agent.window import frame

BACK_HOURS = 2.0  # in which a level is brought back to the one that is required
_PAST_MS = 1_800_000  # of levels and flows: long enough for a level that is read in centimetres
_CELL_MS = 60_000
_THERE = 0.01  # m
_HOUR_MS = 3_600_000


class NoBalanceError(Exception):
    """Why no flow can be told; a clause."""


@dataclass(frozen=True, slots=True)
class Balance:
    """A flow through the header."""

    flow: float  # m³/h
    accuracy: float  # share of it, two standard deviations
    purpose: str  # what it is for


def flow_for(context: JobContext, header: HeaderSettings, wanted: float) -> Balance:
    """The flow of *header* that brings the level to *wanted*, m, in two hours, while else all flows go on.

    What comes and goes otherwise is the slope of the tank's volume without what the header has brought (a well: taken),
    which may have stepped meanwhile as pumps were switched::

        Q = -sign d(V - sign sum(Q dt))/dt + sign (V(wanted) - V(now)) / 2 h, sign 1 for a tank and -1 for a well

    Raises:
        NoBalanceError: Too little of the level or of the flow was measured, or the level is old.
    """
    tank = context.settings.tank
    if tank is None:
        raise NoBalanceError("there is no tank")
    storage = storage_of(tank)
    volumes, pumped = _measured(context, header, tank)
    others = volumes - storage.sign * pumped  # m³ that would be there without the pumps
    hours = np.arange(len(volumes)) * _CELL_MS / _HOUR_MS
    known = np.isfinite(others)
    slope, slope_std = _slope(hours[known], others[known])
    now = float(np.mean(others[known] + slope * (hours[-1] - hours[known])) + storage.sign * pumped[-1])
    back = (float(storage.volume(np.array(wanted))) - now) / BACK_HOURS
    asked = storage.sign * (back - slope)
    # A level that is read in steps may have moved by one without a sign of it.
    level_tag = known_tags(context.settings)[tank.level]
    step = float(level_tag.unit.convert_difference(level_tag.resolution))
    steps = storage.volume(np.array([wanted, wanted + step]))
    std = float(np.hypot(slope_std, (steps[1] - steps[0]) / 2 / hours[-1]))
    level = float(storage.level(np.array(now)))
    purpose = f"to bring {tank.level} from {level:.2f} to {wanted:.2f} m in {BACK_HOURS:.0f} h"
    if abs(level - wanted) < _THERE:
        purpose = f"to hold {tank.level} at {wanted:.2f} m"
    return Balance(asked, 2 * std / max(abs(asked), 1e-9), purpose)


def _measured(context: JobContext, header: HeaderSettings, tank: TankSettings) -> tuple[np.ndarray, np.ndarray]:
    """Volumes in the tank, m³, NaN where not known, and those pumped since the first of them, of each minute."""
    past = frame(
        context.reader,
        context.settings,
        [tank.level, *header.flow],
        context.now_ms - _PAST_MS,
        context.now_ms,
        _CELL_MS,
    )
    for tag in (tank.level, *header.flow):
        if past.availability(tag).known < LEAST_SUMMED:
            raise NoBalanceError(f"{tag} was measured in too little of the last half hour")
    seen = int(past.times_ms[np.flatnonzero(np.isfinite(past.values[tank.level]))[-1]]) + _CELL_MS
    if (age := (context.now_ms - seen) / 1_000) > context.settings.advice.stale_after:
        raise NoBalanceError(f"{tank.level} has had no good value for {age:.0f} s")
    flow = np.sum([_without_gaps(past.values[tag]) for tag in header.flow], axis=0, dtype=np.float64)
    brought = flow * _CELL_MS / _HOUR_MS
    return storage_of(tank).volume(past.values[tank.level]), np.cumsum(brought) - brought / 2


def _without_gaps(values: np.ndarray) -> np.ndarray:
    known, cells = np.isfinite(values), np.arange(len(values))
    return np.asarray(np.interp(cells, cells[known], values[known]))


def _slope(hours: np.ndarray, volumes: np.ndarray) -> tuple[float, float]:
    """Of a line through volumes, m³/h, and its standard deviation."""
    centred = hours - hours.mean()
    slope = float(centred @ volumes / (centred @ centred))
    rest = volumes - volumes.mean() - slope * centred
    return slope, float(np.sqrt(rest @ rest / max(len(hours) - 2, 1) / (centred @ centred)))
