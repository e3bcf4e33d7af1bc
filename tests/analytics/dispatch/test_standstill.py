"""What is advised while all pumps stand: nothing, or what it takes to deliver what is required."""

from dataclasses import replace

import pytest

from analytics.dispatch.advice import advise
from analytics.dispatch.limits import History, Limits
from analytics.dispatch.proposal import Proposal
from analytics.dispatch.requirement import RequiredFlow, RequiredHead, Requirement
from analytics.dispatch.situation import Situation
from tests.analytics.dispatch.learnt import Learnt
from tests.analytics.dispatch.test_advice import MINUTE_MS, NOW_MS, A, B, situation
from tests.analytics.dispatch.test_requirement import SYSTEM, WHY, at_head, search

STATIC = 28.0  # m
DOUBTFUL = replace(SYSTEM, resistance_std=1e-5)


def standing(required: Requirement | None, b: Learnt = B) -> Situation:
    """Two pumps, and a header without flow, but for what its meter is off by."""
    now = situation([replace(pump, flow_range=(80.0, 300.0), speed_range=(0.6, 1.0)) for pump in (A, b)], {}, STATIC)
    said = () if required is None else (f"{WHY}.",)
    return replace(now, operation=replace(now.operation, flow=0.4, required=required, said=said))


def test_pumps_are_started_for_a_flow_that_is_required_at_the_head_the_system_makes_of_it() -> None:
    """H = 28 + 5e-5 400²; nothing is claimed to be saved."""
    advice = advise(standing(RequiredFlow(400.0, WHY, SYSTEM)))

    assert advice.action == "change"
    assert at_head(advice) == pytest.approx((400.0, 36.0))
    assert advice.saving is not None
    assert (advice.saving.present, advice.saving.std) == (0.0, advice.saving.proposed_std)
    assert advice.why.startswith(f"{WHY}, and delivers 0 m³/h. 400 instead of 0 m³/h for 5")
    assert advice.why.endswith(" kW.")
    assert advice.reasons[0].startswith("start a at ")
    assert advice.reasons[1].startswith("start b at ")
    assert "The flow goes from 0 to 400 m³/h." in advice.reasons
    assert not advice.is_same_flow


def test_the_cheapest_pump_that_can_do_it_is_started() -> None:
    """B draws 3 kW less; where it has to rest, a."""
    now = standing(RequiredFlow(180.0, WHY, replace(SYSTEM, flow_range=(150.0, 450.0))), replace(B, b0=9.0))
    rests = [Limits("a"), Limits("b", min_off_ms=10 * MINUTE_MS)]
    resting = {**now.histories, "b": History(is_running=False, since_ms=NOW_MS - MINUTE_MS)}

    free, held = advise(now), advise(replace(now, limits=rests, histories=resting))

    assert [each.id for each in free.pumps if each.run] == ["b"]
    assert [each.id for each in held.pumps if each.run] == ["a"]
    assert any(reason.startswith("b stays off: it stopped 1 min ago") for reason in held.reasons)


def test_a_pump_that_was_advised_to_start_stays_so_where_the_other_is_hardly_better() -> None:
    """Else the two would be advised in turns while nobody has started one."""
    now = standing(RequiredFlow(180.0, WHY, replace(SYSTEM, flow_range=(150.0, 450.0))), replace(B, b0=11.9))

    free, steady = advise(now), advise(replace(now, advised=frozenset({"a"})))

    assert [each.id for each in free.pumps if each.run] == ["b"]
    assert [each.id for each in steady.pumps if each.run] == ["a"]


def test_a_pressure_that_is_required_takes_the_flow_that_has_it() -> None:
    """36 m are 8 m above the standing header: sqrt(8 / 5e-5) m³/h."""
    advice = advise(standing(RequiredHead(36.0, "The header has to hold 36.0 m", system=SYSTEM)))

    assert advice.action == "change"
    assert at_head(advice) == pytest.approx((400.0, 36.0))
    assert advice.why.startswith("The header has to hold 36.0 m, and has 28 m. 400 instead of 0 m³/h for ")


