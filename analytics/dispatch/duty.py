"""The answer of the solver: who runs where, at what cost, how surely the best, or why nobody can."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from analytics.dispatch.lines import Line
from analytics.dispatch.pump import Physics

_AT_LIMIT = 1e-6  # share of a limit by which a pump may be away from it and still be held by it

Constraint = Literal["locks", "head", "capacity", "least flow", "between sets"]


@dataclass(frozen=True, slots=True)
class Duty:
    """One running pump."""

    id: str
    speed: float  # relative
    flow: float  # m³/h
    head: float  # m, at the header
    power: float  # kW electrical
    held_by: tuple[str, ...] = ()  # names of the limits it is at


@dataclass(frozen=True, slots=True)
class Dispatch:
    """The cheapest way to serve the demand."""

    duties: tuple[Duty, ...]  # of running pumps, in the order of the candidates
    flow: float  # m³/h
    head: float  # m
    cost: float  # kW: power, plus entry costs, minus worth
    bound: float  # kW: nothing that serves the demand costs less
    active: tuple[str, ...] = ()  # limits of the demand it is at

    @property
    def power(self) -> float:
        """Electrical power of all pumps, kW."""
        return sum(duty.power for duty in self.duties)

    @property
    def gap(self) -> float:
        """By how much it may be dearer than the best, as a share of its power."""
        return max(0.0, self.cost - self.bound) / self.power


@dataclass(frozen=True, slots=True)
class Infeasible:
    """Nobody can serve the demand."""

    constraint: Constraint
    why: str  # a sentence


def exact_duty(
    name: str, line: Line, *, flow: float, head: float, station_flow: float, ends: tuple[float, float]
) -> Duty:
    """The duty at *flow* and *head*: speed and power from the pump's own formulas, not from tables.

    Args:
        name: Id of the pump.
        line: Its curve.
        flow: Its flow, m³/h.
        head: Head at the header, m.
        station_flow: Flow of all pumps, for limits that depend on it, m³/h.
        ends: Window of φ, m³/h.
    """
    physics = line.physics
    phi = line.phi_of_flow(flow, head, *ends)
    # A hair over the limit is the rounding of a root.
    speed = min(max(float(line.speed_at(np.array(phi), np.array(head))), physics.speed_min), physics.speed_max)
    return Duty(
        id=name,
        speed=speed,
        flow=phi * speed,
        head=head,
        power=float(physics.power(np.array(phi * speed), np.array(speed))),
        held_by=limits_at(physics, phi, speed, station_flow, has_drive=physics.speed_min < physics.speed_max),
    )


def limits_at(physics: Physics, phi: float, speed: float, station_flow: float, *, has_drive: bool) -> tuple[str, ...]:
    """Names of the limits that hold a pump at φ, m³/h, and relative *speed*, or that are broken there.

    Args:
        physics: The pump.
        phi: Its flow over its speed.
        speed: Its speed.
        station_flow: Flow of all pumps, m³/h.
        has_drive: Whether the ends of its ranges count; a pump without a drive is where its head curve puts it.
    """
    margins = physics.margins(np.array(phi * speed), np.array(speed), np.array(station_flow))
    held = [limit for limit, margin in margins.items() if float(margin) < _AT_LIMIT]
    ranges = {
        "highest speed": speed > physics.speed_max * (1 - _AT_LIMIT),
        "lowest speed": speed < physics.speed_min * (1 + _AT_LIMIT),
        "greatest flow": phi > physics.phi_max * (1 - _AT_LIMIT),
        "least flow": phi < physics.phi_min * (1 + _AT_LIMIT),
    }
    return tuple(held + [limit for limit, is_reached in ranges.items() if is_reached and has_drive])
