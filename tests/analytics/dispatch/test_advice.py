"""What is advised in each situation, and what never is."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from analytics.curves.misfit import Misfit
from analytics.curves.model import StationModel
from analytics.dispatch.advice import Advice, PumpPlan, advise
from analytics.dispatch.limits import History, Limits
from analytics.dispatch.operation import Operation
from analytics.dispatch.saving import Sample, Way, compare
from analytics.dispatch.situation import Situation
from tests.analytics.dispatch.learnt import Learnt, station

NOW_MS = 1_740_679_200_000
MINUTE_MS = 60_000
A, B, C = Learnt("a"), Learnt("b"), Learnt("c")
UNEVEN = {"a": 0.85, "b": 0.95}  # two equal pumps that do not share equally: 2.7 % of the power for nothing


def situation(
    pumps: Sequence[Learnt], speeds: Mapping[str, float], head: float = 35.0, noise: float = 0.05
) -> Situation:
    """The pumps at *speeds*, metered without error, long in that state."""
    model = station(pumps, noise=noise)
    duty = model.duty([speeds.get(pump, 0.0) for pump in model.pumps], head)
    powers = {pump: float(power) for pump, power in zip(model.pumps, duty.powers, strict=True) if pump in speeds}
    return Situation(
        operation=Operation(float(duty.flows.sum()), head, speeds, powers),
        model=model,
        limits=[Limits(pump.id) for pump in pumps],
        histories={pump.id: History(is_running=pump.id in speeds) for pump in pumps},
        now_ms=NOW_MS,
    )


def plan(advice: Advice, pump: str) -> PumpPlan:
    """What is advised of one pump."""
    return next(each for each in advice.pumps if each.id == pump)


def test_a_sure_saving_is_advised_with_what_to_do() -> None:
    """Two equal pumps at 42.5 and 47.5 Hz do the same at 44.8 Hz each for 2.7 % less."""
    advice = advise(situation([A, B], UNEVEN))

    assert advice.action == "change"
    assert advice.saving is not None
    assert advice.saving.mean == pytest.approx(1.38, abs=0.01)
    assert advice.saving.confidence > 0.9
    assert advice.reasons[:2] == ("a from 42.5 Hz to 44.8 Hz", "b from 47.5 Hz to 44.8 Hz")
    assert "Of 363 m³/h then deliver: a 181.6 ± 0.5 m³/h, b 181.6 ± 0.5 m³/h." in advice.reasons
    assert sum(each.flow or 0.0 for each in advice.pumps) == pytest.approx(363.29, abs=0.01)
    assert [each.within_data for each in advice.pumps] == [True, True]


def test_the_best_operation_is_kept() -> None:
    """Nothing is advised for its own sake; the plan shown is the present one."""
    advice = advise(situation([A, B, C], {"a": 0.9, "b": 0.9}))

    assert advice.action == "keep"
    assert advice.why == "The present operation is the best found."
    assert [(each.run, each.speed) for each in advice.pumps] == [(True, 0.9), (True, 0.9), (False, None)]


def test_a_saving_within_its_uncertainty_is_not_advised() -> None:
    """The same two pumps known badly: the mean saving is the same and now says nothing."""
    doubtful = [replace(A, doubt=0.1), replace(B, doubt=0.1)]

    advice = advise(situation(doubtful, UNEVEN))

    assert advice.action == "keep"
    assert "within the uncertainty" in advice.why


@pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning")
@pytest.mark.parametrize(("doubt", "action"), [(0.1, "change"), (100.0, "none")])
def test_what_mends_something_is_not_advised_where_hardly_a_station_could_run_it(doubt: float, action: str) -> None:
    """A pump runs that is not available; of curves that may have any form nothing else can be said."""
    pumps = [replace(each, doubt=doubt) for each in (A, B, C)]
    now = situation(pumps, {"a": 0.9, "b": 0.9})

    advice = advise(replace(now, limits=[Limits("a"), Limits("b", is_available=False), Limits("c")]))

    assert advice.action == action
    assert advice.why.startswith("b runs, but is not available.")
    assert advice.broken == ("b runs, but is not available.",)
    assert ("too uncertain" in advice.why) == (action == "none")


def test_a_sure_saving_too_small_to_bother_is_not_advised() -> None:
    """0.1 % is not worth a walk to the panel, however sure."""
    advice = advise(situation([A, B], {"a": 0.895, "b": 0.905}))

    assert advice.action == "keep"
    assert "less than 1.0%" in advice.why


def test_a_pump_is_not_started_where_its_start_costs_more_than_it_saves() -> None:
    """C is 2 kW better than a; a start worth 3 kW over the hour outweighs it."""
    now = situation([replace(A, b0=14.5), replace(C, b0=12.0)], {"a": 0.9})
    dear = replace(now, limits=[Limits("a"), Limits("c", start_kw=3.0)])

    assert advise(now).action == "change"
    assert advise(dear).action == "keep"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model": None}, "No curves"),
        ({"histories": {"a": History(is_running=True), "b": History(is_running=None)}}, "whether b run"),
        ({"limits": [Limits("a"), Limits("b"), Limits("d")]}, "d runs without a learnt curve"),
    ],
)
def test_nothing_is_advised_where_something_is_not_known(change: dict[str, object], words: str) -> None:
    """No curves, an unknown state, a stranger that runs."""
    now = situation([A, B], UNEVEN)
    if "limits" in change:
        histories = {**now.histories, "d": History(is_running=True)}
        now = replace(now, histories=histories, operation=_with_speed(now.operation, "d", 0.9))

    advice = advise(replace(now, **change))  # type: ignore[arg-type]

    assert advice.action == "none"
    assert words in advice.why
    assert advice.saving is None


def _with_speed(operation: Operation, pump: str, speed: float) -> Operation:
    return replace(operation, speeds={**operation.speeds, pump: speed})


def test_nothing_is_advised_where_no_pump_runs() -> None:
    """There is no demand to serve."""
    advice = advise(situation([A, B], {}))

    assert (advice.action, advice.why) == ("none", "No pump runs, so that there is no demand to serve.")


@pytest.mark.parametrize(("flow", "is_told"), [(543.0, True), (-60.0, True), (9.0, False), (-9.0, False)])
def test_a_flow_without_a_running_pump_is_no_lack_of_demand(flow: float, *, is_told: bool) -> None:
    """A start shows in the pump's readings minutes later where those come once a minute; 5 % is a meter's zero."""
    still = situation([A, B], {})

    advice = advise(replace(still, operation=replace(still.operation, flow=flow)))

    assert advice.action == "none"
    assert (f"No pump is known to run, though {flow:.0f} m³/h are measured" in str(advice.why)) is is_told
    assert ("no demand" in str(advice.why)) is not is_told


def test_nothing_is_advised_about_power_that_is_not_measured() -> None:
    """A model's power that cannot be checked is not believed."""
    now = situation([A, B], UNEVEN)
    unmetered = replace(now.operation, powers={"a": now.operation.powers["a"]})

    advice = advise(replace(now, operation=unmetered))

    assert advice.action == "none"
    assert advice.why.startswith("The power of b is not measured")


