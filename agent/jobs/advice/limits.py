"""In which limits a pump may be planned now: by the configuration, by works, and by what SCADA says of it."""

from math import inf
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from agent.alarms.conditions import number
from agent.jobs.advice.balance import as_power
from agent.jobs.job import JobContext
from agent.jobs.learnt.data_sheet import losses_of, plate
from agent.maintenance import is_out
from agent.plant import PumpSettings
from agent.roles import known_tags
from analytics.dispatch.limits import Limits

_MINUTE_MS = 60_000


class Service(NamedTuple):
    """Whether a pump may be run at all."""

    is_out: bool | None  # None: nobody knows
    why: str | None = None  # a clause, where a tag says so or says nothing

    def said_of(self, name: str) -> str | None:
        """A sentence of a pump called so, without its full stop; None where no tag speaks against it."""
        if self.why is None:
            return None
        if self.is_out:
            return f"{name} is not available: {self.why}"
        return f"it is not known whether {name} is available: {self.why}"


def service(context: JobContext, pump: PumpSettings) -> Service:
    """By the configuration, or by the tag that it names, as long as that is good and not old."""
    if isinstance(pump.available, bool):
        return Service(is_out=not pump.available)
    tag = known_tags(context.settings)[pump.available]
    row = context.reader.latest([tag.name]).get(tag.name)
    oldest_ms = context.now_ms - max(tag.hold_ms, round(1_000 * context.settings.advice.stale_after))
    said = None if row is None or row.ts_ms < oldest_ms else number(row)
    if said is None:
        return Service(None, f"{tag.name} has no good value now")
    return Service(is_out=False) if said else Service(is_out=True, why=f"{tag.name} is 0")


def limits_of(context: JobContext, pump: PumpSettings, price: float) -> Limits:
    """In which limits *pump* may be planned; *price* is money per kWh, 0 where it is not known."""
    plant, now_ms = context.settings, np.array([context.now_ms])
    known, losses, found = known_tags(plant), losses_of(pump), service(context, pump)
    return Limits(
        pump=pump.id,
        is_variable=pump.drive == "variable" and pump.speed is not None,
        speed_min=pump.speed_min,
        speed_max=pump.speed_max,
        rated_speed=pump.rated_speed,
        speed_unit=known[pump.speed].settings.unit if pump.speed in known else "",
        flows=(pump.flow_min or 0.0, pump.flow_max or inf),
        rated_flow=plate(pump).rated_flow,
        power_max=None if losses is None or pump.rated_power is None else float(losses.drawn(pump.rated_power)),
        por=pump.por,
        keeps_learnt_por=pump.por_by_curve,
        is_available=not found.is_out and not is_out(pump, now_ms, 1, ZoneInfo(plant.station.time_zone))[0],
        service=found.said_of(pump.id),
        must_run=pump.must_run,
        min_on_ms=round(pump.min_on * _MINUTE_MS),
        min_off_ms=round(pump.min_off * _MINUTE_MS),
        starts_per_hour=pump.starts_per_hour,
        start_kw=as_power(pump.start_cost, price),
    )
