"""Forecasts of a simulated town: which method, how far off, and whether the quantiles are what they say."""

from functools import cache

import numpy as np
import pytest

from analytics.forecast import boosted, harmonic, naive, smoothing
from analytics.forecast.drift import Drift, scales
from analytics.forecast.forecast import LEVELS, Forecast, NoForecast, forecast
from analytics.forecast.harmonic import Harmonic
from analytics.forecast.naive import Naive
from analytics.forecast.series import DAY_MS, Calendar, Series
from analytics.forecast.smoothing import Smoothing
from tests.analytics.forecast.towns import demand, series

PER_DAY = 48


@cache
def two_days(seed: int, days: int) -> tuple[Forecast | NoForecast, np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
    """The forecast at the end of *days*, and what came."""
    values, calendar = demand(seed, days + 3)
    end = days * PER_DAY + 17 * (seed % 5)
    ahead = Calendar(calendar.local_ms[end : end + 2 * PER_DAY])
    return forecast(series(values, calendar, end), ahead), values[end : end + 2 * PER_DAY]


def test_ninety_percent_of_what_comes_lies_in_the_ninety_percent_interval() -> None:
    """Counted over 60 towns, each with weather of its own that lasts for days."""
    inside = []
    for seed in range(60):
        found, came = two_days(seed, 24)
        assert isinstance(found, Forecast)
        inside.append(((came >= found.quantiles[0]) & (came <= found.quantiles[-1])).mean())

    assert 0.85 < np.mean(inside) < 0.96


@pytest.mark.parametrize("steps", [1, 16, 48, 72])
def test_what_is_drawn_in_all_is_as_sure_as_is_said(steps: int) -> None:
    """A tank adds up what is missed: neither noise that cancels nor weather that lasts for days says how much."""
    off = []
    for seed in range(60):
        found, came = two_days(seed, 24)
        assert isinstance(found, Forecast)
        off.append((came - found.centre)[:steps].sum() / found.added[steps - 1])

    assert 0.7 < np.sqrt(np.mean(np.square(off))) < 1.3


def test_a_forecast_is_nearer_than_last_week() -> None:
    """What it is for: over towns, clearly better than repeating the week before."""
    own, repeated = [], []
    for seed in range(12):
        found, came = two_days(seed, 20)
        assert isinstance(found, Forecast)
        values, calendar = demand(seed, 23)
        end = 20 * PER_DAY + 17 * (seed % 5)
        past = series(values, calendar, end)
        ahead = Calendar(calendar.local_ms[end : end + 2 * PER_DAY])
        own.append(np.abs(came - found.centre).mean())
        repeated.append(np.abs(came - Naive.fitted(past).outlook(past, ahead).centre).mean())

    assert np.mean(own) < 0.93 * np.mean(repeated)


def test_every_method_is_tried_where_there_is_enough_history_and_the_errors_are_told() -> None:
    """Five weeks know enough for trees too; the choice is by what was missed and can be looked up."""
    found, _ = two_days(1, 35)

    assert isinstance(found, Forecast)
    assert set(found.errors) == {naive.NAME, harmonic.NAME, smoothing.NAME, boosted.NAME}
    assert found.error == found.errors[found.method]
    assert found.error <= min(found.errors.values()) / 0.97
    assert (np.diff(found.quantiles, axis=0) >= 0).all()
    assert found.levels == LEVELS


def test_trees_learn_what_a_formula_does_not() -> None:
    """A pool that is filled on Wednesdays at night: no harmonic of the day, no weekend."""
    values, calendar = demand(3, 45)
    values = 400 + 5 * np.random.default_rng(0).normal(size=len(values))
    filled = (calendar.weekday == 2) & (calendar.day_share < 0.25)
    values = values + np.where(filled, 300.0 * (1 + 0.1 * np.sin(np.arange(len(values)))), 0.0)
    end = 43 * PER_DAY

    found = forecast(series(values, calendar, end), Calendar(calendar.local_ms[end : end + PER_DAY]))

    assert isinstance(found, Forecast)
    assert found.errors[boosted.NAME] < 0.5 * found.errors[harmonic.NAME]


def test_smoothing_follows_what_harmonics_and_last_week_do_not() -> None:
    """Sprinklers by a clock have corners that five harmonics round off, and noise that last week doubles."""
    missed: dict[str, list[float]] = {naive.NAME: [], harmonic.NAME: [], smoothing.NAME: []}
    for seed in range(6):
        values, calendar = demand(seed, 31)
        hours, end = 24 * calendar.day_share, 28 * PER_DAY + 17 * seed
        values = values + np.where((hours >= 22) & (hours < 23.5), 250.0, 0.0) + np.where(hours // 1 == 4, 200.0, 0.0)
        past, ahead = series(values, calendar, end), Calendar(calendar.local_ms[end : end + 2 * PER_DAY])
        for name, model in ((naive.NAME, Naive), (harmonic.NAME, Harmonic), (smoothing.NAME, Smoothing)):
            centre = model.fitted(past).outlook(past, ahead).centre
            missed[name].append(float(np.abs(values[end : end + 2 * PER_DAY] - centre).mean()))

    assert np.mean(missed[smoothing.NAME]) < 0.75 * np.mean(missed[harmonic.NAME])
    assert np.mean(missed[smoothing.NAME]) < 0.8 * np.mean(missed[naive.NAME])


def test_smoothing_goes_by_the_local_clock_when_clocks_are_changed() -> None:
    """People get up by the clock on the wall; a season counted in steps would be an hour late from then on."""
    values, calendar = demand(2, 31)
    change = 24 * PER_DAY
    local_ms = calendar.local_ms.copy()
    local_ms[change:] += DAY_MS // 24
    values[change:-2] = values[change + 2 :]
    end = change + PER_DAY
    past = Series(values[:end], Calendar(local_ms[:end]), DAY_MS // PER_DAY)
    ahead = slice(end, end + PER_DAY)

    by_clock = Smoothing.fitted(past).outlook(past, Calendar(local_ms[ahead])).centre
    by_steps = series(values, calendar, end)
    late = Smoothing.fitted(by_steps).outlook(by_steps, Calendar(calendar.local_ms[ahead])).centre

    assert np.abs(values[ahead] - by_clock).mean() < 0.75 * np.abs(values[ahead] - late).mean()


def test_smoothing_takes_holes_and_a_step_in_the_level() -> None:
    """What is not known changes nothing; a third more from one day on is followed within days, but for the weather."""
    values, calendar = demand(7, 31)
    step = 22 * PER_DAY
    values[step:] *= 1.33
    values[step - 100 : step - 60] = np.nan
    end = 28 * PER_DAY
    past, ahead = series(values, calendar, end), Calendar(calendar.local_ms[end : end + PER_DAY])

    found = Smoothing.fitted(past).outlook(past, ahead)

    assert np.isfinite(found.centre).all()
    assert (found.spread > 0).all()
    assert np.mean(found.centre) == pytest.approx(np.mean(values[end : end + PER_DAY]), rel=0.15)


@pytest.mark.parametrize("days", [0, 1, 3])
def test_too_little_history_is_said(days: int) -> None:
    """A forecast of two days of history would be a guess with a decimal point."""
    values, calendar = demand(1, days + 1)

    found = forecast(series(values, calendar, days * PER_DAY), Calendar(calendar.local_ms[days * PER_DAY :]))

    assert isinstance(found, NoForecast)
    assert f"{days}.0 days" in found.why


def test_a_past_that_only_one_origin_can_be_checked_against_is_too_patchy() -> None:
    """Known for twelve days, then silent but for the last hours: nothing could be left out."""
    values, calendar = demand(1, 22)
    values[12 * PER_DAY + PER_DAY // 2 : 20 * PER_DAY - 6] = np.nan

    ahead = Calendar(calendar.local_ms[20 * PER_DAY : 21 * PER_DAY])
    found = forecast(series(values, calendar, 20 * PER_DAY), ahead)

    assert isinstance(found, NoForecast)
    assert "patchy" in found.why


def test_holes_in_the_past_do_no_harm() -> None:
    """A third of the past is missing, in runs of hours, and the last hour too."""
    values, calendar = demand(5, 33)
    rng = np.random.default_rng(0)
    end = 30 * PER_DAY
    for start in rng.integers(0, end - 12, 60):
        values[start : start + 8] = np.nan
    values[end - 2 : end] = np.nan

    found = forecast(series(values, calendar, end), Calendar(calendar.local_ms[end : end + PER_DAY]))

    assert isinstance(found, Forecast)
    assert np.isfinite(found.quantiles).all()
    came = values[end : end + PER_DAY]
    assert np.nanmean(np.abs(came - found.centre)) < 80


def test_of_steps_that_no_past_saw_through_nothing_is_said() -> None:
    """A meter that misses an hour of each day leaves no day's sum; the hours before are known."""
    values, calendar = demand(3, 24)
    values[np.arange(len(values)) % PER_DAY < 2] = np.nan
    found = forecast(series(values, calendar, 22 * PER_DAY), Calendar(calendar.local_ms[22 * PER_DAY :]))

    assert isinstance(found, Forecast)
    assert np.isfinite(found.added[:20]).all()
    assert np.isnan(found.added[48:]).all()


def test_nothing_negative_is_forecast_of_what_never_was() -> None:
    """Flow at night is low, not below nothing."""
    values, calendar = demand(2, 20)
    values = np.maximum(values - 350.0, 0.0)
    end = 18 * PER_DAY

    found = forecast(series(values, calendar, end), Calendar(calendar.local_ms[end : end + PER_DAY]))

    assert isinstance(found, Forecast)
    assert found.quantiles.min() >= 0.0


def test_what_is_left_over_of_the_last_hours_fades_out() -> None:
    """A hot afternoon is still hot in an hour, and forgotten in two days."""
    values, calendar = demand(4, 20)
    end = 18 * PER_DAY
    usual = series(values, calendar, end)
    model = Harmonic.fitted(usual)
    hot = values.copy()
    hot[end - 6 : end] *= 1.3
    ahead = Calendar(calendar.local_ms[end : end + 2 * PER_DAY])

    more = model.outlook(series(hot, calendar, end), ahead).centre - model.outlook(usual, ahead).centre

    assert more[0] > 5 * abs(more[-1])
    assert more[0] > 20


def test_weather_is_told_from_noise() -> None:
    """As much noise as weather halves the correlation from step to step; the weather lasts as long as it does."""
    rng = np.random.default_rng(0)
    slow = np.zeros(4_000)
    for step in range(1, len(slow)):
        slow[step] = 0.95 * slow[step - 1] + rng.normal(0.0, np.sqrt(1 - 0.95**2))
    left = slow + rng.normal(size=len(slow))
    left[1_000:1_100] = np.nan

    drift = Drift.fitted(left)

    followed = np.array([drift.ahead(left[end - 96 : end], 8)[-1] for end in range(2_000, 3_900, 10)])
    missed = slow[2_007:3_907:10] - followed
    assert drift.persistence == pytest.approx(0.95, abs=0.02)
    assert drift.gain == pytest.approx(0.27, abs=0.05)  # of Riccati's equation for equal variances
    assert missed.std() < 0.9 * slow.std()


def test_noise_alone_does_not_drift() -> None:
    """Nothing lasts, so the last value says nothing of the next."""
    left = np.random.default_rng(2).normal(size=2_000)

    assert abs(Drift.fitted(left).ahead(left, 4)).max() < 0.2


def test_a_wet_week_scales_the_day_and_a_burst_pipe_does_not() -> None:
    """Weather takes a share of what is drawn at any hour; a leak draws as much at night as at noon."""
    rng = np.random.default_rng(3)
    fit = np.tile(400 - 300 * np.cos(np.linspace(0, 2 * np.pi, PER_DAY, endpoint=False)), 14)
    slow = np.convolve(rng.normal(size=len(fit)), 0.97 ** np.arange(200))[: len(fit)]

    assert scales(0.03 * slow * fit, fit, PER_DAY)
    assert not scales(12 * slow, fit, PER_DAY)


def test_weekdays_are_those_of_the_calendar() -> None:
    """1 January 1970 was a Thursday; 5 January a Monday."""
    calendar = Calendar(np.arange(8, dtype=np.int64) * DAY_MS)

    assert calendar.weekday.tolist() == [3, 4, 5, 6, 0, 1, 2, 3]
    assert calendar.is_weekend.tolist() == [False, False, True, True, False, False, False, False]
