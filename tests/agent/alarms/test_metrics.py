"""Figures of the alarms themselves, at the bounds where a wrong formula would differ."""

import pytest

from agent.alarms.metrics import DAY_MS, MINUTE_MS, Metrics, stale, standing
from agent.alarms.state import AlarmState, Happening

RAISED = AlarmState().after(Happening("raised", 0))
CLEARED = RAISED.after(Happening("cleared", 1))
SHELVED = RAISED.after(Happening("shelved", 0, user="ada", until_ms=DAY_MS))


def raised(metrics: Metrics, *times_ms: int, name: str = "a") -> Metrics:
    for at_ms in times_ms:
        metrics.see(name, "raised", RAISED, at_ms)
    return metrics


def test_the_rate_is_what_ten_minutes_brought() -> None:
    metrics = raised(Metrics(0), 0, 60_000, 599_999)

    assert [metrics.rate(at_ms) for at_ms in (599_999, 600_000, 660_000, 1_199_998, 1_199_999)] == [3, 2, 1, 1, 0]
    assert metrics.maximum_alarm_rate == 3


def test_a_flood_begins_above_ten_and_ends_below_five() -> None:
    """In between it goes on: a flood that ebbs is still one."""
    metrics = Metrics(0)
    seen = []
    for number in range(11):
        raised(metrics, 1_000 * number, name=f"a{number}")
        seen.append(metrics.is_flood)
    ebb = []
    for at_ms in (600_000, 605_999, 606_000, 607_000):
        metrics.wait(at_ms)
        ebb.append((metrics.rate(at_ms), metrics.is_flood))

    assert seen == [False] * 10 + [True]
    assert ebb == [(10, True), (5, True), (4, False), (3, False)]


def test_three_transitions_in_a_minute_chatter_and_in_more_do_not() -> None:
    slow, fast = Metrics(0), Metrics(0)
    for metrics, last_ms in ((slow, 60_001), (fast, 60_000)):
        metrics.see("a", "raised", RAISED, 0)
        metrics.see("a", "cleared", CLEARED, 30_000)
        metrics.see("a", "raised", RAISED, last_ms)

    fast.wait(60_000 + 10 * MINUTE_MS)
    remembered = fast.chattering()
    fast.wait(60_001 + 10 * MINUTE_MS)

    assert (slow.chattering(), remembered, fast.chattering()) == ([], ["a"], [])


def test_a_latched_alarm_that_was_acknowledged_chatters_too() -> None:
    """Each time it goes it stays shown, as latched and seen; that is one of its transitions all the same."""
    latched = AlarmState().after(Happening("raised", 0, is_latching=True))
    gone = latched.after(Happening("acknowledged", 1, user="ada", occurrence=1)).after(Happening("cleared", 2))
    metrics = Metrics(0)
    metrics.see("a", "raised", latched, 0)
    metrics.see("a", "cleared", gone, 10_000)
    metrics.see("a", "raised", latched, 20_000)

    assert gone.state == "LATCHED_ACKED"
    assert metrics.chattering() == ["a"]


@pytest.mark.parametrize("state", [RAISED, SHELVED])
def test_an_alarm_that_chatters_is_restless_for_a_minute_hidden_or_not(state: AlarmState) -> None:
    """Nobody waits for it, so it makes no transaction of its own; after a quiet minute it does again."""
    metrics = Metrics(0)
    said = []
    for number in range(3):
        metrics.see("a", "raised", state, 1_000 * number)
        said.append(metrics.is_restless("a", 1_000 * number))

    later = [metrics.is_restless("a", 2_000 + after_ms) for after_ms in (MINUTE_MS, MINUTE_MS + 1)]

    assert (said, later, metrics.is_restless("b", 2_000)) == ([False, False, True], [True, False], False)


def test_only_hasty_changes_of_an_alarm_that_chatters_are_noise() -> None:
    """Polled each second, an alarm that comes and goes is said at once each time; ten times a second it is not."""
    metrics = Metrics(0)
    for number in range(2):
        metrics.see("a", "raised", RAISED, 100 * number)
    before = metrics.is_noise("a", 200)
    metrics.see("a", "raised", RAISED, 200)

    noise = [metrics.is_noise("a", 200 + after_ms) for after_ms in (0, 499, 500, 1_000)]

    assert (before, noise, metrics.is_noise("b", 300)) == (False, [True, True, False, False], False)


def test_what_no_operator_sees_does_not_count() -> None:
    """A shelved alarm that comes and goes all day rings no bell."""
    metrics = Metrics(0)
    for number in range(20):
        metrics.see("a", "raised", SHELVED, 1_000 * number)

    assert (metrics.rate(20_000), metrics.raised, metrics.chattering(), metrics.top()) == (0, 0, [], [])


def test_the_top_ten_are_those_of_a_day() -> None:
    metrics = Metrics(0)
    for number in range(12):
        raised(metrics, *range(number + 1), name=f"a{number:02}")
    raised(metrics, DAY_MS, name="late")

    whole = metrics.top()
    metrics.wait(DAY_MS + 12)

    assert whole[0] == ("a11", 12)
    assert len(whole) == 10
    assert metrics.maximum_realarm_count() == 0
    assert metrics.top() == [("late", 1)]


def test_the_longest_active_and_unseen_times_count_those_that_last() -> None:
    metrics = raised(Metrics(0), 1_000)
    metrics.see("a", "acknowledged", RAISED.after(Happening("acknowledged", 5, user="x", occurrence=1)), 5_000)
    metrics.wait(9_000)

    assert metrics.maximum_active_ms == 8_000
    assert metrics.maximum_unack_ms == 4_000


def test_the_average_rate_is_that_of_ten_minutes() -> None:
    metrics = raised(Metrics(0), *range(6))

    assert [metrics.average_rate(at_ms) for at_ms in (60_000, 600_000, 3_600_000)] == [6.0, 6.0, 1.0]


def test_an_alarm_of_more_than_a_day_is_stale_unless_it_is_hidden() -> None:
    states = {"old": RAISED, "hidden": SHELVED, "over": CLEARED}

    assert standing(states) == ["old"]
    assert (stale(states, DAY_MS), stale(states, DAY_MS + 1)) == ([], ["old"])
