"""How far a plan keeps from the limits of a level."""

import numpy as np
import pytest

from analytics.schedule.margin import level_margin
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
