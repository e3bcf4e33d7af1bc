"""What the site asks beside energy, and what protects its pumps, in the advice: honoured, said, and paid."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from analytics.dispatch.advice import advise
from analytics.dispatch.duty import Dispatch
from analytics.dispatch.limits import Inlet, Limits
from analytics.dispatch.operation import Operation
from analytics.dispatch.proposal import Search
from analytics.dispatch.pump import Array
from analytics.dispatch.saving import Sample
from analytics.dispatch.situation import Situation
from analytics.dispatch.solve import solve
from tests.analytics.dispatch.learnt import Learnt
from tests.analytics.dispatch.test_advice import UNEVEN, A, B, C, plan, situation


def of(now: Situation, **operation: Any) -> Situation:
    """The same with other wishes of the header."""
    return replace(now, operation=replace(now.operation, **operation))


def needs(at_rated: float) -> Inlet:
    """5 m at the inlet, and so much needed at 200 m³/h and full speed."""

    def required(flow: Array, speed: Array) -> Array:  # noqa: ARG001 - NPSH required as Q²
        return np.asarray(at_rated * (flow / 200.0) ** 2)

    return Inlet(5.0, required)


# Pumps that must run, and those that must not


def test_a_pump_that_must_run_is_not_stopped_though_another_is_better() -> None:
    """C alone would save 2 kW of a's 34; the site wants a on."""
    now = situation([replace(A, b0=14.5), C], {"a": 0.9})

    wanted = advise(replace(now, limits=[Limits("a", must_run=True), Limits("c")]))

    assert not plan(advise(now), "a").run
    assert plan(wanted, "a").run
    assert any("a must run: the site wants it on" in reason for reason in wanted.reasons)


def test_a_pump_that_must_run_and_stands_is_advised_whatever_it_costs() -> None:
    """Two share what one did: more power, and yet the way to run that the site allows."""
    now = situation([A, Learnt("b", flow_range=(60.0, 260.0), speed_range=(0.7, 1.0))], {"a": 0.95})
    wide = [replace(limits, must_run=limits.pump == "b") for limits in now.limits]

    advice = advise(replace(now, limits=wide))

    assert advice.action == "change"
    assert plan(advice, "b").run
    assert advice.why.startswith("b stands, but the site wants it on.")
    assert "b: must run" in advice.active


def test_a_pump_that_runs_and_is_not_available_is_replaced_whatever_that_costs() -> None:
    """C needs 2 kW more; a is to be worked on."""
    now = situation([A, replace(C, b0=14.0)], {"a": 0.9})

    advice = advise(replace(now, limits=[Limits("a", is_available=False), Limits("c")]))

    assert advise(now).action == "keep"
    assert advice.action == "change"
    assert [pump.id for pump in advice.pumps if pump.run] == ["c"]
    assert advice.saving is not None
    assert advice.saving.mean == pytest.approx(-1.5, abs=0.2)
    assert advice.why.startswith("a runs, but is not available. The same flow for")
    assert "more power" in advice.why


def test_a_lock_that_no_plan_can_keep_is_said_and_not_forgotten() -> None:
    """A must run, but its preferred region has nothing in common with what it has learnt: not b alone."""
    now = situation([A, B], UNEVEN)

    advice = advise(replace(now, limits=[Limits("a", must_run=True, rated_flow=600.0), Limits("b")]))

    assert advice.action == "none"
    assert "what its curve has learnt lies outside its limits" in advice.why


def test_a_change_that_mends_a_limit_says_what_it_costs_and_no_gain_that_there_is_none_of() -> None:
    """C draws as much as a within the noise: nothing is said of power; 2 kW more are."""
    equal, dear = (
        advise(
            replace(
                situation([A, replace(C, b0=C.b0 + more)], {"a": 0.9}),
                limits=[Limits("a", is_available=False), Limits("c")],
            )
        )
        for more in (0.0, 1.5)
    )

    assert (equal.action, equal.why) == ("change", "a runs, but is not available. The same flow without that.")
    assert dear.why.startswith("a runs, but is not available. The same flow for ")
    assert dear.why.endswith(" % more power.")
    assert equal.broken == dear.broken == ("a runs, but is not available.",)


def test_what_is_broken_is_said_before_why_nothing_is_advised() -> None:
    """The head is measured, whatever an alarm says of the pump."""
    now = of(situation([A, B], UNEVEN), head_min=36.0, head_max=38.0)

    advice = advise(replace(now, limits=[Limits("a"), Limits("b", alarm="b runs hot")]))

    assert advice.action == "none"
    first = "The head of 35.0 m is below the 36.0 m that the site allows."
    assert advice.why == f"{first} An alarm of b, which runs, stands: b runs hot."
    assert first in advice.reasons


# Duty balance


