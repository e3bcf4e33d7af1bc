"""What a configuration may say and probably does not mean; the agent runs with it, but knows or advises less."""

from collections.abc import Iterator

from agent.commissioning.counting import read_alike
from agent.plant import PumpSettings
from agent.roles import complaints
from agent.settings import AgentSettings
from drivers.settings import UnitSettings


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
