"""A general optimiser beside the exact solver: it may mend an answer, and never makes it worse."""

from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

import pytest

from agent.jobs.settings import DispatchSettings
from analytics.dispatch.demand import HeadBand
from analytics.dispatch.duty import Dispatch, Infeasible
from analytics.dispatch.metaheuristics import METHODS, Method
from analytics.dispatch.proposal import Proposal, Search, Solved
from analytics.dispatch.pump import Candidate
from analytics.dispatch.refined import refined
from analytics.dispatch.saving import Sample
from analytics.dispatch.solve import solve
from tests.analytics.dispatch.test_solve import PLATE
from tests.analytics.dispatch.test_system import alone

DUTY = HeadBand(300.0, 35.0, 35.0)
WORN = replace(PLATE, eta=(0.2, 0.005, -1.25e-5, 0.0))
PUMPS = [Candidate("a", PLATE), Candidate("b", PLATE), Candidate("worn", WORN)]
BEST = frozenset({"a", "b"})


def running(*names: str) -> Dispatch:
    """Those and no others, settled."""
    found = solve([replace(pump, lock="must run" if pump.id in names else "must not run") for pump in PUMPS], DUTY)
    assert isinstance(found, Dispatch)
    return found


@pytest.mark.parametrize("method", METHODS)
def test_a_dearer_set_is_left_for_a_cheaper_one_that_is_settled_exactly(method: Method) -> None:
    """Were the exact solver wrong, the method would mend it, by the same formulas and with the same bound."""
    dear, best = running("a", "worn"), running("a", "b")

    found = refined(PUMPS, DUTY, dear, method, seed=1)

    assert found.cost == pytest.approx(best.cost, rel=1e-9)
    assert {duty.id for duty in found.duties} == BEST
    assert found.bound <= min(dear.bound, best.bound)


@pytest.mark.parametrize("method", METHODS)
def test_the_cheapest_set_is_never_left(method: Method) -> None:
    """What is found with dice is only believed where it is cheaper."""
    best = running("a", "b")

    assert refined(PUMPS, DUTY, best, method, seed=1) is best


def test_nor_is_a_set_taken_that_serves_another_demand() -> None:
    """With other pumps the water may meet another system."""
    dear = running("a", "worn")

    found = refined(PUMPS, DUTY, dear, "particle swarm", seed=1, apart=[BEST])

    assert {duty.id for duty in found.duties} != BEST


class Mistaken(Search):
    """Whose exact answer is another one than the cheapest."""

    def cheapest(self, candidates: Sequence[Candidate], share: float = 1.0) -> Solved | Infeasible:
        """Pump a, whatever b would cost."""
        return super().cheapest([each for each in candidates if each.id == "a"], share)


@pytest.mark.parametrize("method", METHODS)
def test_what_a_method_finds_cheaper_is_proposed_and_the_method_named_only_then(method: Method) -> None:
    """Without one, or with the set that was advised last, the answer and its name are those of the exact solver."""
    now = alone({})
    sample = Sample.of(now.model, 20, 1) if now.model else None
    assert sample is not None
    mistaken = Mistaken(sample, now.operation, now.limits, now.holds)

    by_it = replace(mistaken, method=method).best(0.0)
    others = mistaken.best(0.0), replace(mistaken, method=method).best(0.0, frozenset({"a"}))

    assert isinstance(by_it, Proposal)
    assert by_it.speeds.keys() == {"b"}
    assert by_it.method == method
    for other in others:
        assert isinstance(other, Proposal)
        assert other.speeds.keys() == {"a"}
        assert other.method is None


def test_every_method_can_be_selected() -> None:
    """The settings list what there is, after the exact one."""
    assert get_args(DispatchSettings.model_fields["method"].annotation) == ("exact", *METHODS)
