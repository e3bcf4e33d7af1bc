"""The forecast job: what was drawn from the tank (or flowed into the well) by half hours, and what will be."""

import json
from hashlib import sha256
from zoneinfo import ZoneInfo

import numpy as np

from agent.availability import LEAST_SUMMED, mean_known
from agent.jobs.evidence import header_state, header_tags
from agent.jobs.job import JobContext, Outcome
from agent.jobs.plans.demand import KEPT_SLOTS, MEMORY, SLOT_MS, DemandState, Expected, calendar, storage_of
from agent.jobs.plans.served import serving
from agent.plant import TankSettings
from agent.settings import AgentSettings
from agent.window import Frame, frame
from analytics.curves.points import MOST_FLOW, MOST_HEAD
from analytics.forecast.forecast import NoForecast, forecast
from analytics.forecast.series import Series
from analytics.hydraulics import Floats

CELL_MS = 60_000
AHEAD = 96  # half hours
PORTION = 4 * 48  # half hours of one run; more wait for the next
_PER_SLOT = SLOT_MS // CELL_MS
_SLOT_HOURS = SLOT_MS / 3_600_000
_LEAST_FLOW = 0.05  # of the greatest: below it nothing is learnt of what the pumps work against
_MOST_LEVEL = 10_000.0  # m, above whatever it is counted from
_BY_LEVEL = 2  # minutes to either side of a level's instant
_LEAST_LEVEL = 1 / (2 * _BY_LEVEL)  # of these; a level goes on as it was, so that one of them tells it
_ASIDE = 2  # minutes of pumping before and after one, which has to be like them
_ODD = 0.1  # of their median: a minute further off is none of steady pumping, or a meter's wrong value


def run(context: JobContext) -> Outcome:
    """Look at the half hours since the last run, and forecast anew where there are any."""
    tank = context.settings.tank
    kept = MEMORY.restored(context.state)
    if tank is None:
        return Outcome(mark=context.reader.last_id, state=context.state)
    digest = _digest(context.settings, tank)
    if _is_void(kept, digest, context.now_ms):
        kept = DemandState()
    kept.digest = digest
    if not context.settings.headers:
        kept.expected, kept.why = None, "no header's meter says what is pumped; add a [[header]]."
        return Outcome(mark=context.reader.last_id, state=MEMORY.encode(kept))
    learnt = _learn(kept, context, tank)
    is_behind = learnt == PORTION
    if (learnt or kept.expected is None) and not is_behind:
        _expect(kept, context)
    counts = {"half_hours": learnt, "known_half_hours": sum(one is not None for one in kept.slots)}
    mark = context.reader.id_at(kept.end_ms) if is_behind else context.reader.last_id
    return Outcome(mark=mark, state=MEMORY.encode(kept), counts=counts, doubt=kept.doubt)


def _is_void(kept: DemandState, digest: str, now_ms: int) -> bool:
    """Another tank or other meters were another demand; a clock that was set back leaves a past that has not come."""
    return kept.digest not in {"", digest} or kept.end_ms > now_ms + SLOT_MS


def _digest(settings: AgentSettings, tank: TankSettings) -> str:
    """Of what the known past was made from."""
    kept = tank.model_dump(mode="json", exclude={"header", "water_value"})
    made_from = [kept, sorted(tag for header in serving(settings) for tag in header.flow)]
    return sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()[:16]