@pytest.mark.parametrize(("factor", "action"), [(0.985, "change"), (1.015, "change"), (0.975, "none"), (1.025, "none")])
def test_a_model_that_misses_the_measured_power_by_two_percent_is_not_believed(factor: float, action: str) -> None:
    """Whoever is wrong about now is wrong about then; either way."""
    now = situation([A, B], UNEVEN)
    powers = {pump: power * factor for pump, power in now.operation.powers.items()}

    advice = advise(replace(now, operation=replace(now.operation, powers=powers)))

    assert advice.action == action
    assert ("differ by more than 2%" in advice.why) == (action == "none")


@pytest.mark.parametrize(("factor", "action"), [(0.98, "change"), (0.96, "none")])
def test_a_model_that_misses_the_measured_flow_is_not_believed(factor: float, action: str) -> None:
    """Another pump delivering, or a valve passing, shows in the flow."""
    now = situation([A, B], UNEVEN)

    advice = advise(replace(now, operation=replace(now.operation, flow=now.operation.flow * factor)))

    assert advice.action == action


def test_present_operation_outside_what_was_learnt_is_not_judged() -> None:
    """B runs faster than it ever did while its curve was learnt."""
    advice = advise(situation([A, replace(B, speed_range=(0.7, 0.9))], UNEVEN))

    assert advice.action == "none"
    assert advice.why.startswith("b runs outside what its curve was learnt from: 47.5 Hz")


