"""The pumps of a plan: which may be planned, in which ranges, with which timers and money."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import ceil, inf

import numpy as np
from numpy.typing import NDArray

from agent.jobs.advice.balance import hour_costs
from agent.jobs.advice.limits import limits_of, service
from agent.jobs.advice.situation import Header, NotKnownError, memories_of, run_hours
from agent.jobs.advice.standing_alarms import standing_alarms
from agent.jobs.curves import models_from_state
from agent.jobs.duties.npsh import need
from agent.jobs.evidence import pumps_of
from agent.jobs.job import JobContext
from agent.jobs.plans.steps import begin_ms
from agent.plant import PumpSettings
from analytics.curves.model import StationModel
from analytics.dispatch.fitted import fitted
from analytics.dispatch.pump import Physics
from analytics.running import RUNNING, STOPPED, Memory
from analytics.schedule.plan import Plan, Running
from analytics.schedule.problem import LONG, Unit

REACH = 0.05  # share by which learnt ranges may be left where there is no plan otherwise
_HAIR = 1e-6
_HOUR_MS = 3_600_000


def units_of(header: Header, context: JobContext, steps: int) -> tuple[Unit, ...]:
    """Pumps with a learnt curve whose alarms are silent; one that runs and may cavitate is relieved by its absence."""
    model = model_of(header, context)
    memories = memories_of(header)
    costs = hour_costs(run_hours(header, memories), context.settings.advice.balance_cost)
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
        limits = limits_of(context, pump, 0.0)
        physics = fitted(model.curve(pump.id), limits, 0.0) if pump.id in model.pumps else None
        found = service(context, pump)
        if physics is None or found.is_out or (found.is_out is None and memory.state == STOPPED):
            if memory.state == RUNNING:
                why = found.said_of("it") or "it is not available"
                why = "its curve is not known yet" if physics is None else why
                raise NotKnownError(f"{pump.id} runs, but cannot be planned: {why}.")
            continue
        units.append(replace(_unit(pump, memory, physics, context, steps), hour_cost=costs[pump.id]))
    if not units:
        raise NotKnownError("No pump can be planned.")
    return tuple(units) if context.settings.tariff.is_priced else tuple(_unpriced(unit) for unit in units)


def _unpriced(unit: Unit) -> Unit:
    """Money counts for nothing where energy has no price: plans then weigh kWh."""
    return replace(unit, start_cost=0.0, hour_cost=0.0)


def model_of(header: Header, context: JobContext) -> StationModel:
    """The curves of the pumps of *header*; NotKnownError where there are none yet."""
    found = models_from_state(context.reader.job_state("curves")[1]).get(header.settings.id)
    if found is None:
        raise NotKnownError("No curves have been learnt yet.")
    return found


def widened(header: Header, context: JobContext, units: Sequence[Unit]) -> tuple[Unit, ...]:
    """The same *units*, which may leave what their curves were learnt from by REACH."""
    model, pumps = model_of(header, context), {pump.id: pump for pump in header.pumps}
    wider = [fitted(model.curve(unit.id), limits_of(context, pumps[unit.id], 0.0), REACH) for unit in units]
    return tuple(replace(unit, physics=each or unit.physics) for unit, each in zip(units, wider, strict=True))


def beyond(units: Sequence[Unit], found: Plan) -> tuple[str, ...]:
    """Pumps that *found* runs where *units*, which keep to what was learnt, would not."""
    own = {unit.id: unit.physics for unit in units}
    duties = [(each, own[each.id]) for step in found.steps for each in step.running]
    outside = {each.id for each, physics in duties if not _is_learnt(physics, each)}
    return tuple(unit.id for unit in units if unit.id in outside)


def _is_learnt(physics: Physics, duty: Running) -> bool:
    """But for rounding."""
    phi = duty.flow / duty.speed
    hair = _HAIR * physics.phi_max
    return (
        physics.speed_min - _HAIR <= duty.speed <= physics.speed_max + _HAIR
        and physics.phi_min - hair <= phi <= physics.phi_max + hair
    )


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


def wanted(units: tuple[Unit, ...], pumps: Mapping[str, PumpSettings], steps: int) -> NDArray[np.bool_]:
    """Whether each pump must run, shape (steps, n); one that stands rests as long as it has to first."""
    step = np.arange(steps)[:, np.newaxis]
    rested = np.array([unit.is_on for unit in units]) | (
        step + [unit.held for unit in units] >= [unit.min_off for unit in units]
    )
    return np.asarray(rested & [pumps[unit.id].must_run for unit in units])
