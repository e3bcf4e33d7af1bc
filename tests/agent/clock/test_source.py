"""The machine's own clock."""

import time
from pathlib import Path

from agent.clock.settings import ClockSettings
from agent.clock.source import BOOT_ID, SystemClock, kernel_says, system_clock


def test_the_kernel_is_asked_and_answers_or_may_not() -> None:
    """Whatever it says on this machine, it says so without an error, and twice the same."""
    assert kernel_says() in {True, False, None}
    assert kernel_says() == kernel_says()


def test_the_offset_stays_the_same_while_nobody_sets_the_clock() -> None:
    """Slewing moves both clocks alike, so only a step shows."""
    clock = SystemClock(kernel_says)
    first, second = clock.look(), clock.look()

    assert abs(first.offset_ms - second.offset_ms) <= 2
    assert abs(first.wall_ms - time.time() * 1000) < 60_000
    assert clock.boot_id == BOOT_ID.read_text().strip()


def test_a_file_may_say_it_instead_of_the_kernel(tmp_path: Path) -> None:
    """systemd-timesyncd keeps one; a container can be given it, though it may not ask the kernel."""
    clock = system_clock(ClockSettings(sync_file=tmp_path / "synchronized"))
    before = clock.look().is_synchronised
    (tmp_path / "synchronized").touch()

    assert (before, clock.look().is_synchronised) == (False, True)