def test_a_pump_that_runs_while_its_speed_is_shown_as_nought_is_named() -> None:
    """Its status says so, as where it runs past its drive; no curve says anything of it."""
    now = situation([A, B], {"a": 0.9, "b": 0.9})
    said = replace(now.operation, speeds={"a": 0.9, "b": 0.0})

    advice = advise(replace(now, operation=said))

    assert advice.action == "none"
    assert advice.why == "b runs, but its speed is shown as 0.0 Hz; look at the tag of its speed."


def test_what_pumps_without_drives_do_not_deliver_is_told_as_no_limit() -> None:
    """They deliver what they deliver: a hundredth less is no set's flow, and breaks nothing."""
    now = situation([A, B], {"a": 1.0, "b": 1.0})
    fixed = [replace(each, is_variable=False) for each in now.limits]

    assert advise(now).turning == ("Above about 503 m³/h no set of pumps keeps all limits.",)
    assert advise(replace(now, limits=fixed)).turning == ()


def test_a_pump_never_seen_running_is_not_proposed_and_named() -> None:
    """It may be the best pump of all; nobody knows."""
    now = situation([A, B], UNEVEN)
    histories = {**now.histories, "c": History(is_running=False)}

    advice = advise(replace(now, limits=[*now.limits, Limits("c")], histories=histories))

    assert advice.action == "change"
    assert not plan(advice, "c").run
    assert "c is not proposed: it has not been seen running, so there is no curve." in advice.reasons


def test_a_demand_that_locks_make_infeasible_is_said_with_the_binding_limit() -> None:
    """B is declared unavailable while it runs: a alone cannot do it."""
    now = situation([A, B], UNEVEN)

    advice = advise(replace(now, limits=[Limits("a"), Limits("b", is_available=False)]))

    assert advice.action == "none"
    assert "at most" in advice.why
    assert "b is not available." in advice.reasons


# Outside what was learnt


def elsewhere(doubt: float) -> Situation:
    """A works at 45 Hz; b draws 7 kW less there, but has only been seen from 47.5 Hz on."""
    return situation([replace(A, b0=20.0), replace(B, b0=10.0, speed_range=(0.95, 1.0), doubt=doubt)], {"a": 0.9})


@pytest.mark.parametrize("doubt", [0.002, 0.1])
def test_a_saving_outside_what_was_learnt_is_told_and_not_advised_however_sure_the_curve_is(doubt: float) -> None:
    """Nobody has seen b at 45 Hz; what its curve says there is no measurement."""
    advice = advise(elsewhere(doubt))

    assert advice.action == "keep"
    assert all(each.within_data for each in advice.pumps if each.run)
    (told,) = (reason for reason in advice.reasons if reason.startswith("Outside what was learnt"))
    assert told.endswith("might be saved; too uncertain to advise: b was never seen below 47.5 Hz.")


def test_what_is_broken_is_not_mended_outside_what_was_learnt_either() -> None:
    """B would do alone what a does, which is not available, at a speed that nobody has seen."""
    now = elsewhere(0.002)

    advice = advise(replace(now, limits=[Limits("a", is_available=False), Limits("b")]))

    assert advice.action == "none"
    assert advice.why.startswith("a runs, but is not available.")
    assert any("too uncertain to advise: b was never seen below 47.5 Hz" in reason for reason in advice.reasons)


def test_within_what_a_learnt_end_is_off_is_within_what_was_learnt() -> None:
    """An end is a quantile of what was seen: 44.8 Hz where 45.5 Hz was the slowest is as good as seen."""
    known = [replace(A, b0=20.0), replace(B, b0=10.0, speed_range=(0.91, 1.0))]

    assert advise(situation(known, {"a": 0.9})).action == "change"


