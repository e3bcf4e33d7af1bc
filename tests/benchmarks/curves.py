"""Single-pump curves against true pumps: accuracy, coverage, cost of a reading and of a refit, memory.

`python -m tests.benchmarks.curves` reads the pumps in `--pumps` (see `pump_truths`), wears each by 5 %, measures it
with 1 to 1.5 % noise on flow, head and power and 1 % outliers, in 60 to 110 % of its best-efficiency flow or only in 90
to 100 %, at fixed and at variable speed, and compares what is learnt with the worn truth at rated speed. Medians over
pumps and cases: error of head in % of the true head there (mean within the data, at best efficiency, at 1.2 times the
greatest flow seen, mean from that to 1.2 times it), of efficiency at best efficiency in points; shares of truths inside
the 90 % interval: of head within, at best efficiency and beyond, of power within and beyond, of efficiency at its best
and beyond. A table of its own has few readings, with outliers that are all too high, and plain fits beside.
"""

import argparse
import pickle
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analytics.curves.methods.belief import Nothing, PumpsInGeneral
from analytics.curves.methods.candidates import candidates
from analytics.curves.methods.choice import Candidates, choose
from analytics.curves.methods.duty import CurveMethod, DutyPoints, Prediction
from analytics.curves.methods.ensemble import Ensemble
from analytics.curves.methods.incremental import IncrementalCurve
from analytics.curves.methods.learners import SampledCurve
from analytics.curves.methods.sample import KINDS, Kind
from tests.benchmarks.best_flows import best_flows, efficiency_bounds
from tests.benchmarks.curve_bounds import bounds, stretch_bounds
from tests.benchmarks.plain_fits import PLAIN
from tests.benchmarks.pump_truths import CASES, FOLDER, Case, Floats, Truth, measured, truths

WEAR = 0.05
NORMAL_90 = 1.645
INSIDE = 21  # flows within the data
STRETCH = 5  # flows from the greatest that was seen to 1.2 times it
Make = Callable[[Truth], CurveMethod]


def _sampled(kind: Kind, _: Truth) -> CurveMethod:
    return SampledCurve(kind)


METHODS: Mapping[str, Make] = {
    "polynomial": lambda _: IncrementalCurve("polynomial", Nothing(3), is_physical=False),
    "physics": lambda _: IncrementalCurve("physics", PumpsInGeneral()),
    "catalogue": lambda truth: IncrementalCurve("catalogue", truth.catalogue),
}
CHOICES: Mapping[str, Make] = {
    "physics alone": METHODS["physics"],
    "choice, no catalogue": lambda _: Chosen(candidates(learners=False)),
    "catalogue alone": METHODS["catalogue"],
    "choice, catalogue": lambda truth: Chosen(candidates(truth.catalogue, learners=False)),
}
HEAVY: Mapping[str, Make] = {
    **{kind: partial(_sampled, kind) for kind in KINDS},
    "ensemble": lambda _: Ensemble([make() for make in candidates().values()]),
    "physics": METHODS["physics"],
    "choice, all methods": lambda _: Chosen(candidates()),
}
FEW = 80  # readings, of the table with plain fits
FEW_CASES = CASES[:2]
SOME = 4  # one pump of so many is judged by heavy methods, and in one case


class Chosen:
    """The choice as a method, made from the first points it sees."""

    name = "choice"

    def __init__(self, among: Candidates) -> None:
        self._among = among

    def update(self, points: DutyPoints) -> None:
        """Choose, and learn."""
        self._method = choose(points, self._among).method

    def predict(self, flow: ArrayLike, speed: ArrayLike) -> Prediction:
        """By the method chosen."""
        return self._method.predict(flow, speed)


class Verdict(NamedTuple):
    """One fit against the truth: errors in % and points, and whether truths lay inside the intervals (shares)."""

    inside: float
    at_bep: float
    beyond: float
    stretch: float
    efficiency: float
    covered_inside: float
    covered_bep: float
    covered_beyond: float
    power_inside: float
    power_beyond: float
    covered_efficiency: float
    efficiency_beyond: float
    seconds: float


