"""The wear job: what each pump has lost against a reference that is taken once and kept, beside curves that forget."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

import numpy as np

from agent import tariff
from agent.jobs.curves import cell_ms, spaced_ms, station_points, steadiness
from agent.jobs.evidence import evidence, plant_tags, pumps_of, running
from agent.jobs.job import JobContext, Outcome
from agent.jobs.running import first_thresholds, thresholds
from agent.jobs.worn.records import wear_records
from agent.jobs.worn.references import refer, take_up_overhauls
from agent.jobs.worn.state import MOST_DAYS, DayLoss, Kept, restored
from agent.settings import AgentSettings
from agent.window import Frame, frame
from analytics.curves.points import Points
from analytics.curves.steady import steady_points
from analytics.running import RUNNING, Thresholds
from analytics.wear.losses import Losses, losses
from analytics.wear.reference import Reference

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
SLICE_MS = 6 * HOUR_MS  # of readings in memory at once
LONGEST_MS = DAY_MS  # that one run takes in; whoever has more catches up run by run
SLOT_MS = 120_000  # of which one steady point is kept for a day
MOST_ROWS = 20_000  # among which the first reading is looked for after a clock has come back
LEAST_POINTS = 20  # of a pump on a day of which something is said


def run(context: JobContext) -> Outcome:
    """Take in what is new, close the days that have ended, and say what the pumps have lost."""
    settings = context.settings
    own = {header.id: [pump.id for pump in pumps_of(settings, header)] for header in settings.headers}
    kept = restored(context.state, {header: pumps for header, pumps in own.items() if pumps})
    _put_right(context, kept)
    take_up_overhauls(context, kept)
    limits = thresholds(context.reader.job_state("running")[1])
    for begin_ms, until_ms, step_ms in _parts(context, kept):
        cells = _cells(context, begin_ms, until_ms, step_ms)
        kept.state.look(cells, (begin_ms, until_ms))
        _take(settings, kept, cells, (begin_ms, until_ms), limits or first_thresholds(settings, cells))
        kept.state.seen_ms = until_ms
    refer(settings, kept)
    records = wear_records(settings, kept, {header: present(kept, header) for header in kept.state.headers})
    is_behind = kept.state.seen_ms < context.now_ms - LONGEST_MS
    return Outcome(
        mark=max(context.mark, context.reader.id_at(kept.state.seen_ms)) if is_behind else context.reader.last_id,
        state=kept.encode(),
        records=records,
        counts={"references": sum(pump.life.reference is not None for pump in kept.state.pumps.values())},
        doubt=kept.state.doubt(plant_tags(settings)),
    )


def _put_right(context: JobContext, kept: Kept) -> None:
    """Go on from the first new reading where a clock that ran ahead has come back, not from its date on."""
    if kept.state.seen_ms <= context.now_ms:
        return
    new_ms = (row.ts_ms for row in context.reader.after(context.mark, MOST_ROWS))
    begin_ms = next((ts_ms for ts_ms in new_ms if ts_ms <= context.now_ms), context.now_ms)
    midnight_ms, _ = tariff.midnights_ms(begin_ms, ZoneInfo(context.settings.station.time_zone))
    kept.forget_ahead(max(begin_ms, context.now_ms - LONGEST_MS), midnight_ms)


def present(kept: Kept, header: str) -> Losses:
    """What the pumps of a header have lost, by the last 24 hours of steady points."""
    state = kept.state.headers[header]
    days = max(kept.state.seen_ms - state.closed_ms, 0) / DAY_MS if state.closed_ms else 1.0
    points = kept.recent[header]
    points = points.take(points.times_ms > kept.state.seen_ms - DAY_MS)
    return losses(points, _references(kept, header), state.belief.after(days))


def _references(kept: Kept, header: str) -> list[Reference | None]:
    return [kept.state.pumps[pump].life.reference for pump in kept.state.headers[header].pumps]


def _parts(context: JobContext, kept: Kept) -> Iterator[tuple[int, int, int]]:
    """Beginning, end and cell of each stretch of new time whose steady windows can be judged, oldest first."""
    end_ms = context.now_ms
    start_ms = min(kept.state.seen_ms, end_ms)  # the clock may have been set back
    if not start_ms or end_ms - start_ms > LONGEST_MS:  # nothing is to be found before the first new reading
        first = context.reader.after(context.mark, 1)
        start_ms = max(start_ms, first[0].ts_ms) if first else end_ms
    history = context.reader.history(context.mark)
    end_ms = min(end_ms, start_ms + LONGEST_MS)
    for begin_ms in range(start_ms, end_ms, SLICE_MS):
        until_ms = min(begin_ms + SLICE_MS, end_ms)
        is_history = any(first < until_ms and last >= begin_ms for first, last in history)
        step_ms = cell_ms(context.settings)
        step_ms = max(step_ms, spaced_ms(context, begin_ms, until_ms)) if is_history else step_ms
        own = steadiness(step_ms)
        until_ms = min(until_ms, context.now_ms - own.guard_ms - own.window_ms)
        if begin_ms < until_ms:
            yield begin_ms, until_ms, step_ms


def _cells(context: JobContext, begin_ms: int, until_ms: int, step_ms: int) -> Frame:
    """What was measured, and never a filled value, with enough around to judge every window that begins in between."""
    own = steadiness(step_ms)
    before_ms = -(-(own.settle_ms + own.window_ms) // step_ms) * step_ms
    start_ms = begin_ms // own.window_ms * own.window_ms - before_ms
    end_ms = min(until_ms + own.guard_ms + own.window_ms, context.now_ms // step_ms * step_ms)
    settings = context.settings
    return frame(context.reader, settings, plant_tags(settings), start_ms, end_ms, step_ms)


def _take(
    settings: AgentSettings, kept: Kept, cells: Frame, between: tuple[int, int], limits: dict[str, Thresholds]
) -> None:
    """Take in the steady windows and the energy *between* two instants."""
    own = steadiness(cells.step_ms)
    zone = ZoneInfo(settings.station.time_zone)
    _count_energy(settings, kept, cells, between, limits)
    for header in settings.headers:
        if header.id in kept.state.headers:
            found = steady_points(station_points(settings, header, cells, limits), own)
            begins = found.times_ms - own.window_ms // 2
            points = found.take((begins >= between[0]) & (begins < between[1])).believable
            _add(kept, header.id, points.take(points.usable), zone)


def _add(kept: Kept, header: str, points: Points, zone: ZoneInfo) -> None:
    """Add steady points, oldest first, and close each day that they leave behind."""
    state = kept.state.headers[header]
    begins_ms = np.array([kept.state.pumps[pump].life.begin_ms for pump in state.pumps])
    of_before = (points.running & (points.times_ms[:, np.newaxis] < begins_ms)).any(axis=1)  # another pump, as it were
    for midnight_ms, part in _days(points.take(~of_before), zone):
        if state.closed_ms < midnight_ms:
            _close(kept, header, midnight_ms, zone)
        recent = kept.recent[header]
        before = recent.take(recent.times_ms < part.times_ms[0])  # nothing of a time that a wrong clock has shown
        kept.recent[header] = _thinned(Points.joined([before, part]))
        for index, pump in enumerate(state.pumps):
            if part.running[:, index].any() and kept.state.pumps[pump].life.reference is None:
                state.since.setdefault(pump, int(part.times_ms[0]))
                state.steady[pump] = state.steady.get(pump, 0) + int(part.running[:, index].sum())
        if header in kept.learning:
            kept.learning[header].update(part)


def _days(points: Points, zone: ZoneInfo) -> Iterator[tuple[int, Points]]:
    """The points of each of the station's days with its midnight."""
    while len(points):
        midnight_ms, next_ms = tariff.midnights_ms(int(points.times_ms[0]), zone)
        end = int(np.searchsorted(points.times_ms, next_ms))
        yield midnight_ms, points.take(slice(0, end))
        points = points.take(slice(end, None))


