"""How sure a plan's energy, cost, flows and levels are, by curves that readings allow as well."""

from dataclasses import replace

import numpy as np
import pytest

from agent.jobs.plans.sure import Spread, spread
from analytics.curves.model import StationModel
from analytics.hydraulics import Floats
from analytics.schedule.plan import Plan, Running, Step
from analytics.schedule.problem import Problem
from analytics.schedule.storage import Storage
from tests.agent.jobs.test_dispatch import MODEL
from tests.analytics.schedule.test_solve import HALF

SURE = np.zeros(12)  # m³, of what is drawn
ALL, FIRST = slice(None), slice(1)


def running(*steps: dict[str, float], flow: float = 0.0) -> Plan:
    """A plan that runs pumps at these speeds, at 34 m and 3 m in the tank."""
    pumps = [tuple(Running(pump, speed, 0.0, 0.0) for pump, speed in step.items()) for step in steps]
    return Plan(tuple(Step(each, flow if each else 0.0, 34.0, 3.0) for each in pumps), 0.0, 0.0, 0, 0.0)


def less_sure(factor: float) -> StationModel:
    """The same curves, with standard deviations times *factor*."""
    return replace(MODEL, covariance=factor**2 * MODEL.covariance)


def known(found: Plan, problem: Problem = HALF, drawn: Floats = SURE, model: StationModel = MODEL) -> Spread:
    """Of a plan that can run."""
    said = spread(model, problem, found, drawn)
    assert said is not None
    return said


def test_energy_is_as_sure_as_the_power_of_its_pumps() -> None:
    """One pump in one step of two: what the model itself says of that power without its meter's noise, by an hour."""
    price = np.array([0.1, 0.4])

    found = known(running({"a": 0.95}, {}), drawn=np.zeros(2))

    draws = MODEL.draws(400, np.random.default_rng(1))
    powers = [float(draw.duty([0.95, 0.0], 34.0).powers[0]) for draw in draws]
    assert found.energy(ALL) == pytest.approx(np.std(powers), rel=0.35)
    assert found.cost(ALL, price) == pytest.approx(0.1 * found.energy(ALL))
    assert found.energy(slice(1, 2)) == 0.0


def test_the_same_pump_is_off_the_same_way_all_day() -> None:
    """Ten steps are ten times as unsure as one, and not only its root; curves half as sure, twice."""
    one, ten = (known(running(*[{"a": 0.95}] * count, *[{}] * (12 - count))) for count in (1, 10))
    vague = known(running({"a": 0.95}, *[{}] * 11), model=less_sure(2.0))

    assert ten.energy(ALL) == pytest.approx(10 * one.energy(ALL))
    assert ten.energy(FIRST) == pytest.approx(one.energy(FIRST))
    assert vague.energy(ALL) == pytest.approx(2 * one.energy(ALL), rel=0.1)


def test_what_the_pumps_work_against_holds_flows_together() -> None:
    """A stronger pump gives more flow against a steep pipe by much less than at a head that stays."""
    duty = MODEL.duty([0.95, 0.0], 34.0)
    plan = running({"a": 0.95}, *[{}] * 11, flow=float(duty.flows[0]))
    flat, steep = (
        known(plan, replace(HALF, system=replace(HALF.system, resistance=each)))
        for each in (0.0, 20.0 / duty.flows[0] ** 2)
    )

    draws = MODEL.draws(100, np.random.default_rng(1))
    flows = [float(draw.duty([0.95, 0.0], 34.0).flows[0]) for draw in draws]
    assert flat.flow(FIRST, 1.0) == pytest.approx(np.std(flows), rel=0.35)
    met = [_meeting(draw, 20.0 / float(duty.flows[0]) ** 2) for draw in draws]
    assert steep.flow(FIRST, 1.0) == pytest.approx(np.std(met), rel=0.35)
    assert steep.flow(FIRST, 1.0) < 0.7 * flat.flow(FIRST, 1.0)


def _meeting(draw: StationModel, resistance: float) -> float:
    """The flow at which pump a meets 14 m and *resistance*, by bisection."""
    low, high = 0.0, 1_000.0
    for _ in range(25):
        flow = (low + high) / 2
        given = float(draw.duty([0.95, 0.0], 14.0 + resistance * flow**2).flows[0])
        low, high = (flow, high) if given > flow else (low, flow)
    return flow


def test_a_level_is_as_sure_as_all_that_was_pumped_and_drawn_until_then() -> None:
    """In an upright tank: squares add up by the area; where nothing is known of what is drawn, nothing is said."""
    tank = replace(HALF, storage=Storage.of_area(250.0, 1.0, 5.0))
    plan, drawn = running(*[{"a": 0.95}] * 12), np.array([*np.linspace(5.0, 55.0, 11), np.nan])

    found, only = known(plan, tank, drawn), known(plan, tank)

    pumped = 12 * only.flow(FIRST, 1.0)
    assert only.level[-1] == pytest.approx(pumped / 250.0)
    assert found.level[5] == pytest.approx(np.hypot(pumped / 2, drawn[5]) / 250.0)
    assert np.isnan(found.level[-1])


def test_where_few_stations_could_run_it_nothing_is_said() -> None:
    """At speeds that do not reach the head a power is no number."""
    assert spread(MODEL, HALF, running({"a": 0.2}, *[{}] * 11), SURE) is None
