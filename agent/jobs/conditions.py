"""The conditions job: the plant's last steady minute beside what its curves say, and what that means for how long."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

import numpy as np

from agent.jobs.duties.duty import best_of, mean
from agent.jobs.duties.npsh import available, required
from agent.jobs.evidence import gauge, header_state, header_tags, pump_tags, pumps_of
from agent.jobs.job import JobContext, Outcome
from agent.jobs.learnt.state import models_from_state
from agent.jobs.memory import JobMemory
from agent.jobs.running import JobState as RunningJobState
from agent.jobs.running import restored as restored_running
from agent.jobs.worn.conditions import worn
from agent.mqtt.payloads import ConditionLine, Conditions
from agent.plant import HeaderSettings, PumpSettings
from agent.roles import known_tags
from agent.store.records import Record
from agent.tariff import local
from agent.window import Frame, frame
from analytics.conditions.expected import Expected, expected
from analytics.conditions.habits import Habits, Look
from analytics.conditions.persistence import Persistence, Standing
from analytics.conditions.physics import claims
from analytics.conditions.sight import HeaderSight, PumpSight, Suspicion
from analytics.curves.model import StationModel
from analytics.running import RUNNING, STOPPED, Memory

WINDOW_MS = 60_000  # whose mean is "now"
SETTLED_MS = 90_000  # after a start or stop nothing is said
HOUR_MS = 3_600_000
SATURDAY = 5
LATE_MS = 60_000  # by which running states may lag behind


@dataclass(slots=True)
class JobState:
    """What the job leaves for itself: suspicions as (kind, suspect, since, last, is active), and headers' habits."""

    version: int = 1
    standing: list[tuple[str, str, int, int, bool]] = field(default_factory=list)
    habits: dict[str, Habits] = field(default_factory=dict)  # by header


_MEMORY = JobMemory(JobState)


def run(context: JobContext) -> Outcome:
    """Look once, and say which conditions hold."""
    before = _MEMORY.resumed(context.state)
    habits = {header.id: before.habits.get(header.id, Habits()) for header in context.settings.headers}
    watch = Persistence(dict(_standing(before)))
    for suspicion in [one for one, kept in watch.standing.items() if kept.last_ms > context.now_ms]:
        del watch.standing[suspicion]  # the clock was set back
    memories: RunningJobState = restored_running(context.reader.job_state("running")[1])
    models = models_from_state(context.reader.job_state("curves")[1])
    said: dict[Suspicion, bool | None] = {}
    if abs(context.now_ms - memories.seen_ms) < LATE_MS:
        for header in context.settings.headers:
            kept = {pump: state.memory for pump, state in memories.pumps.items()}
            if sight := _sight(context, header, kept, models.get(header.id), habits[header.id]):
                said |= claims(sight)
    said |= {one: is_so for one, is_so in worn(context).items() if is_so or said.get(one) is None}
    watch.update(said, context.now_ms)
    standing: list[tuple[str, str, int, int, bool]] = [
        (*one, kept.since_ms, kept.last_ms, kept.is_active) for one, kept in _known(watch)
    ]
    lines = tuple(
        ConditionLine(id=f"{one.kind}.{one.suspect}", type=one.kind, suspect=one.suspect, since=kept.since_ms)
        for one, kept in _known(watch)
        if kept.is_active
    )
    body = Conditions(station=context.settings.station.name, ts=context.now_ms, conditions=lines)
    return Outcome(
        mark=context.reader.last_id,
        state=_MEMORY.left(JobState(standing=standing, habits=habits)),
        records=[Record("conditions", "", context.now_ms, body.encode())],
        counts={"conditions": len(lines)},
    )


def _standing(kept: JobState) -> Iterator[tuple[Suspicion, Standing]]:
    for kind, suspect, since_ms, last_ms, is_active in kept.standing:
        yield Suspicion(kind, suspect), Standing(since_ms, last_ms, is_active)  # type: ignore[arg-type]  # we wrote it


def _known(watch: Persistence) -> list[tuple[Suspicion, Standing]]:
    return sorted(watch.standing.items())


