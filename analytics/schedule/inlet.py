"""Pumps of a schedule as the solver sees them: each with what it needs at its inlet, where that is known."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from analytics.dispatch.lines import Line
from analytics.dispatch.pump import Array, Physics
from analytics.npsh import MARGIN
from analytics.schedule.problem import Problem


@dataclass(frozen=True, slots=True, eq=False)
class _AtInlet:
    """A pump whose inlet follows the storage.

    Its head says which level it stands at, as what all pumps work against is known:
    level = ± (s² h(φ) - static - resistance · Q²).
    """

    physics: Physics
    required: Callable[[Array, Array], Array]
    problem: Problem

    @property
    def speed_min(self) -> float:
        """Relative."""
        return self.physics.speed_min

    @property
    def speed_max(self) -> float:
        """Relative."""
        return self.physics.speed_max

    @property
    def phi_min(self) -> float:
        """m³/h at rated speed."""
        return self.physics.phi_min

    @property
    def phi_max(self) -> float:
        """The same."""
        return self.physics.phi_max

    def head(self, phi: Array) -> Array:
        """At rated speed, m."""
        return self.physics.head(phi)

    def power(self, flow: Array, speed: Array) -> Array:
        """Electrical, kW."""
        return self.physics.power(flow, speed)

    def margins(self, flow: Array, speed: Array, station_flow: Array) -> Mapping[str, Array]:
        """The pump's own, and NPSH."""
        pressures, system = self.problem.pressures, self.problem.system
        level: Array = np.zeros(())
        if pressures.rise:
            above = speed**2 * self.physics.head(flow / speed) - system.resistance * station_flow**2
            level = self.problem.storage.sign * (above - system.static_head)
        available = pressures.available(level)
        spare = (available - MARGIN * self.required(flow, speed)) / np.maximum(available, 1.0)
        return {**self.physics.margins(flow, speed, station_flow), "NPSH": np.asarray(spare)}


def lines_of(problem: Problem) -> tuple[Line, ...]:
    """The operating lines of the pumps of *problem*."""
    return tuple(
        Line(
            unit.physics
            if unit.required is None or not problem.pressures.has_inlet
            else _AtInlet(unit.physics, unit.required, problem)
        )
        for unit in problem.units
    )
