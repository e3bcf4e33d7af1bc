"""How sure a plan's energy and cost are, by curves that readings allow as well."""

from dataclasses import replace

import numpy as np
import pytest

from agent.jobs.plans.sure import spread
from analytics.curves.model import StationModel
from analytics.schedule.plan import Plan, Running, Step
from tests.agent.jobs.test_dispatch import MODEL
from tests.analytics.schedule.test_solve import HALF


def running(*steps: dict[str, float]) -> Plan:
    """A plan that runs pumps at these speeds, at 34 m."""
    pumps = [tuple(Running(pump, speed, 0.0, 0.0) for pump, speed in step.items()) for step in steps]
    return Plan(tuple(Step(each, 0.0, 34.0, 3.0) for each in pumps), 0.0, 0.0, 0, 0.0)


def less_sure(factor: float) -> StationModel:
    """The same curves, with standard deviations times *factor*."""
    return replace(MODEL, covariance=factor**2 * MODEL.covariance)


def test_energy_is_as_sure_as_the_power_of_its_pumps() -> None:
    """One pump in one step of two: what the model itself says of that power without its meter's noise, by an hour."""
    problem = replace(HALF, price=np.array([0.1, 0.4]))

    found = spread(MODEL, problem, running({"a": 0.95}, {}))

    draws = MODEL.draws(400, np.random.default_rng(1))
    powers = [float(draw.duty([0.95, 0.0], 34.0).powers[0]) for draw in draws]
    assert found is not None
    assert found.energy == pytest.approx(np.std(powers), rel=0.35)
    assert found.cost == pytest.approx(0.1 * found.energy)


def test_the_same_pump_is_off_the_same_way_all_day() -> None:
    """Ten steps are ten times as unsure as one, and not only its root; curves half as sure, twice."""
    one, ten = (spread(MODEL, HALF, running(*[{"a": 0.95}] * count, *[{}] * (12 - count))) for count in (1, 10))
    vague = spread(less_sure(2.0), HALF, running({"a": 0.95}, *[{}] * 11))

    assert one is not None
    assert ten is not None
    assert vague is not None
    assert ten.energy == pytest.approx(10 * one.energy)
    assert vague.energy == pytest.approx(2 * one.energy, rel=0.1)


def test_where_few_stations_could_run_it_nothing_is_said() -> None:
    """At speeds that do not reach the head a power is no number."""
    assert spread(MODEL, HALF, running({"a": 0.2}, *[{}] * 11)) is None
