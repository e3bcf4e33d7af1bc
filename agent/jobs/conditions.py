"""The conditions job: the plant's last steady minute beside what its curves say, and what that means for how long."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

import numpy as np

from agent.availability import Availability, doubt_of, mean_known
from agent.jobs.duties.duty import best_of
from agent.jobs.duties.npsh import available, required
from agent.jobs.evidence import gauge, header_tags, pump_tags, pumps_of, suction
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
from analytics.hydraulics import pump_head
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
    seen: list[Availability] = []
    if abs(context.now_ms - memories.seen_ms) < LATE_MS:
        kept = {pump: state.memory for pump, state in memories.pumps.items()}
        for header in (each for each in context.settings.headers if _is_settled(context, each, kept)):
            cells = _cells(context, header)
            seen += map(cells.availability, cells.values)
            said |= claims(_sight(context, header, cells, kept, models.get(header.id), habits[header.id]))
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
    doubt = doubt_of(seen)
    body = Conditions(station=context.settings.station.name, ts=context.now_ms, conditions=lines, doubt=doubt)
    return Outcome(
        mark=context.reader.last_id,
        state=_MEMORY.left(JobState(standing=standing, habits=habits)),
        records=[Record("conditions", "", context.now_ms, body.encode())],
        counts={"conditions": len(lines)},
        doubt=doubt,
    )


def _standing(kept: JobState) -> Iterator[tuple[Suspicion, Standing]]:
    for kind, suspect, since_ms, last_ms, is_active in kept.standing:
        yield Suspicion(kind, suspect), Standing(since_ms, last_ms, is_active)  # type: ignore[arg-type]  # we wrote it


def _known(watch: Persistence) -> list[tuple[Suspicion, Standing]]:
    return sorted(watch.standing.items())


def _is_settled(context: JobContext, header: HeaderSettings, memories: dict[str, Memory]) -> bool:
    """Whether something is known of each of its pumps, and none has just started or stopped."""
    pumps = [pump.id for pump in pumps_of(context.settings, header)]
    return all(pump in memories and context.now_ms - memories[pump].since_ms >= SETTLED_MS for pump in pumps)


def _cells(context: JobContext, header: HeaderSettings) -> Frame:
    """The last minute of a header and its pumps."""
    tags = [*header_tags(header), *(tag for pump in pumps_of(context.settings, header) for tag in pump_tags(pump))]
    known = known_tags(context.settings)
    step_ms = max(1_000, min((known[tag].period_ms for tag in tags if tag in known), default=1_000))
    window_ms = max(WINDOW_MS, step_ms)
    return frame(context.reader, context.settings, tags, context.now_ms - window_ms, context.now_ms, step_ms)


def _sight(  # noqa: PLR0917 - one header in one window
    context: JobContext,
    header: HeaderSettings,
    cells: Frame,
    memories: dict[str, Memory],
    model: StationModel | None,
    habits: Habits,
) -> HeaderSight:
    """What is known of the header; nothing of a tag that was measured in too little of the window."""
    pumps = list(pumps_of(context.settings, header))
    pressure, flow = mean_known(gauge(cells, header)), _flow(cells, header)
    head = _head(cells, header, pressure)
    speeds = {pump.id: _speed(cells, pump, memories[pump.id]) for pump in pumps}
    told = None if model is None or head is None else _expected(model, speeds, head)
    seen = tuple(_pump(context, cells, header, pump, memories[pump.id], speeds[pump.id], model, told) for pump in pumps)
    std = None if told is None or not np.isfinite(told.flow_std[0]) else float(told.flow_std[0])
    is_more = _is_more_drawn(context, habits, flow, pressure)
    return HeaderSight(header.id, flow, std, seen, is_more)


def _flow(cells: Frame, header: HeaderSettings) -> float | None:
    """Mean of a header's meters together, m³/h: of each by itself, as lines that fail by turns are seldom all there."""
    parts = [mean_known(cells.values[tag]) for tag in header.flow]
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None


def _head(cells: Frame, header: HeaderSettings, pressure: float | None) -> float | None:
    """Mean head of its pumps at a mean *pressure* of the gauges, m."""
    inlet = mean_known(np.broadcast_to(np.asarray(suction(cells, header), np.float64), len(cells)))
    return None if pressure is None or inlet is None else float(pump_head(pressure, inlet, header.elevation))


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
    inlet = available(cells, header)  # of a few seconds too: then the head, and so what is required, is not known
    hour_ago_ms = context.now_ms - HOUR_MS
    best = best_of(pump, model) if speed else None
    sight = PumpSight(
        pump.id,
        is_running={RUNNING: True, STOPPED: False}.get(memory.state),
        power=None if pump.power is None else mean_known(cells.values[pump.power]),
        flow=None if pump.flow is None else mean_known(cells.values[pump.flow]),
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
    shown = mean_known(cells.values[pump.speed])
    return None if shown is None else shown / pump.rated_speed
