"""Plans where the highest step is charged for, against running evenly."""

from dataclasses import replace

import numpy as np

from analytics.schedule.atlas import atlas
from analytics.schedule.choice import sets_of
from analytics.schedule.inlet import lines_of
from analytics.schedule.problem import Problem
from analytics.schedule.replay import replay
from analytics.schedule.search import Draft
from analytics.schedule.settle import settled
from tests.analytics.schedule.stations import random_problem
from tests.analytics.schedule.test_solve import planned


def test_where_peaks_are_dear_a_plan_is_as_even_as_demand_allows() -> None:
    """A tank that holds a day's swings is filled at the mean all day: no plan may cost more than that does."""
    problem = random_problem(5, pumps=3, steps=24, share_variable=1.0)
    units = tuple(replace(unit, min_on=1, min_off=1, held=4) for unit in problem.units)
    storage = replace(problem.storage, volumes=3 * problem.storage.volumes)
    problem = replace(problem, peak_price=12.0, level_end=problem.level, units=units, storage=storage)

    assert planned(problem).cost < 1.002 * even(problem)


def even(problem: Problem) -> float:
    """What the cheapest set costs that runs all day at the mean of what is drawn."""
    lines = lines_of(problem)
    tables = atlas(problem, lines, sets_of(problem, lines))
    flow, volume = float(problem.demand.mean()), float(problem.storage.volume(np.array(problem.level)))
    rises = np.cumsum(problem.storage.sign * (flow - problem.demand) * problem.step)
    path, flows = volume + np.concatenate([[0.0], rises]), np.full(problem.steps, flow)
    costs = []
    for each in range(1, len(tables.sets)):
        draft = Draft(np.full(problem.steps, each), path, flows, 0.0)
        made = replay(problem, settled(problem, lines, tables, draft))
        costs.append(made.cost if made.violation < 1e-6 else np.inf)
    return min(costs)
