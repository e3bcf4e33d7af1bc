"""Counters against the rates they count."""

import numpy as np
import pytest

from analytics.quality.balance import Balance, Verdict

HOUR = 3_600  # cells of a second


def verdicts(counter: np.ndarray, rate: np.ndarray, share: float = 0.05) -> list[Verdict]:
    """What is said of cells of a second, given minute by minute."""
    balance = Balance()
    minutes = range(0, len(counter), 60)
    return [one for i in minutes for one in balance.update(counter[i : i + 60], rate[i : i + 60], 1_000, share)]


def volume(rate: np.ndarray, step: float = 1.0) -> np.ndarray:
    """Of a counter in whole steps, m³, of a rate in m³/h."""
    counted: np.ndarray = 5_000.0 + step * np.floor(np.cumsum(rate) / HOUR / step)
    return counted


@pytest.mark.parametrize(("factor", "agrees"), [(1.0, True), (0.96, True), (1.04, True), (0.9, False), (1.1, False)])
def test_a_counter_may_be_off_by_its_share_and_one_and_a_half_steps(factor: float, agrees: bool) -> None:  # noqa: FBT001
    """Of two meters in a hurry the noise is averaged out; what counts a tenth too little or too much is wrong."""
    rate = np.random.default_rng(3).normal(900.0, 40.0, HOUR)

    found = verdicts(volume(factor * rate), rate)

    assert [one.agrees for one in found] == [agrees]


def test_what_was_counted_in_a_hole_is_held_against_nothing() -> None:
    """An hour without readings, as where the agent stood: the counter went on, and no rate tells by how much."""
    rate = np.full(3 * HOUR, 900.0)
    counter = volume(rate)
    rate[HOUR : 2 * HOUR] = counter[HOUR : 2 * HOUR] = np.nan

    found = verdicts(counter, rate)

    assert len(found) > 1
    assert all(one.agrees for one in found)
    assert sum(one.counted for one in found) < 1_800.0


def test_single_cells_that_are_bad_keep_nothing_from_being_judged() -> None:
    """One of a hundred, of the counter alone and of the rate alone; a wrong counter is found all the same."""
    rate = np.full(HOUR, 900.0)
    for factor, agrees in ((1.0, True), (0.9, False)):
        counter, shown = volume(factor * rate, 0.1), rate.copy()
        counter[50::100], shown[70::100] = np.nan, np.nan

        assert [one.agrees for one in verdicts(counter, shown)] == [agrees]