def test_a_flow_that_was_never_seen_is_named() -> None:
    """B would deliver 184 m³/h, and has been seen from 210 m³/h at rated speed on."""
    now = situation([replace(A, b0=20.0), replace(B, b0=10.0, flow_range=(216.0, 260.0))], {"a": 0.9})

    advice = advise(now)

    assert advice.action == "keep"
    assert any("b was never seen to deliver less than 194 m³/h at 45.0 Hz" in reason for reason in advice.reasons)


def test_a_curve_that_is_sure_of_itself_is_doubted_all_the_same_outside_what_was_learnt() -> None:
    """2 % less power by a curve without any doubt, for a speed nobody has seen: its form may err by as much."""
    known = [replace(A, b0=12.0, doubt=1e-6), replace(B, b0=11.3, speed_range=(0.95, 1.0), doubt=1e-6)]
    now = situation(known, {"a": 0.9}, noise=1e-6)

    assert advise(now).action == "keep"
    assert advise(replace(now, model=station([known[0], replace(known[1], speed_range=(0.7, 1.0))]))).action == "change"


# Hysteresis


@pytest.mark.parametrize(
    ("history", "words"),
    [
        (History(is_running=False, since_ms=NOW_MS - 2 * MINUTE_MS), "stopped 2 min ago and rests at least 10 min"),
        (
            History(is_running=False, start_times_ms=tuple(NOW_MS - age * MINUTE_MS for age in (50, 40, 30, 20))),
            "started 4 times in the last hour",
        ),
    ],
)
def test_a_pump_that_must_rest_is_not_started(history: History, words: str) -> None:
    """C would save 2 kW; it stopped too lately, or has started too often."""
    now = situation([replace(A, b0=14.5), C], {"a": 0.9})
    limits = [Limits("a"), Limits("c", min_off_ms=10 * MINUTE_MS, starts_per_hour=4)]

    advice = advise(replace(now, limits=limits, histories={**now.histories, "c": history}))

    assert advise(now).action == "change"
    assert advice.action == "keep"
    assert any(words in reason for reason in advice.reasons)


def test_a_pump_is_not_stopped_before_its_least_time() -> None:
    """An advice just followed is not reversed: a, started 5 min ago, stays on although c alone would do."""
    now = situation([replace(A, b0=14.5), C], {"a": 0.9})
    started = History(is_running=True, since_ms=NOW_MS - 5 * MINUTE_MS)
    limits = [Limits("a", min_on_ms=15 * MINUTE_MS), Limits("c")]

    early = advise(replace(now, limits=limits, histories={**now.histories, "a": started}))
    late = advise(
        replace(now, limits=limits, histories={**now.histories, "a": started}, now_ms=NOW_MS + 10 * MINUTE_MS)
    )

    assert early.action == "keep"
    assert late.action == "change"
    assert not plan(late, "a").run


STOPS = "c is not started: by the schedule it stands at 14:15, and once started it runs at least 15 min."
RUNS = "a is not stopped: by the schedule it runs at 14:05, and once stopped it rests at least 10 min."


@pytest.mark.parametrize("planned", [{"c": STOPS}, {"a": RUNS}])
def test_what_the_site_s_own_plan_turns_round_is_withheld_and_that_is_said(planned: dict[str, str]) -> None:
    """C alone would save 2 kW, until the schedule has a again."""
    now = situation([replace(A, b0=14.5), C], {"a": 0.9})

    advice = advise(replace(now, limits=[Limits(pump, planned=planned.get(pump)) for pump in ("a", "c")]))

    assert advise(now).action == "change"
    assert advice.action == "keep"
    assert tuple(planned.values()) == advice.reasons[:1]


