"""What the wire says of one tag, as a value in the tag's unit, or why it is none."""

import struct
import sys
from dataclasses import dataclass
from math import isfinite, isinf
from typing import Self

from drivers.reading import Quality
from drivers.settings import TagSettings

LARGEST = sys.float_info.max
SMALLEST_DOUBLE = sys.float_info.min  # the smallest normal number; closer to zero only lies 0 itself
SMALLEST_SINGLE = 2.0**-126

Fault = tuple[int, str]  # quality and reason


@dataclass(frozen=True, slots=True)
class Conversion:
    """From raw to the tag's unit: ``value = raw * factor / divisor + offset``.

    A scale of 0.1 is a division by 10: 253 tenths are 25.3 and not 25.3 and a bit.
    """

    factor: float
    divisor: float
    offset: float
    low: float  # values outside low to high are bad
    high: float
    sentinels: frozenset[float]  # raw
    smallest: float  # a raw value between 0 and this is denormal

    @classmethod
    def of(cls, tag: TagSettings, *, smallest: float = 0.0) -> Self:
        """The conversion of a tag.

        Args:
            tag: Its settings.
            smallest: The smallest normal number of the raw type; 0 where it is an integer.
        """
        inverse = round(1 / tag.scale) if tag.scale and abs(tag.scale) < 1 else 0
        decimal = inverse != 0 and abs(inverse * tag.scale - 1) < sys.float_info.epsilon
        return cls(
            factor=1.0 if decimal else tag.scale,
            divisor=float(inverse) if decimal else 1.0,
            offset=tag.offset,
            low=-LARGEST if tag.valid_min is None else tag.valid_min,
            high=LARGEST if tag.valid_max is None else tag.valid_max,
            sentinels=frozenset(tag.sentinels) | (frozenset(map(_single, tag.sentinels)) if smallest else frozenset()),
            smallest=smallest,
        )

    @property
    def is_plain(self) -> bool:
        """Whether a value is the raw value itself, an integer staying an integer."""
        return self.factor == self.divisor == 1 and self.offset == 0

    @property
    def is_certain(self) -> bool:
        """Whether no raw value can be at fault, as with an integer as it is."""
        anything_goes = self.low == -LARGEST and self.high == LARGEST and not self.sentinels
        return self.is_plain and anything_goes and not self.smallest

    def value(self, raw: float) -> float:
        """A raw value in the tag's unit."""
        return raw if self.is_plain else raw * self.factor / self.divisor + self.offset

    def fault(self, raw: float, value: float) -> Fault | None:
        """Why a raw value and what it converts to cannot be believed, if so."""
        if raw in self.sentinels:
            return Quality.SENSOR_FAILURE, f"no sensor (raw value {raw:g})"
        if not isfinite(value):
            return Quality.BAD, "infinite" if isinf(value) else "not a number"
        if -self.smallest < raw < self.smallest and raw:
            return Quality.BAD, f"denormal ({raw:g}), as a wrong word order gives"
        if not self.low <= value <= self.high:
            side = f"below {self.low:g}" if value < self.low else f"above {self.high:g}"
            return Quality.BAD, f"{value:g} is {side}, outside the valid range"
        return None


def _single(number: float) -> float:
    """The number as a float32 holds it: a device that stores -9999.9 answers with that."""
    try:
        return float(struct.unpack("f", struct.pack("f", number))[0])
    except OverflowError:
        return number
