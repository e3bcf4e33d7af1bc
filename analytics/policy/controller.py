"""What a policy does with a day: a narrow forward search under timers and locks, guided by what was learnt."""

import numpy as np

from analytics.dispatch.pump import Array
from analytics.policy.learner import Learner
from analytics.schedule.atlas import Atlas
from analytics.schedule.plan import Plan
from analytics.schedule.problem import Problem
from analytics.schedule.relaxed import Ahead, start_costs
from analytics.schedule.replay import replay, steps_of
from analytics.schedule.search import Effort, drafts
from analytics.schedule.settle import settled

_EFFORT = Effort(width=40, bins=500, drafts=5)  # nothing is polished afterwards: the policy stands for itself
_NODES = 65  # volumes at which forests are asked
_KEPT = 1e-6  # share of a limit


def acted(problem: Problem, learner: Learner, demand: float = 1.0) -> Plan | None:
    """The day of *problem* as the policy runs it, replayed from the pumps' formulas; None where timers leave no way.

    Args:
        problem: The day.
        learner: What was learnt.
        demand: Of the day, over the one that was learnt for.
    """
    lines, tables = learner.moves.lines, learner.moves.atlas  # of the same pumps; locks leave sets out step by step
    ahead = Ahead(_to_go(problem, tables, learner, demand), start_costs(problem, tables))
    found = [settled(problem, lines, tables, draft) for draft in drafts(problem, tables, ahead, _EFFORT)]
    replayed = [(replay(problem, duties), duties) for duties in found]
    if not replayed:
        return None
    best, duties = min(replayed, key=lambda one: (max(one[0].violation, _KEPT), one[0].cost))
    return Plan(
        steps=steps_of(problem, duties, best.levels),
        cost=best.cost,
        energy=best.energy,
        starts=best.starts,
        relaxed=float("nan"),
        violation=best.violation,
        weighed=best.weighed,
    )


def _to_go(problem: Problem, tables: Atlas, learner: Learner, demand: float) -> Array:
    """What is still to come before each step, by the set that ran last and the volume, (T + 1, s, v)."""
    nodes = np.linspace(tables.volumes[0], tables.volumes[-1], _NODES)
    start, factor = start_costs(problem, tables), np.full(_NODES, demand)
    found = np.empty((problem.steps + 1, len(tables.sets), len(tables.volumes)))
    for step in range(problem.steps + 1):
        worth = learner.worth(step, nodes, factor).T  # (s, nodes)
        rows = worth if step == problem.steps else (start[:, :, None] + worth[None]).min(axis=1)
        found[step] = [np.interp(tables.volumes, nodes, row) for row in rows]
    return found
