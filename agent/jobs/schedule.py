"""The schedule job: the cheapest way through the next day, planned anew each run; or why there is none."""

import time
from dataclasses import replace
from zoneinfo import ZoneInfo

import numpy as np

from agent import tariff
from agent.jobs.advice.situation import Header, NotKnownError
from agent.jobs.evidence import suction_tag
from agent.jobs.job import JobContext, Outcome
from agent.jobs.plans import peak, policy
from agent.jobs.plans.demand import MEMORY, SLOT_MS, DemandState, Expected, storage_of
from agent.jobs.plans.pressures import pressures_of
from agent.jobs.plans.served import serving
from agent.jobs.plans.steps import QUARTER_MS, begin_ms, drawn_std, steps_of
from agent.jobs.plans.sure import spread
from agent.jobs.plans.told import Made, left_out, told
from agent.jobs.plans.units import beyond, model_of, units_of, wanted, widened
from agent.jobs.plans.within import kept_within
from agent.maintenance import is_out
from agent.mqtt.payloads import LeftOut, Schedule
from agent.plant import TankSettings
from agent.store.records import Record
from agent.window import Frame, frame
from analytics.dispatch.operation import listed
from analytics.hydraulics import Floats
from analytics.schedule.ending import ending
from analytics.schedule.plan import NoPlan, Plan
from analytics.schedule.problem import Problem, System

LATE_MS = 2 * 3_600_000  # a forecast made longer ago is stale
LEVEL_MS = 180_000  # of the past whose median is the level now
METHOD = "dynamic programme, forward search, exact replay"
INSTEAD = "The advice for now stands."
_LEAST_MINUTES = 60.0  # of pumping, before what the pumps work against is known
_MOST_SCATTER = 0.05  # of the static head, that the head may be off what level and flow make of it
_HOUR_MS = 3_600_000


def run(context: JobContext) -> Outcome:
    """Plan the next day of a station with a tank or well."""
    tank = context.settings.tank
    if tank is None:
        return Outcome(mark=context.reader.last_id)
    charged = peak.peak_so_far(context) if context.settings.tariff.demand_charge else None
    try:
        found = _planned(context, tank, charged.kw if charged else 0.0)
    except NotKnownError as error:
        found = _none(context, f"{error} {INSTEAD}")
    doubt = _doubt(context, tank)
    doubts = "; ".join(filter(None, (doubt, _unlisted(context, found)))) or None
    record = Record("schedule", "", context.now_ms, found.model_copy(update={"doubt": doubts}).encode())
    state = peak.MEMORY.encode(charged) if charged else None
    counts = {"schedule_rows": len(found.rows)}
    return Outcome(mark=context.reader.last_id, state=state, records=[record], counts=counts, doubt=doubt)


def _doubt(context: JobContext, tank: TankSettings) -> str | None:
    """Which tags were hardly measured: of what is taken as it is now, and of the newest half hours of the forecast."""
    inlets = [tag for header in serving(context.settings) for tag in (suction_tag(header), header.temperature) if tag]
    said = _newest(context, [tank.level, *inlets]).doubt()
    forecast = MEMORY.restored(context.reader.job_state("forecast")[1]).doubt
    return "; ".join(filter(None, (said, forecast and f"of what the forecast has seen last, {forecast}"))) or None


def _unlisted(context: JobContext, found: Schedule) -> str | None:
    """That the plan has hours for which no price of the market is listed, a clause; of several such times the first."""
    if not found.rows or not context.settings.tariff.spot:
        return None
    zone = ZoneInfo(context.settings.station.time_zone)
    times_ms = np.arange(found.rows[0].start, found.until, QUARTER_MS)
    is_listed = tariff.is_listed(context.settings.tariff, times_ms, zone)
    if is_listed.all():
        return None
    first = int(np.argmin(is_listed))
    again = times_ms[first:][is_listed[first:]].tolist()
    until = f"to {tariff.local(again[0], zone):%Y-%m-%d %H:%M}" if again else "on"
    since = tariff.local(int(times_ms[first]), zone)
    return f"no price of the market is listed from {since:%Y-%m-%d %H:%M} {until}: the usual price counts there"


def _newest(context: JobContext, tags: list[str]) -> Frame:
    return frame(context.reader, context.settings, tags, context.now_ms - LEVEL_MS, context.now_ms, 10_000)


def _planned(context: JobContext, tank: TankSettings, peak_kw: float) -> Schedule:
    began = time.perf_counter()
    problem = replace(problem_of(context, tank), peak_price=context.settings.tariff.demand_charge, peak=peak_kw)
    units = problem.units
    problem, found = _solved(problem)
    if isinstance(found, NoPlan):
        problem, found = _solved(replace(problem, units=widened(planned_header(context), context, units)))
    if isinstance(found, NoPlan):
        return _none(context, f"{_at(context, found)} {INSTEAD}", left_out(context, units))
    method = f"{METHOD} in {1_000 * (time.perf_counter() - began):.0f} ms"
    asked = context.settings.jobs.schedule
    if asked.method == policy.METHOD:
        learnt = policy.learnt_day(problem, max(0.0, asked.budget - (time.perf_counter() - began)))
        found, method = (learnt.advice, learnt.why) if learnt.advice else (found, f"{method}. {learnt.why}")
    sure = spread(model_of(planned_header(context), context), problem, found, _drawn_std(context, problem.steps))
    return told(context, problem, found, Made(method, beyond(units, found), sure))


