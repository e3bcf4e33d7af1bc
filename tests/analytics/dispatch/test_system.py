"""Heads that follow the flow: of which set, in the demand and in the advice."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from analytics.dispatch.advice import advise
from analytics.dispatch.duty import Infeasible
from analytics.dispatch.metaheuristics import METHODS, Method
from analytics.dispatch.proposal import Proposal
from analytics.dispatch.requirement import RequiredFlow, RequiredHead, SameFlow
from analytics.dispatch.situation import Situation
from analytics.dispatch.system import System
from tests.analytics.dispatch.learnt import Learnt
from tests.analytics.dispatch.test_advice import A, B, plan, situation
from tests.analytics.dispatch.test_requirement import EVEN, SYSTEM, WHY, requiring, search

STEEPER = 4e-5  # m per (m³/h)², that the water of pump b meets more


def alone(own: Mapping[frozenset[str], float]) -> Situation:
    """A runs alone; b alone would draw 3 kW less for the same duty."""
    wide = [replace(pump, flow_range=(80.0, 300.0), speed_range=(0.6, 1.0)) for pump in (A, replace(B, b0=8.0))]
    now = situation(wide, {"a": 0.9})
    system = replace(SYSTEM, flow_range=(100.0, 450.0), own=own, running=frozenset({"a"}))
    return replace(now, operation=replace(now.operation, required=SameFlow(system, 20.0, 50.0)))


def test_the_same_flow_has_the_present_head_whatever_the_site_allows() -> None:
    """Less pressure would be less water."""
    advice = advise(requiring(SameFlow(SYSTEM, 30.0, 40.0)))

    assert advice.action == "keep"
    assert advice.head == 35.0


def test_what_would_change_it_walks_along_the_system() -> None:
    """A fifth less flow has 32.6 m and not 35: there the demand has to be asked."""
    demand = search(requiring(SameFlow(SYSTEM))).demand().scaled(0.8)

    flow = float(demand.flow(np.array(demand.low)))
    assert float(demand.head(np.array(demand.low))) == pytest.approx(SYSTEM.head(flow / 0.8, 35.0, flow))


@pytest.mark.parametrize(("low", "high", "head"), [(36.0, 40.0, 36.0), (30.0, 34.0, 34.0)])
def test_a_head_that_is_not_allowed_is_left_for_the_flow_whose_head_is(low: float, high: float, head: float) -> None:
    """Which is said to be another flow."""
    now = requiring(SameFlow(SYSTEM, low, high))
    advice = advise(replace(now, operation=replace(now.operation, head_min=low, head_max=high)))

    assert advice.action == "change"
    assert advice.head == pytest.approx(head)
    assert advice.flow is not None
    assert SYSTEM.head(now.operation.flow, 35.0, advice.flow) == pytest.approx(head)
    assert not advice.is_same_flow


@pytest.mark.parametrize(("low", "high"), [(35.09, None), (None, 34.91)])
def test_a_head_that_no_gauge_could_tell_from_an_allowed_one_is_as_good(low: float | None, high: float | None) -> None:
    """Else the advice would come and go with a few centimetres; also beyond what the system was learnt from."""
    narrow = replace(SYSTEM, flow_range=(200.0, 300.0))

    same, unseen = advise(requiring(SameFlow(SYSTEM, low, high))), advise(requiring(SameFlow(narrow, low, high)))

    assert (same.action, same.head, same.is_same_flow) == ("keep", 35.0, True)
    assert unseen.action == "keep"


@pytest.mark.parametrize(("low", "high", "words"), [(35.11, None, "35.1 m of head"), (None, 34.89, "34.9 m of head")])
def test_one_that_a_gauge_tells_is_not(low: float | None, high: float | None, words: str) -> None:
    """It takes another flow, and which is not known beyond what the system was learnt from."""
    narrow = replace(SYSTEM, flow_range=(200.0, 300.0))

    now, other = requiring(SameFlow(SYSTEM, low, high)), requiring(SameFlow(narrow, low, high))

    demand = search(now).demand()
    assert float(demand.head(np.array(demand.low))) == pytest.approx(low or high)
    assert advise(other).why.startswith(words)


@pytest.mark.parametrize(("high", "is_allowed"), [(36.53, True), (36.51, False)])
def test_nor_need_the_head_of_other_pipes_be_nearer(high: float, is_allowed: bool) -> None:  # noqa: FBT001 - parameter
    """Those of b make 1.62 m more of 180 m³/h."""
    system = replace(SYSTEM, own={frozenset({"b"}): 1e-4}, running=frozenset({"a"}))

    demand = SameFlow(system, None, high).demand(180.0, 35.0, 180.0, frozenset({"b"}))

    assert (demand is not None) is is_allowed


def test_a_set_by_other_pipes_is_judged_at_the_head_that_its_own_water_meets() -> None:
    """By the same pipes b would be cheaper; by its own it has to lift 184² times as much more."""
    same, other = alone({}), alone({frozenset({"b"}): SYSTEM.resistance + STEEPER})

    cheaper = advise(same)
    found = search(other).best(0.0, frozenset({"b"}))

    assert cheaper.action == "change"
    assert plan(cheaper, "b").run
    assert isinstance(found, Proposal)
    assert found.dispatch.head == pytest.approx(35.0 + STEEPER * other.operation.flow**2)
    assert found.dispatch.flow == pytest.approx(other.operation.flow)


def test_a_set_is_not_chosen_at_a_head_that_it_does_not_meet() -> None:
    """At 42 m b draws more than a does at 35."""
    advice = advise(alone({frozenset({"b"}): SYSTEM.resistance + 2e-4}))

    assert advice.action == "keep"


@pytest.mark.parametrize("method", METHODS)
def test_nor_does_another_method_choose_one_at_the_head_of_a_set_by_its_own_pipes(method: Method) -> None:
    """At the 35 m that a alone meets b would be cheaper; b's water meets 41.8 m."""
    now = alone({frozenset({"a"}): SYSTEM.resistance})
    system = now.operation.required.system if now.operation.required else None
    assert isinstance(system, System)
    system = replace(system, resistance=SYSTEM.resistance + 2e-4)
    now = replace(now, operation=replace(now.operation, required=SameFlow(system, 20.0, 50.0)), method=method)

    advice = advise(now)

    assert advice.action == "keep"
    assert [each.id for each in advice.pumps if each.run] == ["a"]
    assert advice.head == pytest.approx(35.0)
    assert advice.method is None


