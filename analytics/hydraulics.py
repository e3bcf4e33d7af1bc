"""Water, pumps and power in the plant's units: what pressure, flow, head and speed say of each other.

One cubic metre of water is taken as 1000 kg everywhere, so that a pressure in "m of water"
(1 m = 9.80665 kPa, the conventional unit) times a flow is exactly the power in the water,
whatever the water's temperature; the head of water at 20 °C would be 0.18 % larger.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

GRAVITY = 9.80665  # m/s², standard (CGPM 1901)
WATER_DENSITY = 1000.0  # kg/m³, of the conventional metre of water (ISO 80000-4)
KPA_PER_METRE = WATER_DENSITY * GRAVITY / 1000.0  # 9.80665 kPa per m of water
SECONDS_PER_HOUR = 3600.0

Floats = NDArray[np.float64]


def head_of_pressure(pressure: ArrayLike) -> Floats:
    """Head, m of water, of a *pressure* in kPa."""
    return np.asarray(pressure, dtype=np.float64) / KPA_PER_METRE


def pump_head(discharge: ArrayLike, suction: ArrayLike = 0.0, elevation: ArrayLike = 0.0) -> Floats:
    """Head a pump adds, m: H = h_discharge - h_suction + z.

    The velocity heads (`velocity_head`) are left out: with equal bores they cancel, and at 2 m/s each is 0.2 m.

    Args:
        discharge: Gauge pressure after the pump, m of water, any shape.
        suction: Gauge pressure before it, m of water.
        elevation: Height of the discharge gauge above the suction gauge, m.
    """
    return (
        np.asarray(discharge, dtype=np.float64)
        - np.asarray(suction, dtype=np.float64)
        + np.asarray(elevation, dtype=np.float64)
    )


def velocity_head(flow: ArrayLike, bore: float) -> Floats:
    """Head of the water's speed, m: v² / 2g with v = Q / (π d² / 4), of *flow* in m³/h in a pipe of *bore* d, mm."""
    velocity = np.asarray(flow, dtype=np.float64) / SECONDS_PER_HOUR / (np.pi / 4.0 * (bore / 1000.0) ** 2)  # m/s
    return np.asarray(velocity**2 / (2.0 * GRAVITY))


def hydraulic_power(flow: ArrayLike, head: ArrayLike) -> Floats:
    """Power in the water, kW: P = 9.80665 Q H / 3600, with *flow* in m³/h and *head* in m."""
    weight_per_hour = WATER_DENSITY * GRAVITY * np.asarray(flow, dtype=np.float64)  # N/h
    return weight_per_hour * np.asarray(head, dtype=np.float64) / SECONDS_PER_HOUR / 1000.0


def wire_to_water_efficiency(flow: ArrayLike, head: ArrayLike, power: ArrayLike) -> Floats:
    """Share of the electrical *power* (kW) that is in the water: η = 9.80665 Q H / 3600 P; NaN where P is not > 0."""
    electrical = np.asarray(power, dtype=np.float64)
    drawn = np.where(electrical > 0, electrical, np.nan)
    return hydraulic_power(flow, head) / drawn


def specific_energy(power: ArrayLike, flow: ArrayLike) -> Floats:
    """Energy per volume, kWh/m³, of *power* in kW and *flow* in m³/h; NaN where nothing flows."""
    delivered = np.asarray(flow, dtype=np.float64)
    return np.asarray(power, dtype=np.float64) / np.where(delivered > 0, delivered, np.nan)


def at_speed(
    flow: ArrayLike,
    head: ArrayLike,
    power: ArrayLike,
    ratio: ArrayLike,
) -> tuple[Floats, Floats, Floats]:
    """The same duty at another speed, by the affinity laws: Q ∝ n, H ∝ n², P ∝ n³ (Rateau, 1900).

    Args:
        flow: m³/h.
        head: m.
        power: kW at the shaft; losses of motor and drive do not follow the cube exactly.
        ratio: The new speed over the present one.
    """
    n = np.asarray(ratio, dtype=np.float64)
    return (
        np.asarray(flow, dtype=np.float64) * n,
        np.asarray(head, dtype=np.float64) * n**2,
        np.asarray(power, dtype=np.float64) * n**3,
    )