def test_where_the_plan_keeps_one_pump_off_another_may_still_be_better() -> None:
    """B saves nearly as much as c."""
    now = situation([replace(A, b0=16.0), replace(B, b0=12.5), C], {"a": 0.9})

    advice = advise(replace(now, limits=[Limits("a"), Limits("b"), Limits("c", planned=STOPS)]))

    assert plan(advise(now), "c").run
    assert advice.action == "change"
    assert plan(advice, "b").run
    assert STOPS in advice.reasons


def test_a_plan_is_not_named_where_it_stands_in_the_way_of_nothing() -> None:
    """Nobody would start c."""
    now = situation([A, replace(C, b0=20.0)], {"a": 0.9})

    advice = advise(replace(now, limits=[Limits("a", planned=RUNS), Limits("c", planned=STOPS)]))

    assert advice.action == "keep"
    assert not {RUNS, STOPS} & set(advice.reasons)


def test_what_breaks_a_limit_is_mended_whatever_the_plan() -> None:
    """A is not available: c takes over, and the plan will be another one."""
    now = situation([A, C], {"a": 0.9})

    advice = advise(replace(now, limits=[Limits("a", is_available=False), Limits("c", planned=STOPS)]))

    assert advice.action == "change"
    assert plan(advice, "c").run


def test_advice_not_yet_followed_does_not_hop_between_sets_that_are_equally_good() -> None:
    """B and c are within 0.1 % of each other; whichever was advised stays advised."""
    now = situation([replace(A, b0=16.0), B, replace(C, b0=12.02)], {"a": 0.9})

    fresh = advise(now)
    again = advise(replace(now, advised=frozenset({"c"})))

    assert plan(fresh, "b").run
    assert plan(again, "c").run
    assert not plan(again, "b").run


def test_advice_does_hop_where_another_set_is_clearly_better() -> None:
    """Sticking to an advice that has become 5 % worse would be stubborn."""
    now = situation([replace(A, b0=16.0), B, replace(C, b0=14.0)], {"a": 0.9})

    again = advise(replace(now, advised=frozenset({"c"})))

    assert plan(again, "b").run


def test_pumps_without_drives_are_compared_at_the_speed_they_have() -> None:
    """Their meters may say 49.7 Hz; the present operation is then still one that they can do."""
    now = situation([A, B], {"a": 0.994, "b": 0.994}, head=45.0)
    fixed = replace(now, limits=[Limits("a", is_variable=False), Limits("b", is_variable=False)])

    assert advise(fixed).action == "keep"


# Limits and words


def test_within_a_pressure_band_the_lowest_head_is_planned_and_named() -> None:
    """The site allows 33 to 37 m: the same flow at 33 m costs less, and the limit that holds it is said."""
    now = situation([A, B], {"a": 0.9, "b": 0.9})
    operation = replace(now.operation, head_min=33.0, head_max=37.0)

    advice = advise(replace(now, operation=operation))

    assert advice.action == "change"
    assert advice.head == pytest.approx(33.0)
    assert "header: lowest pressure allowed" in advice.active
    assert "The head goes from 35.0 to 33.0 m, within the pressure band that is allowed." in advice.reasons


def test_the_flow_that_a_pump_may_deliver_is_named_where_it_holds_it() -> None:
    """What b pumps more costs less, and it would take more than its share; its sheet ends at 195 m³/h."""
    now = situation([A, replace(B, b1=0.08)], {"a": 0.95, "b": 0.85})

    advice = advise(replace(now, limits=[Limits("a"), Limits("b", flows=(0.0, 195.0))]))

    b = plan(advice, "b")
    assert advice.action == "change"
    assert b.speed is not None
    assert b.flow == pytest.approx(195.0 * b.speed)
    assert f"b: greatest flow that it may deliver ({b.flow:.0f} m³/h at {50 * b.speed:.1f} Hz)" in advice.active


def test_a_pump_far_from_its_best_point_is_named() -> None:
    """In a technician's words: its share of the best-efficiency flow."""
    now = situation([A, B], UNEVEN)

    advice = advise(replace(now, limits=[Limits("a", rated_flow=200.0), Limits("b", rated_flow=180.0)]))

    assert "b runs at 128.0 ± 0.3 % of its best-efficiency flow." in advice.reasons


