"""What is published of wear: a record a pump, from the state of the wear job."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from agent.jobs.evidence import header_tags, pump_tags
from agent.jobs.worn.state import DayLoss, HeaderState, Kept, Life, PumpState
from agent.mqtt.payloads import Wear, WearDay
from agent.settings import AgentSettings
from agent.store.records import Record
from analytics.hydraulics import Floats
from analytics.wear.cause import Cause, likeliest
from analytics.wear.losses import Losses
from analytics.wear.trend import Line, Step, line, reach, since_step, step

DAY_MS = 86_400_000
MONTH = 30  # days
TREND_DAYS = 30  # that a trend looks back
LEAST_STEP = 0.01  # share
METERS = ("head_sensor", "flow_meter")


@dataclass(frozen=True, slots=True)
class Seen:
    """One pump now."""

    pump: str
    state: PumpState
    losses: Losses
    found: Cause
    index: int  # of it in the two


def wear_records(settings: AgentSettings, kept: Kept, present: Mapping[str, Losses]) -> list[Record]:
    """One record a pump."""
    records = []
    shared = {header.id: set(header_tags(header)) for header in settings.headers}
    for header, losses in present.items():
        state = kept.state.headers[header]
        found = likeliest(losses, _reference_std(kept, state), state.first_days)
        for index, pump in enumerate(state.pumps):
            tags = {tag for part in settings.pumps if part.id == pump for tag in pump_tags(part)} | shared[header]
            doubt = kept.state.doubt(tags)
            seen = Seen(pump, kept.state.pumps[pump], losses, found, index)
            body = Wear(
                pump=pump, ts=kept.state.seen_ms, doubt=doubt, **dict(_told(settings, seen, kept.state.seen_ms))
            )
            records.append(Record("wear", pump, kept.state.seen_ms, body.encode()))
    return records


def _reference_std(kept: Kept, state: HeaderState) -> Floats:
    found = [kept.state.pumps[pump].life.reference for pump in state.pumps]
    heads = [0.0 if one is None else one.head_std for one in found]
    return np.array(heads + [0.0 if one is None else one.power_std for one in found])


def _told(settings: AgentSettings, seen: Seen, now_ms: int) -> Iterator[tuple[str, object]]:
    """What is known, by key."""
    life = seen.state.life
    if life.begin_ms:
        yield from (("overhauled_at", life.begin_ms), ("note", life.note))
    reference = life.reference
    if reference is None:
        yield "reason", "there is no reference yet: its curve is not well known since the agent or an overhaul began"
        return
    yield from (("reference", life.source), ("reference_at", life.taken_ms))
    yield "readings", int(seen.losses.points[seen.index])
    yield "days", tuple(_day(one) for one in life.days[-MONTH:])
    if not life.days and not seen.losses.points[seen.index]:
        yield "reason", "it has not run steadily within the range of its reference"
        return
    yield from _figures(seen, has_power=bool(reference.powers))
    days = _recent(life, now_ms)
    changed = step(days[0], days[1], LEAST_STEP)
    yield from _kind(seen, changed, now_ms)
    yield from _trend(settings, seen, days, changed, now_ms)
    if reference.powers:
        yield from _cost(settings, seen)


def _day(one: DayLoss) -> WearDay:
    efficiency = None if one.efficiency is None else _percent(one.efficiency)
    return WearDay(ts=one.begin_ms, head_lost_percent=_percent(one.head), efficiency_lost_percent=efficiency)


def _figures(seen: Seen, *, has_power: bool) -> Iterator[tuple[str, object]]:
    reference = seen.state.life.reference
    spread = reference.head_std if reference else 0.0
    yield "head_lost_percent", _percent(seen.found.head[seen.index])
    yield "head_lost_std", _percent(float(np.hypot(seen.losses.head_std[seen.index], spread)))
    if has_power and reference:
        both = np.hypot(spread, reference.power_std)
        yield "efficiency_lost_percent", _percent(_efficiency(seen))
        yield "efficiency_lost_std", _percent(float(np.hypot(seen.losses.efficiency_std[seen.index], both)))


def _efficiency(seen: Seen) -> float:
    """Share of it lost, freed of a meter's error."""
    return 1.0 - (1.0 - seen.found.head[seen.index]) / (1.0 + seen.found.power[seen.index])


