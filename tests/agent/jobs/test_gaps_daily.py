"""The gaps job where a gap is long and days are alike: whatever the period of the tag, other days tell of it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.jobs import gaps, rollup
from agent.store.records import Filled
from tests.agent.history import START_MS, History, history

DAY_S = 86_400
DAYS = 6
PEAK_S = 3 * 3_600  # after START_MS, each day


def flow(seconds: np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """A town that draws most at one time of the day, l/s, in no day quite as much as in another."""
    day = (seconds + DAY_S // 2) // DAY_S
    apart = seconds - day * DAY_S - PEAK_S
    noise = np.random.default_rng(len(seconds)).normal(0.0, 0.2, len(seconds))
    found: np.ndarray[Any, np.dtype[np.float64]] = 20.0 + 0.5 * np.sin(day * 2.4) + noise
    found += 10.0 * np.exp(-0.5 * (apart / 1_800.0) ** 2)
    return found


def kept(past: History, period: int, gap: tuple[int, int]) -> None:
    """Days of imported minutes and, from two hours before the last peak, live readings but in *gap*, s from it."""
    peak = (DAYS - 1) * DAY_S + PEAK_S
    begin = peak - 7_200
    past.series("x", flow(np.arange(0, begin, 60)), step_ms=60_000, imported=True)
    past.perform("gaps", gaps.run, START_MS + 1_000 * begin)
    past.perform("rollup", rollup.run, START_MS + 1_000 * begin)
    live = np.arange(begin, peak + gap[1] + 5 * period, period)
    is_lost = (live > peak + gap[0]) & (live < peak + gap[1])
    values = np.where(is_lost, np.nan, flow(live))
    past.series("x", values, start_ms=START_MS + 1_000 * begin, step_ms=1_000 * period)
    past.perform("gaps", gaps.run, START_MS + 1_000 * int(live[-1]))


def filled(past: History) -> tuple[list[Filled], np.ndarray[Any, Any]]:
    """What was put into the gap, and the truth but for a reading's noise."""
    with past.reader() as reader:
        peak_ms = START_MS + 1_000 * ((DAYS - 1) * DAY_S + PEAK_S)
        found = reader.filled(["x"], peak_ms - 3_600_000, peak_ms + 3_600_000)
    apart = np.array([(one.ts_ms - peak_ms) / 1_000 for one in found])
    return found, 20.0 + 0.5 * np.sin((DAYS - 1) * 2.4) + 10.0 * np.exp(-0.5 * (apart / 1_800.0) ** 2)


@pytest.mark.parametrize("period", [1, 10, 60])
def test_a_long_gap_at_the_hour_of_the_peak_is_told_by_other_days(tmp_path: Path, period: int) -> None:
    """A line over these 56 minutes would miss 2.3 l/s; half an hour of seconds has never seen one."""
    with history(tmp_path, {"x": {"unit": "l/s", "fill": "auto", "period": period}}) as past:
        kept(past, period, (-1_680, 1_680))
        found, truth = filled(past)

    errors = np.abs(np.array([one.value for one in found]) - truth)
    assert len(found) == len(range(-1_680 + period, 1_680, period))
    assert {one.method for one in found} & {"seasonal", "kriging+seasonal", "linear+seasonal", "level+seasonal"}
    assert errors.mean() < 0.7
    assert np.mean(errors <= 1.645 * np.array([one.std for one in found])) > 0.8
    assert found[0].std < 2.0


def test_a_tag_of_a_minute_asks_yesterday_for_short_gaps_too(tmp_path: Path) -> None:
    """Its window of 3,000 minutes holds two days; a line would miss 1 l/s at the peak."""
    with history(tmp_path, {"x": {"unit": "l/s", "fill": "auto", "period": 60}}) as past:
        kept(past, 60, (-840, 840))
        found, truth = filled(past)

    assert "seasonal" in found[0].method
    assert np.abs(np.array([one.value for one in found]) - truth).mean() < 0.8
