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


@pytest.mark.parametrize("says", [True, False, None])
def test_a_clock_set_ahead_by_days_has_to_last_before_it_is_believed(*, says: bool | None) -> None:
    """A receiver of satellites that miscounts its weeks says it is synchronised; all history would be too old."""
    trust = Trust(ClockSettings(), is_known=False)
    trust.believes(at(0, says=says))

    assert not trust.believes(at(1_000, says=says, offset_ms=NOON + 1024 * 7 * DAY))
    assert trust.doubt == "the clock was set ahead by 7168 days and is not believed before it has lasted a day"
    assert not trust.believes(at(DAY, says=says, offset_ms=NOON + 1024 * 7 * DAY))
    assert trust.believes(at(DAY + 1_000, says=says, offset_ms=NOON + 1024 * 7 * DAY))


@pytest.mark.parametrize("by_days", [20_000, -30])
def test_a_clock_that_comes_back_is_believed_at_once(by_days: int) -> None:
    """Where it was for a minute, ahead or behind, is over."""
    trust = Trust(ClockSettings(), is_known=False)
    trust.believes(at(0, says=True))
    trust.believes(at(1_000, says=True, offset_ms=NOON + by_days * DAY))

    assert trust.believes(at(90_000, says=True))
    assert not trust.believes(at(91_000, says=True, offset_ms=NOON + 2 * DAY))


def test_the_first_word_of_a_time_service_may_set_the_clock_by_any_step() -> None:
    """A battery clock was months behind, and is now right."""
    trust = Trust(ClockSettings(), is_known=False)
    trust.believes(at(0, says=False))

    assert trust.believes(at(1_000, says=True, offset_ms=NOON + 100 * DAY))


def test_a_leap_is_one_also_for_a_process_that_began_after_it() -> None:
    """The agent was restarted meanwhile."""
    trust = Trust(ClockSettings(), is_known=True, last=at(0, says=True))

    assert not trust.believes(at(1_000, says=True, offset_ms=NOON + 20_000 * DAY))
