"""Whether a learnt policy may advise: days of wrong forecasts beside the exact receding-horizon controller."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import t

from analytics.policy.controller import Policy
from analytics.policy.trial import Lived, drawn, lived
from analytics.schedule.ending import ending
from analytics.schedule.plan import Plan
from analytics.schedule.problem import Problem
from analytics.schedule.solve import VIOLATION

MOST = 0.02  # share by which a policy may be dearer
LEAST_DAYS = 3
_LEVELS = (None, 0.3, 0.7, None, 0.5, 0.2)  # share of the storage at the beginning of each day; none: as now
_BEYOND = 0.005  # share of the band of levels by which it may leave it further than the exact one did
_TOLD = 1e-3  # share of a limit above which a violation is worth a figure
_SURE = 0.9


@dataclass(frozen=True, slots=True)
class Trial:
    """A day of the policy beside the same day of the exact controller."""

    gap: float  # share by which it is dearer
    beyond: float = 0.0  # share of the band of levels by which it left it further
    violation: float = 0.0  # share by which it broke another limit


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the policy's days came to."""

    trials: tuple[Trial, ...]

    @property
    def gap(self) -> float:
        """Mean share by which it is dearer."""
        return float(np.mean([each.gap for each in self.trials])) if self.trials else np.inf

    @property
    def spread(self) -> float:
        """Standard deviation of a day's."""
        gaps = [each.gap for each in self.trials]
        return float(np.std(gaps, ddof=1)) if len(gaps) > 1 and np.isfinite(gaps).all() else np.inf

    @property
    def most(self) -> float:
        """What the mean of all such days is below with nine tenths of certainty."""
        count = len(self.trials)
        width = self.spread / max(count, 1) ** 0.5
        return float(self.gap + width * t.ppf(_SURE, max(count - 1, 1)))

    @property
    def may_advise(self) -> bool:
        """Whether it is near enough, surely, and breaks nothing."""
        return len(self.trials) >= LEAST_DAYS and self.most <= MOST and not self._broken

    @property
    def why(self) -> str:
        """A sentence with the figures."""
        if len(self.trials) < LEAST_DAYS:
            few = f"it could be judged on {len(self.trials)} days on the model, and {LEAST_DAYS} are the least"
            return f"Fitted Q iteration may not advise: {few}."
        beside = f"beside the exact plans over {len(self.trials)} days of wrong forecasts"
        said = f"on the model it costs {self.gap:+.1%} ± {self.spread:.1%} a day {beside}"
        if self._broken:
            return f"Fitted Q iteration may not advise: {self._broken}; {said}."
        if not self.most <= MOST:
            return f"Fitted Q iteration may not advise: {said}, and it is not sure that {MOST:.0%} is the most."
        return f"Fitted Q iteration may advise: {said}, and keeps every limit."

    @property
    def _broken(self) -> str:
        """What it breaks that the exact controller keeps; empty: nothing."""
        violation = max((each.violation for each in self.trials), default=0.0)
        if violation > VIOLATION:
            return f"it breaks a limit by {_share(violation)}"
        beyond = max((each.beyond for each in self.trials), default=0.0)
        return f"it leaves the levels by {_share(beyond)} of their band more than they" if beyond > _BEYOND else ""


def _share(violation: float) -> str:
    return f"{violation:.1%}" if violation > _TOLD else f"{violation:.1e}"


def trials(problem: Problem, policy: Policy, rng: np.random.Generator) -> Iterator[Trial]:
    """Days of *problem*, one by one, so that whoever has a clock may stop: each lived by both against the same truth.

    Both see the forecast and plan anew every twelfth of the day from what it has come to; neither knows what is really
    drawn. Days begin at several levels, and are missed otherwise by the forecast.
    """
    for share in _LEVELS:
        storage = problem.storage
        level = problem.level if share is None else storage.low + share * (storage.high - storage.low)
        day = replace(problem, level=level)
        truth = drawn(day, rng)
        exact = lived(day, truth, _exact, policy.moves)
        if exact is None:
            continue
        tried = lived(day, truth, policy.acted, policy.moves)
        yield Trial(np.inf) if tried is None else _beside(day, exact, tried)


def _exact(problem: Problem) -> Plan | None:
    found = ending(problem)[1]
    return found if isinstance(found, Plan) else None


def _beside(problem: Problem, exact: Lived, tried: Lived) -> Trial:
    """Neither wins by emptying the tank: what is left counts, at its value or at what the exact one paid for a m³."""
    pumped = exact.left + problem.step * float(problem.demand.sum())
    worth = problem.water_value or exact.spent / max(pumped, 1e-9)
    gap = (tried.spent - exact.spent - worth * (tried.left - exact.left)) / max(exact.spent, 1e-9)
    violation = tried.violation if tried.violation > exact.violation else 0.0
    return Trial(gap, max(0.0, tried.beyond - exact.beyond), violation)
