"""What readings tell of a pump's efficiency: its best flow, how often the interval holds it, and what bounds its error.

The bound is least squares by the true curves of head and power times polynomials of few terms: no method can know more
of a pump's form than that.
"""

from collections.abc import Sequence

import numpy as np

from analytics.curves.best import DRAWS, FINE, BestPoint, best_point
from analytics.curves.methods.belief import PumpsInGeneral
from analytics.curves.methods.incremental import IncrementalCurve
from tests.benchmarks.pump_truths import CASES, Case, Floats, Truth, measured

LIKELY = 1.645  # standard deviations: 90 %
WEAR = 0.05
OUTLIER = 0.15  # share by which a reading is off the truth that is one


def best_flows(pumps: Sequence[Truth], readings: Sequence[int] = (80, 500, 3_000)) -> None:
    """Best flows by `physics` where readings reach from 60 to 110 % of them."""
    cases = CASES[:2]
    print(f"\n{len(pumps)} pumps, {len(cases)} cases each: best flow    identifiable   90 % hold   off, median %")
    for n in readings:
        said = [_best(pump, case, n, index) for index, pump in enumerate(pumps) for case in cases]
        told = np.array([each for each in said if each is not None])
        held = (told[:, 0] <= LIKELY * told[:, 1]).mean()
        print(f"{n:34d} {len(told):12d} of {len(said)} {100 * held:10.0f} % {100 * np.median(told[:, 0]):12.2f}")


def _best(pump: Truth, case: Case, n: int, index: int) -> tuple[float, float] | None:
    """How far it is off, and its standard deviation, as shares of the true one; None where it is not identifiable."""
    worn = pump.worn(WEAR)
    curve = IncrementalCurve("physics", PumpsInGeneral())
    curve.update(measured(worn, case, np.random.default_rng([index, CASES.index(case)]), n))
    flow = np.linspace(*curve.flow_range, FINE)
    draws = curve.efficiencies(flow, DRAWS, np.random.default_rng(0))
    found = best_point(flow, curve.predict(flow, 1.0).efficiency, draws)
    if not isinstance(found, BestPoint):
        return None
    return abs(found.flow / worn.bep - 1.0), found.flow_std / worn.bep


def efficiency_bounds(pumps: Sequence[Truth], cases: Sequence[Case], n: int) -> None:
    """Of the efficiency at the best flow, points, by how many terms of head and of power are not known beforehand."""
    print(
        f"\nefficiency by least squares, the pump known but for ..., {n} readings, worn alike everywhere; median points"
    )
    for terms, name in ((1, "scales of head and power"), (2, "these and slopes"), (3, "these and bends")):
        off = [_missed(pump, case, n, (index, terms)) for index, pump in enumerate(pumps) for case in cases]
        print(f"{name:34s} {np.median(off):6.2f}")


def _missed(pump: Truth, case: Case, n: int, which: tuple[int, int]) -> float:
    index, terms = which
    worn = pump.worn(WEAR, even=True)
    points = measured(worn, case, np.random.default_rng([index, CASES.index(case)]), n, are_high=True)
    off = np.stack(
        [points.head / worn.head(points.flow, points.speed), points.power / worn.power(points.flow, points.speed)]
    )
    kept = (np.abs(off - 1.0) < OUTLIER).all(axis=0)
    basis = np.vander(points.flow[kept] / points.speed[kept] / worn.bep - 1.0, terms, increasing=True)
    head, power = np.linalg.lstsq(basis, off[:, kept].T, rcond=None)[0][0]
    best = np.array([worn.bep])
    true: Floats = worn.efficiency(best, np.ones(1))
    return float(100.0 * abs(true[0] * (head / power - 1.0)))
