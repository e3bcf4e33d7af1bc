"""The simulated pumps obey what every pump obeys."""

import pytest

from agent.demo.pumps import PUMPS, Pump

NEW = Pump("new", flow=360.0, head=38.0, efficiency=0.83, motor=55.0)
WORN = Pump("worn", flow=360.0, head=38.0, efficiency=0.83, motor=55.0, wear=0.06)


@pytest.mark.parametrize("pump", PUMPS, ids=lambda pump: pump.name)
@pytest.mark.parametrize("speed", [0.7, 0.85, 1.0])
def test_flow_and_head_follow_the_affinity_laws(pump: Pump, speed: float) -> None:
    """Flow goes with speed and head with its square; the agent's curves rest on this."""
    assert pump.flow_at(speed**2 * 35.0, speed) == pytest.approx(speed * pump.flow_at(35.0, 1.0))


def test_a_new_pump_meets_its_plate() -> None:
    """At rated speed and head it delivers the rated flow at the plate's efficiency."""
    assert NEW.flow_at(38.0, 1.0) == pytest.approx(360.0)
    assert NEW.shaft_power(360.0, 38.0, 1.0) == pytest.approx(360.0 * 38.0 * 9.81 * 998.2 / 3.6e6 / 0.83)


def test_no_water_runs_back_through_a_stopped_or_weak_pump() -> None:
    """Each pump has a check valve: above its shutoff head it delivers nothing, and takes nothing."""
    assert NEW.flow_at(20.0, 0.0) == 0.0
    assert NEW.flow_at(51.0, 1.0) == 0.0


def test_slow_pumps_are_a_little_less_efficient() -> None:
    """Pure affinity would keep the efficiency; friction does not shrink with the cube of the speed."""
    ideal = 0.8**3 * NEW.shaft_power(360.0, 38.0, 1.0)

    real = NEW.shaft_power(0.8 * 360.0, 0.64 * 38.0, 0.8)

    assert 1.002 < real / ideal < 1.02


def test_a_worn_pump_takes_more_for_each_cubic_metre() -> None:
    """The wear is what the agent has to find: about six percent."""
    new, worn = (pump.power(pump.flow_at(36.0, 1.0), 36.0, 1.0) / pump.flow_at(36.0, 1.0) for pump in (NEW, WORN))

    assert 1.05 < worn / new < 1.09
