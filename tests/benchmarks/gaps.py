"""Gap filling on series of a real station, a testbed and a simulated station: error, coverage and speed.

`make bench-gaps` masks blocks of 1, 5, 30 and 120 values (a tenth of a series at most, 40 at most, all
at once), fills them, and prints by method and length: the mean absolute error divided by the series' standard
deviation; the share of true values within the 90 % interval; and how many thousand values of the series, masked or not,
are gone through in a second of CPU, all that is learnt included.

`kriging` and `ridge+kriging` are parts of `auto` alone, as others have them; they claim no interval.

`--every 5` takes each fifth series; `--seed`; `--methods auto,linear`.
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from analytics.gaps.auto import Auto
from analytics.gaps.correlated import Regression, companions
from analytics.gaps.forward import Forward
from analytics.gaps.gap import COVERAGE_90, Estimate, Gap, Method, Window
from analytics.gaps.level import Level
from analytics.gaps.linear import Line
from tests.benchmarks.gap_peers import Kriged, RidgeKriged
from tests.benchmarks.gap_series import Case, cases

Floats = NDArray[np.float64]
SIZES = (1, 5, 30, 120)
SHARE, MOST = 0.1, 40
COMPANIONS = 16


def _correlated(window: Window) -> Method:
    best = companions(window.values, window.companions, COMPANIONS)
    return Regression(Window(window.values, window.companions[:, best]))


METHODS: Mapping[str, Callable[[Window], Method]] = {
    "linear": Line,
    "forward": Forward,
    "level": Level,
    "kriging": Kriged,
    "ridge+kriging": RidgeKriged,
    "correlated": _correlated,
    "auto": Auto,
}


def masked(case: Case, size: int, seed: int) -> list[Gap]:
    """Blocks that do not touch each other, one somewhere in each part of the series."""
    length = len(case.values)
    count = int(np.clip(SHARE * length / size, 1, MOST))
    part = length // count
    random = np.random.default_rng([seed, size, *case.name.encode()])
    begins = np.arange(count) * part + random.integers(1, max(part - size - 1, 2), count)
    return [Gap(int(begin), int(begin) + size) for begin in begins if begin + size < length]


def filled(case: Case, found: list[Gap], method: Callable[[Window], Method]) -> tuple[list[Estimate], float]:
    """What a method puts into *found*, and the seconds of CPU it takes."""
    values = case.values.copy()
    for gap in found:
        values[gap.begin : gap.end] = np.nan
    window = Window(values, case.companions)
    began = time.process_time()
    one = method(window)
    estimates = [one.fill(gap) for gap in found]
    return estimates, time.process_time() - began


def judged(case: Case, found: Iterable[Gap], estimates: Iterable[Estimate]) -> tuple[float, float]:
    """Relative error and coverage."""
    missed, covered = [], []
    for gap, estimate in zip(found, estimates, strict=True):
        errors = np.abs(estimate.values - case.values[gap.begin : gap.end])
        missed.append(errors)
        covered.append(errors <= COVERAGE_90 * estimate.std)
    return float(np.mean(np.concatenate(missed)) / case.values.std()), float(np.mean(np.concatenate(covered)))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--methods", default=",".join(METHODS))
    args = parser.parse_args()
    chosen = {name: METHODS[name] for name in args.methods.split(",")}
    series = cases()[:: args.every]
    results: dict[tuple[str, str, int], list[tuple[float, float]]] = defaultdict(list)
    points: dict[tuple[str, str], int] = defaultdict(int)
    seconds: dict[tuple[str, str], float] = defaultdict(float)
    for case in series:
        for size in SIZES:
            found = masked(case, size, args.seed)
            for name, method in chosen.items():
                estimates, took = filled(case, found, method)
                results[case.group, name, size].append(judged(case, found, estimates))
                points[case.group, name] += len(case.values)
                seconds[case.group, name] += took
    print("                                error / standard deviation     coverage of 90 % intervals     1,000")
    print(
        "series              method       " + _cells(SIZES, "{:>6d}") + "   " + _cells(SIZES, "{:>6d}") + "  points/s"
    )
    for group in dict.fromkeys(case.group for case in series):
        count = sum(case.group == group for case in series)
        for name in chosen:
            figures = np.array([np.mean(results[group, name, size], axis=0) for size in SIZES])
            rate = points[group, name] / seconds[group, name] / 1_000
            cells = _cells(figures[:, 0], "{:6.3f}") + "   " + _cells(figures[:, 1], "{:6.3f}")
            print(f"{count:3d} {group:15s} {name:13s} {cells}  {rate:8.0f}", flush=True)


def _cells(values: Iterable[float], form: str) -> str:
    return " ".join(form.format(value) for value in values)


if __name__ == "__main__":
    main()