def _sight(
    context: JobContext,
    header: HeaderSettings,
    memories: dict[str, Memory],
    model: StationModel | None,
    habits: Habits,
) -> HeaderSight | None:
    """The header in the last minute; None while a pump has just started or stopped, or nothing is known of one."""
    pumps = list(pumps_of(context.settings, header))
    if any(pump.id not in memories or context.now_ms - memories[pump.id].since_ms < SETTLED_MS for pump in pumps):
        return None
    tags = [*header_tags(header), *(tag for pump in pumps for tag in pump_tags(pump))]
    known = known_tags(context.settings)
    step_ms = max(1_000, min((known[tag].period_ms for tag in tags if tag in known), default=1_000))
    window_ms = max(WINDOW_MS, step_ms)
    cells = frame(context.reader, context.settings, tags, context.now_ms - window_ms, context.now_ms, step_ms)
    state = header_state(cells, header)
    head, flow = mean(state.head), mean(state.flow)
    speeds = {pump.id: _speed(cells, pump, memories[pump.id]) for pump in pumps}
    told = None if model is None or head is None else _expected(model, speeds, head)
    seen = tuple(_pump(context, cells, header, pump, memories[pump.id], speeds[pump.id], model, told) for pump in pumps)
    std = None if told is None or not np.isfinite(told.flow_std[0]) else float(told.flow_std[0])
    is_more = _is_more_drawn(context, habits, flow, mean(gauge(cells, header)))
    return HeaderSight(header.id, flow, std, seen, is_more)


def _is_more_drawn(context: JobContext, habits: Habits, flow: float | None, pressure: float | None) -> bool | None:
    if flow is None or pressure is None:
        return None
    now = local(context.now_ms, ZoneInfo(context.settings.station.time_zone))
    share = (60 * now.hour + now.minute) / 1_440
    return habits.is_burst(Look(context.now_ms, share, flow, pressure, is_weekend=now.weekday() >= SATURDAY))


def _expected(model: StationModel, speeds: dict[str, float | None], head: float) -> Expected:
    return expected(model, [[speeds.get(pump) or 0.0 for pump in model.pumps]], [head])


def _pump(  # noqa: PLR0917 - one pump in one window
    context: JobContext,
    cells: Frame,
    header: HeaderSettings,
    pump: PumpSettings,
    memory: Memory,
    speed: float | None,
    model: StationModel | None,
    told: Expected | None,
) -> PumpSight:
    inlet, hour_ago_ms = available(cells, header), context.now_ms - HOUR_MS
    best = best_of(pump, model) if speed else None
    sight = PumpSight(
        pump.id,
        is_running={RUNNING: True, STOPPED: False}.get(memory.state),
        power=None if pump.power is None else mean(cells.values[pump.power]),
        flow=None if pump.flow is None else mean(cells.values[pump.flow]),
        best_flow=None if best is None or speed is None else best.phi * speed,
        por=pump.por if best is None else best.shares(pump.por),
        npsh_available=None if inlet is None else inlet.value,
        starts=sum(at_ms > hour_ago_ms for at_ms in memory.start_times_ms),
        starts_allowed=pump.starts_per_hour,
    )
    if model is None or told is None or pump.id not in model.pumps or not speed or memory.state != RUNNING:
        return sight
    place = model.pumps.index(pump.id)
    flow, power, idle = (float(one[0, place]) for one in (told.flows, told.powers, told.idle_powers))
    if not np.isfinite([flow, power, idle]).all():
        return sight
    needed = required(pump, flow, speed)
    return replace(
        sight,
        expected_flow=flow,
        expected_power=power,
        idle_power=idle,
        npsh_required=None if needed is None else needed.value,
    )


def _speed(cells: Frame, pump: PumpSettings, memory: Memory) -> float | None:
    """Relative speed; a pump that stands has none."""
    if memory.state != RUNNING:
        return 0.0
    if pump.speed is None:
        return 1.0
    shown = mean(cells.values[pump.speed])
    return None if shown is None else shown / pump.rated_speed
