"""A straight line between the good values on both sides of a gap."""

import numpy as np

from analytics.gaps.gap import Estimate, Floats, Gap, Window
from analytics.gaps.variability import bridge_std, bridged, calibration, masks, structure


def fill(window: Window, gap: Gap) -> Estimate:
    """The line; empty while the gap is open. The standard deviation is least at the ends and most in the middle."""
    if gap.end >= len(window.values):
        return Estimate(np.empty(0), np.empty(0), "linear")
    std = np.fmax(line_std(window.values, len(gap)), window.floor(gap))
    return Estimate(line(window.values, gap), std, "linear")


def line(values: Floats, gap: Gap) -> Floats:
    """From the value before *gap* to the one after it, shape (g,)."""
    before, after = values[gap.begin - 1], values[gap.end]
    weight = np.arange(1, len(gap) + 1) / (len(gap) + 1)
    return np.asarray((1 - weight) * before + weight * after, np.float64)


def line_std(values: Floats, size: int) -> Floats:
    """Standard deviation of the line over *size* values, shape (size,), NaN where the series is too short to tell.

    Its shape comes from the series' own wandering, its scale from artificial gaps of the same length.
    """
    std = bridge_std(structure(values, size + 1), size)
    begins = masks(np.isfinite(values), size)
    return std * calibration(bridged(values, begins, size), std) if len(begins) else std
