"""Fitted curves as the solver sees them: within the site's limits and experience, nothing believed beyond reason."""

from dataclasses import replace

import numpy as np
import pytest

from analytics.dispatch.demand import HeadBand
from analytics.dispatch.duty import Dispatch
from analytics.dispatch.fitted import BestFlow, best_phi, fitted, limit_said
from analytics.dispatch.limits import History, Limits, hold
from analytics.dispatch.pump import Candidate
from analytics.dispatch.solve import solve
from tests.analytics.dispatch.learnt import Learnt, station

LEARNT = Learnt("a")  # 120 to 260 m³/h, speeds 0.7 to 1.0
CURVE = station([LEARNT]).curves[0]


def test_a_pump_is_planned_where_site_and_experience_overlap() -> None:
    """Speeds of the site from 0.8 on, learnt up to 0.9; preferred from 160 m³/h on, learnt up to 260."""
    curve = replace(CURVE, speed_range=(0.6, 0.9))

    pump = fitted(curve, Limits("a", speed_min=0.8, rated_flow=200.0, por=(0.8, 1.5)), reach=0.0)

    assert pump is not None
    assert [pump.speed_min, pump.speed_max] == pytest.approx([0.8, 0.918], abs=0.001)
    assert [pump.phi_min, pump.phi_max] == pytest.approx([160.0, 265.2], abs=0.1)
    assert curve.supports(pump.phi_max * pump.speed_max, pump.speed_max)


def test_a_pump_whose_experience_lies_outside_its_limits_is_not_planned() -> None:
    """Speed below the least one allowed, or flow outside the preferred region."""
    assert fitted(replace(CURVE, speed_range=(0.4, 0.5)), Limits("a", speed_min=0.6), reach=0.0) is None
    assert fitted(CURVE, Limits("a", rated_flow=500.0), reach=0.0) is None


def test_a_pump_is_planned_within_the_flows_that_it_may_deliver_and_less_at_less_speed() -> None:
    """150 to 230 m³/h at rated speed are 120 to 184 at 80 %; learnt were 120 to 260, preferred 140 to 240."""
    limits = Limits("a", flows=(150.0, 230.0), rated_flow=200.0)
    pump = fitted(CURVE, limits, reach=0.0)
    assert pump is not None

    assert (pump.phi_min, pump.phi_max) == (150.0, 230.0)
    head = float(CURVE.head(150.0, 1.0)) * 0.8**2
    low = solve([Candidate("a", pump)], HeadBand(120.0, head, head))
    lower = solve([Candidate("a", pump)], HeadBand(118.0, head, head))
    assert isinstance(low, Dispatch)
    assert low.duties[0].speed == pytest.approx(0.8)
    assert not isinstance(lower, Dispatch)
    assert fitted(CURVE, replace(limits, flows=(270.0, 300.0)), reach=0.0) is None


def test_a_fixed_pump_is_planned_at_the_speed_it_has() -> None:
    """No drive, no choice."""
    pump = fitted(replace(CURVE, speed_range=(1.0, 1.0)), Limits("a", is_variable=False), reach=0.1)

    assert pump is not None
    assert pump.speed_min == pump.speed_max == 1.0


def test_a_motor_is_not_planned_beyond_its_power() -> None:
    """A motor of 25 kW may draw 28 kW with its losses: the limit holds the pump and is named."""
    free, limited = (fitted(CURVE, Limits("a", power_max=power), reach=0.0) for power in (None, 28.0))
    assert free is not None
    assert limited is not None

    found = [
        solve([Candidate("a", pump)], HeadBand(flow, 35.0, 35.0)) for pump, flow in ((free, 215.0), (limited, 215.0))
    ]

    assert isinstance(found[0], Dispatch)
    assert found[0].power > 28.0
    assert not isinstance(found[1], Dispatch)