def test_a_share_of_best_flow_that_may_as_well_be_good_is_not_complained_about() -> None:
    """Header flow only: b's share is known to 12 %, so 128 % of its best flow is nothing to act on."""
    doubtful = [replace(A, doubt=0.1), replace(B, doubt=0.1)]
    now = situation(doubtful, UNEVEN)

    advice = advise(replace(now, limits=[Limits("a", rated_flow=200.0), Limits("b", rated_flow=180.0)]))

    assert not any("best-efficiency" in reason for reason in advice.reasons)
    assert plan(advice, "b").in_por is None


def test_what_is_uncertain_in_both_operations_cancels() -> None:
    """Present and proposed on the same draw: the saving is known far better than either power."""
    model = station([replace(A, doubt=0.02), replace(B, doubt=0.02)])

    saving = compare(Sample.of(model, 200, 1), Way({"a": 0.9, "b": 0.9}, 35.0), Way({"a": 0.898, "b": 0.902}, 35.0))

    assert saving.proposed_std > 0.5
    assert saving.std < 0.05


def test_what_the_form_misses_is_in_no_draw_as_it_is_counted_beside() -> None:
    """A covariance that has it in makes no station less like the others."""
    model = station([replace(A, doubt=0.02), replace(B, doubt=0.02)])
    form = 0.5 * np.diag(model.covariance)
    wider = replace(model, covariance=model.covariance + np.diag(form), form=form)
    ways = Way({"a": 0.9, "b": 0.9}, 35.0), Way({"a": 0.898, "b": 0.902}, 35.0)

    plain, with_form = (compare(Sample.of(each, 50, 1), *ways) for each in (model, wider))

    assert with_form.proposed_std == pytest.approx(plain.proposed_std, rel=1e-6)


def test_what_the_curves_are_off_by_is_counted_once_in_a_saving() -> None:
    """What meters scatter is no error of a saving; what times left out show is the draws' error, if not more of it."""
    model = station([replace(A, doubt=0.02), replace(B, doubt=0.02), replace(C, doubt=0.02)])

    def std(within: float, left_out: float) -> float:
        each = (within,) * 3, (left_out,) * 3
        basis = replace(model.basis, power_rmse=each[0], power_rmse_blocks=each[1])
        seen = replace(model, power_noise=np.full(3, left_out), basis=basis)
        ways = Way({"a": 0.9, "b": 0.9}, 35.0), Way({"a": 0.9, "c": 0.9}, 35.0, frozenset("ac"))
        return compare(Sample.of(seen, 200, 1), *ways).std

    drawn = std(0.0, 0.0)
    assert std(2.0, 2.0) == drawn
    assert std(0.0, 0.5 * drawn) == drawn
    assert std(0.0, 2.0 * drawn) == pytest.approx(np.sqrt(2) * 2.0 * drawn)  # of b and c, which change


def test_what_is_to_be_done_begins_with_what_starts() -> None:
    """Whoever stops a pump first, as the list says, leaves the town without pressure until the other one runs."""
    pumps = [replace(A, b0=16.0), B, replace(C, b0=10.0)]

    advice = advise(situation(pumps, {"a": 0.9, "b": 0.9}))

    assert [reason.split(" at ")[0] for reason in advice.reasons[:2]] == ["start c", "stop a"]


def test_what_the_form_misses_of_the_pumps_cancels_where_they_stay_near_their_duties() -> None:
    """A curve that is 1 % off is so at both speeds; of a pump that stops and one that starts it does not cancel."""
    seen = _misfitting(powers=(0.01,) * 3)
    near, other = {"a": 0.902, "b": 0.898}, {"a": 0.9, "c": 0.9}

    stays, changes = (_std(seen, {"a": 0.9, "b": 0.9}, each) for each in (near, other))

    each = seen.duty([0.9, 0.9, 0.9], 35.0).powers
    assert changes == pytest.approx(0.01 * np.hypot(each[1], each[2]), rel=0.01)
    assert stays < 0.1 * changes


