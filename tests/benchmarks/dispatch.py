"""The exact solver beside its peers and references, and schedules.

    python -m tests.benchmarks.dispatch [N]

Published cases, and N (200 if not said) random stations of 1 to 5 pumps of each of three kinds, and as many small days,
against slow references: cost, largest violation, certified gap, processor time. Peers begin without the exact solution
here; those the product offers begin with it. 200 take some ten minutes of processor time, and what is proved of whole
days by a mixed-integer programme up to six more.
"""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analytics.dispatch.demand import Demand
from analytics.dispatch.duty import Dispatch, Infeasible
from analytics.dispatch.pump import Candidate
from analytics.dispatch.solve import solve
from tests.analytics.dispatch.enumeration import cheapest
from tests.analytics.dispatch.plates import CASES, load, violation
from tests.analytics.dispatch.stations import limited_station, random_station, required_station
from tests.benchmarks import schedules
from tests.benchmarks.dispatch_peers import ways

ROUNDS = 5
STATIONS = 200
FOR_PEERS = 20  # of them
DAYS = 6  # that a mixed-integer programme has a minute each to prove something of
LONG_DAYS = 12
KEPT = 1e-6  # share of a limit that counts as kept
Pumps = tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """How one case was solved; infinite numbers: feasibility misjudged."""

    text: str
    dearer: float = 0.0  # share of the power, than the reference
    broken: float = 0.0  # share of a limit
    gap: float = 0.0  # as it is certified
    took: float = 0.0  # ms of processor time


def timed(pumps: Sequence[Candidate], demand: Demand) -> tuple[Dispatch | Infeasible, float]:
    """The answer and its processor time, ms."""
    took = []
    for _ in range(ROUNDS):
        began = time.process_time()
        found = solve(pumps, demand)
        took.append(1_000 * (time.process_time() - began))
    return found, min(took)


def solved(pumps: Pumps, demand: Demand, reference: float | None) -> Result:
    """The exact solver's answer beside that of the *reference*, which is None where nothing is feasible."""
    found, took = timed(pumps, demand)
    if isinstance(found, Infeasible) or reference is None:
        agrees = isinstance(found, Infeasible) and reference is None
        wrong = 0.0 if agrees else np.inf
        return Result(f"{'infeasible' if agrees else 'MISJUDGED'} {took:6.1f} ms", wrong, took=took)
    broken = violation(pumps, demand, {duty.id: (duty.speed, duty.flow) for duty in found.duties})
    dearer = (found.cost - reference) / found.power
    text = f"{found.cost:11.4f} {reference:11.4f} {dearer:9.1e} {broken:9.1e} {found.gap:9.1e} {took:6.1f} ms"
    return Result(text, dearer, broken, found.gap, took)


def exact(stations: int) -> None:
    """The exact solver on published cases and *stations* random ones of each kind."""
    print(f"{'case':24} {'kW':>11} {'reference':>11} {'dearer':>9} {'violation':>9} {'gap':>9}")
    cases = [load(path) for path in sorted(CASES.glob("static_*.json"))]
    results = [solved(case.pumps, case.demand, case.reference["cost"]) for case in cases]
    for case, one in zip(cases, results, strict=True):
        print(f"{case.name:24} {one.text}")
    print(summary("published cases", results), flush=True)
    for name, kind in {"random": random_station, "limited": limited_station, "required": required_station}.items():
        found = []
        for seed in range(stations):
            pumps, demand = kind(seed)
            found.append(solved(pumps, demand, cheapest(pumps, demand)))
            if not found[-1].dearer < KEPT or found[-1].broken > KEPT:
                print(f"{name:8} {seed:4} {len(pumps)} pumps    {found[-1].text}")
        print(summary(f"{name} stations", found), flush=True)


def summary(name: str, results: Sequence[Result]) -> str:
    """A line of all *results*."""
    wrong = sum(not np.isfinite(one.dearer) for one in results)
    judged = [one for one in results if np.isfinite(one.dearer)]
    dearer, broken, gap = (
        max((getattr(one, key) for one in judged), default=0.0) for key in ("dearer", "broken", "gap")
    )
    took = [one.took for one in results]
    return (
        f"{len(results)} {name}: {wrong} misjudged; at most {dearer:.1e} of the power dearer, {broken:.1e} of a limit "
        f"broken, certified gap {gap:.1e}; CPU median {np.median(took):.1f} ms, worst {max(took):.1f} ms"
    )


def posed(stations: int) -> list[tuple[Pumps, Demand, float]]:
    """What peers are asked: the published cases, and those of *stations* random ones that are feasible, with costs."""
    cases = [load(path) for path in sorted(CASES.glob("static_*.json"))]
    found = [(case.pumps, case.demand, float(case.reference["cost"])) for case in cases]
    for seed in range(stations):
        pumps, demand = random_station(seed)
        best = solve(pumps, demand)
        if isinstance(best, Dispatch):
            found.append((pumps, demand, best.cost))
    return found


def peers(stations: int) -> None:
    """What others make of the published cases and of *stations* random ones."""
    asked = posed(stations)
    print(f"\n{'peer':32} {'feasible':>10} {'worst dearer':>13} {'median dearer':>14} {'CPU median':>11} {'worst':>10}")
    for name, way in ways().items():
        dearer, took = [], []
        for pumps, demand, cost in asked:
            began = time.process_time()
            found = way(pumps, demand)
            took.append(1_000 * (time.process_time() - began))
            if found.violation <= KEPT:
                dearer.append((found.cost - cost) / abs(cost))
        said = f"{max(dearer):13.1e} {np.median(dearer):14.1e}" if dearer else f"{'':28}"
        print(
            f"{name:32} {len(dearer):3} of {len(asked):3} {said} {np.median(took):8.0f} ms {max(took):7.0f} ms",
            flush=True,
        )


def main() -> None:
    """Print every table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else STATIONS
    exact(count)
    peers(min(count, FOR_PEERS))
    schedules.published()
    schedules.against_enumeration(count)
    schedules.against_programme(DAYS)
    schedules.long_days(LONG_DAYS)


if __name__ == "__main__":
    main()
