"""The curve that a pump's wear is held against: taken once and kept, so that no refit hides what was lost."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analytics.curves.methods.catalogue import Catalogue
from analytics.curves.pump import PumpCurve
from analytics.hydraulics import Floats

POINTS = 41  # of the table at least; between them a straight line misses a parabola by less than 0.02 %
BEYOND = 0.2  # share of the range's ends that the table reaches further: a worn pump's duty moves
SHEET_STD = 0.02  # of a data sheet, as a share: ISO 9906 grade 1 allows 3 % of the head
TOLD = 0.5  # share of a sheet's flows over which it has to tell the power, for it to count
ANY_SPEED = (0.3, 1.5)  # relative
MARGIN = 0.02  # share of the range's upper end that still counts as inside


@dataclass(frozen=True, slots=True)
class Reference:
    """Head and power of one pump as they were.

    With s the relative speed and φ = Q/s::

        H = s² h(φ)            (m)
        P = s³ p(φ) + c        (kW electrical)

    h and p lie on straight lines between the table's points.

    Attributes:
        flows: φ, m³/h, rising, shape (n,).
        heads: h, m, falling.
        powers: p, kW; none where the pump has no power meter.
        constant: c, kW.
        flow_range: Least and greatest φ that it was learnt from, m³/h.
        speed_range: Likewise of the relative speed.
        head_std: Standard deviation of the head, as a share of it.
        power_std: Likewise of the power.
    """

    flows: tuple[float, ...]
    heads: tuple[float, ...]
    powers: tuple[float, ...]
    constant: float
    flow_range: tuple[float, float]
    speed_range: tuple[float, float]
    head_std: float
    power_std: float

    @classmethod
    def of_curve(cls, curve: PumpCurve, *, has_power: bool = True) -> Self:
        """The learnt *curve* as it is now."""
        low, high = curve.flow_range
        a0, a1, a2 = curve.head_coefficients
        first = max((1.0 - BEYOND) * low, -a1 / (2.0 * a2) + 1e-3 * high)  # right of the peak the head falls
        flows = np.linspace(first, (1.0 + BEYOND) * high, POINTS)
        heads = a0 + a1 * flows + a2 * flows**2
        middle = 0.5 * (low + high)
        return cls(
            flows=tuple(flows[heads > 0.0].tolist()),
            heads=tuple(heads[heads > 0.0].tolist()),
            powers=tuple((curve.power(flows, 1.0) - curve.power_constant)[heads > 0.0].tolist()) if has_power else (),
            constant=curve.power_constant if has_power else 0.0,
            flow_range=(low, high),
            speed_range=curve.speed_range,
            head_std=float(curve.head_std(middle, 1.0) / curve.head(middle, 1.0)),
            power_std=float(curve.power_std(middle, 1.0) / curve.power(middle, 1.0)) if has_power else 0.0,
        )

    @classmethod
    def of_sheet(cls, sheet: Catalogue) -> Self:
        """The falling part of a maker's curve at rated speed; it holds for every speed.

        Where it tells the power of most of that it reaches as far as the power: an efficiency tells none at no flow.
        """
        fine = np.linspace(sheet.flow[0], sheet.flow[-1], POINTS)
        falls = np.append(np.flatnonzero(np.diff(sheet.predict(fine).head) >= 0.0), -1).max() + 1  # right of it
        low, high = fine[falls], fine[-1]
        power = np.full_like(sheet.flow, np.nan) if sheet.power is None else sheet.power
        told = sheet.flow[np.isfinite(power) & (sheet.flow >= low)]
        if has_power := len(told) > 1 and bool(np.ptp(told) >= TOLD * (high - low)):
            low, high = told[0], told[-1]
        own = sheet.flow[(sheet.flow >= low) & (sheet.flow <= high)]
        flows = np.union1d(np.linspace(low, high, POINTS), own)
        said = sheet.predict(flows)
        return cls(
            flows=tuple(flows.tolist()),
            heads=tuple(said.head.tolist()),
            powers=tuple(said.power.tolist()) if has_power else (),
            constant=0.0,
            flow_range=(float(low), float(high)),
            speed_range=ANY_SPEED,
            head_std=SHEET_STD,
            power_std=SHEET_STD,
        )

    def flow(self, head: ArrayLike, speed: ArrayLike) -> Floats:
        """Flow, m³/h, at *head* m and relative *speed*, any shapes; NaN beyond the table."""
        s = np.asarray(speed, np.float64)
        level = np.asarray(head, np.float64) / s**2
        return np.asarray(s * np.interp(level, self.heads[::-1], self.flows[::-1], left=np.nan, right=np.nan))

    def head(self, flow: ArrayLike, speed: ArrayLike) -> Floats:
        """Head, m, at *flow* m³/h; NaN beyond the table."""
        s = np.asarray(speed, np.float64)
        return np.asarray(s**2 * np.interp(np.asarray(flow) / s, self.flows, self.heads, left=np.nan, right=np.nan))

    def power(self, flow: ArrayLike, speed: ArrayLike) -> Floats:
        """Electrical power, kW, at *flow* m³/h; NaN beyond the table, or where there is none."""
        s = np.asarray(speed, np.float64)
        if not self.powers:
            return np.full(np.broadcast_shapes(np.shape(flow), s.shape), np.nan)
        own = np.interp(np.asarray(flow) / s, self.flows, self.powers, left=np.nan, right=np.nan)
        return np.asarray(s**3 * own + self.constant)

    def supports(self, flow: ArrayLike, speed: ArrayLike) -> NDArray[np.bool_]:
        """Whether a duty lies inside what it was learnt from, with 2 % margin; NaN is outside."""
        s = np.asarray(speed, np.float64)
        return np.asarray(_within(np.asarray(flow) / s, self.flow_range) & _within(s, self.speed_range))

    def is_far(self, flow: ArrayLike, speed: ArrayLike) -> NDArray[np.bool_]:
        """Whether a measured *flow*, NaN where none was, is none of its range whatever the meter's noise."""
        low, high = self.flow_range
        phi = np.asarray(flow) / np.asarray(speed, np.float64)
        return np.asarray((phi < (1.0 - BEYOND) * low) | (phi > (1.0 + BEYOND) * high))


def _within(value: Floats, limits: tuple[float, float]) -> NDArray[np.bool_]:
    margin = MARGIN * abs(limits[1])
    return np.asarray((value >= limits[0] - margin) & (value <= limits[1] + margin))
