"""Leave a gap a gap: for tags whose values nobody may invent."""

import numpy as np

from analytics.gaps.gap import Estimate, Gap, Window


class Missing:
    """Nothing, for any gap.

    >>> Missing().fill(Gap(2, 4)).values.tolist()
    []
    """

    looks = 0

    def fill(self, gap: Gap) -> Estimate:
        """Nothing."""
        del gap
        return Estimate(np.empty(0), np.empty(0), "missing")


def fill(window: Window, gap: Gap) -> Estimate:
    """One gap of *window*."""
    del window
    return Missing().fill(gap)
