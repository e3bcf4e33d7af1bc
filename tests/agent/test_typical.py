"""Where values of a unit usually lie."""

import pytest

from agent.commissioning.typical import typical_range


@pytest.mark.parametrize(
    ("unit", "usual", "silly"),
    [
        ("m3/h", 36.0, -5.0),
        ("l/s", 10.0, 1e5),
        ("MPa", 0.43, 43.0),
        ("bar", 4.3, 4300.0),
        ("kPa", 430.0, 43_000.0),
        ("Hz", 48.1, 481.0),
        ("degC", 25.3, 253.0),
        ("°F", 77.0, 770.0),
        ("kW", 132.0, 1.3e5),
        ("A", 210.0, 2.1e4),
        ("1", 0.87, 87.0),
        ("rpm", 1480.0, 14_800.0),
    ],
)
def test_a_plants_values_lie_in_the_range_of_their_unit_and_ten_times_them_do_not(
    unit: str, usual: float, silly: float
) -> None:
    """In the unit the site writes, whatever it is inside."""
    found = typical_range(unit)

    assert found is not None
    assert found[0] <= usual <= found[1]
    assert not found[0] <= silly <= found[1]


@pytest.mark.parametrize("unit", ["", "furlongs", "s"])
def test_a_unit_that_says_too_little_has_none(unit: str) -> None:
    """Better no range than a wrong one."""
    assert typical_range(unit) is None
