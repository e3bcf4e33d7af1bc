"""How sure a plan's energy and cost are: what its speeds may take by other curves that the readings allow as well."""

from typing import NamedTuple

import numpy as np

from analytics.curves.model import StationModel
from analytics.schedule.plan import Plan
from analytics.schedule.problem import Problem

_DRAWS = 40  # stations; a standard deviation of them is known to 11 %
_SEED = 20_260_301


class Spread(NamedTuple):
    """Standard deviations."""

    energy: float  # kWh
    cost: float  # money, for energy


def spread(model: StationModel, problem: Problem, found: Plan) -> Spread | None:
    """Of *found*, whose speeds and heads are kept; None where too few stations of *model* could run them."""
    speeds = np.zeros((len(found.steps), len(model.pumps)))
    for row, step in zip(speeds, found.steps, strict=True):
        for each in step.running:
            row[model.pumps.index(each.id)] = each.speed
    heads = np.array([step.head for step in found.steps])
    draws = model.draws(_DRAWS, np.random.default_rng(_SEED))
    powers = np.array([draw.duty(speeds, heads).powers.sum(axis=1) for draw in draws]).reshape(-1, len(heads))
    powers = problem.step * powers[np.isfinite(powers).all(axis=1)]  # kWh, of each draw in each step
    if len(powers) < _DRAWS / 2:
        return None
    return Spread(float(powers.sum(axis=1).std(ddof=1)), float((powers @ problem.price).std(ddof=1)))
