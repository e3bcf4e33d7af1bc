"""Pumps told apart by one flow meter of their header, over a month of mixed sets: each head curve against the true one.

The simulated station of `tests/simulators/waterworks.py`: pumps that are not of the model's form, 1 % of noise on flow
and powers, half of it on head, 1 % of outliers; a steady mean each five minutes, another set of pumps each half hour.
Then headers of pumps that somebody else has measured, with and without their data sheets, after three days and a month.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple, cast

import numpy as np

from analytics.curves.estimator import StationCurves
from analytics.curves.methods.catalogue import Catalogue
from analytics.curves.model import StationModel
from analytics.curves.points import Points
from analytics.curves.prior import Plate
from tests.benchmarks.learnt_station import Sized, judging
from tests.simulators.waterworks import UNLIKE, TruePump, measured, operation

DAYS = 30
A_DAY = 288  # steady means, one each five minutes
EACH_MS, HALF_HOUR_MS = 300_000, 1_800_000
PORTION, MINUTE_MS = 1_000, 60_000
SIZES = (1_000, 100_000, 1_000_000)  # points after which a refit is timed
LIKELY = 1.645  # standard deviations: 90 %
BEYOND = 1.2  # times the greatest flow, where a curve is asked beyond it
SHEETS = {"none": None, "right": 1.0, "8 % off in head": 1.08}
CASES: dict[str, tuple[int, list[tuple[int, ...]]]] = {
    "4 pumps, each alone at times": (4, [(0,), (1,), (2,), (3,), (0, 1), (1, 2), (0, 3)]),
    "4 pumps, never one alone": (4, [(0, 1), (0, 2), (1, 2), (1, 3), (0, 1, 3), (2, 3)]),
    "5 pumps, two or three at once": (5, [(0, 1), (0, 4), (1, 2), (2, 3), (1, 3, 4), (0, 2, 4), (3, 4)]),
    "6 pumps, two to four at once": (6, [(0, 1), (2, 3), (1, 2, 4), (0, 4, 5), (3, 5), (1, 3, 4, 5), (0, 2)]),
    "6 pumps, two of them always together": (6, [(0, 1), (0, 1, 2), (2, 3), (3, 4), (4, 5), (2, 5), (0, 1, 4)]),
}
REAL = "5 pumps, two or three at once"


class Held(NamedTuple):
    """A pump's learnt head curve against the true one, over its duty range."""

    worst: float  # relative error
    usual: float  # median relative error
    covered: float  # share of the range in which the 90 % interval holds the truth
    flow: float  # median relative error of its flow at the heads it ran at
    beyond: float  # relative error of the head at so much more than the greatest flow


def held(model: StationModel, pumps: tuple[TruePump, ...], truth: Points) -> Iterator[Held]:
    """Of each pump of the *model*, at its own usual speed, and at every duty that it really had."""
    for index, (curve, pump) in enumerate(zip(model.curves, pumps, strict=True)):
        runs = truth.running[:, index]
        speed = np.array(np.median(truth.speeds[runs, index]))
        flow = speed * np.linspace(
            *np.quantile(truth.pump_flows[runs, index] / truth.speeds[runs, index], [0.01, 0.99])
        )
        true_head, further = pump.head(flow, speed), BEYOND * flow[-1]
        off = curve.head(flow, speed) - true_head
        covered = np.abs(off) <= LIKELY * curve.head_std(flow, speed)
        own = curve.flow(truth.head[runs], truth.speeds[runs, index]) / truth.pump_flows[runs, index] - 1.0
        yield Held(
            float(np.abs(off / true_head).max()),
            float(np.median(np.abs(off / true_head))),
            float(covered.mean()),
            float(np.nanmedian(np.abs(own))),
            float(np.abs(curve.head(further, speed) / pump.head(further, speed) - 1.0)),
        )


def learnt(told: Points, plates: list[Plate]) -> tuple[StationModel, float]:
    """The model, and the seconds of processor time that the fit took."""
    curves = StationCurves(plates)
    for begin in range(0, len(told), PORTION):
        curves.update(told.take(slice(begin, begin + PORTION)))
    began = time.process_time()
    model = curves.fit()
    assert model is not None
    return model, time.process_time() - began


