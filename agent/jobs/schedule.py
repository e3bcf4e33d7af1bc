"""The schedule job: the cheapest way through the next day, planned anew each run; or why there is none."""

import time
from collections.abc import Mapping
from dataclasses import replace
from math import ceil, inf
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from agent import tariff
from agent.jobs.advice.situation import Header, NotKnownError, limits_of, memories_of
from agent.jobs.advice.standing_alarms import standing_alarms
from agent.jobs.curves import models_from_state
from agent.jobs.duties.npsh import need
from agent.jobs.evidence import pumps_of, suction_tag
from agent.jobs.job import JobContext, Outcome
from agent.jobs.plans import peak, policy
from agent.jobs.plans.demand import MEMORY, SLOT_MS, DemandState, Expected, storage_of
from agent.jobs.plans.pressures import pressures_of
from agent.jobs.plans.steps import begin_ms, steps_of
from agent.jobs.plans.told import left_out, told
from agent.maintenance import is_out
from agent.mqtt.payloads import LeftOut, Schedule
from agent.plant import PumpSettings, TankSettings
from agent.store.records import Record
from agent.window import Frame, frame
from analytics.curves.model import StationModel
from analytics.dispatch.fitted import fitted
from analytics.dispatch.pump import Physics
from analytics.running import RUNNING, STOPPED, Memory
from analytics.schedule.plan import NoPlan
from analytics.schedule.problem import LONG, Problem, System, Unit
from analytics.schedule.solve import plan

LATE_MS = 2 * 3_600_000  # a forecast made longer ago is stale
LEVEL_MS = 180_000  # of the past whose median is the level now
METHOD = "dynamic programme, forward search, exact replay"
INSTEAD = "The advice for now stands."
_LEAST_MINUTES = 60.0  # of pumping, before what the pumps work against is known
_MOST_SCATTER = 0.05  # of the static head, that the head may be off what level and flow make of it
_HOUR_MS = 3_600_000
_WEIGHT = 9.81 / 3600  # kW per m³/h and m
_EFFICIENCY = 0.65  # from wire to water, about
_REACH = 0.05  # share by which learnt ranges may be left: levels will be that were not yet


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
    record = Record("schedule", "", context.now_ms, found.model_copy(update={"doubt": doubt}).encode())
    state = peak.MEMORY.encode(charged) if charged else None
    counts = {"schedule_rows": len(found.rows)}
    return Outcome(mark=context.reader.last_id, state=state, records=[record], counts=counts, doubt=doubt)


def _doubt(context: JobContext, tank: TankSettings) -> str | None:
    """Which tags were hardly measured: of what is taken as it is now, and of the newest half hours of the forecast."""
    inlets = [tag for header in context.settings.headers for tag in (suction_tag(header), header.temperature) if tag]
    said = _newest(context, [tank.level, *inlets]).doubt()
    forecast = MEMORY.restored(context.reader.job_state("forecast")[1]).doubt
    return "; ".join(filter(None, (said, forecast and f"of what the forecast has seen last, {forecast}"))) or None


def _newest(context: JobContext, tags: list[str]) -> Frame:
    return frame(context.reader, context.settings, tags, context.now_ms - LEVEL_MS, context.now_ms, 10_000)


def _planned(context: JobContext, tank: TankSettings, peak_kw: float) -> Schedule:
    began = time.perf_counter()
    problem = replace(problem_of(context, tank), peak_price=context.settings.tariff.demand_charge, peak=peak_kw)
    found = plan(problem)
    if isinstance(found, NoPlan) and found.constraint == "last level":
        problem = replace(problem, level_end=None, water_value=_worth(problem))
        found = plan(problem)
    if isinstance(found, NoPlan):
        return _none(context, f"{_at(context, found)} {INSTEAD}", left_out(context, problem.units))
    method = f"{METHOD} in {1_000 * (time.perf_counter() - began):.0f} ms"
    asked = context.settings.jobs.schedule
    if asked.method == policy.METHOD:
        learnt = policy.learnt_day(problem, asked.budget)
        found, method = (learnt.advice, learnt.why) if learnt.advice else (found, f"{method}. {learnt.why}")
    return told(context, problem, found, method)


def _worth(problem: Problem) -> float:
    """Money per m³ that is left at the end where its level cannot be reached: what it is dear to pump then."""
    head = float(problem.base_head(np.array(problem.level)))
    return _WEIGHT * head / _EFFICIENCY * max(0.0, float(problem.price.max()))


def problem_of(context: JobContext, tank: TankSettings) -> Problem:
    """The day ahead as it is known now; NotKnownError where it is not."""
    header = _header(context)
    kept = MEMORY.restored(context.reader.job_state("forecast")[1])
    expected = _fresh(kept, context.now_ms)
    storage, level = storage_of(tank), _level(context, tank)
    asked = context.settings.jobs.schedule
    steps = steps_of(
        kept, expected, storage, context.now_ms, asked.step_ms, round(asked.horizon * _HOUR_MS / asked.step_ms)
    )
    zone, count = ZoneInfo(context.settings.station.time_zone), len(steps.demand)
    price = tariff.prices(context.settings.tariff, steps.quarters_ms.ravel(), zone).reshape(count, -1).mean(axis=1)
    middle = (tank.level_min + tank.level_max) / 2
    units = _units(header, context, count)
    pumps = {pump.id: pump for pump in context.settings.pumps}
    out = np.stack([is_out(pumps[unit.id], steps.times_ms, asked.step_ms, zone) for unit in units], axis=1)
    return Problem(
        units=units,
        locked=np.where(out, -1, _wanted(units, pumps, count)).astype(np.int8),
        storage=storage,
        system=_system(kept),
        step=asked.step_ms / _HOUR_MS,
        level=level,
        price=price if price.any() else np.ones(count),  # no tariff: the least energy
        demand=steps.demand,
        level_end=min(level, middle) if storage.is_filled else max(level, middle),
        pressures=pressures_of(context, header.settings, tank, level, LEVEL_MS),
        margin=steps.margin,
    )


