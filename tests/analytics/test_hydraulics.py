"""Head, power and the affinity laws, against numbers worked by hand."""

import numpy as np
import pytest

from analytics.hydraulics import (
    at_speed,
    head_of_pressure,
    hydraulic_power,
    pump_head,
    specific_energy,
    velocity_head,
    wire_to_water_efficiency,
)


def test_pressure_times_flow_is_power_whatever_the_way() -> None:
    """500 kPa at 720 m³/h (0.2 m³/s) are 100 kW in the water; a head of other water than ours would miss that."""
    head = head_of_pressure(500.0)

    assert float(head) == pytest.approx(50.986, abs=0.001)
    assert float(hydraulic_power(720.0, head)) == pytest.approx(100.0, abs=1e-9)


def test_a_suction_below_the_pump_adds_head() -> None:
    """3 m of lift and a gauge 1.5 m higher than the suction gauge."""
    assert float(pump_head(40.0, -3.0, 1.5)) == 44.5


def test_velocity_head_is_of_the_pipe_s_own_bore() -> None:
    """360 m³/h are 0.1 m³/s, in 0.2 m 3.183 m/s and 0.517 m; a radius for a bore would give sixteen times that."""
    assert float(velocity_head(360.0, 200.0)) == pytest.approx(0.5166, abs=1e-4)


def test_efficiency_of_a_stopped_pump_is_not_a_number() -> None:
    """Its meter's noise must not become an efficiency, nor infinity."""
    found = wire_to_water_efficiency([720.0, 0.0, 0.0], 50.986, [125.0, 0.0, -0.1])

    assert found[0] == pytest.approx(0.8, abs=1e-4)
    assert np.isnan(found[1:]).all()


def test_the_affinity_laws_use_speed_its_square_and_its_cube() -> None:
    """At 0.9 of the speed: 0.9 of the flow, 0.81 of the head, 0.729 of the power."""
    flow, head, power = at_speed(100.0, 50.0, 20.0, 0.9)

    assert (float(flow), float(head), float(power)) == pytest.approx((90.0, 40.5, 14.58))


def test_specific_energy_needs_a_flow() -> None:
    """150 kW for 1,000 m³/h are 0.15 kWh/m³; for nothing they are not a number."""
    assert specific_energy([150.0, 150.0], [1_000.0, 0.0])[0] == 0.15
    assert np.isnan(specific_energy(150.0, 0.0))
