"""Protocol Buffers on the wire: numbered fields, each a number, four or eight bytes, or so many bytes; pure."""

from collections.abc import Iterator
from functools import lru_cache
from struct import pack
from typing import Final, NamedTuple

MOST: Final = 2**64  # numbers are smaller
LONGEST: Final = 10  # bytes of a number
MORE: Final = 0x80  # set in each byte of a number but its last
NUMBER, EIGHT_BYTES, SOME_BYTES, FOUR_BYTES = 0, 1, 2, 5  # how a field is written: its wire type


class WireError(ValueError):
    """These bytes are no message."""


class Field(NamedTuple):
    """One field as it stands in a message, not yet said to be of any type."""

    number: int
    kind: int  # wire type
    value: int | bytes  # a number, or bytes for all other kinds


def varint(number: int) -> bytes:
    """A number from 0 to 2⁶⁴-1: seven bits a byte, the lowest first.

    >>> varint(300).hex()
    'ac02'
    """
    if number < MORE:
        return bytes((number,))
    written = bytearray()
    while number >= MORE:
        written.append(number & 0x7F | MORE)
        number >>= 7
    written.append(number)
    return bytes(written)


@lru_cache(maxsize=4_096)  # what is read together has one time, and types are few
def number_field(field: int, number: int) -> bytes:
    """A number, or a truth as 0 or 1."""
    return varint(field << 3 | NUMBER) + varint(number)


def double_field(field: int, number: float) -> bytes:
    """Eight bytes."""
    return varint(field << 3 | EIGHT_BYTES) + pack("<d", number)


def float_field(field: int, number: float) -> bytes:
    """Four bytes, with some seven digits."""
    return varint(field << 3 | FOUR_BYTES) + pack("<f", number)


def bytes_field(field: int, content: bytes) -> bytes:
    """Bytes, a text in UTF-8, or a message within the message."""
    return varint(field << 3 | SOME_BYTES) + varint(len(content)) + content


def fields(message: bytes) -> Iterator[Field]:
    """Every field of *message*, in order.

    Raises:
        WireError: It is no message; what came before the fault has been given.
    """
    place = 0
    while place < len(message):
        key, place = _number(message, place)
        number, kind = key >> 3, key & 7
        if not 0 < number < 2**29:
            raise WireError(f"there is no field {number}")
        match kind:
            case 0:
                value, place = _number(message, place)
                yield Field(number, kind, value)
                continue
            case 1:
                length = 8
            case 2:
                length, place = _number(message, place)
            case 5:
                length = 4
            case _:
                raise WireError(f"there is no wire type {kind}")
        if place + length > len(message):
            raise WireError(f"field {number} ends beyond the message")
        yield Field(number, kind, message[place : place + length])
        place += length


def _number(message: bytes, place: int) -> tuple[int, int]:
    """The number at *place*, and the place behind it."""
    number = 0
    for length in range(LONGEST):
        if place + length >= len(message):
            raise WireError("a number ends beyond the message")
        byte = message[place + length]
        number |= (byte & 0x7F) << 7 * length
        if byte < MORE:
            if number >= MOST:
                break
            return number, place + length + 1
    raise WireError("a number is too long")