def _solved(problem: Problem) -> tuple[Problem, Plan | NoPlan]:
    """A plan, and what it is of; a little tighter where steps need it."""
    problem, found = ending(problem)
    return problem, kept_within(problem, found) if isinstance(found, Plan) else found


def problem_of(context: JobContext, tank: TankSettings) -> Problem:
    """The day ahead as it is known now; NotKnownError where it is not."""
    header = planned_header(context)
    kept = MEMORY.restored(context.reader.job_state("forecast")[1])
    expected = _fresh(kept, context.now_ms)
    storage, level = storage_of(tank), _level(context, tank)
    asked = context.settings.jobs.schedule
    steps = steps_of(
        kept, expected, storage, context.now_ms, asked.step_ms, round(asked.horizon * _HOUR_MS / asked.step_ms)
    )
    zone, count = ZoneInfo(context.settings.station.time_zone), len(steps.demand)
    price = tariff.prices(context.settings.tariff, steps.quarters_ms.ravel(), zone).reshape(count, -1).mean(axis=1)
    units = units_of(header, context, count)
    pumps = {pump.id: pump for pump in header.pumps}
    worth = tank.water_value if context.settings.tariff.is_priced else None
    out = np.stack([is_out(pumps[unit.id], steps.times_ms, asked.step_ms, zone) for unit in units], axis=1)
    return Problem(
        units=units,
        locked=np.where(out, -1, wanted(units, pumps, count)).astype(np.int8),
        storage=storage,
        system=_system(kept),
        step=asked.step_ms / _HOUR_MS,
        level=level,
        price=price if price.any() else np.ones(count),  # no tariff: the least energy
        demand=steps.demand,
        demand_std=steps.std,
        level_end=_level_end(tank, level) if worth is None else None,
        water_value=worth or 0.0,
        pressures=pressures_of(context, header.settings, tank, level, LEVEL_MS),
        margin=steps.margin,
    )


def _drawn_std(context: JobContext, steps: int) -> Floats:
    """Of all that the forecast may miss by the end of each step, m³."""
    expected = _fresh(MEMORY.restored(context.reader.job_state("forecast")[1]), context.now_ms)
    step_ms = context.settings.jobs.schedule.step_ms
    return drawn_std(expected, begin_ms(context.now_ms, step_ms), step_ms, steps)


def _level_end(tank: TankSettings, level: float) -> float:
    """No worse than now, and no better than the middle, m."""
    middle = (tank.level_min + tank.level_max) / 2
    return min(level, middle) if tank.kind == "tank" else max(level, middle)


def planned_header(context: JobContext) -> Header:
    """The header whose pumps fill or empty the tank; NotKnownError where there is none, or nobody says which."""
    headers = [Header(context, each) for each in serving(context.settings)]
    if len(headers) > 1:
        ids = listed([header.settings.id for header in headers])
        raise NotKnownError(f"Nothing says which of {ids} has the pumps of the tank; write its header in [tank].")
    if not headers or not headers[0].pumps:
        raise NotKnownError("A schedule needs one header with pumps that fill or empty the tank.")
    return headers[0]


def _fresh(kept: DemandState, now_ms: int) -> Expected:
    """The forecast, if it can be relied on."""
    if kept.expected is None:
        raise NotKnownError(f"There is no forecast of what is drawn: {kept.why}")
    age_ms = now_ms - kept.expected.made_ms
    if age_ms > LATE_MS or now_ms - kept.expected.start_ms > LATE_MS + SLOT_MS:
        raise NotKnownError(f"The forecast of what is drawn is stale: made {age_ms // 60_000} min ago.")
    return kept.expected


def _level(context: JobContext, tank: TankSettings) -> float:
    values = _newest(context, [tank.level]).values[tank.level]
    known = values[np.isfinite(values)]
    if not len(known):
        raise NotKnownError(f"{tank.level} has had no good value in the last {LEVEL_MS // 60_000} min.")
    return float(np.median(known))


def _system(kept: DemandState) -> System:
    if kept.system.n < _LEAST_MINUTES:
        raise NotKnownError("It is not known yet how the head depends on the level and the flow.")
    static, resistance, scatter = kept.system.fit
    if scatter > _MOST_SCATTER * abs(static):
        raise NotKnownError(
            f"The head is {scatter:.1f} m off what the tank's level and the flow make of it: the pumps do not work "
            "against this tank alone."
        )
    return System(static, resistance)


def _at(context: JobContext, found: NoPlan) -> str:
    if found.step is None:
        return found.why
    zone = ZoneInfo(context.settings.station.time_zone)
    step_ms = context.settings.jobs.schedule.step_ms
    when = tariff.local(begin_ms(context.now_ms, step_ms) + found.step * step_ms, zone)
    return f"{found.why.removesuffix('.')}, at about {when:%H:%M}."


def _none(context: JobContext, why: str, spared: tuple[LeftOut, ...] = ()) -> Schedule:
    return Schedule(
        id=f"schedule-{context.now_ms}",
        ts=context.now_ms,
        until=context.now_ms,
        station=context.settings.station.name,
        left_out=spared,
        why=why,
    )
