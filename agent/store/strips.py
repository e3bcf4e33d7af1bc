"""Strips of numbers: many in few bytes, as sealed readings lie on the disk; this half reads them, with no library.

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
from itertools import accumulate, repeat
from operator import add, mul, truediv

from agent.store.errors import StorageError

HEAD = struct.Struct("<ccIqq")  # kind, width, count, base, step
REAL_HEAD = struct.Struct("<cB")  # letter, exponent
PLAIN, DELTA = b"p", b"d"
WIDTHS = {b"0": "b", b"b": "b", b"h": "h", b"i": "i", b"q": "q"}  # to array's type codes; 0: all zero, none written


class StripDamagedError(StorageError):
    """A part of the sealed log is torn."""


def integers(strip: bytes) -> "array[int]":
    """The numbers of a strip of integers, as 64 bits each.

    Raises:
        StripDamagedError: It is torn.
    """
    try:
        kind, width, count, base, step = HEAD.unpack_from(strip)
        residuals = _residuals(strip[HEAD.size :], width, count - (kind == DELTA))
    except (struct.error, zlib.error, KeyError, ValueError) as error:
        raise StripDamagedError(f"sealed readings are damaged ({error})") from error
    if kind == PLAIN:
        if not base:
            return array("q", residuals)
        return array("q", map(add, residuals, repeat(base)))
    if not step:
        return array("q", accumulate(residuals, initial=base))
    if width == b"0":
        return array("q", range(base, base + step * count, step))
    return array("q", accumulate(map(add, residuals, repeat(step)), initial=base))


def reals(strip: bytes) -> "array[float]":
    """The numbers of a strip of reals.

    Raises:
        StripDamagedError: It is torn.
    """
    try:
        letter, exponent = REAL_HEAD.unpack_from(strip)
    except struct.error as error:
        raise StripDamagedError(f"sealed readings are damaged ({error})") from error
    numbers = integers(strip[REAL_HEAD.size :])
    match letter:
        case b"/":
            return array("d", map(truediv, numbers, repeat(10.0**exponent)))
        case b"*":
            return array("d", map(mul, numbers, repeat(10.0**-exponent)))
        case b"s":
            return array("d", array("f", map(truediv, numbers, repeat(10.0**exponent))))
        case b"f":
            return array("d", array("f", array("i", numbers).tobytes()))
        case _:
            return array("d", numbers.tobytes())


def _residuals(body: bytes, width: bytes, count: int) -> "array[int]":
    found = array(WIDTHS[width])
    if width == b"0":
        found.frombytes(bytes(count * found.itemsize))
        return found
    planes, size = zlib.decompress(body), found.itemsize
    if size > 1:
        mixed, rows = bytearray(len(planes)), len(planes) // size
        for place in range(size):
            mixed[place::size] = planes[place * rows : (place + 1) * rows]
        planes = bytes(mixed)
    found.frombytes(planes)
    if len(found) != count:
        raise ValueError(f"{len(found)} numbers instead of {count}")
    return found
