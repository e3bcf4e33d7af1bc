"""Whether what the system clock shows is to be believed; pure."""

from typing import Final

from agent.clock.settings import ClockSettings
from agent.clock.source import Look

EARLIEST_MS: Final = 1_767_225_600_000  # 2026-01-01: this program is not older, so it never ran before
STEP_MS: Final = 200  # a smaller difference is not taken for a step
DAY_MS: Final = 86_400_000
LEAP_MS: Final = (
    DAY_MS  # set ahead by so much, a clock has to last before it is believed: what it says lets readings go
)
LASTS_MS: Final = DAY_MS
UNSYNCHRONISED: Final = "the clock is not synchronised"


class Trust:
    """The word of the time service, and how long it holds.

    Args:
        settings: How far the clock is believed.
        is_known: Whether this machine's clock has ever been synchronised, so that being so is what to expect.
        last: When it last was, in this start of the machine.
    """

    def __init__(self, settings: ClockSettings, *, is_known: bool, last: Look | None = None) -> None:
        self._is_expected = settings.trust == "strict" or settings.sync_file is not None or is_known
        self._is_always = settings.trust == "always"
        self._holdover_ms = settings.holdover_days * DAY_MS
        self._last = last
        self._furthest = last  # of what was believed
        self._is_kept = last is not None  # whether a time service has had the word
        self._leapt: Look | None = None
        self.doubt = UNSYNCHRONISED  # why it is not believed, where it is not

    @property
    def is_expected(self) -> bool:
        """Whether this machine has a time service, by all we know."""
        return self._is_expected and not self._is_always

    def believes(self, look: Look) -> bool:
        """Whether readings may be stamped by it now."""
        is_believed = look.wall_ms >= EARLIEST_MS and not self._has_leapt(look) and self._is_right(look)
        if is_believed:
            self._is_kept = self._is_kept or bool(look.is_synchronised)
            if self._furthest is None or look.offset_ms > self._furthest.offset_ms:
                self._furthest = look
        return is_believed

    def _is_right(self, look: Look) -> bool:
        """By the word of the time service, or its silence."""
        if look.is_synchronised:
            self._last, self._is_expected = look, True
            return True
        if look.is_synchronised is None or not self.is_expected:
            return True
        return self._holds(look)

    def _has_leapt(self, look: Look) -> bool:
        """Whether it was set ahead by days, not long ago and not by the first word of a time service.

        A receiver of satellites that miscounts its weeks, or a slip of the hand: whoever believed it would drop
        everything read before as too old, and not see what comes once the clock is back.
        """
        ahead_ms = 0 if self._furthest is None else look.offset_ms - self._furthest.offset_ms
        if ahead_ms < LEAP_MS or (look.is_synchronised and not self._is_kept):
            self._leapt, self.doubt = None, UNSYNCHRONISED
            return False
        if self._leapt is None or abs(look.offset_ms - self._leapt.offset_ms) >= LEAP_MS:
            self._leapt = look
        self.doubt = (
            f"the clock was set ahead by {ahead_ms // DAY_MS} days and is not believed before it has lasted a day"
        )
        return look.boot_ms - self._leapt.boot_ms < LASTS_MS

    def _holds(self, look: Look) -> bool:
        """A clock that was right goes on well enough by itself, unless somebody sets it."""
        last = self._last
        return (
            last is not None
            and look.boot_ms - last.boot_ms <= self._holdover_ms
            and abs(look.offset_ms - last.offset_ms) < STEP_MS
        )
