"""Pumps told apart by one flow meter of their header, over a month of mixed sets: each head curve against the true one.

The simulated station of `tests/simulators/waterworks.py`: pumps that are not of the model's form, 1 % of noise on flow
and powers, half of it on head, 1 % of outliers; a steady mean each five minutes, another set of pumps each half hour.
"""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from analytics.curves.estimator import StationCurves
from analytics.curves.model import StationModel
from analytics.curves.points import Points
from analytics.curves.prior import Plate
from tests.simulators.waterworks import UNLIKE, TruePump, measured, operation

DAYS = 30
A_DAY = 288  # steady means, one each five minutes
EACH_MS, EVERY = 300_000, 6
PORTION, MINUTE_MS = 1_000, 60_000
SIZES = (1_000, 100_000, 1_000_000)  # points after which a refit is timed
LIKELY = 1.645  # standard deviations: 90 %
SEEDS = (1, 2, 3)
CASES: dict[str, tuple[int, list[tuple[int, ...]]]] = {
    "4 pumps, each alone at times": (4, [(0,), (1,), (2,), (3,), (0, 1), (1, 2), (0, 3)]),
    "4 pumps, never one alone": (4, [(0, 1), (0, 2), (1, 2), (1, 3), (0, 1, 3), (2, 3)]),
    "5 pumps, two or three at once": (5, [(0, 1), (0, 4), (1, 2), (2, 3), (1, 3, 4), (0, 2, 4), (3, 4)]),
    "6 pumps, two to four at once": (6, [(0, 1), (2, 3), (1, 2, 4), (0, 4, 5), (3, 5), (1, 3, 4, 5), (0, 2)]),
    "6 pumps, two of them always together": (6, [(0, 1), (0, 1, 2), (2, 3), (3, 4), (4, 5), (2, 5), (0, 1, 4)]),
}


class Held(NamedTuple):
    """A pump's learnt head curve against the true one, over its duty range."""

    worst: float  # relative error
    usual: float  # median relative error
    covered: float  # share of the range in which the 90 % interval holds the truth
    flow: float  # median relative error of its flow at the heads it ran at


def held(model: StationModel, pumps: tuple[TruePump, ...], truth: Points) -> Iterator[Held]:
    """Of each pump of the *model*, at its own usual speed, and at every duty that it really had."""
    for index, (curve, pump) in enumerate(zip(model.curves, pumps, strict=True)):
        runs = truth.running[:, index]
        speed = np.array(np.median(truth.speeds[runs, index]))
        flow = speed * np.linspace(
            *np.quantile(truth.pump_flows[runs, index] / truth.speeds[runs, index], [0.01, 0.99])
        )
        true_head = pump.head(flow, speed)
        off = curve.head(flow, speed) - true_head
        covered = np.abs(off) <= LIKELY * curve.head_std(flow, speed)
        own = curve.flow(truth.head[runs], truth.speeds[runs, index]) / truth.pump_flows[runs, index] - 1.0
        yield Held(
            float(np.abs(off / true_head).max()),
            float(np.median(np.abs(off / true_head))),
            float(covered.mean()),
            float(np.nanmedian(np.abs(own))),
        )


def month(count: int, sets: list[tuple[int, ...]], seed: int) -> tuple[StationModel, Points, float]:
    """A month's model, its truth, and the seconds of processor time that learning took."""
    rng = np.random.default_rng(seed)
    truth = operation(UNLIKE[:count], sets, DAYS * A_DAY, rng, step_ms=EACH_MS, every=EVERY)
    told = measured(truth, rng)
    curves = StationCurves([Plate(f"p{index}") for index in range(count)])
    began = time.process_time()
    for day in range(DAYS):
        curves.update(told.take(slice(day * A_DAY, (day + 1) * A_DAY)))
    model = curves.fit()
    assert model is not None
    return model, truth, time.process_time() - began


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


def main() -> None:
    """Print one row a case, then what it costs."""
    print("Head of each pump against the true one, % over its duty range; 90 % intervals; its flow; processor time")
    print(f"{'case':38}  worst  usual  covered  flow     s")
    for name, (count, sets) in CASES.items():
        found, took = [], 0.0
        for seed in SEEDS:
            model, truth, seconds = month(count, sets, seed)
            found += list(held(model, UNLIKE[:count], truth))
            took += seconds
        worst, usual = max(each.worst for each in found), np.median([each.usual for each in found])
        covered, flow = np.mean([each.covered for each in found]), max(each.flow for each in found)
        print(
            f"{name:38}  {100 * worst:5.2f}  {100 * usual:5.2f}  {100 * covered:6.0f}  {100 * flow:5.2f}"
            f"  {took / len(SEEDS):4.1f}"
        )
    print("\nthree pumps, in portions of 1,000\n   points seen  µs a point  s a refit  points kept")
    for seen, micros, refit, kept in costs():
        print(f"{seen:14d}  {micros:10.1f}  {refit:9.2f}  {kept:11d}")


if __name__ == "__main__":
    main()
