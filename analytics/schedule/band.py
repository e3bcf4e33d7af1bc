"""Where the pressure of the header ends what sets of pumps can do."""

import numpy as np

from analytics.dispatch.pump import Array
from analytics.dispatch.sets import Masks
from analytics.schedule.problem import Problem
from analytics.schedule.windows import Window

_UNABLE = -1.0  # a room of a set that is far from able


def banded(problem: Problem, level: Array, window: Window, is_rigid: Masks) -> Window:
    """*window* (...) without the flows at which the header's pressure would be beyond its limits.

    Args:
        problem: Its limits, and what the pumps work against.
        level: Of the storage, m, broadcast with the window.
        window: What sets can do by themselves.
        is_rigid: Sets that have no choice of flow, which can run or cannot; broadcast likewise.
    """
    if not problem.pressures.has_band:
        return window
    least, most = (np.broadcast_to(each, window.low.shape) for each in _flows(problem, level))
    low = np.where(is_rigid, window.low, np.clip(least, window.low, window.high))
    high = np.where(is_rigid, window.high, np.clip(most, low, np.maximum(low, window.high)))
    scale = np.maximum(window.low, 1e-9)
    fixed = np.minimum(window.low - least, most - window.low) / scale
    free = (np.minimum(window.high, most) - np.maximum(window.low, least)) / scale
    is_cut = (least > window.low) | (most < window.high)
    room = np.minimum(window.slack, np.where(is_rigid, fixed, np.where(is_cut, free, np.inf)))
    return Window(low, high, np.maximum(room, np.minimum(window.slack, _UNABLE)))


def _flows(problem: Problem, level: Array) -> tuple[Array, Array]:
    """Between which flows the head keeps its limits at *level*, m³/h; the second below 0 where it cannot."""
    base, resistance = problem.base_head(level), problem.system.resistance
    least, most = (limit - base for limit in problem.pressures.heads(level))
    if not resistance:
        return np.where(least > 0, np.inf, 0.0), np.where(most < 0, -np.inf, np.inf)
    return np.sqrt(np.maximum(least, 0.0) / resistance), np.sign(most) * np.sqrt(np.abs(most) / resistance)
