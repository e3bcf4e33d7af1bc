"""The exact solver against published optima and a slow enumeration; run as ``python -m tests.benchmarks.dispatch [N]``.

Prints the published cases and, with N, as many random stations of 1 to 5 pumps: cost beside the reference, largest
violation, certified gap, processor time (best of five, without the reference's).
"""

import sys
import time
from collections.abc import Sequence

import numpy as np

from analytics.dispatch.demand import Demand
from analytics.dispatch.duty import Dispatch, Infeasible
from analytics.dispatch.pump import Candidate
from analytics.dispatch.solve import solve
from tests.analytics.dispatch.enumeration import cheapest
from tests.analytics.dispatch.plates import CASES, load, violation
from tests.analytics.dispatch.stations import random_station

ROUNDS = 5


def timed(pumps: Sequence[Candidate], demand: Demand) -> tuple[Dispatch | Infeasible, float]:
    """The answer and its processor time, ms."""
    took = []
    for _ in range(ROUNDS):
        began = time.process_time()
        found = solve(pumps, demand)
        took.append(1_000 * (time.process_time() - began))
    return found, min(took)


def row(pumps: tuple[Candidate, ...], demand: Demand, reference: float | None) -> tuple[str, float, float]:
    """A line of the table, how much dearer than the reference (share; infinite: feasibility misjudged), and ms."""
    found, took = timed(pumps, demand)
    if isinstance(found, Infeasible) or reference is None:
        agrees = isinstance(found, Infeasible) and reference is None
        return f"{'infeasible' if agrees else 'MISJUDGED'} {took:6.1f} ms", 0.0 if agrees else np.inf, took
    broken = violation(pumps, demand, {duty.id: (duty.speed, duty.flow) for duty in found.duties})
    dearer = (found.cost - reference) / found.power
    text = f"{found.cost:11.4f} {reference:11.4f} {dearer:9.1e} {broken:9.1e} {found.gap:9.1e} {took:6.1f} ms"
    return text, np.inf if broken > 1e-6 else dearer, took


def main() -> None:
    """Print both tables."""
    print(f"{'case':24} {'kW':>11} {'reference':>11} {'dearer':>9} {'violation':>9} {'gap':>9}")
    results = []
    for path in sorted(CASES.glob("static_*.json")):
        case = load(path)
        text, dearer, took = row(case.pumps, case.demand, case.reference["cost"])
        print(f"{case.name:24} {text}")
        results.append((dearer, took))
    for seed in range(int(sys.argv[1]) if len(sys.argv) > 1 else 0):
        pumps, demand = random_station(seed)
        text, dearer, took = row(pumps, demand, cheapest(pumps, demand))
        print(f"random {seed:4} {len(pumps)} pumps      {text}")
        results.append((dearer, took))
    worst, took = np.max(results, axis=0)
    median = float(np.median(np.array(results)[:, 1]))
    print(f"worst {worst:.1e} of the power dearer; median {median:.1f} ms, worst {took:.1f} ms")


if __name__ == "__main__":
    main()
