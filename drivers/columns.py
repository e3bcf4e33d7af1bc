"""From the bytes of an answer to readings, many at a time (pure).

Thousands of values a second pass here, so what can be known before is: the tags of a block are sorted into
columns that one `struct.Struct` unpacks, and a column is looked at value by value only where a check of the
whole says that one of them is wrong.
"""

import struct
from array import array
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby, repeat
from operator import ge, le
from typing import Protocol

from drivers.conversion import SMALLEST_DOUBLE, SMALLEST_SINGLE, Conversion
from drivers.reading import Quality, Reading
from drivers.settings import DataType, ModbusTagSettings

Placed = tuple[ModbusTagSettings, int]  # a tag and its register (or bit) within the block

CODES: dict[DataType, str] = {
    "int8": "xb",  # the low byte of its register
    "uint8": "xB",
    "int16": "h",
    "uint16": "H",
    "int32": "i",
    "uint32": "I",
    "int64": "q",
    "uint64": "Q",
    "float32": "f",
    "float64": "d",
}
SMALLEST = {"f": SMALLEST_SINGLE, "d": SMALLEST_DOUBLE}
GOOD = int(Quality.GOOD)


class Column(Protocol):
    """Some tags of a block that are decoded together."""

    def decode(self, data: bytes, ts_ms: int) -> list[Reading]:
        """A reading for each of them, from the bytes of the whole block."""


class Numbers:
    """Tags whose raw values one call extracts."""

    def __init__(
        self,
        tags: Sequence[ModbusTagSettings],
        extract: Callable[[bytes], Sequence[float]],
        smallest: float = 0.0,
    ) -> None:
        self._extract = extract
        self._names = tuple(tag.name for tag in tags)
        self._conversions = [Conversion.of(tag, smallest=smallest) for tag in tags]
        self._is_plain = all(one.is_plain for one in self._conversions)
        self._is_certain = all(one.is_certain for one in self._conversions)
        self._scaling = [(one.factor, one.divisor, one.offset) for one in self._conversions]
        self._lows = tuple(one.low for one in self._conversions)
        self._highs = tuple(one.high for one in self._conversions)
        self._sentinels = frozenset[float]().union(*(one.sentinels for one in self._conversions))
        self._smallest = smallest

    def decode(self, data: bytes, ts_ms: int) -> list[Reading]:
        """A reading for each tag, from the bytes of the whole block."""
        raw = values = self._extract(data)
        if not self._is_plain:
            values = [one * f / d + offset for one, (f, d, offset) in zip(raw, self._scaling, strict=True)]
        rows = zip(self._names, repeat(ts_ms), values, repeat(GOOD), repeat(None))
        # A quarter of the cost of Reading(...), and half of Reading._make.
        readings = list(map(tuple.__new__, repeat(Reading), rows))
        if not (self._is_certain or self._looks_good(raw, values)):
            self._mark_faults(readings, raw, values)
        return readings

    def _looks_good(self, raw: Sequence[float], values: Sequence[float]) -> bool:
        """Whether no value is at fault; a NaN fails every comparison."""
        smallest = self._smallest
        return (
            all(map(le, self._lows, values))
            and all(map(ge, self._highs, values))
            and not (smallest and [one for one in raw if -smallest < one < smallest and one])
            and self._sentinels.isdisjoint(raw)
        )

    def _mark_faults(self, readings: list[Reading], raw: Sequence[float], values: Sequence[float]) -> None:
        for index, conversion in enumerate(self._conversions):
            if fault := conversion.fault(raw[index], values[index]):
                tag, ts_ms, *_ = readings[index]
                readings[index] = Reading(tag, ts_ms, None, *fault)


class Decimals:
    """Tags in binary coded decimal: each half byte a digit."""

    def __init__(self, placed: Sequence[Placed]) -> None:
        self._placed = [(tag, _bytes_of(tag, register), Conversion.of(tag)) for tag, register in placed]

    def decode(self, data: bytes, ts_ms: int) -> list[Reading]:
        """A reading for each tag, from the bytes of the whole block."""
        return [_decimal(tag, _arranged(data[place], tag.order), way, ts_ms) for tag, place, way in self._placed]


class Texts:
    """Tags that are strings, two characters a register, ended by NUL or blanks."""

    def __init__(self, placed: Sequence[Placed]) -> None:
        self._placed = [(tag, _bytes_of(tag, register)) for tag, register in placed]

    def decode(self, data: bytes, ts_ms: int) -> list[Reading]:
        """A reading for each tag, from the bytes of the whole block."""
        return [_text(tag, data[place], ts_ms) for tag, place in self._placed]


def columns(placed: Iterable[Placed], *, count: int, holds_bits: bool) -> list[Column]:
    """The columns of a block of *count* registers, or bits."""
    if holds_bits:
        rows = list(placed)
        return [Numbers([tag for tag, _ in rows], _bits([divmod(bit, 8) for _, bit in rows]))]
    sorts: dict[str, list[Placed]] = {"numbers": [], "bits": [], "flags": [], "decimals": [], "texts": []}
    for tag, register in sorted(placed, key=lambda one: one[1]):
        sorts[_sort_of(tag)].append((tag, register))
    found: list[Column] = list(_number_columns(sorts["numbers"], count))
    if rows := sorts["bits"]:
        found.append(Numbers([tag for tag, _ in rows], _bits([_bit_of(tag, register) for tag, register in rows])))
    if rows := sorts["flags"]:
        found.append(Numbers([tag for tag, _ in rows], _flags([register for _, register in rows])))
    if rows := sorts["decimals"]:
        found.append(Decimals(rows))
    if rows := sorts["texts"]:
        found.append(Texts(rows))
    return found


