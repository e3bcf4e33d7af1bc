"""The curves job: steady operation since the last run, into each header's model of its pumps."""

import json
from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import dataclass, replace

import numpy as np

from agent.availability import Availability, doubt_of
from agent.jobs.evidence import evidence, header_state, plant_tags, pumps_of, running
from agent.jobs.filled.silence import spacing_ms
from agent.jobs.job import JobContext, Outcome
from agent.jobs.learnt.choice import choices
from agent.jobs.learnt.data_sheet import catalogue, catalogues_of, plate
from agent.jobs.learnt.records import catalogue_records, curve_records, unfitted_records
from agent.jobs.learnt.state import CurveState, HeaderCurves, model_from_state, models_from_state, restored
from agent.jobs.owed import joined, newest, touched, without
from agent.jobs.running import first_thresholds, thresholds
from agent.plant import HeaderSettings, PumpSettings
from agent.roles import known_tags
from agent.settings import AgentSettings
from agent.store.columns import columns
from agent.store.records import Record
from agent.window import Frame, Rule, frame
from analytics.curves.estimator import StationCurves
from analytics.curves.methods.catalogue import Catalogue
from analytics.curves.points import Points
from analytics.curves.prior import Plate
from analytics.curves.refined import refined
from analytics.curves.steady import Steadiness, steady_points
from analytics.running import RUNNING, STOPPED, States, Thresholds
from drivers.reading import Quality

__all__ = ["cell_ms", "model_from_state", "models_from_state", "run", "spaced_ms", "station_points", "steadiness"]

FINEST_MS = 1_000  # of a cell
COARSEST_MS = 300_000  # of a history's spacing; hourly values tell of no steady state
SLICE_MS = 6 * 3_600_000  # of history in memory at once
SAMPLE_MS = 3_600_000  # of a slice that tells its spacing
LONGEST_MS = 24 * 3_600_000  # that one run judges; whoever has more catches up run by run
JOINED_MS = 3_600_000  # between imported spans that make one stretch
LOOKED_AT = 50_000  # new rows that tell from when the news are
MOST_FAILURES = 12  # fits in a row that come to nothing, an hour of them, before what was learnt is given up
SERIES = 4  # cells with readings, nearer than ten, that make a stretch of live readings


@dataclass(frozen=True, slots=True)
class _Slice:
    """Windows that begin from `begin_ms` up to, not including, `until_ms`, and how they are judged."""

    begin_ms: int
    until_ms: int
    step_ms: int
    is_history: bool

    @property
    def steadiness(self) -> Steadiness:
        return steadiness(self.step_ms)


def run(context: JobContext) -> Outcome:
    """Learn from what is still to be judged, the newest first, and fit anew where there was something to learn."""
    settings = context.settings
    plates = {header.id: own for header in settings.headers if (own := plates_of(settings, header))}
    kept = restored(context.state, plates, settings.jobs.curves.speed_exponent)
    mark = context.reader.last_id
    sheets = catalogues_of(settings)
    for curves in kept.headers.values():
        curves.estimator.forget_after(context.now_ms)
        if not curves.meters or any(meter.newest_ms > context.now_ms for meter in curves.meters.values()):
            curves.learn_anew(sheets)
    before = {header: copy(curves.estimator) for header, curves in kept.headers.items()}
    _owe(context, kept)
    limits = thresholds(context.reader.job_state("running")[1])
    news, seen = dict.fromkeys(kept.headers, 0), list[Availability]()
    for part in _slices(context, kept):
        cells = _cells(context, part)
        seen += map(cells.availability, cells.values)
        limits = limits or first_thresholds(settings, cells)
        for header in settings.headers:
            if header.id in kept.headers:
                found = steady_points(station_points(settings, header, cells, limits), part.steadiness)
                news[header.id] += _taken(kept.headers[header.id], found, part, sheets)
    records = _refitted(context, kept, news, before)
    fitted = sum(len(each.model.curves) for each in kept.headers.values() if each.model)
    counts = {"curves": fitted, "points": sum(news.values())}
    return Outcome(mark=mark, state=kept.encode(), records=records, counts=counts, doubt=doubt_of(seen))


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


