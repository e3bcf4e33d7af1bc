"""What the wear job leaves for itself, where a clock that ran ahead has come back."""

import numpy as np

from agent.availability import Availability
from agent.jobs.worn.state import HOUR_MS, HeaderState, restored
from analytics.wear.losses import Belief
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


def test_a_belief_that_says_nothing_is_not_kept_and_one_that_was_is_forgotten() -> None:
    """Every later day would be as unknown."""
    state, first = HeaderState(["p1"]), Belief.first(1)
    unknown = Belief(np.full(2, np.nan), first.covariance)

    state.believe(first.after(1.0))
    for _ in range(3):
        state.believe(unknown)
        state.count_first(unknown)

    assert np.array_equal(state.belief.covariance, first.after(1.0).covariance)
    assert state.first_days is None
    state.mean = [np.nan, np.nan]
    assert np.array_equal(state.belief.mean, first.mean)