def test_equal_pumps_change_places_when_one_has_run_much_longer() -> None:
    """C draws as much as a; 500 h apart the site pays 1 kW for it: 3 % of 33 kW, known exactly."""
    now = situation([A, C], {"a": 0.9}, noise=0.01)
    limits = [Limits("a", run_hours=900.0, running_kw=1.0), Limits("c", run_hours=400.0)]

    advice = advise(replace(now, limits=limits))

    assert advise(now).action == "keep"
    assert [pump.id for pump in advice.pumps if pump.run] == ["c"]
    assert advice.why.endswith("and evener running hours.")
    assert "The hours that pumps have run become evener: a 900 h, c 400 h." in advice.reasons


def test_a_small_difference_of_hours_is_no_reason_to_change() -> None:
    """Else two pumps would change places every day."""
    now = situation([A, C], {"a": 0.9}, noise=0.01)

    advice = advise(replace(now, limits=[Limits("a", run_hours=450.0, running_kw=0.1), Limits("c", run_hours=400.0)]))

    assert advice.action == "keep"


def test_a_better_pump_that_has_run_longer_is_started_only_if_it_saves_more_than_its_hours_cost() -> None:
    """C saves 2 kW."""
    now = situation([replace(A, b0=14.5), C], {"a": 0.9})

    cheap, dear = (
        advise(replace(now, limits=[Limits("a", run_hours=0.0), Limits("c", run_hours=900.0, running_kw=hours_kw)]))
        for hours_kw in (0.5, 3.0)
    )

    assert cheap.action == "change"
    assert dear.action == "keep"


# Pressure


def test_a_preferred_pressure_is_kept_where_leaving_it_costs_more_than_it_saves() -> None:
    """33 to 37 m are allowed and 35 preferred: a metre less saves 1.5 kW or so."""
    now = of(situation([A, B], {"a": 0.9, "b": 0.9}), head_min=33.0, head_max=37.0, head_preferred=35.0)

    assert advise(now).head == pytest.approx(33.0)
    assert advise(of(now, deviation_kw=5.0)).action == "keep"


def test_a_pressure_far_from_the_preferred_one_is_mended_though_that_takes_power() -> None:
    """5 kW a metre are paid for 1.5 m: the head goes up, and the reader is told what for."""
    now = of(situation([A, B], {"a": 0.9, "b": 0.9}), head_min=33.0, head_max=38.0, head_preferred=36.5)

    advice = advise(of(now, deviation_kw=5.0))

    assert advice.action == "change"
    assert advice.head == pytest.approx(36.5, abs=0.01)
    assert advice.why.endswith("more power, and nearer to the preferred 36.5 m.")
    assert advice.saving is not None
    assert advice.saving.mean < 0


def test_a_pressure_outside_the_band_is_mended_whatever_that_costs() -> None:
    """The site allows 36 m and more, and there are 35."""
    advice = advise(of(situation([A, B], {"a": 0.9, "b": 0.9}), head_min=36.0, head_max=38.0))

    assert advice.action == "change"
    assert advice.head == pytest.approx(36.0)
    assert advice.why.startswith("The head of 35.0 m is below the 36.0 m that the site allows.")


@pytest.mark.parametrize(
    ("flows", "words"),
    [
        ((215.0, np.inf), "a delivers 184 m³/h, and may not deliver less than 194 at 45.0 Hz."),
        ((0.0, 195.0), "a delivers 184 m³/h, and may not deliver more than 176 at 45.0 Hz."),
    ],
)
def test_a_pump_that_delivers_what_it_may_not_is_mended_whatever_that_costs(
    flows: tuple[float, float], words: str
) -> None:
    """Alike they take the least power; where less than one of them may deliver, the water wears it out."""
    now = situation([A, B], {"a": 0.9, "b": 0.9})

    advice = advise(replace(now, limits=[Limits("a", flows=flows), Limits("b")]))

    assert advise(now).action == "keep"
    assert advice.action == "change"
    assert advice.broken == (words,)
    assert advice.why.startswith(words)
    flow, speed = plan(advice, "a").flow, plan(advice, "a").speed
    assert flow is not None
    assert speed is not None
    assert flows[0] - 0.1 <= flow / speed <= flows[1] + 0.1


def test_where_no_way_gives_a_pump_what_it_may_deliver_that_is_said() -> None:
    """It runs alone, and must."""
    now = situation([A], {"a": 0.9})

    advice = advise(replace(now, limits=[Limits("a", flows=(230.0, 250.0))]))

    assert advice.action == "none"
    assert advice.why.startswith("a delivers 184 m³/h, and may not deliver less than 207 at 45.0 Hz.")


@pytest.mark.parametrize("flows", [(206.5, np.inf), (0.0, 203.5)])
def test_a_pump_that_is_beyond_its_flows_by_less_than_can_be_told_is_left_so(flows: tuple[float, float]) -> None:
    """1 %: advice that brought it to the end of its range would otherwise come again with every noise."""
    now = situation([A, B], {"a": 0.9, "b": 0.9})

    advice = advise(replace(now, limits=[Limits("a", flows=flows), Limits("b")]))

    assert (advice.action, advice.broken) == ("keep", ())


# Cavitation, region, motor