def _refitted(
    context: JobContext, kept: CurveState, news: dict[str, int], before: dict[str, StationCurves]
) -> list[Record]:
    """What is published of each header with *news*: its new curves, or the last ones where they make none.

    A pump that has no curve yet has that of its data sheet.
    """
    sheets = catalogues_of(context.settings)
    known = {pump for curves in kept.headers.values() if curves.model for pump in curves.model.pumps}
    last = {record.key: record for record in context.reader.newest("curve")}
    pumps = {pump.id: pump for pump in context.settings.pumps}
    records = list(catalogue_records(sheets, known, last, context.now_ms, pumps))
    for header, curves in kept.headers.items():
        if news.get(header):
            try:
                records += _fitted(curves, pumps, sheets, context.now_ms)
                curves.failures = 0
            except (ValueError, ArithmeticError) as error:  # a singular matrix is the former
                records += _unfitted(context, header, curves, before[header], error)
                curves.learn_anew(sheets)
    return records


def _fitted(
    curves: HeaderCurves, pumps: Mapping[str, PumpSettings], sheets: Mapping[str, Catalogue], now_ms: int
) -> list[Record]:
    """Fit anew; *curves* change only where that succeeds.

    Raises:
        ValueError: What was learnt makes no model.
        ArithmeticError: Likewise.
    """
    estimator = curves.estimator
    model = estimator.fit()
    if model is None:
        return []
    chosen = choices(curves.meters, curves.methods, now_ms, sheets)
    model = refined(model, chosen, estimator.points, estimator.pumps)
    json.dumps(model.to_dict(), allow_nan=False)
    records = list(curve_records(model, chosen, now_ms, pumps))
    curves.model = model
    curves.methods = {pump: choice.method.name for pump, choice in chosen.items()}
    return records


def _unfitted(
    context: JobContext, header: str, curves: HeaderCurves, before: StationCurves, error: Exception
) -> list[Record]:
    """Forget what was learnt last, which made the fit fail, and say so beside the last curves.

    It is not taken up again, or learning would stop for good; where that does not help, it begins anew.
    """
    curves.failures += 1
    curves.estimator = before
    if curves.failures >= MOST_FAILURES:
        curves.failures, curves.estimator = 0, before.anew()
    cause = str(error).partition("\n")[0]
    why = f"the newest readings of header {header} make no curve ({cause}) and are left out; check its tags' scales"
    last = {record.key: record for record in context.reader.newest("curve")}
    return list(unfitted_records(last, before.pumps, why, context.now_ms))


def _taken(curves: HeaderCurves, found: Points, part: _Slice, sheets: Mapping[str, Catalogue]) -> int:
    """Learn the points of windows that were still to be judged, which they are no more; how many there were."""
    window_ms = part.steadiness.window_ms
    begins = found.times_ms - window_ms // 2
    owed = curves.history if part.is_history else curves.live
    new = (begins >= part.begin_ms) & (begins < part.until_ms) & touched(owed, begins, window_ms)
    curves.learn(found.take(new), sheets)
    left = without(owed, part.begin_ms, part.until_ms)
    if part.is_history:
        curves.history = left
    else:
        curves.live = left
    return int(new.sum())


