"""How long a tag rests before it is called frozen."""

from math import inf

import pytest

from analytics.quality.usual import Rests

SECOND_MS = 1_000
DAY = 86_400  # readings


def rested(readings: int, every: int) -> float:
    """The limit, s, of a tag read each second that has moved at one reading in *every*."""
    rests = Rests()
    rests.update(readings, readings // every, every * SECOND_MS)
    return rests.limit_ms(SECOND_MS) / SECOND_MS


@pytest.mark.parametrize(
    ("readings", "every", "limit"),
    [(600, 1, 60.0), (600, 4, 80.0), (3_600, 10, inf), (DAY - 1, 10, inf), (DAY, 10, 200.0)],
)
def test_a_tag_with_coarse_steps_is_known_after_a_day(readings: int, every: int, limit: float) -> None:
    """In the quiet of its first night it rests far longer than in the ten minutes before, and is not broken."""
    assert rested(readings, every) == pytest.approx(limit, rel=1e-3)
