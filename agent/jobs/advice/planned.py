"""What the station's own schedule makes of a pump that is started or stopped now."""

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from agent import tariff
from agent.jobs.job import JobContext
from agent.mqtt.payloads import Schedule, ScheduleRow
from agent.plant import PumpSettings
from analytics.dispatch.limits import History

_LATE_PERIODS = 3  # by which a schedule may be old and still be the plan
_MINUTE_MS = 60_000


def fresh_schedule(context: JobContext) -> Schedule | None:
    """The plan that holds now; None where there is none."""
    settings = context.settings.jobs.schedule
    oldest_ms = context.now_ms - _LATE_PERIODS * 1_000 * settings.period
    kept = (one for one in context.reader.newest("schedule") if one.ts_ms >= oldest_ms and one.body)
    plans = (Schedule.kept(one.body) for one in kept) if settings.enabled else iter(())
    return next((plan for plan in plans if plan.rows), None)


def reversals(context: JobContext, pumps: tuple[PumpSettings, ...], histories: Mapping[str, History]) -> dict[str, str]:
    """Why each pump is not to be switched now, a sentence: the plan has it as it is when its least time is over."""
    if (plan := fresh_schedule(context)) is None:
        return {}
    found, left_out = {}, {each.pump for each in plan.left_out}  # of those, the plan says nothing
    for pump in (each for each in pumps if each.id not in left_out):
        is_running = histories[pump.id].is_running
        least = pump.min_off if is_running else pump.min_on
        row = _row_at(plan, context.now_ms + round(least * _MINUTE_MS) - 1)
        if least > 0 and row is not None and (pump.id in row.pumps) == is_running:
            since = tariff.local(max(row.start, context.now_ms), ZoneInfo(context.settings.station.time_zone))
            first, then = ("stopped", "runs") if is_running else ("started", "stands")
            rest = f"once {first} it {'rests' if is_running else 'runs'} at least {least:g} min"
            found[pump.id] = f"{pump.id} is not {first}: by the schedule it {then} at {since:%H:%M}, and {rest}."
    return found


def _row_at(plan: Schedule, ts_ms: int) -> ScheduleRow | None:
    if ts_ms >= plan.until:
        return None
    return next((row for row in reversed(plan.rows) if row.start <= ts_ms), None)
