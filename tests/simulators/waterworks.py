"""The physics of a station of unlike pumps on one header, so that what a fit finds can be held against the truth."""

from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from analytics.curves.points import Points
from analytics.hydraulics import Floats, hydraulic_power


@dataclass(frozen=True, slots=True)
class TruePump:
    """A pump as it is: not of the model's form (efficiency cubic in flow, worse at low speed; losses beside).

    Attributes:
        best_flow: m³/h at the best efficiency point, rated speed.
        shut_off: Head at no flow, m.
        best_head: Head at the best efficiency point, m.
        rise: Linear share of the head curve: above 0 the head rises to a peak before it falls.
        best_efficiency: Of the pump alone.
        motor: kW, rated; 4 % of it is lost at any load, 5 % of the shaft power besides.
    """

    best_flow: float
    shut_off: float
    best_head: float
    rise: float
    best_efficiency: float
    motor: float

    def head(self, flow: Floats, speed: Floats) -> Floats:
        """M, at *flow* m³/h."""
        x = flow / speed / self.best_flow
        fall = self.shut_off * (1.0 + self.rise) - self.best_head
        return np.asarray(speed**2 * (self.shut_off * (1.0 + self.rise * x) - fall * x**2.1))

    def power(self, flow: Floats, speed: Floats) -> Floats:
        """KW electrical, at *flow* m³/h."""
        x = flow / speed / self.best_flow
        rated = self.best_efficiency * (1.0 - 0.75 * (x - 1.0) ** 2 - 0.15 * (x - 1.0) ** 3)
        efficiency = 1.0 - (1.0 - rated) * speed**-0.1  # Sarbu and Borza, 1998
        shaft = hydraulic_power(flow, self.head(flow, speed)) / efficiency
        return np.asarray(1.05 * shaft + 0.04 * self.motor * (0.5 + 0.5 * speed))

    def flow(self, head: Floats, speed: Floats) -> Floats:
        """M³/h at *head*, on the falling side, by bisection; 0 where it is not reached."""
        low = speed * self.best_flow * 0.25
        high = speed * self.best_flow * 2.0
        for _ in range(50):
            middle = 0.5 * (low + high)
            above = self.head(middle, speed) > head
            low, high = np.where(above, middle, low), np.where(above, high, middle)
        return np.asarray(np.where(self.head(0.25 * speed * self.best_flow, speed) > head, low, 0.0))


@dataclass(frozen=True, slots=True)
class Worn(TruePump):
    """A pump that has lost a share of its head, and draws *more* power for the same flow than before.

    Both are numbers, or an array of one for each row of an operation.
    """

    lost: float | Floats = 0.0
    more: float | Floats = 0.0

    @classmethod
    def of(cls, pump: TruePump, lost: float | Floats, more: float | Floats = 0.0) -> Self:
        """*pump*, some time later."""
        return cls(**{each.name: getattr(pump, each.name) for each in fields(pump)}, lost=lost, more=more)

    def head(self, flow: Floats, speed: Floats) -> Floats:
        """M, at *flow* m³/h."""
        return np.asarray((1.0 - self.lost) * TruePump.head(self, flow, speed))

    def power(self, flow: Floats, speed: Floats) -> Floats:
        """KW electrical, at *flow* m³/h: what the whole pump would draw, and more."""
        return np.asarray((1.0 + self.more) * TruePump.power(replace(self, lost=0.0), flow, speed))


UNLIKE = (
    TruePump(best_flow=900.0, shut_off=54.0, best_head=43.0, rise=0.0, best_efficiency=0.84, motor=160.0),
    TruePump(best_flow=450.0, shut_off=50.0, best_head=42.0, rise=0.06, best_efficiency=0.79, motor=75.0),
    TruePump(best_flow=620.0, shut_off=58.0, best_head=44.0, rise=-0.05, best_efficiency=0.81, motor=110.0),
    TruePump(best_flow=900.0, shut_off=51.5, best_head=41.0, rise=0.0, best_efficiency=0.77, motor=160.0),
    TruePump(best_flow=330.0, shut_off=49.0, best_head=40.0, rise=0.03, best_efficiency=0.75, motor=55.0),
    TruePump(best_flow=700.0, shut_off=56.0, best_head=45.0, rise=0.02, best_efficiency=0.83, motor=132.0),
)


