"""Operating lines: what each pump can do at a given head, as tables in φ = q/s, without root finding inside."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from typing import NamedTuple

import numpy as np

from analytics.dispatch.demand import Demand
from analytics.dispatch.fineness import points_of
from analytics.dispatch.pump import Array, Physics

_CURVE_POINTS = 65
_LEAST_HEAD = 0.02  # of the greatest
_TURNS = 60  # of a root search; ten are usual
_SHARP = 1e-10  # margin at which the end of a window is found


class Line:
    """One pump's falling head curve and its inverse."""

    def __init__(self, physics: Physics) -> None:
        phi = np.linspace(physics.phi_min, physics.phi_max, _CURVE_POINTS)
        head = physics.head(phi)
        top = int(np.argmax(head))  # left of it the curve rises and the pump would hunt
        lifting = np.flatnonzero(head > _LEAST_HEAD * head[top])  # what lifts nothing has no speed at a given head
        self.physics = physics
        self.phi_min, self.phi_max = float(phi[top]), float(phi[max(lifting[-1], top)])
        self._phi = np.linspace(self.phi_min, self.phi_max, _CURVE_POINTS)
        self._head = np.minimum.accumulate(physics.head(self._phi))
        step = (self.phi_max - self.phi_min) / (_CURVE_POINTS - 1)
        inner = (self._head[2:] - self._head[:-2]) / (2 * step)
        ends = np.diff(self._head[[0, 1, -2, -1]]) / step
        self._slope = np.concatenate([ends[:1], inner, ends[-1:]])
        self._rise = -self._head
        self.head_min, self.head_max = float(self._head[-1]), float(self._head[0])

    @cached_property
    def points(self) -> int:
        """How many of its points show how its power bends."""
        return points_of(self.physics)

    def phi_at(self, head: Array) -> Array:
        """The φ at which the pump gives *head* at rated speed, kept within its range."""
        phi = np.asarray(np.interp(-head, self._rise, self._phi), np.float64)
        slope = np.interp(phi, self._phi, self._slope)
        for _ in range(3):  # from 1e-4 of the range each step gains two digits
            phi = np.minimum(np.maximum(phi - (self.physics.head(phi) - head) / slope, self.phi_min), self.phi_max)
        return phi

    def speed_at(self, phi: Array, head: Array) -> Array:
        """Relative speed at which the pump gives *head* at *phi*: s = √(H / h(φ))."""
        return np.sqrt(head / self.physics.head(phi))

    def phi_of_flow(self, flow: float, head: float, low: float, high: float) -> float:
        """The φ of [*low*, *high*] at which *flow* passes at *head*; regula falsi (Illinois), as φ s(φ) rises."""
        residuals = [float(self._flow_at(phi, head)) - flow for phi in (low, high)]
        ends, side = [low, high], 0
        phi = low if abs(residuals[0]) < abs(residuals[1]) else high
        for _ in range(60):
            if abs(residuals[1] - residuals[0]) < 1e-13 * flow or residuals[0] >= 0 or residuals[1] <= 0:
                break
            phi = (ends[0] * residuals[1] - ends[1] * residuals[0]) / (residuals[1] - residuals[0])
            residual = float(self._flow_at(phi, head)) - flow
            if abs(residual) < 1e-12 * flow:
                break
            here = int(residual > 0)
            ends[here], residuals[here] = phi, residual
            if side == here + 1:
                residuals[1 - here] /= 2
            side = here + 1
        return phi

    def _flow_at(self, phi: float, head: float) -> float:
        return phi * float(self.speed_at(np.array(phi), np.array(head)))


@lru_cache(maxsize=256)
def line_of(physics: Physics) -> Line:
    """The line of *physics*, made once as long as it is asked for."""
    return Line(physics)


@cache
def evenly(count: int) -> Array:
    """From 0 to 1; not to be written to."""
    shares = np.linspace(0.0, 1.0, count)
    shares.setflags(write=False)
    return shares


@dataclass(frozen=True, slots=True)
class Table:
    """Operating lines of n pumps at k places of the demand, m points each, from least to greatest flow.

    `slack` is continuous along the demand: below 0 a pump cannot run there at all, and its line is the nearest
    one that its range of φ allows.
    """

    at: Array  # (k,) the demand's scalar
    station_flow: Array  # (k,) m³/h
    head: Array  # (k,) m
    phi: Array  # (n, k, m)
    flow: Array  # (n, k, m) m³/h
    power: Array  # (n, k, m) kW
    slack: Array  # (n, k)
    hole: Array  # (n,) m³/h, a φ at which a margin is broken between two runs that keep it; nan: there is only one run

    def only(self, index: int) -> "Table":
        """One of its places."""
        one = slice(index, index + 1)
        first = self.at[one], self.station_flow[one], self.head[one]
        return Table(*first, self.phi[:, one], self.flow[:, one], self.power[:, one], self.slack[:, one], self.hole)


def table(lines: Sequence[Line], demand: Demand, at: Array, points: int) -> Table:
    """The operating lines of *lines* at the places *at* of *demand*."""
    return table_at(lines, at, demand.flow(at), demand.head(at), points)


def table_at(lines: Sequence[Line], at: Array, station_flow: Array, head: Array, points: int) -> Table:
    """The operating lines of *lines* at k places of any flow (k,) and head (k,), numbered by *at*."""
    shares = evenly(points)
    phi, flow, power = np.empty((3, len(lines), len(at), points))
    slack, hole = np.empty((len(lines), len(at))), np.empty(len(lines))
    for row, line in enumerate(lines):
        found = reach(line, head, station_flow, shares)
        phi[row], slack[row], hole[row] = found.phi, found.slack, found.hole
        flow[row] = found.flow
        power[row] = line.physics.power(flow[row], found.speed)
    return Table(at, station_flow, head, phi, flow, power, slack, hole)