def test_no_pump_is_planned_where_it_would_lack_npsh() -> None:
    """C would save 2 kW alone, at 181 m³/h; with 5 m at the inlet it may need 4.5 there."""
    now = situation([replace(A, b0=14.5), C], {"a": 0.9})

    def asked(at_rated: float) -> str:
        limits = [Limits("a"), Limits("c", inlet=needs(at_rated))]
        return advise(replace(now, limits=limits)).action

    flow = now.operation.flow
    most = 5.0 / 1.1 / (flow / 200.0) ** 2
    assert [asked(0.99 * most), asked(1.01 * most)] == ["change", "keep"]


def test_a_pump_that_may_cavitate_now_is_relieved_whatever_that_costs() -> None:
    """One pump at full load lacks NPSH: two share it, for more power."""
    now = situation([A, replace(B, flow_range=(60.0, 260.0))], {"a": 0.95})
    limits = [Limits("a", inlet=needs(4.0)), Limits("b", inlet=needs(4.0))]

    advice = advise(replace(now, limits=limits))

    assert advice.action == "change"
    assert all(pump.run for pump in advice.pumps)
    assert advice.why.startswith("a may cavitate: 5.0 m of NPSH at its inlet")


def test_the_limits_that_hold_a_proposal_are_named_as_technicians_know_them() -> None:
    """The better pump goes to the end of its preferred region, or to what its inlet allows."""
    now = situation([replace(A, b0=20.0), B], {"a": 0.95, "b": 0.85})

    region = advise(replace(now, limits=[Limits("a"), Limits("b", rated_flow=150.0)]))
    inlet = advise(replace(now, limits=[Limits("a"), Limits("b", inlet=needs(6.0))]))

    assert "b: greatest flow of its preferred region (120% of best efficiency)" in region.active
    assert "b: NPSH at its inlet" in inlet.active


def test_where_nothing_serves_the_limit_that_binds_is_said() -> None:
    """Both pumps would need more NPSH than there is at this flow."""
    now = situation([A, B], UNEVEN)

    advice = advise(replace(now, limits=[Limits(pump, inlet=needs(8.0)) for pump in ("a", "b")]))

    assert advice.action == "none"
    assert "a: NPSH; b: NPSH" in advice.why
    assert any("may cavitate" in reason for reason in advice.reasons)


# Alarms, and energy that costs nothing


def test_an_alarm_of_a_pump_that_runs_withholds_advice() -> None:
    """Neither its meters nor its curve can be relied on."""
    advice = advise(replace(situation([A, B], UNEVEN), limits=[Limits("a"), Limits("b", alarm="b runs hot")]))

    assert (advice.action, advice.why) == ("none", "An alarm of b, which runs, stands: b runs hot.")


def test_an_alarm_of_a_pump_that_stands_keeps_only_that_pump_out() -> None:
    """C would save 2 kW and has tripped."""
    now = situation([replace(A, b0=14.5), C], {"a": 0.9})

    advice = advise(replace(now, limits=[Limits("a"), Limits("c", alarm="c has tripped")]))

    assert advise(now).action == "change"
    assert advice.action == "keep"
    assert "c stays off: its alarm stands (c has tripped)." in advice.reasons


def test_an_alarm_of_the_header_withholds_advice() -> None:
    """Its flow meter contradicts the pumps."""
    advice = advise(replace(situation([A, B], UNEVEN), alarm="the flow meter drifts"))

    assert (advice.action, advice.why) == ("none", "the flow meter drifts")


def test_nothing_is_changed_to_save_energy_that_costs_nothing() -> None:
    """A market's price below 0: less power would cost money. A limit that is broken is mended all the same."""
    now = replace(situation([A, B], UNEVEN), unpaid="Energy costs -0.02 EUR/kWh now.")

    assert (advise(now).action, advise(now).why) == ("keep", "Energy costs -0.02 EUR/kWh now.")
    assert advise(of(now, head_min=36.0, head_max=38.0)).action == "change"


# What would change it


@pytest.mark.parametrize(("speed", "word", "side"), [(0.83, "Below", -1), (0.9, "Above", 1)])
def test_the_flow_beyond_which_another_set_is_best_is_true(speed: float, word: str, side: int) -> None:
    """A little before the flow that is named two pumps are still the best, a little beyond it they are not."""
    now = situation([A, B, C], {"a": speed, "b": speed})

    advice = advise(now)

    (said,) = (each for each in advice.turning if each.startswith(f"{word} about "))
    flow, search = float(said.split()[2]), Search(Sample.of(now.model, 2, 1), now.operation, now.limits, now.holds)  # type: ignore[arg-type]
    counts = []
    for off in (-0.02, 0.01):
        found = solve(search.candidates(0.0), search.demand().scaled(flow * (1 + side * off) / search.present_flow))
        assert isinstance(found, Dispatch)
        counts.append(len(found.duties))
    assert counts == [2, 2 + side]


def test_operation_knows_no_preferred_pressure_by_default() -> None:
    """Nothing is weighed that nobody asked for."""
    assert Operation(1.0, 1.0, {}, {}).deviation_kw == 0.0
