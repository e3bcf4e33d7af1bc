"""Which registers to ask for, in the fewest requests, and what the answers mean (pure)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from typing import Self

from drivers.address import Address, Table, parse
from drivers.columns import Column, columns
from drivers.reading import Reading
from drivers.settings import DataType, ModbusTagSettings

WORDS: dict[DataType, int] = {
    "bool": 1,
    "int8": 1,
    "uint8": 1,
    "int16": 1,
    "uint16": 1,
    "bcd16": 1,
    "int32": 2,
    "uint32": 2,
    "float32": 2,
    "bcd32": 2,
    "int64": 4,
    "uint64": 4,
    "float64": 4,
}
BITS_PER_REGISTER = 16  # the protocol allows 2,000 bits where it allows 125 registers


@dataclass(frozen=True, slots=True)
class Point:
    """A tag and the registers, or the one bit, it is made of."""

    tag: ModbusTagSettings
    address: Address
    size: int

    @classmethod
    def of(cls, tag: ModbusTagSettings, base: int) -> Self:
        """The place of a tag.

        Raises:
            ValueError: Its address is none.
        """
        return cls(tag, parse(tag.address, base), tag.length if tag.type == "string" else WORDS[tag.type])

    @property
    def start(self) -> int:
        """The number of the first register or bit."""
        return self.address.number

    @property
    def end(self) -> int:
        """The number after the last."""
        return self.address.number + self.size


class Block:
    """One request: neighbouring registers (or bits) of one table, and the points within."""

    def __init__(self, points: Sequence[Point]) -> None:
        self.points = tuple(points)
        self.table: Table = points[0].address.table
        self.start = min(point.start for point in points)
        self.count = max(point.end for point in points) - self.start
        self.names = tuple(point.tag.name for point in points)
        self.answer = b""  # the last one; kept for who asks what stood behind a value
        self.took = 0.0  # s, until it was here
        self._columns: list[Column] | None = None  # made when first used: a refused block never is

    def __str__(self) -> str:
        last = self.start + self.count - 1
        return f"{self.table}:{self.start}" + (f"-{last}" if last > self.start else "")

    @property
    def end(self) -> int:
        """The number after the last."""
        return self.start + self.count

    @property
    def size(self) -> int:
        """Bytes of the answer."""
        return (self.count + 7) // 8 if self.points[0].address.holds_bits else 2 * self.count

    def decode(self, data: bytes, ts_ms: int) -> list[Reading]:
        """A reading for each point, in no particular order, from the answer's *size* bytes."""
        if self._columns is None:
            holds_bits = self.points[0].address.holds_bits
            self._columns = columns(
                [(point.tag, point.start - self.start) for point in self.points],
                count=self.count,
                holds_bits=holds_bits,
            )
        readings: list[Reading] = []
        for column in self._columns:
            readings += column.decode(data, ts_ms)
        return readings

    def bad(self, ts_ms: int, quality: int, reason: str) -> list[Reading]:
        """A bad reading for each point."""
        return [Reading(name, ts_ms, None, quality, reason) for name in self.names]

    def raw(self) -> dict[str, bytes]:
        """What the last answer held for each tag: its registers in the wire's order, or one byte 0 or 1 for a bit."""
        if not self.answer:
            return {}
        return {point.tag.name: self._bytes_of(point) for point in self.points}

    def _bytes_of(self, point: Point) -> bytes:
        place = point.start - self.start
        if point.address.holds_bits:
            return bytes(((self.answer[place // 8] >> place % 8) & 1,))
        return self.answer[2 * place : 2 * (place + point.size)]

    def halves(self) -> tuple["Block", "Block"] | None:
        """Two blocks that together hold all points; None where all points share the same registers."""
        places = [list(points) for _, points in groupby(sorted(self.points, key=_place), key=_place)]
        if len(places) == 1:
            return None
        middle = self.start + self.count / 2
        cut = min(range(1, len(places)), key=lambda index: abs(places[index][0].start - middle))
        return Block(list(chain(*places[:cut]))), Block(list(chain(*places[cut:])))


def plan(tags: Iterable[ModbusTagSettings], *, base: int, limit: int, max_hole: int) -> list[Block]:
    """The fewest blocks that hold every tag once and whole.

    Going up the addresses and opening a block only where the last one cannot take the next tag is
    optimal: no block can begin later than at the first tag still without one.

    Args:
        tags: Of one device, to be read together.
        base: What the device's manual calls the first register in ``holding:N``.
        limit: Registers a request may ask for; sixteen times as many bits.
        max_hole: Registers between two tags that may be asked for in vain; sixteen times as many bits.

    Raises:
        ValueError: An address is none.
    """
    points = sorted((Point.of(tag, base) for tag in tags), key=_place)
    blocks = []
    for _, group in groupby(points, key=lambda point: point.address.table):
        blocks += [Block(run) for run in _runs(list(group), limit, max_hole)]
    return blocks


def _runs(points: list[Point], limit: int, max_hole: int) -> list[list[Point]]:
    """Sorted points of one table, cut where a request must end."""
    unit = BITS_PER_REGISTER if points[0].address.holds_bits else 1
    runs = [[points[0]]]
    end = points[0].end
    for point in points[1:]:
        if point.end - runs[-1][0].start <= unit * limit and point.start - end <= unit * max_hole:
            runs[-1].append(point)
            end = max(end, point.end)
        else:
            runs.append([point])
            end = point.end
    return runs


def _place(point: Point) -> tuple[str, int, int]:
    return point.address.table, point.start, point.size
