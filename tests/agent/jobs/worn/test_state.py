"""What the wear job leaves for itself, where a clock that ran ahead has come back."""

from agent.availability import Availability
from agent.jobs.worn.state import HOUR_MS, restored
from tests.agent.history import START_MS


def test_what_was_looked_at_ahead_of_the_clock_is_forgotten() -> None:
    """It would be doubted for a day that is still to come."""
    kept = restored(None, {"main": ["p1"]})
    for at, known in ((-1, 0.9), (5, 0.1)):
        kept.state.looked[START_MS + at * HOUR_MS] = [
            Availability("flow", HOUR_MS, known, 0.0, 0.0, 1.0 - known, 60_000)
        ]

    kept.forget_ahead(START_MS, START_MS)

    assert list(kept.state.looked) == [START_MS - HOUR_MS]
