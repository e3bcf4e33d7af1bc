"""Series with gaps, for tests."""

import numpy as np
from numpy.typing import NDArray

from analytics.gaps.auto import Auto
from analytics.gaps.gap import Estimate, Gap, Window

Floats = NDArray[np.float64]


def walk(size: int, seed: int = 1, step: float = 1.0) -> Floats:
    """A random walk around 100."""
    return 100.0 + np.cumsum(np.random.default_rng(seed).normal(0.0, step, size))


def with_gap(values: Floats, *found: Gap) -> Floats:
    """*values* without those of *found*."""
    left_out = values.copy()
    for gap in found:
        left_out[gap.begin : gap.end] = np.nan
    return left_out


def blocks(count: int, size: int, every: int, first: int = 200) -> list[Gap]:
    """So many gaps of *size*, *every* so many places."""
    return [Gap(first + every * i, first + every * i + size) for i in range(count)]


def filled(window: Window, *found: Gap) -> list[Estimate]:
    """What `auto` puts into *found*."""
    auto = Auto(window)
    return [auto.fill(gap) for gap in found]


def missed(values: Floats, found: list[Gap], estimates: list[Estimate]) -> Floats:
    """Error of every filled value."""
    pairs = zip(found, estimates, strict=True)
    return np.concatenate([estimate.values - values[gap.begin : gap.end] for gap, estimate in pairs])
