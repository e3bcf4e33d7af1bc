"""A draft's switches moved by a step or two: what a search that looks ahead only without timers has not tried."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from analytics.dispatch.pump import Array
from analytics.schedule.atlas import NODES, Atlas
from analytics.schedule.problem import Problem
from analytics.schedule.relaxed import allowed, start_costs
from analytics.schedule.search import Draft, Sets

_FAR = 2  # steps
_INSIDE = 0.02  # of a window: nearer to its ends a flow does not tell what water is worth
_HOPE = 1e-3  # of the cost: what promises to be dearer by more is not tried
_UNABLE = 1e9  # money


def shifted(problem: Problem, atlas: Atlas, draft: Draft, most: int) -> list[Draft]:
    """At most *most* drafts with sets of their own, those first that promise most at the worth of water in *draft*."""
    costs, starts, may = _costs(problem, atlas, draft), start_costs(problem, atlas), allowed(problem, atlas)
    now = int(np.flatnonzero((atlas.sets == [unit.is_on for unit in problem.units]).all(axis=1))[0])
    step = np.arange(problem.steps)

    def promise(sets: Sets) -> float:
        before = np.concatenate([[now], sets[:-1]])
        return float(costs[step, sets].sum() + starts[before, sets].sum())

    usual = promise(draft.sets)
    tried = {sets.tobytes(): (promise(sets) - usual, sets) for sets in _moved(draft.sets)}
    hopeful = sorted((one for one in tried.values() if one[0] < _HOPE * abs(draft.cost)), key=lambda one: one[0])
    found = []
    for _, sets in hopeful:
        if may[step, sets].all() and _is_timed(problem, atlas.sets[sets]):
            found.append(replace(draft, sets=sets))
        if len(found) == most:
            break
    return found


def _moved(sets: Sets) -> Iterator[Sets]:
    """*sets* with one switch, or both ends of a stretch, earlier or later."""
    switches = np.flatnonzero(sets[1:] != sets[:-1]) + 1
    for far in range(1, _FAR + 1):
        for switch in switches.tolist():
            later, earlier = sets.copy(), sets.copy()
            later[switch : switch + far] = sets[switch - 1]
            earlier[max(switch - far, 0) : switch] = sets[switch]
            yield later
            yield earlier
        for begin, end in zip(switches[:-1].tolist(), switches[1:].tolist(), strict=True):
            later, earlier = sets.copy(), sets.copy()
            later[begin : end + far] = sets[begin]
            later[begin : begin + far] = sets[begin - 1]
            earlier[max(begin - far, 0) : end] = sets[begin]
            earlier[end - far : end] = sets[end]
            yield later
            yield earlier


def _costs(problem: Problem, atlas: Atlas, draft: Draft) -> Array:
    """Money of each set in each step less what its water is worth, (T, s), at the volumes of *draft*."""
    count, steps = len(atlas.sets), problem.steps
    window = atlas.window(np.tile(np.arange(count), steps), np.repeat(draft.volumes[:-1], count))
    flow = window.low[:, None] + (window.high - window.low)[:, None] * np.linspace(0.0, 1.0, NODES)
    price, worth = (np.repeat(each, count)[:, None] for each in (problem.price, _worth(problem, atlas, draft)))
    cost = problem.step * (price * window.powers - worth * flow)
    sets = np.tile(np.arange(count), steps)[:, None]
    cost += atlas.beside.cost(sets, np.repeat(draft.volumes[:-1], count)[:, None], flow)
    cost = np.where((window.room < 0)[:, None], _UNABLE, cost)
    rigid = np.tile(atlas.is_rigid, steps)
    return np.where(rigid, cost[:, 0], cost.min(axis=1)).reshape(steps, count)


def _worth(problem: Problem, atlas: Atlas, draft: Draft) -> Array:
    """Money per m³ that another one costs in each step, (T,): that of the nearest step whose flow is free."""
    window = atlas.window(draft.sets, draft.volumes[:-1])
    width = window.high - window.low
    hair = _INSIDE * width
    around = draft.flows[:, None] + hair[:, None] * np.array([-0.5, 0.5])
    power = window.power(around)
    free = (draft.flows > window.low + hair) & (draft.flows < window.high - hair) & ~atlas.is_rigid[draft.sets]
    places = np.flatnonzero(free & (width > 0))
    if not len(places):
        spent = problem.price @ window.power(draft.flows[:, None])[:, 0]
        return np.full(problem.steps, spent / max(float(draft.flows.sum()), 1e-9))
    beside = atlas.beside.cost(draft.sets[:, None], draft.volumes[:-1, None], around) / problem.step
    money = problem.price[:, None] * power + beside
    worth = (money[places, 1] - money[places, 0]) / hair[places]
    nearest = np.abs(np.arange(problem.steps)[:, None] - places).argmin(axis=1)
    return np.asarray(worth[nearest])


def _is_timed(problem: Problem, on: NDArray[np.bool_]) -> bool:
    """Whether timers and limits of starts allow *on* (T, n)."""
    for unit, runs in zip(problem.units, on.T, strict=True):
        switches = np.flatnonzero(np.diff(np.concatenate([[unit.is_on], runs]).astype(np.int8)))
        lasted = np.diff(switches, prepend=-unit.held)
        least = np.where(runs[switches], unit.min_off, unit.min_on)
        if (lasted < least).any() or runs[switches].sum() > unit.most_starts:
            return False
    return True
