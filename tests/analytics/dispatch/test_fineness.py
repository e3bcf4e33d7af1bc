"""How finely lines are tabulated, and what a certificate is worth where power bends more than pumps' does."""

from dataclasses import replace

import numpy as np
import pytest

from analytics.dispatch.demand import HeadBand
from analytics.dispatch.duty import Dispatch
from analytics.dispatch.fineness import FEW, MOST, points_of
from analytics.dispatch.pump import Array, Candidate
from analytics.dispatch.solve import solve
from tests.analytics.dispatch.stations import random_station
from tests.analytics.dispatch.wavy import Wavy

HEAD = 30.0  # m
FIRST = Wavy(200.0, 42.0, 3e-4, 9.0, 0.07, 0.6, 12.0, 0.2, 0.6, 90.0, 240.0, 1e3)
OTHER = replace(FIRST, waves=9.0, phase=0.7, still=8.0)


class Kinked(Wavy):
    """One whose efficiency is best at a corner, as two curves that were put together."""

    __slots__ = ()

    def power(self, flow: Array, speed: Array) -> Array:
        """Goes with the cube of the speed."""
        share = (flow / speed - self.phi_min) / (self.phi_max - self.phi_min)
        return speed**3 * (self.still + self.slope * flow / speed + self.wave * np.abs(share - 0.47))


KINKED = Kinked(200.0, 42.0, 3e-4, 9.0, 0.07, 0.6, 0.0, 0.0, 0.6, 90.0, 240.0, 1e3)


def test_pumps_as_they_are_need_no_more_points() -> None:
    """Those of random stations, and any of fixed speed, which has one point at each head."""
    assert {points_of(pump.physics) for seed in range(20) for pump in random_station(seed)[0]} == {FEW}
    assert points_of(replace(FIRST, speed_min=1.0)) == FEW


def test_the_more_power_bends_the_more_points_there_are() -> None:
    """A hair of a wave needs none; sixteen waves, which 17 points see nothing of, need many; a corner all there are."""
    sixteen = replace(FIRST, waves=16.0, phase=0.0)

    assert points_of(replace(FIRST, wave=1e-5)) == FEW
    assert FEW < points_of(replace(FIRST, waves=3.0)) < points_of(FIRST)
    assert points_of(sixteen) > 100
    assert points_of(KINKED) == MOST


@pytest.mark.parametrize("pumps", [(FIRST, OTHER), (OTHER, replace(FIRST, waves=16.0, phase=0.0)), (KINKED, OTHER)])
@pytest.mark.parametrize("flow", [205.0, 260.0, 301.0, 335.0])
def test_no_split_is_cheaper_than_a_certificate_says(pumps: tuple[Wavy, Wavy], flow: float) -> None:
    """Each of 200,000 ways to share a flow at one head: none below the bound, and the answer within what it states."""
    candidates = [Candidate(f"p{place}", each, lock="must run") for place, each in enumerate(pumps)]

    found = solve(candidates, HeadBand(flow, HEAD, HEAD))

    cheapest = _cheapest(*pumps, flow)
    assert isinstance(found, Dispatch)
    assert found.bound <= cheapest * (1 + 1e-9)
    assert found.cost <= cheapest * (1 + 3e-5)
    assert found.cost - cheapest <= (found.gap + 1e-9) * found.power


def _cheapest(first: Wavy, other: Wavy, flow: float) -> float:
    phi = np.linspace(first.phi_min, first.phi_max, 200_001)
    speed = np.sqrt(HEAD / first.head(phi))
    left = flow - phi * speed
    phi_left = np.sqrt(other.shut_off * left**2 / (HEAD + other.square * left**2))
    speed_left = left / phi_left
    is_able = (speed >= first.speed_min) & (speed <= 1) & (speed_left >= other.speed_min) & (speed_left <= 1)
    is_able &= (phi_left >= other.phi_min) & (phi_left <= other.phi_max)
    power = first.power(phi * speed, speed) + other.power(left, speed_left)
    return float(power[is_able].min())