def _close(kept: Kept, header: str, midnight_ms: int, zone: ZoneInfo) -> None:
    """Write down what the pumps had lost on the day before *midnight_ms* on which they last ran."""
    state, recent = kept.state.headers[header], kept.recent[header]
    day = recent.take((recent.times_ms >= state.closed_ms) & (recent.times_ms < midnight_ms))
    if len(day) and any(_references(kept, header)):
        begin_ms, _ = tariff.midnights_ms(int(day.times_ms[-1]), zone)
        days = (midnight_ms - state.closed_ms) / DAY_MS if state.closed_ms else 1.0
        found = losses(day, _references(kept, header), state.belief.after(days))
        state.believe(found.belief)
        if all(_references(kept, header)):
            state.count_first(found.belief)
        for index, pump in enumerate(state.pumps):
            life = kept.state.pumps[pump].life
            if life.reference and found.points[index] >= LEAST_POINTS:
                life.days = [*life.days, _day_loss(found, index, begin_ms, bool(life.reference.powers))][-MOST_DAYS:]
    state.closed_ms = midnight_ms


def _day_loss(found: Losses, index: int, begin_ms: int, has_power: bool) -> DayLoss:  # noqa: FBT001 - of a reference
    return DayLoss(
        begin_ms,
        float(found.head[index]),
        float(found.head_std[index]),
        float(found.efficiency[index]) if has_power else None,
        float(found.efficiency_std[index]) if has_power else None,
        int(found.points[index]),
    )


def _thinned(points: Points) -> Points:
    """The last 24 hours, one point a slot."""
    recent = points.take(points.times_ms > points.times_ms[-1] - DAY_MS)
    _, first = np.unique(recent.times_ms // SLOT_MS, return_index=True)
    return recent.take(first)


def _count_energy(
    settings: AgentSettings, kept: Kept, cells: Frame, between: tuple[int, int], limits: dict[str, Thresholds]
) -> None:
    """Add up each pump's kWh and their price by the hour, and forget what is older than a day."""
    zone = ZoneInfo(settings.station.time_zone)
    new = (cells.times_ms >= between[0]) & (cells.times_ms < between[1])
    states = running(cells, settings.pumps, limits)
    prices = tariff.prices(settings.tariff, cells.times_ms, zone)
    for pump in settings.pumps:
        if pump.id not in kept.state.pumps:
            continue
        drawn = np.where(new & (states[pump.id] == RUNNING), np.nan_to_num(evidence(cells, pump).power), 0.0)
        energy = drawn * cells.step_ms / HOUR_MS
        known = kept.state.pumps[pump.id].energy
        for hour in np.unique(cells.times_ms[new] // HOUR_MS):
            own = cells.times_ms // HOUR_MS == hour
            kwh, money = known.get(int(hour) * HOUR_MS, (0.0, 0.0))
            known[int(hour) * HOUR_MS] = kwh + float(energy[own].sum()), money + float((energy * prices)[own].sum())
        for hour_ms in [one for one in known if one < between[1] - DAY_MS]:
            del known[hour_ms]