def judged(method: CurveMethod, worn: Truth, case: Case, points: DutyPoints) -> Verdict:
    """Fit *method* to *points* and compare."""
    began = time.process_time()
    method.update(points)
    most = case.high * worn.bep
    stretch = np.linspace(most, 1.2 * most, STRETCH)
    flow = np.concatenate([np.linspace(case.low * worn.bep, most, INSIDE), stretch, [worn.bep, 1.2 * most]])
    one = np.ones_like(flow)
    found = method.predict(flow, one)
    took = time.process_time() - began
    head, efficiency = worn.head(flow, one), worn.efficiency(flow, one)
    off = 100.0 * np.abs(found.head / head - 1.0)
    inside = _holds(found.head - head, found.head_std)
    power_inside = _holds(found.power - worn.power(flow, one), found.power_std)
    eta_inside = _holds(found.efficiency - efficiency, found.efficiency_std)
    return Verdict(
        inside=float(off[:INSIDE].mean()),
        at_bep=float(off[-2]),
        beyond=float(off[-1]),
        stretch=float(off[INSIDE : INSIDE + STRETCH].mean()),
        efficiency=float(100.0 * np.abs(found.efficiency - efficiency)[-2]),
        covered_inside=float(inside[:INSIDE].mean()),
        covered_bep=float(inside[-2]),
        covered_beyond=float(inside[-1]),
        power_inside=float(power_inside[:INSIDE].mean()),
        power_beyond=float(power_inside[-1]),
        covered_efficiency=float(eta_inside[-2]),
        efficiency_beyond=float(eta_inside[-1]),
        seconds=took,
    )


def _holds(off: Floats, std: Floats) -> Floats:
    """1 where the 90 % interval holds the truth, 0 where not, NaN where there is none."""
    return np.where(np.isnan(std), np.nan, np.abs(off) <= NORMAL_90 * std)


def verdicts(
    make: Make,
    pumps: Iterable[Truth],
    cases: Iterable[Case],
    n: int,
    *,
    flow_noise: bool = True,
    even: bool = False,
    are_high: bool = False,
) -> Floats:
    """Of every pump in every case, shape (fits, 13)."""
    found = []
    for index, pump in enumerate(pumps):
        worn = pump.worn(WEAR, even=even)
        for case in cases:
            rng = np.random.default_rng([index, CASES.index(case)])
            seen = measured(worn, case, rng, n, flow_noise=flow_noise, are_high=are_high)
            found.append(judged(make(pump), worn, case, seen))
    return np.array(found)


def show(name: str, found: Floats) -> None:
    """One line."""
    errors, covered = np.median(found[:, :5], axis=0), 100.0 * found[:, 5:12].mean(axis=0)
    said = "  ".join(f"{each:6.2f}" for each in errors)
    print(f"{name:34s} {said}   {'  '.join(f'{each:3.0f}' for each in covered)}   {1e3 * found[:, 12].mean():7.0f}")


TITLES = ("inside", "at BEP", "beyond", "to it", "eta")
HEADER = f"{'':34s} {'  '.join(f'{each:>6s}' for each in TITLES)}   90 %: head in, BEP, beyond, power, eta   ms a fit"


def accuracy(pumps: list[Truth], n: int) -> None:
    """The table by method; the two that win also case by case."""
    print(f"\n{len(pumps)} pumps, {len(CASES)} cases each, {n} readings; medians in % (eta: points)\n{HEADER}")
    for name, make in METHODS.items():
        for even in (False, True):
            by_case = [verdicts(make, pumps, [case], n, even=even) for case in CASES]
            show(f"{name}, worn alike everywhere" if even else name, np.concatenate(by_case))
            for case, found in zip(CASES, by_case, strict=True):
                show(f"  {case.name}", found)


def choice(pumps: list[Truth], n: int) -> None:
    """The same of the choice, on some pumps."""
    print(f"\nthe choice, on {len(pumps[::2])} of the pumps\n{HEADER}")
    for name, make in CHOICES.items():
        show(name, verdicts(make, pumps[::2], CASES, n))


def few(pumps: list[Truth]) -> None:
    """Few readings in 60 to 110 % of the best flow, worn alike everywhere, with plain fits beside."""
    print(f"\n{len(pumps)} pumps, {len(FEW_CASES)} cases each, {FEW} readings, outliers 30 to 100 % too high\n{HEADER}")
    for name, plain in PLAIN.items():
        show(name, verdicts(lambda _, make=plain: make(), pumps, FEW_CASES, FEW, even=True, are_high=True))  # type: ignore[misc]
    for name, make in CHOICES.items():
        show(name, verdicts(make, pumps, FEW_CASES, FEW, even=True, are_high=True))
    stretch_bounds(pumps, FEW_CASES, FEW)
    efficiency_bounds(pumps, FEW_CASES, FEW)


def heavy(pumps: list[Truth], n: int) -> None:
    """The methods that know no pumps, beside physics, on some pumps."""
    some = pumps[::SOME]
    print(f"\n{len(some)} of the pumps, each in one of the cases\n{HEADER}")
    for name, make in HEAVY.items():
        found = [verdicts(make, [pump], [CASES[index % len(CASES)]], n)[0] for index, pump in enumerate(some)]
        show(name, np.array(found))


