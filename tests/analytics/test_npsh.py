"""NPSH by formulas whose values tables give."""

import numpy as np
import pytest

from analytics import npsh

FLOW, NPSH = np.array([100.0, 200.0, 300.0]), np.array([2.0, 3.0, 5.0])


@pytest.mark.parametrize(("altitude", "kpa"), [(0.0, 101.325), (1000.0, 89.87), (3000.0, 70.11)])
def test_the_air_is_that_of_the_standard_atmosphere(altitude: float, kpa: float) -> None:
    """At 3000 m a pump has 3.2 m less than at the sea; a station there that is judged by sea level cavitates unseen."""
    assert float(npsh.air_head(altitude)) == pytest.approx(kpa / 9.80665, rel=1e-3)


@pytest.mark.parametrize(("celsius", "kpa"), [(5.0, 0.873), (20.0, 2.339), (40.0, 7.385), (60.0, 19.95)])
def test_the_vapour_is_that_of_steam_tables(celsius: float, kpa: float) -> None:
    assert float(npsh.vapour_head(celsius)) == pytest.approx(kpa / 9.80665, rel=0.01)


def test_what_is_available_is_air_and_suction_less_vapour() -> None:
    """A suction lift of 4 m at 20 °C and sea level leaves 6.1 m."""
    assert float(npsh.available(-4.0, 0.0, 20.0)) == pytest.approx(10.33 - 4.0 - 0.24, abs=0.01)


def test_what_is_required_goes_with_the_square_of_the_speed() -> None:
    """At 0.8 of the speed 160 m³/h is the sheet's 200 m³/h: 0.64 of its 3 m. By flow alone it would be 2.6 m."""
    assert float(npsh.required(160.0, 0.8, FLOW, NPSH)) == pytest.approx(0.64 * 3.0)


def test_beyond_the_sheet_little_is_never_promised() -> None:
    """Below its first point no less than there; beyond its last it rises, where a line's end would stay."""
    assert float(npsh.required(20.0, 1.0, FLOW, NPSH)) == pytest.approx(2.0)
    assert float(npsh.required(360.0, 1.0, FLOW, NPSH)) == pytest.approx(5.0 * 1.44)


def test_a_pump_that_stands_requires_nothing_that_is_known() -> None:
    assert np.isnan(npsh.required(100.0, 0.0, FLOW, NPSH))