def test_pumps_that_run_by_pipes_of_their_own_go_on_to_meet_them() -> None:
    """The present head is that of their branch; others' water meets less."""
    now = alone({frozenset({"a"}): SYSTEM.resistance + STEEPER})

    kept, other = (search(now).best(0.0, frozenset({pump})) for pump in ("a", "b"))

    assert isinstance(kept, Proposal)
    assert isinstance(other, Proposal)
    assert kept.dispatch.head == pytest.approx(35.0)
    assert other.dispatch.head == pytest.approx(35.0 - STEEPER * now.operation.flow**2)


def test_how_badly_pipes_are_known_is_doubted_at_the_same_flow_too_where_they_are_others() -> None:
    """Of its own pipes a set's head is measured; of others' it is reckoned."""
    own = {frozenset({"b"}): SYSTEM.resistance + STEEPER}
    doubtful = System(5e-5, 2e-5, (100.0, 450.0), own, frozenset({"a"}))

    assert SameFlow(doubtful).doubt(35.0, 180.0, 180.0, frozenset({"a"})) == 0.0
    assert SameFlow(doubtful).doubt(36.3, 180.0, 180.0, frozenset({"b"})) == pytest.approx(2e-5 * 180.0**2 / 36.3)


def test_a_set_whose_head_is_not_allowed_at_the_same_flow_is_not_offered_at_less() -> None:
    """Less water is no saving."""
    now = alone({frozenset({"b"}): SYSTEM.resistance + STEEPER})
    required = replace(now.operation.required, head_max=35.5)  # type: ignore[type-var]

    found = search(replace(now, operation=replace(now.operation, required=required))).best(0.0, frozenset({"b"}))

    assert isinstance(found, Infeasible)