def _cells(context: JobContext, part: _Slice) -> Frame:
    """The frame in which windows of *part* can be judged; filled values teach where asked, but never who ran."""
    steadiness, step_ms = part.steadiness, part.step_ms
    before_ms = -(-(steadiness.settle_ms + steadiness.window_ms) // step_ms) * step_ms
    after_ms = steadiness.guard_ms + steadiness.window_ms
    settings, tags = context.settings, plant_tags(context.settings)
    statuses = {pump.status for pump in settings.pumps}
    rules: dict[str, Rule] = {tag: "filled" for tag in tags if settings.jobs.curves.filled and tag not in statuses}
    return frame(
        context.reader,
        settings,
        tags,
        part.begin_ms - before_ms,
        min(part.until_ms + after_ms, context.now_ms // step_ms * step_ms),
        step_ms,
        rules=rules,
    )


def _owe(context: JobContext, kept: CurveState) -> None:
    """Note what is to be judged: live windows up to now, and imported history that is new to a header."""
    window_ms = steadiness(cell_ms(context.settings)).window_ms
    now_ms = context.now_ms // window_ms * window_ms
    marks = {header: context.mark if curves.judged_ms else 0 for header, curves in kept.headers.items()}
    news = {mark: (_live_from(context, mark), context.reader.history(mark)) for mark in set(marks.values())}
    for header, curves in kept.headers.items():
        live_ms, history = news[marks[header]]
        if live_ms is not None:
            start_ms = min(curves.judged_ms or live_ms, live_ms) // window_ms * window_ms
            curves.live = joined([*curves.live, (start_ms, now_ms)])
        curves.history = joined([*curves.history, *((first, last + 1) for first, last in history)], JOINED_MS)
        curves.judged_ms = max(curves.judged_ms, now_ms)


def _slices(context: JobContext, kept: CurveState) -> Iterator[_Slice]:
    """What this run judges, live before history; nothing whose guard time has not passed."""
    step_ms, most_ms = cell_ms(context.settings), LONGEST_MS
    for is_history in (False, True):
        owed = joined(each for c in kept.headers.values() for each in (c.history if is_history else c.live))
        for start_ms, end_ms in newest(owed, context.now_ms, most_ms):
            most_ms -= end_ms - start_ms
            for begin_ms in range(start_ms, end_ms, SLICE_MS):
                until_ms = min(begin_ms + SLICE_MS, end_ms)
                own_ms = max(step_ms, spaced_ms(context, begin_ms, until_ms)) if is_history else step_ms
                part = _judgeable(_Slice(begin_ms, until_ms, own_ms, is_history), context.now_ms)
                if part.begin_ms < part.until_ms:
                    yield part


def _judgeable(part: _Slice, now_ms: int) -> _Slice:
    """The whole windows of *part* whose guard time has passed."""
    window_ms, guard_ms = part.steadiness.window_ms, part.steadiness.guard_ms
    last_ms = (now_ms - guard_ms - window_ms) // window_ms * window_ms
    return replace(part, begin_ms=part.begin_ms // window_ms * window_ms, until_ms=min(part.until_ms, last_ms))


def spaced_ms(context: JobContext, begin_ms: int, until_ms: int) -> int:
    """The spacing of imported readings where a value may not stand until the next one, in whole seconds; 0: it may."""
    known = known_tags(context.settings)
    names = [tag for tag in plant_tags(context.settings) if tag in known]
    for end_ms in dict.fromkeys((min(begin_ms + SAMPLE_MS, until_ms), until_ms)):
        found = columns(context.reader, names, begin_ms, end_ms)
        told = {tag: spacing_ms(one.times_ms[one.quality >= Quality.GOOD].tolist(), 0) for tag, one in found.items()}
        if any(told.values()):
            wide = (each for tag, each in told.items() if known[tag].hold_ms < each <= COARSEST_MS)
            return -(-max(wide, default=0) // FINEST_MS) * FINEST_MS
    return 0


def _live_from(context: JobContext, mark: int) -> int | None:
    """From when the news that were appended after *mark* are; None where there are none."""
    rows = context.reader.appended(mark + 1, context.reader.last_id, LOOKED_AT)
    tags = set(plant_tags(context.settings))
    times = [row.ts_ms for row in rows if row.tag in tags] or [row.ts_ms for row in rows]
    return _oldest(times, cell_ms(context.settings)) if times else None


def _oldest(times_ms: list[int], step_ms: int) -> int:
    """From when the news are: a subscription begins with values that changed long ago, and those are not a history."""
    cells = np.unique(np.array(times_ms) // step_ms)
    stretches = np.flatnonzero(cells[SERIES - 1 :] - cells[: 1 - SERIES] < 10)  # noqa: PLR2004 - see SERIES
    return int(cells[stretches[0] if len(stretches) else -1]) * step_ms


def steadiness(step_ms: int) -> Steadiness:
    """Windows of 15 s, or of three cells where they are longer."""
    usual = Steadiness()
    return usual if 3 * step_ms <= usual.window_ms else Steadiness(window_ms=3 * step_ms, guard_ms=step_ms)


def cell_ms(settings: AgentSettings) -> int:
    """A cell as long as the shortest period of the tags that play a part."""
    known = known_tags(settings)
    periods = [known[tag].period_ms for tag in plant_tags(settings) if tag in known]
    return max(FINEST_MS, min(periods, default=FINEST_MS))


def plates_of(settings: AgentSettings, header: HeaderSettings) -> list[Plate]:
    """What is known of a header's pumps beforehand."""
    law = settings.jobs.curves.speed_exponent
    return [replace(plate(one), sheet=catalogue(one), speed_exponent=law) for one in pumps_of(settings, header)]


def _columns(arrays: list[np.ndarray], rows: int) -> np.ndarray:
    return np.column_stack(arrays) if arrays else np.empty((rows, 0))


def _is_told(states: list[States], rows: int) -> np.ndarray:
    told = np.ones(rows, dtype=np.bool_)
    for each in states:
        told &= (each == RUNNING) | (each == STOPPED)
    return told