class Reach(NamedTuple):
    """What one pump can do at k places: m points from least to greatest flow."""

    phi: Array  # (k, m) m³/h
    speed: Array  # (k, m)
    slack: Array  # (k,) as in `Table`
    hole: float = np.nan  # likewise

    @property
    def flow(self) -> Array:
        """m³/h, shape (k, m)."""
        return self.phi * self.speed


def reach(line: Line, head: Array, station_flow: Array, shares: Array) -> Reach:
    """What the pump of *line* can do at k places, at m *shares* of its range of φ there."""
    found, margin = _unlimited(line, head, station_flow, shares)
    slack = np.minimum(found.slack, margin.max(axis=1))
    if margin.min() >= 0:
        return Reach(found.phi, found.speed, slack)
    cut = np.flatnonzero(margin.min(axis=1) < 0)
    low, high = _within(line, found.phi[cut], margin[cut], head[cut], station_flow[cut])
    phi, speed = found.phi.copy(), found.speed.copy()
    phi[cut] = low[:, None] + (high - low)[:, None] * shares
    speed[cut] = line.speed_at(phi[cut], head[cut, None])
    return Reach(phi, speed, slack, _hole(found.phi[cut], margin[cut]))


def slack_of(line: Line, head: Array, station_flow: Array, shares: Array) -> Array:
    """Only the slack (k,) of that."""
    found, margin = _unlimited(line, head, station_flow, shares)
    return np.asarray(np.minimum(found.slack, margin.max(axis=1)))


def _unlimited(line: Line, head: Array, station_flow: Array, shares: Array) -> tuple[Reach, Array]:
    """What its ranges of speed and φ allow, and the least of the other margins (k, m)."""
    physics = line.physics
    slowest, fastest = np.sqrt(head / line.head_max), np.sqrt(head / line.head_min)  # speeds at the ends of φ
    slack = np.minimum(physics.speed_max - slowest, fastest - physics.speed_min)
    if physics.speed_max == physics.speed_min:
        phi = line.phi_at(head / physics.speed_max**2)[:, None] + 0.0 * shares
    else:
        ends = line.phi_at(np.concatenate([head / physics.speed_min**2, head / physics.speed_max**2]))
        low, high = ends[: len(head), None], ends[len(head) :, None]
        phi = low + (high - low) * shares
    speed = line.speed_at(phi, head[:, None])
    return Reach(phi, speed, slack), _least_margin(physics, phi * speed, speed, station_flow[:, None])


def _least_margin(physics: Physics, flow: Array, speed: Array, station_flow: Array) -> Array:
    least: Array | float = np.inf
    for margin in physics.margins(flow, speed, station_flow).values():
        least = np.minimum(least, margin)
    return np.asarray(least) if np.shape(least) == flow.shape else np.broadcast_to(least, flow.shape)


def _hole(phi: Array, margin: Array) -> float:
    """A φ between two runs that keep every margin, the one that breaks it most; nan where there is one run."""
    kept = margin >= 0
    before, after = np.maximum.accumulate(kept, axis=1), np.maximum.accumulate(kept[:, ::-1], axis=1)[:, ::-1]
    between = ~kept & before & after
    return float(phi.ravel()[np.where(between, margin, 0.0).argmin()]) if between.any() else np.nan


def _within(line: Line, phi: Array, margin: Array, head: Array, station_flow: Array) -> tuple[Array, Array]:
    """Ends (k,), (k,) of the φ that keep every margin: the run around the best point."""
    rows, place, last = np.arange(len(phi)), np.arange(phi.shape[1]), phi.shape[1] - 1
    best = margin.argmax(axis=1)
    broken, able = margin < 0, margin[rows, best] >= 0
    left = last - (broken & (place < best[:, None]))[:, ::-1].argmax(axis=1)  # the nearest broken ones; 0 is the rest
    right = (broken & (place > best[:, None])).argmax(axis=1)
    left, right = np.where(left == last, 0, left), np.where(right == 0, last, right)
    ends = []
    for outer, direction in ((left, -1), (right, 1)):
        far = np.where(able, outer, best)
        inner = np.where(able & broken[rows, far], far - direction, far)
        ends.append(_end(line, phi[rows, inner], phi[rows, far], head, station_flow))
    return ends[0], ends[1]


def _end(line: Line, kept: Array, broken: Array, head: Array, station_flow: Array) -> Array:
    """Where between *kept* and *broken* a margin ends, on the side that keeps it: regula falsi (Illinois)."""

    def margin(phi: Array) -> Array:
        speed = line.speed_at(phi, head)
        return _least_margin(line.physics, phi * speed, speed, station_flow)

    if np.array_equal(kept, broken):
        return kept
    left, right = margin(kept), margin(broken)  # weights; halved where the same side moved twice
    sharp, was_kept = left.copy(), np.zeros(len(kept), np.bool_)
    for turn in range(_TURNS):
        middle = np.where(right < left, (kept * right - broken * left) / np.where(right < left, right - left, 1), kept)
        here = margin(middle)
        is_kept = here >= 0
        twice = (is_kept == was_kept) & (turn > 0)
        right = np.where(is_kept, np.where(twice, right / 2, right), here)
        left = np.where(is_kept, here, np.where(twice, left / 2, left))
        sharp = np.where(is_kept, here, sharp)
        kept, broken, was_kept = np.where(is_kept, middle, kept), np.where(is_kept, broken, middle), is_kept
        if ((sharp < _SHARP) | (np.abs(kept - broken) <= _SHARP * kept)).all():
            break
    return kept
