"""One pump's curves: what it delivers, draws and how sure that is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from analytics.curves.shape import PARAMETERS, Shape, falling_flow, polynomial
from analytics.hydraulics import Floats, wire_to_water_efficiency

STEP = 1e-5  # of a parameter, for central differences; parameters are of order one
MARGIN = 0.02  # beyond the learnt range, as a share of its upper end, that still counts as inside


@dataclass(frozen=True, slots=True, eq=False)
class PumpCurve:
    """Head and power of one pump at any flow and speed; see `Shape` for the formulas.

    Every method takes arrays of any shapes that broadcast and returns their common shape. NaN where the
    question has no answer (head above what the pump can reach at that speed, pump stopped).

    Attributes:
        pump: Its id.
        shape: What the parameters mean.
        theta: Parameters, shape (7,).
        covariance: Of the parameters, shape (7, 7), priors and serial correlation of the data included.
        flow_range: Least and greatest φ = Q/s learnt from, m³/h.
        speed_range: Least and greatest relative speed learnt from.
        n: Steady points of this pump running that the fit rests on.
        flow_is_metered: The pump has its own flow meter; otherwise its share of the total is inferred.
        doubt: Shares of head and power that the form is worth less, per share of the flow beyond `flow_range`, where
            the method that drew it says so. Standard deviations have it besides the covariance.
    """

    pump: str
    shape: Shape
    theta: Floats
    covariance: Floats
    flow_range: tuple[float, float]
    speed_range: tuple[float, float]
    n: int
    flow_is_metered: bool = False
    doubt: tuple[float, float] = (0.0, 0.0)

    @property
    def head_coefficients(self) -> Floats:
        """a₀ a₁ a₂ of H/s² = a₀ + a₁ φ + a₂ φ², shape (3,); a₂ < 0."""
        return self.shape.head(self.theta)

    @property
    def power_coefficients(self) -> Floats:
        """b₀ b₁ b₂ of P = s³ (b₀ + b₁ φ + b₂ φ²) + b, shape (3,)."""
        return self.shape.power(self.theta)

    @property
    def power_constant(self) -> float:
        """B of the power, kW."""
        return self.shape.constant(self.theta)

    def head(self, flow: ArrayLike, speed: ArrayLike) -> Floats:
        """Head, m, at *flow* m³/h and relative *speed*; also beyond the learnt range (see `supports`)."""
        q, s = _running(flow, speed)
        return np.asarray(s**2 * polynomial(self.head_coefficients, q / s))

    def power(self, flow: ArrayLike, speed: ArrayLike) -> Floats:
        """Electrical power, kW."""
        q, s = _running(flow, speed)
        return np.asarray(s**3 * polynomial(self.power_coefficients, q / s) + self.power_constant)

    def flow(self, head: ArrayLike, speed: ArrayLike) -> Floats:
        """Flow, m³/h, on the falling side of the curve; NaN where the pump does not reach *head* m."""
        h, s = _running(head, speed)
        q = s * falling_flow(self.head_coefficients, h / s**2)
        return np.where(q >= 0.0, q, np.nan)

    def efficiency(self, flow: ArrayLike, speed: ArrayLike) -> Floats:
        """Wire-to-water efficiency, 0 to 1."""
        return wire_to_water_efficiency(flow, self.head(flow, speed), self.power(flow, speed))

    def head_std(self, flow: ArrayLike, speed: ArrayLike) -> Floats:
        """Standard deviation of `head`, m, from the parameters' covariance to first order."""
        return np.hypot(self._std(lambda curve: curve.head(flow, speed)), self._doubted(flow, speed)[0])

    def power_std(self, flow: ArrayLike, speed: ArrayLike) -> Floats:
        """Standard deviation of `power` at a known *flow*, kW."""
        return np.hypot(self._std(lambda curve: curve.power(flow, speed)), self._doubted(flow, speed)[1])

    def flow_std(self, head: ArrayLike, speed: ArrayLike) -> Floats:
        """Standard deviation of `flow`, m³/h; with header flow only, this is the uncertainty of the pump's share."""
        q, s = self.flow(head, speed), np.asarray(speed, dtype=np.float64)
        slope = s * (self.head_coefficients[1] + 2.0 * self.head_coefficients[2] * q / s)  # m per m³/h
        doubted = self._doubted(q, s)[0] / np.abs(slope)
        return np.asarray(np.hypot(self._std(lambda curve: curve.flow(head, speed)), doubted))

    def efficiency_std(self, flow: ArrayLike, speed: ArrayLike) -> Floats:
        """Standard deviation of `efficiency`."""
        head, power = self._doubted(flow, speed)
        share = np.hypot(head / self.head(flow, speed), power / self.power(flow, speed))
        return np.hypot(self._std(lambda curve: curve.efficiency(flow, speed)), share * self.efficiency(flow, speed))

    def supports(self, flow: ArrayLike, speed: ArrayLike) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Whether the duty lies inside what was learnt from, φ and speed each, with 2 % margin; NaN is outside."""
        q, s = _running(flow, speed)
        return np.asarray(_within(q / s, self.flow_range) & _within(s, self.speed_range))

    def gradient(self, quantity: Callable[[Self], Floats]) -> Floats:
        """Derivative of a *quantity* of the curve by its parameters, shape (..., 7)."""
        columns = []
        for index in range(PARAMETERS):
            step = np.zeros(PARAMETERS)
            step[index] = STEP
            above, below = self.at(self.theta + step), self.at(self.theta - step)
            columns.append((quantity(above) - quantity(below)) / (2.0 * STEP))
        return np.stack(columns, axis=-1)

    def at(self, theta: Floats) -> Self:
        """The same pump with other parameters."""
        return replace(self, theta=theta)

    def with_range(self, low: float, high: float) -> Self:
        """The same pump, learnt from φ between *low* and *high* m³/h."""
        return replace(self, flow_range=(low, high))

    def _doubted(self, flow: ArrayLike, speed: ArrayLike) -> tuple[Floats, Floats]:
        """What the form is worth less beyond the flows learnt from, of head, m, and power, kW."""
        q, s = _running(flow, speed)
        low, high = self.flow_range if self.flow_range[1] > 0.0 else (0.0, np.inf)
        outside = np.maximum(np.maximum(q / s / high - 1.0, (low - q / s) / max(low, 1e-9)), 0.0)
        head, power = np.abs(self.head(q, s)), np.abs(self.power(q, s))
        return self.doubt[0] * outside * head, self.doubt[1] * outside * power

    def _std(self, quantity: Callable[[Self], Floats]) -> Floats:
        gradient = self.gradient(quantity)
        return np.asarray(np.sqrt(np.einsum("...i,ij,...j->...", gradient, self.covariance, gradient)))

    def to_dict(self) -> dict[str, Any]:
        """As JSON types, without the covariance (the station keeps the joint one)."""
        return {
            "pump": self.pump,
            "levels": self.shape.levels.tolist(),
            "flow_scale": self.shape.flow_scale,
            "power_scale": self.shape.power_scale,
            "theta": self.theta.tolist(),
            "flow_range": list(self.flow_range),
            "speed_range": list(self.speed_range),
            "n": self.n,
            "flow_is_metered": self.flow_is_metered,
            "doubt": list(self.doubt),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], covariance: Floats) -> Self:
        """The inverse of `to_dict`."""
        flow_low, flow_high = data["flow_range"]
        speed_low, speed_high = data["speed_range"]
        doubt_head, doubt_power = data.get("doubt", (0.0, 0.0))  # an earlier version kept none
        return cls(
            pump=data["pump"],
            shape=Shape(np.array(data["levels"], float), data["flow_scale"], data["power_scale"]),
            theta=np.array(data["theta"], float),
            covariance=covariance,
            flow_range=(flow_low, flow_high),
            speed_range=(speed_low, speed_high),
            n=data["n"],
            flow_is_metered=data["flow_is_metered"],
            doubt=(doubt_head, doubt_power),
        )


def _running(value: ArrayLike, speed: ArrayLike) -> tuple[Floats, Floats]:
    """Both as arrays; a pump that does not turn has no duty."""
    s = np.asarray(speed, dtype=np.float64)
    return np.asarray(value, dtype=np.float64), np.where(s > 0.0, s, np.nan)


def _within(value: Floats, limits: tuple[float, float]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    margin = MARGIN * abs(limits[1])
    return np.asarray((value >= limits[0] - margin) & (value <= limits[1] + margin))