def test_a_required_flow_is_asked_of_each_set_at_its_own_head() -> None:
    """200 m³/h, by either pump alone."""
    now = alone({frozenset({"b"}): SYSTEM.resistance + STEEPER})
    system = now.operation.required.system if now.operation.required else None
    assert isinstance(system, System)
    now = replace(now, operation=replace(now.operation, required=RequiredFlow(200.0, WHY, system)))

    heads = {}
    for pump in ("a", "b"):
        found = search(now).best(0.0, frozenset({pump}))
        assert isinstance(found, Proposal)
        heads[pump] = found.dispatch.head

    usual = SYSTEM.head(now.operation.flow, 35.0, 200.0)
    assert heads == {"a": pytest.approx(usual), "b": pytest.approx(usual + STEEPER * 200.0**2)}


def test_a_required_head_is_held_by_the_flow_that_has_it_and_by_no_other_pipes() -> None:
    """They would deliver less at that head, which is no saving."""
    now = alone({frozenset({"b"}): SYSTEM.resistance + STEEPER})
    system = now.operation.required.system if now.operation.required else None
    assert isinstance(system, System)
    required = RequiredHead(36.0, "The header has to hold 36 m", system=system)
    now = replace(now, operation=replace(now.operation, required=required))

    own, other = (search(now).best(0.0, frozenset({pump})) for pump in ("a", "b"))

    assert isinstance(own, Proposal)
    assert isinstance(other, Infeasible)
    assert own.dispatch.head == pytest.approx(36.0)
    assert SYSTEM.head(now.operation.flow, 35.0, own.dispatch.flow) == pytest.approx(36.0)


def test_how_badly_the_system_is_known_widens_the_interval_of_the_flow_that_has_a_head() -> None:
    """A metre more is 1 m / (2 k Q) more flow, as uncertain as k."""
    doubtful = System(5e-5, 1e-5, (200.0, 450.0))
    sure, unsure = (search(requiring(RequiredHead(36.0, WHY, system=one))).best(0.0) for one in (SYSTEM, doubtful))

    assert isinstance(sure, Proposal)
    assert isinstance(unsure, Proposal)
    flow = unsure.dispatch.flow
    share = 1e-5 * (flow**2 - (flow - unsure.more_flow) ** 2) / (2 * 5e-5 * flow**2)
    assert unsure.saving.std == pytest.approx(np.hypot(sure.saving.std, unsure.dispatch.power * share), rel=0.01)
    assert EVEN.keys() == unsure.speeds.keys()


def test_three_pumps_of_which_one_pair_meets_its_own_system() -> None:
    """Only that pair is taken out of the common search; each pump of it stays in every other set."""
    wide = [Learnt(name, flow_range=(80.0, 300.0), speed_range=(0.6, 1.0)) for name in ("a", "b", "c")]
    pair = frozenset({"b", "c"})
    now = situation([wide[0], *(replace(each, b0=9.0) for each in wide[1:])], EVEN)
    system = replace(SYSTEM, own={pair: 5e-4}, running=frozenset(EVEN))
    now = replace(now, operation=replace(now.operation, required=SameFlow(system)))

    best = search(now).best(0.0)
    free = search(replace(now, operation=replace(now.operation, required=SameFlow(SYSTEM)))).best(0.0)

    assert isinstance(best, Proposal)
    assert isinstance(free, Proposal)
    assert free.speeds.keys() == pair
    assert best.speeds.keys() == {"a", "b", "c"}
