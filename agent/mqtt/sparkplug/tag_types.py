"""Which type the metric of a tag has, and a tag's value as a metric's; pure."""

from collections.abc import Iterable
from math import isfinite

from agent.mqtt.sparkplug.payload import Content, DataType
from drivers.reading import Value
from drivers.settings import AnyDeviceSettings, ModbusTagSettings, TagSettings

# 32 bits without sign are a type of their own, but decoders look for it in different fields: 64 bits are read alike.
PLAIN = {
    "bool": DataType.BOOLEAN,
    "int8": DataType.INT8,
    "uint8": DataType.UINT8,
    "int16": DataType.INT16,
    "uint16": DataType.UINT16,
    "int32": DataType.INT32,
    "uint32": DataType.INT64,
    "int64": DataType.INT64,
    "uint64": DataType.UINT64,
    "float32": DataType.DOUBLE,
    "float64": DataType.DOUBLE,
    "bcd16": DataType.UINT16,
    "bcd32": DataType.INT64,
    "string": DataType.STRING,
}
RANGES = {
    DataType.INT8: (-(2**7), 2**7),
    DataType.INT16: (-(2**15), 2**15),
    DataType.INT32: (-(2**31), 2**31),
    DataType.INT64: (-(2**63), 2**63),
    DataType.UINT8: (0, 2**8),
    DataType.UINT16: (0, 2**16),
    DataType.UINT64: (0, 2**64),
    DataType.BOOLEAN: (0, 2),
}


class TagTypes:
    """Types by tag: of Modbus as configured, of OPC UA as the values are that come.

    A value that does not fit makes its tag's type wider, once and for all; whoever was told the old type has to be
    told anew.
    """

    def __init__(self, devices: Iterable[AnyDeviceSettings]) -> None:
        self._types = {tag.name: _configured(tag) for device in devices for tag in device.tags}

    def __getitem__(self, tag: str) -> DataType:
        return self._types[tag] or DataType.DOUBLE

    def take(self, tag: str, value: Value) -> bool:
        """Make room for *value*; true where the tag's type is another now than it was said to be."""
        known = self._types[tag]
        if value is None or (known is not None and _fits(known, value)):
            return False
        self._types[tag] = found = _wider(known, value)
        return found is not (known or DataType.DOUBLE)


def content(datatype: DataType, value: Value) -> Content:
    """A tag's value, as the metric has it."""
    match datatype:
        case DataType.STRING:
            return None if value is None else str(value)
        case DataType.BOOLEAN:
            return None if value is None else bool(value)
        case DataType.DOUBLE:
            return float(value) if isinstance(value, int | float) else None
    return int(value) if isinstance(value, int | float) else None


def _configured(tag: TagSettings) -> DataType | None:
    """None where only its values tell."""
    if not isinstance(tag, ModbusTagSettings):
        return None
    return PLAIN[tag.type] if tag.type == "string" or (tag.scale == 1 and tag.offset == 0) else DataType.DOUBLE


def _fits(datatype: DataType, value: Value) -> bool:
    if datatype is DataType.STRING:
        return True
    if isinstance(value, str):
        return False
    if datatype is DataType.DOUBLE:
        return True
    low, high = RANGES[datatype]
    return value is not None and isfinite(value) and value == int(value) and low <= value < high


def _wider(known: DataType | None, value: Value) -> DataType:
    if known is None and isinstance(value, int):
        return DataType.INT64 if _fits(DataType.INT64, value) else DataType.UINT64
    return DataType.STRING if isinstance(value, str) else DataType.DOUBLE
