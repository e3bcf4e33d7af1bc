"""Schedules against published costs, wide searches of our own and a rule; part of ``make bench-dispatch``."""

import time
from dataclasses import replace

import numpy as np

from analytics.dispatch.lines import Line
from analytics.schedule.atlas import atlas
from analytics.schedule.choice import sets_of
from analytics.schedule.plan import NoPlan
from analytics.schedule.problem import Problem
from analytics.schedule.solve import VIOLATION, plan
from tests.analytics.schedule.enumeration import cheapest
from tests.analytics.schedule.programme import proved, widened
from tests.analytics.schedule.stations import HORIZONS, load, random_problem


def published() -> None:
    """The published cases, with what running by level would cost."""
    print(f"\n{'schedule':26} {'money':>10} {'published':>10} {'dearer':>9} {'violation':>9} {'CPU':>9}   by level")
    for path in HORIZONS:
        case = load(path)
        began = time.process_time()
        found = plan(case.problem)
        took = time.process_time() - began
        if isinstance(found, NoPlan):
            print(f"{case.name:26} {found.why}")
            continue
        dearer = found.cost / case.reference["cost"] - 1
        print(
            f"{case.name:26} {found.cost:10.4f} {case.reference['cost']:10.4f} {dearer:9.1e} {found.violation:9.1e} "
            f"{took:7.2f} s   {by_level(case.problem, found.cost)}"
        )


def by_level(problem: Problem, best: float) -> str:
    """A controller that adds pumps as the level leaves the middle, by the tables: its cost and what it breaks."""
    lines = [Line(unit.physics) for unit in problem.units]
    tables = atlas(problem, lines, sets_of(problem, lines))
    storage, volume, cost, starts = problem.storage, problem.storage.volume(np.array([problem.level])), 0.0, 0
    order = np.argsort(tables.sets.sum(axis=1), kind="stable")
    ran = np.array([unit.is_on for unit in problem.units])
    missed = 0.0
    for step in range(problem.steps):
        level = float(storage.level(volume)[0])
        share = (storage.high - level) / (storage.high - storage.low)
        need = share if storage.is_filled else 1 - share
        wanted = int(np.clip(np.floor(need * (len(problem.units) + 1)), 0, len(problem.units)))
        able = [one for one in order if tables.sets[one].sum() == wanted]
        rooms = [float(tables.between(tables.room, np.array([one]), volume)[0]) for one in able]
        chosen = np.array([able[int(np.argmax(rooms))]])
        flow = tables.between(tables.high, chosen, volume)
        power = tables.window(chosen, volume).power(flow[:, None])[:, 0]
        starts += int((tables.sets[chosen[0]] & ~ran).sum())
        ran = tables.sets[chosen[0]]
        cost += float(problem.price[step] * problem.step * power[0])
        volume = problem.after(volume, flow, problem.demand[step])
        missed = max(
            missed, storage.low - float(storage.level(volume)[0]), float(storage.level(volume)[0]) - storage.high
        )
    end = 0.0 if problem.level_end is None else storage.sign * (problem.level_end - float(storage.level(volume)[0]))
    cost += starts * problem.units[0].start_cost
    return f"{cost / best - 1:+.1%}, {starts} starts, ends {max(0.0, end):.2f} m short, {max(0.0, missed):.2f} m beyond"


def against_enumeration(count: int) -> None:
    """Small random days, every sequence tried."""
    worst = {"fixed": 0.0, "variable": 0.0}
    wrong = 0
    for seed in range(count):
        for kind, steps, share in (("fixed", 5, 0.0), ("variable", 3, 1.0)):
            if kind == "variable" and seed % 4:
                continue  # the general optimiser takes a second each
            problem = random_problem(seed, pumps=2, steps=steps, hours=float(steps), share_variable=share)
            found, reference = plan(problem), cheapest(problem)
            if isinstance(found, NoPlan) or reference is None:
                wrong += isinstance(found, NoPlan) != (reference is None)
                continue
            worst[kind] = max(worst[kind], (found.cost - reference) / max(reference, 1.0))
            wrong += found.violation > VIOLATION
    print(f"\n{count} small random days against every sequence tried: {wrong} misjudged; worst dearer: {worst}")


def against_programme(count: int, *, seconds: float = 60.0) -> None:
    """Random days of 5 pumps in hours, against what a mixed-integer programme proves of them."""
    dearer, slow, wrong = [], 0, 0
    for seed in range(20, 20 + count):
        problem = widened(random_problem(seed, pumps=5, steps=24))
        found, proof = plan(problem), proved(problem, seconds)
        if isinstance(found, NoPlan) or proof is None:
            wrong += isinstance(found, NoPlan) != (proof is None)
        elif proof.is_tight:
            dearer.append(found.cost / proof.bound - 1)
        else:
            slow += 1
    told = f"{np.median(dearer):.3%}, worst {np.max(dearer):.3%}" if dearer else "none"
    print(
        f"{count} random days, 5 pumps, 24 steps, against a mixed-integer programme: {wrong} misjudged, {slow} not "
        f"proved in {seconds:.0f} s; over the bound of the other {len(dearer)}: median {told}"
    )


def long_days(count: int) -> None:
    """Random days of 5 pumps and 96 steps: processor time, violations, and the cost against the one without timers."""
    took, over, infeasible, broken = [], [], 0, 0
    for seed in range(count):
        problem = random_problem(seed, pumps=5, steps=96)
        began = time.process_time()
        found = plan(problem)
        elapsed = time.process_time() - began
        if isinstance(found, NoPlan):
            infeasible += 1
            continue
        took.append(elapsed)
        broken += found.violation > VIOLATION
        free = tuple(replace(unit, min_on=1, min_off=1) for unit in problem.units)
        easier = plan(replace(problem, units=free))
        over.append(found.cost / easier.cost - 1 if not isinstance(easier, NoPlan) else np.nan)
    if took:
        spread = f"{np.nanmin(over):+.2%} to {np.nanmax(over):+.2%}"
        print(
            f"{count} random days, 5 pumps, 96 steps: {infeasible} infeasible, {broken} broken; CPU median "
            f"{np.median(took):.2f} s, worst {np.max(took):.2f} s; timers cost {spread}"
        )
