"""What the site requires of a header, in the demand and in the advice: served, priced, said, or withheld."""

from collections.abc import Mapping
from dataclasses import replace
from math import sqrt

import numpy as np
import pytest

from analytics.dispatch.advice import Advice, advise
from analytics.dispatch.demand import HeadBand, SystemCurve
from analytics.dispatch.proposal import Proposal, Search
from analytics.dispatch.requirement import RequiredFlow, RequiredHead, Requirement
from analytics.dispatch.saving import Sample
from analytics.dispatch.situation import Situation
from analytics.dispatch.system import System
from tests.analytics.dispatch.learnt import Learnt
from tests.analytics.dispatch.test_advice import A, B, plan, situation

SYSTEM = System(resistance=5e-5, resistance_std=0.0, flow_range=(200.0, 450.0))
EVEN = {"a": 0.9, "b": 0.9}
WHY = "The header has to deliver 400 m³/h (tag main.setpoint)"


def requiring(required: Requirement, speeds: Mapping[str, float] = EVEN, head: float = 35.0) -> Situation:
    """Two equal pumps, wide enough learnt, at *speeds*."""
    wide = [replace(pump, flow_range=(80.0, 300.0), speed_range=(0.6, 1.0)) for pump in (A, B)]
    now = situation(wide, speeds, head)
    return replace(now, operation=replace(now.operation, required=required, said=(f"{WHY}.",)))


def at_head(advice: Advice) -> tuple[float, float]:
    """Flow and head that are advised."""
    assert advice.flow is not None
    assert advice.head is not None
    return advice.flow, advice.head


# A flow


def test_a_flow_that_is_not_delivered_is_advised_whatever_it_costs_at_the_head_the_system_makes_of_it() -> None:
    """Two pumps give 369 m³/h where 400 are required: H = 35 + 5e-5 (400² - 369²)."""
    now = requiring(RequiredFlow(400.0, WHY, SYSTEM))

    advice = advise(now)

    flow, head = at_head(advice)
    assert advice.action == "change"
    assert flow == pytest.approx(400.0)
    assert head == pytest.approx(35.0 + 5e-5 * (400.0**2 - now.operation.flow**2))
    assert advice.saving is not None
    assert advice.saving.mean < -5
    assert not advice.is_same_flow
    assert advice.why.startswith(f"{WHY}, and delivers 369 m³/h. 400 instead of 369 m³/h for ")
    assert advice.why.endswith(" % more power.")
    assert f"{WHY}." in advice.reasons
    assert any(one.startswith("The flow goes from 369 to 400 m³/h") for one in advice.reasons)


def test_less_than_is_delivered_is_advised_too_and_said_to_be_less() -> None:
    """Less water is no saving: the sentence must not call it the same flow."""
    advice = advise(requiring(RequiredFlow(320.0, WHY, SYSTEM)))

    assert at_head(advice)[0] == pytest.approx(320.0)
    assert "320 instead of 369 m³/h" in advice.why
    assert "The same flow" not in advice.why


def test_a_flow_that_is_delivered_but_for_what_a_meter_is_off_leaves_all_as_it_is() -> None:
    """Nothing is saved by delivering one percent less than now."""
    now = requiring(RequiredFlow(365.0, WHY, SYSTEM))

    advice = advise(now)

    assert advice.action == "keep"
    assert advice.flow == pytest.approx(now.operation.flow)
    assert advice.reasons[0] == f"{WHY}."
    assert advice.broken == ()


def test_what_is_required_is_what_the_header_s_meter_would_show() -> None:
    """The model sees 2 % less than the meter: 400 m³/h by the meter are 392 of the model's."""
    now = requiring(RequiredFlow(400.0, WHY, SYSTEM))
    now = replace(now, operation=replace(now.operation, flow=now.operation.flow * 1.02))

    demand = search(now).demand()

    assert isinstance(demand, SystemCurve)
    assert (demand.low, demand.high) == pytest.approx((400.0 / 1.02, 400.0 / 1.02))
    assert float(demand.head(np.array(demand.low))) == pytest.approx(SYSTEM.head(now.operation.flow, 35.0, 400.0))


