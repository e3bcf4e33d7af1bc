"""Frames of Modbus RTU: made, and taken apart without any goodwill (pure).

A frame on a serial line has neither a beginning nor a transaction number. What tells an answer from noise, an echo,
another unit's answer or a late one is that every one of its bytes is as it must be, so nothing is skipped and
nothing is searched for: the first byte that does not fit ends it.
"""

import struct
from collections.abc import Collection
from itertools import count

from drivers.bus.line import BITS, NonsenseError, Query, Refusal

EXCEPTION = 0x80  # added to the function code where the unit refuses
POLYNOMIAL = 0xA001  # of the protocol's checksum, lowest bit first
SHORTEST = 4  # bytes of a frame: unit, function, checksum
AROUND = 5  # bytes of an answer besides its data: unit, function, byte count, checksum; and bytes of a refusal


def _remainder(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ (POLYNOMIAL if value & 1 else 0)
    return value


_REMAINDERS = tuple(map(_remainder, range(256)))


def checksum(data: bytes) -> bytes:
    """CRC-16 as the specification of Modbus over serial line has it (V1.02, appendix B).

    >>> checksum(b"123456789").hex()
    '374b'
    """
    crc = 0xFFFF
    for byte in data:
        crc = crc >> 8 ^ _REMAINDERS[(crc ^ byte) & 0xFF]
    return crc.to_bytes(2, "little")


def request(query: Query) -> bytes:
    """The frame that asks."""
    body = struct.pack(">BBHH", *query)
    return body + checksum(body)


def sounding(query: Query, doubts: Collection[tuple[int, int]]) -> Query:
    """A query at the same place, whose answer is shaped like none of *doubts* and not like that of *query*."""
    step = 8 if query.function in BITS else 1
    queries = (query._replace(quantity=step * words) for words in count(1))
    return next(one for one in queries if one.shape not in doubts and one.shape != query.shape)


def answer(query: Query, received: bytes) -> bytes | Refusal | None:
    """What the bytes since *query* amount to: its data, a refusal, or None where there is more to come.

    An adapter that hears itself gives us our own request first, which could pass for an answer (of 17 to 24 bits
    from address 0x300 on) and is taken off.

    Raises:
        NonsenseError: However many more bytes come, this is not the answer.
    """
    asked = request(query)
    if received.startswith(asked):
        received = received[len(asked) :]
    elif asked.startswith(received):
        return None
    refused = bytes((query.unit_id, query.function | EXCEPTION))
    head = bytes((query.unit_id, query.function, query.size))
    if not head.startswith(received[:3]) and not refused.startswith(received[:2]):
        raise NonsenseError(f"answered {_doubt(query, received)}")
    is_refusal = received[:2] == refused
    length = AROUND if is_refusal else AROUND + query.size
    if len(received) < length:
        return None
    if len(received) > length:
        raise NonsenseError("answered more than it was asked for")
    if checksum(received[:-2]) != received[-2:]:
        raise NonsenseError("answered with a wrong checksum")
    return Refusal(received[2]) if is_refusal else received[3:-2]


def _doubt(query: Query, received: bytes) -> str:
    """What is wrong with a frame that does not begin as it must."""
    if len(received) < SHORTEST or checksum(received[:-2]) != received[-2:]:
        return "with a broken frame, or there is noise on the line"
    if received[0] != query.unit_id:
        return f"as unit {received[0]}"
    if received[1] & ~EXCEPTION != query.function:
        return f"with function {received[1] & ~EXCEPTION}, not {query.function}"
    return f"with {received[2]} bytes, not {query.size}"
