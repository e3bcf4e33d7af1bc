"""The trade-off of energy, starts and pressure: valid, not beaten, and with the ends it must have."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from analytics.dispatch.demand import HeadBand
from analytics.dispatch.duty import Dispatch, Infeasible
from analytics.dispatch.front import Front, front, missed
from analytics.dispatch.nsga import Judged, nondominated
from analytics.dispatch.pump import Candidate
from analytics.dispatch.solve import solve
from tests.analytics.dispatch.plates import violation
from tests.analytics.dispatch.test_solve import PLATE

WORN = replace(PLATE, eta=(0.2, 0.005, -1.25e-5, 0.0))
PUMPS = (Candidate("worn", WORN, running=True), Candidate("good", PLATE), Candidate("other", WORN, running=True))
DEMAND = HeadBand(180.0, 33.0, 39.0, preferred=36.0)


@pytest.fixture(scope="module")
def found() -> Front:
    """Two worn pumps, one of which serves, and a good one at rest; less head is less energy."""
    made = front(PUMPS, DEMAND, seed=1)
    assert isinstance(made, Front)
    return made


def test_every_point_keeps_every_limit_and_no_other_beats_it(found: Front) -> None:
    """What is shown can be done, by the pumps' formulas alone."""
    for point in found.points:
        duties = {duty.id: (duty.speed, duty.flow) for duty in point.dispatch.duties}
        assert violation(PUMPS, DEMAND, duties) < 1e-6
    values = np.array([point.objectives for point in found.points])
    assert nondominated(Judged(values, np.zeros(len(values)))).all()


def test_the_ends_are_the_exact_solutions_of_each_objective_alone(found: Front) -> None:
    """Least energy needs a start and leaves the preferred head; nothing started at the preferred head costs more."""
    least = solve(PUMPS, DEMAND)
    still = [replace(each, lock="free" if each.running else "must not run") for each in PUMPS]
    calm = solve(still, replace(DEMAND, low=36.0, high=36.0))

    assert isinstance(least, Dispatch)
    assert isinstance(calm, Dispatch)
    assert found.points[0].dispatch.power == pytest.approx(least.power, rel=1e-6)
    assert (found.points[0].starts, found.points[-1].starts) == (1, 0)
    assert found.points[-1].away == pytest.approx(0.0, abs=1e-3)
    assert found.points[-1].dispatch.power == pytest.approx(calm.power, rel=1e-4)


def test_what_lies_between_the_ends_is_found_too(found: Front) -> None:
    """Energy is nearly straight in head, so that prices alone find little but the ends."""
    heads = sorted(point.away for point in found.points if point.starts == 0)

    assert len(heads) > 4
    assert max(np.diff(heads)) < 1.0


def test_the_proposed_point_is_the_nearest_to_the_best_of_everything(found: Front) -> None:
    """And its sentence says what it gives and takes."""
    values = np.array([point.objectives for point in found.points])
    shares = (values - values.min(axis=0)) / np.ptp(values, axis=0)

    assert found.knee == int(np.linalg.norm(shares, axis=1).argmin())
    assert f"Of {len(found.points)} ways" in found.why
    assert "above the least energy" in found.why


def test_with_nothing_to_trade_there_is_one_point_and_it_says_so() -> None:
    """One pump, one head."""
    made = front(PUMPS[:1], HeadBand(180.0, 36.0, 36.0, preferred=36.0), seed=1)

    assert isinstance(made, Front)
    assert len(made.points) == 1
    assert made.why.startswith("Nothing is to be traded")


def test_what_cannot_be_served_is_not_traded() -> None:
    """The solver's reason is passed on."""
    made = front(PUMPS, HeadBand(180.0, 80.0, 81.0), seed=1)

    assert isinstance(made, Infeasible)
    assert made.constraint == "head"


def test_a_metre_of_head_costs_what_it_is_said_to() -> None:
    """Dear enough, the best head is the preferred one exactly, though it lies between two places of the survey."""
    demand = replace(DEMAND, preferred=35.123)

    cheap = solve(PUMPS[:1], replace(demand, deviation_kw=0.01))
    dear = solve(PUMPS[:1], replace(demand, deviation_kw=10.0))

    assert isinstance(cheap, Dispatch)
    assert isinstance(dear, Dispatch)
    assert cheap.head == pytest.approx(33.0)
    assert cheap.cost == pytest.approx(cheap.power + 0.01 * 2.123)
    assert dear.head == pytest.approx(35.123)
    assert dear.cost == pytest.approx(dear.power)
    assert dear.gap < 1e-5


def test_what_the_configuration_weighs_does_not_bend_the_front(found: Front) -> None:
    """Prices of starts, uneven hours and pressure choose one way; the front shows what there is to choose from."""
    priced = [replace(each, start_kw=5.0, running_kw=9.0 * each.running) for each in PUMPS]

    made = front(priced, replace(DEMAND, deviation_kw=7.0), seed=1)

    assert isinstance(made, Front)
    assert [point.objectives for point in made.points] == [point.objectives for point in found.points]


@pytest.mark.parametrize(
    "wrong",
    [
        {"flow": 120.0},  # less is pumped than is asked for
        {"speed": 1.02},  # too fast
        {"speed": 0.8},  # the head is not reached
    ],
)
def test_what_is_wrong_by_the_pumps_formulas_is_seen(found: Front, wrong: dict[str, Any]) -> None:
    """The check must not believe the solver; each of these would be published otherwise."""
    dispatch = found.points[0].dispatch
    duties = (replace(dispatch.duties[0], **wrong), *dispatch.duties[1:])

    assert missed(PUMPS, DEMAND, dispatch) < 1e-6
    assert missed(PUMPS, DEMAND, replace(dispatch, duties=duties)) > 1e-3
    assert missed(PUMPS, replace(DEMAND, low=dispatch.head + 1.0), dispatch) > 1e-3
    assert missed([replace(each, lock="must not run") for each in PUMPS], DEMAND, dispatch) >= 1.0


def test_ways_that_are_shown_alike_are_one() -> None:
    """Within two centimetres of head there are three ways as they are published, and not one for each millimetre."""
    pumps = [Candidate(name, PLATE, running=True, lock="must run") for name in ("a", "b")]

    found = front(pumps, HeadBand(300.0, 35.0, 35.02, preferred=35.02), seed=1)

    assert isinstance(found, Front)
    assert 2 <= len(found.points) <= 3
