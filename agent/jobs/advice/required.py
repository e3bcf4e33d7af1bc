"""What is required of a header: by its settings or a setpoint's tag, in the plant's units; or why that is not known."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from agent.jobs.advice.level import NoBalanceError, flow_for
from agent.jobs.advice.planned import fresh_schedule
from agent.jobs.advice.system import system_of
from agent.jobs.evidence import suction
from agent.jobs.job import JobContext
from agent.plant import HeaderSettings
from agent.roles import Tag, known_tags
from agent.settings import AgentSettings
from agent.units import Quantity
from agent.window import Frame
from analytics.curves.network import Network, NotIdentified
from analytics.dispatch.requirement import HELD, RequiredFlow, RequiredHead, Requirement, SameFlow, clipped
from analytics.dispatch.system import System
from analytics.hydraulics import pump_head

INSTEAD = "what the header delivers now counts."
FOLLOWS = "The head follows the flow here: the same flow has the present head, and another pressure is another flow."
_UNKNOWN = (
    "Until the system's curve is known, only the present head is planned, or the nearest that is allowed, as another "
    "may be less water: {}."
)
_MOST_FLOW = 1e7  # m³/h; no station delivers that
_MOST_HEAD = 1e5  # m
_STANDING = 0.1  # share of the least flow that the system was learnt from; what passes standing pumps is no more
_SPREADS = 3.0  # by which a standing header may be off where its system begins, in those that levels make
_LEAST_OFF = 0.05  # or share of that


class Asked(NamedTuple):
    """What is required, and what is to be said of it, sentences."""

    requirement: Requirement | None = None
    said: tuple[str, ...] = ()
    missing: str | None = None  # why it is not known, where pumps stand and that is to be mended
    is_free: bool = True  # the band of heads, to plan in


@dataclass(frozen=True, slots=True)
class Present:
    """A header now."""

    context: JobContext
    header: HeaderSettings
    cells: Frame
    flow: float  # m³/h
    head: float  # m
    band: tuple[float | None, float | None]  # m, that may be planned where the head is free
    pumps: tuple[str, ...]  # whose curves are learnt
    running: frozenset[str]
    stale_ms: float
    kwh_price: float  # money; 0 where it is not known

    @property
    def tags(self) -> dict[str, Tag]:
        """All of the station."""
        return known_tags(self.context.settings)

    @property
    def limits(self) -> tuple[float | None, float | None]:
        """Heads that are allowed, m, each by itself."""
        plant, header = self.context.settings, self.header
        low, high = header.pressure_min, header.pressure_max
        return head_of(plant, header, self.cells, low), head_of(plant, header, self.cells, high)


class _NotGivenError(Exception):
    """Why a setpoint is not known; a clause."""


class _NothingGivenError(_NotGivenError):
    """It asks for nothing, as setpoints of standing pumps may."""


def setpoint_tags(plant: AgentSettings, header: HeaderSettings) -> list[str]:
    """Tags that say what is required of it, in a unit that is known."""
    known = known_tags(plant)
    wanted = (header.flow_required, header.pressure_required, header.level_required)
    return [one for one in wanted if isinstance(one, str) and one in known and known[one].has_unit]


def head_of(plant: AgentSettings, header: HeaderSettings, cells: Frame, pressure: float | None) -> float | None:
    """The pumps' head, m, at a pressure in the first gauge's unit."""
    if pressure is None:
        return None
    return _head_at(header, cells, known_tags(plant)[header.pressure[0]].unit.convert(pressure))


def _head_at(header: HeaderSettings, cells: Frame, gauge: float) -> float:
    """The same at a gauge pressure in m."""
    inlet = float(np.nanmedian(np.asarray(suction(cells, header))))
    return float(pump_head(gauge, inlet, header.elevation))


def nearest(head: float, low: float | None, high: float | None) -> tuple[float | None, float | None]:
    """The band of the nearest head that is allowed, m; none where that is the present one."""
    kept = clipped(head, low, high)
    return (None, None) if kept == head else (kept, kept)


def asked(now: Present) -> Asked:
    """What is required of the header now; the present flow where nothing is and the head follows it."""
    identified = _system(now)
    try:
        found = _asked(now, identified)
    except (_NotGivenError, NoBalanceError) as error:
        if not now.running and not isinstance(error, _NothingGivenError):
            return Asked(missing=f"What is required is not known, as {error}.")
        is_held = now.header.pressure_required is not None and now.running
        kept = _held(now, now.head, "", identified) if is_held else None
        found = Asked(kept, (f"What is required is not known, as {error}: {INSTEAD}",))
    if found.requirement is not None or not now.running:
        return found
    if isinstance(identified, NotIdentified):
        return (
            found
            if identified.is_held
            else Asked(None, (*found.said, *_wide(now, _UNKNOWN, identified.why)), is_free=False)
        )
    return Asked(SameFlow(identified, *now.limits), (*found.said, *_wide(now, FOLLOWS)))


def _wide(now: Present, sentence: str, *why: object) -> tuple[str, ...]:
    """That *sentence*, where another head would be planned else."""
    header = now.header
    is_wide = header.pressure_preferred is not None or None not in {header.pressure_min, header.pressure_max}
    return (sentence.format(*why),) if is_wide else ()


def _asked(now: Present, identified: System | NotIdentified) -> Asked:
    header, system = now.header, _or_why(identified)
    if header.pressure_required is not None:
        return _pressure(now, header.pressure_required, identified)
    if header.level_required is not None:
        return _level(now, header.level_required, system)
    return Asked() if header.flow_required is None else _flow(now, header.flow_required, system)


def _or_why(identified: System | NotIdentified) -> System | str:
    return identified.why if isinstance(identified, NotIdentified) else identified


def _held(now: Present, head: float, why: str, identified: System | NotIdentified) -> RequiredHead:
    is_known = not isinstance(identified, NotIdentified) or identified.is_held
    return RequiredHead(head, why, *now.band, _or_why(identified), is_known)


def _pressure(now: Present, wanted: float | str, identified: System | NotIdentified) -> Asked:
    tag = now.tags[wanted if isinstance(wanted, str) else now.header.pressure[0]]
    gauge = _given(now, wanted, "head") if isinstance(wanted, str) else float(tag.unit.convert(wanted))
    told = f"{tag.unit.revert(gauge):.4g} {tag.settings.unit}{_source(wanted)}"
    head = _head_at(now.header, now.cells, gauge)
    limits = now.limits
    is_outside = [limit is not None and side * (head - limit) > 0 for limit, side in zip(limits, (-1, 1), strict=True)]
    is_none = isinstance(wanted, str) and gauge <= 0  # as where a controller is switched to manual
    if is_none or not 0 < head < _MOST_HEAD or any(is_outside):
        error = _NothingGivenError if is_none else _NotGivenError
        raise error(f"{told} is no pressure that the site allows")
    why = f"The header has to hold {told}, {head:.1f} m of head"
    return Asked(_held(now, head, why, identified), (f"{why}.",))


def _flow(now: Present, wanted: float | str, system: System | str) -> Asked:
    if isinstance(wanted, str):
        flow = _given(now, wanted, "flow")
        if not 0 < flow < _MOST_FLOW:
            error = _NothingGivenError if flow <= 0 else _NotGivenError
            raise error(f"{wanted} is {flow:.4g} m³/h{' while pumps run' if now.running else ''}")
    else:
        flow = float(now.tags[now.header.flow[0]].unit.convert(wanted))
    return _delivered(now, flow, HELD, f"The header has to deliver {flow:.0f} m³/h{_source(wanted)}", system)


def _level(now: Present, wanted: float | str, system: System | str) -> Asked:
    if fresh_schedule(now.context) is not None:
        return Asked(None, (f"The schedule plans the level: {INSTEAD}",))
    level, tank = _given(now, wanted, "head", "other") if isinstance(wanted, str) else wanted, now.context.settings.tank
    if tank is not None and not tank.level_min <= level <= tank.level_max:
        raise _NotGivenError(f"{wanted} is {level:.4g} m, outside level_min and level_max of [tank]")
    balance = flow_for(now.context, now.header, level)
    why, flow = f"The header has to deliver {balance.flow:.0f} m³/h {balance.purpose}{_source(wanted)}", balance.flow
    most = system.flow_range[1] if isinstance(system, System) and system.unseen(flow) is not None else flow
    if most < flow and now.flow < (1 + HELD) * most:
        flow = most  # it takes longer then; nobody else asks for the two hours. Where that flows already it is kept
        why = f"{why}, {flow:.0f} being the most that it was seen to"
    return _delivered(now, flow, max(HELD, balance.accuracy), why, system)


def _delivered(now: Present, flow: float, accuracy: float, why: str, system: System | str) -> Asked:
    """A flow, and how much more or less of it pays."""
    header = now.header
    worth = header.water_value / now.kwh_price if now.kwh_price > 0 else 0.0
    low, high = now.limits
    share = header.flow_tolerance if worth > 0 else 0.0
    found = RequiredFlow(flow, why, system, share, worth, accuracy, low, high)
    more = f"{why}; {share:.0%} more or less is allowed where it pays" if share else why
    return Asked(found, (f"{more}.",))


def _given(now: Present, tag: str, *quantities: Quantity) -> float:
    """Its median over the minutes that flow and head are taken over, in the plant's unit."""
    if tag not in now.cells.values or now.tags[tag].unit.quantity not in quantities:
        raise _NotGivenError(f"{tag} has no unit of {quantities[0]}")
    values = now.cells.values[tag]
    known = np.flatnonzero(np.isfinite(values))
    if not len(known):
        raise _NotGivenError(f"{tag} has had no good value")
    age_ms = now.context.now_ms - int(now.cells.times_ms[known[-1]]) - now.cells.step_ms
    if age_ms > now.stale_ms:
        raise _NotGivenError(f"{tag} has had no good value for {age_ms / 1_000:.0f} s")
    return float(np.median(values[known]))