def test_where_no_system_is_known_an_other_flow_is_not_advised_and_the_one_of_now_is() -> None:
    """Nobody knows at which head 400 m³/h pass; at 369 it is the present one."""
    unknown = RequiredFlow(400.0, WHY, "its head does not rise with the flow")

    other, same = advise(requiring(unknown)), advise(requiring(replace(unknown, flow=369.0)))

    assert other.action == "none"
    assert "Which head the header has at another flow is not known: its head does not rise" in other.why
    assert other.why.startswith(f"{WHY}, and delivers 369 m³/h.")
    assert same.action == "keep"


def test_nor_one_beyond_the_flows_that_the_system_was_learnt_from() -> None:
    """A parabola is not believed everywhere."""
    advice = advise(requiring(RequiredFlow(520.0, WHY, SYSTEM)))

    assert advice.action == "none"
    assert "at 520 m³/h is not known: the system's curve was learnt between 200 and 450 m³/h" in advice.why


@pytest.mark.parametrize(("limits", "words"), [((None, 35.5), "above the 35.5 m"), ((36.7, None), "below the 36.7 m")])
def test_a_flow_whose_head_is_not_allowed_is_not_advised(limits: tuple[float | None, float | None], words: str) -> None:
    """400 m³/h take 36.2 m."""
    advice = advise(requiring(RequiredFlow(400.0, WHY, SYSTEM, head_min=limits[0], head_max=limits[1])))

    assert advice.action == "none"
    assert f"At 400 m³/h the head is 36.2 m, {words} that the site allows." in advice.why


def test_a_flow_of_nothing_is_said() -> None:
    """No set of pumps delivers nothing."""
    advice = advise(requiring(RequiredFlow(-12.0, WHY, SYSTEM)))

    assert advice.action == "none"
    assert "no pump need run for that" in advice.why


def test_of_sets_that_cost_nearly_the_same_the_one_that_was_advised_stays_though_something_is_broken() -> None:
    """Delivering more saves nothing, whoever does it: that is no reason to change between c and b every minute."""
    pumps = [replace(pump, flow_range=(80.0, 300.0), speed_range=(0.6, 1.0)) for pump in (A, B, Learnt("c", b0=11.85))]
    now = situation(pumps, {"a": 0.83, "b": 0.83})
    now = replace(now, operation=replace(now.operation, required=RequiredFlow(300.0, WHY, SYSTEM)))

    free, steady = (advise(replace(now, advised=advised)) for advised in (None, frozenset({"a", "b"})))

    assert {each.id for each in free.pumps if each.run} == {"a", "c"}
    assert {each.id for each in steady.pumps if each.run} == {"a", "b"}


@pytest.mark.parametrize(
    ("required", "advised", "action"),
    [
        (RequiredFlow(363.4, WHY, SYSTEM), None, "keep"),
        (RequiredFlow(363.4, WHY, SYSTEM), {"a", "b"}, "change"),
        (RequiredFlow(366.5, WHY, SYSTEM), {"a", "b"}, "keep"),
        (RequiredFlow(363.4, WHY, SYSTEM, share=0.018), {"a", "b"}, "keep"),
        (RequiredHead(34.45, WHY), None, "keep"),
        (RequiredHead(34.45, WHY), {"a", "b"}, "change"),
        (RequiredHead(34.8, WHY), {"a", "b"}, "keep"),
    ],
)
def test_a_change_that_holds_ends_only_well_within_what_is_required(
    required: Requirement, advised: set[str] | None, action: str
) -> None:
    """1.5 % are held where nothing is advised; else noise at the edge of 2 % would call a change and its end in turns.

    What the site allows to be missed is not taken from it.
    """
    advice = advise(replace(requiring(required), advised=None if advised is None else frozenset(advised)))

    assert advice.action == action


# More or less than that, at its price


def search(now: Situation) -> Search:
    """As advice makes it."""
    assert now.model is not None
    return Search(Sample.of(now.model, 50, 1), now.operation, now.limits, now.holds)


def window(worth: float, share: float = 0.1) -> Situation:
    """369 m³/h are delivered and 360 required."""
    return requiring(RequiredFlow(360.0, WHY, SYSTEM, share, worth))