def _sort_of(tag: ModbusTagSettings) -> str:
    match tag.type:
        case "bool":
            return "flags" if tag.bit is None else "bits"
        case "bcd16" | "bcd32":
            return "decimals"
        case "string":
            return "texts"
        case _:
            return "numbers"


def _number_columns(placed: Iterable[Placed], count: int) -> Iterable[Numbers]:
    """One column for each layout, and a further one wherever tags share registers."""

    def layout(one: Placed) -> tuple[bool, str, str]:
        swapped, endian = _layout(one[0])
        return swapped, endian, CODES[one[0].type][-1] if one[0].type in ("float32", "float64") else ""

    for (swapped, endian, code), group in groupby(sorted(placed, key=layout), key=layout):
        for layer in _layers(list(group)):
            extract = _unpacker(layer, count, endian)
            tags = [tag for tag, _ in layer]
            yield Numbers(tags, _swapping(extract) if swapped else extract, SMALLEST.get(code, 0.0))


def _layout(tag: ModbusTagSettings) -> tuple[bool, str]:
    """Whether the bytes of each word are swapped, and which end comes first after that."""
    order = tag.order
    if struct.calcsize(">" + CODES[tag.type]) == 2:  # noqa: PLR2004 - one register has bytes, but no words
        order = "ABCD" if order in ("ABCD", "CDAB") else "BADC"
    return order in ("BADC", "CDAB"), ">" if order in ("ABCD", "BADC") else "<"


def _layers(placed: list[Placed]) -> list[list[Placed]]:
    """The tags, sorted by register, in as few rows as it takes that none overlaps its neighbour."""
    layers: list[list[Placed]] = []
    ends: list[int] = []
    for tag, register in placed:
        end = register + struct.calcsize(">" + CODES[tag.type]) // 2
        free = next((index for index, taken in enumerate(ends) if taken <= register), None)
        if free is None:
            layers.append([(tag, register)])
            ends.append(end)
        else:
            layers[free].append((tag, register))
            ends[free] = end
    return layers


def _unpacker(placed: Sequence[Placed], count: int, endian: str) -> Callable[[bytes], Sequence[float]]:
    layout, end = endian, 0
    for tag, register in placed:
        layout += f"{2 * register - end}x{CODES[tag.type]}"
        end = 2 * register + struct.calcsize(endian + CODES[tag.type])
    return struct.Struct(f"{layout}{2 * count - end}x").unpack


def _swapping(extract: Callable[[bytes], Sequence[float]]) -> Callable[[bytes], Sequence[float]]:
    return lambda data: extract(_swapped(data))


def _swapped(data: bytes) -> bytes:
    """The bytes of each word exchanged."""
    words = array("H", data)
    words.byteswap()
    return words.tobytes()


def _bits(picks: Sequence[tuple[int, int]]) -> Callable[[bytes], Sequence[float]]:
    return lambda data: [(data[byte] >> shift) & 1 for byte, shift in picks]


def _bit_of(tag: ModbusTagSettings, register: int) -> tuple[int, int]:
    """Byte and bit of a bit that is counted from the low end of its register."""
    high, shift = divmod(tag.bit or 0, 8)
    is_swapped = tag.order in ("BADC", "DCBA")
    return 2 * register + (high if is_swapped else 1 - high), shift


def _flags(registers: Sequence[int]) -> Callable[[bytes], Sequence[float]]:
    return lambda data: [int(any(data[2 * one : 2 * one + 2])) for one in registers]


def _bytes_of(tag: ModbusTagSettings, register: int) -> slice:
    words = {"bcd16": 1, "bcd32": 2}.get(tag.type, tag.length)
    return slice(2 * register, 2 * (register + words))


def _arranged(data: bytes, order: str) -> bytes:
    """The bytes of one number, the most significant first."""
    data = _swapped(data) if order in ("BADC", "CDAB") else data
    return data if order in ("ABCD", "BADC") else data[::-1]


def _decimal(tag: ModbusTagSettings, data: bytes, conversion: Conversion, ts_ms: int) -> Reading:
    digits = data.hex()
    if not digits.isdecimal():
        return Reading(tag.name, ts_ms, None, Quality.BAD, f"0x{digits} is no binary coded decimal")
    raw = int(digits)
    value = conversion.value(raw)
    if fault := conversion.fault(raw, value):
        return Reading(tag.name, ts_ms, None, *fault)
    return Reading(tag.name, ts_ms, value, GOOD)


def _text(tag: ModbusTagSettings, data: bytes, ts_ms: int) -> Reading:
    """Words stand in the order of reading; only the two characters within may be exchanged."""
    data = data if tag.order in ("ABCD", "CDAB") else _swapped(data)
    try:
        return Reading(tag.name, ts_ms, data.partition(b"\0")[0].decode().rstrip(), GOOD)
    except UnicodeDecodeError:
        return Reading(tag.name, ts_ms, None, Quality.BAD, f"0x{data.hex()} is no text")
