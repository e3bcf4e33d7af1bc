"""What each meter should show: the pumps' duties at a header's head, summed as the meter sums them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from analytics.curves.points import Points
from analytics.curves.shape import PARAMETERS, Shape, falling_flow, polynomial
from analytics.hydraulics import Floats

STEP = 1e-5  # of a parameter or, relative, of a head, for central differences
SOFTNESS = 0.02  # of the head curve's peak; changes the flow by less than 0.1 % where the head is 5 % below it
LEAST_ERROR = 0.005  # share of a reading that its meter's error is at first taken to be
HEAD_ERROR = 0.001  # share of the head; on a flat curve it matters more than the flow meter's own error


class Duties(NamedTuple):
    """Flow, m³/h, and power, kW, of each pump at each point, with derivatives; zero where the pump stands.

    The first axis is flow and power, then points and pumps; `by_theta` has the pump's parameters as last axis.
    """

    values: Floats
    by_theta: Floats
    by_head: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Channel:
    """A meter and what it measures.

    Attributes:
        rows: Points at which it can be used, shape (k,).
        observed: Its values there, shape (k,).
        sums: Which pumps' flows (first row) and powers (second row) add up to it, shape (2, pumps).
    """

    rows: NDArray[np.int64]
    observed: Floats
    sums: Floats

    def predicted(self, values: Floats) -> Floats:
        """What it should show, shape (k,), by values of shape (2, points, pumps)."""
        return np.asarray(np.einsum("qkp,qp->k", values[:, self.rows], self.sums))

    def jacobian(self, duties: Duties) -> Floats:
        """Derivative of that by all pumps' parameters, shape (k, 7 pumps)."""
        own = np.einsum("qkpi,qp->kpi", duties.by_theta[:, self.rows], self.sums)
        return np.asarray(own.reshape(len(self.rows), PARAMETERS * self.sums.shape[1]))

    def errors(self, duties: Duties, head: Floats) -> Floats:
        """Standard error of reading less prediction before any residual is known, shape (k,)."""
        from_head = HEAD_ERROR * head[self.rows] * self.predicted(duties.by_head)
        return np.hypot(LEAST_ERROR * np.abs(self.observed), from_head)

    def among(self, kept: NDArray[np.bool_]) -> Self:
        """The same meter at some of the points only; *kept* has shape (points,)."""
        mine = kept[self.rows]
        return type(self)(self.rows[mine], self.observed[mine], self.sums)


def channels(points: Points) -> list[Channel]:
    """The total flow, each pump's power, each pump's own flow; in that order, some possibly without rows."""
    pumps = points.running.shape[1]
    each = np.eye(pumps)
    found = [_channel(points.flow, np.asarray(points.running.any(axis=1)), np.array([np.ones(pumps), np.zeros(pumps)]))]
    for index in range(pumps):
        runs = points.running[:, index]
        found.append(_channel(points.powers[:, index], runs, np.array([np.zeros(pumps), each[index]])))
    for index in range(pumps):
        runs = points.running[:, index]
        found.append(_channel(points.pump_flows[:, index], runs, np.array([each[index], np.zeros(pumps)])))
    return found


def _channel(values: Floats, runs: NDArray[np.bool_], sums: Floats) -> Channel:
    rows = np.flatnonzero(runs & np.isfinite(values) & (values > 0.0))
    return Channel(rows, values[rows], sums)


def values_of(shapes: Sequence[Shape], theta: Floats, points: Points, head: Floats) -> Floats:
    """Flows and powers at *head*, m, shape (2, points, pumps)."""
    values = np.zeros((2, *points.running.shape))
    for index, shape in enumerate(shapes):
        rows = points.running[:, index]
        own = theta[PARAMETERS * index : PARAMETERS * (index + 1)]
        values[:, rows, index] = _duty(shape, own, points.speeds[rows, index], head[rows])
    return values


def duties_of(shapes: Sequence[Shape], theta: Floats, points: Points, head: Floats) -> Duties:
    """Flows and powers at *head*, m, shape (points,), with their derivatives."""
    shape_of = points.running.shape
    values, by_head = np.zeros((2, *shape_of)), np.zeros((2, *shape_of))
    by_theta = np.zeros((2, *shape_of, PARAMETERS))
    for index, shape in enumerate(shapes):
        rows = points.running[:, index]
        s, h = points.speeds[rows, index], head[rows]
        own = theta[PARAMETERS * index : PARAMETERS * (index + 1)]
        values[:, rows, index] = _duty(shape, own, s, h)
        by_head[:, rows, index] = (_duty(shape, own, s, h * (1 + STEP)) - _duty(shape, own, s, h * (1 - STEP))) / (
            2.0 * STEP * h
        )
        for parameter, step in enumerate(STEP * np.eye(PARAMETERS)):
            change = _duty(shape, own + step, s, h) - _duty(shape, own - step, s, h)
            by_theta[:, rows, index, parameter] = change / (2.0 * STEP)
    return Duties(values, by_theta, by_head)


def _duty(shape: Shape, theta: Floats, speed: Floats, head: Floats) -> Floats:
    """Flow and power of one pump, shape (2, n)."""
    phi = falling_flow(shape.head(theta), head / speed**2, SOFTNESS)
    power = speed**3 * polynomial(shape.power(theta), phi) + shape.constant(theta)
    return np.stack([speed * phi, power])