def test_water_that_is_worth_more_than_pumping_it_takes_is_pumped_as_far_as_allowed() -> None:
    """A cubic metre more takes about 0.2 kWh; at 1 kWh as much as allowed is right, at 0.02 kWh as little."""
    more, less = (search(window(worth)).best(0.0) for worth in (1.0, 0.02))

    assert isinstance(more, Proposal)
    assert isinstance(less, Proposal)
    assert more.dispatch.flow == pytest.approx(396.0)
    assert less.dispatch.flow == pytest.approx(324.0)
    assert more.dispatch.active == ("high end",)


def test_at_a_worth_between_its_ends_the_flow_is_where_the_last_cubic_metre_pays() -> None:
    """The best flow of the window is no worse than each flow that is solved alone, and one of them is nearly it."""
    now = window(0.23, share=0.12)
    found = search(now).best(0.0)
    assert isinstance(found, Proposal)

    alone = {}
    for flow in np.linspace(318.0, 402.0, 22):
        one = search(requiring(RequiredFlow(flow, WHY, SYSTEM, accuracy=0.0))).best(0.0)
        assert isinstance(one, Proposal)
        alone[flow] = one.dispatch.cost - 0.23 * flow
    best = min(alone, key=lambda flow: alone[flow])

    assert found.dispatch.power - 0.23 * found.dispatch.flow <= alone[best] + 1e-6
    assert abs(found.dispatch.flow - best) < 4.1


def test_what_water_is_worth_is_in_the_balance_and_said_and_not_called_a_saving() -> None:
    """Power rises, and it pays: 27 m³/h more at 1 kWh each."""
    advice = advise(window(1.0))

    assert advice.action == "change"
    assert advice.saving is not None
    assert advice.saving.mean < 0
    assert "and more water" in advice.why
    assert "The flow goes from 369 to 396 m³/h: 27 m³/h more, which count as 27.2 kW." in advice.reasons
    assert "header: greatest flow allowed" in advice.active


def test_less_water_counts_against_what_it_saves() -> None:
    """36 m³/h less save some 9 kW, and are worth as much: nothing is left to advise, and that is why."""
    found = search(window(0.2)).best(0.0)
    assert isinstance(found, Proposal)

    assert found.more_flow != 0
    assert found.net_kw == pytest.approx(found.saving.mean + 0.2 * found.more_flow, abs=1e-9)


def test_water_that_is_worth_what_it_takes_is_named_where_less_of_it_does_not_pay() -> None:
    """Nothing else stands against what it saves."""
    advice = advise(window(0.19))

    assert advice.action == "keep"
    assert advice.why.endswith("does not pay for less water.")


def test_a_window_keeps_the_heads_that_are_allowed() -> None:
    """At 35.5 m no more than sqrt(369² + 0.5 / 5e-5) m³/h pass."""
    now = window(1.0)
    wanted = RequiredFlow(360.0, WHY, SYSTEM, 0.1, 1.0, head_max=35.5)
    now = replace(now, operation=replace(now.operation, required=wanted))

    found = search(now).best(0.0)

    assert isinstance(found, Proposal)
    assert found.dispatch.head == pytest.approx(35.5)
    assert found.dispatch.flow == pytest.approx(sqrt(now.operation.flow**2 + 0.5 / 5e-5))


def test_a_window_is_what_the_header_s_meter_would_show_and_passes_through_the_present_duty() -> None:
    """The model sees 4 % less than the meter: of its flows the same heads follow."""
    wanted = RequiredFlow(360.0, WHY, SYSTEM, share=0.1, worth_kw=1.0)

    demand = wanted.demand(370.0, 35.0, 370.0 * 0.96)

    assert isinstance(demand, SystemCurve)
    assert (demand.low, demand.high) == pytest.approx((324.0 * 0.96, 396.0 * 0.96))
    for flow in (370.0, 330.0):
        expected = SYSTEM.head(370.0, 35.0, flow)
        assert float(demand.head(np.array(flow * 0.96))) == pytest.approx(expected, abs=1e-9)


def test_a_window_ends_with_the_flows_that_the_system_was_learnt_from() -> None:
    """A parabola is believed a tenth beyond them and no farther, whatever the site would allow."""
    known = replace(SYSTEM, flow_range=(380.0, 400.0))

    demand = RequiredFlow(380.0, WHY, known, share=0.2, worth_kw=1.0).demand(380.0, 35.0, 380.0)

    assert isinstance(demand, SystemCurve)
    assert (demand.low, demand.high) == pytest.approx((0.9 * 380.0, 1.1 * 400.0))


