"""`pump-agent optimise`: the last known operation of each header, solved exactly and by whatever else there is."""

import json
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

from agent.cli import ENERGY, MENDABLE
from agent.commands.days import days, days_table
from agent.commands.front import front_json, front_table
from agent.commands.objective import ObjectiveError, objective_of
from agent.configuration.config_file import load
from agent.jobs.advice.searches import REACH, searches
from agent.jobs.front import traded
from agent.jobs.job import JobContext
from agent.settings import AgentSettings
from agent.store.errors import StorageError
from agent.store.reader import Reader
from analytics.dispatch.demand import Demand
from analytics.dispatch.duty import Dispatch, Infeasible
from analytics.dispatch.metaheuristics import (
    KEPT,
    METHODS,
    Attempt,
    Landscape,
    Method,
    Objective,
    equal_speed_rule,
    search,
)
from analytics.dispatch.proposal import SEED, Search
from analytics.dispatch.pump import Array, Candidate
from analytics.dispatch.solve import solve

EXACT = "exact"
RULE = "one speed for all"


@dataclass(frozen=True, slots=True)
class Line:
    """One method at one header."""

    header: str
    method: str
    cost_kw: float | None = None
    gap: float | None = None  # over the exact lower bound, as a share
    violation: float | None = None  # share by which the worst limit is missed
    took_ms: float | None = None
    pumps: str = ""
    why: str | None = None  # where there is nothing


def run(args: Namespace) -> int:
    """Print one table, or with --front the ways that no other beats."""
    settings = load(args.config)
    if (why := _mistaken(args, settings)) is not None:
        print(why, file=sys.stderr)
        return MENDABLE
    try:
        with Reader(settings.storage.path) as reader:
            if args.front:
                fronts = list(traded(_context(settings, reader)))
                print(front_json(fronts) if args.json else front_table(fronts))
                return 0
            lines = list(compared(settings, reader, everything=args.compare, objective=args.objective))
            ahead = list(days(_context(settings, reader))) if args.compare else []
    except (StorageError, ObjectiveError) as error:
        print(error, file=sys.stderr)
        return MENDABLE
    if args.json:
        print(json.dumps([*(asdict(line) for line in lines), *(asdict(day) for day in ahead)]))
    else:
        print("\n\n".join([lines_table(lines), *([days_table(ahead, settings.tariff)] if ahead else [])]))
    return 0


def _mistaken(args: Namespace, settings: AgentSettings) -> str | None:
    """What a person must mend before anything is looked at."""
    if args.front and args.objective != ENERGY:
        return "--objective says nothing to --front, which weighs energy, starts and pressure; leave one of them out"
    if not settings.storage.path.exists():
        path = settings.storage.path
        return f"there is no store at {path} yet; start the agent (pump-agent run), or take history in (import)"
    return None


def _context(settings: AgentSettings, reader: Reader) -> JobContext:
    """What jobs would see at the newest reading."""
    _, latest_ms = reader.extent
    return JobContext(settings, reader, 0, None, latest_ms)


def compared(settings: AgentSettings, reader: Reader, *, everything: bool, objective: str = ENERGY) -> Iterator[Line]:
    """The last known operation of each header, by the exact solver and, with *everything*, by all others.

    Whatever the *objective*, the exact solver answers for the least energy, and the others begin there.

    Raises:
        ObjectiveError: It is none, or gives what nothing can be compared by.
    """
    beside = objective_of(objective)
    for header, asked in searches(_context(settings, reader)):
        if isinstance(asked, str):
            yield Line(header, EXACT, why=asked)
        else:
            yield from _lines(header, asked, everything=everything, beside=beside)


def _lines(header: str, asked: Search, *, everything: bool, beside: Objective | None) -> Iterator[Line]:
    candidates, demand = asked.candidates(REACH), asked.demand()
    began = time.process_time()
    best = solve(candidates, demand)
    took_ms = 1_000 * (time.process_time() - began)
    if isinstance(best, Infeasible):
        yield Line(header, EXACT, why=best.why, took_ms=round(took_ms, 1))
        return
    landscape = Landscape(candidates, demand, beside)
    start = landscape.vector(best)
    said = ", ".join(f"{duty.id} {duty.speed:.1%}" for duty in best.duties)
    here = landscape.attempt(start)
    cost = best.cost if beside is None else here.cost
    gap = round(max(0.0, cost - best.bound) / best.power, 7)
    yield Line(header, EXACT, round(cost, 3), gap, here.violation, round(took_ms, 1), said)
    if not everything:
        return
    for method in METHODS:
        yield _tried(header, method, best, _searching(landscape, method, start))
    if beside is None:
        yield _tried(header, RULE, best, _ruling(candidates, demand))


def _searching(landscape: Landscape, method: Method, start: Array) -> Callable[[], Attempt]:
    return lambda: search(landscape, method, seed=SEED, start=start)


def _ruling(candidates: list[Candidate], demand: Demand) -> Callable[[], Attempt]:
    return lambda: equal_speed_rule(candidates, demand)


def _tried(header: str, method: str, best: Dispatch, attempt: Callable[[], Attempt]) -> Line:
    """A method that begins with the exact answer, except the rule, and is never believed where it breaks a limit.

    The exact bound holds for its objective too, as that only adds to the energy.
    """
    began = time.process_time()
    found = attempt()
    took_ms = 1_000 * (time.process_time() - began)
    said = ", ".join(f"{name} {speed:.1%}" for name, speed, _ in found.duties)
    gap = (found.cost - best.bound) / best.power
    return Line(header, method, round(found.cost, 3), round(gap, 7) + 0.0, found.violation, round(took_ms, 1), said)


def lines_table(lines: list[Line]) -> str:
    """A row a method, of each header."""
    if not lines:
        return "no header of this station has pumps"
    shown = [f"{'header':10} {'method':24} {'kW':>9} {'gap':>9} {'violation':>10} {'CPU ms':>8}  pumps"]
    for line in lines:
        if line.cost_kw is None or line.gap is None or line.violation is None:
            shown.append(f"{line.header:10} {line.method:24} {line.why}")
            continue
        mark = "  breaks a limit" if line.violation > KEPT else ""
        gap = round(line.gap, 4) + 0.0  # no -0.00%
        shown.append(
            f"{line.header:10} {line.method:24} {line.cost_kw:9.2f} {gap:9.2%} {line.violation:10.1e} "
            f"{line.took_ms or 0.0:8.1f}  {line.pumps}{mark}"
        )
    return "\n".join(shown)
