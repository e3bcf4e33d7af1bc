"""Pressures a plan keeps: the header's band and what is available at the inlets, as far as they are known now."""

import numpy as np

from agent.jobs.duties.npsh import available
from agent.jobs.evidence import suction, suction_tag
from agent.jobs.job import JobContext
from agent.plant import HeaderSettings, TankSettings
from agent.roles import known_tags
from agent.window import frame
from analytics.hydraulics import pump_head
from analytics.schedule.pressures import FREE, Pressures
from analytics.schedule.problem import Problem

_CELL_MS = 10_000


def pressures_of(
    context: JobContext, header: HeaderSettings, tank: TankSettings, level: float, past_ms: int
) -> Pressures:
    """What *header* has to keep.

    What its pumps draw from stays as it was in the last *past_ms* milliseconds, at a *level* of the tank in m, unless
    it is the well that they empty: there a measured pressure at the inlet goes with the planned level. Where it is
    measured, but was not meanwhile, nothing is known and nothing limited.
    """
    tags = [tag for tag in (suction_tag(header), header.temperature) if tag is not None]
    cells = frame(context.reader, context.settings, tags, context.now_ms - past_ms, context.now_ms, _CELL_MS)
    inlet = np.asarray(suction(cells, header), np.float64)
    if not np.isfinite(inlet).any():
        return FREE
    head, given = float(np.nanmedian(inlet)), available(cells, header)
    rise = 1.0 if tank.kind == "well" and suction_tag(header) is not None else 0.0
    unit = known_tags(context.settings)[header.pressure[0]].unit
    low, high, preferred = (
        other if limit is None else float(pump_head(unit.convert(limit), head, header.elevation)) + rise * level
        for limit, other in (
            (header.pressure_min, -np.inf),
            (header.pressure_max, np.inf),
            (header.pressure_preferred, 0.0),
        )
    )
    return Pressures(
        head_min=low,
        head_max=high,
        inlet=np.inf if given is None else given.value - rise * level,
        rise=rise,
        head_preferred=preferred,
        away_cost=header.pressure_cost / float(unit.convert_difference(1.0)) if _weighs(context, header) else 0.0,
    )


def _weighs(context: JobContext, header: HeaderSettings) -> bool:
    """Whether leaving the preferred pressure costs anything; money counts for nothing where energy has no price."""
    return context.settings.tariff.is_priced and header.pressure_preferred is not None


def unchecked(header: HeaderSettings, problem: Problem) -> tuple[str, ...]:
    """Limits by name that a plan of *problem* does not look at, as too little is known for them."""
    limits = problem.pressures
    found = [
        name
        for name, limit in (("pressure_min", limits.head_min), ("pressure_max", limits.head_max))
        if getattr(header, name) is not None and not np.isfinite(limit)
    ]
    if not limits.has_inlet or any(unit.required is None for unit in problem.units):
        found.append("npsh")
    if header.pressure_cost and limits is FREE:
        found.append("pressure_preferred")
    return tuple(found)