def test_how_badly_the_system_is_known_widens_the_interval_of_another_flow_only() -> None:
    """Its head is not known there; at the flow of now it is measured."""
    doubtful = replace(SYSTEM, resistance_std=2.5e-5)
    sure, unsure, same = (
        search(requiring(RequiredFlow(flow, WHY, system))).best(0.0)
        for flow, system in ((400.0, SYSTEM), (400.0, doubtful), (369.0, doubtful))
    )

    assert isinstance(sure, Proposal)
    assert isinstance(unsure, Proposal)
    assert isinstance(same, Proposal)
    head_share = 2.5e-5 * (400.0**2 - (400.0 - unsure.more_flow) ** 2) / unsure.dispatch.head
    expected = np.hypot(sure.saving.std, unsure.dispatch.power * head_share)
    assert unsure.saving.std == pytest.approx(expected, rel=0.01)
    assert same.saving.std < sure.saving.std


# A pressure


def test_a_pressure_that_is_not_held_is_advised_for_the_flow_of_now() -> None:
    """35 m are there, 38 are required."""
    now = requiring(RequiredHead(38.0, "The header has to hold 3.7 bar, 38.0 m of head"))

    advice = advise(now)

    flow, head = at_head(advice)
    assert flow == pytest.approx(now.operation.flow)
    assert head == pytest.approx(38.0)
    assert advice.why.startswith("The header has to hold 3.7 bar, 38.0 m of head, and has 35 m. The same flow for ")
    assert "The head goes from 35.0 to 38.0 m." in advice.reasons


def test_a_pressure_that_is_there_is_kept_and_another_one_is_not_planned_where_nobody_knows_its_flow() -> None:
    """The duty of now is one that the system has, whatever its curve; any other is a guess."""
    there, other = (RequiredHead(head, "", system="the flow never changed", is_known=False) for head in (35.3, 38.0))

    assert there.unknown(369.0, 35.0) is None
    assert there.demand(369.0, 35.0, 369.0) == HeadBand(369.0, 35.0, 35.0)
    assert other.unknown(369.0, 35.0) == "Which flow the header has at 38.0 m is not known: the flow never changed."


def test_a_pressure_that_is_held_is_not_lowered_within_what_it_may_be_off() -> None:
    """A saving by half a metre less than required would be none."""
    now = requiring(RequiredHead(35.3, "The header has to hold 35.3 m"))

    advice = advise(now)

    assert advice.action == "keep"
    assert advice.head == 35.0


def test_whatever_pressure_is_required_the_band_that_is_allowed_is_kept() -> None:
    """A setpoint a little beyond a limit does not excuse breaking it."""
    low = RequiredHead(35.3, "", head_min=35.2, head_max=40.0).demand(369.0, 35.0, 369.0)
    high = RequiredHead(39.8, "", head_min=35.2, head_max=40.0).demand(369.0, 40.2, 369.0)

    assert isinstance(low, HeadBand)
    assert isinstance(high, HeadBand)
    assert (low.low, low.high) == (35.2, 35.2)
    assert (high.low, high.high) == (40.0, 40.0)


def test_a_pressure_that_nobody_can_hold_is_named_once() -> None:
    """It is what is broken, and no reason beside."""
    why = "The header has to hold 90 m"
    now = requiring(RequiredHead(90.0, why))

    advice = advise(replace(now, operation=replace(now.operation, said=(f"{why}.",))))

    assert advice.action == "none"
    assert [one for one in advice.reasons if one.startswith(why)] == [f"{why}, and has 35 m."]


# What would change it


def test_what_would_change_a_window_of_flows_is_told_as_flows_too() -> None:
    """At 45 % more flow than the window's middle two pumps no longer do."""
    third = Learnt("c", flow_range=(80.0, 300.0), speed_range=(0.6, 1.0))
    wide = [replace(pump, flow_range=(80.0, 300.0), speed_range=(0.6, 1.0)) for pump in (A, B)]
    now = situation([*wide, third], EVEN)
    now = replace(now, operation=replace(now.operation, required=RequiredFlow(360.0, WHY, SYSTEM, 0.05, 1.0)))

    advice = advise(now)

    assert isinstance(search(now).demand(), SystemCurve)
    assert plan(advice, "a").run
    assert all(one.split()[0] in {"Above", "Below"} for one in advice.turning)
