"""The curves job: steady operation since the last run, into each header's model of its pumps."""

import numpy as np

from agent.jobs.curve_records import curve_records
from agent.jobs.curve_state import CurveState, model_from_state, models_from_state, restored
from agent.jobs.evidence import evidence, header_state, plant_tags, pumps_of, running
from agent.jobs.job import JobContext, Outcome
from agent.jobs.running import first_thresholds, thresholds
from agent.plant import HeaderSettings
from agent.roles import known_tags
from agent.settings import AgentSettings
from agent.store.records import Record
from agent.window import Frame, frame
from analytics.curves.points import Points
from analytics.curves.prior import Plate
from analytics.curves.steady import Steadiness, steady_points
from analytics.running import RUNNING, STOPPED, States, Thresholds

__all__ = ["model_from_state", "models_from_state", "run", "station_points"]

FINEST_MS = 1_000  # of a cell
SLICE_MS = 6 * 3_600_000  # of history in memory at once
LONGEST_MS = 24 * 3_600_000  # of history that one run takes in; whoever has more catches up run by run
LOOKED_AT = 50_000  # new rows that tell from when the news are
SERIES = 4  # cells with readings, nearer than ten, that make a stretch of history


def run(context: JobContext) -> Outcome:
    """Learn from what is new since the mark, and fit anew where there was something to learn."""
    settings = context.settings
    kept = restored(context.state, {header.id: _plates(settings, header) for header in settings.headers})
    mark = context.reader.last_id
    steadiness = _steadiness(_step_ms(settings))
    start_ms, end_ms = _window(context, kept, steadiness)
    if start_ms >= end_ms:
        return Outcome(mark=context.mark, state=context.state)
    limits = thresholds(context.reader.job_state("running")[1])
    news = {header.id: 0 for header in settings.headers}
    for begin_ms in range(start_ms, end_ms, SLICE_MS):
        until_ms = min(begin_ms + SLICE_MS, end_ms)
        cells = _cells(context, begin_ms, until_ms, steadiness)
        limits = limits or first_thresholds(settings, cells)
        for header in settings.headers:
            found = steady_points(station_points(settings, header, cells, limits), steadiness)
            found = found.take((found.times_ms >= begin_ms) & (found.times_ms < until_ms))
            kept.headers[header.id].estimator.update(found)
            news[header.id] += len(found)
    kept.judged_ms = end_ms
    records = _refitted(kept, news, context.now_ms)
    counts = {
        "curves": sum(len(c.model.curves) for c in kept.headers.values() if c.model),
        "points": sum(news.values()),
    }
    return Outcome(mark=mark, state=kept.encode(), records=records, counts=counts)


def station_points(
    settings: AgentSettings, header: HeaderSettings, cells: Frame, limits: dict[str, Thresholds]
) -> Points:
    """What *cells* say of a header's pumps; a cell in which any of them cannot be told to run or not has no head."""
    pumps = tuple(pumps_of(settings, header))
    state = header_state(cells, header)
    states = running(cells, pumps, limits)
    said = [evidence(cells, pump) for pump in pumps]
    speeds = [np.ones(len(cells)) if pump.speed is None else each.speed for pump, each in zip(pumps, said, strict=True)]
    nothing = np.full(len(cells), np.nan)
    return Points(
        times_ms=cells.times_ms,
        running=_columns([states[pump.id] == RUNNING for pump in pumps], len(cells)).astype(np.bool_),
        speeds=_columns(speeds, len(cells)),
        head=np.where(_is_told([states[pump.id] for pump in pumps], len(cells)), state.head, np.nan),
        flow=state.flow,
        powers=_columns([each.power for each in said], len(cells)),
        pump_flows=_columns([nothing if p.flow is None else cells.values[p.flow] for p in pumps], len(cells)),
    )


def _refitted(kept: CurveState, news: dict[str, int], now_ms: int) -> list[Record]:
    records: list[Record] = []
    for header, curves in kept.headers.items():
        if news.get(header):
            curves.model = curves.estimator.fit()
            records += [] if curves.model is None else curve_records(curves.model, now_ms)
    return records


def _cells(context: JobContext, begin_ms: int, until_ms: int, steadiness: Steadiness) -> Frame:
    """The frame in which windows that begin in between can be judged; filled values are no evidence."""
    before_ms = steadiness.settle_ms + steadiness.window_ms
    after_ms = steadiness.guard_ms + steadiness.window_ms
    settings = context.settings
    step_ms = _step_ms(settings)
    return frame(
        context.reader,
        settings,
        plant_tags(settings),
        begin_ms - before_ms,
        min(until_ms + after_ms, context.now_ms // step_ms * step_ms),
        step_ms,
    )


def _window(context: JobContext, kept: CurveState, steadiness: Steadiness) -> tuple[int, int]:
    """Where windows begin that are to be judged: from the oldest news on, as far as their guard time has passed."""
    window_ms = steadiness.window_ms
    end_ms = (context.now_ms - steadiness.guard_ms - window_ms) // window_ms * window_ms
    times = [row.ts_ms for row in context.reader.after(context.mark, LOOKED_AT, plant_tags(context.settings))]
    oldest_ms = _oldest(times, _step_ms(context.settings)) if times else kept.judged_ms or end_ms
    start_ms = min(kept.judged_ms or oldest_ms, oldest_ms) // window_ms * window_ms
    return start_ms, min(end_ms, start_ms + LONGEST_MS)


def _oldest(times_ms: list[int], step_ms: int) -> int:
    """From when the news are: a subscription begins with values that changed long ago, and those are not a history."""
    cells = np.unique(np.array(times_ms) // step_ms)
    stretches = np.flatnonzero(cells[SERIES - 1 :] - cells[: 1 - SERIES] < 10)  # noqa: PLR2004 - see SERIES
    return int(cells[stretches[0] if len(stretches) else -1]) * step_ms


def _steadiness(step_ms: int) -> Steadiness:
    """Windows of 15 s, or of three cells where they are longer."""
    usual = Steadiness()
    return usual if 3 * step_ms <= usual.window_ms else Steadiness(window_ms=3 * step_ms, guard_ms=step_ms)


def _step_ms(settings: AgentSettings) -> int:
    """A cell as long as the shortest period of the tags that play a part."""
    known = known_tags(settings)
    periods = [known[tag].period_ms for tag in plant_tags(settings) if tag in known]
    return max(FINEST_MS, min(periods, default=FINEST_MS))


def _plates(settings: AgentSettings, header: HeaderSettings) -> list[Plate]:
    return [Plate(pump.id, pump.rated_flow, pump.rated_head) for pump in pumps_of(settings, header)]


def _columns(arrays: list[np.ndarray], rows: int) -> np.ndarray:
    return np.column_stack(arrays) if arrays else np.empty((rows, 0))


def _is_told(states: list[States], rows: int) -> np.ndarray:
    told = np.ones(rows, dtype=np.bool_)
    for each in states:
        told &= (each == RUNNING) | (each == STOPPED)
    return told
