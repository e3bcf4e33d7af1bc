"""How a device's addresses are counted, said aloud: off by one is read as well, and is somebody else's value."""

from drivers.address import Address, is_as_in_manuals, parse
from drivers.settings import UnitSettings

ON_THE_WIRE = "on the wire, where the first is 0:"


def counted(device: UnitSettings) -> str | None:
    """An example of each notation that the device's tags use; None where it has no tags.

    >>> settings = {"name": "plc", "protocol": "modbus-tcp", "host": "192.0.2.1"}
    >>> tags = [{"name": "a", "address": "40101"}, {"name": "b", "address": "holding:100"}]
    >>> from drivers.settings import ModbusSettings
    >>> counted(ModbusSettings.model_validate({**settings, "tag": tags}))
    'on the wire, where the first is 0: 40101 is holding:100, holding:100 is holding:100'
    """
    examples: dict[tuple[bool, str], str] = {}
    for tag in device.tags:
        place = parse(tag.address, device.base)
        kind = is_as_in_manuals(tag.address), tag.address.rstrip("0123456789abcdefABCDEF")
        examples.setdefault(kind, f"{tag.address} is {place.table}:{place.number}")
    return f"{ON_THE_WIRE} {', '.join(examples.values())}" if examples else None


def read_alike(device: UnitSettings) -> list[tuple[Address, list[str]]]:
    """Places that several tags read in the same way, with the tags' names."""
    alike: dict[tuple[Address, str, int | None, str], list[str]] = {}
    for tag in device.tags:
        way = parse(tag.address, device.base), tag.type, tag.bit, tag.order
        alike.setdefault(way, []).append(tag.name)
    return [(place, names) for (place, *_), names in alike.items() if len(names) > 1]
