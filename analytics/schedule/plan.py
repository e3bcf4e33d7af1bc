"""The answer: who runs where in each step, what it costs, how far it is from the best; or why there is none."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from analytics.dispatch.pump import Array

Constraint = Literal[
    "locks", "level now", "too little", "too much", "last level", "pressure", "NPSH", "starts", "timers", "between sets"
]


@dataclass(frozen=True, slots=True)
class Running:
    """One pump in one step."""

    id: str
    speed: float  # relative
    flow: float  # m³/h
    power: float  # kW electrical


@dataclass(frozen=True, slots=True)
class Step:
    """One step."""

    running: tuple[Running, ...]
    flow: float  # m³/h
    head: float  # m, at the header
    level: float  # m, at its end

    @property
    def power(self) -> float:
        """Electrical, kW."""
        return sum(each.power for each in self.running)


@dataclass(frozen=True, slots=True)
class Plan:
    """A schedule that was replayed."""

    steps: tuple[Step, ...]
    cost: float  # money: energy, starts, peak and what is weighed, less the worth of the water that is left
    energy: float  # kWh
    starts: int
    relaxed: float  # money; what it would cost about without timers, of tables: no bound, but near one
    violation: float = 0.0  # largest share by which a limit is broken in the replay
    weighed: float = 0.0  # money of the cost that nobody pays: for uneven running hours, and for pressure

    @property
    def powers(self) -> Array:
        """kW, shape (T,)."""
        return np.array([step.power for step in self.steps])


@dataclass(frozen=True, slots=True)
class NoPlan:
    """Nothing keeps every limit."""

    constraint: Constraint
    why: str  # a sentence
    step: int | None = None  # where it fails
