"""Running sums from which curves are fitted: as small after ten million readings as after ten."""

from functools import cache
from math import comb, prod
from typing import NamedTuple, Self

import numpy as np

from analytics.hydraulics import Floats

DEGREE = 4  # of the polynomials in v
TERMS = DEGREE + 3  # 1 v v² v³ v⁴ z z²
LEAST_SPREAD = 0.2  # of what the measured flows differ by, that must not be their noise for them to tell a slope
LEAST_FLOWS = 0.003  # standard deviation of the flows, as a share, below which anything else looks like their doing

LEFT = 3.0  # standard deviations of their spread by which readings of another duty exceed it


class Equations(NamedTuple):
    """Normal equations of any number of targets on the same terms.

    Attributes:
        weight: Sum of the readings' weights.
        gram: Of the terms, shape (7, 7).
        moment: Terms times targets, shape (7, targets).
        products: Targets times targets, shape (targets, targets).
    """

    weight: float
    gram: Floats
    moment: Floats
    products: Floats


class Sums:
    """Weighted sums over readings of v = x / x_ref - 1, z = ln n and some targets, that forget exponentially.

    Terms are φ = (1, v, v², v³, v⁴, z, z²). Kept are Σ v^k (k to 8), Σ φ z, Σ φ z², Σ φ target and the targets'
    products: 23 numbers and 7 or so per target, whatever was seen.

    Args:
        targets: How many.
        memory: Readings after which one weighs 1/e of a new one; None: none is ever forgotten.
    """

    def __init__(self, targets: int, memory: float | None = None) -> None:
        self._memory = memory
        self._powers = np.zeros(2 * DEGREE + 1)
        self._speeds = np.zeros((TERMS, 2))
        self._moment = np.zeros((TERMS, targets))
        self._products = np.zeros((targets, targets))

    @property
    def weight(self) -> float:
        """Readings that the sums are worth."""
        return float(self._powers[0])

    @property
    def numbers(self) -> Floats:
        """All of them, shape (n,)."""
        return np.concatenate([each.ravel() for each in self._parts])

    @classmethod
    def of(cls, numbers: Floats, targets: int, memory: float | None = None) -> Self:
        """The sums that have these *numbers*.

        Raises:
            ValueError: They are not as many as there must be.
        """
        found = cls(targets, memory)
        ends = np.cumsum([each.size for each in found._parts])
        if numbers.shape != (ends[-1],):
            raise ValueError(f"sums of {targets} targets have {ends[-1]} numbers, not {numbers.size}")
        for part, values in zip(found._parts, np.split(np.asarray(numbers, np.float64), ends[:-1]), strict=True):
            part[...] = values.reshape(part.shape)
        return found

    @property
    def _parts(self) -> tuple[Floats, ...]:
        return self._powers, self._speeds, self._moment, self._products

    def add(self, v: Floats, log_speed: Floats, targets: Floats) -> None:
        """Take in readings, oldest first: shapes (n,), (n,) and (n, targets)."""
        n = len(v)
        powers = np.vander(v, 2 * DEGREE + 1, increasing=True)
        basis = np.column_stack([powers[:, : DEGREE + 1], log_speed, log_speed**2])
        weights = np.ones(n)
        if self._memory is not None:
            kept = np.exp(-n / self._memory)
            self._powers *= kept
            self._speeds *= kept
            self._moment *= kept
            self._products *= kept
            weights = np.exp(np.arange(1 - n, 1) / self._memory)
        weighted = basis * weights[:, np.newaxis]
        self._powers += weights @ powers
        self._speeds += weighted.T @ basis[:, DEGREE + 1 :]
        self._moment += weighted.T @ targets
        self._products += (targets * weights[:, np.newaxis]).T @ targets

    def equations(self, flow_noise: float = 0.0) -> Equations:
        """Normal equations, as they would be had the flow been measured without noise.

        With u = x/x_ref measured as u (1 + ε), ε normal with standard deviation *flow_noise*, the measured powers are
        too large by the factor m_k = Σ_j C(k, 2j) (2j-1)!! ε^2j on average; the sums of powers of u are divided by
        it (adjusted least squares: Cheng and Schneeweiss 1998). Left alone, the noise would flatten every slope that
        is learnt near one duty point.
        """
        powers = _adjusted(self._powers, flow_noise)
        gram = np.zeros((TERMS, TERMS))
        index = np.arange(DEGREE + 1)
        split = DEGREE + 1
        gram[:split, :split] = powers[index[:, np.newaxis] + index]
        gram[:split, split:] = _adjusted(self._speeds[:split], flow_noise)
        gram[split:, :split] = gram[:split, split:].T
        gram[split:, split:] = self._speeds[split:]
        moment = np.vstack([_adjusted(self._moment[:split], flow_noise), self._moment[split:]])
        return Equations(self.weight, gram, moment, self._products)

    def is_one_duty(self, flow_noise: float) -> bool:
        """Whether the flows differ by little more than their noise, so that they tell no slope.

        Corrected by about as much as they differ, the sums would be no sums of squares any more.
        """
        mean, square = self._powers[1:3] / max(self.weight, 1e-300)
        variance = square - mean**2
        noise = flow_noise**2 / (1.0 + flow_noise**2) * (1.0 + 2.0 * mean + square)
        return bool(variance - noise < max(LEAST_SPREAD * variance, LEAST_FLOWS**2))

    def is_left_by(self, v: Floats) -> bool:
        """Whether readings, shape (n,), surely lie further from the mean flow than those before: of another duty."""
        if not len(v):
            return False
        mean, square = self._powers[1:3] / max(self.weight, 1e-300)
        usual = 1.0 + LEFT / np.sqrt(2.0 * len(v))  # what the root mean square of n normal numbers stays below
        return bool(np.mean((v - mean) ** 2) > usual**2 * (square - mean**2))

    def at_mean_flow(self) -> Equations:
        """Normal equations of the same readings, had all of them been at their mean flow: they tell the level there."""
        raw = self.equations()
        to_mean = np.eye(TERMS)
        to_mean[: DEGREE + 1] = 0.0
        to_mean[: DEGREE + 1, 0] = (self._powers[1] / self.weight) ** np.arange(DEGREE + 1)
        return raw._replace(gram=to_mean @ raw.gram @ to_mean.T, moment=to_mean @ raw.moment)


