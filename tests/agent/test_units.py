"""Units of sites become the plant's own."""

import doctest

import pytest

import agent.units
from agent.units import UnitError, unit_of


@pytest.mark.parametrize(
    ("written", "value", "expected"),
    [
        ("m3/h", 120.0, 120.0),
        ("m³/h", 120.0, 120.0),
        ("M3/H", 120.0, 120.0),
        ("l/s", 10.0, 36.0),
        ("L/s", 10.0, 36.0),
        ("l/min", 100.0, 6.0),
        ("m3/s", 0.5, 1800.0),
        ("m³/d", 2400.0, 100.0),
        ("gpm", 1000.0, 227.124707),
        ("Pa", 98066.5, 10.0),
        ("kPa", 98.0665, 10.0),
        ("MPa", 0.43, 43.84779716),
        ("bar", 1.0, 10.19716213),
        ("mbar", 980.665, 10.0),
        ("psi", 14.2233433, 10.0),
        ("mH2O", 7.0, 7.0),
        ("mH₂O", 7.0, 7.0),
        ("mWS", 7.0, 7.0),
        ("kgf/cm²", 4.5, 45.0),
        ("cm", 250.0, 2.5),
        ("mm", 2500.0, 2.5),
        ("ft", 10.0, 3.048),
        ("W", 1500.0, 1.5),
        ("kW", 1.5, 1.5),
        ("MW", 0.3, 300.0),
        ("mA", 4_000.0, 4.0),
        ("kA", 0.3, 300.0),
        ("kV", 0.4, 400.0),
        ("VA", 1_500.0, 1.5),
        ("MVA", 0.3, 300.0),
        ("Wh", 500.0, 0.5),
        ("MWh", 2.0, 2000.0),
        ("l", 500.0, 0.5),
        ("Hz", 48.1, 48.1),
        ("rpm", 1480.0, 1480.0),
        ("°F", 212.0, 100.0),
        ("℃", 20.0, 20.0),
        ("", 3.0, 3.0),
    ],
)
def test_a_value_becomes_the_plants_unit(written: str, value: float, expected: float) -> None:
    """m³/h, metres of water, kW, kWh, m³ and °C; frequency and speed stay, the pump knows what is rated."""
    converted = unit_of(written, "tag").convert(value)

    assert converted == pytest.approx(expected, rel=1e-7)


def test_an_unknown_unit_names_the_tag() -> None:
    """The technician must find the line."""
    with pytest.raises(UnitError, match=r'tag "p1.flow" has the unit "furlong/h", which is not known'):
        unit_of("furlong/h", "p1.flow")


@pytest.mark.parametrize("written", ["mw", "mPa", "mpa", "mWh"])
def test_milli_is_never_taken_for_mega(written: str) -> None:
    """A factor of a thousand million is not ours to guess; mbar and mWS keep their small m."""
    with pytest.raises(UnitError, match="milli or mega"):
        unit_of(written, "p1.power")


def test_a_value_comes_back_in_the_sites_unit() -> None:
    """Advice about pressure is read beside a gauge in MPa."""
    unit = unit_of("MPa", "tag")

    assert unit.revert(unit.convert(0.43)) == pytest.approx(0.43)


def test_a_difference_has_no_offset() -> None:
    """A deviation of 9 °F is 5 °C, not minus 13."""
    assert unit_of("°F", "tag").convert_difference(9.0) == pytest.approx(5.0)


def test_the_examples_hold() -> None:
    """What the docstrings show is true."""
    assert doctest.testmod(agent.units).failed == 0
