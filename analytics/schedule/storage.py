"""The water a station keeps: a tank it fills, or a well it empties."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from analytics.dispatch.pump import Array


@dataclass(frozen=True, slots=True, eq=False)
class Storage:
    """A tank or well by its volume table; beyond the table's ends the area stays that of its ends."""

    levels: Array  # (m,) m, rising
    volumes: Array  # (m,) m³, rising
    low: float  # m; the level may not be below
    high: float  # m; nor above
    is_filled: bool = True  # by the station; False: a wet well or clear well that it empties

    @classmethod
    def of_area(cls, area: float, low: float, high: float, *, is_filled: bool = True) -> Self:
        """One with upright walls; *area* in m²."""
        levels = np.array([low, high])
        return cls(levels, area * levels, low, high, is_filled)

    @property
    def sign(self) -> float:
        """What pumped water does to the volume: 1 or -1."""
        return 1.0 if self.is_filled else -1.0

    def volume(self, level: Array) -> Array:
        """The volume, m³, at *level* m; any shape."""
        return _extended(level, self.levels, self.volumes)

    def level(self, volume: Array) -> Array:
        """The level, m, at *volume* m³; any shape."""
        return _extended(volume, self.volumes, self.levels)


def _extended(at: Array, known: Array, values: Array) -> Array:
    """Linear between the table's points, and on beyond its ends."""
    inside = np.interp(at, known, values)
    first = (values[1] - values[0]) / (known[1] - known[0])
    last = (values[-1] - values[-2]) / (known[-1] - known[-2])
    below, above = np.minimum(at - known[0], 0.0), np.maximum(at - known[-1], 0.0)
    return np.asarray(inside + first * below + last * above)
