"""Instants as messages write them (RFC 3339, UTC, milliseconds) and as we keep them (integer milliseconds)."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LATEST_MS = 253_402_300_799_999  # the last millisecond of the year 9999


def rfc3339(ts_ms: int) -> str:
    """Write ms since the epoch as `2026-03-01T12:00:00.000Z`; exact, no float in between."""
    seconds, milliseconds = divmod(ts_ms, 1_000)
    return f"{_second(seconds)}.{milliseconds:03d}Z"


@lru_cache(maxsize=256)  # readings of one moment share their second, and formatting it costs 5 µs
def _second(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"


def instant_ms(text: str) -> int:
    """Read an RFC 3339 instant; finer digits than a millisecond are dropped.

    Raises:
        ValueError: It is no instant, or does not say its offset from UTC.
    """
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"{text!r} does not say its offset from UTC, such as Z")
    return (instant - EPOCH) // timedelta(milliseconds=1)


def _from_message(value: object) -> object:
    return instant_ms(value) if isinstance(value, str) else value


# In the program an int in ms, in JSON a string; made from either.
Instant = Annotated[
    int,
    BeforeValidator(_from_message),
    Field(strict=True, ge=0, le=LATEST_MS),
    PlainSerializer(rfc3339, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
