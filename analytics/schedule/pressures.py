"""Between which pressures pumps may run: that of their header, and that at their inlets."""

from dataclasses import dataclass

import numpy as np

from analytics.dispatch.pump import Array


@dataclass(frozen=True, slots=True)
class Pressures:
    """What the header and the inlets allow, told for level 0 of the storage; infinite where there is no limit.

    The pumps' head is what the header's gauge shows less the pressure at the inlet. Where they draw from the storage
    that pressure rises with its level, so that the same gauge means less head, and more is left to keep from boiling.
    """

    head_min: float = -np.inf  # m, wherever a pump runs
    head_max: float = np.inf
    inlet: float = np.inf  # m, NPSH available
    rise: float = 0.0  # m at the inlet for each m of level: 1 where they draw from it
    head_preferred: float = 0.0  # m, likewise wherever a pump runs
    away_cost: float = 0.0  # money an hour for each m of head away from that, on either side

    @property
    def has_band(self) -> bool:
        """Whether the header's pressure is limited."""
        return bool(np.isfinite(self.head_min) or np.isfinite(self.head_max))

    @property
    def has_inlet(self) -> bool:
        """Whether NPSH is known."""
        return bool(np.isfinite(self.inlet))

    def heads(self, level: Array) -> tuple[Array, Array]:
        """Least and greatest head at *level*, m; any shape."""
        moved = -self.rise * np.asarray(level)
        return self.head_min + moved, self.head_max + moved

    def away(self, level: Array, head: Array) -> Array:
        """How far *head* is above the preferred one at *level*, m; any shape."""
        return np.asarray(head + self.rise * np.asarray(level) - self.head_preferred)

    def available(self, level: Array) -> Array:
        """NPSH at the inlets at *level*, m; any shape."""
        return np.asarray(self.inlet + self.rise * np.asarray(level))


FREE = Pressures()  # no limit
