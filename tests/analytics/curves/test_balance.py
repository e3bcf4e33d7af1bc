"""Readings that are too low count for no more than those that are too high."""

import numpy as np

from analytics.curves.estimator import StationCurves
from analytics.curves.points import Points
from analytics.curves.prior import Plate


def test_a_flow_meter_that_errs_alike_in_both_ways_leaves_the_curve_where_it_is() -> None:
    """By 5 %: weighed by what is read instead of by what should be, the low half would draw it down by 0.5 %."""
    n = 120
    phi, speed = np.linspace(80.0, 120.0, n), np.tile(np.linspace(0.8, 1.0, n // 4)[::-1], 4)
    read = speed * phi * (1.0 + 0.05 * (-1.0) ** np.arange(n))
    each = speed[:, np.newaxis]
    curves = StationCurves([Plate("p1")])
    curves.update(
        Points(
            times_ms=600_000 * np.arange(n),
            running=np.ones((n, 1), np.bool_),
            speeds=each,
            head=speed**2 * (50.0 - 0.002 * phi**2),
            flow=read,
            powers=each**3 * (8.0 + 0.1 * phi[:, np.newaxis]),
            pump_flows=np.full((n, 1), np.nan),
        )
    )

    model = curves.fit()

    assert model is not None
    found = model.duty(each, speed**2 * (50.0 - 0.002 * phi**2)).flows[:, 0]
    assert abs(np.mean(found / (speed * phi)) - 1.0) < 0.002
