"""What is remembered of commands, by two clocks of which one may jump; and for how long, of how many."""

from agent.mqtt.outcomes import LONGEST_MS, OF_ONE_USER, REFUSED, REMEMBERED, Outcomes

NOON_MS = 1_772_366_400_000  # 2026-03-01T12:00:00Z
AHEAD_MS = 3_565_000_000_000  # in 2082
HOUR = 3_600.0


def one(until_ms: int = NOON_MS + 60_000) -> Outcomes:
    """A command that was done at noon, 100 s after the machine's start."""
    outcomes = Outcomes()
    outcomes.note("c1", None, until_ms, NOON_MS, 100.0)
    return outcomes


def test_an_id_is_forgotten_once_its_command_has_expired() -> None:
    outcomes = one()

    assert outcomes.forget(NOON_MS + 59_999, 159.999) == []
    assert outcomes.forget(NOON_MS + 60_000, 160.0) == ["c1"]
    assert "c1" not in outcomes


def test_a_clock_that_jumps_ahead_and_back_makes_nothing_forgotten_that_is_still_good() -> None:
    outcomes = one()

    assert outcomes.forget(AHEAD_MS, 101.0) == []
    assert "c1" in outcomes


def test_a_clock_that_is_behind_makes_nothing_forgotten_that_will_be_good_once_more() -> None:
    """Set back by an hour, the command is good for an hour longer."""
    outcomes = one()

    assert outcomes.forget(NOON_MS - 3_600_000, 100.0 + HOUR) == []


def test_what_was_taken_before_a_restart_is_known_for_a_day_whatever_the_clock_says_by_then() -> None:
    """How long ago that was, only the wall clock said; and what this process knows better stays as it is."""
    outcomes = one()
    outcomes.recall({"c0": NOON_MS + 1, "c1": NOON_MS + 1}, "before", 100.0)

    assert outcomes.forget(AHEAD_MS, 100.0 + 24 * HOUR - 1) == ["c1"]
    assert outcomes.error("c0") == "before"
    assert outcomes.forget(AHEAD_MS, 100.0 + 24 * HOUR) == ["c0"]


def test_ids_that_are_good_no_more_keep_no_operator_from_acting() -> None:
    """A thousand that a wrong clock has left, or many restarts within a day; those that are good fill it in earnest."""
    outcomes = one()
    outcomes.recall({f"past{number}": NOON_MS for number in range(REMEMBERED)}, "before", 100.0)
    outcomes.recall({f"late{number}": NOON_MS + LONGEST_MS + 1 for number in range(REMEMBERED)}, "before", 100.0)
    was_full = outcomes.is_full("anna")

    assert len(outcomes.forget(NOON_MS, 100.0)) == 2 * REMEMBERED
    assert (was_full, outcomes.is_full("anna"), "c1" in outcomes) == (True, False, True)
    for number in range(REMEMBERED - 1):
        outcomes.note(f"good{number}", None, NOON_MS + LONGEST_MS, NOON_MS, 100.0)
    assert outcomes.forget(NOON_MS, 100.0) == []
    assert outcomes.is_full("anna")


def test_a_program_gone_mad_keeps_no_operator_from_acting() -> None:
    """Whatever it does, until its commands have expired only it is refused."""
    outcomes = Outcomes()
    for number in range(OF_ONE_USER):
        outcomes.note(f"c{number}", None, NOON_MS + LONGEST_MS, NOON_MS, 100.0, user="script")

    assert (outcomes.is_full("script"), outcomes.is_full("anna")) == (True, False)


def test_what_did_nothing_takes_no_place_and_is_answered_again_while_it_is_new() -> None:
    outcomes = one()
    for number in range(REFUSED):
        outcomes.note(f"r{number}", "interrupted", NOON_MS + LONGEST_MS, NOON_MS, 100.0, user="anna")
        outcomes.refuse(f"r{number}", "there is no such alarm")

    assert not outcomes.is_full("anna")
    assert outcomes.error("r0") == "there is no such alarm"
    outcomes.note("one more", "interrupted", NOON_MS + LONGEST_MS, NOON_MS, 100.0, user="anna")
    outcomes.refuse("one more", "there is no such alarm")
    assert ("r0" in outcomes, "r1" in outcomes, "c1" in outcomes) == (False, True, True)


def test_a_refused_id_may_be_used_again_once_its_command_has_expired() -> None:
    """A panel that counts its commands from one each day is not refused for ever; by both clocks, as any other."""
    outcomes = one()
    outcomes.refuse("c1", "there is no such alarm")

    assert (outcomes.forget(AHEAD_MS, 159.9), "c1" in outcomes) == ([], True)
    assert (outcomes.forget(NOON_MS + 59_999, 160.0), "c1" in outcomes) == ([], True)
    assert outcomes.forget(NOON_MS + 60_000, 160.0) == []  # the disk does not know it any more
    assert "c1" not in outcomes
