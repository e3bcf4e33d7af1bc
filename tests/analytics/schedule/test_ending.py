"""Plans whose last level may be out of reach."""

from dataclasses import replace

from analytics.schedule.ending import ending
from analytics.schedule.plan import NoPlan, Plan
from tests.analytics.schedule.test_solve import DAY


def test_a_last_level_that_can_be_reached_is() -> None:
    """Nothing else is planned then."""
    problem, found = ending(DAY)

    assert problem is DAY
    assert isinstance(found, Plan)
    assert found.steps[-1].level >= (DAY.level_end or 0.0) - 1e-6


def test_where_the_last_level_is_out_of_reach_as_little_lacks_as_may_be() -> None:
    """A m³ is then worth much more than it costs, so that all pumps run to the end."""
    evening = replace(DAY, price=DAY.price[-2:], demand=DAY.demand[-2:], level=1.2, level_end=5.0)

    problem, found = ending(evening)
    cheap = ending(replace(evening, level_end=None))[1]

    assert problem.level_end is None
    assert problem.water_value > 0
    assert isinstance(found, Plan)
    assert isinstance(cheap, Plan)
    assert all(len(step.running) == len(DAY.units) for step in found.steps)
    assert cheap.steps[-1].level < 1.5
    assert 4.0 < found.steps[-1].level < 5.0


def test_a_day_that_cannot_be_served_stays_refused() -> None:
    """That has nothing to do with its last level."""
    problem, found = ending(replace(DAY, demand=DAY.demand * 10))

    assert isinstance(found, NoPlan)
    assert problem.level_end == DAY.level_end