def test_an_efficiency_that_no_pump_has_is_not_believed() -> None:
    """A fit that gives 95 % from wire to water is wrong there, and the solver must not be drawn to it."""
    wishful = station([replace(LEARNT, b0=4.0, b1=0.075)]).curves[0]
    pump = fitted(wishful, Limits("a"), reach=0.0)
    assert pump is not None
    flow, speed = np.array([170.0]), np.array([0.9])

    assert pump.curve.efficiency(flow, speed)[0] > 0.95
    assert pump.margins(flow, speed, flow)["plausible efficiency"][0] < 0


def test_the_best_flow_is_the_plate_s_or_a_top_that_was_seen() -> None:
    """A curve whose efficiency still rises at the end of what was learnt has no known best point."""
    learnt = best_phi(CURVE, Limits("a"))

    assert best_phi(CURVE, Limits("a", rated_flow=210.0)) == BestFlow(210.0)
    assert best_phi(replace(CURVE, flow_range=(120.0, 140.0)), Limits("a")) is None
    assert learnt is not None
    assert learnt.is_learnt
    assert learnt.phi == pytest.approx(168.0, abs=2.0)
    assert 0.2 < learnt.std < 5.0


def test_a_top_that_another_draw_of_the_curve_would_not_have_is_no_best_flow() -> None:
    """Known badly, the efficiency may as well rise to the end: no region is claimed, and none is kept."""
    doubtful = station([replace(LEARNT, doubt=0.2)]).curves[0]

    pump = fitted(doubtful, Limits("a", keeps_learnt_por=True), reach=0.0)

    assert best_phi(doubtful, Limits("a")) is None
    assert pump is not None
    assert pump.phi_max > 250


@pytest.mark.parametrize(
    ("phi", "inside"), [(150.0, True), (196.0, None), (204.0, None), (212.0, False), (105.0, False)]
)
def test_whether_a_pump_runs_in_its_region_is_claimed_where_the_best_flow_tells_it(
    phi: float, *, inside: bool | None
) -> None:
    """120 % of 167 ± 4 are 200 ± 5: near that nobody knows; by a plate one does."""
    assert BestFlow(167.0, 4.0, is_learnt=True).holds(phi, 0.0, (0.7, 1.2)) is inside
    assert BestFlow(167.0).holds(phi, 0.0, (0.7, 1.2)) is (117 < phi < 200)


def test_a_region_about_a_learnt_best_flow_leaves_out_what_is_surely_beyond_it() -> None:
    """120 % of 167 and a standard deviation, where the site asks for it; its end is named by what it comes from."""
    free, pump = (fitted(CURVE, Limits("a", keeps_learnt_por=kept), reach=0.0) for kept in (False, True))
    best = best_phi(CURVE, Limits("a"))
    assert free is not None
    assert pump is not None
    assert best is not None

    assert free.phi_max > 260
    assert pump.phi_max == pytest.approx(1.2 * (best.phi + best.std))
    said = limit_said("greatest flow", (0.7, 1.2), best, pump.phi_max)
    assert said == f"greatest flow of its preferred region (120% of learnt best flow, 167 ± {best.std:.1g} m³/h)"
    assert limit_said("least flow", (0.7, 1.2), best, 130.0) == "least flow that was learnt"


def test_availability_goes_before_least_times() -> None:
    """A pump just started that is declared unavailable may not run, whatever its least time."""
    limits = Limits("a", is_available=False, min_on_ms=900_000)

    assert hold(limits, History(is_running=True, since_ms=1_000), now_ms=2_000).lock == "must not run"


def test_the_last_allowed_start_of_an_hour_is_allowed() -> None:
    """Four starts an hour: three in the last hour leave one, four leave none; older ones do not count."""
    limits, now_ms = Limits("a", starts_per_hour=4), 10_000_000
    recent = tuple(now_ms - 600_000 * i for i in (1, 2, 3))

    assert hold(limits, History(is_running=False, start_times_ms=(1, *recent)), now_ms).lock == "free"
    assert hold(limits, History(is_running=False, start_times_ms=(*recent, now_ms - 1)), now_ms).lock == "must not run"
