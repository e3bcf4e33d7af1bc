"""The cost to go without timers: a dynamic programme over the volume and the set that runs."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.dispatch.pump import Array
from analytics.schedule.atlas import NODES, Atlas
from analytics.schedule.problem import Problem

_DEAR = 50.0  # times the dearest water: what a m³ beyond a limit costs, so that it is never worth it
_HAIR = 1e-5  # of the storage: as much inside the limits, as tables err by less
_DISLIKED = 2.0  # the same of a m³ within the margin at a limit


@dataclass(frozen=True, slots=True)
class Penalties:
    """Money per m³ by which the volume is beyond its limits, inside their margin, or short of its end."""

    beyond: float
    inside: float

    @classmethod
    def of(cls, problem: Problem, atlas: Atlas) -> "Penalties":
        """By what pumping a m³ costs at most, or what it is worth at the end."""
        flow = np.maximum(atlas.high[1:], 1e-9)
        energy = float(np.median(atlas.power[1:, :, -1] / flow)) if len(flow) else 1.0
        beside = atlas.beside.cost(np.arange(1, len(atlas.sets))[:, None], atlas.volumes, atlas.high[1:])
        dearest = energy * max(float(np.abs(problem.price).max()), 1e-6)
        dearest += float(np.median(beside / problem.step / flow)) if len(flow) else 0.0
        dearest += abs(problem.water_value)
        return cls(_DEAR * dearest, _DISLIKED * dearest)


@dataclass(frozen=True, slots=True, eq=False)
class Ahead:
    """What is still to come, money."""

    to_go: Array  # (T + 1, s, v): before a step, after which the set last ran
    start: Array  # (s, s): of going from one set to another
    of_set: Array | None = None  # (T, s, v): before a step in which the set runs, without going there


def bounds(problem: Problem) -> tuple[Array, Array, Array, Array]:
    """Least and greatest volume after each step, and the same with the margin, (T,) each, m³."""
    storage = problem.storage
    low, high = np.full(problem.steps, storage.low), np.full(problem.steps, storage.high)
    margin = np.minimum(np.broadcast_to(problem.margin, low.shape), 0.45 * (storage.high - storage.low))
    if problem.level_end is not None and storage.is_filled:
        low[-1] = max(storage.low, problem.level_end)
    elif problem.level_end is not None:
        high[-1] = min(storage.high, problem.level_end)
    inner = np.maximum(low, storage.low + margin), np.minimum(high, storage.high - margin)
    return storage.volume(low), storage.volume(high), storage.volume(inner[0]), storage.volume(inner[1])


@dataclass(frozen=True, slots=True, eq=False)
class Keeping:
    """What volumes cost that they should not have."""

    penalties: Penalties
    low: Array
    high: Array
    inner_low: Array
    inner_high: Array
    free: int  # steps at the beginning that a level beyond its limits has to come back in

    @classmethod
    def of(cls, problem: Problem, atlas: Atlas) -> "Keeping":
        """Of *problem*."""
        is_beyond = not problem.storage.low <= problem.level <= problem.storage.high
        low, high, inner_low, inner_high = bounds(problem)
        hair = np.minimum(_HAIR * float(atlas.volumes[-1] - atlas.volumes[0]), np.maximum(high - low, 0.0) / 4)
        free = problem.steps - 1 if is_beyond else 0
        return cls(Penalties.of(problem, atlas), low + hair, high - hair, inner_low, inner_high, free)

    def miss(self, volumes: Array) -> float:
        """By how much *volumes* after each step, (T,), miss their limits at most, m³."""
        return float(np.maximum(self.low - volumes, volumes - self.high)[self.free :].max(initial=0.0))

    def cost(self, volume: Array, step: int | NDArray[np.intp]) -> Array:
        """Money, of *volume* after *step*."""
        beyond = np.maximum(np.maximum(self.low[step] - volume, volume - self.high[step]), 0.0)
        inside = np.maximum(np.maximum(self.inner_low[step] - volume, volume - self.inner_high[step]), 0.0)
        return np.asarray(self.penalties.beyond * beyond + self.penalties.inside * inside)


def start_costs(problem: Problem, atlas: Atlas) -> Array:
    """Money of going from each set to each, (s, s)."""
    starts = atlas.sets[None, :, :] & ~atlas.sets[:, None, :]
    return np.asarray(starts @ np.array([unit.start_cost for unit in problem.units]))


def allowed(problem: Problem, atlas: Atlas) -> NDArray[np.bool_]:
    """Which sets the locks allow in each step, (T, s)."""
    locks, sets = problem.locks[:, None, :], atlas.sets[None]
    return np.asarray(((locks != 1) | sets).all(axis=2) & ((locks != -1) | ~sets).all(axis=2))


def ahead(problem: Problem, atlas: Atlas) -> Ahead:
    """The relaxed cost to go."""
    actions, keeping = _Actions.of(atlas), Keeping.of(problem, atlas)
    start, free = start_costs(problem, atlas), allowed(problem, atlas)
    volumes, sign = atlas.volumes, problem.storage.sign
    of_set = np.empty((problem.steps, len(atlas.sets), len(volumes)))
    to_go = np.empty((problem.steps + 1, len(atlas.sets), len(volumes)))
    to_go[-1] = -problem.water_value * sign * (volumes - volumes[0])
    unable = np.where(actions.room < 0, _NEVER, 0.0)
    unable += atlas.beside.cost(actions.of_set[:, None], volumes, actions.flow)
    idle = (problem.after(volumes, actions.flow, np.zeros(1)) - volumes[0]) / (volumes[1] - volumes[0])
    for step in reversed(range(problem.steps)):
        after = idle - sign * problem.demand[step] * problem.step / (volumes[1] - volumes[0])
        cost = problem.price[step] * problem.step * actions.power + unable
        if step == problem.steps - 1:
            cost += keeping.cost(problem.after(volumes, actions.flow, problem.demand[step]), step)
            cost += to_come(to_go[-1], actions.of_set[:, None], after)
        else:
            outside = np.abs(after - np.minimum(np.maximum(after, 0.0), len(volumes) - 1.0))
            cost += keeping.penalties.beyond * (volumes[1] - volumes[0]) * outside
            cost += to_come(to_go[step + 1] + keeping.cost(volumes, step), actions.of_set[:, None], after)
        of_set[step] = actions.least(cost, trust(problem, atlas, step))
        of_set[step, ~free[step]] = _NEVER
        to_go[step] = _switched(of_set[step], start, len(problem.units))
    return Ahead(to_go, start, of_set)


def _switched(by_set: Array, start: Array, pumps: int) -> Array:
    """The least of *by_set* (s, v) from each set that ran before, with what it costs to go there by *start* (s, s)."""
    if len(by_set) < 2**pumps:
        return np.asarray((start[:, :, None] + by_set[None]).min(axis=1))
    found = by_set.reshape(*(2,) * pumps, -1)  # by each pump, the first one last
    for pump in range(pumps):  # every set is there, so that pumps can be switched one by one
        each = np.moveaxis(found, pumps - 1 - pump, 0)
        both = np.minimum(each[0], each[1] + start[0, 2**pump]), np.minimum(each[0], each[1])
        found = np.stack(both, axis=pumps - 1 - pump)
    return found.reshape(by_set.shape)


def to_come(values: Array, sets: NDArray[np.intp], at: Array) -> Array:
    """*values* (s, v) of *sets* at the places *at* of the table, which are kept within it; for many places.

    A cubic with the slopes of its neighbours (Catmull and Rom, 1974), so that what water is worth does not jump from
    cell to cell, held between the values around it, so that a limit does not make it swing.
    """
    wide = np.concatenate([values[:, :1], values, values[:, -1:]], axis=1)
    pieces = _cubic(wide[:, :-3], wide[:, 1:-2], wide[:, 2:-1], wide[:, 3:])
    cell, x = _cell(at, values.shape[1] - 1)
    cell += sets * (values.shape[1] - 1)
    return _held(tuple(each.take(cell) for each in pieces), x)


def sampled(values: Array, sets: NDArray[np.intp], at: Array) -> Array:
    """The same, for few places."""
    last = values.shape[1] - 1
    cell, x = _cell(at, last)
    place = sets * (last + 1) + cell
    here, there = values.take(place), values.take(place + 1)
    before, after = values.take(place - (cell > 0)), values.take(place + 1 + (cell < last - 1))
    return _held(_cubic(before, here, there, after), x)


def _cell(at: Array, last: int) -> tuple[NDArray[np.intp], Array]:
    """The cell of each place, and the share of the way through it."""
    inside = np.minimum(np.maximum(at, 0.0), last)
    cell = np.minimum(inside.astype(np.intp), last - 1)
    return cell, inside - cell


def _cubic(before: Array, here: Array, there: Array, after: Array) -> tuple[Array, ...]:
    """Between *here* and *there*: four coefficients by the share of the way, least and greatest."""
    gain, slope, last_slope = there - here, 0.5 * (there - before), 0.5 * (after - here)
    bends = 3.0 * gain - 2.0 * slope - last_slope, slope + last_slope - 2.0 * gain
    return here, slope, *bends, np.minimum(here, there), np.maximum(here, there)


def _held(pieces: tuple[Array, ...], x: Array) -> Array:
    """The cubic at *x*."""
    first, second, third, found, low, high = pieces
    for each in (third, second, first):
        found *= x
        found += each
    return np.minimum(np.maximum(found, low, out=found), high, out=found)


@dataclass(frozen=True, slots=True, eq=False)
class _Actions:
    """Every set at every of its flows, (a, v): first the rigid sets, then the others node by node."""

    of_set: NDArray[np.intp]  # (a,)
    rigid: NDArray[np.intp]  # sets
    soft: NDArray[np.intp]
    flow: Array
    power: Array
    room: Array

    @classmethod
    def of(cls, atlas: Atlas) -> "_Actions":
        rigid, soft = np.flatnonzero(atlas.is_rigid), np.flatnonzero(~atlas.is_rigid)
        of_set = np.concatenate([rigid, np.tile(soft, len(atlas.looks))])
        node = np.concatenate([np.zeros(len(rigid), np.intp), np.repeat(atlas.looks, len(soft))])
        shares = (node / (NODES - 1))[:, None]
        return cls(
            of_set=of_set,
            rigid=rigid,
            soft=soft,
            flow=atlas.low[of_set] + shares * (atlas.high - atlas.low)[of_set],
            power=atlas.power[of_set, :, node],
            room=atlas.room[of_set],
        )

    def least(self, cost: Array, trusted: float) -> Array:
        """Of *cost* (a, v) the least of each set, (s, v); *trusted* as in `lowest`."""
        count, volumes = len(self.rigid), cost.shape[1]
        found = np.empty((count + len(self.soft), volumes))
        found[self.rigid] = cost[:count]
        if len(self.soft):
            found[self.soft] = lowest(cost[count:].reshape(-1, len(self.soft), volumes), trusted)[0]
        return found


def trust(problem: Problem, atlas: Atlas, step: int) -> float:
    """Money by which a parabola may promise more than its nodes; the last step ends at a kink."""
    if step == problem.steps - 1:
        return 0.0
    return _SMOOTH * abs(float(problem.price[step])) * problem.step * float(atlas.power.max())


def lowest(cost: Array, trusted: float) -> tuple[Array, Array]:
    """The least of *cost* (m, ...) over its first axis, and its place there.

    Between the nodes by a parabola, unless that promises more than *trusted* below them: then there is a kink.
    """
    count, least = len(cost), cost[0].copy()
    best = np.zeros(least.shape, np.intp)
    for node in range(1, count):  # by hand, as argmin along a first axis that is short takes four times as long
        best[cost[node] < least] = node
        np.minimum(least, cost[node], out=least)
    middle = np.minimum(np.maximum(best, 1), count - 2)
    at = middle * least.size + np.arange(least.size).reshape(least.shape)
    left, here, right = cost.take(at - least.size), cost.take(at), cost.take(at + least.size)
    bend = left - 2 * here + right
    offset = (left - right) / np.where(bend > 0, 2 * bend, np.inf)
    offset = np.minimum(np.maximum(offset, -1.0), 1.0)
    value = here + offset * (right - left) / 2 + offset**2 * bend / 2
    is_smooth = (bend > 0) & (value <= least) & (value >= least - trusted)
    return np.where(is_smooth, value, least), np.where(is_smooth, middle + offset, best)


_NEVER = 1e12  # money
_SMOOTH = 0.02  # share of a step's greatest energy cost
