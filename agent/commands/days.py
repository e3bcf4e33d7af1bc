"""The day ahead by the exact schedule and by what was learnt, as `pump-agent optimise --compare` shows them."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agent.jobs.advice.situation import NotKnownError
from agent.jobs.job import JobContext
from agent.jobs.plans.policy import METHOD as LEARNT
from agent.jobs.plans.policy import learnt_day
from agent.jobs.schedule import problem_of
from analytics.policy.judgement import dearer
from analytics.schedule.plan import NoPlan, Plan
from analytics.schedule.solve import plan

EXACT = "exact schedule"


@dataclass(frozen=True, slots=True)
class Day:
    """The day ahead by one method."""

    method: str
    cost: float | None = None  # money, or kWh where there is no tariff
    gap: float | None = None  # over the exact schedule, as a share of what that spends
    violation: float | None = None  # share by which the worst limit is missed
    took_ms: float | None = None
    why: str | None = None  # why there is none, or whether it may advise


def days(context: JobContext) -> Iterator[Day]:
    """Both of them, where the station has a tank or well."""
    tank = context.settings.tank
    if tank is None:
        return
    try:
        problem = problem_of(context, tank)
    except NotKnownError as error:
        yield Day(EXACT, why=str(error))
        return
    began = time.process_time()
    exact = plan(problem)
    took_ms = _since(began)
    if isinstance(exact, NoPlan):
        yield Day(EXACT, took_ms=took_ms, why=exact.why)
        return
    yield _day(EXACT, exact, 0.0, took_ms)
    began = time.process_time()
    learnt = learnt_day(problem, context.settings.jobs.schedule.budget)
    if learnt.plan is None:
        yield Day(LEARNT, took_ms=_since(began), why=learnt.why)
    else:
        yield _day(LEARNT, learnt.plan, dearer(problem, exact, learnt.plan), _since(began), learnt.why)


def _since(began: float) -> float:
    return round(1_000 * (time.process_time() - began), 1)


def _day(method: str, found: Plan, gap: float, took_ms: float, why: str | None = None) -> Day:
    return Day(method, round(found.cost, 2), round(gap, 6), found.violation, took_ms, why)


def days_table(found: Sequence[Day]) -> str:
    """A row a method."""
    rows = [f"{'the day ahead by':24} {'cost':>9} {'dearer':>9} {'violation':>10} {'CPU ms':>8}"]
    for day in found:
        if day.cost is None or day.gap is None or day.violation is None:
            rows.append(f"{day.method:24} {day.why}")
            continue
        figures = f"{day.cost:9.2f} {day.gap:9.2%} {day.violation:10.1e} {day.took_ms or 0.0:8.1f}"
        rows.append(f"{day.method:24} {figures}  {day.why or ''}".rstrip())
    return "\n".join(rows)
