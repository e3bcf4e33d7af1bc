"""A Sparkplug B payload and its metrics, by the field numbers of the specification (3.0, chapter 6.4.1); pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from struct import unpack
from typing import Final

from agent.mqtt.sparkplug.wire import Field, WireError, bytes_field, double_field, fields, float_field, number_field

Content = float | int | str | bool | bytes | None


class DataType(IntEnum):
    """Types of metrics and properties that are in use here; the specification has more."""

    INT8 = 1
    INT16 = 2
    INT32 = 3
    INT64 = 4
    UINT8 = 5
    UINT16 = 6
    UINT32 = 7
    UINT64 = 8
    FLOAT = 9
    DOUBLE = 10
    BOOLEAN = 11
    STRING = 12
    DATETIME = 13
    TEXT = 14


# Signed ones are written as the unsigned number of 32 or 64 bits that has the same bits.
INT_VALUE: Final = frozenset(
    {DataType.INT8, DataType.INT16, DataType.INT32, DataType.UINT8, DataType.UINT16, DataType.UINT32}
)
LONG_VALUE: Final = frozenset({DataType.INT64, DataType.UINT64, DataType.DATETIME})
SIGNED: Final[dict[int, int]] = {1: 32, 2: 32, 3: 32, 4: 64}  # bits on the wire, by type


@dataclass(frozen=True, slots=True)
class Property:
    """Something said of a metric besides its value."""

    key: str
    datatype: int
    content: Content


@dataclass(frozen=True, slots=True)
class Metric:
    """One value at one time; of no value where the content is None."""

    name: str | None
    datatype: int | None
    content: Content
    ts_ms: int | None
    alias: int | None = None
    is_historical: bool = False
    properties: tuple[Property, ...] = ()


@dataclass(frozen=True, slots=True)
class Payload:
    """What one message says."""

    ts_ms: int | None  # when it was sent
    metrics: Sequence[Metric]
    seq: int | None  # 0 to 255; a death of the node has none


def encode(payload: Payload) -> bytes:
    """The bytes of *payload*.

    >>> encode(Payload(1, (Metric("speed", DataType.DOUBLE, None, 2),), 7)).hex(" ")
    '08 01 12 0d 0a 05 73 70 65 65 64 18 02 20 0a 38 01 18 07'
    """
    written = [] if payload.ts_ms is None else [_time(1, payload.ts_ms)]
    written += [bytes_field(2, _metric(metric)) for metric in payload.metrics]
    if payload.seq is not None:
        written.append(number_field(3, payload.seq))
    return b"".join(written)


def decode(message: bytes) -> Payload:
    """What *message* says; fields that are not in use here are passed over.

    Raises:
        WireError: It is no payload.
    """
    ts_ms, seq = None, None
    metrics: list[Metric] = []
    for field in fields(message):
        match field:
            case Field(1, 0, int(number)):
                ts_ms = number
            case Field(2, 2, bytes(content)):
                metrics.append(_read_metric(content))
            case Field(3, 0, int(number)):
                seq = number
            case Field(1 | 2 | 3, _, _):
                raise WireError(f"field {field.number} is of another type")
    return Payload(ts_ms, metrics, seq)


def _metric(metric: Metric) -> bytes:
    written = [] if metric.name is None else [_name(metric.name)]
    if metric.alias is not None:
        written.append(number_field(2, metric.alias))
    if metric.ts_ms is not None:
        written.append(_time(3, metric.ts_ms))
    if metric.datatype is not None:
        written.append(number_field(4, metric.datatype))
    if metric.is_historical:
        written.append(number_field(5, 1))
    if metric.content is None:
        written.append(number_field(7, 1))
    if metric.properties:
        written.append(_properties(metric.properties))
    if metric.content is not None:
        written.append(_content(10, metric.datatype, metric.content))
    return b"".join(written)


def _time(field: int, ts_ms: int) -> bytes:
    """Times have no sign there: what was before 1970, as of a server whose clock is reset, is told as its beginning."""
    return number_field(field, max(ts_ms, 0))


@lru_cache(maxsize=20_000)  # each tag's name is said again and again
def _name(name: str) -> bytes:
    return bytes_field(1, name.encode())


@lru_cache(maxsize=1_000)  # nearly all metrics are good
def _properties(properties: tuple[Property, ...]) -> bytes:
    keys = b"".join(bytes_field(1, one.key.encode()) for one in properties)
    return bytes_field(9, keys + b"".join(bytes_field(2, _property(one)) for one in properties))


def _property(one: Property) -> bytes:
    datatype = number_field(1, one.datatype)
    return datatype + (number_field(2, 1) if one.content is None else _content(3, one.datatype, one.content))


def _content(first: int, datatype: int | None, content: Content) -> bytes:
    """The value itself; *first* is the field of an int value, and the other types' fields follow it."""
    match content:
        case str():
            return bytes_field(first + 5, content.encode())
        case bytes():
            return bytes_field(first + 6, content)
        case None:
            raise AssertionError("no value has no field")
    return _number(first, datatype, content)


