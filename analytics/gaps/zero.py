"""Take nothing measured for nothing there: for tags that are silent while they are zero."""

import numpy as np

from analytics.gaps.gap import Estimate, Gap, Window


def fill(window: Window, gap: Gap) -> Estimate:
    """Zero; its standard deviation is the root mean square of what the tag usually shows."""
    seen = window.values[np.isfinite(window.values)]
    rms = float(np.sqrt(np.mean(seen**2))) if len(seen) else 0.0
    return Estimate(np.zeros(len(gap)), np.full(len(gap), max(rms, window.floor(gap))), "zero")
