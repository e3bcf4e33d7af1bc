"""What locks a pump now, and in which order the reasons count."""

import pytest

from analytics.dispatch.limits import History, Limits, hold

NOW_MS = 1_740_679_200_000
MINUTE_MS = 60_000
STANDS = History(is_running=False, since_ms=NOW_MS - 60 * MINUTE_MS)


def test_a_pump_that_must_run_is_locked_on_whether_it_runs_or_stands() -> None:
    """The site's own wish, with its reason."""
    wanted = Limits("a", must_run=True)

    for history in (STANDS, History(is_running=True, since_ms=NOW_MS - 60 * MINUTE_MS)):
        assert hold(wanted, history, NOW_MS) == ("must run", "a must run: the site wants it on")


@pytest.mark.parametrize(
    ("limits", "history", "why"),
    [
        (Limits("a", must_run=True, is_available=False), STANDS, "not available"),
        (Limits("a", must_run=True, alarm="a runs dry"), STANDS, "its alarm stands (a runs dry)"),
        (
            Limits("a", must_run=True, min_off_ms=10 * MINUTE_MS),
            History(is_running=False, since_ms=NOW_MS - 2 * MINUTE_MS),
            "rests at least 10 min",
        ),
        (
            Limits("a", must_run=True, starts_per_hour=1),
            History(is_running=False, start_times_ms=(NOW_MS - 30 * MINUTE_MS,)),
            "started 1 times in the last hour",
        ),
    ],
)
def test_what_protects_a_pump_goes_before_the_wish_that_it_runs(limits: Limits, history: History, why: str) -> None:
    """A wish must not start a pump that may not be started."""
    found = hold(limits, history, NOW_MS)

    assert found.lock == "must not run"
    assert found.why is not None
    assert why in found.why


def test_an_alarm_locks_no_pump_that_runs() -> None:
    """Stopping it is for the operator to decide; advice about it is withheld elsewhere."""
    running = History(is_running=True, since_ms=NOW_MS - 60 * MINUTE_MS)

    assert hold(Limits("a", alarm="a runs hot"), running, NOW_MS).lock == "free"


def test_half_a_start_an_hour_is_one_in_two_hours() -> None:
    """Not none at all: counted by the hour, such a pump could never be started again."""
    rare = Limits("a", starts_per_hour=0.5)

    def lock(minutes: int) -> str:
        return hold(rare, History(is_running=False, start_times_ms=(NOW_MS - minutes * MINUTE_MS,)), NOW_MS).lock

    assert [lock(90), lock(121)] == ["must not run", "free"]
    assert hold(rare, STANDS, NOW_MS).lock == "free"