def _number(first: int, datatype: int | None, number: float) -> bytes:
    if datatype in INT_VALUE:
        return number_field(first, int(number) & 0xFFFF_FFFF)
    if datatype in LONG_VALUE:
        return number_field(first + 1, int(number) & 0xFFFF_FFFF_FFFF_FFFF)
    if datatype == DataType.BOOLEAN:
        return number_field(first + 4, number != 0)
    return float_field(first + 2, number) if datatype == DataType.FLOAT else double_field(first + 3, number)


def _read_metric(message: bytes) -> Metric:  # noqa: C901 - as many cases as fields
    name, alias, ts_ms, datatype = None, None, None, None
    is_historical = is_null = False
    properties: tuple[Property, ...] = ()
    value: Field | None = None
    for field in fields(message):
        match field:
            case Field(1, 2, bytes(content)):
                name = _text(content)
            case Field(2, 0, int(number)):
                alias = number
            case Field(3, 0, int(number)):
                ts_ms = number
            case Field(4, 0, int(number)):
                datatype = number
            case Field(5, 0, int(number)):
                is_historical = number != 0
            case Field(7, 0, int(number)):
                is_null = number != 0
            case Field(9, 2, bytes(content)):
                properties = _read_properties(content)
            case Field(1 | 2 | 3 | 4 | 5 | 7 | 9, _, _):
                raise WireError(f"field {field.number} of a metric is of another type")
            case Field(10 | 11 | 12 | 13 | 14 | 15 | 16, _, _):
                value = field
    found = None if is_null or value is None else _read_content(value, 10, datatype)
    return Metric(name, datatype, found, ts_ms, alias, is_historical, properties)


def _read_properties(message: bytes) -> tuple[Property, ...]:
    keys: list[str] = []
    values: list[tuple[int, Content]] = []
    for field in fields(message):
        match field:
            case Field(1, 2, bytes(content)):
                keys.append(_text(content))
            case Field(2, 2, bytes(content)):
                values.append(_read_property(content))
            case Field(1 | 2, _, _):
                raise WireError(f"field {field.number} of properties is of another type")
    if len(keys) != len(values):
        raise WireError(f"there are {len(keys)} properties with {len(values)} values")
    return tuple(Property(key, datatype, content) for key, (datatype, content) in zip(keys, values, strict=True))


def _read_property(message: bytes) -> tuple[int, Content]:
    datatype, is_null, value = 0, False, None
    for field in fields(message):
        match field:
            case Field(1, 0, int(number)):
                datatype = number
            case Field(2, 0, int(number)):
                is_null = number != 0
            case Field(3 | 4 | 5 | 6 | 7 | 8, _, _):
                value = field
    return datatype, None if is_null or value is None else _read_content(value, 3, datatype)


def _read_content(field: Field, first: int, datatype: int | None) -> Content:
    match (field.number - first, field.kind, field.value):
        case (0 | 1, 0, int(number)):
            return _signed(number, SIGNED[datatype]) if datatype in SIGNED else number
        case (2, 5, bytes(content)):
            return float(unpack("<f", content)[0])
        case (3, 1, bytes(content)):
            return float(unpack("<d", content)[0])
        case (4, 0, int(number)):
            return number != 0
        case (5, 2, bytes(content)):
            return _text(content)
        case (6, 2, bytes(content)):
            return content
    raise WireError(f"field {field.number} holds no value of its type")


def _signed(number: int, bits: int) -> int:
    number &= (1 << bits) - 1
    return number - (1 << bits) if number >> (bits - 1) else number


def _text(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise WireError("a text is not UTF-8") from error
