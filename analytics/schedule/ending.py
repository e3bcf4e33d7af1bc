"""A plan where the level that is asked for at its end may be out of reach: what is missing then has its price."""

from dataclasses import replace

import numpy as np

from analytics.schedule.plan import NoPlan, Plan
from analytics.schedule.problem import Problem
from analytics.schedule.solve import plan

_DEAR = 5.0  # times what a m³ costs: pumps that join late give each less, have starts to pay, and run all the same


def ending(problem: Problem) -> tuple[Problem, Plan | NoPlan]:
    """The cheapest plan, and what it is of: *problem*, or where its last level cannot be reached, one without it.

    There the level at the end is only worth money: much more than a m³ costs, so that as little lacks as may be.
    """
    found = plan(problem)
    if isinstance(found, Plan) or found.constraint != "last level":
        return problem, found
    open_ended = replace(problem, level_end=None, water_value=_DEAR * _dearest(problem))
    return open_ended, plan(open_ended)


def _dearest(problem: Problem) -> float:
    """Money a m³ costs about, by the thirstiest pump at the dearest time."""
    each = []
    for physics in (unit.physics for unit in problem.units):
        flow = physics.speed_max * (physics.phi_min + physics.phi_max) / 2
        each.append(float(physics.power(np.array(flow), np.array(physics.speed_max))) / flow)
    return max(each) * max(0.0, float(problem.price.max()))
