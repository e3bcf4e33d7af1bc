"""What is said of limits that a plan keeps where its steps begin, and leaves before they end."""

from dataclasses import replace
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from agent.jobs.plans.within import kept_within, within_steps
from analytics.schedule.plan import Plan
from analytics.schedule.pressures import FREE, Pressures
from analytics.schedule.problem import Problem
from analytics.schedule.solve import plan
from tests.analytics.schedule.test_solve import DAY

NOON_MS = 1_772_366_400_000  # 2026-03-01 12:00 UTC
ROME = ZoneInfo("Europe/Rome")
NEED = 5.0  # m, of every pump at every flow


def said(problem: Problem, found: Plan) -> tuple[str, ...]:
    return within_steps(problem, found, NOON_MS, ROME)


@pytest.fixture(scope="module")
def made() -> Plan:
    """A day's plan that nothing but levels limits."""
    found = plan(DAY)
    assert isinstance(found, Plan)
    return found


def thirsty(inlet: float, rise: float = 0.0) -> Problem:
    """The day with *inlet* m of NPSH at level 0, of pumps that need NEED."""
    units = tuple(replace(unit, required=lambda flow, _: np.full_like(flow, NEED)) for unit in DAY.units)
    return replace(DAY, units=units, pressures=Pressures(inlet=inlet, rise=rise))


def test_nothing_is_said_where_nothing_is_left(made: Plan) -> None:
    """Neither without limits, nor where a tenth more is there than a pump needs."""
    assert said(replace(DAY, pressures=FREE), made) == ()
    assert said(thirsty(1.1 * NEED), made) == ()


def test_the_worst_step_of_each_pump_is_named_with_its_end(made: Plan) -> None:
    """Of a well whose inlet follows its level: the lowest level at which each pump runs, by the station's clock."""
    lowest = min(step.level for step in made.steps if step.running)
    place = next(at for at, step in enumerate(made.steps) if step.running and step.level == lowest)
    pumps = {each.id for step in made.steps for each in step.running}
    problem = thirsty(1.05 * NEED - lowest, rise=1.0)

    words = said(problem, made)

    assert {sentence.split()[2] for sentence in words} <= pumps
    minutes = 13 * 60 + (place + 1) * round(60 * DAY.step)
    when = f"{minutes // 60 % 24:02d}:{minutes % 60:02d}"
    named = made.steps[place].running[0].id
    assert f"NPSH of {named} falls to 1.05 times what it needs by {when}, before the step ends." in words


def test_a_pressure_is_said_by_how_far_it_is_left(made: Plan) -> None:
    """The least and the greatest head at a step's end, each beyond a limit of the header; where nobody runs is none."""
    ends = [float(DAY.head(np.array(step.level), np.array(step.flow))) for step in made.steps if step.running]

    (above,) = said(replace(DAY, pressures=Pressures(head_max=max(ends) - 0.3)), made)
    (below,) = said(replace(DAY, pressures=Pressures(head_min=min(ends) + 0.5)), made)

    assert above.startswith("The header goes 0.30 m beyond pressure_max by ")
    assert below.startswith("The header goes 0.50 m beyond pressure_min by ")
    assert said(replace(DAY, pressures=Pressures(min(ends), max(ends))), made) == ()


def test_limits_are_kept_within_steps_where_another_plan_can(made: Plan) -> None:
    """A head that ends steps too high: a plan 1.5 % dearer leaves nothing; where nothing is left it stays as it is."""
    banded = replace(DAY, pressures=Pressures(head_max=39.5))
    first = plan(banded)
    assert isinstance(first, Plan)

    found = kept_within(banded, first)

    assert said(banded, first) != ()
    assert said(banded, found) == ()
    assert first.cost < found.cost < 1.05 * first.cost
    assert kept_within(DAY, made) is made


def test_limits_that_no_plan_keeps_within_steps_are_left_less() -> None:
    """A well that falls too far for its pumps: 0.90 times what they need becomes 0.99, and that is still said."""
    well = replace(DAY, storage=replace(DAY.storage, is_filled=False), system=replace(DAY.system, static_head=40.0))
    problem = replace(well, units=thirsty(0.0).units, pressures=Pressures(inlet=1.1 * NEED - 2.0, rise=1.0))
    first = plan(problem)
    assert isinstance(first, Plan)

    found = kept_within(problem, first)

    shares = [float(said(problem, each)[0].split()[5]) for each in (first, found)]
    assert shares[1] > shares[0] + 0.05
