"""The running job: which pumps run since when, at what duty, and the station's figures."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

import numpy as np

from agent.jobs.duties.day import Hours, counted, day_figures, hour_ms
from agent.jobs.duties.figures import Present, pump_records, station_record
from agent.jobs.evidence import evidence, has_power_alone, plant_tags
from agent.jobs.job import JobContext, Outcome
from agent.jobs.learnt.state import models_from_state
from agent.jobs.memory import JobMemory
from agent.mqtt.payloads import Wear
from agent.plant import PumpSettings
from agent.roles import Tag, known_tags
from agent.settings import AgentSettings
from agent.window import Frame, frame
from analytics.levels import Ceiling, Levels
from analytics.running import (
    CURRENT_LEAST,
    POWER_LEAST,
    SPEED_OFF,
    SPEED_ON,
    Evidence,
    Memory,
    RunningState,
    Seen,
    States,
    Threshold,
    Thresholds,
    held,
    learnt,
    rewound,
    states,
)

FINEST_MS = 1_000  # of a cell
LONGEST_MS = 6 * 3_600_000  # of history that one run takes in; whoever has more catches up run by run
SHOWN_MS = 10_000  # of the past that a duty point is the mean of; a whole cell where that is longer
LEARN_MS = 600_000  # between two looks for thresholds
LOST_MS = 30_000  # without evidence until it is not known whether a pump runs, or a few cells where that is longer
MOST_POWER = 3.0  # times the rated power that a motor can draw for longer than a moment
MOST_CURRENT = 20.0  # A for each kW of it, likewise: at 230 V and with a poor power factor
_FEW = 3  # cells in which evidence must be the same


@dataclass(slots=True)
class PumpState:
    """What is kept of a pump between two runs."""

    memory: Memory = field(default_factory=Memory)
    thresholds: Thresholds = field(default_factory=Thresholds)
    power: list[int] = field(default_factory=list)  # counts of `Levels`, of all it ever showed
    current: list[int] = field(default_factory=list)
    turning_power: list[int] = field(default_factory=list)  # of it, while its drive turned or it has none
    turning_current: list[int] = field(default_factory=list)
    standing_power: list[int] = field(default_factory=list)  # of it, while its drive stood: noise
    standing_current: list[int] = field(default_factory=list)
    power_ceiling: Ceiling = field(default_factory=Ceiling)
    current_ceiling: Ceiling = field(default_factory=Ceiling)
    current_factor: float = 1.0  # that made A of its current's readings; before it was kept, none did


@dataclass(slots=True)
class JobState:
    """What the running job leaves for itself."""

    version: int = 1
    seen_ms: int = 0  # everything before is taken in
    learnt_ms: int = 0
    hours: Hours = field(default_factory=dict)
    pumps: dict[str, PumpState] = field(default_factory=dict)


_MEMORY = JobMemory(JobState)
restored = _MEMORY.restored


def thresholds(state: bytes | None) -> dict[str, Thresholds]:
    """Thresholds of each pump as the running job's *state* (`reader.job_state("running")[1]`) has them."""
    return {pump: kept.thresholds for pump, kept in restored(state).pumps.items()}


def first_thresholds(settings: AgentSettings, cells: Frame) -> dict[str, Thresholds]:
    """Thresholds from *cells* alone, for whoever needs them before this job has run."""
    kept = JobState()
    _learn(settings, cells, kept)
    return {pump: state.thresholds for pump, state in kept.pumps.items()}


def run(context: JobContext) -> Outcome:
    """Follow every pump up to now, and say how the plant runs."""
    settings, reader = context.settings, context.reader
    kept = restored(context.state)
    start_ms, end_ms = _window(context, kept)
    if start_ms >= end_ms:
        return Outcome(mark=context.mark, state=context.state)
    cells = frame(reader, settings, plant_tags(settings), start_ms, end_ms, _step_ms(settings))
    _learn(settings, cells, kept)
    starts = sum(each.memory.starts for each in kept.pumps.values())
    zone = ZoneInfo(settings.station.time_zone)
    kept.hours = counted(kept.hours, settings, cells, _states(settings, cells, kept), zone)
    for pump in settings.pumps:
        _follow(pump, cells, kept.pumps[pump.id])
    kept.seen_ms = end_ms
    memories = {pump: each.memory for pump, each in kept.pumps.items()}
    step_ms = _step_ms(settings)
    shown = frame(reader, settings, plant_tags(settings), end_ms - max(SHOWN_MS, step_ms), end_ms, step_ms)
    models = models_from_state(reader.job_state("curves")[1])
    close = frozenset(pump.id for pump in settings.pumps if _is_close(pump, kept.pumps[pump.id]))
    limits = {pump: each.thresholds for pump, each in kept.pumps.items()}
    wear = {record.key: Wear.kept(record.body) for record in reader.newest("wear") if record.body}
    now = Present(settings, shown, memories, limits, models, end_ms, zone, wear, close)
    day = day_figures(kept.hours, settings, end_ms, zone)
    is_behind = end_ms < context.now_ms - LONGEST_MS
    return Outcome(
        mark=max(context.mark, reader.id_at(end_ms)) if is_behind else reader.last_id,
        state=_MEMORY.encode(kept),
        records=[*pump_records(now), station_record(now, day)],
        counts={"pump_starts": sum(memory.starts for memory in memories.values()) - starts},
        doubt=shown.doubt(),
    )


