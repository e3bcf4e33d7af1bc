"""Which sets of pumps a schedule chooses from: all of them, or of many the ones that are cheap somewhere."""

from collections.abc import Sequence

import numpy as np

from analytics.dispatch.lines import Line, table_at
from analytics.dispatch.pump import Array
from analytics.dispatch.sets import Masks
from analytics.dispatch.survey import answers, survey
from analytics.schedule.beside import Beside
from analytics.schedule.problem import Problem

_MOST = 64  # sets; all those of six pumps
_FLOWS = 48
_POINTS = 17
_DEARER = 1.25  # times the cheapest at a flow: what is dearer everywhere is left out


def sets_of(problem: Problem, lines: Sequence[Line]) -> Masks:
    """Sets (s, n) that may be chosen: nobody first, and always the present one."""
    count = len(problem.units)
    now = np.array([unit.is_on for unit in problem.units])
    masks: Masks = (np.arange(2**count)[:, None] >> np.arange(count) & 1).astype(np.bool_)
    locks = problem.locks
    never, always = (locks == -1).all(axis=0), (locks == 1).all(axis=0)
    fits = ~(masks & never).any(axis=1) & ~(~masks & always).any(axis=1)
    fits |= (masks == now).all(axis=1)
    fits[0] = True
    masks = masks[fits]
    return masks if len(masks) <= _MOST else _cheap(problem, lines, masks, now)


def _cheap(problem: Problem, lines: Sequence[Line], masks: Masks, now: Masks) -> Masks:
    """Those that come nearest to the cheapest at some flow at some level: the present one or at an end."""
    levels = (problem.level, problem.storage.low, problem.storage.high)
    dearer = np.min([_dearer(problem, lines, masks, level) for level in levels], axis=0)
    order = np.argsort(dearer, kind="stable")[: _MOST - 2]
    kept = np.zeros(len(masks), np.bool_)
    kept[0] = True
    kept[1 + order[dearer[order] <= _DEARER]] = True
    kept |= (masks == now).all(axis=1)
    return masks[kept]


def _dearer(problem: Problem, lines: Sequence[Line], masks: Masks, level: float) -> Array:
    """Times the cheapest of all at the flow where each set but the first is best, at *level*, (s - 1,)."""
    most = sum(line.physics.speed_max * line.phi_max for line in lines)
    flow = np.linspace(most / _FLOWS, most, _FLOWS)
    head = np.maximum(problem.head(np.full(_FLOWS, level), flow), 1e-3)
    lined = table_at(lines, flow, flow, head, _POINTS)
    look = survey(lined, masks[1:], answers(lined, _POINTS))
    tolerance = 1.0 / _FLOWS  # fixed pumps meet no flow of a grid exactly
    power = np.where(look.room >= -tolerance * most / flow, look.power, np.inf)
    dear = float(np.abs(problem.price).mean()) or 1.0
    power = power + Beside.of(problem, masks[1:]).hourly[:, None] / dear
    with np.errstate(invalid="ignore"):
        return np.asarray(np.nan_to_num(power / power.min(axis=0), nan=np.inf).min(axis=1))
