"""Random stations of pumps whose power has waves along their flow, as a bad fit may have."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from analytics.dispatch.demand import Demand, HeadBand, SystemCurve
from analytics.dispatch.pump import Array, Candidate


@dataclass(frozen=True, slots=True)
class Wavy:
    """A parabola of head, and a line of power with waves."""

    best: float  # m³/h
    shut_off: float  # m
    square: float  # m per (m³/h)²
    still: float  # kW
    slope: float  # kW per m³/h
    wave: float  # kW
    waves: float  # over its range
    phase: float  # of a wave
    speed_min: float
    phi_min: float
    phi_max: float
    power_max: float  # kW
    speed_max: float = 1.0

    def head(self, phi: Array) -> Array:
        """At the header, m."""
        return self.shut_off - self.square * phi**2

    def power(self, flow: Array, speed: Array) -> Array:
        """Goes with the cube of the speed."""
        share = (flow / speed - self.phi_min) / (self.phi_max - self.phi_min)
        wave = self.wave * np.sin(2 * np.pi * (self.waves * share + self.phase))
        return speed**3 * (self.still + self.slope * flow / speed + wave)

    def margins(self, flow: Array, speed: Array, station_flow: Array) -> Mapping[str, Array]:  # noqa: ARG002 - protocol
        """The motor."""
        return {"power": 1 - self.power(flow, speed) / self.power_max}


def wavy_station(seed: int, *, highest: float, most: float) -> tuple[tuple[Candidate, ...], Demand]:
    """Two to four of them; waves up to the *highest*, as a share of the power, and at *most* so many over the range."""
    rng = np.random.default_rng(seed)
    count, head = int(rng.integers(2, 5)), rng.uniform(20, 60)
    pumps = [_pump(rng, f"p{place}", head, highest, most) for place in range(count)]
    share = rng.uniform(0.6, 1.1, count) * (rng.random(count) < 0.7)
    best = [pump.physics.best for pump in pumps if isinstance(pump.physics, Wavy)]
    flow = float(share @ best) or 0.9 * best[0]
    if rng.random() < 0.5:
        low = head * float(rng.uniform(0.8, 1.05))
        return tuple(pumps), HeadBand(flow, low, low * float(rng.choice([1.0, 1.0, 1.08])))
    static = head * float(rng.uniform(0.4, 0.95))
    above, worth = float(rng.uniform(1.02, 1.5)), float(rng.choice([0, 0.1, 0.15]))
    return tuple(pumps), SystemCurve(static, (head - static) / flow**2, flow, flow * above, worth)


def _pump(rng: np.random.Generator, name: str, head: float, highest: float, most: float) -> Candidate:
    best, shut_off = float(rng.uniform(80, 300)), head * rng.uniform(1.2, 1.5)
    square = (shut_off - head * rng.uniform(0.9, 1.15)) / best**2
    power, still = best * head / 367 / 0.75, rng.uniform(0.3, 0.5)
    is_variable = rng.random() < 0.8
    wave = power * float(np.exp(rng.uniform(np.log(1e-4), np.log(highest))))
    physics = Wavy(
        best=best,
        shut_off=shut_off,
        square=square,
        still=power * still,
        slope=power * (1 - still) / best,
        wave=wave,
        waves=float(rng.uniform(0.3, most)),
        phase=float(rng.random()),
        speed_min=float(rng.uniform(0.5, 0.8)) if is_variable else 1.0,
        phi_min=best * float(rng.uniform(0.4, 0.8)),
        phi_max=best * float(rng.uniform(1.05, 1.3)),
        power_max=power * float(rng.choice([10.0, 1.05])),
    )
    return Candidate(name, physics, bool(rng.random() < 0.5), "free", float(rng.choice([0, 0.01])) * power)
