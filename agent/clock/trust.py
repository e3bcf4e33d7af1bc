"""Whether what the system clock shows is to be believed; pure."""

from typing import Final

from agent.clock.settings import ClockSettings
from agent.clock.source import Look

EARLIEST_MS: Final = 1_767_225_600_000  # 2026-01-01: this program is not older, so it never ran before
STEP_MS: Final = 200  # a smaller difference is not taken for a step
DAY_MS: Final = 86_400_000


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

    @property
    def is_expected(self) -> bool:
        """Whether this machine has a time service, by all we know."""
        return self._is_expected and not self._is_always

    def believes(self, look: Look) -> bool:
        """Whether readings may be stamped by it now."""
        if look.wall_ms < EARLIEST_MS:
            return False
        if look.is_synchronised:
            self._last, self._is_expected = look, True
            return True
        if look.is_synchronised is None or not self.is_expected:
            return True
        return self._holds(look)

    def _holds(self, look: Look) -> bool:
        """A clock that was right goes on well enough by itself, unless somebody sets it."""
        last = self._last
        return (
            last is not None
            and look.boot_ms - last.boot_ms <= self._holdover_ms
            and abs(look.offset_ms - last.offset_ms) < STEP_MS
        )
