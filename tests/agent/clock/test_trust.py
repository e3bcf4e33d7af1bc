"""Whose word on the clock counts, and how long."""

import pytest

from agent.clock.settings import ClockSettings
from agent.clock.source import Look
from agent.clock.trust import Trust

NOON = 1_772_366_400_000  # 2026-03-01 12:00 UTC
DAY = 86_400_000


def at(boot_ms: int, *, says: bool | None, offset_ms: int = NOON) -> Look:
    return Look(offset_ms + boot_ms, boot_ms, says)


def test_the_word_of_the_time_service_is_enough() -> None:
    trust = Trust(ClockSettings(), is_known=False)

    assert trust.believes(at(0, says=True))
    assert trust.is_expected


@pytest.mark.parametrize("trust", ["auto", "strict", "always"])
def test_a_year_before_this_program_is_never_believed(trust: str) -> None:
    """A clock without a battery begins in 1970, whatever the configuration says of it."""
    assert not Trust(ClockSettings.model_validate({"trust": trust}), is_known=False).believes(
        at(0, says=None, offset_ms=17_000)
    )


def test_a_machine_that_never_had_a_time_service_is_believed() -> None:
    """A station on an island: its battery clock is all there is, and no reading would ever be good."""
    assert Trust(ClockSettings(), is_known=False).believes(at(0, says=False))


@pytest.mark.parametrize("how", [{"trust": "strict"}, {"sync_file": "/run/synchronized"}])
def test_where_a_time_service_is_expected_its_silence_is_doubt(how: dict[str, str]) -> None:
    assert not Trust(ClockSettings.model_validate(how), is_known=False).believes(at(0, says=False))


def test_a_machine_that_has_been_synchronised_once_is_expected_to_be() -> None:
    """After the next start its clock is in doubt until the time service has come up."""
    assert not Trust(ClockSettings(), is_known=True).believes(at(0, says=False))
    assert Trust(ClockSettings.model_validate({"trust": "always"}), is_known=True).believes(at(0, says=False))


def test_where_nobody_can_say_the_clock_is_believed() -> None:
    """A container that may not ask the kernel; unless it shows a year before this program."""
    assert Trust(ClockSettings.model_validate({"trust": "strict"}), is_known=True).believes(at(0, says=None))


def test_a_lost_time_service_is_made_up_for_by_a_clock_that_was_right() -> None:
    """Days without a network are usual; a clock drifts by seconds meanwhile, and is not doubted for it."""
    trust = Trust(ClockSettings(holdover_days=7), is_known=True)

    assert trust.believes(at(0, says=True))
    assert trust.believes(at(7 * DAY, says=False))
    assert not trust.believes(at(7 * DAY + 1, says=False))


@pytest.mark.parametrize("step", [3_600_000, -3_600_000])
def test_a_clock_that_is_set_without_the_time_service_is_in_doubt(step: int) -> None:
    """Somebody sets it, an hour wrong: the kernel takes the word back, and the time service will mend it."""
    trust = Trust(ClockSettings(), is_known=True)
    trust.believes(at(0, says=True))

    assert not trust.believes(at(1000, says=False, offset_ms=NOON + step))
    assert trust.believes(at(2000, says=True))


def test_what_an_earlier_process_knew_of_this_start_of_the_machine_holds() -> None:
    """An update of the agent in the middle of a long outage is no reason to doubt the clock."""
    trust = Trust(ClockSettings(), is_known=True, last=at(0, says=True))

    assert trust.believes(at(DAY, says=False))