def _learn(kept: DemandState, context: JobContext, tank: TankSettings) -> int:
    """Take what is new, at most a portion; how many half hours that was."""
    latest_ms = (context.now_ms - _BY_LEVEL * CELL_MS) // SLOT_MS * SLOT_MS
    if not kept.slots:
        oldest_ms, _ = context.reader.extent
        if not oldest_ms:
            return 0
        kept.start_ms = max(-(-oldest_ms // SLOT_MS) * SLOT_MS, latest_ms - KEPT_SLOTS * SLOT_MS)
    count = min(PORTION, (latest_ms - kept.end_ms) // SLOT_MS)
    if count <= 0:
        return 0
    tags = [tag for header in serving(context.settings) for tag in header_tags(header)]
    start_ms, end_ms = kept.end_ms - _BY_LEVEL * CELL_MS, kept.end_ms + count * SLOT_MS + _BY_LEVEL * CELL_MS
    cells = frame(context.reader, context.settings, [*tags, tank.level], start_ms, end_ms, CELL_MS)
    flow = np.sum([header_state(cells, header).flow for header in serving(context.settings)], axis=0)
    level = _believable(cells.values[tank.level], _MOST_LEVEL)
    kept.doubt = cells.doubt()
    kept.extend(_demand(tank, _believable(flow, MOST_FLOW), level, count))
    kept.judge()
    _learn_system(kept, context, cells, tank)
    return int(count)


def _demand(tank: TankSettings, flow: Floats, level: Floats, count: int) -> Floats:
    """What was drawn or flowed in, by half hours, m³/h: what was pumped, and what the volume changed by."""
    storage = storage_of(tank)
    edges = [level[place : place + 2 * _BY_LEVEL] for place in range(0, count * _PER_SLOT + 1, _PER_SLOT)]
    volumes = storage.volume(np.array([_mean(edge, _LEAST_LEVEL) for edge in edges]))
    inner = flow[_BY_LEVEL : _BY_LEVEL + count * _PER_SLOT].reshape(count, _PER_SLOT)
    pumped = np.array([_mean(one, LEAST_SUMMED) for one in inner])
    return np.asarray(pumped - storage.sign * np.diff(volumes) / _SLOT_HOURS)


def _mean(values: Floats, least: float) -> float:
    """Of what is known; NaN where that is less than the share *least*."""
    found = mean_known(values, least)
    return np.nan if found is None else found


def _learn_system(kept: DemandState, context: JobContext, cells: Frame, tank: TankSettings) -> None:
    """Minutes of pumping: head against flow and level."""
    if len(headers := serving(context.settings)) != 1:
        return
    state = header_state(cells, headers[0])
    flow, level = _believable(state.flow, MOST_FLOW), _believable(cells.values[tank.level], _MOST_LEVEL)
    rest = _believable(state.head, MOST_HEAD) - storage_of(tank).sign * level
    kept.system.update(*_pumped(flow, rest))


def _pumped(flow: Floats, rest: Floats) -> tuple[Floats, Floats]:
    """Both, of minutes of pumping that are like the nearest such: squares would take one wrong value for the pipe.

    A minute beside one of standing is left out: the square of its mean is not the mean of its squares.
    """
    is_pumped = np.isfinite(rest) & (flow > _LEAST_FLOW * np.nanmax(_medians(flow, 1), initial=0.0))
    is_within = is_pumped & np.append(is_pumped[1:], False) & np.append(False, is_pumped[:-1])
    if not is_within.any():
        return flow[:0], rest[:0]
    both = flow[is_within], rest[is_within]
    is_alike = np.ones(len(both[0]), np.bool_)
    for values in both:
        usual = _medians(values, _ASIDE)
        is_alike &= np.abs(values - usual) <= _ODD * np.abs(usual)
    return both[0][is_alike], both[1][is_alike]


def _medians(values: Floats, aside: int) -> Floats:
    """Running ones of what is known so many places to either side; NaN where that is one value alone."""
    around = np.pad(values, aside, constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(around, 2 * aside + 1)
    known = np.isfinite(windows).sum(axis=1) > 1
    return np.where(known, np.nanmedian(np.where(known[:, np.newaxis], windows, 0.0), axis=1), np.nan)


def _believable(values: Floats, most: float) -> Floats:
    """Without what a register in the wrong word order says: squares of it would outlast months in the sums."""
    return np.where(np.abs(values) <= most, values, np.nan)


def _expect(kept: DemandState, context: JobContext) -> None:
    zone = ZoneInfo(context.settings.station.time_zone)
    times_ms = kept.start_ms + SLOT_MS * np.arange(len(kept.slots) + AHEAD, dtype=np.int64)
    clock = calendar(times_ms, zone).local_ms
    values = np.array([np.nan if one is None else one for one in kept.slots], np.float64)
    past = Series(values, calendar(times_ms[: len(values)], zone), SLOT_MS)
    found = forecast(past, type(past.calendar)(clock[len(values) :]))
    if isinstance(found, NoForecast):
        kept.expected, kept.why = None, found.why
        return
    kept.expect(
        Expected(
            made_ms=context.now_ms,
            start_ms=kept.end_ms,
            method=found.method,
            centre=[round(float(one), 2) for one in found.centre],
            low=[round(float(one), 2) for one in found.quantiles[0]],
            high=[round(float(one), 2) for one in found.quantiles[-1]],
            error=round(found.error, 2),
            coverage=round(found.coverage, 3),
            added=[round(float(one) * _SLOT_HOURS, 2) for one in found.added if np.isfinite(one)],
        )
    )
