"""Hold the last good value: for totalisers, states, and tags that report changes only."""

import numpy as np

from analytics.gaps.gap import Estimate, Gap, Window
from analytics.gaps.variability import calibration, masks, structure


def fill(window: Window, gap: Gap) -> Estimate:
    """The value before *gap*; the standard deviation grows as the tag's own values wander off within such a time."""
    size = len(gap)
    values = window.values
    std = np.sqrt(structure(values, size)[1:])
    begins = masks(np.isfinite(values), size)
    if len(begins):
        errors = values[begins[:, None] + np.arange(size)] - values[begins - 1][:, None]
        std = std * calibration(errors, std)
    held = np.full(size, values[gap.begin - 1])
    return Estimate(held, np.fmax(std, window.floor(gap)), "forward")
