"""One pump whose curves are formulas, for tests: a power law no polynomial hits, and an efficiency with one peak."""

import numpy as np
from numpy.typing import NDArray

from analytics.curves.methods.catalogue import Catalogue
from analytics.curves.methods.duty import DutyPoints
from analytics.hydraulics import hydraulic_power

Floats = NDArray[np.float64]
BEP = 200.0  # m³/h
TOP = 0.78  # efficiency there


def head(flow: Floats, speed: Floats | float = 1.0) -> Floats:
    """H = n² (52 - 16 (q / 1.05)^1.8), m: 52 m at no flow, 37.3 m at 200 m³/h."""
    return np.asarray(speed**2 * (52.0 - 16.0 * (flow / speed / BEP / 1.05) ** 1.8))


def efficiency(flow: Floats, speed: Floats | float = 1.0) -> Floats:
    """0.78 at 200 m³/h and rated speed, less at others as Sarbu and Borza have it."""
    rated = TOP * (1.0 - (1.0 - flow / speed / BEP) ** 2)
    return np.asarray(1.0 - (1.0 - rated) * np.asarray(speed) ** -0.1)


def power(flow: Floats, speed: Floats | float = 1.0) -> Floats:
    """Of that efficiency, kW."""
    return np.asarray(hydraulic_power(flow, head(flow, speed)) / efficiency(flow, speed))


def points(
    n: int,
    *,
    seed: int = 0,
    low: float = 0.6,
    high: float = 1.1,
    slowest: float = 1.0,
    noise: float = 0.01,
    worn: float = 0.0,
) -> DutyPoints:
    """*n* readings between *low* and *high* of the best flow, each meter with *noise*, the head *worn* by a share."""
    rng = np.random.default_rng(seed)
    speed = rng.uniform(slowest, 1.0, n)
    flow = BEP * rng.uniform(low, high, n) * speed
    values = np.stack([flow, (1.0 - worn) * head(flow, speed), power(flow, speed)])
    values *= 1.0 + noise * rng.standard_normal(values.shape)
    return DutyPoints(values[0], values[1], values[2], speed)


def catalogue() -> Catalogue:
    """Seven points of the pump when it was new."""
    flow = np.linspace(0.0, 1.4, 7) * BEP + 1.0
    return Catalogue(flow, head(flow), power(flow))