def splits(pumps: list[Truth], n: int) -> None:
    """R² on rows left out at random, and on flow ranges left out, beside the error 20 % beyond the data."""
    makers = candidates()
    print(f"\n{'60-110 %, fixed':34s} R² random rows  R² flow ranges   RMSE random  RMSE ranges (% of head)  beyond %")
    for name in ("physics", "polynomial", "random forest", "support vectors"):
        figures = []
        for index, pump in enumerate(pumps[::SOME]):
            worn = pump.worn(WEAR)
            points = measured(worn, CASES[0], np.random.default_rng(index), n, outliers=0.0)
            shuffled = np.random.default_rng(0).permutation(n)
            by_flow = np.argsort(points.flow)
            both = [_scores(makers[name], points, np.array_split(order, 4)) for order in (shuffled, by_flow)]
            beyond = judged(makers[name](), worn, CASES[0], points).beyond
            figures.append((both[0][0], both[1][0], both[0][1], both[1][1], beyond))
        said = np.median(figures, axis=0)
        print(f"{name:34s} {said[0]:14.3f}  {said[1]:14.3f}  {said[2]:12.2f}  {said[3]:23.2f}  {said[4]:8.2f}")


def _scores(
    make: Callable[[], CurveMethod], points: DutyPoints, parts: Sequence[NDArray[np.int64]]
) -> tuple[float, float]:
    """R² and RMSE, % of the mean head, over parts left out in turn."""
    said = np.empty(len(points))
    for part in parts:
        method = make()
        method.update(points.take(np.setdiff1d(np.arange(len(points)), part)))
        said[part] = method.predict(points.flow[part], points.speed[part]).head
    off = said - points.head
    rmse = 100.0 * np.sqrt(np.mean(off**2)) / points.head.mean()
    return float(1.0 - np.mean(off**2) / points.head.var()), float(rmse)


def sensitivity(pumps: list[Truth]) -> None:
    """What the number of readings and the flow's noise change."""
    print(f"\non {len(pumps[::2])} of the pumps: by readings, no noise of the flow\n{HEADER}")
    for name in ("physics", "catalogue"):
        for n in (100, 2000):
            show(f"{name}, {n} readings", verdicts(METHODS[name], pumps[::2], CASES, n))
        show(f"{name}, 500, no noise of flow", verdicts(METHODS[name], pumps[::2], CASES, 500, flow_noise=False))


def cost(pump: Truth, sizes: Iterable[int] = (1_000, 100_000, 1_000_000), portion: int = 1_000) -> None:
    """CPU time of a reading in portions, of a refit, and the size of what is kept."""
    worn = pump.worn(WEAR)
    points = measured(worn, CASES[1], np.random.default_rng(0), 20 * portion)
    parts = [points.take(slice(begin, begin + portion)) for begin in range(0, 20 * portion, portion)]
    print(f"\nin portions of {portion}\n{'readings':>34s}  µs a reading  ms a refit  kB kept")
    for size in sizes:
        curve = IncrementalCurve("physics", PumpsInGeneral())
        curve.update(parts[0])
        began = time.process_time()
        for index in range(1, size // portion):
            curve.update(parts[index % 20])
        update = 1e6 * (time.process_time() - began) / (size - portion) if size > portion else np.nan
        began = time.process_time()
        for index in range(20):
            curve.update(parts[0].take(slice(index, index + 1)))
            curve.predict(worn.bep, 1.0)
        refit = 1e3 * (time.process_time() - began) / 20
        print(f"{size:34d}  {update:12.2f}  {refit:10.1f}  {len(pickle.dumps(curve)) / 1e3:7.1f}")


def main() -> None:
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pumps", type=Path, default=FOLDER, help="folder of *.json and *.csv as in pump_truths")
    parser.add_argument("--set", choices=("report", "design", "all"), default="report", help="which half of the pumps")
    parser.add_argument("--readings", type=int, default=500)
    chosen = parser.parse_args()
    pumps = [
        each for each in truths(chosen.pumps) if chosen.set == "all" or each.is_for_design == (chosen.set == "design")
    ]
    accuracy(pumps, chosen.readings)
    bounds(pumps, chosen.readings)
    few(pumps)
    best_flows(pumps)
    splits(pumps, chosen.readings)
    sensitivity(pumps)
    cost(pumps[0])
    heavy(pumps, chosen.readings)
    choice(pumps, chosen.readings)


if __name__ == "__main__":
    main()
