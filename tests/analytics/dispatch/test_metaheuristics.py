"""General optimisers: what they may claim, and that they never make the exact answer worse."""

import numpy as np
import pytest

from analytics.dispatch.demand import HeadBand, SystemCurve
from analytics.dispatch.duty import Dispatch
from analytics.dispatch.metaheuristics import METHODS, Landscape, Method, equal_speed_rule, search
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
