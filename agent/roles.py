"""Which tags there are and which part each one plays."""

from dataclasses import dataclass
from typing import Literal

from agent.of_settings import OfSettings
from agent.plant import HeaderSettings
from agent.settings import AgentSettings
from agent.units import Quantity, Unit, UnitError, unit_of
from drivers.settings import DeviceSettings, Fill, ModbusTagSettings, TagSettings

Behaviour = Literal["analogue", "totaliser", "status"]
_HOLD_PERIODS = 3  # a value may stand in for this many missed polls
_HOLD_LEAST_MS = 5_000


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag as the analyses see it."""

    name: str
    device: str
    period_ms: int  # between two polls
    silence_ms: int  # between two readings, while the value stays as it is
    behaviour: Behaviour
    fill: Fill  # "forward" for a totaliser, whatever was asked
    hold_ms: int  # how old a reading may be and still stand for the present
    settings: TagSettings

    @property
    def unit(self) -> Unit:
        """What converts its readings.

        Raises:
            UnitError: The configured unit is not known.
        """
        return unit_of(self.settings.unit, self.name)

    @property
    def has_unit(self) -> bool:
        """Whether its readings can be converted."""
        try:
            return self.unit is not None
        except UnitError:
            return False

    @property
    def resolution(self) -> float:
        """The least step its device can tell, in the tag's own unit; 0 where that is not known."""
        tag = self.settings
        is_counted = isinstance(tag, ModbusTagSettings) and not tag.type.startswith("float")
        return abs(tag.scale) if is_counted else 0.0


def known_tags(settings: AgentSettings) -> dict[str, Tag]:
    """Every tag by its name; one whose unit is not known is here too, its readings just cannot be converted.

    The caller's own. Every job asks for it, some of them twice a run.
    """
    return dict(_KNOWN(settings))


def _known_tags(settings: AgentSettings) -> dict[str, Tag]:
    totalisers = {header.volume for header in settings.headers} | {pump.energy for pump in settings.pumps}
    totalisers |= {pump.run_hours for pump in settings.pumps}
    statuses = {tag for pump in settings.pumps for tag in (pump.status, pump.available)}
    return {
        tag.name: _known(tag, device, is_totaliser=tag.name in totalisers, is_status=tag.name in statuses)
        for device in settings.devices
        for tag in device.tags
    }


_KNOWN = OfSettings(_known_tags)


def _known(tag: TagSettings, device: DeviceSettings, *, is_totaliser: bool, is_status: bool) -> Tag:
    period_ms = round(1000 * (tag.period or device.period))
    heartbeat_ms = round(1000 * tag.heartbeat) if tag.store == "exception" else 0
    is_counter = is_totaliser or tag.totaliser or _quantity(tag) in {"energy", "volume"}
    is_flag = is_status or (isinstance(tag, ModbusTagSettings) and tag.type == "bool")
    behaviour: Behaviour = "totaliser" if is_counter else "status" if is_flag else "analogue"
    return Tag(
        name=tag.name,
        device=device.name,
        period_ms=period_ms,
        silence_ms=max(period_ms, heartbeat_ms),
        behaviour=behaviour,
        fill=_fill(tag.fill, behaviour),
        hold_ms=heartbeat_ms + max(_HOLD_PERIODS * period_ms, _HOLD_LEAST_MS),
        settings=tag,
    )


def _quantity(tag: TagSettings) -> Quantity:
    try:
        return unit_of(tag.unit, tag.name).quantity
    except UnitError:
        return "other"


def _fill(asked: Fill, behaviour: Behaviour) -> Fill:
    """A line between two states of a counter or a switch is a value the plant never had."""
    return "forward" if behaviour != "analogue" and asked in {"linear", "correlated", "auto", "zero"} else asked


def complaints(settings: AgentSettings) -> list[str]:
    """One sentence for each tag whose unit is unknown or does not fit its part; empty where all is well."""
    sentences = []
    units: dict[str, Unit] = {}
    for tag in (tag for device in settings.devices for tag in device.tags):
        try:
            units[tag.name] = unit_of(tag.unit, tag.name)
        except UnitError as error:
            sentences.append(str(error))
    for name, part, fitting in _parts(settings):
        unit = units.get(name) if name else None
        if unit is not None and unit.quantity not in fitting:
            what = " or ".join(fitting)
            sentences.append(f'tag "{name}" is used as {part}, but its unit is not one of {what}; correct its unit')
    for pump in settings.pumps:
        unit = units.get(pump.run_hours) if pump.run_hours else None
        if unit is not None and unit.hours is None:
            what = f'tag "{pump.run_hours}" is used as run hours of pump {pump.id}, but its unit is no time'
            sentences.append(f"{what}; write the one it counts in: h, min, s or d")
        unit = units.get(pump.available) if isinstance(pump.available, str) else None
        if unit is not None and unit.quantity != "other":
            what = f'tag "{pump.available}" is used as availability of pump {pump.id}, but its unit is that of a meter'
            sentences.append(f"{what}; name a tag that is 0 while the pump may not be run")
    return sentences


def _setpoints(header: HeaderSettings) -> list[tuple[str | None, str, tuple[Quantity, ...]]]:
    """(tag, part, quantities that fit it) of what is required of a header."""
    found: list[tuple[object, str, tuple[Quantity, ...]]] = [
        (header.flow_required, "flow", ("flow",)),
        (header.pressure_required, "pressure", ("head",)),
        (header.level_required, "level", ("head", "other")),
    ]
    return [(tag, f"required {what} of header {header.id}", of) for tag, what, of in found if isinstance(tag, str)]


def _parts(settings: AgentSettings) -> list[tuple[str | None, str, tuple[Quantity, ...]]]:
    """(tag, part, quantities that fit it)."""
    parts: list[tuple[str | None, str, tuple[Quantity, ...]]] = []
    for header in settings.headers:
        parts += [(name, f"pressure of header {header.id}", ("head",)) for name in header.pressure]
        parts += [(name, f"flow of header {header.id}", ("flow",)) for name in header.flow]
        parts.append((header.suction_pressure, f"suction pressure of header {header.id}", ("head",)))
        parts.append((header.suction_level, f"suction level of header {header.id}", ("head",)))
        parts.append((header.temperature, f"water temperature of header {header.id}", ("temperature",)))
        parts.append((header.volume, f"volume of header {header.id}", ("volume",)))
        parts += _setpoints(header)
    for pump in settings.pumps:
        parts.append((pump.speed, f"speed of pump {pump.id}", ("frequency", "speed", "other")))
        parts.append((pump.power, f"power of pump {pump.id}", ("power",)))
        parts.append((pump.flow, f"flow of pump {pump.id}", ("flow",)))
        parts.append((pump.energy, f"energy of pump {pump.id}", ("energy",)))
        parts.append((pump.run_hours, f"run hours of pump {pump.id}", ("other",)))
    if settings.tank is not None:
        parts.append((settings.tank.level, "level of the tank", ("head", "other")))
    return parts
