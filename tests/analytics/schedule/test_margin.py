"""How far a plan keeps from the limits of a level."""

import numpy as np
import pytest

from analytics.schedule.margin import PRIOR, factors, level_margin, scores
from analytics.schedule.storage import Storage

TANK = Storage.of_area(100.0, 1.0, 5.0)


def test_a_wider_forecast_keeps_further_from_the_limits() -> None:
    """Errors add up from step to step, until another plan has made them good; 40 m³/h for two hours are 0.8 m."""
    low, high = np.full(8, 160.0), np.full(8, 240.0)

    found = level_margin(low, high, 0.5, TANK)

    assert found == pytest.approx([0.2, 0.4, 0.6, 0.8, 0.8, 0.8, 0.8, 0.8])
    assert level_margin(np.full(8, 190.0), np.full(8, 210.0), 0.5, TANK) == pytest.approx(found / 4)


def test_a_margin_leaves_most_of_the_band() -> None:
    """A forecast that knows nothing must not leave a level no room."""
    assert level_margin(np.zeros(4), np.full(4, 1_000.0), 1.0, TANK).max() == pytest.approx(0.8)


def test_a_margin_is_of_the_volume_that_is_there() -> None:
    """Where a tank is wide the same error moves its level less."""
    wide = Storage(np.array([1.0, 5.0]), np.array([0.0, 4_000.0]), 1.0, 5.0)

    assert level_margin(np.full(2, 160.0), np.full(2, 240.0), 1.0, wide) == pytest.approx([0.04, 0.08])


def test_a_margin_is_learnt_from_what_forecasts_missed() -> None:
    """Forecasts that were twice as wrong as they said keep plans further off the limits; good ones let them nearer."""
    rng = np.random.default_rng(0)
    low, high = np.full(4, 180.0), np.full(4, 220.0)
    wrong, good = (
        np.array([scores(low + 20, low, high, 200 + rng.uniform(-1, 1) * missed) for _ in range(2_000)])
        for missed in (np.full(4, 40.0), np.full(4, 10.0))
    )

    far, near = (level_margin(low, high, 0.5, TANK, factors(each)) for each in (wrong, good))

    assert far == pytest.approx(0.4 * np.array([0.5, 1.0, 1.5, 2.0]), rel=0.1)  # 40 m³/h of 100 m² in half hours
    assert near == pytest.approx(far * 0.4, rel=0.2)
    assert (near < level_margin(low, high, 0.5, TANK, factors(np.empty((0, 4))))).all()


def test_errors_that_follow_each_other_add_up_and_others_do_not() -> None:
    """40 m³/h too much, then as much too little: after an hour the tank is where it was planned to be."""
    low, high = np.full(2, 180.0), np.full(2, 220.0)

    assert scores(low + 20, low, high, np.array([240.0, 160.0])) == pytest.approx([2.0, 0.0])
    assert scores(low + 20, low, high, np.array([240.0, 240.0])) == pytest.approx([2.0, 2.0])


def test_what_a_margin_learns_is_kept_off_excursions() -> None:
    """Levels of days to come, of errors with a memory: of a thousand one in a hundred or less is beyond."""
    rng = np.random.default_rng(1)
    low, high = np.full(2, 185.0), np.full(2, 215.0)  # narrower than what will come: 5 % are beyond 25
    came = 200 + 15 * (rng.normal(size=(2_000, 1)) + 0.3 * rng.normal(size=(2_000, 2)))
    past = np.array([scores(low + 15, low, high, one) for one in came[:1_000]])

    margin = level_margin(low, high, 0.5, TANK, factors(past))

    too_low = np.cumsum(came[1_000:] - 200, axis=1) * 0.5 / 100 > margin
    assert too_low.any(axis=1).mean() <= 0.01


def test_a_day_that_meets_its_limits_thrice_is_beyond_them_less_than_once_in_a_hundred_days() -> None:
    """Limits are met at the hours of most and least demand, where forecasts may miss by a tenth more than they say."""
    rng = np.random.default_rng(2)
    low, high = np.full(1, 200 - 1.645 * 10), np.full(1, 200 + 1.645 * 10)
    past = np.array([scores(np.full(1, 200.0), low, high, 200 + 10 * rng.normal(size=1)) for _ in range(1_344)])
    margin = level_margin(low, high, 0.5, TANK, factors(past))

    too_low = 1.1 * 10 * rng.normal(size=(20_000, 3)) * 0.5 / 100 > margin

    assert too_low.any(axis=1).mean() < 0.01


@pytest.mark.parametrize("missed", [[[50.0, 50.0]] * 1_000, [[0.0, 0.0]] * 1_000, [[np.nan, np.nan]], [[9.0, 0.1]]])
def test_one_strange_day_neither_takes_the_storage_away_nor_the_margin(missed: list[list[float]]) -> None:
    """What is learnt is bounded, and what is not known, or known once, leaves the prior about as it was."""
    found = factors(np.array(missed))

    assert ((found >= 0.5) & (found <= 3.0)).all()
    if len(missed) == 1:
        assert found == pytest.approx([PRIOR, PRIOR], rel=0.05)
