"""What the advice for a header rests on, read from the log and from what other jobs know."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from agent.alarms.conditions import number
from agent.jobs.advice.balance import as_power, hour_costs
from agent.jobs.advice.limits import limits_of
from agent.jobs.advice.planned import reversals
from agent.jobs.advice.required import Present, asked, head_of, nearest, setpoint_tags
from agent.jobs.advice.standing_alarms import standing_alarms
from agent.jobs.duties.npsh import inlet
from agent.jobs.evidence import HeaderState, duty_tags, header_state, header_tags, pump_tags, pumps_of
from agent.jobs.job import JobContext
from agent.jobs.running import JobState, restored
from agent.plant import HeaderSettings, PumpSettings
from agent.roles import known_tags
from agent.settings import AgentSettings
from agent.window import Frame, frame, told
from analytics.curves.model import StationModel
from analytics.dispatch.limits import History
from analytics.dispatch.operation import Operation, listed
from analytics.dispatch.situation import Caution, Situation
from analytics.hydraulics import Floats
from analytics.running import RUNNING, STOPPED, Memory, RunningState

WINDOW_MS, LONGEST_MS = 180_000, 900_000  # of the past whose median is "now"
READINGS = 5  # of the slowest meter that it holds where that is longer: of three, two wrong ones would be the median
SETTLE_MS, LEAST_MS = 30_000, 60_000  # after a start or stop; of steady operation
STATES_LATE_MS = 60_000  # by which running states may lag behind, beyond what inputs may
_MINUTE_MS = 60_000
_HOUR_MS = 3_600_000
_DAY_MS = 86_400_000  # how old a counter of hours may be


class NotKnownError(Exception):
    """Why the present operation of a header is not known; the message is the sentence that is published."""


class NotSteadyError(NotKnownError):
    """Pumps have been started or stopped a moment ago."""


@dataclass(frozen=True, slots=True)
class Header:
    """A header, its pumps, and what is asked about them."""

    context: JobContext
    settings: HeaderSettings

    @property
    def plant(self) -> AgentSettings:
        """The whole configuration."""
        return self.context.settings

    @property
    def pumps(self) -> tuple[PumpSettings, ...]:
        """Its pumps."""
        return tuple(pumps_of(self.plant, self.settings))

    @property
    def stale_ms(self) -> float:
        """How old an input may be."""
        return 1_000 * self.plant.advice.stale_after


def situation(header: Header, model: StationModel | None, price: float, advised: frozenset[str] | None) -> Situation:
    """What the advice for *header* rests on.

    Args:
        header: The header.
        model: Curves of its pumps.
        price: Money per kWh now; 0 where it is not known.
        advised: Pumps of a change that was advised and still holds.

    Raises:
        NotKnownError: Inputs are stale, or the operation is not steady.
    """
    memories = memories_of(header)
    histories = {pump.id: _history(memories[pump.id]) for pump in header.pumps}
    cells = _cells(header, histories)
    running = [pump for pump, history in histories.items() if history.is_running]
    alarms = standing_alarms(header.context, header.settings, header.pumps, running)
    hours, planned = run_hours(header, memories), reversals(header.context, header.pumps, histories)
    advice, costs = header.plant.advice, hour_costs(hours, header.plant.advice.balance_cost)
    return Situation(
        operation=_required(header, cells, _operation(header, cells, histories, price), model, price),
        model=model,
        limits=[
            replace(
                limits_of(header.context, pump, price),
                inlet=inlet(cells, header.settings, pump),
                alarm=alarms.pumps.get(pump.id),
                inlet_alarm=alarms.inlets.get(pump.id),
                run_hours=hours[pump.id],
                planned=planned.get(pump.id),
                running_kw=as_power(costs[pump.id], price),
            )
            for pump in header.pumps
        ],
        histories=histories,
        now_ms=header.context.now_ms,
        caution=Caution(advice.confidence, advice.least_saving),
        advised=advised,
        alarm=alarms.header,
        unpaid=_unpaid(header, price),
        method=None if (method := header.plant.jobs.dispatch.method) == "exact" else method,
    )


def _unpaid(header: Header, price: float) -> str | None:
    """Why less power saves no money now."""
    if not header.plant.tariff.is_priced or price > 0:
        return None
    return f"Energy costs {price:g} {header.plant.tariff.currency}/kWh now, so that using less of it saves no money."


def run_hours(header: Header, memories: Mapping[str, Memory]) -> dict[str, float]:
    """By the plant's own counters where every pump has one, else as counted since the agent has seen them."""
    tags = [pump.run_hours for pump in header.pumps if pump.run_hours is not None]
    rows = header.context.reader.latest(tags) if tags else {}
    known = known_tags(header.plant)
    counted: dict[str, float] = {}
    for pump in header.pumps:
        row = rows.get(pump.run_hours or "")
        value = None if row is None or header.context.now_ms - row.ts_ms > _DAY_MS else number(row)
        tag = known.get(pump.run_hours or "")
        hours = tag.unit.hours if tag is not None and tag.has_unit else None
        if value is None or hours is None:
            return {one.id: RunningState(memory=memories[one.id]).run_ms / _HOUR_MS for one in header.pumps}
        counted[pump.id] = value * hours
    return counted


