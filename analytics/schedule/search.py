"""The forward search: many plans grown step by step under the timers, judged by the relaxed cost to go."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.dispatch.pump import Array
from analytics.schedule.atlas import Atlas
from analytics.schedule.problem import Problem
from analytics.schedule.relaxed import Ahead, Keeping, allowed, lowest, sampled, trust

Sets = NDArray[np.intp]
_FEW = 16  # starts: whoever may not start more often has them counted
_JUMP = 1e6  # money
_HOPEFUL = 3  # times as many plans as are kept get flows


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is searched."""

    width: int  # plans alive at a time
    bins: int  # of the volume, in each of which only the best of otherwise equal plans is kept
    drafts: int  # plans with sets of their own
    is_eager: bool = False  # whether sets are tried at their greatest flow too


@dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """A plan as the tables see it."""

    sets: Sets  # (T,) places of the atlas
    volumes: Array  # (T + 1,) m³
    flows: Array  # (T,) m³/h
    cost: float  # money, penalties included


@dataclass(frozen=True, slots=True, eq=False)
class _Labels:
    """b plans up to a step."""

    volume: Array  # (b,)
    chosen: Sets  # (b,)
    held: NDArray[np.int64]  # (b, n) steps since each pump was switched
    starts: NDArray[np.int64]  # (b, n)
    spent: Array  # (b,) money
    parent: Sets  # (b,)
    flow: Array  # (b,)


def drafts(problem: Problem, atlas: Atlas, ahead: Ahead, effort: Effort) -> list[Draft]:
    """The best plans that are found with *effort*, best first, their sets all different."""
    search = _Search(problem, atlas, ahead, is_eager=effort.is_eager)
    trail = [search.root()]
    for step in range(problem.steps):
        grown = search.grown(trail[-1], step, effort.width)
        if not len(grown[0].spent):
            return []
        trail.append(search.kept(*grown, effort))
    return _traced(problem, trail, effort.drafts)


class _Search:
    """What every step of the search needs."""

    def __init__(self, problem: Problem, atlas: Atlas, ahead: Ahead, *, is_eager: bool) -> None:
        units = problem.units
        self._is_eager = is_eager
        self._problem, self._atlas, self._ahead = problem, atlas, ahead
        self._keeping, self._free = Keeping.of(problem, atlas), allowed(problem, atlas)
        self._table = np.concatenate(
            [atlas.low[..., None], atlas.high[..., None], atlas.power[..., atlas.looks]], axis=2
        )
        self._bits = atlas.sets @ (1 << np.arange(len(units)))
        self._min_on = np.array([unit.min_on for unit in units])
        self._min_off = np.array([unit.min_off for unit in units])
        self._most_starts = np.array([unit.most_starts for unit in units])
        self._longest = np.maximum(self._min_on, self._min_off)
        self._counted = np.flatnonzero(self._most_starts < min(_FEW, problem.steps)).tolist()

    def root(self) -> _Labels:
        """The present."""
        problem, units = self._problem, self._problem.units
        now = np.array([unit.is_on for unit in units])
        chosen = np.flatnonzero((self._atlas.sets == now).all(axis=1))[:1]
        return _Labels(
            volume=problem.storage.volume(np.array([problem.level])),
            chosen=chosen,
            held=np.array([[unit.held for unit in units]]),
            starts=np.zeros((1, len(units)), np.int64),
            spent=np.zeros(1),
            parent=np.zeros(1, np.intp),
            flow=np.zeros(1),
        )

    def grown(self, labels: _Labels, step: int, width: int) -> tuple[_Labels, Array]:
        """Every plan with every set that timers, limits and locks allow, at flows worth trying; and their promise."""
        atlas, problem = self._atlas, self._problem
        parent, chosen = np.nonzero(self._switchable(labels, step))
        volume = labels.volume[parent]
        able = atlas.between(atlas.room, chosen, volume) >= 0
        parent, chosen, volume = parent[able], chosen[able], volume[able]
        if self._ahead.of_set is not None and len(parent) > _HOPEFUL * width:
            hope = labels.spent[parent] + self._ahead.start[labels.chosen[parent], chosen]
            hope += _hope(self._atlas, self._ahead.of_set[step], chosen, volume)
            first = np.sort(np.argpartition(hope, _HOPEFUL * width)[: _HOPEFUL * width])
            parent, chosen, volume = parent[first], chosen[first], volume[first]
        rows, flow, power = self._flows(chosen, volume, step)
        parent, chosen, volume = parent[rows], chosen[rows], volume[rows]
        after = problem.after(volume, flow, problem.demand[step])
        spent = labels.spent[parent] + self._ahead.start[labels.chosen[parent], chosen]
        spent += problem.price[step] * problem.step * power + self._keeping.cost(after, step)
        spent += atlas.beside.cost(chosen, volume, flow)
        is_changed = atlas.sets[labels.chosen[parent]] != atlas.sets[chosen]
        grown = _Labels(
            volume=after,
            chosen=chosen,
            held=np.where(is_changed, 1, labels.held[parent] + 1),
            starts=labels.starts[parent] + (is_changed & atlas.sets[chosen]),
            spent=spent,
            parent=parent,
            flow=flow,
        )
        return grown, spent + sampled(self._ahead.to_go[step + 1], chosen, atlas.cells(after))

    def _switchable(self, labels: _Labels, step: int) -> NDArray[np.bool_]:
        """Which sets the timers and locks allow each plan, shape (b, s)."""
        on = self._atlas.sets[labels.chosen]  # (b, n)
        may_start = ~on & (labels.held >= self._min_off) & (labels.starts < self._most_starts)
        may_stop = on & (labels.held >= self._min_on)
        stuck = ~(may_start | may_stop) @ (1 << np.arange(on.shape[1]))  # as bits, (b,)
        switched = self._bits ^ self._bits[labels.chosen][:, None]  # (b, s)
        return np.asarray((switched & stuck[:, None] == 0) & self._free[step])

    def _flows(self, chosen: Sets, volume: Array, step: int) -> tuple[Sets, Array, Array]:
        """Places of sets, with the best flow of each by the relaxed cost to go, and its power.

        An eager search adds the greatest flows: without timers one seldom needs to be ahead, so that the cost to go
        never takes them; they lead to orders of pumps that are cheaper with timers.
        """
        atlas, problem = self._atlas, self._problem
        row = atlas.between(self._table, chosen, volume)
        low, high, power = row[:, 0], row[:, 1], row[:, 2:]  # (k,), (k,), (k, looks)
        best_flow, best_power = low.copy(), power[:, 0].copy()
        rows, soft = np.arange(len(chosen)), np.flatnonzero(~atlas.is_rigid[chosen])
        if len(soft):
            flow = low[soft] + (high - low)[soft] * np.linspace(0.0, 1.0, len(atlas.looks))[:, None]
            after = problem.after(volume[soft], flow, problem.demand[step])
            to_go = sampled(self._ahead.to_go[step + 1], chosen[soft], atlas.cells(after))
            drawn = power[soft].T
            cost = problem.price[step] * problem.step * drawn + to_go + self._keeping.cost(after, step)
            cost += atlas.beside.cost(chosen[soft], volume[soft], flow)
            _, best = lowest(cost, trust(problem, atlas, step))
            best_flow[soft] += (high - low)[soft] * best / (len(atlas.looks) - 1)
            best_power[soft] = _between_nodes(power[soft], best)
        if not self._is_eager:
            return rows, best_flow, best_power
        added = (rows, soft), (best_flow, high[soft]), (best_power, power[soft, -1])
        rows, best_flow, best_power = (np.concatenate(each) for each in added)
        return rows, best_flow, best_power

    def kept(self, grown: _Labels, promise: Array, effort: Effort) -> _Labels:
        """The best; of plans that are equal but for a little water only the best one."""
        order = np.argsort(promise, kind="stable")
        key = self._key(grown, effort.bins)[order]
        _, first = np.unique(key, return_index=True)
        rows = order[np.sort(first)[: effort.width]]
        return _Labels(
            grown.volume[rows],
            grown.chosen[rows],
            grown.held[rows],
            grown.starts[rows],
            grown.spent[rows],
            grown.parent[rows],
            grown.flow[rows],
        )

    def _key(self, grown: _Labels, bins: int) -> NDArray[np.int64]:
        first, last = self._atlas.volumes[[0, -1]]
        key = np.clip((grown.volume - first) / (last - first) * bins, 0, bins).astype(np.int64)
        key = key * len(self._atlas.sets) + grown.chosen
        held = np.minimum(grown.held, self._longest)
        for pump, longest in enumerate(self._longest):
            key = key * int(longest + 1) + held[:, pump]
        for pump in self._counted:  # a plan that has starts left is no worse for being a little dearer
            key = key * int(self._most_starts[pump] + 1) + grown.starts[:, pump]
        return np.asarray(key)


