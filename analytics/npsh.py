"""Net positive suction head: what the water at a pump's inlet has above boiling, and what the pump needs of it."""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from analytics.hydraulics import Floats, head_of_pressure

MARGIN: Final = 1.1  # times the required NPSH that should be there (HI 9.6.1)
LEAST_SHARE = 0.5  # of what a plate says for rated flow: at little flow a pump needs no less


def air_head(altitude: ArrayLike) -> Floats:
    """Head of the air, m of water, at *altitude* m above the sea, by the standard atmosphere (ISO 2533:1975)."""
    return head_of_pressure(101.325 * (1.0 - 2.25577e-5 * np.asarray(altitude, np.float64)) ** 5.25588)


def vapour_head(temperature: ArrayLike) -> Floats:
    """Head of water vapour, m, at *temperature* °C: Magnus' formula (Alduchov and Eskridge 1996), good to 60 °C."""
    t = np.asarray(temperature, np.float64)
    return head_of_pressure(0.61094 * np.exp(17.625 * t / (t + 243.04)))


def available(suction: ArrayLike, altitude: ArrayLike, temperature: ArrayLike) -> Floats:
    """NPSH available, m: NPSHa = h_air + h_suction - h_vapour; the velocity head, 0.2 m at 2 m/s, is left out.

    Args:
        suction: Gauge pressure at the pump's inlet, m of water.
        altitude: m above the sea.
        temperature: Of the water, °C.
    """
    return air_head(altitude) + np.asarray(suction, np.float64) - vapour_head(temperature)


def required(flow: ArrayLike, speed: ArrayLike, sheet_flow: Floats, sheet_npsh: Floats) -> Floats:
    """NPSH required, m, at *flow* m³/h and relative *speed*, by a data sheet at rated speed.

    By the affinity laws NPSHr = n² f(Q/n) (Gülich 2014, 6.2). Between its points f is a line; below the first it is
    the first's, beyond the last it rises as the square of the flow, which is little rather than much.
    """
    n = np.asarray(speed, np.float64)
    x = np.asarray(flow, np.float64) / np.where(n > 0.0, n, np.nan)
    inside = np.interp(x, sheet_flow, sheet_npsh)
    return np.asarray(n**2 * inside * np.maximum(x / sheet_flow[-1], 1.0) ** 2)


def required_by_plate(flow: ArrayLike, speed: ArrayLike, rated_flow: float, rated_npsh: float) -> Floats:
    """NPSH required, m, where a plate says it for rated flow and speed: as Q², but no less than half of that at n²."""
    n, x = np.asarray(speed, np.float64), np.asarray(flow, np.float64) / rated_flow
    return np.asarray(rated_npsh * np.maximum(x**2, LEAST_SHARE * n**2))
