"""Pumps that a limit keeps out of the middle of their range: both sides count, and the certificate covers both."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pytest

from analytics.dispatch.demand import HeadBand
from analytics.dispatch.duty import Dispatch, Infeasible
from analytics.dispatch.fitted import FittedPump, fitted
from analytics.dispatch.limited import Limited
from analytics.dispatch.limits import Limits
from analytics.dispatch.lines import line_of
from analytics.dispatch.pump import Array, Candidate
from analytics.dispatch.runs import halved
from analytics.dispatch.sets import running_sets
from analytics.dispatch.solve import solve
from tests.analytics.dispatch.learnt import Learnt, station

HEAD = 35.0  # m
SHAKES = (135.0, 165.0)  # m³/h over relative speed


@dataclass(frozen=True, slots=True, eq=False)
class Shaking(FittedPump):
    """Not to be run in the middle of its range."""

    def margins(self, flow: Array, speed: Array, station_flow: Array) -> Mapping[str, Array]:
        """Beside those of its fit, none of which binds here."""
        low, high = SHAKES
        away = np.abs(flow / speed - (low + high) / 2) - (high - low) / 2
        return {**FittedPump.margins(self, flow, speed, station_flow), "shaking": away / high}


@dataclass(frozen=True, slots=True, eq=False)
class Rippling(FittedPump):
    """Not to be run at many places."""

    def margins(self, flow: Array, speed: Array, station_flow: Array) -> Mapping[str, Array]:
        """Kept but in narrow stripes 30 m³/h apart."""
        stripes = 0.7 + np.cos(2 * np.pi * (flow / speed - 200.0) / 30.0)
        return {**FittedPump.margins(self, flow, speed, station_flow), "shaking": stripes}


def margins_of(physics: FittedPump, found: Dispatch) -> list[Array]:
    """What is left of each limit of the one pump that runs."""
    (duty,) = found.duties
    flow = np.array(duty.flow)
    return list(physics.margins(flow, np.array(duty.speed), flow).values())


def shaking(name: str, b0: float = 10.0) -> Candidate:
    """A pump of which more is known than the solver asks."""
    model = station([Learnt(name, b0=b0, flow_range=(90.0, 270.0), speed_range=(0.6, 1.0))])
    pump = fitted(model.curve(name), Limits(name), 0.0)
    assert pump is not None
    return Candidate(name, Shaking(pump.curve, pump.speed_min, pump.speed_max, pump.phi_min, pump.phi_max))


def powers(pump: Candidate, flows: Array) -> Array:
    """At each of *flows*, kW; infinite where it shakes or cannot."""
    line, found = line_of(pump.physics), np.full(len(flows), np.inf)
    for place, flow in enumerate(flows.tolist()):
        phi = line.phi_of_flow(flow, HEAD, line.phi_min, line.phi_max)
        speed = float(line.speed_at(np.array(phi), np.array(HEAD)))
        is_met = abs(phi * speed - flow) < 1e-6 * flow and pump.physics.speed_min <= speed <= pump.physics.speed_max
        if is_met and not SHAKES[0] < phi < SHAKES[1]:
            found[place] = float(pump.physics.power(np.array(flow), np.array(speed)))
    return found


@pytest.mark.parametrize("flow", [90.0, 105.0, 125.0, 170.0, 200.0])
def test_one_pump_serves_what_lies_on_either_side(flow: float) -> None:
    """And nothing between."""
    pump = shaking("a")
    expected = float(powers(pump, np.array([flow]))[0])

    found = solve([pump], HeadBand(flow, HEAD, HEAD))

    if np.isinf(expected):
        assert isinstance(found, Infeasible)
        assert "the nearest give up to 110 or at least 1" in found.why
    else:
        assert isinstance(found, Dispatch)
        assert found.power == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("total", [200.0, 240.0, 270.0, 300.0, 340.0])
def test_two_pumps_split_what_is_asked_across_it_where_that_is_cheapest(total: float) -> None:
    """Against every split of 0.25 m³/h, and one of them alone."""
    pumps = [shaking("a"), shaking("b", b0=10.5)]
    flows = np.arange(80.0, total - 80.0, 0.25)
    reference = float((powers(pumps[0], flows) + powers(pumps[1], total - flows)).min())
    reference = min([reference, *(float(powers(pump, np.array([total]))[0]) for pump in pumps)])

    found = solve(pumps, HeadBand(total, HEAD, HEAD))

    assert isinstance(found, Dispatch)
    assert found.cost <= reference + 1e-5 * found.power
    assert found.bound <= reference + 1e-6 * found.power
    assert found.gap < 2e-3


def test_where_not_every_side_is_looked_at_nothing_is_certified() -> None:
    """A pump that shakes at six places: what a side that was looked at serves is served, and the gap is all."""
    model = station([Learnt("a", b0=10.0, flow_range=(90.0, 270.0), speed_range=(0.6, 1.0))])
    pump = fitted(model.curve("a"), Limits("a"), 0.0)
    assert pump is not None
    rippling = Rippling(pump.curve, pump.speed_min, pump.speed_max, pump.phi_min, pump.phi_max)

    found = [solve([Candidate("a", rippling)], HeadBand(flow, HEAD, HEAD)) for flow in (120.0, 210.0, 220.0)]

    for each in found:
        assert isinstance(each, Dispatch)
        assert min(float(left) for left in margins_of(rippling, each)) > -1e-9
        assert each.gap == pytest.approx(1.0)


def test_never_both_halves_of_a_pump_run_and_of_too_many_sets_none_are_made() -> None:
    """Three pumps, one of them halved: of two sets with it there are three."""
    pumps = [shaking(name) for name in "abc"]
    hole = np.array([np.nan, 150.0, np.nan])

    found = halved(pumps, running_sets(pumps), hole)

    assert found is not None
    halves, sets = found
    assert [each.id for each in halves] == ["a", "b", "c", "b"]
    assert [type(each.physics) for each in halves] == [Shaking, Limited, Shaking, Limited]
    assert len(sets) == 11
    assert not (sets[:, 1] & sets[:, 3]).any()
    assert len(np.unique(sets, axis=0)) == 11
    many = [shaking(str(one)) for one in range(10)]
    assert halved(many, running_sets(many), np.full(10, 150.0)) is None
