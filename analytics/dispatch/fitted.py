"""A fitted curve as the solver sees a pump: within what was learnt, or a little beyond it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import hypot

import numpy as np

from analytics.curves.best import learnt_best
from analytics.curves.model import PumpCurve, StationModel
from analytics.dispatch.limits import Inlet, Limits
from analytics.dispatch.pump import Array
from analytics.hydraulics import wire_to_water_efficiency
from analytics.npsh import MARGIN

_MARGIN = 0.0199  # of a learnt range's upper end: what the curve itself still counts as inside
_BEST_EFFICIENCY = 0.90  # wire to water; no curve is believed beyond it
FLOW_ENDS = ("least flow", "greatest flow")  # as the solver calls the ends of a range of φ
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
    if (best := kept_best(curve, limits)) is not None:
        least, most = best.region(limits.por)
        phi_low, phi_high = max(phi_low, least), min(phi_high, most)
    phi_low, phi_high = max(phi_low, limits.flows[0]), min(phi_high, limits.flows[1])
    if low > high or phi_low >= phi_high:
        return None
    return FittedPump(curve, low, high, max(phi_low, 1e-3 * phi_high), phi_high, limits.power_max, limits.inlet)


def unfitted(model: StationModel, limits: Sequence[Limits], speeds: Mapping[str, float]) -> list[str]:
    """Of each pump whose curve has nothing in common with its limits, that; *speeds* are those of now, relative."""
    learnt = [each for each in limits if each.pump in model.pumps]
    lost = [each.pump for each in learnt if fitted(model.curve(each.pump), each, 0.0, speeds.get(each.pump)) is None]
    return [f"{pump} is not proposed: what its curve has learnt lies outside its limits." for pump in lost]


def _widened(learnt: tuple[float, float], reach: float) -> tuple[float, float]:
    low, high = learnt
    return low - (_MARGIN + reach) * high, high + (_MARGIN + reach) * high


@dataclass(frozen=True, slots=True)
class BestFlow:
    """Flow over speed of best efficiency."""

    phi: float  # m³/h
    std: float = 0.0  # m³/h, where it was learnt
    is_learnt: bool = False  # not by plate or sheet

    def region(self, por: tuple[float, float]) -> tuple[float, float]:
        """Beyond which a pump is surely outside its preferred region, m³/h."""
        return por[0] * (self.phi - self.std), por[1] * (self.phi + self.std)

    def holds(self, phi: float, std: float, por: tuple[float, float]) -> bool | None:
        """Whether a pump at *phi*, m³/h, known to *std*, runs in its preferred region; None where it cannot be told."""
        low, high = (share * self.phi for share in por)
        low_std, high_std = (hypot(std, share * self.std) for share in por)
        if low + low_std <= phi <= high - high_std:
            return True
        return False if phi < low - low_std or phi > high + high_std else None

    def shares(self, por: tuple[float, float]) -> tuple[float, float]:
        """The same in shares of it."""
        least, most = self.region(por)
        return least / self.phi, most / self.phi


def best_phi(curve: PumpCurve, limits: Limits) -> BestFlow | None:
    """By plate or sheet, else by the curve, where what it has learnt tells its top; None where nothing does."""
    if limits.rated_flow is not None:
        return BestFlow(limits.rated_flow)
    learnt = learnt_best(curve)
    return None if isinstance(learnt, str) else BestFlow(learnt.flow, learnt.flow_std, is_learnt=True)


def kept_best(curve: PumpCurve, limits: Limits) -> BestFlow | None:
    """The same, where the region about it is not left: one that is only learnt is told, and kept where it is asked."""
    is_asked = limits.rated_flow is not None or limits.keeps_learnt_por
    return best_phi(curve, limits) if is_asked else None


def limit_said(name: str, por: tuple[float, float], best: BestFlow | None, phi: float) -> str:
    """A limit of the solver as a technician knows it: the end of a range has its cause.

    Args:
        name: By the solver.
        por: Preferred region of the pump, in shares of the best flow.
        best: That flow.
        phi: Flow over relative speed at which it is held, m³/h.
    """
    if name == "NPSH":
        return "NPSH at its inlet"
    if name not in FLOW_ENDS:
        return name
    is_greatest = name == FLOW_ENDS[1]
    if best is not None and abs(phi - best.region(por)[is_greatest]) < _SAME * best.phi:
        whose = f"learnt best flow, {best.phi:.3g} ± {best.std:.1g} m³/h" if best.is_learnt else "best efficiency"
        return f"{name} of its preferred region ({por[is_greatest]:.0%} of {whose})"
    return f"{name} that was learnt"
