"""Pumps of a schedule as the solver sees them: each with what it needs at its inlet, where that is known."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from analytics.dispatch.limited import Limited
from analytics.dispatch.lines import Line
from analytics.dispatch.pump import Array, Physics
from analytics.npsh import MARGIN
from analytics.schedule.problem import Problem, Unit


@dataclass(frozen=True, slots=True, eq=False)
class _Inlet:
    """The inlet of a pump, which follows the storage.

    The pump's head says which level it stands at, as what all pumps work against is known:
    level = ± (s² h(φ) - static - resistance · Q²).
    """

    physics: Physics
    required: Callable[[Array, Array], Array]
    problem: Problem

    def margins(self, flow: Array, speed: Array, station_flow: Array) -> Mapping[str, Array]:
        """NPSH."""
        pressures, system = self.problem.pressures, self.problem.system
        level: Array = np.zeros(())
        if pressures.rise:
            above = speed**2 * self.physics.head(flow / speed) - system.resistance * station_flow**2
            level = self.problem.storage.sign * (above - system.static_head)
        available = pressures.available(level)
        spare = (available - MARGIN * self.required(flow, speed)) / np.maximum(available, 1.0)
        return {"NPSH": np.asarray(spare)}


def lines_of(problem: Problem) -> tuple[Line, ...]:
    """The operating lines of the pumps of *problem*."""
    return tuple(Line(_physics(unit, problem)) for unit in problem.units)


def _physics(unit: Unit, problem: Problem) -> Physics:
    whole = unit.physics
    if unit.required is None or not problem.pressures.has_inlet:
        return whole
    return Limited(whole, whole.phi_min, whole.phi_max, _Inlet(whole, unit.required, problem).margins)
