"""What a configuration may say and probably does not mean; the agent runs with it, but knows or advises less."""

from collections.abc import Iterator
from itertools import pairwise

from agent.alarms.rulebook import agent_rules
from agent.alarms.settings import fits
from agent.catalogue import CatalogueSettings, SheetPoint
from agent.commissioning.counting import read_alike
from agent.plant import PumpSettings
from agent.roles import complaints
from agent.settings import AgentSettings
from drivers.settings import UnitSettings

UNLIKE = 0.1  # share of a head by which plate and data sheet may differ


def hints(settings: AgentSettings) -> Iterator[str]:
    """One sentence each, with its remedy."""
    yield from complaints(settings)
    for device in settings.devices:
        if not device.tags:
            yield f'device "{device.name}" has no tags, so nothing is read from it; add [[device.tag]] or tags_file'
    yield from _of_units(settings)
    for header in settings.headers:
        if all(pump.header != header.id for pump in settings.pumps):
            yield f'header "{header.id}" has no pump, so nothing can be advised; add a [[pump]] that names it'
    for pump in settings.pumps:
        yield from _of_pump(pump)
    yield from _of_costs(settings)
    yield from _of_level(settings)
    yield from _of_alarms(settings)


def _of_alarms(settings: AgentSettings) -> Iterator[str]:
    known = [rule.rationale.id for rule in agent_rules(settings)]
    for one in settings.agent_alarms:
        for pattern in one.ids:
            if not any(fits(alarm_id, pattern) for alarm_id in known):
                yield f'agent_alarm: there is no alarm "{pattern}" here; pump-agent alarms lists those there are'


def _of_units(settings: AgentSettings) -> Iterator[str]:
    first: dict[str, str] = {}
    for device in settings.devices:
        if isinstance(device, UnitSettings) and first.setdefault(device.place, device.name) != device.name:
            both = f'devices "{first[device.place]}" and "{device.name}" are both {device.place}'
            yield f"{both}; give each its own unit_id, or put all tags of one unit under one device"
        for place, names in read_alike(device) if isinstance(device, UnitSettings) else ():
            told = (
                f'device "{device.name}": tags {", ".join(names)} all read {place.table}:{place.number} in the same way'
            )
            yield f"{told}; correct the addresses, or keep one of them"


def _of_pump(pump: PumpSettings) -> Iterator[str]:
    if not (pump.status or pump.power or pump.current or pump.speed):
        yield f'pump "{pump.id}" has no tag that tells whether it runs; add status, power, current or speed'
    elif not pump.power:
        yield f'pump "{pump.id}" has no power tag, so what it costs is never learnt; add power'
    if pump.drive == "variable" and not pump.speed:
        yield f'pump "{pump.id}" has a drive and no speed tag; add speed, or write drive = "fixed"'
    if pump.catalogue is not None:
        yield from _of_catalogue(pump, pump.catalogue)


def _of_catalogue(pump: PumpSettings, catalogue: CatalogueSettings) -> Iterator[str]:
    """Whether plate, motor and data sheet are of one pump."""
    points = catalogue.points
    if pump.rated_flow is not None and pump.rated_head is not None:
        head = _between(points, pump.rated_flow)
        if head is None:
            reach = f"{points[0].flow:.4g} to {points[-1].flow:.4g} m3/h"
            yield f'pump "{pump.id}": rated_flow {pump.rated_flow:g} is not in its catalogue ({reach}); correct one'
        elif abs(head / pump.rated_head - 1.0) > UNLIKE:
            told = f"its catalogue has {head:.4g} m at rated_flow, its rated_head is {pump.rated_head:g} m"
            yield f'pump "{pump.id}": {told}; correct one, or say of which speed and diameter the sheet is'
    powers = [point.power for point in points if point.power is not None]
    if powers and pump.rated_power is None:
        yield f'pump "{pump.id}": the powers of its catalogue are at the shaft; add rated_power, or they are not used'
    elif powers and pump.rated_power is not None and min(powers) > pump.rated_power:
        told = f"its catalogue takes {min(powers):.4g} kW or more at the shaft, its motor has {pump.rated_power:g} kW"
        yield f'pump "{pump.id}": {told}; correct one, or look at the units'


def _of_costs(settings: AgentSettings) -> Iterator[str]:
    """Money is weighed against energy by what energy costs."""
    if settings.tariff.is_priced:
        return
    parts = [f'start_cost of pump "{pump.id}"' for pump in settings.pumps if pump.start_cost]
    parts += [f'pressure_cost of header "{header.id}"' for header in settings.headers if header.pressure_cost]
    parts += [f'water_value of header "{header.id}"' for header in settings.headers if header.water_value]
    parts += ["water_value of [tank]"] if settings.tank is not None and settings.tank.water_value else []
    parts += ["balance_cost of [advice]"] if settings.advice.balance_cost else []
    if parts:
        verb = "count" if len(parts) > 1 else "counts"
        yield f"{', '.join(parts)} {verb} for nothing while energy has no price; add price to [tariff]"


def _of_level(settings: AgentSettings) -> Iterator[str]:
    """A plan of levels goes before a level to hold, and is of one header."""
    if settings.tank is not None and settings.tank.header is None and len(settings.headers) > 1:
        ids = " or ".join(f'"{header.id}"' for header in settings.headers)
        told = "[tank] does not say which header's pumps fill or empty it, so there is no schedule"
        yield f"{told}; add header = {ids}"
    for header in settings.headers if settings.jobs.schedule.enabled else ():
        if header.level_required is not None:
            told = f'level_required of header "{header.id}" counts only while [jobs.schedule] has no plan'
            yield f"{told}; set enabled = false there, or leave it out"


def _between(points: tuple[SheetPoint, ...], flow: float) -> float | None:
    """The head on the line between two points, m; None beyond them."""
    for low, high in pairwise(points):
        if low.flow <= flow <= high.flow:
            return low.head + (high.head - low.head) * (flow - low.flow) / (high.flow - low.flow)
    return None
