"""How often the intervals of measured savings hold the true ones, with curves learnt from noisy meters.

    python -m tests.benchmarks.measured_saving [STATIONS]

A station has three pumps that somebody else has measured, none of the model's form, brought to one head and about one
size; every second one has a flow meter at each pump, the others one at the header. Their curves are learnt from 600 to
3,000 steady minutes with 0.5 to 1.5 % of noise and 1 % of outliers. Then eight advices of four hours each leave one
operation for another, two a day, the curves learnt anew with what came in after the fourth; what the old operation
would have drawn for the same flow at the same head is known here, and only here.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from analytics.curves.estimator import StationCurves
from analytics.curves.model import StationModel
from analytics.curves.points import Points
from analytics.curves.prior import Plate
from analytics.dispatch.measured import Errors, Former, Met, Tally, baseline
from analytics.dispatch.pump import Array
from analytics.dispatch.saving import Sample
from tests.benchmarks.pump_truths import Truth, truths
from tests.simulators.waterworks import TruePump, measured, operation

NAMES = ("p0", "p1", "p2")
Pumps = tuple[int, ...]
ONE: list[Pumps] = [(0,), (1,), (2,)]
TWO: list[Pumps] = [(0, 1), (0, 2), (1, 2)]
ALL = [*ONE, *TWO]
ADVICES, A_DAY, RENEWED = 8, 2, 4
CELLS = 240  # minutes
LEAST = 60  # cells of one advice that could be counted, for it to be looked at
WITHIN = 1.645  # deviations of a 90 % interval
_HALVINGS = 40


@dataclass(frozen=True, slots=True)
class Sized:
    """A true pump brought to a station's size."""

    truth: Truth
    best_flow: float  # m³/h
    best_head: float  # m

    @property
    def _heads(self) -> float:
        return self.best_head / float(self.truth.head(np.array(self.truth.bep), np.array(1.0)))

    def head(self, flow: Array, speed: Array) -> Array:
        """M, at *flow* m³/h."""
        return self._heads * self.truth.head(flow * self.truth.bep / self.best_flow, speed)

    def power(self, flow: Array, speed: Array) -> Array:
        """KW electrical, at *flow* m³/h."""
        size = self._heads * self.best_flow / self.truth.bep
        return size * self.truth.power(flow * self.truth.bep / self.best_flow, speed)

    def flow(self, head: Array, speed: Array) -> Array:
        """M³/h at *head*, on the falling side, by bisection; 0 where it is not reached."""
        low, high = (np.broadcast_to(share * speed * self.best_flow, np.shape(head)) for share in (0.25, 1.45))
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
        seen = measured(truth, rng, noise=self.noise)
        if not self.at_each_pump:
            return seen
        flows = truth.pump_flows * (1.0 + self.noise * rng.standard_normal(truth.pump_flows.shape))
        return replace(seen, pump_flows=flows, flow=flows.sum(axis=1))


@dataclass(frozen=True, slots=True)
class Counted:
    """One advice that was followed."""

    tally: Tally
    true_kwh: float

    @property
    def error(self) -> float:
        """In standard deviations."""
        return (self.tally.kwh - self.true_kwh) / self.tally.std


def station(seed: int, pumps: Sequence[Truth]) -> Iterator[Counted]:
    """Its advices, of which some cannot be counted."""
    rng = np.random.default_rng(seed)
    chosen = rng.choice(len(pumps), len(NAMES), replace=False)
    own = tuple(Sized(pumps[one], rng.uniform(480.0, 720.0), rng.uniform(41.5, 44.5)) for one in chosen.tolist())
    meters = Meters(rng.uniform(0.005, 0.015), bool(seed % 2))
    n = int(rng.choice([600, 1_500, 3_000]))
    curves = StationCurves([Plate(name) for name in NAMES])
    curves.update(meters.read(operated(own, ALL, n, rng), rng))
    model = curves.fit()
    assert model is not None
    for advice in range(ADVICES):
        if advice == RENEWED:
            later = meters.read(operated(own, ALL, n, rng), rng)
            curves.update(replace(later, times_ms=later.times_ms + 60_000 * n))
            model = curves.fit() or model
        same = TWO if rng.integers(2) else ONE
        former, proposed = same[rng.integers(3)], same[rng.integers(3)]
        period = operated(own, [proposed], CELLS, rng)
        at = period.speeds[0, list(former)] if former == proposed else np.full(len(former), 0.9)
        ratio = dict(zip(former, at * rng.uniform(0.96, 1.04, len(former)), strict=True))
        found = counted(model, former_power(own, ratio, period), ratio, (period, meters.read(period, rng)))
        if found is not None:
            yield found


