"""What each meter should show: the pumps' duties at a header's head, summed as the meter sums them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.curves.points import Points
from analytics.curves.shape import HEAD_PARAMETERS, PARAMETERS, Shape, falling_flow, polynomial
from analytics.hydraulics import Floats

STEP = 1e-6  # of a parameter or, relative, of a head, for one-sided differences
SOFTNESS = 0.02  # of the head curve's peak; changes the flow by less than 0.1 % where the head is 5 % below it
LEAST_ERROR = 0.005  # share of a reading that its meter's error is at first taken to be
HEAD_ERROR = 0.001  # share of the head; on a flat curve it matters more than the flow meter's own error
TOTAL = 0  # which of the channels is the total flow
SAME = 1e-6  # of a flow: two that differ by less are one, added up in another order


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
        rows: Points at which it can be used, rising, shape (k,).
        observed: Its values there, shape (k,).
        quantity: What it sums: 0 flows, 1 powers.
        pumps: Of which pumps.
    """

    rows: NDArray[np.int64]
    observed: Floats
    quantity: Literal[0, 1]
    pumps: NDArray[np.int64]

    @property
    def columns(self) -> NDArray[np.int64]:
        """The parameters it depends on, among all pumps'."""
        return np.asarray((PARAMETERS * self.pumps[:, np.newaxis] + np.arange(PARAMETERS)).ravel())

    def predicted(self, values: Floats) -> Floats:
        """What it should show, shape (k,), by values of shape (2, points, pumps)."""
        return np.asarray(values[self.quantity][np.ix_(self.rows, self.pumps)].sum(axis=1))

    def jacobian(self, duties: Duties) -> Floats:
        """Derivative of that by the parameters at `columns`, shape (k, columns)."""
        own = duties.by_theta[self.quantity][np.ix_(self.rows, self.pumps)]
        return np.asarray(own.reshape(len(self.rows), len(self.columns)))

    def errors(self, duties: Duties, head: Floats) -> Floats:
        """Standard error of reading less prediction before any residual is known, shape (k,)."""
        from_head = HEAD_ERROR * head[self.rows] * self.predicted(duties.by_head)
        # Of what it should show: by what it does show, too low readings would count for more than too high ones.
        return np.hypot(LEAST_ERROR * np.abs(self.predicted(duties.values)), from_head)

    def wear(self, duties: Duties, head: Floats, shares: Floats) -> Floats:
        """What its values may have changed by since, shape (k,), where pumps lost *shares* (points,) of their heads."""
        share = shares[self.rows]
        from_head = share * head[self.rows] * self.predicted(duties.by_head)
        return np.hypot(share * np.abs(self.observed), from_head)


def channels(points: Points) -> list[Channel]:
    """The total flow, each pump's power, each pump's own flow; in that order, some possibly without rows."""
    pumps = np.arange(points.running.shape[1])
    powers = [_channel(points.powers[:, each], points.running[:, each], 1, pumps[[each]]) for each in pumps]
    flows = [_channel(points.pump_flows[:, each], points.running[:, each], 0, pumps[[each]]) for each in pumps]
    return [_channel(points.flow, np.asarray(points.running.any(axis=1)), 0, pumps), *powers, *flows]


def is_summed(points: Points) -> NDArray[np.bool_]:
    """Where the total is no meter of its own but the running pumps' meters added up, shape (n,)."""
    own = np.where(points.running, points.pump_flows, 0.0).sum(axis=1)
    return np.asarray(np.isclose(points.flow, own, rtol=SAME, atol=0.0))


def _channel(values: Floats, runs: NDArray[np.bool_], quantity: Literal[0, 1], pumps: NDArray[np.int64]) -> Channel:
    rows = np.flatnonzero(runs & np.isfinite(values) & (values > 0.0))
    return Channel(rows, values[rows], quantity, pumps)


def values_of(shapes: Sequence[Shape], theta: Floats, points: Points, head: Floats) -> Floats:
    """Flows and powers at *head*, m, shape (2, points, pumps)."""
    values = np.zeros((2, *points.running.shape))
    for index, shape in enumerate(shapes):
        rows = points.running[:, index]
        own = theta[PARAMETERS * index : PARAMETERS * (index + 1)]
        values[:, rows, index] = _flow_and_power(shape, own, points.speeds[rows, index], head[rows])
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
        phi, power = _duty(shape, own, s, h)
        base = np.stack([s * phi, power])
        values[:, rows, index] = base
        by_head[:, rows, index] = (_flow_and_power(shape, own, s, h * (1.0 + STEP)) - base) / (STEP * h)
        for parameter, step in enumerate(STEP * np.eye(PARAMETERS)):
            if parameter < HEAD_PARAMETERS:
                changed = _flow_and_power(shape, own + step, s, h)
            else:  # the flow stays
                changed = np.stack([base[0], _power(shape, own + step, s, phi)])
            by_theta[:, rows, index, parameter] = (changed - base) / STEP
    return Duties(values, by_theta, by_head)


def _flow_and_power(shape: Shape, theta: Floats, speed: Floats, head: Floats) -> Floats:
    """Of one pump, shape (2, n)."""
    phi, power = _duty(shape, theta, speed, head)
    return np.stack([speed * phi, power])


def _duty(shape: Shape, theta: Floats, speed: Floats, head: Floats) -> tuple[Floats, Floats]:
    """φ and power of one pump, each of shape (n,)."""
    phi = falling_flow(shape.head(theta), head / speed**2, SOFTNESS)
    return phi, _power(shape, theta, speed, phi)


def _power(shape: Shape, theta: Floats, speed: Floats, phi: Floats) -> Floats:
    return np.asarray(speed**3 * polynomial(shape.power(theta), phi) + shape.constant(theta))
