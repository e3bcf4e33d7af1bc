"""What running costs beside energy: having run longer than others, and a header away from its preferred pressure."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from analytics.dispatch.pump import Array
from analytics.dispatch.sets import Masks
from analytics.schedule.problem import Problem

_ROUND = 0.05  # m, by which the kink at the preferred head is rounded where slopes are asked for


@dataclass(frozen=True, slots=True, eq=False)
class Beside:
    """Money of s sets, the first of which is that of no pump.

    A set costs its pumps' money an hour, and::

        away_cost · |static_head ± level + resistance · Q² - preferred head|
    """

    problem: Problem
    hourly: Array  # (s,) money an hour

    @classmethod
    def of(cls, problem: Problem, sets: Masks) -> Self:
        """Of *sets* (s, n)."""
        return cls(problem, np.asarray(sets @ np.array([unit.hour_cost for unit in problem.units])))

    def cost(self, sets: NDArray[np.intp], volume: Array, flow: Array) -> Array:
        """Money of a step in which *sets* run from *volume* at *flow*; of shapes that fit."""
        problem, hourly = self.problem, self.hourly[sets]
        if problem.pressures.away_cost:
            hourly = hourly + problem.pressures.away_cost * np.abs(self._away(volume, flow)) * (sets > 0)
        return np.asarray(problem.step * hourly)

    def slopes(self, sets: NDArray[np.intp], volume: Array, flow: Array) -> tuple[Array, Array, Array]:
        """By how much the money of a step changes: per m³ of volume, per m³/h of flow, and that per m³/h; any shape."""
        problem, pressures = self.problem, self.problem.pressures
        if not pressures.away_cost:
            return (np.zeros(sets.shape),) * 3
        off, twice = self._away(volume, flow), 2 * problem.system.resistance
        root = np.sqrt(off**2 + _ROUND**2)
        scale = problem.step * pressures.away_cost * (sets > 0)
        slope, bend = scale * off / root, scale * _ROUND**2 / root**3
        storage, hair = problem.storage, 1e-3
        metre = (storage.level(volume + hair) - storage.level(volume - hair)) / (2 * hair)  # per m³
        by_level = storage.sign + pressures.rise
        return slope * by_level * metre, slope * twice * flow, slope * twice + bend * (twice * flow) ** 2

    def preferred(self, volume: Array) -> Array | None:
        """The flow that brings the header to its preferred head at *volume*, m³/h; None where nothing is preferred."""
        problem, pressures = self.problem, self.problem.pressures
        if not (pressures.away_cost and problem.system.resistance):
            return None
        level = problem.storage.level(volume)
        short = -pressures.away(level, problem.base_head(level))
        return np.asarray(np.sqrt(np.maximum(short, 0.0) / problem.system.resistance))

    def _away(self, volume: Array, flow: Array) -> Array:
        level = self.problem.storage.level(volume)
        return self.problem.pressures.away(level, self.problem.head(level, flow))
