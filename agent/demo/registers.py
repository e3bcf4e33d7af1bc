"""The registers of the simulated devices: readings to words, and the answer to a request (pure)."""

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from drivers.address import parse
from drivers.settings import DataType, ModbusTagSettings, WordOrder

FORMATS: Mapping[DataType, str] = {
    "int16": ">h",
    "uint16": ">H",
    "int32": ">i",
    "uint32": ">I",
    "int64": ">q",
    "uint64": ">Q",
    "float32": ">f",
    "float64": ">d",
}
TABLES = {3: "holding", 4: "input"}  # by function code
SPARE = 8  # registers a device has behind its last one
ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, DEVICE_FAILURE, NOBODY_THERE = 1, 2, 4, 11  # Modbus exception codes


@dataclass(slots=True)
class Unit:
    """The memory of one device: words by table and address, and which of them cannot be read just now."""

    words: dict[tuple[str, int], int] = field(default_factory=dict)
    failed: set[tuple[str, int]] = field(default_factory=set)

    def show(self, tag: ModbusTagSettings, value: float) -> None:
        """Put a value, in the tag's own unit, where the configuration looks for it."""
        self._put(tag, round((value - tag.offset) / tag.scale, 6))

    def show_no_sensor(self, tag: ModbusTagSettings) -> None:
        """Put the sentinel that says that nothing is connected."""
        self._put(tag, tag.sentinels[0])

    def fail(self, tags: Iterable[ModbusTagSettings]) -> None:
        """Let exactly the registers of *tags* refuse to be read."""
        self.failed = {
            (table, first + word) for tag in tags for table, first, count in [place(tag)] for word in range(count)
        }

    def answer(self, function: int, start: int, count: int) -> bytes:
        """The protocol data unit that answers a request for *count* registers from *start*."""
        table = TABLES.get(function)
        if table is None:
            return bytes((function | 0x80, ILLEGAL_FUNCTION))
        span = [(table, address) for address in range(start, start + count)]
        end = max((address for name, address in self.words if name == table), default=-SPARE) + SPARE
        if not span or span[-1][1] > end:
            return bytes((function | 0x80, ILLEGAL_ADDRESS))
        if not self.failed.isdisjoint(span):
            return bytes((function | 0x80, DEVICE_FAILURE))
        words = [self.words.get(place, 0) for place in span]
        return struct.pack(f">BB{count}H", function, 2 * count, *words)

    def _put(self, tag: ModbusTagSettings, raw: float) -> None:
        table, first, _ = place(tag)
        if tag.bit is not None:
            others = self.words.get((table, first), 0) & ~(1 << tag.bit)
            self.words[table, first] = others | (int(raw) << tag.bit)
            return
        for number, word in enumerate(words_of(raw, tag.type, tag.order)):
            self.words[table, first + number] = word


def place(tag: ModbusTagSettings) -> tuple[str, int, int]:
    """Table, first address and number of registers of a tag written like ``holding:100``."""
    address = parse(tag.address)
    return address.table, address.number, struct.calcsize(FORMATS.get(tag.type, ">H")) // 2


def words_of(raw: float, kind: DataType, order: WordOrder) -> list[int]:
    """A raw value as words, most significant byte A; the order says how the bytes travel.

    >>> [f"{word:04x}" for word in words_of(0x0A0B0C0D, "uint32", "CDAB")]
    ['0c0d', '0a0b']
    """
    code = FORMATS[kind]
    data = struct.pack(code, raw if code[1] in "fd" else round(raw))
    if order in ("BADC", "DCBA"):
        data = bytes(byte for pair in zip(data[1::2], data[::2], strict=True) for byte in pair)
    words = list(struct.unpack(f">{len(data) // 2}H", data))
    return words if order in ("ABCD", "BADC") else words[::-1]
