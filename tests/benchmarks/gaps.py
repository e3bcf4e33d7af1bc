"""Gap filling on the recorded station: error, coverage and speed for gaps of 1, 5, 30 and 120 samples.

`python -m tests.benchmarks.gaps` prints, for `linear` and `correlated`, the mean absolute error divided by the series'
standard deviation, the share of true values within the 90 % interval, and the values filled per second of CPU.
"""

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from analytics.gaps import correlated, linear
from analytics.gaps.gap import COVERAGE_90, Estimate, Gap, Window
from tests.real_station import recording

Floats = NDArray[np.float64]
PAST = 1_800  # samples a method may learn from
MASKS = 5  # a series and length
SIZES = (1, 5, 30, 120)
COMPANIONS = 16


def series() -> tuple[list[str], Floats]:
    """Every tag that moves and is no counter, shape (3600, tags)."""
    hour = recording().replace(3276.7, np.nan)
    names = [str(name) for name in hour if not str(name).endswith(("energy", "volume"))]
    names = [name for name in names if hour[name].std() > 1e-9]
    return names, hour[names].to_numpy(np.float64)


def judged(estimate: Estimate, truth: Floats, scale: float) -> tuple[float, float]:
    """Relative error and coverage."""
    missed = np.abs(estimate.values - truth)
    return float(missed.mean() / scale), float(np.mean(missed <= COVERAGE_90 * estimate.std))


def main(sizes: Sequence[int] = SIZES) -> None:
    """Print the table."""
    names, hour = series()
    random = np.random.default_rng(0)
    chosen = []
    for place in range(len(names)):
        others = np.delete(hour, place, 1)
        chosen.append(others[:, correlated.companions(hour[:PAST, place], others[:PAST], COMPANIONS)])
    print(f"{len(names)} series, {MASKS} masks each\nlength  method      error  coverage  values/s")
    for size in sizes:
        found: dict[str, list[tuple[float, float]]] = {"linear": [], "correlated": []}
        took = dict.fromkeys(found, 0.0)
        for place in range(len(names)):
            for begin in random.integers(PAST + 1, len(hour) - size - 1, MASKS):
                part = slice(begin - PAST, begin + size + 1)
                values = hour[part, place].copy()
                truth, gap = values[PAST : PAST + size].copy(), Gap(PAST, PAST + size)
                values[PAST : PAST + size] = np.nan
                window = Window(values, chosen[place][part])
                for name, method in (("linear", linear.fill), ("correlated", correlated.fill)):
                    began = time.process_time()
                    estimate = method(window, gap)
                    took[name] += time.process_time() - began
                    found[name].append(judged(estimate, truth, float(hour[:, place].std())))
        for name, results in found.items():
            error, coverage = np.mean(results, axis=0)
            rate = len(results) * size / took[name]
            print(f"{size:6d}  {name:10s}  {error:.3f}  {coverage:8.3f}  {rate:8.0f}")


if __name__ == "__main__":
    main()