def _window(context: JobContext, kept: JobState) -> tuple[int, int]:
    """From where the last run ended up to the last whole cell; where there is too much, the oldest of it."""
    step_ms = _step_ms(context.settings)
    end_ms = context.now_ms // step_ms * step_ms
    if kept.seen_ms > end_ms + 60_000:  # the clock was set back: what is to come has been seen on paper only
        back_ms = end_ms - SHOWN_MS
        for pump in kept.pumps.values():
            pump.memory = rewound(pump.memory, back_ms)
        # the hour of the day from its beginning, so that it is counted anew instead of twice
        begin_ms = hour_ms(back_ms, ZoneInfo(context.settings.station.time_zone))
        kept.seen_ms = begin_ms + -begin_ms % step_ms
    start_ms = kept.seen_ms
    if not start_ms or end_ms - start_ms > LONGEST_MS:  # nothing is to be found before the first new reading
        first = context.reader.after(context.mark, 1)
        start_ms = max(start_ms, first[0].ts_ms // step_ms * step_ms) if first else end_ms
    return start_ms, min(end_ms, start_ms + LONGEST_MS)


def _step_ms(settings: AgentSettings) -> int:
    """A cell as long as the shortest period of the tags that play a part."""
    known = known_tags(settings)
    periods = [known[tag].period_ms for tag in plant_tags(settings) if tag in known]
    return max(FINEST_MS, min(periods, default=FINEST_MS))


def _learn(settings: AgentSettings, cells: Frame, kept: JobState) -> None:
    """Count what the meters show, and find thresholds in it now and then."""
    kept.pumps = {pump.id: kept.pumps.get(pump.id, PumpState()) for pump in settings.pumps}
    _forget_other_units(settings, kept)
    for pump in settings.pumps:
        _count(evidence(cells, pump), kept.pumps[pump.id], has_drive=pump.speed is not None)
    for pump in settings.pumps:  # at once, where a person has changed them
        kept.pumps[pump.id].thresholds = _as_given(pump, kept.pumps[pump.id].thresholds)
    last_ms = int(cells.times_ms[-1])
    if last_ms - kept.learnt_ms < LEARN_MS and kept.learnt_ms:
        return
    kept.learnt_ms = last_ms
    scales, known = _scales(settings, kept), known_tags(settings)
    for pump in settings.pumps:
        state = kept.pumps[pump.id]
        power, current = _most(pump, state)
        powers = _levels(state.power, power), _levels(state.standing_power, power)
        currents = _levels(state.current, current), _levels(state.standing_current, current)
        step = _step(known.get(pump.power or ""))
        found = learnt(
            Seen(*powers, peer=scales[pump.id][0], is_alone=has_power_alone(pump), step=step),
            Seen(*currents, peer=scales[pump.id][1]),
            rated_power=pump.rated_power,
        )
        state.thresholds = _as_given(pump, found)


def _forget_other_units(settings: AgentSettings, kept: JobState) -> None:
    """Learn currents anew that were kept in another unit: held against some of mA, a pump that draws 20 A stands."""
    known = known_tags(settings)
    for pump in settings.pumps:
        state, tag = kept.pumps[pump.id], known.get(pump.current or "")
        if tag is not None and tag.has_unit and tag.unit.factor != state.current_factor:
            state.current, state.turning_current, state.standing_current = [], [], []
            state.current_ceiling, state.current_factor = Ceiling(), tag.unit.factor
            state.thresholds = replace(state.thresholds, current=Thresholds().current)
            kept.learnt_ms = 0  # its neighbours' thresholds may be from it


def _step(tag: Tag | None) -> float:
    """The least that its meter can tell, kW; 0 where that is not known."""
    return abs(tag.resolution * tag.unit.factor) if tag is not None and tag.has_unit else 0.0


def _most(pump: PumpSettings, state: PumpState) -> tuple[float, float]:
    """Power and current, kW and A, above which nothing is this pump's, by its plate and by what came only once."""
    rated = pump.rated_power or np.inf
    return (
        min(state.power_ceiling.most, MOST_POWER * rated),
        min(state.current_ceiling.most, MOST_CURRENT * rated),
    )


def _levels(counts: list[int], most: float) -> Levels:
    return Levels(counts).up_to(most)


def _is_close(pump: PumpSettings, state: PumpState) -> bool:
    """Whether its power shows two levels that do not tell whether it stands."""
    return has_power_alone(pump) and _levels(state.power, _most(pump, state)[0]).is_close(POWER_LEAST)


def _as_given(pump: PumpSettings, found: Thresholds) -> Thresholds:
    """What the configuration says, and else what was found."""
    return Thresholds(
        power=Threshold.given(*pump.running_power) if pump.running_power else found.power,
        current=Threshold.given(*pump.running_current) if pump.running_current else found.current,
    )


def _count(said: Evidence, state: PumpState, *, has_drive: bool) -> None:
    is_turning = np.abs(said.speed) >= SPEED_ON if has_drive else np.ones(len(said.speed), np.bool_)
    is_standing = np.abs(said.speed) <= SPEED_OFF
    state.power = _counted(state.power, said.power)
    state.current = _counted(state.current, said.current)
    state.turning_power = _counted(state.turning_power, said.power[is_turning])
    state.turning_current = _counted(state.turning_current, said.current[is_turning])
    state.standing_power = _counted(state.standing_power, said.power[is_standing])
    state.standing_current = _counted(state.standing_current, said.current[is_standing])
    state.power_ceiling.update(said.times_ms, said.power)
    state.current_ceiling.update(said.times_ms, said.current)


def _counted(counts: list[int], values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> list[int]:
    levels = Levels(counts)
    levels.update(values)
    return [int(count) for count in levels.counts]


def _scales(settings: AgentSettings, kept: JobState) -> dict[str, tuple[float | None, float | None]]:
    """What the strongest of each pump's neighbours draws when it surely runs: kW and A, None where none was seen to."""
    powers, currents = dict[str, float | None](), dict[str, float | None]()
    for pump in settings.pumps:
        state, has_drive = kept.pumps[pump.id], pump.speed is not None
        power, current = _most(pump, state)
        turning_power, turning_current = _levels(state.turning_power, power), _levels(state.turning_current, current)
        gap = turning_power.wide_gap(POWER_LEAST) if has_power_alone(pump) else turning_power.gap(POWER_LEAST)
        powers[pump.id] = _surely_drawn(turning_power, POWER_LEAST, is_told=has_drive or gap is not None)
        is_told = has_drive or turning_current.gap(CURRENT_LEAST) is not None
        currents[pump.id] = _surely_drawn(turning_current, CURRENT_LEAST, is_told=is_told)
    found = {}
    for pump in settings.pumps:
        others = [other.id for other in settings.pumps if other.header == pump.header and other.id != pump.id]
        found[pump.id] = _strongest(powers[other] for other in others), _strongest(currents[other] for other in others)
    return found


def _surely_drawn(levels: Levels, least: float, *, is_told: bool) -> float | None:
    """What a pump draws while its drive turns, or, without one, in the upper of two classes that it shows.

    A pump that has only ever shown one level, and has no drive to say what that is, may never have run.
    """
    drawn = levels.quantile(0.95) if is_told else None
    return drawn if drawn is not None and drawn >= least else None


def _strongest(drawn: Iterable[float | None]) -> float | None:
    return max((each for each in drawn if each is not None), default=None)


def _states(settings: AgentSettings, cells: Frame, kept: JobState) -> dict[str, States]:
    """Each pump's state in each cell; where its evidence says nothing new, as it was before."""
    return {
        pump.id: held(states(evidence(cells, pump), kept.pumps[pump.id].thresholds), kept.pumps[pump.id].memory.raw)
        for pump in settings.pumps
    }


def _follow(pump: PumpSettings, cells: Frame, state: PumpState) -> None:
    few_ms = _FEW * cells.step_ms
    follower = RunningState(
        memory=state.memory, thresholds=state.thresholds, dwell_ms=few_ms, lost_ms=max(LOST_MS, few_ms)
    )
    follower.update(evidence(cells, pump))
    state.memory = follower.memory
