"""What the station's instruments show: the truth with noise, lag and resolution, and now and then nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import exp
from random import Random

from agent.demo.plant import BAR, State
from agent.demo.pumps import PUMPS

RATED_HERTZ = 50.0
VOLTAGE = 398.0  # V, between phases
COSINE = {False: 0.97, True: 0.86}  # of a drive's rectifier, and of a motor on the grid


@dataclass(frozen=True, slots=True)
class Meter:
    """An instrument: what it looks at and how well, all in its tag's own unit."""

    truth: Callable[[State], float]
    resolution: float
    noise: float = 0.0  # standard deviation, share of the value
    lag: float = 0.0  # s, time constant


@dataclass(frozen=True, slots=True)
class Dropout:
    """An instrument that says nothing for a while, again and again."""

    tag: str
    start: float  # s after the agent's start
    length: float  # s
    every: float = 240.0  # s

    def holds(self, seconds: float) -> bool:
        """Whether the instrument is silent *seconds* after the agent's start."""
        return seconds >= self.start and (seconds - self.start) % self.every < self.length


# Early enough that a demo of one minute shows how a gap is filled; short enough that none of them is an alarm.
DROPOUTS = (
    Dropout("header.flow", start=12.0, length=4.0),
    Dropout("p2.power", start=18.0, length=5.0),
    Dropout("header.pressure", start=75.0, length=3.0),
)
DEAD = "p3.bearing"  # its wire broke long ago: the PLC shows the sentinel 32767


def silent_tags(seconds: float) -> frozenset[str]:
    """Tags whose instruments say nothing *seconds* after the agent's start."""
    return frozenset(dropout.tag for dropout in DROPOUTS if dropout.holds(seconds))


def lagged(before: Mapping[str, float], state: State, seconds: float) -> dict[str, float]:
    """What each instrument has inside, *seconds* after *before*; without a before, the truth."""
    inside = {}
    for tag, meter in METERS.items():
        truth = meter.truth(state)
        last = before.get(tag, truth)
        share = 1.0 - exp(-seconds / meter.lag) if meter.lag else 1.0
        inside[tag] = last + share * (truth - last)
    return inside


def shown(inside: Mapping[str, float], rng: Random) -> dict[str, float]:
    """What the instruments show, in the tags' own units."""
    values = {}
    for tag, value in inside.items():
        meter = METERS[tag]
        noisy = value * (1.0 + meter.noise * rng.gauss(0.0, 1.0)) if meter.noise else value
        values[tag] = round(round(noisy / meter.resolution) * meter.resolution, 6)
    return values


def _pump_meters(index: int) -> dict[str, Meter]:
    """The instruments of one pump: drive, power meter (P = √3 U I cos φ) and bearing."""
    pump = PUMPS[index]
    ampere = 1000.0 / (3.0**0.5 * VOLTAGE * COSINE[pump.is_fixed])  # A per kW
    meters = {
        "running": Meter(lambda state: float(state.speeds[index] > 0.0), 1.0),
        "power": Meter(lambda state: state.powers[index], 0.01, noise=0.003, lag=1.0),
        "current": Meter(lambda state: state.powers[index] * ampere, 0.01, noise=0.003, lag=1.0),
        "energy": Meter(lambda state: state.energies[index], 0.1),
        "bearing": Meter(lambda state: state.bearings[index], 0.1, noise=5e-4),
    }
    if not pump.is_fixed:
        meters["speed"] = Meter(lambda state: state.speeds[index] * RATED_HERTZ, 0.01, noise=2e-4)
    return {f"{pump.name}.{name}": meter for name, meter in meters.items()}


METERS: Mapping[str, Meter] = {
    "header.pressure": Meter(lambda state: state.head / BAR, 0.001, noise=0.001, lag=0.5),
    "suction.pressure": Meter(lambda state: state.suction / BAR, 0.001, noise=0.003, lag=0.5),
    "header.flow": Meter(lambda state: state.flow, 0.1, noise=0.004, lag=2.0),
    "header.volume": Meter(lambda state: state.volume, 1.0),
    "tank.level": Meter(lambda state: state.level, 0.001, noise=4e-4, lag=5.0),
    "tank.inflow": Meter(lambda state: state.inflow, 0.1, noise=0.005, lag=2.0),
    **{tag: meter for index in range(len(PUMPS)) for tag, meter in _pump_meters(index).items()},
}