def operation(
    pumps: tuple[TruePump, ...],
    sets: list[tuple[int, ...]],
    n: int,
    rng: np.random.Generator,
    *,
    step_ms: int = 60_000,
    every: int = 30,
    least: float = 0.75,
    since: int = 0,
) -> Points:
    """True steady points: every *every* rows another of *sets* runs; demand moves the head along the system curve.

    It is *least* to 1 of what the set delivers at its best; the first is *since* steps after midnight.

    The network: H = 26 m + k Q², with k such that the set's best flow needs about 0.95 of its best head, ±12 % over
    the day. Running pumps share one speed up to 2 % each.
    """
    periods = -(-n // every)
    chosen = rng.integers(len(sets), size=periods).repeat(every)[:n]
    lead = rng.uniform(0.98, 1.02, (periods, len(pumps))).repeat(every, axis=0)[:n]
    running = np.zeros((n, len(pumps)), dtype=np.bool_)
    for row, which in enumerate(chosen):
        running[row, list(sets[which])] = True
    day = 0.5 + 0.5 * np.sin((since + np.arange(n)) * step_ms / 86_400_000.0 * 2.0 * np.pi)
    capacity = running @ np.array([pump.best_flow for pump in pumps])
    wanted = capacity * (least + (1.0 - least) * day + rng.normal(0.0, 0.03, n))
    head = 26.0 + 14.0 * (wanted / capacity) ** 2 * (1.0 + 0.12 * rng.uniform(-1.0, 1.0, periods).repeat(every)[:n])
    speeds = _speeds(pumps, running, lead, head, wanted)
    flows = np.where(running, np.stack([p.flow(head, s) for p, s in zip(pumps, speeds.T, strict=True)], axis=1), 0.0)
    powers = np.stack([p.power(q, s) for p, q, s in zip(pumps, flows.T, speeds.T, strict=True)], axis=1)
    return Points(
        times_ms=1_700_000_000_000 // step_ms * step_ms + step_ms * np.arange(n),
        running=running,
        speeds=np.where(running, speeds, 0.0),
        head=head,
        flow=flows.sum(axis=1),
        powers=np.where(running, powers, 0.0),
        pump_flows=flows,
    )


def _speeds(
    pumps: tuple[TruePump, ...], running: NDArray[np.bool_], lead: Floats, head: Floats, wanted: Floats
) -> Floats:
    """Speeds at which the running pumps together give *wanted* at *head*, by bisection of the common one."""
    low, high = np.full(len(head), 0.6), np.full(len(head), 1.15)
    for _ in range(30):
        middle = 0.5 * (low + high)
        each = np.stack([p.flow(head, middle * lead[:, i]) for i, p in enumerate(pumps)], axis=1)
        enough = np.where(running, each, 0.0).sum(axis=1) > wanted
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return np.asarray(high[:, np.newaxis] * lead)


def measured(truth: Points, rng: np.random.Generator, *, noise: float = 0.01, outliers: float = 0.01) -> Points:
    """What the header's meters and the power meters say: *noise* on flow and powers, half of it on head.

    A share of *outliers* of each meter's values is off by 20 to 60 %. Stopped pumps' meters show noise too.
    """

    def meter(values: Floats, error: float) -> Floats:
        read = values * (1.0 + error * rng.standard_normal(values.shape))
        wrong = rng.uniform(size=values.shape) < outliers
        return np.where(wrong, read * (1.0 + rng.choice([-1.0, 1.0], values.shape) * rng.uniform(0.2, 0.6)), read)

    return Points(
        times_ms=truth.times_ms,
        running=truth.running,
        speeds=truth.speeds,
        head=meter(truth.head, 0.5 * noise),
        flow=meter(truth.flow, noise),
        powers=np.where(truth.running, meter(truth.powers, noise), rng.normal(0.0, 0.5, truth.powers.shape)),
        pump_flows=np.full(truth.pump_flows.shape, np.nan),
    )


def metered(truth: Points, rng: np.random.Generator, *, noise: float = 0.01) -> Points:
    """What is `measured`, and what each running pump's own flow meter says with as much *noise*."""
    own = truth.pump_flows * rng.normal(1.0, noise, truth.pump_flows.shape)
    return replace(measured(truth, rng, noise=noise), pump_flows=np.where(truth.running, own, np.nan))