def _hope(atlas: Atlas, values: Array, sets: Sets, volume: Array) -> Array:
    """*values* (s, v) of *sets* at *volume*, both (k,), and rather less.

    As little as both neighbours of the cell promise: across a limit a line between its nodes would say too much.
    """
    node = np.minimum(np.maximum(atlas.place(volume)[0], 1), len(atlas.volumes) - 3)
    x = atlas.cells(volume) - node
    at = sets * len(atlas.volumes) + node
    before, here, there, after = (values.take(at + place) for place in (-1, 0, 1, 2))
    line, ahead, behind = here + x * (there - here), there + (x - 1) * (after - there), here + x * (here - before)
    least, nearest = np.minimum(line, np.maximum(ahead, behind)), np.minimum(here, there)
    return np.asarray(np.where(np.abs(least - nearest) > _JUMP, nearest, least))  # where the set becomes unable


def _between_nodes(power: Array, at: Array) -> Array:
    """Of *power* (k, looks) at places (k,) between its nodes; quadratic."""
    middle = np.minimum(np.maximum(np.rint(at).astype(np.intp), 1), power.shape[1] - 2)
    rows, x = np.arange(len(at)), at - middle
    left, here, right = power[rows, middle - 1], power[rows, middle], power[rows, middle + 1]
    return np.asarray(here + x * (right - left) / 2 + x**2 * (left - 2 * here + right) / 2)


def _traced(problem: Problem, trail: list[_Labels], count: int) -> list[Draft]:
    found: list[Draft] = []
    seen: set[bytes] = set()
    last = trail[-1]
    value = problem.water_value * problem.storage.sign
    cost = last.spent - value * last.volume
    for index in np.argsort(cost, kind="stable"):
        draft = _trace(trail, int(index), float(cost[index]))
        if (key := draft.sets.tobytes()) not in seen:
            seen.add(key)
            found.append(draft)
        if len(found) == count:
            break
    return found


def _trace(trail: list[_Labels], index: int, cost: float) -> Draft:
    sets, volumes, flows = [], [], []
    for labels in reversed(trail[1:]):
        sets.append(labels.chosen[index])
        volumes.append(labels.volume[index])
        flows.append(labels.flow[index])
        index = int(labels.parent[index])
    volumes.append(trail[0].volume[0])
    return Draft(np.array(sets[::-1]), np.array(volumes[::-1]), np.array(flows[::-1]), cost)