def month(count: int, sets: list[tuple[int, ...]], seed: int, step_ms: int = EACH_MS) -> tuple[list[Held], float]:
    """How pumps of a simulated month are known, and the seconds that it took."""
    rng, n = np.random.default_rng(seed), DAYS * 86_400_000 // step_ms
    truth = operation(UNLIKE[:count], sets, n, rng, step_ms=step_ms, every=HALF_HOUR_MS // step_ms)
    model, took = learnt(measured(truth, rng), [Plate(f"p{index}") for index in range(count)])
    return list(held(model, UNLIKE[:count], truth)), took


def real(seed: int, days: int, heads: float | None) -> tuple[list[Held], str]:
    """How five true pumps on one header are known after so many *days*, and why so.

    *heads* is by how much their sheets are too high; None: they have none.
    """
    rng, pool = np.random.default_rng(seed), judging()
    chosen = rng.choice(len(pool), 5, replace=False).tolist()
    own = [Sized.of(pool[one], rng.uniform(330.0, 900.0), rng.uniform(41.5, 44.5)) for one in chosen]
    pumps = cast("tuple[TruePump, ...]", tuple(own))
    truth = operation(pumps, CASES[REAL][1], days * A_DAY, rng, step_ms=EACH_MS, every=HALF_HOUR_MS // EACH_MS)
    sheets = [None if heads is None else sheet(pump, heads) for pump in own]
    plates = [Plate(f"p{index}", sheet=each) for index, each in enumerate(sheets)]
    model, _ = learnt(measured(truth, rng), plates)
    return list(held(model, pumps, truth)), model.basis.form


def sheet(pump: Sized, heads: float) -> Catalogue:
    """What the maker says of *pump*, with so many times its heads."""
    told = pump.truth.catalogue
    power = None if told.power is None else told.power * pump.heads / pump.flows
    return Catalogue(told.flow / pump.flows, told.head * pump.heads * heads, power)


def costs() -> Iterator[tuple[int, float, float, int]]:
    """Steady points seen; µs of processor time a point, in portions; seconds of a refit; points kept."""
    rng = np.random.default_rng(1)
    day = operation(UNLIKE[:3], [(0,), (1,), (0, 1), (1, 2), (0, 2)], PORTION, rng)
    curves, took = StationCurves([Plate(f"p{index}") for index in range(3)]), 0.0
    for number in range(SIZES[-1] // PORTION):
        told = measured(replace(day, times_ms=day.times_ms + number * PORTION * MINUTE_MS), rng)
        began = time.process_time()
        curves.update(told)
        took += time.process_time() - began
        seen = (number + 1) * PORTION
        if seen in SIZES:
            began = time.process_time()
            curves.fit()
            yield seen, 1e6 * took / seen, time.process_time() - began, len(curves.points)


def tell(name: str, found: list[Held], took: float) -> None:
    """One row: the worst pump, medians, intervals, flows, beyond the data."""
    of = Held(*np.array(found).T.tolist())
    print(
        f"{name:48}  {100 * np.max(of.worst):5.2f}  {100 * np.median(of.worst):5.2f}  {100 * np.median(of.usual):5.2f}"
        f"  {100 * np.mean(of.covered):7.0f}  {100 * np.max(of.flow):5.2f}"
        f"  {100 * np.median(of.beyond):6.2f}  {100 * np.max(of.beyond):6.2f}  {took:5.1f}",
        flush=True,
    )


def main() -> None:
    """Print one row a case, then what it costs."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--first", type=int, default=1, help="seed")
    asked.add_argument("--seeds", type=int, default=3)
    asked.add_argument("--minutes", type=int, default=5, help="between steady means")
    asked.add_argument("--only", default="", help="cases whose name has this")
    args = asked.parse_args()
    seeds = range(args.first, args.first + args.seeds)
    print("Head of each pump against the true one, % over its duty range: worst of all, median of each pump's worst,")
    print("median; 90 % intervals; its flow; head at 1.2 times the greatest flow, median and worst; seconds a fit")
    for name, (count, sets) in CASES.items():
        if args.only in name:
            months = [month(count, sets, seed, 60_000 * args.minutes) for seed in seeds]
            tell(name, [each for one, _ in months for each in one], float(np.mean([took for _, took in months])))
    for days in (3, DAYS):
        for name, heads in SHEETS.items():
            if args.only in "real pumps":
                headers = [real(seed, days, heads) for seed in seeds]
                tell(f"5 real pumps, {days} days, sheets: {name}", [each for one, _ in headers for each in one], 0.0)
                print(*(f"    {why}" for _, why in headers), sep="\n")
    if not args.only:
        tell_costs()


def tell_costs() -> None:
    """What a point and a refit cost."""
    print("\nthree pumps, in portions of 1,000\n   points seen  µs a point  s a refit  points kept")
    for seen, micros, refit, kept in costs():
        print(f"{seen:14d}  {micros:10.1f}  {refit:9.2f}  {kept:11d}")


if __name__ == "__main__":
    main()
