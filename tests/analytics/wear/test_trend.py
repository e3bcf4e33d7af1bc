"""Lines through days, steps, and when a limit is reached."""

import numpy as np
import pytest

from analytics.wear.trend import line, reach, step

DAYS = np.arange(30.0) - 29.0


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.0, 0.0015, len(DAYS))


def test_a_ramp_is_followed_through_outliers() -> None:
    """A least-squares line would be off by 0.3 points."""
    for seed in range(10):
        values = 0.0033 * (DAYS + 29.0) + noise(seed)
        values[[3, 28]] += 0.08

        found = line(DAYS, values)

        assert found is not None
        assert 100.0 * found.level == pytest.approx(9.57, abs=0.3)
        assert found.slope == pytest.approx(0.0033, abs=4.0 * found.slope_std)


def test_its_uncertainty_covers_the_truth_where_days_go_together() -> None:
    """90 % intervals of slopes of days with an autocorrelation of 0.5; without it they would cover two thirds."""
    inside = 0
    for seed in range(200):
        rng, values = np.random.default_rng(seed), np.zeros(30)
        for place in range(1, 30):
            values[place] = 0.5 * values[place - 1] + rng.normal(0.0, 0.001)
        found = line(DAYS, values)
        assert found is not None
        inside += abs(found.slope) < 1.645 * found.slope_std

    assert 0.75 < inside / 200 < 0.97


@pytest.mark.parametrize("size", [0.05, -0.05])
def test_a_step_is_told_with_its_day_and_size(size: float) -> None:
    """Half of its first day had it already."""
    for seed in range(10):
        values = np.where(DAYS > -10.0, size, 0.0) + noise(seed)
        values[19] += 0.5 * size

        found = step(DAYS, values, 0.01)

        assert found is not None
        assert found.day in {-10.0, -9.0}
        assert found.size == pytest.approx(size, abs=0.004)


@pytest.mark.parametrize("begin", [-30.0, -15.0, -5.0])
def test_wear_is_no_step_however_it_begins(begin: float) -> None:
    """A line, a bend in the middle, a bend at the end."""
    for seed in range(10):
        assert step(DAYS, 0.0033 * np.maximum(DAYS - begin, 0.0) + noise(seed), 0.01) is None


def test_a_limit_is_foreseen_with_its_interval() -> None:
    """4.5 % are left at 0.5 % a day."""
    found = line(DAYS, 0.1 + 0.005 * DAYS + noise(1))

    assert found is not None
    when = reach(found, 0.145)
    assert when is not None
    assert when.latest is not None
    assert when.earliest < when.days < when.latest
    assert when.days == pytest.approx(9.0, abs=0.6)


def test_what_does_not_surely_rise_reaches_nothing() -> None:
    flat = line(DAYS, noise(2))

    assert flat is not None
    assert reach(flat, 0.1) is None


def test_few_days_make_no_line() -> None:
    assert line(np.arange(4.0), np.arange(4.0)) is None
