"""Long gaps by quarters of an hour: when they are asked, and what they leave as others have said it."""

from dataclasses import dataclass

import numpy as np
import pytest

from analytics.gaps.daily import CYCLE, Daily, Quarters
from analytics.gaps.gap import Estimate, Floats, Gap, Window
from tests.analytics.gaps.series import with_gap

PER = 15  # readings of a quarter of an hour
DAYS = 10
PEAK = (DAYS - 1) * CYCLE * PER + 600


@dataclass(frozen=True, slots=True)
class Said:
    """A method that says the same of every gap."""

    method: str
    value: float
    std: float

    def fill(self, gap: Gap) -> Estimate:
        """That."""
        return Estimate(np.full(len(gap), self.value), np.full(len(gap), self.std), self.method)


def town(seed: int = 1) -> Floats:
    """A reading a minute: a peak each day at the same time, and noise of 0.5."""
    place = np.arange(DAYS * CYCLE * PER) % (CYCLE * PER)
    noise = np.random.default_rng(seed).normal(0.0, 0.5, len(place))
    return np.asarray(20.0 + 10.0 * np.exp(-0.5 * ((place - 600) / 60.0) ** 2) + noise, np.float64)


def filled(gap: Gap, otherwise: Said, past: int = 1_800) -> tuple[Estimate, Floats]:
    """What is put into *gap* of the town, counted from its beginning, and the truth without noise."""
    values = with_gap(town(), gap)
    quarters = values[: (gap.end // PER + 1) * PER].reshape(-1, PER)
    means = np.append(quarters.mean(axis=1), [np.nan, np.nan])
    part = slice(gap.begin - past, gap.end + 5)
    daily = Daily(Window(values[part]), Quarters(means, np.arange(len(values))[part] / PER), otherwise)
    truth = 20.0 + 10.0 * np.exp(-0.5 * ((np.arange(gap.begin, gap.end) - PEAK) / 60.0) ** 2)
    return daily.fill(Gap(past, past + len(gap))), truth


@pytest.mark.parametrize(("past", "std"), [(1_800, 5.0), (1_800, 0.3), (120, 0.3)])
def test_other_days_are_believed_where_nobody_else_tells(past: int, std: float) -> None:
    """Whatever a window says of itself that is too short for such gaps, or has seen no peak."""
    found, truth = filled(Gap(PEAK - 60, PEAK + 60), Said("linear+level", 26.0, std), past)

    assert "seasonal" in found.method
    assert np.abs(found.values - truth).mean() < 0.2
    assert 0.3 < found.std.mean() < 1.5


def test_a_window_too_short_for_a_gap_does_not_judge_it() -> None:
    """However sure two hours before a gap of two hours are of it."""
    found, _ = filled(Gap(PEAK + 360, PEAK + 480), Said("kriging", 20.0, 0.3), past=240)

    assert found.method != "kriging"
    assert found.std.mean() > 0.4


@pytest.mark.parametrize(
    ("gap", "otherwise"),
    [
        (Gap(PEAK - 10, PEAK + 10), Said("linear", 26.0, 5.0)),
        (Gap(PEAK - 60, PEAK + 60), Said("correlated", 26.0, 0.3)),
        (Gap(PEAK - 700, PEAK - 640), Said("linear", 20.0, 0.3)),
    ],
)
def test_what_was_said_stands_in_short_gaps_and_where_it_is_surer(gap: Gap, otherwise: Said) -> None:
    """Companions see what this day is like; nor does a line that fits give way to days that say the same."""
    found, _ = filled(gap, otherwise)

    assert found.method == otherwise.method
    assert found.values.tolist() == [otherwise.value] * len(gap)


def test_what_a_counter_has_counted_stays() -> None:
    """Days give the shape, and the counter the sum."""
    found, truth = filled(Gap(PEAK - 60, PEAK + 60), Said("linear+totaliser", 28.0, 5.0))

    assert found.method.endswith("+totaliser")
    assert found.values.sum() == pytest.approx(28.0 * 120)
    assert np.corrcoef(found.values, truth)[0, 1] > 0.95


def test_a_past_of_a_day_tells_nothing() -> None:
    """One day is not alike to any."""
    gap = Gap(CYCLE * PER + 540, CYCLE * PER + 660)

    assert filled(gap, Said("linear", 26.0, 5.0), past=1_500)[0].method == "linear"


def test_two_weeks_are_looked_at_and_no_more() -> None:
    """Towns change: the day two weeks ago has a say, the day before it none, whatever it was."""
    day = 20.0 + 10.0 * np.exp(-0.5 * ((np.arange(CYCLE) - 40) / 4.0) ** 2)
    means = np.tile(day, 20) + np.random.default_rng(1).normal(0.0, 0.5, 20 * CYCLE)
    first = 18 * CYCLE + 38
    places = np.arange((first - 16) * PER, (first + 6) * PER) / PER
    gap = Gap(16 * PER, 20 * PER)
    readings = with_gap(np.interp(places, np.arange(len(means)), means), gap)
    means[first : first + 4] = np.nan

    def said(changed: slice) -> Floats:
        quarters = means.copy()
        quarters[changed] += 30.0
        return Daily(Window(readings), Quarters(quarters, places), Said("linear", 26.0, 5.0)).fill(gap).values

    earliest, usual = first - 14 * CYCLE, said(slice(0, 0))
    assert np.isfinite(usual).all()
    assert (said(slice(0, earliest)) == usual).all()
    assert (said(slice(earliest, earliest + 4)) != usual).any()
