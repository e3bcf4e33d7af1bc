"""Stations whose true pumps are known and whose curves are learnt from noisy meters, to judge what is said of savings.

A station has three pumps that somebody else has measured, none of the model's form, brought to about one head and to
330 to 720 m³/h; every second one has a flow meter at each pump, the others one at the header. They run alone or in
pairs; in every third of either kind of station never alone. Their curves are learnt from 600 to 3,000 steady minutes
with 0.5 to 1.5 % of noise and 1 % of outliers. What other pumps would have drawn is known here, and only here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, Self, cast

import numpy as np

from analytics.curves.estimator import StationCurves
from analytics.curves.model import StationModel
from analytics.curves.points import Points
from analytics.curves.prior import Plate
from analytics.dispatch.pump import Array
from tests.benchmarks.pump_truths import Truth, truths
from tests.simulators.waterworks import TruePump, measured, metered, operation

NAMES = ("p0", "p1", "p2")
Pumps = tuple[int, ...]
ONE: list[Pumps] = [(0,), (1,), (2,)]
TWO: list[Pumps] = [(0, 1), (0, 2), (1, 2)]
WITHIN = 1.645  # deviations of a 90 % interval
LEAST = 0.5  # of what a set delivers at its best, at the time of least demand
_HALVINGS = 40
Kind = Literal["other speeds", "other pumps", "more or fewer pumps"]
KINDS: tuple[Kind, ...] = ("other speeds", "other pumps", "more or fewer pumps")


@dataclass(frozen=True, slots=True)
class Sized:
    """A true pump brought to a station's size."""

    truth: Truth
    best_flow: float  # m³/h
    flows: float  # of the true pump, per flow here
    heads: float  # here, per head of the true pump
    peak: float  # share of the best flow from which on the head falls

    @classmethod
    def of(cls, truth: Truth, best_flow: float, best_head: float) -> Self:
        """*truth* with its best efficiency at *best_flow* m³/h and *best_head* m."""
        at_best = float(truth.head(np.array(truth.bep), np.array(1.0)))
        shares = np.linspace(0.25, 0.9, 66)
        peak = float(shares[np.argmax(truth.head(shares * truth.bep, np.ones_like(shares)))])
        return cls(truth, best_flow, truth.bep / best_flow, best_head / at_best, peak)

    def head(self, flow: Array, speed: Array) -> Array:
        """M, at *flow* m³/h."""
        return self.heads * self.truth.head(flow * self.flows, speed)

    def power(self, flow: Array, speed: Array) -> Array:
        """KW electrical, at *flow* m³/h."""
        return self.heads / self.flows * self.truth.power(flow * self.flows, speed)

    def flow(self, head: Array, speed: Array) -> Array:
        """M³/h at *head*, on the falling side, by bisection; 0 where it is not reached."""
        low, high = (share * np.broadcast_arrays(speed, head)[0] * self.best_flow for share in (self.peak, 1.45))
        reaches = self.head(low, speed) > head
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            above = self.head(middle, speed) > head
            low, high = np.where(above, middle, low), np.where(above, high, middle)
        return np.where(reaches, low, 0.0)


@dataclass(frozen=True, slots=True)
class Meters:
    """What a station is read by."""

    noise: float  # share
    at_each_pump: bool  # a flow meter; otherwise one at the header

    def read(self, truth: Points, rng: np.random.Generator) -> Points:
        """What they show of *truth*."""
        if not self.at_each_pump:
            return measured(truth, rng, noise=self.noise)
        seen = metered(truth, rng, noise=self.noise)
        return replace(seen, flow=np.nansum(seen.pump_flows, axis=1))


@dataclass(slots=True)
class LearntStation:
    """True pumps, and what is learnt of them."""

    own: tuple[Sized, ...]
    meters: Meters
    sets: list[Pumps]  # that run
    minutes: int  # that curves are learnt from at once
    rng: np.random.Generator
    curves: StationCurves
    seen: int = 0  # minutes

    @classmethod
    def of(cls, seed: int, pumps: Sequence[Truth]) -> Self:
        """A station of three of *pumps*, which has not learnt anything yet; odd ones have a flow meter at each."""
        rng = np.random.default_rng(seed)
        chosen = rng.choice(len(pumps), len(NAMES), replace=False)
        own = [Sized.of(pumps[one], rng.uniform(330.0, 720.0), rng.uniform(41.5, 44.5)) for one in chosen.tolist()]
        meters = Meters(rng.uniform(0.005, 0.015), bool(seed % 2))
        sets = TWO if seed // 2 % 3 == 2 else [*ONE, *TWO]
        curves = StationCurves([Plate(name) for name in NAMES])
        return cls(tuple(own), meters, sets, int(rng.choice([600, 1_500, 3_000])), rng, curves)

    def learnt(self) -> StationModel:
        """Run for a while more, and what is known then."""
        points = self.meters.read(self.operated(self.sets, self.minutes), self.rng)
        self.curves.update(replace(points, times_ms=points.times_ms + 60_000 * self.seen))
        self.seen += self.minutes
        model = self.curves.fit()
        assert model is not None
        return model

    def others(self, kind: Kind, now: Pumps) -> list[Pumps]:
        """Sets of that *kind* that could be run instead of *now*."""
        match kind:
            case "other speeds":  # one pump at one flow is the same operation
                return [now] if len(now) > 1 else []
            case "other pumps":
                return [each for each in self.sets if len(each) == len(now) and each != now]
            case "more or fewer pumps":
                return [each for each in (*self.sets, (0, 1, 2)) if len(each) != len(now)]

    def operated(self, sets: list[Pumps], minutes: int) -> Points:
        """The truth of *minutes*, of one set only in them all or another each half an hour."""
        pumps = cast("tuple[TruePump, ...]", self.own)
        return operation(pumps, sets, minutes, self.rng, every=30 if len(sets) > 1 else minutes, least=LEAST)

    def operated_later(self, one: Pumps, cells: int, minutes: int, since: int) -> Points:
        """The truth of so many *cells* of so many *minutes* of *one* set, from *since* cells after midnight."""
        pumps = cast("tuple[TruePump, ...]", self.own)
        step_ms = 60_000 * minutes
        return operation(pumps, [one], cells, self.rng, step_ms=step_ms, every=cells, least=LEAST, since=since)


def judging() -> list[Truth]:
    """Pumps that nobody has looked at while the width of intervals was found."""
    return [each for each in truths() if not each.is_for_design]


def tell(name: str, found: Sequence[float]) -> None:
    """One line: how often intervals hold the truth, by errors in standard deviations."""
    if not found:
        return
    errors = np.array(found)
    held = (np.abs(errors) < WITHIN).mean()
    print(f"{len(errors):5} {name:30} held by {held:6.1%}; error {errors.mean():+.2f} ± {errors.std():.2f} deviations")
