"""The conditions job: the plant's last steady minute beside what its curves say, and what that means for how long."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from agent.jobs.curve_state import models_from_state
from agent.jobs.duty import Figure, best_flow, mean
from agent.jobs.evidence import header_state, header_tags, pump_tags, pumps_of
from agent.jobs.job import JobContext, Outcome
from agent.jobs.memory import JobMemory
from agent.jobs.npsh import available, required
from agent.jobs.running import JobState as RunningJobState
from agent.jobs.running import restored as restored_running
from agent.jobs.worn import worn
from agent.mqtt.payloads import ConditionLine, Conditions
from agent.plant import HeaderSettings, PumpSettings
from agent.roles import known_tags
from agent.store.records import Record
from agent.window import Frame, frame
from analytics.conditions.persistence import Persistence, Standing
from analytics.conditions.physics import claims
from analytics.conditions.sight import HeaderSight, PumpSight, Suspicion
from analytics.curves.model import StationModel
from analytics.running import RUNNING, STOPPED, Memory

WINDOW_MS = 60_000  # whose mean is "now"
SETTLED_MS = 90_000  # after a start or stop nothing is said
HOUR_MS = 3_600_000
LATE_MS = 60_000  # by which running states may lag behind


@dataclass(slots=True)
class JobState:
    """What the job leaves for itself: every suspicion as (kind, suspect, since, last, is active)."""

    version: int = 1
    standing: list[tuple[str, str, int, int, bool]] = field(default_factory=list)


_MEMORY = JobMemory(JobState)


def run(context: JobContext) -> Outcome:
    """Look once, and say which conditions hold."""
    watch = Persistence(dict(_standing(_MEMORY.restored(context.state))))
    for suspicion in [one for one, kept in watch.standing.items() if kept.last_ms > context.now_ms]:
        del watch.standing[suspicion]  # the clock was set back
    memories: RunningJobState = restored_running(context.reader.job_state("running")[1])
    models = models_from_state(context.reader.job_state("curves")[1])
    said: dict[Suspicion, bool | None] = {}
    if abs(context.now_ms - memories.seen_ms) < LATE_MS:
        for header in context.settings.headers:
            kept = {pump: state.memory for pump, state in memories.pumps.items()}
            if sight := _sight(context, header, kept, models.get(header.id)):
                said |= claims(sight)
    said |= {one: is_so for one, is_so in worn(context).items() if is_so or said.get(one) is None}
    watch.update(said, context.now_ms)
    state = JobState(standing=[(*one, kept.since_ms, kept.last_ms, kept.is_active) for one, kept in _known(watch)])
    lines = tuple(
        ConditionLine(id=f"{one.kind}.{one.suspect}", type=one.kind, suspect=one.suspect, since=kept.since_ms)
        for one, kept in _known(watch)
        if kept.is_active
    )
    body = Conditions(station=context.settings.station.name, ts=context.now_ms, conditions=lines)
    return Outcome(
        mark=context.reader.last_id,
        state=_MEMORY.encode(state),
        records=[Record("conditions", "", context.now_ms, body.encode())],
        counts={"conditions": len(lines)},
    )


def _standing(kept: JobState) -> Iterator[tuple[Suspicion, Standing]]:
    for kind, suspect, since_ms, last_ms, is_active in kept.standing:
        yield Suspicion(kind, suspect), Standing(since_ms, last_ms, is_active)  # type: ignore[arg-type]  # we wrote it


def _known(watch: Persistence) -> list[tuple[Suspicion, Standing]]:
    return sorted(watch.standing.items())


def _sight(
    context: JobContext, header: HeaderSettings, memories: dict[str, Memory], model: StationModel | None
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
    head = mean(state.head)
    seen = tuple(_pump(context, cells, header, pump, memories[pump.id], head, model) for pump in pumps)
    return HeaderSight(header.id, mean(state.flow), _flow_std(cells, pumps, memories, head, model), seen)


def _pump(  # noqa: PLR0917 - one pump in one window
    context: JobContext,
    cells: Frame,
    header: HeaderSettings,
    pump: PumpSettings,
    memory: Memory,
    head: float | None,
    model: StationModel | None,
) -> PumpSight:
    speed, inlet = _speed(cells, pump, memory), available(cells, header)
    hour_ago_ms = context.now_ms - HOUR_MS
    sight = PumpSight(
        pump.id,
        is_running={RUNNING: True, STOPPED: False}.get(memory.state),
        power=None if pump.power is None else mean(cells.values[pump.power]),
        flow=None if pump.flow is None else mean(cells.values[pump.flow]),
        best_flow=best_flow(pump, model, None if speed is None else Figure(speed, "measured")),
        por=pump.por,
        npsh_available=None if inlet is None else inlet.value,
        starts=sum(at_ms > hour_ago_ms for at_ms in memory.start_times_ms),
        starts_allowed=pump.starts_per_hour,
    )
    if model is None or pump.id not in model.pumps or speed is None or head is None or memory.state != RUNNING:
        return sight
    curve = model.curve(pump.id)
    flow = float(curve.flow(head, speed))
    expected = (flow, float(curve.power(flow, speed)), float(curve.power(0.0, speed)))
    if not np.isfinite(expected).all():
        return sight
    needed = required(pump, flow, speed)
    return PumpSight(
        **{name: getattr(sight, name) for name in PumpSight.__slots__}
        | dict(zip(("expected_flow", "expected_power", "idle_power"), expected, strict=True))
        | {"npsh_required": None if needed is None else needed.value}
    )


def _flow_std(
    cells: Frame, pumps: list[PumpSettings], memories: dict[str, Memory], head: float | None, model: StationModel | None
) -> float | None:
    """Standard deviation of what the curves expect of the header's flow, m³/h."""
    if model is None or head is None:
        return None
    speeds = {pump.id: _speed(cells, pump, memories[pump.id]) for pump in pumps}
    row = [[speeds.get(pump) or 0.0 for pump in model.pumps]]
    std = float(np.asarray(model.predict(row, [head]).flow_std).ravel()[0])
    return std if np.isfinite(std) else None


def _speed(cells: Frame, pump: PumpSettings, memory: Memory) -> float | None:
    """Relative speed; a pump that stands has none."""
    if memory.state != RUNNING:
        return 0.0
    if pump.speed is None:
        return 1.0
    shown = mean(cells.values[pump.speed])
    return None if shown is None else shown / pump.rated_speed
