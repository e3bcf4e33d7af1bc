"""Switches that are moved: what the search's order leaves dearer, and what may not be moved."""

from dataclasses import replace

import numpy as np

from analytics.schedule.atlas import atlas, capped
from analytics.schedule.choice import sets_of
from analytics.schedule.inlet import lines_of
from analytics.schedule.plan import Plan
from analytics.schedule.problem import Problem
from analytics.schedule.search import Draft
from analytics.schedule.shift import shifted
from analytics.schedule.solve import plan
from tests.analytics.schedule.programme import widened
from tests.analytics.schedule.stations import random_problem
from tests.analytics.schedule.test_solve import DAY

BOTH = 3  # the set of both pumps of the day


def test_a_switch_an_hour_later_is_found_that_the_cost_to_go_does_not_see() -> None:
    """A programme proves 110.10 for this day; without moving switches it cost 110.284, .135 % more than it had to."""
    found = plan(widened(random_problem(24, pumps=5, steps=24)))

    assert isinstance(found, Plan)
    assert found.cost < 110.1354 * 1.0001


def moved(problem: Problem, cap: float = np.inf) -> list[list[int]]:
    """Sets of all drafts around one that runs both pumps from the fourth to the ninth hour."""
    tables = atlas(problem, lines_of(problem), sets_of(problem, lines_of(problem)))
    tables = capped(tables, cap) if np.isfinite(cap) else tables
    sets = np.zeros(24, np.intp)
    sets[4:10] = BOTH
    flow = np.where(sets == BOTH, float(tables.low[BOTH].mean()), 0.0)
    volumes = np.concatenate([[450.0], 450.0 + np.cumsum(flow - problem.demand)])
    drafts = shifted(problem, tables, Draft(sets, volumes, flow, 1e9), 99)
    return [draft.sets.tolist() for draft in drafts]


def stretch(first: int, last: int) -> list[int]:
    """Both pumps in these steps."""
    return [BOTH if first <= step < last else 0 for step in range(24)]


def test_both_ends_of_a_stretch_move_alone_and_together_by_one_step_and_two() -> None:
    """Six ways by one step, six by two; each once."""
    ways = moved(DAY)

    by_one = [stretch(5, 10), stretch(3, 10), stretch(4, 11), stretch(4, 9), stretch(5, 11), stretch(3, 9)]
    by_two = [stretch(6, 10), stretch(2, 10), stretch(4, 12), stretch(4, 8), stretch(6, 12), stretch(2, 8)]
    assert sorted(ways) == sorted(by_one + by_two)


def test_no_way_is_tried_that_timers_starts_or_locks_forbid() -> None:
    """Six steps at least on, five off before; a pump that may not start, or not run at noon."""
    slow = replace(DAY, units=tuple(replace(unit, min_on=6, held=1, min_off=5) for unit in DAY.units))
    tired = replace(DAY, units=tuple(replace(unit, most_starts=0) for unit in DAY.units))
    locked = np.zeros((24, 2), np.int8)
    locked[10, 0] = -1

    assert sorted(moved(slow)) == sorted([stretch(4, 11), stretch(4, 12), stretch(5, 11), stretch(6, 12)])
    assert moved(tired) == []
    assert all(way[10] == 0 for way in moved(replace(DAY, locked=locked)))
    assert moved(replace(DAY, locked=locked))


def test_no_way_is_tried_that_takes_more_power_for_longer() -> None:
    """Both pumps together take 52 kW at least: at most 50 is a reason to stop one sooner or start it later."""
    ways = moved(DAY, cap=50.0)

    shorter = [stretch(5, 10), stretch(4, 9), stretch(6, 10), stretch(4, 8)]
    as_long = [stretch(5, 11), stretch(3, 9), stretch(6, 12), stretch(2, 8)]
    assert sorted(ways) == sorted(shorter + as_long)
    assert all(way in shorter for way in ways[:4])
