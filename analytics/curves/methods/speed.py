"""One curve of all speeds: affinity laws for flow and head, a small loss of efficiency where a pump turns slower."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from analytics.curves.methods.duty import DutyPoints
from analytics.hydraulics import Floats, hydraulic_power

LEAST, MOST = 0.02, 0.95  # wire-to-water efficiencies that a reading is taken to have at most when it is scaled


class RatedDuty(NamedTuple):
    """Duty points brought to rated speed: x m³/h, y m, p kW, and ln n, each of shape (n,)."""

    x: Floats
    y: Floats
    p: Floats
    log_speed: Floats


@dataclass(frozen=True, slots=True)
class SpeedLaw:
    """How a duty at the relative speed n looks at rated speed, index 1 (Sarbu and Borza 1998; EPANET 2.2 uses it).

    ::

        x = Q / n        y = H / n²        1 - η₁ = (1 - η) n^e

    e is 0.1 for a pump alone; Marchi and Simpson (2013) show what it costs to leave it out. Losses of motor and drive
    are inside η (wire to water) and do not follow the law exactly: each fit adds its own small slope over ln n.

    Attributes:
        exponent: e; 0 for the bare affinity laws.
    """

    exponent: float = 0.1

    def rated(self, points: DutyPoints, efficiency: ArrayLike) -> RatedDuty:
        """The *points* at rated speed, of a pump that has the *efficiency* η₁ at them there.

        It is taken from the curve and not from the reading, whose noise would go from head and flow into p.
        """
        n = points.speed
        eta = np.clip(np.asarray(efficiency, np.float64), LEAST, MOST)
        ratio = self.efficiency(eta, n) / eta
        return RatedDuty(points.flow / n, points.head / n**2, points.power / n**3 * ratio, np.log(n))

    def efficiency(self, rated: Floats, speed: Floats) -> Floats:
        """η at *speed* of what has the efficiency *rated* at rated speed."""
        return np.asarray(1.0 - (1.0 - rated) * speed**-self.exponent)

    def power(self, x: Floats, y: Floats, p: Floats, speed: Floats) -> Floats:
        """P at *speed*, kW, of the duty x, y, p at rated speed."""
        water = hydraulic_power(x, y)
        eta = np.clip(water / np.where(p > 0.0, p, np.nan), LEAST, MOST)
        return np.asarray(p * speed**3 * eta / self.efficiency(eta, speed))
