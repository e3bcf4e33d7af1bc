"""A header's head against the speed of its pumps squared, as that has been while the same pumps ran."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_ENOUGH = 60  # samples before anything is expected
_MEMORY = 1_440.0  # samples after which one weighs 1/e: a day of minutes, so that wear is no contradiction
_SPREADS = 5.0  # standard deviations that a head may differ
_SHARE = 0.03  # and share of it, whatever the spread
_DOUBTED = (
    0.05  # weight of a sample that contradicts: a new impeller is believed after days, a broken gauge is not soon
)
_BEYOND = 0.02  # share of what was seen, that speed and flow may lie outside


@dataclass(frozen=True, slots=True)
class Expected:
    """What head was to be expected, and how far it may lie from that; m."""

    head: float
    tolerance: float


@dataclass(slots=True)
class Affinity:
    """H = a n² - b Q², for one set of running pumps; sums of a regression that forgets.

    With n² the mean of the pumps' relative speeds squared and Q the header's flow (affinity laws: at a fixed Q/n the
    head goes with the square of the speed).
    """

    weight: float = 0.0
    products: list[float] = field(default_factory=lambda: [0.0] * 6)  # of n², Q², H: nn nq qq nh qh hh
    low: tuple[float, float] | None = None  # of n² and Q²
    high: tuple[float, float] | None = None
    seen: int = 0

    def expected(self, square: float, flow: float) -> Expected | None:
        """At n² and Q in m³/h; None where too little like it was seen."""
        if self.seen < _ENOUGH or self.low is None or self.high is None:
            return None
        for value, low, high in zip((square, flow**2), self.low, self.high, strict=True):
            if not low * (1 - _BEYOND) <= value <= high * (1 + _BEYOND):
                return None
        nn, nq, qq, nh, qh, hh = self.products
        scale = np.array([nn**0.5 or 1.0, qq**0.5 or 1.0])
        normal = np.array([[nn, nq], [nq, qq]]) / np.outer(scale, scale) + 1e-6 * np.eye(
            2
        )  # one duty tells no two terms
        found = np.linalg.solve(normal, np.array([nh, qh]) / scale) / scale
        rest = max(hh - float(found @ np.array([nh, qh])), 0.0) / self.weight
        head = float(found @ np.array([square, flow**2]))
        return Expected(head, max(_SPREADS * rest**0.5, _SHARE * abs(head)))

    def update(self, square: float, flow: float, head: float) -> bool | None:
        """Take in a sample; whether it is as expected, None where nothing was."""
        expected = self.expected(square, flow)
        agrees = None if expected is None else abs(head - expected.head) <= expected.tolerance
        weight, fading = _DOUBTED if agrees is False else 1.0, float(np.exp(-1 / _MEMORY))
        row = (square, flow**2, head)
        new = [row[i] * row[j] for i, j in ((0, 0), (0, 1), (1, 1), (0, 2), (1, 2), (2, 2))]
        self.products = [fading * old + weight * one for old, one in zip(self.products, new, strict=True)]
        self.weight = fading * self.weight + weight
        if agrees is not False:
            self.seen += 1
            self.low = row[:2] if self.low is None else (min(self.low[0], row[0]), min(self.low[1], row[1]))
            self.high = row[:2] if self.high is None else (max(self.high[0], row[0]), max(self.high[1], row[1]))
        return agrees
