"""Whether a learnt policy may advise: its days on the model beside those of the exact receding-horizon controller."""

from dataclasses import dataclass, replace

import numpy as np

from analytics.policy.controller import acted
from analytics.policy.learner import Learner
from analytics.schedule.plan import NoPlan, Plan
from analytics.schedule.problem import Problem
from analytics.schedule.solve import VIOLATION, plan

MOST = 0.02  # share by which a policy may be dearer
_DAYS = ((None, 1.0), (0.3, 1.1), (0.7, 0.9))  # share of the storage at the beginning (none: as now), demand
_TOLD = 1e-3  # share of a limit above which a violation is worth a figure


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the policy's days cost beside the exact ones."""

    gap: float  # mean share by which it is dearer
    violation: float  # the largest share by which it broke a limit
    days: int

    @property
    def may_advise(self) -> bool:
        """Whether it is near enough and breaks nothing."""
        return self.days > 0 and self.gap <= MOST and self.violation <= VIOLATION

    @property
    def why(self) -> str:
        """A sentence with the figures."""
        if not self.days:
            return "Fitted Q iteration may not advise: there is no day on the model that it could be judged by."
        said = f"on the model it costs {self.gap:+.1%} beside the exact plan over {self.days} days"
        if self.violation > VIOLATION:
            return f"Fitted Q iteration may not advise: it breaks a limit by {_share(self.violation)}; {said}."
        if self.gap > MOST:
            return f"Fitted Q iteration may not advise: {said}, and {MOST:.0%} is the most that is allowed."
        return f"Fitted Q iteration may advise: {said}, and keeps every limit."


def _share(violation: float) -> str:
    return f"{violation:.1%}" if violation > _TOLD else f"{violation:.1e}"


def judged(problem: Problem, learner: Learner) -> Judgement:
    """Let the policy and the exact controller run the same days.

    What is drawn is known on these days, so that planning anew in each step gives the plan of the first one; a plan
    stands for the receding-horizon controller. Days begin at three levels, and draw as much as expected, a tenth more,
    and a tenth less.
    """
    gaps, violations = [], []
    for share, demand in _DAYS:
        day = _day(problem, share, demand)
        exact = plan(day)
        if isinstance(exact, NoPlan):
            continue
        tried = acted(day, learner, demand)
        gaps.append(np.inf if tried is None else dearer(day, exact, tried))
        violations.append(1.0 if tried is None else tried.violation)
    return Judgement(float(np.mean(gaps)) if gaps else np.inf, max(violations, default=np.inf), len(gaps))


def _day(problem: Problem, share: float | None, demand: float) -> Problem:
    storage = problem.storage
    level = problem.level if share is None else storage.low + share * (storage.high - storage.low)
    return replace(problem, level=level, demand=demand * problem.demand)


def dearer(problem: Problem, exact: Plan, tried: Plan) -> float:
    """Share of the money the exact plan spends by which *tried* costs more.

    Neither wins by emptying the tank: either the level at the end is a limit, or what is left is worth money in both.
    """
    ends = problem.storage.volume(np.array([problem.level, exact.steps[-1].level]))
    left = problem.water_value * problem.storage.sign * float(ends[1] - ends[0])
    return (tried.cost - exact.cost) / (exact.cost + left)
