"""The system clock: what it shows, and whether the kernel calls it synchronised."""

import ctypes
import struct
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from agent.clock.settings import ClockSettings

BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
TIMEX: Final = struct.Struct("@I4li")  # of Linux's struct timex: modes, offset, freq, maxerror, esterror, status
TIMEX_SIZE: Final = 512  # bytes; more than the whole of it has on any machine
UNSYNCHRONISED: Final = 0x40  # STA_UNSYNC
TRIES: Final = 5
TOGETHER_NS: Final = 1_000_000  # between two readings of a clock that count as one


class Look(NamedTuple):
    """The clocks at one instant."""

    wall_ms: int  # since 1970, as it is set at the time
    boot_ms: int  # since the machine was started; slewed as the wall clock is, but never set
    is_synchronised: bool | None  # None where nobody can say

    @property
    def offset_ms(self) -> int:
        """Of the wall clock against the other; it changes exactly where the wall clock is set."""
        return self.wall_ms - self.boot_ms


class Clock(Protocol):
    """Where time comes from."""

    @property
    def boot_id(self) -> str:
        """Another one after each start of the machine."""

    def look(self) -> Look:
        """The present; takes microseconds."""


class SystemClock:
    """This machine's clock.

    Args:
        says: Whether it is synchronised; None where that cannot be told.
    """

    def __init__(self, says: Callable[[], bool | None]) -> None:
        self._says = says
        try:
            self.boot_id = BOOT_ID.read_text().strip()
        except OSError:
            self.boot_id = "unknown"

    def look(self) -> Look:
        """The present."""
        says = self._says()
        for _ in range(TRIES):  # we may be put aside between two clocks
            before = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
            wall = time.time_ns()
            after = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
            if after - before < TOGETHER_NS:
                break
        return Look(wall // 1_000_000, (before + after) // 2_000_000, says)


def system_clock(settings: ClockSettings) -> SystemClock:
    """This machine's clock, and who is asked about it."""
    path = settings.sync_file
    return SystemClock(kernel_says if path is None else lambda: _exists(path))


def kernel_says() -> bool | None:
    """Whether a time service (chrony, ntpd, systemd-timesyncd, PTP) has told the kernel that the clock is right.

    None in containers that may not ask, and on systems other than Linux. Setting the clock by hand takes
    the word back, and so do 9 hours without the service.
    """
    adjtimex = _adjtimex()
    timex = ctypes.create_string_buffer(TIMEX_SIZE)  # modes 0: only ask
    if adjtimex is None or adjtimex(timex) < 0:
        return None
    status: int = TIMEX.unpack_from(timex.raw)[-1]
    return not status & UNSYNCHRONISED


@cache
def _adjtimex() -> Callable[[object], int] | None:
    try:
        adjtimex: Callable[[object], int] = ctypes.CDLL(None).adjtimex
    except (OSError, AttributeError):
        return None
    return adjtimex


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False
