"""A schedule by what was learnt on the station's model: asked for by the plant, and judged before it advises."""

import time
from dataclasses import dataclass

from analytics.policy.controller import acted
from analytics.policy.judgement import Judgement, judged
from analytics.policy.learner import SHARES, Learner
from analytics.policy.moves import Moves
from analytics.schedule.plan import Plan
from analytics.schedule.problem import Problem

METHOD = "fitted Q iteration"
_SEED = 20_250_227
_SHARE = 0.6  # of a job's budget that learning may take; judging plans three days


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
        budget: Of the whole job, s.
    """
    learner = Learner(Moves.of(problem, SHARES), _SEED)
    end = time.perf_counter() + _SHARE * budget
    for left in learner.rounds():
        if left and time.perf_counter() > end:
            return Learnt(f"Fitted Q iteration did not finish learning within {_SHARE * budget:.0f} s.")
    judgement = judged(problem, learner)
    return Learnt(judgement.why, judgement, acted(problem, learner))
