"""Half hours of a forecast as the steps of a plan, whatever these last."""

from dataclasses import replace

import numpy as np
import pytest

from agent.jobs.plans.demand import DemandState, Expected
from agent.jobs.plans.steps import Steps, begin_ms, drawn_std, steps_of
from analytics.schedule.storage import Storage
from tests.agent.history import START_MS

MINUTE_MS = 60_000
STORAGE = Storage.of_area(250.0, 1.0, 5.0)
CENTRE = [100.0, 140.0, 200.0, 200.0, 80.0, 120.0]  # m³/h, from START_MS, a whole hour
EXPECTED = Expected(
    made_ms=START_MS,
    start_ms=START_MS,
    method="none",
    centre=CENTRE,
    low=[each - 20.0 for each in CENTRE],
    high=[each + 20.0 for each in CENTRE],
    error=5.0,
    coverage=0.9,
)


def steps(minutes: int, *, now: int = 0, most: int = 96, missed: float = 1.0) -> Steps:
    """Of the forecast, *now* minutes after it begins; forecasts have missed as much as their half widths."""
    kept = DemandState(missed=[[missed, missed]] * 100_000)
    return steps_of(kept, EXPECTED, STORAGE, START_MS + now * MINUTE_MS, minutes * MINUTE_MS, most)


def test_half_hours_are_taken_as_they_are() -> None:
    """One and then two half hours may miss by 20 m³/h: 10 and 20 m³, on 250 m²."""
    found = steps(30)

    assert found.times_ms.tolist() == [START_MS + place * 30 * MINUTE_MS for place in range(6)]
    assert found.demand.tolist() == CENTRE
    assert found.margin == pytest.approx([0.04, 0.08, 0.08, 0.08, 0.08, 0.08], rel=1e-2)


def test_a_quarter_has_the_flow_and_the_margin_of_its_half_hour() -> None:
    """Twenty past is in the second quarter of its half hour: the first is over."""
    found = steps(15, now=20)

    assert begin_ms(START_MS + 20 * MINUTE_MS, 15 * MINUTE_MS) == START_MS + 15 * MINUTE_MS
    assert found.times_ms[:2].tolist() == [START_MS + 15 * MINUTE_MS, START_MS + 30 * MINUTE_MS]
    assert found.demand.tolist() == [100, 140, 140, 200, 200, 200, 200, 80, 80, 120, 120]
    assert found.margin == pytest.approx([0.04] + [0.08] * 10, rel=1e-2)


def test_an_hour_has_the_mean_and_is_kept_further_off_for_what_happens_within() -> None:
    """100 and then 140 m³/h leave the level 10 m³ off the straight line at half past; the hour before minds it too."""
    found = steps(60)

    assert found.demand.tolist() == [120, 200, 100]
    assert found.times_ms.tolist() == [START_MS + place * 60 * MINUTE_MS for place in range(3)]
    assert found.margin == pytest.approx([0.08 + 0.04, 0.08 + 0.04, 0.08 + 0.04], rel=1e-2)
    assert steps(60, missed=0.5).margin[0] == pytest.approx(0.04 + 0.04, rel=1e-2)


def test_an_hour_within_which_nothing_changes_needs_no_more_than_its_half_hours() -> None:
    """Only what is drawn unevenly moves the level off its line."""
    expected = replace(EXPECTED, centre=[150.0] * 6)
    found = steps_of(DemandState(missed=[[1.0, 1.0]] * 100_000), expected, STORAGE, START_MS, 60 * MINUTE_MS, 96)

    assert found.margin == pytest.approx([0.08, 0.08, 0.08], rel=1e-2)


@pytest.mark.parametrize(("minutes", "now", "count"), [(15, 0, 12), (15, 59, 9), (30, 59, 5), (60, 59, 2), (60, 29, 3)])
def test_no_step_reaches_beyond_the_forecast_nor_beyond_what_is_asked(minutes: int, now: int, count: int) -> None:
    """What is left of the forecast in whole steps, from the clock's quarter or half hour on; water is neither lost."""
    found = steps(minutes, now=now)

    first = begin_ms(START_MS + now * MINUTE_MS, minutes * MINUTE_MS)
    assert len(found.demand) == len(found.margin) == count
    assert found.times_ms[0] == first
    drawn = np.repeat(CENTRE, 2)[(first - START_MS) // (15 * MINUTE_MS) :][: count * minutes // 15]
    assert found.demand.sum() * minutes / 60 == pytest.approx(drawn.sum() / 4)
    assert len(steps(minutes, most=2).demand) == 2


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        (15, [12.5, 15.0, 20.0, 25.0, np.nan]),
        (30, [15.0, 25.0, np.nan]),
        (60, [25.0, np.nan]),
    ],
)
def test_what_is_drawn_by_the_end_of_a_step_is_as_sure_as_the_forecast_was_by_then(
    minutes: int, said: list[float]
) -> None:
    """Half an hour after it was made, of three half hours that it has been seen through."""
    expected = replace(EXPECTED, added=[10.0, 15.0, 25.0])

    found = drawn_std(expected, START_MS + 30 * MINUTE_MS, minutes * MINUTE_MS, len(said))

    assert found == pytest.approx(said, nan_ok=True)
    assert np.isnan(drawn_std(EXPECTED, START_MS, minutes * MINUTE_MS, 2)).all()
