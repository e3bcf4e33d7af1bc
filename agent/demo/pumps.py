"""The pumps of the simulated station as they really are; the agent can only measure them."""

from dataclasses import dataclass
from math import pow as power_of
from math import sqrt

WATER = 9.81 * 998.2 / 3.6e6  # kW per (m³/h · m): density times gravity at 20 °C


@dataclass(frozen=True, slots=True)
class Pump:
    """A centrifugal pump with check valve, motor and, unless it is fixed, a drive.

    The curves are nobody's product. With ``s`` the relative speed, ``Q`` the flow, ``x = Q / (s Q_b)`` and wear ``w``::

        H = (1 - w/2) s² H₀ + a s Q - b Q²
        η = (1 - w) [1 - (1 - η_b) s^-0.1] x (1.9 - 0.8 x - 0.1 x²)

    The factor in brackets is the efficiency correction of Sârbu and Borza (1998). H₀, a and b follow from the shutoff
    head (1.32 times the rated) and a slope that falls a little to the left of the best point.

    Args:
        name: As in the tags.
        flow: At the best efficiency point and rated speed, m³/h.
        head: There, m, behind the pump's own valves.
        efficiency: There, of the pump alone.
        motor: Rated power of the motor, kW.
        wear: Share of the efficiency that is gone.
        is_fixed: Runs at rated speed, straight from the grid.
    """

    name: str
    flow: float
    head: float
    efficiency: float
    motor: float
    wear: float = 0.0
    is_fixed: bool = False

    def shutoff(self, speed: float) -> float:
        """Head at no flow, m."""
        return (1.0 - self.wear / 2.0) * speed**2 * 1.32 * self.head

    def flow_at(self, head: float, speed: float) -> float:
        """Flow in m³/h that the pump delivers against *head*; its check valve lets none back."""
        if speed <= 0.0 or head >= self.shutoff(speed):
            return 0.0
        slope = 0.04 * self.head / self.flow  # a
        bend = 0.36 * self.head / self.flow**2  # b, so that H = head at the best point of a new pump
        tilt = slope * speed
        return (tilt + sqrt(tilt**2 + 4.0 * bend * (self.shutoff(speed) - head))) / (2.0 * bend)

    def shaft_power(self, flow: float, head: float, speed: float) -> float:
        """Power at the coupling in kW; at no flow what churning takes."""
        share = max(flow / (speed * self.flow), 0.02)  # η and Q vanish together: their ratio stays
        shape = share * (1.9 - 0.8 * share - 0.1 * share**2)
        corrected = 1.0 - (1.0 - self.efficiency) / power_of(speed, 0.1)
        efficiency = (1.0 - self.wear) * corrected * max(shape, 0.02)
        return WATER * share * speed * self.flow * head / efficiency

    def power(self, flow: float, head: float, speed: float) -> float:
        """Electrical power in kW: shaft, motor losses (constant and by load squared), drive losses."""
        if speed <= 0.0:
            return 0.0
        shaft = self.shaft_power(flow, head, speed)
        motor = shaft + self.motor * (0.022 * speed + 0.034 * (shaft / self.motor) ** 2)
        return motor if self.is_fixed else motor * 1.02 + 0.008 * self.motor


PUMPS = (
    Pump("p1", flow=360.0, head=38.0, efficiency=0.83, motor=55.0),
    Pump("p2", flow=360.0, head=38.0, efficiency=0.83, motor=55.0, wear=0.06),
    Pump("p3", flow=210.0, head=38.0, efficiency=0.80, motor=37.0),
    Pump("p4", flow=210.0, head=38.0, efficiency=0.79, motor=37.0, is_fixed=True),
)
