"""A catalogue curve as belief: bent to the data by scaling it in flow and head, and by a small smooth correction."""

from dataclasses import dataclass

import numpy as np
from numpy.polynomial import polynomial as poly

from analytics.curves.methods.belief import (
    SPEED_HEAD_STD,
    SPEED_POWER_STD,
    Belief,
    PumpsInGeneral,
    Slopes,
    of_all_speeds,
)
from analytics.curves.methods.duty import Prediction
from analytics.curves.methods.sums import DEGREE, terms
from analytics.hydraulics import Floats, wire_to_water_efficiency

SCALE_STD = 0.06  # of head or power: wear, impeller trimmed, test tolerance (ISO 9906 grade 2 allows 5 %)
FLOW_STD = 0.03  # of the flow scale
LEAK_STD = 0.01  # of a flow that comes back through worn rings, share of the reference flow: it shifts the curve
FRICTION_STD = 0.015  # of what is lost as the square of the flow, share of the head: rough passages
LEVEL_STD = 0.02  # of its level besides
SHEET_DOUBT = (0.065, 0.05)  # of head and power, per share beyond the data, of a form that only wear has changed
FLOOR = np.array([0.0, 0.003, 0.003, 0.003, 0.003])  # smooth correction: standard deviations of the coefficients


@dataclass(frozen=True, slots=True, eq=False)
class Catalogue:
    """A pump's curves as its maker gives them at rated speed.

    Attributes:
        flow: m³/h, rising, shape (n,), n at least 3.
        head: m, shape (n,).
        power: kW, shape (n,); of the same kind as what is measured, or nearly; NaN at points, None where not given.
        doubt: Shares of head and power that its form is worth less, per share of the flow beyond the data.
    """

    flow: Floats
    head: Floats
    power: Floats | None = None
    doubt: tuple[float, float] = SHEET_DOUBT

    def __post_init__(self) -> None:
        """Refuse what is no curve."""
        if len(self.flow) < 3 or not (np.diff(self.flow) > 0.0).all():  # noqa: PLR2004 - a parabola's
            raise ValueError("a catalogue curve needs at least three points of rising flow")

    def at(self, flow: float, head: float, power: float, slopes: Slopes) -> tuple[Belief, Belief]:
        """The catalogue's curves around the reference duty; pumps in general for a power that it does not give."""
        heads = _belief(self._coefficients(self.head, flow) / head, SPEED_HEAD_STD)
        if self.power is None or not np.isfinite(power):
            return heads, PumpsInGeneral().at(flow, head, power, slopes)[1]
        return heads, _belief(self._coefficients(self.power, flow) / power, SPEED_POWER_STD)

    def beyond(self, x: Floats, flow: float) -> tuple[Floats, Floats]:
        """What the table has besides its polynomial around the reference *flow*: m and kW at x m³/h."""
        power = np.zeros_like(x) if self.power is None else self._rest(self.power, x, flow)
        return self._rest(self.head, x, flow), power

    def predict(self, flow: Floats) -> Prediction:
        """What is believed at rated speed before any reading; NaN beyond the sheet."""
        x_ref = float(0.5 * (self.flow[0] + self.flow[-1]))
        inside = np.where((flow >= self.flow[0]) & (flow <= self.flow[-1]), flow, np.nan)
        known = self.power is not None
        heads, powers = self.at(x_ref, 1.0, 1.0 if known else float("nan"), None)
        rest_head, rest_power = self.beyond(inside, x_ref)
        head, head_std = _believed(heads, inside / x_ref - 1.0)
        power, power_std = _believed(powers, inside / x_ref - 1.0)
        nothing = 0.0 if known else np.nan
        head, power = head + rest_head, power + rest_power + nothing
        efficiency = wire_to_water_efficiency(inside, head, power)
        share = np.hypot(head_std / head, power_std / power)
        return Prediction(head, head_std, power, power_std + nothing, efficiency, efficiency * share)

    def _coefficients(self, values: Floats, flow: float) -> Floats:
        known = np.isfinite(values)
        v = self.flow[known] / flow - 1.0
        degree = min(DEGREE, len(v) - 1)
        near = 1.0 / (1.0 + (v / 0.6) ** 2)  # the far ends of a table matter less
        found = poly.polyfit(v, values[known], degree, w=near)
        return np.append(found, np.zeros(DEGREE - degree))

    def _rest(self, values: Floats, x: Floats, flow: float) -> Floats:
        known = np.isfinite(values)
        rest = values[known] - poly.polyval(self.flow[known] / flow - 1.0, self._coefficients(values, flow))
        return np.interp(x, self.flow[known], rest, left=0.0, right=0.0)


def _believed(belief: Belief, v: Floats) -> tuple[Floats, Floats]:
    """Value and standard deviation of a curve that is only believed."""
    basis = terms(v, np.zeros_like(v))
    variance = np.sum((basis @ np.linalg.inv(belief.precision)) * basis, axis=-1)
    return basis @ belief.mean, np.sqrt(variance)


def _belief(c: Floats, speed_std: float) -> Belief:
    """That of a curve with coefficients *c* over v, which may be scaled, widened, shifted and bent a little."""
    slope = np.append(poly.polyder(c), 0.0)
    widened = slope + np.append(0.0, slope[:-1])  # (1 + v) f', what a scale of the flow changes
    square = np.array([1.0, 2.0, 1.0, 0.0, 0.0])  # (1 + v)²
    changes = ((c, SCALE_STD), (widened, FLOW_STD), (slope, LEAK_STD), (square, FRICTION_STD))
    covariance = np.diag(FLOOR**2)
    for change, std in changes:
        covariance += std**2 * np.outer(change, change)
    covariance[0, 0] += LEVEL_STD**2
    return of_all_speeds(c, covariance, speed_std)
