"""Strips of numbers: many in few bytes, as sealed readings lie on the disk; this half reads them.

A strip of integers is a header and compressed residuals. Its kind says what they are residuals of::

    plain   number = base + residual
    delta   number = the one before + step + residual, the first one's predecessor being base - step

Residuals have the least width of 1, 2, 4 or 8 bytes (none where all are zero), little-endian; they lie byte
by byte (all lowest bytes, then all next ones), because bytes of the same weight resemble each other.

A strip of reals has a letter and an exponent before it that say how integers become reals; always bit by bit:

    /   number / 10^exponent        a decimal, as a historian or a scaled register gives it
    *   number * 10^-exponent       the same by a driver that multiplies
    s   / in single precision       a decimal that was a float32 on its way
    f   the bits of a single        d   the bits of a double
"""

import struct
import zlib
from array import array
from collections.abc import Sequence
from itertools import accumulate, repeat
from operator import add, mul, truediv
from typing import Any, Protocol

from agent.store.errors import StorageError

HEAD = struct.Struct("<ccIqq")  # kind, width, count, base, step
REAL_HEAD = struct.Struct("<cB")  # letter, exponent
PLAIN, DELTA = b"p", b"d"
CODES = {b"b": "b", b"h": "h", b"i": "i", b"q": "q"}  # of residuals' widths, as array and NumPy call them
ALL_ZERO = b"0"  # the width where no residuals are written

Numbers = Sequence[Any]
"""Integers of 64 bits or doubles, as the arithmetic has them."""


class StripDamagedError(StorageError):
    """A part of the sealed log is torn."""


class Arithmetic(Protocol):
    """How numbers are computed: without a library, or on NumPy's arrays."""

    def residuals(self, planes: bytes, code: str) -> Numbers:
        """Integers of a width that lie byte by byte."""

    def ramp(self, base: int, step: int, count: int) -> Numbers:
        """Integers that grow by *step*."""

    def shifted(self, numbers: Numbers, base: int) -> Numbers:
        """Each plus *base*."""

    def summed(self, numbers: Numbers, base: int, step: int) -> Numbers:
        """*base*, and one more for each of *numbers*: the one before plus *step* plus it."""

    def divided(self, numbers: Numbers, divisor: float) -> Numbers:
        """Doubles."""

    def multiplied(self, numbers: Numbers, factor: float) -> Numbers:
        """Doubles."""

    def single(self, numbers: Numbers) -> Numbers:
        """Doubles that singles can hold."""

    def of_singles(self, bits: Numbers) -> Numbers:
        """Doubles, of the bits of singles."""

    def of_doubles(self, bits: Numbers) -> Numbers:
        """Doubles, of their bits."""


def integers(strip: bytes, arithmetic: Arithmetic) -> Numbers:
    """The numbers of a strip of integers, as 64 bits each.

    Raises:
        StripDamagedError: It is torn.
    """
    try:
        kind, width, count, base, step = HEAD.unpack_from(strip)
        if width == ALL_ZERO:
            return arithmetic.ramp(base, step, count)
        residuals = arithmetic.residuals(zlib.decompress(strip[HEAD.size :]), CODES[width])
    except (struct.error, zlib.error, KeyError, ValueError) as error:
        raise StripDamagedError(f"sealed readings are damaged ({error})") from error
    if len(residuals) != count - (kind == DELTA):
        raise StripDamagedError("sealed readings are damaged (a strip has not as many numbers as it says)")
    if kind == PLAIN:
        return arithmetic.shifted(residuals, base)
    return arithmetic.summed(residuals, base, step)


def reals(strip: bytes, arithmetic: Arithmetic) -> Numbers:
    """The numbers of a strip of reals.

    Raises:
        StripDamagedError: It is torn.
    """
    try:
        letter, exponent = REAL_HEAD.unpack_from(strip)
    except struct.error as error:
        raise StripDamagedError(f"sealed readings are damaged ({error})") from error
    numbers = integers(strip[REAL_HEAD.size :], arithmetic)
    match letter:
        case b"/":
            return arithmetic.divided(numbers, 10.0**exponent)
        case b"*":
            return arithmetic.multiplied(numbers, 10.0**-exponent)
        case b"s":
            return arithmetic.single(arithmetic.divided(numbers, 10.0**exponent))
        case b"f":
            return arithmetic.of_singles(numbers)
        case _:
            return arithmetic.of_doubles(numbers)


class Slow:
    """Arithmetic without a library, for the polling process: a tenth of a microsecond a number."""

    def residuals(self, planes: bytes, code: str) -> "array[int]":
        """Integers of a width that lie byte by byte."""
        found = array(code)
        size = found.itemsize
        mixed, rows = bytearray(len(planes)), len(planes) // size
        for place in range(size):
            mixed[place::size] = planes[place * rows : (place + 1) * rows]
        found.frombytes(mixed)
        return found

    def ramp(self, base: int, step: int, count: int) -> "array[int]":
        """Integers that grow by *step*."""
        return array("q", range(base, base + step * count, step) if step else [base] * count)

    def shifted(self, numbers: Numbers, base: int) -> "array[int]":
        """Each plus *base*."""
        return array("q", map(add, numbers, repeat(base)) if base else numbers)

    def summed(self, numbers: Numbers, base: int, step: int) -> "array[int]":
        """*base*, and one more for each of *numbers*: the one before plus *step* plus it."""
        return array("q", accumulate(map(add, numbers, repeat(step)) if step else numbers, initial=base))

    def divided(self, numbers: Numbers, divisor: float) -> "array[float]":
        """Doubles."""
        return array("d", map(truediv, numbers, repeat(divisor)))

    def multiplied(self, numbers: Numbers, factor: float) -> "array[float]":
        """Doubles."""
        return array("d", map(mul, numbers, repeat(factor)))

    def single(self, numbers: Numbers) -> "array[float]":
        """Doubles that singles can hold."""
        return array("d", array("f", numbers))

    def of_singles(self, bits: Numbers) -> "array[float]":
        """Doubles, of the bits of singles."""
        return array("d", array("f", array("i", bits).tobytes()))

    def of_doubles(self, bits: Numbers) -> "array[float]":
        """Doubles, of their bits."""
        return array("d", array("q", bits).tobytes())


SLOW = Slow()
