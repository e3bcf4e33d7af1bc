"""Sums of what was saved, as the saving job keeps them."""

import json

import pytest

from agent.jobs.receipts.state import MEMORY, MOST_DAYS, Count, Offer, Part, SavingState, Sum
from analytics.dispatch.measured import Tally

DAY_MS = 86_400_000


def part(*spread: float) -> Part:
    """An hour that saved 2 kWh, wrong by so much in each of the stations that could be the true one."""
    return Part(Tally(1.0, 12.0, 10.0, 0.4, list(spread), [0.2 * each for each in spread]))


def test_a_day_adds_what_advices_have_in_common_and_lets_cancel_what_they_have_not() -> None:
    """Money as the energy does."""
    same = Sum(0).plus(part(-3.0, 0.0, 3.0)).plus(part(-3.0, 0.0, 3.0))
    opposed = Sum(0).plus(part(-3.0, 0.0, 3.0)).plus(part(3.0, 0.0, -3.0))

    assert [same.hours, same.baseline_kwh, same.measured_kwh, same.money] == [2.0, 24.0, 20.0, 0.8]
    assert [same.std, same.money_std] == pytest.approx([6.0, 1.2])
    assert [opposed.std, opposed.money_std] == pytest.approx([0.0, 0.0])


def test_a_sum_of_which_only_the_deviation_was_kept_counts_on() -> None:
    """State that an earlier version left: its error is nobody's draw, and it is not forgotten."""
    kept = Sum(0).plus(part(-3.0, 0.0, 3.0))
    state = json.loads(MEMORY.encode(SavingState(total=kept)))
    for name in ("errors", "money_errors"):
        del state["total"][name]
    state["total"]["std"], state["total"]["money_std"] = 4.0, 0.8

    restored = MEMORY.restored(json.dumps(state).encode()).total

    assert restored is not None
    once = restored.plus(part(-3.0, 0.0, 3.0))
    assert [once.hours, once.std, once.money_std] == pytest.approx([2.0, 5.0, 1.0])
    assert once.plus(part(-3.0, 0.0, 3.0)).std == pytest.approx(52.0**0.5)


def test_days_that_are_over_keep_their_deviation_and_not_their_draws() -> None:
    """A month of draws would be written with each run."""
    kept = SavingState()
    count = Count(Offer("a", 0, {}, {}, 0), 0, 0, None)
    for day in range(1, MOST_DAYS + 5):
        count.day_ms, count.day = day * DAY_MS, part(*(float(each) for each in range(-50, 50)))
        kept.close(count)

    assert [day.begin_ms for day in kept.days] == [day * DAY_MS for day in range(5, MOST_DAYS + 5)]
    assert {round(day.std, 3) for day in kept.days} == {29.011}
    assert [bool(day.errors.spread) for day in kept.days[-3:]] == [False, True, True]
    assert len(MEMORY.encode(kept)) < 20_000
