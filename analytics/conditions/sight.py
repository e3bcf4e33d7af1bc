"""What is seen of a header and its pumps in one steady minute, beside what their curves lead one to expect."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

Kind = Literal[
    "dry_run",
    "closed_valve",
    "blockage",
    "cavitation",
    "outside_por",
    "too_many_starts",
    "reverse_flow",
    "burst",
    "flow_meter_drift",
    "head_sensor_drift",
    "power_meter_drift",
    "wear",
    "sudden_loss",
]


class Suspicion(NamedTuple):
    """A condition, and the part that is suspected: a pump, or for back flow and meters that pumps share a header."""

    kind: Kind
    suspect: str


@dataclass(frozen=True, slots=True)
class PumpSight:
    """One pump; None where a figure is not known. The expected ones are its curves' at this head and speed."""

    pump: str
    is_running: bool | None = None
    power: float | None = None  # kW, electrical
    flow: float | None = None  # m³/h, by a meter of its own
    expected_flow: float | None = None  # m³/h
    expected_power: float | None = None  # kW, at that flow
    idle_power: float | None = None  # kW, at no flow
    best_flow: float | None = None  # m³/h at this speed
    por: tuple[float, float] = (0.7, 1.2)  # shares of it
    npsh_available: float | None = None  # m
    npsh_required: float | None = None  # m, at its flow and speed
    starts: int = 0  # within the last hour
    starts_allowed: float = 4.0


@dataclass(frozen=True, slots=True)
class HeaderSight:
    """One header, all of whose pumps have been in one state for a minute or more."""

    header: str
    flow: float | None  # m³/h, by its meters
    flow_std: float | None  # m³/h, of what the curves expect for it
    pumps: tuple[PumpSight, ...]
    is_more_drawn: bool | None = None  # than at this time of other days, or at this pressure

    @property
    def running(self) -> tuple[PumpSight, ...]:
        """Pumps that run for sure."""
        return tuple(pump for pump in self.pumps if pump.is_running)

    @property
    def expected_flow(self) -> float | None:
        """What the running pumps should deliver together, m³/h; None where that is not known of each pump."""
        flows = [pump.expected_flow for pump in self.running]
        known = [flow for flow in flows if flow is not None]
        if len(known) < len(flows) or any(pump.is_running is None for pump in self.pumps):
            return None
        return sum(known)

    def rest(self, pump: PumpSight) -> float | None:
        """What the others should leave of the header's flow to a running pump, m³/h; its own curve is not asked."""
        others = [one.expected_flow for one in self.running if one.pump != pump.pump]
        known = [flow for flow in others if flow is not None]
        is_known = len(known) == len(others) and all(one.is_running is not None for one in self.pumps)
        return self.flow - sum(known) if self.flow is not None and is_known else None

    def delivered(self, pump: PumpSight) -> float | None:
        """What a running pump delivers, m³/h: by its own meter, or what the others leave of the header's."""
        expected = self.expected_flow
        if pump.flow is not None:
            return pump.flow
        if self.flow is None or expected is None or pump.expected_flow is None:
            return None
        return self.flow - (expected - pump.expected_flow)
