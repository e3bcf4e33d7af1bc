"""The vocabulary every driver speaks: readings, qualities, and what can go wrong."""

import time
from enum import IntEnum
from types import TracebackType
from typing import NamedTuple, Protocol, Self, runtime_checkable

from drivers.evidence import Evidence

Value = float | int | str | None


class Quality(IntEnum):
    """OPC DA quality codes; the upper two bits say good, uncertain or bad."""

    BAD = 0
    CONFIGURATION_ERROR = 4
    NOT_CONNECTED = 8  # the whole device cannot be reached; only `Driver.unavailable` says so
    DEVICE_FAILURE = 12
    SENSOR_FAILURE = 16
    LAST_KNOWN = 20
    COMM_FAILURE = 24
    OUT_OF_SERVICE = 28
    WAITING_FOR_INITIAL_DATA = 32
    UNCERTAIN = 64
    LAST_USABLE = 68
    SENSOR_NOT_ACCURATE = 80
    RANGE_EXCEEDED = 84
    SUBNORMAL = 88
    GOOD = 192
    LOCAL_OVERRIDE = 216


def now_ms() -> int:
    """The present, as a reading is stamped with it."""
    return time.time_ns() // 1_000_000


def is_good(quality: int) -> bool:
    """Whether a quality code is of the good family."""
    return quality >= Quality.GOOD


class Reading(NamedTuple):
    """One value of one tag at one instant, in the tag's own unit.

    A tuple and not a dataclass, because thousands are made every second and go to the
    database as they are.
    """

    tag: str
    ts_ms: int
    value: Value  # None exactly where the quality is bad
    quality: int
    reason: str | None = None  # why it is not good, as a sentence fragment; None where it is


class Sourced(Reading):
    """A reading whose time its own source has told: it stays what it is, however wrong our clock was."""

    __slots__ = ()


class DriverError(Exception):
    """Trouble outside; the supervisor opens the device anew, later and later."""


class UnreachableError(DriverError):
    """The device does not answer, or answers nonsense."""


class RefusedError(DriverError):
    """The device answers and turns us away (security, login): a person must act."""


class Driver(Protocol):
    """One device. Opened with ``async with``; what has failed is thrown away and made anew."""

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            DriverError: It does not answer or refuses.
        """

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close; never raises and never waits long."""

    async def read(self, tick: int) -> list[Reading]:
        """Readings due at *tick*, the number of device periods since the start.

        A fact about a point (refused register, NaN, sentinel) is a reading of bad quality.

        Raises:
            DriverError: The connection is lost; the caller opens a new driver.
        """

    def unavailable(self, ts_ms: int, reason: str) -> list[Reading]:
        """Every tag as a bad reading, for the caller to keep when `read` or opening failed."""

    def evidence(self) -> Evidence:
        """What stands behind the last readings, and what the requests for them took."""


@runtime_checkable
class Forewarned(Protocol):
    """A driver that knows what will stop it before long, such as a certificate that ends."""

    def warning(self) -> str | None:
        """What a person should see to while all is still well, as a sentence."""