def _wanted(units: tuple[Unit, ...], pumps: Mapping[str, PumpSettings], steps: int) -> NDArray[np.bool_]:
    """Whether each pump must run, shape (steps, n); one that stands rests as long as it has to first."""
    step = np.arange(steps)[:, np.newaxis]
    rested = np.array([unit.is_on for unit in units]) | (
        step + [unit.held for unit in units] >= [unit.min_off for unit in units]
    )
    return np.asarray(rested & [pumps[unit.id].must_run for unit in units])


def _header(context: JobContext) -> Header:
    headers = [Header(context, each) for each in context.settings.headers]
    if len(headers) != 1 or not headers[0].pumps:
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


def _units(header: Header, context: JobContext, steps: int) -> tuple[Unit, ...]:
    """Pumps with a learnt curve whose alarms are silent; one that runs and may cavitate is relieved by its absence."""
    models = models_from_state(context.reader.job_state("curves")[1])
    model: StationModel | None = models.get(header.settings.id)
    if model is None:
        raise NotKnownError("No curves have been learnt yet.")
    memories = memories_of(header)
    running = [pump for pump, memory in memories.items() if memory.state == RUNNING]
    alarms = standing_alarms(context, header.settings, header.pumps, running)
    if alarms.header is not None:
        raise NotKnownError(f"An alarm of the pumps' header stands: {alarms.header.removesuffix('.')}.")
    units = []
    for pump in pumps_of(context.settings, header.settings):
        memory = memories[pump.id]
        if memory.state not in {RUNNING, STOPPED}:
            raise NotKnownError(f"It is not known whether {pump.id} runs.")
        if (alarm := alarms.pumps.get(pump.id) or alarms.inlets.get(pump.id)) is not None:
            is_relieved = pump.id not in alarms.pumps and _may_stop(pump, memory, context.now_ms)
            if memory.state == RUNNING and not is_relieved:
                raise NotKnownError(f"An alarm of {pump.id}, which runs, stands: {alarm.removesuffix('.')}.")
            continue
        limits = limits_of(header, pump, 0.0)
        physics = fitted(model.curve(pump.id), limits, _REACH) if pump.id in model.pumps else None
        if physics is None or not pump.available:
            if memory.state == RUNNING:
                raise NotKnownError(f"{pump.id} runs, but cannot be planned: it is not available or has no curve yet.")
            continue
        units.append(_unit(pump, memory, physics, context, steps))
    if not units:
        raise NotKnownError("No pump can be planned.")
    return tuple(units)


def _unit(pump: PumpSettings, memory: Memory, physics: Physics, context: JobContext, steps: int) -> Unit:
    """*pump* with its timers, in *steps* steps."""
    step_ms, needed = context.settings.jobs.schedule.step_ms, need(pump)
    least_ms = _least_ms(pump, step_ms)
    return Unit(
        id=pump.id,
        physics=physics,
        min_on=_whole(least_ms[RUNNING], step_ms),
        min_off=_whole(least_ms[STOPPED], step_ms),
        most_starts=max(1, min(LONG, int(pump.starts_per_hour * steps * step_ms / _HOUR_MS))),
        start_cost=pump.start_cost,
        is_on=memory.state == RUNNING,
        held=_held(memory, least_ms[memory.state], context.now_ms, step_ms),
        required=None if needed is None else needed.at,
    )


def _least_ms(pump: PumpSettings, step_ms: int) -> dict[int, float]:
    """How long *pump* runs and stands at least; it stands so long that no hour sees more starts than it may."""
    running_ms = 60_000 * pump.min_on
    cycle = ceil(_HOUR_MS / (max(1.0, pump.starts_per_hour) * step_ms))
    rest = cycle - _whole(running_ms, step_ms)
    return {RUNNING: running_ms, STOPPED: max(60_000 * pump.min_off, rest * step_ms)}


def _whole(least_ms: float, step_ms: int) -> int:
    """So many steps or more, at least one."""
    return max(1, ceil(least_ms / step_ms))


def _held(memory: Memory, least_ms: float, now_ms: int, step_ms: int) -> int:
    """Steps of its present timer that a pump has behind it, so many that the rest ends where a step begins."""
    elapsed_ms = _elapsed_ms(memory, now_ms)
    if elapsed_ms >= least_ms:
        return LONG
    left_ms = now_ms - elapsed_ms + least_ms - begin_ms(now_ms, step_ms)
    return _whole(least_ms, step_ms) - ceil(left_ms / step_ms)


def _may_stop(pump: PumpSettings, memory: Memory, now_ms: int) -> bool:
    return not pump.must_run and _elapsed_ms(memory, now_ms) >= 60_000 * pump.min_on


def _elapsed_ms(memory: Memory, now_ms: int) -> float:
    """Since the pump was switched; a switch that nobody saw was long ago."""
    was_seen = memory.since_ms in {*memory.start_times_ms, *memory.stop_times_ms}
    return max(0, now_ms - memory.since_ms) if was_seen else inf


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
