"""General optimisers: what they may claim, and that they never make the exact answer worse."""

from dataclasses import replace

import numpy as np
import pytest

from analytics.dispatch.demand import HeadBand, SystemCurve
from analytics.dispatch.duty import Dispatch
from analytics.dispatch.metaheuristics import METHODS, Landscape, Method, Ways, equal_speed_rule, even_load, search
from analytics.dispatch.pump import Candidate
from analytics.dispatch.solve import solve
from tests.analytics.dispatch.plates import violation
from tests.analytics.dispatch.test_solve import FIXED, PLATE

PUMPS = (Candidate("a", PLATE), Candidate("b", PLATE, start_kw=0.5), Candidate("c", FIXED, running=True))
BAND = HeadBand(380.0, 34.0, 37.0)


@pytest.mark.parametrize("method", METHODS)
def test_a_search_alone_comes_near_the_exact_answer_and_never_below_it(method: Method) -> None:
    """One that beat it would show the certificate wrong, or its own replay."""
    best = solve(PUMPS, BAND)
    assert isinstance(best, Dispatch)

    found = search(Landscape(PUMPS, BAND), method, seed=3, evaluations=2500)

    assert found.violation < 1e-5
    assert best.bound - 1e-3 < found.cost < 1.02 * best.cost


@pytest.mark.parametrize("method", METHODS)
def test_a_search_that_begins_with_the_exact_answer_never_ends_worse(method: Method) -> None:
    """Five vectors a pump are far too few to find anything; what it was given comes back."""
    best, landscape = solve(PUMPS, BAND), Landscape(PUMPS, BAND)
    assert isinstance(best, Dispatch)
    start = landscape.vector(best)

    found = search(landscape, method, seed=3, start=start, evaluations=70)

    assert landscape.cost(start[None])[0] == pytest.approx(best.cost, rel=1e-6)
    assert found.cost <= best.cost * (1 + 1e-6)
    assert {name for name, _, _ in found.duties} == {duty.id for duty in best.duties}


def test_the_violation_is_what_the_formulas_say() -> None:
    """Not the search's own opinion: its speeds and flows, put into the pumps' formulas."""
    landscape = Landscape(PUMPS, SystemCurve(30.0, 2e-5, 250.0, 420.0))

    attempt = landscape.attempt(np.array([1.0, 0.0, 1.0, 0.7, 0.0, 1.0, 0.5]))

    told = {name: (speed, flow) for name, speed, flow in attempt.duties}
    said = violation(PUMPS, SystemCurve(30.0, 2e-5, 250.0, 420.0), told)
    assert (attempt.violation < 1e-6) == (said < 1e-6)


def test_pumps_at_one_speed_cost_more_where_they_differ() -> None:
    """The rule of most controllers, on a good and a worn pump."""
    exact, rule = solve(PUMPS, BAND), equal_speed_rule(PUMPS, BAND)

    assert isinstance(exact, Dispatch)
    assert rule.violation > 1e-6 or rule.cost >= exact.cost - 1e-6


@pytest.mark.parametrize("method", ["differential evolution", "genetic"])
def test_an_objective_of_one_s_own_is_met_better_than_by_the_exact_answer_for_energy(method: Method) -> None:
    """A good pump takes more than a worn one where energy counts; where even loads count, they come nearer."""
    worn = replace(PLATE, eta=(0.2, 0.005, -1.25e-5, 0.0), q_bep=230.0)
    pumps, demand = [Candidate("good", PLATE), Candidate("worn", worn)], HeadBand(330.0, 35.0, 35.0)
    best = solve(pumps, demand)
    assert isinstance(best, Dispatch)
    landscape = Landscape(pumps, demand, even_load)
    start = landscape.vector(best)

    found = search(landscape, method, seed=3, start=start, evaluations=1500)

    assert found.violation < 1e-5
    assert best.bound <= found.cost < landscape.attempt(start).cost - 0.05
    loads = [flow / speed for _, speed, flow in found.duties]
    before = [duty.flow / duty.speed for duty in best.duties]
    assert np.ptp(loads) < 0.5 * np.ptp(before)


def test_whatever_sees_all_pumps_at_once_may_be_an_objective() -> None:
    """A function of who runs, speeds, flows and powers, added to the cost of each way."""
    plain = Landscape(PUMPS, BAND)
    dear = Landscape(PUMPS, BAND, lambda ways: 7.0 * ways.runs.sum(axis=1) + 0.0 * ways.powers.sum(axis=1))
    vectors = np.array([[1.0, 0.0, 1.0, 0.7, 0.0, 1.0, 0.5], [1.0, 1.0, 1.0, 0.7, 0.8, 1.0, 0.5]])

    more = dear.cost(vectors) - plain.cost(vectors)

    assert more == pytest.approx([14.0, 21.0])


def test_even_loads_cost_nothing_and_one_pump_is_even() -> None:
    """10 % more and 10 % less than the mean are a spread of 0.1."""
    runs = np.array([[True, True], [True, True], [True, False], [False, False]])
    flows = np.array([[100.0, 100.0], [110.0, 90.0], [100.0, 0.0], [0.0, 0.0]])
    powers = np.where(runs, 10.0, 0.0)

    found = even_load(Ways(("a", "b"), runs, np.ones((4, 2)), flows, powers))

    assert found == pytest.approx([0.0, 2.0, 0.0, 0.0])
