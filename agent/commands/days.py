"""The day ahead by the exact schedule and by what was learnt, as `pump-agent optimise --compare` shows them."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agent.jobs.advice.situation import NotKnownError
from agent.jobs.job import JobContext
from agent.jobs.plans.policy import METHOD as LEARNT
from agent.jobs.plans.policy import learnt_day
from agent.jobs.schedule import problem_of
from agent.tariff_settings import TariffSettings
from analytics.schedule.ending import ending
from analytics.schedule.plan import NoPlan

EXACT = "exact schedule"


@dataclass(frozen=True, slots=True)
class Day:
    """The day ahead by one method."""

    method: str
    cost: float | None = None  # money, or kWh where there is no tariff
    gap: float | None = None  # over the exact controller on days of wrong forecasts, a share of what that spends
    spread: float | None = None  # standard deviation of a day's
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
    problem, exact = ending(problem)
    took_ms = _since(began)
    if isinstance(exact, NoPlan):
        yield Day(EXACT, took_ms=took_ms, why=exact.why)
        return
    yield Day(EXACT, round(exact.cost, 2), 0.0, 0.0, exact.violation, took_ms)
    began = time.process_time()
    learnt = learnt_day(problem, context.settings.jobs.schedule.budget)
    found, judgement = learnt.plan, learnt.judgement
    if found is None or judgement is None:
        yield Day(LEARNT, took_ms=_since(began), why=learnt.why)
        return
    cost, gap, spread = round(found.cost, 2), round(judgement.gap, 6), round(judgement.spread, 6)
    yield Day(LEARNT, cost, gap, spread, found.violation, _since(began), learnt.why)


def _since(began: float) -> float:
    return round(1_000 * (time.process_time() - began), 1)


def days_table(found: Sequence[Day], tariff: TariffSettings) -> str:
    """A row a method, what it costs in the money of the *tariff*, or in energy where there is none."""
    unit = tariff.currency if tariff.is_priced else "kWh"
    rows = [f"{'the day ahead by':24} {unit:>9} {'dearer a day':>16} {'violation':>10} {'CPU ms':>8}"]
    for day in found:
        if day.cost is None or day.gap is None or day.spread is None or day.violation is None:
            rows.append(f"{day.method:24} {day.why}")
            continue
        dearer = f"{round(day.gap, 4) + 0.0:.2%} ± {day.spread:.2%}"
        figures = f"{day.cost:9.2f} {dearer:>16} {day.violation:10.1e} {day.took_ms or 0.0:8.1f}"
        rows.append(f"{day.method:24} {figures}  {day.why or ''}".rstrip())
    return "\n".join(rows)
