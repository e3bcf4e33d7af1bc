"""A pump's head and power curve as three knots, so that uncertainty stays where the data leave it."""

from dataclasses import dataclass

import numpy as np

from analytics.hydraulics import Floats

PARAMETERS = 7  # of one pump
HEAD_PARAMETERS = 3  # the first of them, which alone decide the flow at a head
STRAIGHT, PEAKED = 0.5, 1.0 / np.sqrt(2.0)  # share of the span above the middle knot: no curvature; peak at the knot


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """What a pump's parameters mean.

    With s the relative speed and φ = Q/s, the affinity laws make one curve of all speeds::

        H / s² = a₀ + a₁ φ + a₂ φ²             (m)
        P      = s³ (b₀ + b₁ φ + b₂ φ²) + b    (kW electrical)

    b is what motor and drive lose at any speed. The polynomials are given by three knots, which stand at
    fixed `levels` of H/s² that span the data; parameters θ, shape (7,), are

    - θ₀ the middle knot's φ, θ₁ the logarithm of φ₃ - φ₁ (both in `flow_scale`), θ₂ the logit of where
      φ₂ lies between: whatever they are, the head falls from knot to knot and falls faster to the right;
    - θ₃ θ₄ θ₅ the power P/s³ at the knots and θ₆ the constant part b, in `power_scale`.

    With header flow only, a pump's flow is uncertain and its power is not; in these coordinates the two
    stay apart, so that a sample of θ reproduces what was measured (total flow, powers) to first order.

    Attributes:
        levels: H/s² of the knots, m, shape (3,), falling, equally spaced.
        flow_scale: m³/h.
        power_scale: kW.
    """

    levels: Floats
    flow_scale: float
    power_scale: float

    def flows(self, theta: Floats) -> Floats:
        """φ of the knots, m³/h, shape (3,), rising."""
        span = np.exp(theta[1])
        above = (STRAIGHT + (PEAKED - STRAIGHT) / (1.0 + np.exp(-theta[2]))) * span
        return np.asarray(self.flow_scale * np.array([theta[0] - above, theta[0], theta[0] - above + span]))

    def head(self, theta: Floats) -> Floats:
        """a₀ a₁ a₂: m, m/(m³/h), m/(m³/h)²."""
        return through(self.flows(theta), self.levels)

    def power(self, theta: Floats) -> Floats:
        """b₀ b₁ b₂: kW, kW/(m³/h), kW/(m³/h)²."""
        return through(self.flows(theta), self.power_scale * theta[3:6])

    def constant(self, theta: Floats) -> float:
        """The part of the power that does not scale with s³, kW."""
        return float(self.power_scale * theta[6])

    def theta(self, head: Floats, power: Floats, constant: float = 0.0) -> Floats:
        """The parameters of given polynomials, shape (7,).

        Args:
            head: a₀ a₁ a₂; must reach the levels with a₂ < 0 on its falling side.
            power: b₀ b₁ b₂.
            constant: b, kW.
        """
        flows = falling_flow(head, self.levels)
        span = flows[2] - flows[0]
        share = (flows[1] - flows[0]) / span
        bounded = np.clip((share - STRAIGHT) / (PEAKED - STRAIGHT), 1e-4, 1.0 - 1e-4)
        knots = polynomial(power, flows) / self.power_scale
        place = [flows[1] / self.flow_scale, np.log(span / self.flow_scale), np.log(bounded / (1.0 - bounded))]
        return np.array([*place, *knots, constant / self.power_scale])


def through(x: Floats, y: Floats) -> Floats:
    """Coefficients, lowest first, of the parabola through three points (Newton's divided differences)."""
    first = (y[1] - y[0]) / (x[1] - x[0])
    second = ((y[2] - y[1]) / (x[2] - x[1]) - first) / (x[2] - x[0])
    return np.array([y[0] - first * x[0] + second * x[0] * x[1], first - second * (x[0] + x[1]), second])


def polynomial(coefficients: Floats, x: Floats) -> Floats:
    """c₀ + c₁ x + c₂ x², any shape of *x*."""
    return np.asarray(coefficients[0] + x * (coefficients[1] + x * coefficients[2]))


def falling_flow(head: Floats, level: Floats, softness: float = 0.0) -> Floats:
    """φ at which a parabola opening downwards reaches *level* on its falling side.

    Args:
        head: a₀ a₁ a₂ with a₂ < 0.
        level: H/s², m, any shape.
        softness: 0: NaN where the curve never reaches the level. Above: the root is made smooth over this
            share of the discriminant at zero head, so that a fit keeps a gradient at the peak.
    """
    a0, a1, a2 = head
    discriminant = a1 * a1 - 4.0 * a2 * (a0 - np.asarray(level))
    if softness:
        edge = softness * (a1 * a1 - 4.0 * a2 * a0)
        discriminant = 0.5 * (discriminant + np.sqrt(discriminant**2 + edge**2))
    root = np.sqrt(np.where(discriminant >= 0.0, discriminant, np.nan))
    return np.asarray((-a1 - root) / (2.0 * a2))
