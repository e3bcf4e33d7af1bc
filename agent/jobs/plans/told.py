"""A plan as SCADA reads it: a row for each stretch of the same pumps, and what the plan was asked to keep."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

import numpy as np

from agent.jobs.advice.limits import service
from agent.jobs.advice.situation import Header, memories_of
from agent.jobs.advice.standing_alarms import standing_alarms
from agent.jobs.job import JobContext
from agent.jobs.plans.demand import MEMORY
from agent.jobs.plans.pressures import unchecked
from agent.jobs.plans.served import serving
from agent.jobs.plans.steps import begin_ms
from agent.jobs.plans.sure import Spread
from agent.jobs.plans.within import within_steps
from agent.mqtt.payloads import LeftOut, PlannedWorks, Schedule, ScheduleRow
from agent.tariff import instant_ms
from analytics.running import RUNNING
from analytics.schedule.plan import Plan
from analytics.schedule.problem import Problem, Unit

_SAME_SPEED = 0.005


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Steps with the same pumps at about the same speeds."""

    first: int
    last: int


def _stretches(found: Plan) -> list[_Stretch]:
    stretches: list[_Stretch] = []
    for place, step in enumerate(found.steps):
        before = found.steps[stretches[-1].first] if stretches else None
        same = before is not None and [each.id for each in before.running] == [each.id for each in step.running]
        if same and before is not None:
            pairs = zip(before.running, step.running, strict=True)
            same = all(abs(one.speed - other.speed) <= _SAME_SPEED for one, other in pairs)
        if same:
            stretches[-1] = replace(stretches[-1], last=place)
        else:
            stretches.append(_Stretch(place, place))
    return stretches


@dataclass(frozen=True, slots=True)
class Made:
    """How a plan was made."""

    method: str  # a sentence's part, for people
    beyond: tuple[str, ...]  # pumps that it runs beyond what their curves were learnt from
    spread: Spread | None  # of what it gives and takes; None: not known


def told(context: JobContext, problem: Problem, found: Plan, made: Made) -> Schedule:
    """*found* for *problem* as SCADA reads it."""
    settings = context.settings
    is_priced = settings.tariff.is_priced
    step_ms = round(3_600_000 * problem.step)
    start_ms = begin_ms(context.now_ms, step_ms)
    until_ms = start_ms + problem.steps * step_ms
    expected = MEMORY.restored(context.reader.job_state("forecast")[1]).expected
    sure, whole = made.spread, slice(None)
    rows = (_row(problem, found, sure, one, start_ms) for one in _stretches(found))
    return Schedule(
        id=f"schedule-{context.now_ms}",
        ts=context.now_ms,
        until=until_ms,
        station=settings.station.name,
        rows=tuple(rows if is_priced else map(_unpriced, rows)),
        energy_kwh=round(found.energy, 1),
        energy_std_kwh=None if sure is None else round(sure.energy(whole), 2),
        peak_kw=round(float(found.powers.max()), 1) if problem.peak_price else None,
        cost=round(found.cost - found.weighed + _left(problem, found), 2) if is_priced else None,
        cost_std=round(sure.cost(whole, problem.price), 3) if is_priced and sure is not None else None,
        weighed=round(found.weighed, 2) if is_priced and found.weighed else None,
        currency=settings.tariff.currency if is_priced else None,
        method=made.method,
        starts=found.starts,
        level_end=None if problem.level_end is None else round(problem.level_end, 2),
        water_value=round(problem.water_value, 4) if is_priced and problem.level_end is None else None,
        beyond_learnt=made.beyond,
        forecast=expected.method if expected else None,
        left_out=left_out(context, problem.units),
        works=tuple(_works(context, problem, start_ms, until_ms)),
        unchecked=unchecked(serving(settings)[0], problem),
        within_steps=within_steps(problem, found, start_ms, ZoneInfo(settings.station.time_zone)),
    )


def left_out(context: JobContext, units: Sequence[Unit]) -> tuple[LeftOut, ...]:
    """Pumps that no plan of the *units* uses, each with what keeps it out."""
    found, planned = list[LeftOut](), {unit.id for unit in units}
    for header in (Header(context, each) for each in serving(context.settings)):
        running = [pump for pump, memory in memories_of(header).items() if memory.state == RUNNING]
        alarms = standing_alarms(context, header.settings, header.pumps, running)
        for pump in (each for each in header.pumps if each.id not in planned):
            alarm = alarms.pumps.get(pump.id) or alarms.inlets.get(pump.id)
            said = service(context, pump)
            why = "Its curve is not known yet." if said.is_out is False else "It is not available."
            if (told := said.said_of("it")) is not None:
                why = f"{told[0].upper()}{told[1:]}."
            if alarm is not None:
                why = f"Its alarm stands: {alarm.removesuffix('.')}."
            found.append(LeftOut(pump=pump.id, why=why))
    served = {header.id for header in serving(context.settings)}
    others = (pump for pump in context.settings.pumps if pump.header not in served)
    return (*found, *(LeftOut(pump=pump.id, why=f"Its header {pump.header} is not the tank's.") for pump in others))


def _works(context: JobContext, problem: Problem, start_ms: int, until_ms: int) -> Iterator[PlannedWorks]:
    """Works on pumps that the plan could have used and leaves standing meanwhile, as far as it reaches."""
    zone = ZoneInfo(context.settings.station.time_zone)
    planned = {unit.id for unit in problem.units}
    for pump in context.settings.pumps:
        for times in pump.maintenance if pump.id in planned else ():
            begin_ms, end_ms = (instant_ms(each, zone) for each in times)
            if begin_ms < until_ms and end_ms > start_ms:
                yield PlannedWorks(pump=pump.id, start=max(begin_ms, start_ms), until=min(end_ms, until_ms))


def _left(problem: Problem, found: Plan) -> float:
    """What the plan takes off its cost for the water that is left, money."""
    first, last = problem.storage.volume(np.array([problem.level, found.steps[-1].level])).tolist()
    return float(problem.water_value * problem.storage.sign * (last - first))


def _row(problem: Problem, found: Plan, sure: Spread | None, stretch: _Stretch, start_ms: int) -> ScheduleRow:
    own = slice(stretch.first, stretch.last + 1)
    steps = found.steps[own]
    energy = np.array([step.power for step in steps]) * problem.step
    row = ScheduleRow(
        start=start_ms + stretch.first * round(3_600_000 * problem.step),
        pumps=tuple(each.id for each in steps[0].running),
        speeds=tuple(round(each.speed, 3) for each in steps[0].running),
        flow=round(float(np.mean([step.flow for step in steps])), 1),
        level=round(steps[-1].level, 2),
        power_kw=round(float(np.mean([step.power for step in steps])), 2),
        cost=round(float(problem.price[own] @ energy), 2),
    )
    if sure is None:
        return row
    hours, level_std = problem.step * len(steps), float(sure.level[stretch.last])
    stds = {
        "flow_std": round(sure.flow(own, hours), 2),
        "level_std": round(level_std, 3) if np.isfinite(level_std) else None,
        "power_std": round(sure.energy(own) / hours, 3),
        "cost_std": round(sure.cost(own, problem.price), 3),
    }
    return row.model_copy(update=stds)


def _unpriced(row: ScheduleRow) -> ScheduleRow:
    return row.model_copy(update={"cost": None, "cost_std": None})