def test_what_the_system_is_not_known_by_is_what_the_power_is_not_known_by() -> None:
    """1e-5 400² are 1.6 m of 36."""
    sure, unsure = (search(standing(RequiredFlow(400.0, WHY, one))).best(0.0) for one in (SYSTEM, DOUBTFUL))

    assert isinstance(sure, Proposal)
    assert isinstance(unsure, Proposal)
    assert unsure.saving.proposed_std > sure.saving.proposed_std + 0.9 * unsure.dispatch.power * 1.6 / 36


@pytest.mark.parametrize(
    "required",
    [
        RequiredFlow(400.0, WHY, "a controller holds its head"),
        RequiredHead(36.0, "The header has to hold 36.0 m", system="a controller holds its head"),
    ],
)
def test_where_it_cannot_be_known_what_that_takes_it_is_said_what_is_missed(required: Requirement) -> None:
    """An operator knows better what to start than a curve that nobody has."""
    advice = advise(standing(required))

    assert advice.action == "none"
    assert advice.why.startswith(required.broken(0.0, STATIC) or "never")
    assert advice.why.endswith("Which pumps that takes is not known: a controller holds its head.")


def test_what_is_missed_is_said_without_any_curve_too() -> None:
    """Of pumps that never ran."""
    advice = advise(replace(standing(RequiredFlow(400.0, WHY, "no curves have been learnt yet")), model=None))

    assert advice.action == "none"
    assert advice.why == f"{WHY}, and delivers 0 m³/h. No curves have been learnt yet."


@pytest.mark.parametrize("required", [RequiredFlow(-12.0, WHY, SYSTEM), RequiredHead(28.2, WHY, system=SYSTEM)])
def test_pumps_that_need_not_run_may_stand(required: Requirement) -> None:
    """A tank that is filled by others; a pressure that is there."""
    advice = advise(standing(required))

    assert (advice.action, advice.why) == ("none", "No pump runs, and none needs to for what is required.")
    assert advice.broken == ()


def test_a_flow_that_no_pumps_can_deliver_is_said_with_what_binds() -> None:
    """One of them is not available."""
    now = standing(RequiredFlow(400.0, WHY, SYSTEM))

    advice = advise(replace(now, limits=[Limits("a"), Limits("b", is_available=False)]))

    assert advice.action == "none"
    assert advice.why.startswith(f"{WHY}, and delivers 0 m³/h. ")
    assert "at most" in advice.why


@pytest.mark.parametrize("flows", [(310.0, 400.0), (0.0, 70.0)])
def test_pumps_that_have_learnt_nothing_inside_their_limits_are_said_to_be_what_is_wrong(
    flows: tuple[float, float],
) -> None:
    """They were learnt from 80 to 300 m³/h; that none may run would send an operator to look for a lock."""
    now = standing(RequiredFlow(400.0, WHY, SYSTEM))

    advice = advise(replace(now, limits=[Limits("a", flows=flows), Limits("b", flows=flows)]))

    assert advice.action == "none"
    assert "No pump has learnt anything inside its limits (speed, flow_min and flow_max" in advice.why
    assert [one for one in advice.reasons if "not proposed" in one] == [
        f"{pump} is not proposed: what its curve has learnt lies outside its limits." for pump in "ab"
    ]


def test_one_of_which_that_is_true_is_named_beside_what_keeps_the_other() -> None:
    """Nor is it named where it is not available: that is said already."""
    now = standing(RequiredFlow(180.0, WHY, replace(SYSTEM, flow_range=(150.0, 450.0))))
    odd, out = Limits("a", flows=(310.0, 400.0)), Limits("b", is_available=False)

    other, none = advise(replace(now, limits=[odd, Limits("b")])), advise(replace(now, limits=[odd, out]))
    twice = advise(replace(now, limits=[replace(odd, is_available=False), Limits("b")]))

    assert [each.id for each in other.pumps if each.run] == ["b"]
    said = "a is not proposed: what its curve has learnt lies outside its limits."
    assert said in other.reasons
    assert said in none.reasons
    assert said not in twice.reasons


def test_what_is_required_is_said_once_where_it_cannot_be_had() -> None:
    """With what is delivered."""
    required = RequiredFlow(400.0, WHY, "a controller holds its head")

    advice = advise(standing(required))

    assert [one for one in advice.reasons if one.startswith(WHY)] == [f"{WHY}, and delivers 0 m³/h."]
