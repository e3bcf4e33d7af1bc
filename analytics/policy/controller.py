"""What a policy does with a day: the best action by what it learnt, step by step, timers and locks kept."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from analytics.policy.learner import Learner
from analytics.policy.moves import Moves
from analytics.schedule.plan import Plan
from analytics.schedule.problem import Problem
from analytics.schedule.replay import replay, steps_of
from analytics.schedule.search import Draft
from analytics.schedule.settle import settled

_SHARES = 17  # of a window while acting


def acted(problem: Problem, learner: Learner, demand: float = 1.0) -> Plan:
    """The day of *problem* as the policy runs it, replayed from the pumps' formulas.

    Args:
        problem: The day; its level at the end is left to the policy.
        learner: What was learnt.
        demand: Of the day, over the one that was learnt for.
    """
    free = replace(problem, level_end=None)
    moves = Moves.of(free, _SHARES)
    sets, volumes, flows = _walked(moves, learner, demand)
    draft = Draft(sets, volumes, flows, 0.0)
    duties = settled(free, moves.lines, moves.atlas, draft)
    found = replay(free, duties)
    return Plan(
        steps=steps_of(free, duties, found.levels),
        cost=found.cost,
        energy=found.energy,
        starts=found.starts,
        relaxed=float("nan"),
        violation=found.violation,
    )


def _walked(moves: Moves, learner: Learner, demand: float) -> tuple[NDArray[np.intp], np.ndarray, np.ndarray]:
    problem, tables = moves.problem, moves.atlas
    is_on = np.array([unit.is_on for unit in problem.units])
    held = np.array([unit.held for unit in problem.units])
    starts = np.zeros(len(is_on), np.intp)
    costs = np.array([unit.start_cost for unit in problem.units])
    most = np.array([unit.most_starts for unit in problem.units])
    volumes = [float(problem.storage.volume(np.array(problem.level)))]
    sets, flows = [], []
    for step in range(problem.steps):
        after, flow, value = learner.values(moves, step, np.array(volumes[-1:]), np.array([demand]))
        wanted = tables.sets[moves.chosen]
        value = value[0] + (wanted & ~is_on) @ costs
        may = _may(problem, is_on, held, wanted) & ~((wanted & ~is_on) & (starts + 1 > most)).any(axis=1)
        best = int(np.where(may, value, np.inf).argmin()) if may.any() else int(value.argmin())
        chosen = wanted[best]
        starts += chosen & ~is_on
        held = np.where(chosen == is_on, held + 1, 1)
        is_on = chosen
        sets.append(int(moves.chosen[best]))
        flows.append(float(flow[0, best]))
        volumes.append(float(after[0, best]))
    return np.array(sets, np.intp), np.array(volumes), np.array(flows)


def _may(
    problem: Problem, is_on: NDArray[np.bool_], held: NDArray[np.intp], wanted: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Which of the *wanted* sets (A, n) the timers allow."""
    least = np.where(is_on, [unit.min_on for unit in problem.units], [unit.min_off for unit in problem.units])
    return np.asarray(~((wanted != is_on) & (held < least)).any(axis=1))