def _kind(seen: Seen, changed: Step | None, now_ms: int) -> Iterator[tuple[str, object]]:
    """What explains it; of a pump that has not run for a day what did when it last ran."""
    if changed is not None:
        yield from (("step_at", now_ms + round(changed.day * DAY_MS)), ("step_percent", _percent(changed.size)))
    life, found = seen.state.life, seen.found
    if found.kind in METERS:
        yield "meter_error_percent", _percent(found.error)
    if seen.losses.points[seen.index] or life.kind is None:
        life.kind = _explanation(seen, changed)
    yield "kind", life.kind


def _explanation(seen: Seen, changed: Step | None) -> str:
    found = seen.found
    if found.kind in METERS:
        return found.kind
    if seen.index not in found.pumps:
        return "none"
    lost = max(_efficiency(seen), found.head[seen.index])
    is_step = found.kind == "wear" and changed is not None and changed.size > 0.5 * lost
    return "step" if is_step else found.kind


def _recent(life: Life, now_ms: int) -> tuple[Floats, Floats]:
    """Days (before now, rising) and what was lost of the efficiency, or of the head without a power meter.

    All as on the last day: a meter that has come or gone shows no step.
    """
    kept = [one for one in life.days if one.begin_ms > now_ms - TREND_DAYS * DAY_MS]
    has_power = bool(kept) and kept[-1].efficiency is not None
    told = [(one.begin_ms, one.efficiency if has_power else one.head) for one in kept]
    days = [(begin_ms, lost) for begin_ms, lost in told if lost is not None]
    times = [(begin_ms + DAY_MS / 2 - now_ms) / DAY_MS for begin_ms, _ in days]
    return np.array(times), np.array([lost for _, lost in days])


def _trend(
    settings: AgentSettings, seen: Seen, days: tuple[Floats, Floats], changed: Step | None, now_ms: int
) -> Iterator[tuple[str, object]]:
    """How fast it goes, and when that reaches the limit."""
    limit = settings.jobs.wear.limit
    yield "limit_percent", limit
    chosen = since_step(days[0], changed)
    along = line(days[0][chosen], days[1][chosen])
    if along is None:
        yield "reason", "too few days for a trend"
        return
    yield "per_month_percent", _percent(MONTH * along.slope)
    yield "per_month_std", _percent(MONTH * along.slope_std)
    if seen.found.kind in METERS:
        yield "reason", "no date of the limit while a meter is wrong"
        return
    yield from _dates(along, limit / 100.0, now_ms)


def _dates(along: Line, limit: float, now_ms: int) -> Iterator[tuple[str, object]]:
    if along.level >= limit:
        yield "limit_at", now_ms
        return
    when = reach(along, limit)
    if when is None:
        yield "reason", "the limit is not foreseeable: the trend is not surely upwards, or ten years away"
        return
    yield "limit_at", now_ms + round(when.days * DAY_MS)
    yield "limit_earliest", now_ms + round(when.earliest * DAY_MS)
    if when.latest is not None:
        yield "limit_latest", now_ms + round(when.latest * DAY_MS)


def _cost(settings: AgentSettings, seen: Seen) -> Iterator[tuple[str, object]]:
    """What the losses cost a day; a pump that has gained saves nothing that anybody could count on."""
    lost = max(_efficiency(seen), 0.0)
    energy = [sum(parts) for parts in zip(*seen.state.energy.values(), strict=True)] or [0.0, 0.0]
    yield "energy_lost_kwh", round(lost * energy[0], 2)
    if settings.tariff.is_priced:
        yield from (("cost_per_day", round(lost * energy[1], 2)), ("currency", settings.tariff.currency))


def _percent(share: float) -> float:
    return round(100.0 * share, 2)
