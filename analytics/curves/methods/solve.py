"""From sums to a curve: the posterior of its coefficients, the noise of the flow, and physics that must hold."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from analytics.curves.methods.belief import Belief, Slope
from analytics.curves.methods.sums import DEGREE, Equations, Sums, terms
from analytics.hydraulics import Floats

MOST_FLOW_NOISE = 0.03  # share of a flow; who has more should look at the meter
FLOW_VARIANCE, FLOW_VARIANCE_STD = 0.008**2, 0.01**2  # of a flow meter's readings around their steady value
LEAST_STD = 5e-4  # of a reading's noise; no meter is better
USUAL_STD = 0.01  # of a reading, to begin with
ROUNDS = 2  # of noise from the curve and the curve from noise
FORM = 0.001  # share of a head or power by which pumps differ from any polynomial


class Fitted(NamedTuple):
    """One quantity's polynomial over `sums.terms`, relative to its value at the reference duty.

    Attributes:
        mean: Shape (7,).
        covariance: Shape (7, 7).
        noise: Standard deviation of a reading around it.
    """

    mean: Floats
    covariance: Floats
    noise: float

    def at(self, v: Floats, log_speed: Floats) -> tuple[Floats, Floats]:
        """Value and standard deviation."""
        basis = terms(v, log_speed)
        variance = np.sum((basis @ self.covariance) * basis, axis=-1)
        value = basis @ self.mean
        return np.asarray(value), np.sqrt(np.maximum(variance, 0.0) + (FORM * value) ** 2)

    def slope(self, v: Floats) -> Floats:
        """Derivative by v."""
        k = np.arange(1, DEGREE + 1)
        return np.asarray((v[..., np.newaxis] ** (k - 1)) @ (k * self.mean[1 : DEGREE + 1]))

    @property
    def usual_slope(self) -> Slope:
        """At the reference duty."""
        return float(self.mean[1]), float(np.sqrt(max(self.covariance[1, 1], 0.0)))


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """Head and power as fitted.

    Attributes:
        head: Relative to the reference head.
        power: Relative to the reference power; None where it was not measured.
        flow_noise: Share of a flow, as estimated.
    """

    head: Fitted
    power: Fitted | None
    flow_noise: float

    @property
    def slopes(self) -> tuple[Slope, Slope]:
        """Of both relative curves at the reference duty; that of a power that was not measured is any."""
        return self.head.usual_slope, (0.0, np.inf) if self.power is None else self.power.usual_slope

    def is_vague_at(self, v: Floats, log_speed: Floats) -> bool:
        """Whether readings, shape (n,), tell more of a curve than it is known there."""
        curves = [each for each in (self.head, self.power) if each is not None]
        return any(float(np.mean(each.at(v, log_speed)[1] ** 2)) > each.noise**2 for each in curves)


def reading_std(fitted: Fitted | None, v: Floats, log_speed: Floats) -> Floats:
    """Standard deviation of a reading around the curve as it is known; infinite where nothing is."""
    if fitted is None:
        return np.full(v.shape, np.inf)
    return np.hypot(fitted.noise, fitted.at(v, log_speed)[1])


def tilts(flow: Floats, flow_range: tuple[float, float], n: int, rng: np.random.Generator) -> Floats:
    """Factors by which *n* efficiencies may differ from their polynomials at *flow*, shape (n, len(flow)).

    Head and power are each tilted by `FORM`, root mean square over the flows learnt from: however many readings there
    were, the flow of best efficiency is no better known than that.
    """
    low, high = flow_range
    across = (2.0 * flow - low - high) / (high - low)
    return np.asarray(1.0 + np.sqrt(2.0 * 3.0) * FORM * rng.standard_normal((n, 1)) * across)


class Together(NamedTuple):
    """How far the residuals of head and power go together: sums over readings, r the residuals, f g the curves.

    Attributes:
        products: Σ f' g' u² r_head r_power.
        leverage: Σ (f' g' u²)².
    """

    products: float = 0.0
    leverage: float = 0.0

    def decayed(self, share: float) -> "Together":
        """With all before worth *share* of what it was."""
        return Together(share * self.products, share * self.leverage)

    def joined(self, solution: Solution, v: Floats, off: Floats) -> "Together":
        """With readings at *v* that are *off* the curves of *solution*, shape (2, n), where both are known."""
        if solution.power is None:
            return self
        known = np.isfinite(off).all(axis=0)
        v, off = v[known], off[:, known]
        leverage = solution.head.slope(v) * solution.power.slope(v) * (1.0 + v) ** 2
        products = self.products + float(leverage @ (off[0] * off[1]))
        return Together(products, self.leverage + float(leverage @ leverage))


def solved(heads: Sums, powers: Sums, beliefs: tuple[Belief, Belief], together: Together) -> Solution:
    """The most probable curves.

    Noise of the flow moves a reading along x, off the head curve by its slope f' and off the power curve by g': its
    variance is Σ f' g' u² r_head r_power / Σ (f' g' u²)², as head and power have no other noise in common (a factor
    model's third indicator: Fuller 1987). The sums are corrected by it.

    Args:
        heads: Sums with the head as only target.
        powers: Sums with head and power as targets, of the readings that have both.
        beliefs: Of head and power.
        together: Of the same readings.
    """
    solution = _given(heads, powers, beliefs, 0.0)
    if solution.power is None:
        return solution
    spread = 0.0
    for _ in range(ROUNDS):
        variance, spread = _flow_noise(solution.head.noise * solution.power.noise, together)
        solution = _given(heads, powers, beliefs, float(np.sqrt(variance)), solution)
        assert solution.power is not None  # noqa: S101 - the same sums
    return _widened(solution, (heads, powers), beliefs, spread)


def _given(
    heads: Sums, powers: Sums, beliefs: tuple[Belief, Belief], flow_noise: float, near: Solution | None = None
) -> Solution:
    """The curves where the flow's noise is known; *near* is where they will be about."""
    start = near.head.noise if near else USUAL_STD
    head = _fitted(heads, 0, beliefs[0], flow_noise, start)
    if powers.weight < 1.0:
        return Solution(head, None, flow_noise)
    start = near.power.noise if near and near.power else USUAL_STD
    return Solution(head, _fitted(powers, 1, beliefs[1], flow_noise, start), flow_noise)


def _fitted(sums: Sums, target: int, belief: Belief, flow_noise: float, noise: float) -> Fitted:
    raw = sums.equations()
    adjusted = sums.at_mean_flow() if sums.is_one_duty(flow_noise) else sums.equations(flow_noise)
    mean, covariance = belief.mean, belief.precision
    for _ in range(ROUNDS):
        covariance = _inverse(adjusted.gram / noise**2 + belief.precision)
        mean = covariance @ (adjusted.moment[:, target] / noise**2 + belief.precision @ belief.mean)
        told = float(np.sum(covariance * adjusted.gram)) / noise**2
        noise = max(_residual(raw, mean, target, told), LEAST_STD)
    return Fitted(mean, covariance, noise)


def _inverse(information: Floats) -> Floats:
    scale = 1.0 / np.sqrt(np.abs(np.diag(information)))
    scaled = information * np.outer(scale, scale)
    try:
        root = np.linalg.inv(np.linalg.cholesky(scaled)).T
    except np.linalg.LinAlgError:  # corrected sums of few readings may not be a Gram matrix any more
        values, vectors = np.linalg.eigh(scaled)
        root = vectors / np.sqrt(np.maximum(values, 1e-9))
    return np.asarray((root @ root.T) * np.outer(scale, scale))


def _residual(raw: Equations, mean: Floats, target: int, told: float) -> float:
    """Standard deviation of a reading around the curve; *told* is how many numbers of it the readings tell."""
    squares = raw.products[target, target] - 2.0 * mean @ raw.moment[:, target] + mean @ raw.gram @ mean
    return float(np.sqrt(max(squares, 0.0) / max(raw.weight - told, 0.5 * raw.weight, 1e-300)))


def _flow_noise(noise: float, together: Together) -> tuple[float, float]:
    """Variance of the flow's noise and its standard error; *noise* is the product of those of head and power."""
    measured, believed = together.leverage / noise**2, 1.0 / FLOW_VARIANCE_STD**2
    variance = (together.products / noise**2 + FLOW_VARIANCE * believed) / (measured + believed)
    return float(np.clip(variance, 0.0, MOST_FLOW_NOISE**2)), float(1.0 / np.sqrt(measured + believed))


def _widened(solution: Solution, sums: tuple[Sums, Sums], beliefs: tuple[Belief, Belief], spread: float) -> Solution:
    """With what an error of the flow's noise would change as further variance."""
    other = _given(*sums, beliefs, float(np.sqrt(solution.flow_noise**2 + spread)), solution)
    assert solution.power is not None  # noqa: S101 - the caller looked
    assert other.power is not None  # noqa: S101 - the same sums
    head = _with(solution.head, other.head)
    return replace(solution, head=head, power=_with(solution.power, other.power))


def _with(fitted: Fitted, other: Fitted) -> Fitted:
    off = other.mean - fitted.mean
    return fitted._replace(covariance=fitted.covariance + np.outer(off, off))