def memories_of(header: Header) -> dict[str, Memory]:
    """What the running job knows of each pump."""
    _, state = header.context.reader.job_state("running")
    kept: JobState = restored(state)
    if not kept.seen_ms:
        raise NotKnownError("It is not known yet which pumps run.")
    late_ms = header.context.now_ms - kept.seen_ms
    if late_ms > header.stale_ms + STATES_LATE_MS:
        raise NotKnownError(f"Which pumps run was last looked at {late_ms // _MINUTE_MS} min ago.")
    missing = [pump.id for pump in header.pumps if pump.id not in kept.pumps]
    if missing:
        raise NotKnownError(f"It is not known yet whether {listed(missing)} run.")
    return {pump.id: kept.pumps[pump.id].memory for pump in header.pumps}


def _history(memory: Memory) -> History:
    """A state whose beginning nobody saw has no age."""
    was_seen = memory.since_ms in {*memory.start_times_ms, *memory.stop_times_ms}
    return History(
        is_running={RUNNING: True, STOPPED: False}.get(memory.state),
        since_ms=memory.since_ms if was_seen else 0,
        start_times_ms=memory.start_times_ms,
    )


def _operation(header: Header, cells: Frame, histories: Mapping[str, History], price: float) -> Operation:
    """Medians of the last minutes of one and the same set of pumps."""
    running = [pump for pump in header.pumps if histories[pump.id].is_running]
    _refuse_stale(header, cells, running)
    state = header_state(cells, header.settings)
    _refuse_thin(header, cells, running)
    if not (np.isfinite(state.flow) & np.isfinite(state.head)).any():
        raise NotKnownError("The header's meters of flow and pressure were never good at the same time.")
    low, high = _band(header, cells, state)
    unit = known_tags(header.plant)[header.settings.pressure[0]].unit
    cost = as_power(header.settings.pressure_cost, price) / float(unit.convert_difference(1.0))
    return Operation(
        flow=_median(state.flow),
        head=_median(state.head),
        speeds={pump.id: _speed(cells, pump) for pump in running},
        powers={pump.id: _median(cells.values[pump.power]) for pump in running if pump.power is not None},
        head_min=low,
        head_max=high,
        head_preferred=head_of(header.plant, header.settings, cells, header.settings.pressure_preferred),
        deviation_kw=cost,
    )