def operated(own: tuple[Sized, ...], sets: list[Pumps], n: int, rng: np.random.Generator) -> Points:
    """The truth of *n* minutes, of one set only in them all or each half an hour."""
    pumps = cast("tuple[TruePump, ...]", own)
    return operation(pumps, sets, n, rng, every=30 if len(sets) > 1 else n)


def counted(model: StationModel, truth: Array, ratio: dict[int, float], read: tuple[Points, Points]) -> Counted | None:
    """The meters' word of one advice against the *truth*; None where hardly anything could be compared."""
    period, seen = read
    met = Met(seen.flow, seen.head, period.speeds, (seen.powers * period.running).sum(axis=1))
    old = Former({NAMES[i]: s for i, s in ratio.items()}, {NAMES[i]: (0.6, 1.15) for i in ratio})
    found = baseline(Sample.of(model, 100, 1), old, met)
    tally = Tally()
    tally.add(found, met.power, np.zeros(len(period)), 1 / 60)
    good = np.array([doubt is None for doubt in found.doubts])
    if good.sum() < LEAST or not np.isfinite(truth[good]).all():
        return None
    return Counted(tally, float((truth - period.powers.sum(axis=1))[good].sum()) / 60)


def former_power(pumps: Sequence[Sized], ratio: dict[int, float], period: Points) -> Array:
    """What the old operation would truly have drawn in each minute, kW, (n,); NaN where it could not have delivered."""
    low, high = np.full(len(period), 0.5), np.full(len(period), 1.4)
    for _ in range(_HALVINGS):
        scale = 0.5 * (low + high)
        flow = sum(pumps[i].flow(period.head, scale * s) for i, s in ratio.items())
        low, high = np.where(flow < period.flow, scale, low), np.where(flow < period.flow, high, scale)
    total = np.zeros(len(period))
    for i, s in ratio.items():
        flow = pumps[i].flow(period.head, high * s)
        total += np.where(flow > 0, pumps[i].power(np.maximum(flow, 1.0), high * s), np.nan)
    return total


def together(advices: Sequence[Counted]) -> float:
    """The error of their sum, in its standard deviations."""
    errors = Errors()
    for each in advices:
        errors = errors.plus(each.tally.errors)
    return sum(each.tally.kwh - each.true_kwh for each in advices) / errors.std


def main() -> None:
    """Print how often the intervals hold the truth: of one advice, of a day, and of all of a station's."""
    count, pumps = int(sys.argv[1]) if len(sys.argv) > 1 else 40, truths()
    stations = [list(station(seed, pumps)) for seed in range(count)]
    for name, every in (("flow meter at the header", stations[::2]), ("flow meter at each pump", stations[1::2])):
        ones = [one for own in every for one in own]
        share = [one.tally.std / one.tally.measured_kwh for one in ones]
        print(f"\n{len(every)} stations, {name}; one deviation of an advice is {np.median(share):.2%} of its energy")
        tell("advices", [one.error for one in ones])
        days = [own[first : first + A_DAY] for own in every for first in range(0, len(own), A_DAY)]
        tell("days", [together(day) for day in days if len(day) == A_DAY])
        tell("stations, all in all", [together(own) for own in every if len(own) > A_DAY])


def tell(name: str, found: list[float]) -> None:
    """One line."""
    errors = np.array(found)
    held = (np.abs(errors) < WITHIN).mean()
    print(f"{len(errors):5} {name:22} held by {held:6.1%}; error {errors.mean():+.2f} ± {errors.std():.2f} deviations")


if __name__ == "__main__":
    main()
