"""The exact solver beside its peers and references, and schedules; run as ``python -m tests.benchmarks.dispatch [N]``.

Prints the published cases and, with N, as many random stations of 1 to 5 pumps and small days against slow references:
cost, largest violation, certified gap, processor time. Peers begin without the exact solution here; those the product
offers begin with it.
"""

import sys
import time
from collections.abc import Callable, Sequence

import numpy as np

from analytics.dispatch.demand import Demand
from analytics.dispatch.duty import Dispatch, Infeasible
from analytics.dispatch.metaheuristics import METHODS, Attempt, Landscape, equal_speed_rule, search
from analytics.dispatch.pump import Candidate
from analytics.dispatch.solve import solve
from tests.analytics.dispatch.enumeration import cheapest
from tests.analytics.dispatch.plates import CASES, load, violation
from tests.analytics.dispatch.stations import limited_station, random_station, required_station
from tests.benchmarks import schedules

ROUNDS = 5
KEPT = 1e-6  # share of a limit that counts as kept


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
    return text, np.inf if broken > KEPT else dearer, took


def exact(stations: int) -> None:
    """The exact solver on published cases and *stations* random ones."""
    print(f"{'case':24} {'kW':>11} {'reference':>11} {'dearer':>9} {'violation':>9} {'gap':>9}")
    results = []
    for path in sorted(CASES.glob("static_*.json")):
        case = load(path)
        text, dearer, took = row(case.pumps, case.demand, case.reference["cost"])
        print(f"{case.name:24} {text}")
        results.append((dearer, took))
    kinds = {"random": random_station, "limited": limited_station, "required": required_station}
    for name, kind in kinds.items():
        for seed in range(stations):
            pumps, demand = kind(seed)
            text, dearer, took = row(pumps, demand, cheapest(pumps, demand))
            print(f"{name:8} {seed:4} {len(pumps)} pumps    {text}")
            results.append((dearer, took))
    if results:
        worst, took = np.max(results, axis=0)
        median = float(np.median(np.array(results)[:, 1]))
        print(f"worst {worst:.1e} of the power dearer; median {median:.1f} ms, worst {took:.1f} ms")


def peers() -> None:
    """What others make of the published cases."""
    print(f"\n{'peer':24} {'feasible':>9} {'worst dearer':>13} {'median dearer':>14} {'CPU median':>11}")
    cases = [load(path) for path in sorted(CASES.glob("static_*.json"))]
    rule: Callable[[tuple[Candidate, ...], Demand], Attempt] = equal_speed_rule
    ways = {"equal-speed lead and lag": rule}
    for method in METHODS:
        ways[method] = lambda pumps, demand, method=method: search(Landscape(pumps, demand), method, seed=1)  # type: ignore[misc]
    for name, way in ways.items():
        dearer, took = [], []
        for case in cases:
            began = time.process_time()
            found = way(case.pumps, case.demand)
            took.append(1_000 * (time.process_time() - began))
            if found.violation <= KEPT:
                dearer.append(found.cost / case.reference["cost"] - 1)
        if dearer:
            print(
                f"{name:24} {len(dearer):3} of {len(cases):2} {max(dearer):13.1e} {np.median(dearer):14.1e} "
                f"{np.median(took):8.0f} ms"
            )


def main() -> None:
    """Print every table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    exact(count)
    peers()
    schedules.published()
    schedules.against_enumeration(max(count, 12))
    schedules.against_programme(max(count // 4, 6))
    schedules.long_days(max(count // 4, 6))


if __name__ == "__main__":
    main()