def test_what_is_missed_of_the_total_flow_counts_by_how_flat_the_curves_are() -> None:
    """The header's meter tells a set's error as a share of head; of pumps that are metered each has its own."""
    total, own = _misfitting(total=0.002), _misfitting(heads=(0.002,) * 3)
    ways = {"a": 0.9, "b": 0.9}, {"a": 0.9, "c": 0.9}
    slopes = total.slopes([0.9, 0.9, 0.9], 35.0)
    duty = total.duty([0.9, 0.9, 0.0], 35.0)
    kw_of_flow = float(duty.powers.sum() / duty.flows.sum())

    assert _std(own, *ways) == pytest.approx(0.002 * kw_of_flow * np.hypot(slopes[1], slopes[2]), rel=0.02)
    assert _std(total, *ways) == pytest.approx(0.002 * kw_of_flow * abs(slopes[0] + slopes[1]), rel=0.02)


def test_a_pump_at_a_speed_at_which_such_a_flow_was_never_seen_is_doubted() -> None:
    """Each alone lies in what was learnt, but little flow was only ever seen at low speed: no pump is quite affine.

    It goes one way for all pumps, and cancels where it is in both operations.
    """
    slow = _misfitting(bands=(((0.7, 0.8),) * 5,) * 3)
    known = _misfitting(bands=(((0.7, 1.0),) * 5,) * 3)
    ways = {"a": 0.78, "b": 0.78}, {"a": 0.88}
    power = float(slow.duty([0.88, 0.0, 0.0], 32.0).powers.sum())

    assert _std(known, *ways, head=32.0) < 0.01
    assert _std(slow, *ways, head=32.0) == pytest.approx(0.3 * 0.08 / 0.88 * power, rel=0.02)
    assert _std(slow, {"a": 0.9, "b": 0.9}, {"a": 0.902, "b": 0.898}) < 0.01


def _misfitting(**misfit: Any) -> StationModel:
    """Three pumps that are known for certain, but for what their form misses."""
    nothing = (0.0,) * 3
    model = station([replace(each, doubt=1e-6) for each in (A, B, C)], noise=0.0)
    unmetered = {"total": 0.0, "heads": (np.nan,) * 3, "powers": nothing, "bands": (((0.7, 1.0),) * 5,) * 3}
    return replace(model, basis=replace(model.basis, misfit=Misfit(**{**unmetered, **misfit})))


def _std(model: StationModel, present: Mapping[str, float], then: Mapping[str, float], head: float = 35.0) -> float:
    return compare(Sample.of(model, 20, 1), Way(present, head), Way(then, head, frozenset(then))).std


def test_stated_savings_cover_the_truth() -> None:
    """Forty stations that could be this one, the proposal trimmed to the present flow by root finding in each.

    The true saving lies within 1.64 standard deviations of the stated one in 80 % of them at least.
    """
    model = station([replace(A, doubt=0.03), replace(B, doubt=0.03), replace(C, doubt=0.03, b0=11.0)], noise=0.01)
    present, proposed = {"a": 0.9, "b": 0.9}, {"b": 0.9, "c": 0.9}
    way = Way(proposed, 35.0, frozenset(proposed))

    saving = compare(Sample.of(model, 200, 1), Way(present, 35.0), way)

    truths = [_true_saving(one, present, proposed) for one in model.draws(40, np.random.default_rng(2))]
    covered = np.abs(np.array(truths) - saving.mean) < 1.645 * saving.std
    assert 0.8 <= covered.mean() <= 0.99


def _true_saving(model: StationModel, present: Mapping[str, float], proposed: Mapping[str, float]) -> float:
    """By bisection on the factor of the proposal's speeds."""
    now = model.duty([present.get(pump, 0.0) for pump in model.pumps], 35.0)
    low, high = 0.9, 1.1
    for _ in range(40):
        factor = (low + high) / 2
        then = model.duty([factor * proposed.get(pump, 0.0) for pump in model.pumps], 35.0)
        low, high = (low, factor) if np.nan_to_num(then.flows).sum() > now.flows.sum() else (factor, high)
    return float(now.powers.sum() - then.powers.sum())