def _required(header: Header, cells: Frame, now: Operation, model: StationModel | None, price: float) -> Operation:
    """The same with what is required of the header."""
    band, pumps = (now.head_min, now.head_max), () if model is None else model.pumps
    wanted = asked(
        Present(
            context=header.context,
            header=header.settings,
            cells=cells,
            flow=now.flow,
            head=now.head,
            band=band,
            pumps=pumps,
            running=frozenset(now.speeds),
            stale_ms=header.stale_ms,
            kwh_price=price,
        )
    )
    low, high = band if wanted.is_free else nearest(now.head, *band)
    found = replace(now, required=wanted.requirement, said=wanted.said, missing=wanted.missing)
    return replace(found, head_min=low, head_max=high)


def _cells(header: Header, histories: Mapping[str, History]) -> Frame:
    now_ms = header.context.now_ms
    latest = max(header.pumps, key=lambda pump: histories[pump.id].since_ms)
    since_ms = histories[latest.id].since_ms
    known = known_tags(header.plant)
    duty = [known[tag].period_ms for tag in duty_tags(header.settings, header.pumps) if tag in known]
    window_ms = min(max(WINDOW_MS, READINGS * max(duty, default=0)), LONGEST_MS)
    start_ms = max(now_ms - window_ms, since_ms + SETTLE_MS)
    if now_ms - start_ms < LEAST_MS:
        what = "started" if histories[latest.id].is_running else "stopped"
        raise NotSteadyError(f"{latest.id} {what} {(now_ms - since_ms) // 1_000} s ago; waiting for steady operation.")
    wanted = [*header_tags(header.settings), *setpoint_tags(header.plant, header.settings)]
    tags = [*wanted, *(tag for pump in header.pumps for tag in pump_tags(pump))]
    step_ms = max(1_000, min((known[tag].period_ms for tag in tags if tag in known), default=1_000))
    return frame(header.context.reader, header.plant, tags, start_ms, now_ms, step_ms)


def _refuse_thin(header: Header, cells: Frame, running: list[PumpSettings]) -> None:
    """No advice from the few seconds of a window in which something was measured; of several gauges one is enough."""
    gauges = cells.thin(header.settings.pressure)
    thin = [*cells.thin(duty_tags(header.settings, running)), *gauges[len(header.settings.pressure) - 1 :]]
    if thin:
        raise NotKnownError(f"Too little was measured to advise: {told(thin)}.")


def _refuse_stale(header: Header, cells: Frame, running: list[PumpSettings]) -> None:
    """Look at the age of every value that the advice needs; of several pressure gauges one is enough."""
    ages = {tag: _age_ms(header, cells, tag) for tag in duty_tags(header.settings, running)}
    gauges = {tag: _age_ms(header, cells, tag) for tag in header.settings.pressure}
    ages |= dict([min(gauges.items(), key=lambda one: one[1])])
    tag, age_ms = max(ages.items(), key=lambda one: one[1])
    if age_ms > header.stale_ms:
        span = f"in the last {len(cells.times_ms) * cells.step_ms // _MINUTE_MS} min"
        since = f"for {age_ms / 1_000:.0f} s" if np.isfinite(age_ms) else span
        raise NotKnownError(f"{tag} has had no good value {since}.")


def _age_ms(header: Header, cells: Frame, tag: str) -> float:
    known = np.flatnonzero(np.isfinite(cells.values[tag]))
    if not len(known):
        return np.inf
    return float(max(0, header.context.now_ms - int(cells.times_ms[known[-1]]) - cells.step_ms))


def _speed(cells: Frame, pump: PumpSettings) -> float:
    return 1.0 if pump.speed is None else _median(cells.values[pump.speed]) / pump.rated_speed


def _median(values: Floats) -> float:
    return float(np.nanmedian(values))


def _band(header: Header, cells: Frame, state: HeaderState) -> tuple[float | None, float | None]:
    """Heads that may be planned, m; a single limit only moves a head that breaks it."""
    settings = header.settings
    low, high = (
        head_of(header.plant, header.settings, cells, limit) for limit in (settings.pressure_min, settings.pressure_max)
    )
    if low is not None and high is not None:
        return low, high
    return nearest(_median(state.head), low, high)
