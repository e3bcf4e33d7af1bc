"""What a day has more than others, told from its being late."""

import numpy as np
import pytest

from analytics.conditions.today import Today

MINUTE = 1.0 / 60.0  # h


def rises(hours: int) -> list[float]:
    """Shares an hour, each minute: up within two hours, a peak of one, and down within three."""
    return (hours * 60 // 360) * [*[0.35] * 120, *[0.0] * 60, *[-0.2] * 180]


@pytest.mark.parametrize(("level", "late"), [(0.05, 0.4), (-0.03, -0.3), (0.08, 0.0), (0.0, 0.4)])
def test_level_and_lateness_are_told_apart(level: float, late: float) -> None:
    """Of a noisy day: alone, either would take the share of the other."""
    rng, today = np.random.default_rng(1), Today()
    for steep in rises(12):
        today.learn(level - late * steep + rng.normal(0.0, 0.02), steep, MINUTE)

    assert today.level == pytest.approx(level, abs=0.02)
    assert today.late == pytest.approx(late, abs=0.06)


def test_what_stays_while_others_rise_and_fall_is_no_lateness() -> None:
    """A burst is more on either side of the peak."""
    today = Today()
    for place, steep in enumerate(rises(6)):
        today.learn(0.15 * (place > 60), steep, MINUTE)

    assert today.level > 0.08
    assert abs(today.late) < 0.15


def test_nobody_is_late_while_others_neither_rise_nor_fall() -> None:
    """More at night is more; a little that they wander tells nothing."""
    rng, today = np.random.default_rng(2), Today()
    for _ in range(1_200):
        today.learn(0.1, rng.normal(0.0, 0.005), MINUTE)

    assert today.level == pytest.approx(0.1, abs=0.01)
    assert today.late == pytest.approx(0.0, abs=0.05)


def test_lateness_is_over_by_the_next_morning() -> None:
    """People are late on a day; the level goes on."""
    today = Today(level=0.05)
    for steep in rises(6):
        today.learn(0.05 - 0.5 * steep, steep, MINUTE)
    was = today.late
    for _ in range(18 * 60):
        today.learn(0.05, 0.0, MINUTE)

    assert was == pytest.approx(0.5, abs=0.1)
    assert today.late == pytest.approx(0.0, abs=0.1)
    assert today.level == pytest.approx(0.05, abs=0.01)


def test_nobody_is_late_by_more_than_an_hour() -> None:
    """What looks like two is no such day: a holiday is another kind, and summer time moves the clocks."""
    today = Today()
    for steep in rises(6):
        today.learn(-2.0 * steep, steep, MINUTE)

    assert today.late == 1.0
