"""What is kept of months of steady points: rare operation, and not the wild readings of all that time."""

from dataclasses import replace

import numpy as np

from analytics.curves.estimator import StationCurves
from analytics.curves.points import Points
from analytics.curves.prior import Plate
from analytics.curves.reservoir import FAR_SHARE, thinned
from tests.simulators.waterworks import UNLIKE, measured, operation

PUMPS = UNLIKE[:2]
SETS = [(0,), (1,), (0, 1)]
CAPACITY = 600
DAY_MS = 86_400_000


def test_wild_readings_of_months_do_not_take_the_places_of_the_others() -> None:
    """Each is of a kind of its own, without rivals: of 2 % in 40,000 more than half of what is kept would be made.

    The same true day again and again, with fresh noise.
    """
    rng = np.random.default_rng(1)
    day = operation(PUMPS, SETS, 1_000, rng)
    days = [replace(day, times_ms=day.times_ms + number * DAY_MS) for number in range(40)]
    curves = StationCurves([Plate("p1"), Plate("p2")], capacity=CAPACITY)
    for each in days:
        curves.update(measured(each, rng, outliers=0.02))

    kept = curves.points

    truth = Points.joined(days)
    true_head = dict(zip(truth.times_ms.tolist(), truth.head.tolist(), strict=True))
    wild = np.abs(kept.head / np.array([true_head[time] for time in kept.times_ms.tolist()]) - 1.0) > 0.1
    assert wild.mean() < FAR_SHARE + 0.02
    model = curves.fit()
    assert model is not None
    for curve, pump in zip(model.curves, PUMPS, strict=True):
        flow = np.linspace(*curve.flow_range, 9)
        assert np.abs(curve.head(flow, 0.95) / pump.head(flow, np.array(0.95)) - 1.0).max() < 0.015


def test_operation_that_is_rare_but_real_is_kept_among_the_common() -> None:
    """Two hours with a valve almost shut, in two days, tell the curve where nothing else does."""
    rng = np.random.default_rng(2)
    usual = operation(PUMPS, [(0,)], 2_000, rng)
    rare = usual.take(slice(100, 220))
    flow = rare.flow * 0.4
    head = PUMPS[0].head(flow, rare.speeds[:, 0])
    seldom = type(rare)(rare.times_ms + 5_000, rare.running, rare.speeds, head, flow, rare.powers, rare.pump_flows)

    kept, _ = thinned(type(usual).joined([usual, seldom]), CAPACITY)

    assert np.isin(seldom.times_ms, kept.times_ms).sum() >= FAR_SHARE * CAPACITY
