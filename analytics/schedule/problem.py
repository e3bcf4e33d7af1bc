"""What is asked of a schedule: pumps and their timers, the storage, prices and demand step by step."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from analytics.dispatch.pump import Array, Physics
from analytics.schedule.pressures import FREE, Pressures
from analytics.schedule.storage import Storage

LONG = 10_000  # steps; a state that nobody saw begin, or a limit that does not bind


@dataclass(frozen=True, slots=True)
class Unit:
    """A pump with its timers, in steps."""

    id: str
    physics: Physics
    min_on: int = 1
    min_off: int = 1
    most_starts: int = LONG  # within the horizon
    start_cost: float = 0.0  # money
    hour_cost: float = 0.0  # money an hour that it runs, beside energy: for having run longer than others
    is_on: bool = False  # before the first step
    held: int = LONG  # steps it has been so
    required: Callable[[Array, Array], Array] | None = None  # m, NPSH it needs, of flow in m³/h and relative speed


@dataclass(frozen=True, slots=True)
class System:
    """What the pumps work against: head = static_head ± level + resistance · flow², + for a tank that is filled."""

    static_head: float  # m, at level 0
    resistance: float  # m per (m³/h)²


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """A schedule to be made, of T steps for n pumps.

    A step's head is that of the level it begins with; the level at its end counts for the storage's limits.
    """

    units: tuple[Unit, ...]
    storage: Storage
    system: System
    step: float  # h
    level: float  # m, now
    price: Array  # (T,) money per kWh
    demand: Array  # (T,) m³/h drawn from a tank, or flowing into a well
    locked: NDArray[np.int8] | None = None  # (T, n): 1 must run, -1 must not (maintenance), 0 free
    level_end: float | None = None  # m; the last level is not to be worse
    water_value: float = 0.0  # money per m³ that is left more in a tank, or less in a well, at the end
    peak_price: float = 0.0  # money per kW by which the highest step exceeds `peak`
    peak: float = 0.0  # kW, what is billed already
    pressures: Pressures = FREE
    demand_std: Array = field(default_factory=lambda: np.zeros(1))  # m³/h by which the forecast may miss, (T,) or (1,)
    margin: Array = field(default_factory=lambda: np.zeros(1))  # m inside the limits, (T,) or (1,): kept if possible

    @property
    def steps(self) -> int:
        """T."""
        return len(self.price)

    @property
    def locks(self) -> NDArray[np.int8]:
        """(T, n)."""
        free = np.zeros((self.steps, len(self.units)), np.int8)
        return free if self.locked is None else self.locked

    def base_head(self, level: Array) -> Array:
        """Head without flow, m; any shape."""
        return self.system.static_head + self.storage.sign * level

    def head(self, level: Array, flow: Array) -> Array:
        """Head at the header, m; any shape."""
        return self.base_head(level) + self.system.resistance * flow**2

    def after(self, volume: Array, flow: Array, demand: Array) -> Array:
        """Volume after a step, m³; any shape."""
        return volume + self.storage.sign * (flow - demand) * self.step
