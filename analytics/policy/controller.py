"""What a policy does with a day: a narrow forward search under timers and locks, guided by what was learnt."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from analytics.dispatch.pump import Array
from analytics.policy.learner import Learner
from analytics.policy.moves import Moves
from analytics.schedule.plan import Plan
from analytics.schedule.problem import Problem
from analytics.schedule.relaxed import Ahead, start_costs
from analytics.schedule.replay import replay, steps_of
from analytics.schedule.search import Effort, drafts
from analytics.schedule.settle import settled

_EFFORT = Effort(width=40, bins=500, drafts=5)  # nothing is polished afterwards: the policy stands for itself
_NODES = 65  # volumes at which forests are asked
_KEPT = 1e-6  # share of a limit


@dataclass(frozen=True, slots=True, eq=False)
class Policy:
    """What was learnt, asked once for the whole day."""

    moves: Moves
    to_go: Array  # (T + 1, s, v) money still to come before each step, by the set that ran last and the volume

    @classmethod
    def of(cls, learner: Learner) -> Self:
        """That of *learner*, for what is drawn as expected."""
        problem, tables = learner.moves.problem, learner.moves.atlas
        nodes = np.linspace(tables.volumes[0], tables.volumes[-1], _NODES)
        start, expected = start_costs(problem, tables), np.ones(_NODES)
        found = np.empty((problem.steps + 1, len(tables.sets), len(tables.volumes)))
        for step in range(problem.steps + 1):
            worth = learner.worth(step, nodes, expected).T  # (s, nodes)
            rows = worth if step == problem.steps else (start[:, :, None] + worth[None]).min(axis=1)
            found[step] = [np.interp(tables.volumes, nodes, row) for row in rows]
        return cls(learner.moves, found)

    def acted(self, problem: Problem) -> Plan | None:
        """What is left of the day as the policy runs it, replayed from the pumps' formulas.

        Args:
            problem: The last steps of the day that was learnt, from whatever it has come to.

        Returns:
            None where timers leave no way.
        """
        lines, tables = self.moves.lines, self.moves.atlas  # of the same pumps; locks leave sets out step by step
        ahead = Ahead(self.to_go[len(self.to_go) - 1 - problem.steps :], start_costs(problem, tables))
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
