"""A schedule by what was learnt on the station's model: asked for by the plant, and judged before it advises."""

import time
from dataclasses import dataclass

import numpy as np

from analytics.policy.controller import Policy
from analytics.policy.judgement import Judgement, Trial, trials
from analytics.policy.learner import SHARES, Learner
from analytics.policy.moves import Moves
from analytics.schedule.plan import Plan
from analytics.schedule.problem import Problem

METHOD = "fitted Q iteration"
_SEED = 20_250_227
_SHARE = 0.5  # of a job's budget that learning may take
_JUDGED = 0.8  # likewise after which no other day is judged


@dataclass(frozen=True, slots=True)
class Learnt:
    """What became of learning: a day by it, what it was judged to be, and whether it may advise."""

    why: str  # a sentence
    judgement: Judgement | None = None  # None: it did not get so far
    plan: Plan | None = None  # as it would run the day, also where it may not advise

    @property
    def advice(self) -> Plan | None:
        """The plan, if it may be advised."""
        return self.plan if self.judgement is not None and self.judgement.may_advise else None


def learnt_day(problem: Problem, budget: float) -> Learnt:
    """Learn on the model of *problem*, and be judged there.

    Args:
        problem: The day ahead.
        budget: What is left of the job's, s.
    """
    learner, began = Learner(Moves.of(problem, SHARES), _SEED), time.perf_counter()
    end = began + _SHARE * budget
    for left in learner.rounds():
        if left and time.perf_counter() > end:
            return Learnt(f"Fitted Q iteration did not finish learning within {_SHARE * budget:.0f} s.")
    policy, found, judging = Policy.of(learner), list[Trial](), time.perf_counter()
    for trial in trials(problem, policy, np.random.default_rng(_SEED)):
        found.append(trial)
        took = time.perf_counter() - judging
        if judging + took * (1 + 1 / len(found)) > began + _JUDGED * budget:
            break  # another day would take too long
    judgement = Judgement(tuple(found))
    return Learnt(judgement.why, judgement, policy.acted(problem))