def terms(v: Floats, log_speed: Floats) -> Floats:
    """φ of any shape of *v*, with the terms as last axis."""
    v, z = np.broadcast_arrays(v, log_speed)
    powers = [np.ones(v.shape)]
    for _ in range(DEGREE):
        powers.append(powers[-1] * v)
    return np.stack([*powers, z, z * z], axis=-1)


def _adjusted(sums: Floats, noise: float) -> Floats:
    """Sums over powers 0, 1, ... of v, along the first axis, as they would be without *noise* of u."""
    if not noise:
        return sums
    to_u, to_v, odd = _exchange(len(sums))
    factors = odd @ noise ** (2.0 * np.arange(odd.shape[1]))
    return np.asarray(to_v @ (to_u @ sums / factors.reshape(-1, *[1] * (sums.ndim - 1))))


@cache
def _exchange(size: int) -> tuple[Floats, Floats, Floats]:
    """From powers of v to powers of u = 1 + v, back, and C(k, 2j) (2j-1)!! by k and j."""
    to_u = np.array([[comb(k, j) for j in range(size)] for k in range(size)], dtype=np.float64)
    to_v = np.array([[comb(k, j) * (-1.0) ** (k - j) for j in range(size)] for k in range(size)])
    odd = np.array([[comb(k, 2 * j) * prod(range(1, 2 * j, 2)) for j in range(size // 2 + 1)] for k in range(size)])
    return to_u, to_v, odd.astype(np.float64)
