"""Pumps by formula, as the published dispatch cases describe them, and those cases as problems."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from analytics.dispatch.demand import Demand, HeadBand, SystemCurve
from analytics.dispatch.pump import Array, Candidate, Lock

CASES = Path(__file__).parents[4] / "shared/data/dispatch"
_WEIGHT = 9.81 / 3600  # kW per m³/h and m
_LOCKS: dict[int, Lock] = {1: "must run", 0: "free", -1: "must not run"}


@dataclass(frozen=True, slots=True)
class Suction:
    """Net positive suction head at the inlet: npsha0 - ks Q²."""

    npsha0: float = 100.0
    ks: float = 0.0
    margin: float = 0.5


@dataclass(frozen=True, slots=True)
class Plate:
    """A pump by its plate: head, efficiency, motor and drive losses, NPSH (see the cases' README)."""

    q_bep: float
    curve: tuple[float, float, float]
    eta: tuple[float, float, float, float]
    k_branch: float
    is_variable: bool
    speeds: tuple[float, float]
    por: tuple[float, float]
    p_motor: float
    p_shaft_max: float
    motor_loss: tuple[float, float, float]
    vfd_loss: tuple[float, float, float]
    npshr: tuple[float, float]
    suction: Suction = Suction()

    @property
    def speed_min(self) -> float:
        """Lowest relative speed."""
        return self.speeds[0] if self.is_variable else 1.0

    @property
    def speed_max(self) -> float:
        """Highest relative speed."""
        return self.speeds[1] if self.is_variable else 1.0

    @property
    def phi_min(self) -> float:
        """Lower end of the preferred operating region, m³/h."""
        return self.por[0] * self.q_bep

    @property
    def phi_max(self) -> float:
        """Upper end of it."""
        return self.por[1] * self.q_bep

    def head(self, phi: Array) -> Array:
        """At the header, branch loss deducted."""
        a, b, c = self.curve
        return a + phi * (b + phi * (c - self.k_branch))

    def shaft(self, flow: Array, speed: Array) -> Array:
        """Shaft power, kW."""
        phi = flow / speed
        a, b, c = self.curve
        e0, e1, e2, e3 = self.eta
        rated = e0 + phi * (e1 + phi * (e2 + phi * e3))
        eta = 1 - (1 - rated) * speed**-0.1
        shaft: Array = _WEIGHT * flow * speed**2 * (a + phi * (b + phi * c)) / eta
        return shaft

    def power(self, flow: Array, speed: Array) -> Array:
        """Electrical power, kW."""
        shaft = self.shaft(flow, speed)
        x = shaft / self.p_motor
        (m0, m1, m2), (v0, v1, v2) = self.motor_loss, self.vfd_loss if self.is_variable else (0.0, 0.0, 0.0)
        return shaft + self.p_motor * (m0 + v0 + x * (m1 + v1 + x * m2) + speed * v2)

    def margins(self, flow: Array, speed: Array, station_flow: Array) -> Mapping[str, Array]:
        """Shaft power and NPSH."""
        suction = self.suction
        available = suction.npsha0 - suction.ks * station_flow**2
        needed = speed**2 * (self.npshr[0] + self.npshr[1] * (flow / speed) ** 2) + suction.margin
        return {
            "shaft power": 1 - self.shaft(flow, speed) / self.p_shaft_max,
            "suction head": (available - needed) / suction.npsha0,
        }


@dataclass(frozen=True, slots=True)
class Case:
    """A published case: the problem and what is known of its answer."""

    name: str
    pumps: tuple[Candidate, ...]
    demand: Demand
    reference: Mapping[str, Any]


def load(path: Path) -> Case:
    """Read one static case."""
    data = json.loads(path.read_text())
    suction = Suction(**data["suction"])
    pumps = tuple(
        Candidate(
            id=pump["name"],
            physics=plate(pump, suction),
            running=bool(running),
            lock=_LOCKS[lock],
            start_kw=start,
        )
        for pump, running, lock, start in zip(
            data["pumps"], data["prev_on"], data["lock"], data["start_kw"], strict=True
        )
    )
    system = data["system"]
    demand: Demand
    if system["mode"] == "flow":
        demand = SystemCurve(system["Hs"], system["k"], system["Qlo"], system["Qhi"], data["extra_flow_value"])
    else:
        demand = HeadBand(system["Q"], system["Hlo"], system["Hhi"])
    return Case(data["id"], pumps, demand, data["reference"])


def plate(pump: Mapping[str, Any], suction: Suction) -> Plate:
    """A pump of a published case."""
    return Plate(
        q_bep=pump["q_bep"],
        curve=tuple(pump["head"]),
        eta=tuple(pump["eta"]),
        k_branch=pump["k_branch"],
        is_variable=pump["vsd"],
        speeds=(pump["s_min"], pump["s_max"]),
        por=(pump["por_lo"], pump["por_hi"]),
        p_motor=pump["p_motor"],
        p_shaft_max=pump["p_shaft_max"],
        motor_loss=tuple(pump["motor_loss"]),
        vfd_loss=tuple(pump["vfd_loss"]),
        npshr=tuple(pump["npshr"]),
        suction=suction,
    )


def violation(pumps: tuple[Candidate, ...], demand: Demand, duties: Mapping[str, tuple[float, float]]) -> float:
    """The largest share by which duties (speed, flow) break the demand or a limit, from the formulas alone."""
    flow = sum(own for _, own in duties.values())
    if isinstance(demand, SystemCurve):
        head = demand.static_head + demand.resistance * flow**2
        worst = [demand.low / flow - 1, flow / demand.high - 1]
    else:
        assert isinstance(demand, HeadBand)
        heads = [float(_physics(pumps, name).head(np.array(q / s))) * s**2 for name, (s, q) in duties.items()]
        head = float(np.mean(heads))
        worst = [abs(flow / demand.total - 1), demand.low / head - 1, head / demand.high - 1]
    for name, (speed, own) in duties.items():
        pump = _physics(pumps, name)
        phi = own / speed
        worst += [abs(speed**2 * float(pump.head(np.array(phi))) / head - 1)]
        worst += [pump.phi_min / phi - 1, phi / pump.phi_max - 1, pump.speed_min - speed, speed - pump.speed_max]
        limits = pump.margins(np.array(own), np.array(speed), np.array(flow))
        worst += [-float(margin) for margin in limits.values()]
    worst += [float(pump.lock == "must run" and pump.id not in duties) for pump in pumps]
    worst += [float(pump.lock == "must not run" and pump.id in duties) for pump in pumps]
    return max(worst)


def _physics(pumps: tuple[Candidate, ...], name: str) -> Plate:
    physics = next(pump.physics for pump in pumps if pump.id == name)
    assert isinstance(physics, Plate)
    return physics