def _source(wanted: float | str) -> str:
    return f" (tag {wanted})" if isinstance(wanted, str) else ""


def _system(now: Present) -> System | NotIdentified:
    """How the head follows the flow, or why that is not known."""
    found = system_of(now.context, now.header.id, now.pumps) if now.pumps else None
    if found is None:
        return NotIdentified("no curves have been learnt yet")
    if isinstance(found, NotIdentified):
        return found
    if not now.running and (why := _unlike(found, now)) is not None:
        return NotIdentified(why)
    own = {
        frozenset(pump for pump, is_on in zip(now.pumps, runs, strict=True) if is_on): resistance
        for runs, resistance in found.sets.items()
    }
    return System(found.resistance, found.resistance_std, found.flow_range, own, now.running)


def _unlike(found: Network, now: Present) -> str | None:
    """That the standing header is not where its system curve begins, in a clause: a valve, a burst, another station."""
    if abs(now.flow) > _STANDING * found.flow_range[0]:
        return f"no pump runs, and {now.flow:.0f} m³/h pass the header"
    if abs(now.head - found.static_head) > max(_SPREADS * found.scatter, _LEAST_OFF * found.static_head):
        return f"the standing header has {now.head:.1f} m, and its system curve begins at {found.static_head:.1f} m"
    return None
