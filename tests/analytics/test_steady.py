"""Which operation is steady enough to teach a curve."""

from dataclasses import replace

import numpy as np

from analytics.curves.points import Points
from analytics.curves.steady import Steadiness, steady_points

START_MS = 1_700_000_040_000  # a whole minute


def frames(seconds: int) -> Points:
    """Pump 1 of two runs at 0.9, 100 m³/h, 40 m, 15 kW; the other stands and its meter shows noise."""
    n = seconds
    return Points(
        times_ms=START_MS + 1_000 * np.arange(n),
        running=np.tile([True, False], (n, 1)),
        speeds=np.tile([0.9, 1.0], (n, 1)),
        head=np.full(n, 40.0),
        flow=np.full(n, 100.0),
        powers=np.tile([15.0, 0.2], (n, 1)),
        pump_flows=np.full((n, 2), np.nan),
    )


def test_steady_minutes_become_means_of_15_s_after_settling() -> None:
    """Five minutes: one to settle, the last guard time not judged yet."""
    found = steady_points(frames(300))

    assert (found.times_ms[0] - START_MS, len(found)) == (60_000 + 7_500, 15)
    assert (found.head[0], found.flow[0], found.powers[0, 0]) == (40.0, 100.0, 15.0)


def test_a_start_and_a_stop_are_left_out() -> None:
    """The second pump runs from 200 to 400 s: nothing from a guard time before until settled, twice."""
    running = np.tile([True, False], (700, 1))
    running[200:400, 1] = True
    found = steady_points(replace(frames(700), running=running))

    seconds = (found.times_ms - START_MS) / 1_000.0
    assert not ((seconds > 180) & (seconds < 260)).any()
    assert not ((seconds > 385) & (seconds < 460)).any()
    assert found.running[:, 1].sum() == 7


def test_a_ramp_of_speed_is_left_out_and_noise_is_not() -> None:
    """0.05 Hz a second is a ramp; 1 % of noise on flow and head is none."""
    rng = np.random.default_rng(0)
    steady = frames(600)
    noisy = replace(
        steady, head=steady.head * rng.normal(1.0, 0.01, 600), flow=steady.flow * rng.normal(1.0, 0.01, 600)
    )
    ramp = noisy.speeds.copy()
    ramp[300:, 0] -= 0.001 * np.arange(300)

    found = steady_points(replace(noisy, speeds=ramp))

    seconds = (found.times_ms - START_MS) / 1_000.0
    assert (seconds < 300).sum() >= 15
    assert not (seconds > 315).any()


def test_a_spike_does_not_move_its_window() -> None:
    """One reading of 15 is a tenth higher; a plain mean would be 0.7 % off."""
    flow = np.full(300, 100.0) + np.random.default_rng(0).normal(0.0, 0.2, 300)
    flow[100] = 1_000.0

    found = steady_points(replace(frames(300), flow=flow))

    assert np.abs(found.flow - 100.0).max() < 0.3


def test_a_window_with_holes_is_used_for_what_it_has() -> None:
    """Without flow it still teaches power; without head it teaches nothing."""
    flow, head = np.full(300, 100.0), np.full(300, 40.0)
    flow[90:120] = np.nan
    head[150:165] = np.nan

    found = steady_points(replace(frames(300), flow=flow, head=head))

    assert np.isnan(found.flow).sum() == 2
    assert (found.times_ms == START_MS + 157_500).sum() == 0
    assert len(found) == 14


def test_frames_cut_anywhere_give_the_same_points() -> None:
    """Windows stand on the clock's grid, so an incremental job finds what a batch finds."""
    rng = np.random.default_rng(1)
    whole = replace(frames(900), flow=100.0 + rng.normal(0.0, 1.0, 900))
    batch = steady_points(whole)
    first, second = steady_points(whole.take(slice(0, 430))), steady_points(whole.take(slice(430 - 105, 900)))

    pieces = Points.joined([first, second])
    _, unique = np.unique(pieces.times_ms, return_index=True)

    assert np.array_equal(pieces.take(unique).times_ms, batch.times_ms)
    assert np.array_equal(pieces.take(unique).flow, batch.flow)


def test_a_lagging_flow_meter_is_read_at_the_instant_it_speaks_of() -> None:
    """The meter shows 10 s late; with the lag told, flow and head belong together again."""
    wave = np.sin(np.arange(900) * 2.0 * np.pi / 400.0)
    lagging = replace(frames(900), head=40.0 + 0.2 * wave, flow=np.roll(100.0 + wave, 10))

    plain = steady_points(lagging)
    told = steady_points(lagging, Steadiness(flow_lag_ms=10_000))

    kept = slice(5, -5)
    assert np.abs(told.flow - 100.0 - 5.0 * (told.head - 40.0))[kept].max() < 0.02
    assert np.abs(plain.flow - 100.0 - 5.0 * (plain.head - 40.0))[kept].max() > 0.1
