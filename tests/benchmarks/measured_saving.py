"""How often the interval of a measured saving holds the true one, with curves learnt from noisy meters.

    python -m tests.benchmarks.measured_saving [STATIONS]

Each station has three unlike pumps, which are not of the model's form. Their curves are learnt from 1,500 steady
minutes on header meters and power meters with 1 % noise and 1 % outliers. Then one operation is left for another for
six hours; what the old one would have drawn for the same flow at the same head is known here, and only here.
"""

import sys
from collections.abc import Iterator

import numpy as np

from analytics.curves.estimator import StationCurves
from analytics.curves.model import StationModel
from analytics.curves.points import Points
from analytics.curves.prior import Plate
from analytics.dispatch.measured import Former, Met, Tally, baseline
from analytics.dispatch.pump import Array
from analytics.dispatch.saving import Sample
from tests.simulators.waterworks import UNLIKE, measured, operation

PUMPS = UNLIKE[:3]
NAMES = ("p0", "p1", "p2")
SETS = [(0,), (1, 2), (0, 1), (0, 2), (1,), (2,)]
CHANGES = [((0, 1), (0, 2)), ((0,), (1, 2)), ((1, 2), (0,)), ((0, 2), (0, 1)), ((0, 1), (0, 1)), ((1, 2), (1, 2))]
LEARNT = 1_500  # steady minutes
CELLS = 360  # minutes
WITHIN = 1.645  # deviations of a 90 % interval


def learnt(rng: np.random.Generator) -> StationModel:
    """The station as its meters have shown it."""
    curves = StationCurves([Plate(name) for name in NAMES])
    curves.update(measured(operation(PUMPS, SETS, LEARNT, rng), rng))
    model = curves.fit()
    assert model is not None
    return model


def deviations(seed: int) -> Iterator[tuple[float, float, float]]:
    """Error of each change's saving in standard deviations, the deviation as a share of the energy, hours counted."""
    rng = np.random.default_rng(seed)
    model = learnt(rng)
    for former, proposed in CHANGES:
        period = operation(PUMPS, [proposed], CELLS, rng, every=CELLS)
        at = period.speeds[0, list(former)] if former == proposed else np.full(len(former), 0.9)
        ratio = dict(zip(former, at * rng.uniform(0.96, 1.04, len(former)), strict=True))
        found = counted(model, ratio, period, measured(period, rng))
        if found is not None:
            yield found


def counted(
    model: StationModel, ratio: dict[int, float], period: Points, seen: Points
) -> tuple[float, float, float] | None:
    """One change: the meters' word against the truth; None where hardly anything could be compared."""
    met = Met(seen.flow, seen.head, period.speeds, (seen.powers * period.running).sum(axis=1))
    old = Former({NAMES[i]: s for i, s in ratio.items()}, {NAMES[i]: (0.6, 1.15) for i in ratio})
    found = baseline(Sample.of(model, 100, 1), old, met)
    tally = Tally()
    tally.add(found, met.power, np.zeros(len(period)), 1 / 60)
    good = np.array([doubt is None for doubt in found.doubts])
    truth = former_power(ratio, period)
    good_truth = good & np.isfinite(truth)
    if good_truth.sum() < CELLS / 4 or (good != good_truth).any():
        return None
    true_kwh = float((truth - period.powers.sum(axis=1))[good].sum()) / 60
    return (tally.kwh - true_kwh) / tally.std, tally.std / tally.measured_kwh, tally.hours


def former_power(ratio: dict[int, float], period: Points) -> Array:
    """What the old operation would truly have drawn in each minute, kW, (n,); NaN where it could not have delivered."""
    low, high = np.full(len(period), 0.5), np.full(len(period), 1.4)
    for _ in range(40):
        scale = 0.5 * (low + high)
        flow = sum(PUMPS[i].flow(period.head, scale * s) for i, s in ratio.items())
        low, high = np.where(flow < period.flow, scale, low), np.where(flow < period.flow, high, scale)
    total = np.zeros(len(period))
    for i, s in ratio.items():
        flow = PUMPS[i].flow(period.head, high * s)
        total += np.where(flow > 0, PUMPS[i].power(np.maximum(flow, 1.0), high * s), np.nan)
    return total


def main() -> None:
    """Print how often the intervals hold the truth."""
    stations = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    found = np.array([each for seed in range(stations) for each in deviations(seed)])
    errors = found[:, 0]
    print(
        f"{len(found)} changes on {stations} stations: 90 % intervals hold the true saving in"
        f" {(np.abs(errors) < WITHIN).mean():.1%}; error {errors.mean():+.2f} ± {errors.std():.2f} deviations,"
        f" a deviation is {np.median(found[:, 1]):.2%} of the energy; {found[:, 2].mean():.1f} of 6.0 h counted"
    )


if __name__ == "__main__":
    main()
