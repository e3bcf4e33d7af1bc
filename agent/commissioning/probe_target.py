"""What a person names to be probed: a device of a configuration or any address, and a place or a tag in it."""

import re
from dataclasses import dataclass
from pathlib import Path

from agent.configuration.config_file import load
from agent.configuration.mistakes import Mistake, Place, SettingsError, did_you_mean
from drivers.address import Address, parse
from drivers.settings import AnyUnitSettings, ModbusSettings, ModbusTagSettings, UnitSettings

_ANYWHERE = re.compile(r"(?P<host>\[[0-9a-fA-F:.]+\]|[^\s:/\[\]]+)(:(?P<port>\d{1,5}))?(/(?P<unit>\d{1,3}))?")


@dataclass(frozen=True, slots=True)
class Target:
    """Where to look, and what the configuration says of it."""

    device: AnyUnitSettings
    asked: Address
    tag: ModbusTagSettings  # as configured, or one that says nothing but where it is

    @property
    def address(self) -> str:
        """In the device's own way to count."""
        return f"{self.asked.table}:{self.asked.number + self.device.base}"

    def __str__(self) -> str:
        number = self.asked.number
        manual = {"coil": "0", "discrete": "1", "input": "3", "holding": "4"}[self.asked.table]
        shown = f"{manual}{number + 1:04}" if number < 9_999 else f"{manual}{number + 1:05}"  # noqa: PLR2004
        return f"{self.device.place} {self.address}, counted from {self.device.base} ({shown} in manuals)"


def target(device: str, place: str) -> Target:
    """What *device* (``CONFIG:device`` or ``HOST[:PORT][/UNIT]``) and *place* (an address or a tag) mean.

    Raises:
        SettingsError: There is no such device, tag or address.
    """
    file, _, name = device.rpartition(":")
    unit = _configured(Path(file), name) if file.endswith(".toml") else _anywhere(device)
    by_name = {tag.name: tag for tag in unit.tags}
    if place in by_name:
        return Target(unit, parse(by_name[place].address, unit.base), by_name[place])
    try:
        asked = parse(place, unit.base)
    except ValueError as error:
        raise _mistake("ADDRESS", f"{error}{did_you_mean(place, by_name)}") from error
    here = next((tag for tag in unit.tags if parse(tag.address, unit.base) == asked), None)
    unnamed = ModbusTagSettings.model_validate({"name": f"{asked.table}.{asked.number}", "address": "holding:0"})
    return Target(unit, asked, here or unnamed)


def _configured(path: Path, name: str) -> AnyUnitSettings:
    by_name = {device.name: device for device in load(path).devices}
    if name not in by_name:
        remedy = did_you_mean(name, by_name) or f"; it has {', '.join(by_name) or 'none'}"
        raise _mistake(str(path), f'there is no device "{name}"{remedy}')
    unit = by_name[name]
    if not isinstance(unit, UnitSettings):
        raise _mistake(f"{path}:{name}", "speaks OPC UA, which has no registers to guess at; it names its nodes itself")
    return unit


def _anywhere(text: str) -> AnyUnitSettings:
    found = _ANYWHERE.fullmatch(text)
    if found is None or not 1 <= int(found["port"] or 502) <= 65_535 or int(found["unit"] or 1) > 255:  # noqa: PLR2004
        raise _mistake("DEVICE", f'"{text}" is no device; write it like station.toml:plc-1 or 192.0.2.10:502/1')
    host, port, unit = found["host"].strip("[]"), int(found["port"] or 502), int(found["unit"] or 1)
    name = re.sub(r"[^A-Za-z0-9_.\-]", "-", host).lstrip("-.") or "device"
    device = {"name": name, "protocol": "modbus-tcp", "host": host, "port": port, "unit_id": unit}
    return ModbusSettings.model_validate(device)


def _mistake(place: str, sentence: str) -> SettingsError:
    return SettingsError([Mistake(Place(place), sentence)])
