"""A fitted curve as the solver sees a pump: within what was learnt, or a little beyond it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from analytics.curves.model import PumpCurve
from analytics.dispatch.limits import Inlet, Limits
from analytics.dispatch.pump import Array
from analytics.hydraulics import wire_to_water_efficiency
from analytics.npsh import MARGIN

_MARGIN = 0.0199  # of a learnt range's upper end: what the curve itself still counts as inside
_BEST_EFFICIENCY = 0.90  # wire to water; no curve is believed beyond it
_STEPS = 101
_SAME = 1e-3  # share of the best flow; nearer to an end of the preferred region is at it


@dataclass(frozen=True, slots=True, eq=False)
class FittedPump:
    """A fitted pump in the ranges it may be planned in; a pump's fit is its own, so none is identical to another."""

    curve: PumpCurve
    speed_min: float
    speed_max: float
    phi_min: float
    phi_max: float
    power_max: float | None = None  # kW electrical
    inlet: Inlet | None = None

    def head(self, phi: Array) -> Array:
        """At rated speed, m."""
        return self.curve.head(phi, 1.0)

    def power(self, flow: Array, speed: Array) -> Array:
        """Electrical, kW."""
        return self.curve.power(flow, speed)

    def margins(self, flow: Array, speed: Array, station_flow: Array) -> Mapping[str, Array]:  # noqa: ARG002 - protocol
        """The motor's power, what it needs at its inlet, and an efficiency that can be believed."""
        power = self.power(flow, speed)
        efficiency = wire_to_water_efficiency(flow, self.curve.head(flow, speed), power)
        margins = {"plausible efficiency": np.nan_to_num(1 - efficiency / _BEST_EFFICIENCY, nan=-1.0)}
        if self.power_max is not None:
            margins["motor power"] = np.asarray(1 - power / self.power_max)
        if self.inlet is not None:
            spare = self.inlet.available - MARGIN * self.inlet.required(flow, speed)
            margins["NPSH"] = np.asarray(spare / max(self.inlet.available, 1.0))
        return margins


def fitted(curve: PumpCurve, limits: Limits, reach: float, speed: float | None = None) -> FittedPump | None:
    """The pump in its limits and what its curve has learnt; None where the two have nothing in common.

    Args:
        curve: Its fit.
        limits: Speeds, preferred operating region and motor.
        reach: Share by which the learnt ranges may be left on either side; 0 stays inside.
        speed: Relative speed it runs at now, None where it stands; a pump without a drive has no other.
    """
    low, high = _widened(curve.speed_range, reach)
    if limits.is_variable:
        low, high = max(low, limits.speed_min), min(high, limits.speed_max)
    else:
        low = high = sum(curve.speed_range) / 2 if speed is None else speed
    phi_low, phi_high = _widened(curve.flow_range, reach)
    if (best := limits.rated_flow) is not None:
        phi_low, phi_high = max(phi_low, limits.por[0] * best), min(phi_high, limits.por[1] * best)
    if low > high or phi_low >= phi_high:
        return None
    return FittedPump(curve, low, high, max(phi_low, 1e-3 * phi_high), phi_high, limits.power_max, limits.inlet)


def _widened(learnt: tuple[float, float], reach: float) -> tuple[float, float]:
    low, high = learnt
    return low - (_MARGIN + reach) * high, high + (_MARGIN + reach) * high


def best_phi(curve: PumpCurve, limits: Limits) -> float | None:
    """Flow over speed of best efficiency, m³/h: by the plate, else by the curve where it has seen its top."""
    if limits.rated_flow is not None:
        return limits.rated_flow
    phi = np.linspace(*curve.flow_range, _STEPS)
    top = int(np.argmax(np.nan_to_num(curve.efficiency(phi, 1.0))))
    return float(phi[top]) if 0 < top < _STEPS - 1 else None


def limit_said(name: str, limits: Limits, phi: float) -> str:
    """A limit of the solver as a technician knows it: the end of a range has its cause.

    Args:
        name: By the solver.
        limits: Of the pump.
        phi: Flow over relative speed at which it is held, m³/h.
    """
    if name == "NPSH":
        return "NPSH at its inlet"
    best = limits.rated_flow
    if name not in {"greatest flow", "least flow"}:
        return name
    share = limits.por[name == "greatest flow"]
    if best is not None and abs(phi - share * best) < _SAME * best:
        return f"{name} of its preferred region ({share:.0%} of best efficiency)"
    return f"{name} that was learnt"
