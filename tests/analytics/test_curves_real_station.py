"""The real hour: fifty minutes learnt, ten predicted, second by second."""

from typing import NamedTuple

import numpy as np
import pytest

from analytics.curves.estimator import StationCurves
from analytics.curves.model import StationModel
from analytics.curves.points import Points
from analytics.curves.prior import Plate
from analytics.curves.steady import steady_points
from analytics.hydraulics import Floats, head_of_pressure
from tests.real_station import needs_real_station, recording

LEARNT_S = 3_000
PUMPS = tuple(f"p{number}" for number in range(1, 7))


def frames() -> Points:
    """The hour as the window service hands it over: plant units, a row a second.

    The head is that of header 1: the drives' controller holds this pressure, and the power of pump 1, whose
    speed is fixed, follows it twice as closely as the mean of both gauges and five times as closely as header 2's
    (0.08, 0.15 and 0.36 % left unexplained by a parabola, means of 15 s over the fifty minutes learnt from).
    """
    hour = recording()
    frequency = np.column_stack([hour[f"supply.{pump}.frequency"] for pump in PUMPS])
    return Points(
        times_ms=1_740_679_200_000 + 1_000 * np.arange(len(hour), dtype=np.int64),
        running=frequency > 10.0,
        speeds=frequency / 50.0,
        head=head_of_pressure(1_000.0 * hour["supply.header1.pressure"].to_numpy()),
        flow=hour["supply.total.flow"].to_numpy(dtype=np.float64),
        powers=np.column_stack([hour[f"supply.{pump}.active_power"] for pump in PUMPS]).astype(np.float64),
        pump_flows=np.full(frequency.shape, np.nan),
    )


class Trial(NamedTuple):
    """What was learnt, and the ten minutes it is judged by."""

    model: StationModel
    later: Points

    @property
    def speeds(self) -> Floats:
        """Of the model's pumps, shape (600, pumps)."""
        return self.later.speeds[:, [PUMPS.index(pump) for pump in self.model.pumps]]


@pytest.fixture(scope="module")
def trial() -> Trial:
    """Learnt from the first fifty minutes."""
    hour = frames()
    curves = StationCurves([Plate(pump) for pump in PUMPS])
    curves.update(steady_points(hour.take(slice(0, LEARNT_S))))
    model = curves.fit()
    assert model is not None
    return Trial(model, hour.take(slice(LEARNT_S, None)))


def share(error: Floats, of: Floats) -> float:
    """RMSE over the mean, %."""
    return float(100.0 * np.sqrt((error**2).mean()) / of.mean())


@needs_real_station
def test_ten_minutes_are_predicted_from_speeds_and_header_pressure(trial: Trial) -> None:
    """Total flow and pump 5's power within 1 % of the mean, each second, from that second's inputs alone."""
    found = trial.model.predict(trial.speeds, trial.later.head)

    flow = share(found.flow - trial.later.flow, trial.later.flow)
    power = share(found.powers[:, 1] - trial.later.powers[:, 4], trial.later.powers[:, 4])
    print(f"total flow: RMSE {flow:.2f} % of the mean; power of pump 5: {power:.2f} %")  # noqa: T201 - measured
    assert flow <= 1.0
    assert power <= 1.0


@needs_real_station
def test_its_intervals_cover_what_came(trial: Trial) -> None:
    """90 % intervals; ten minutes are few independent trials, so roughly."""
    found = trial.model.predict(trial.speeds, trial.later.head)

    flow = (np.abs(found.flow - trial.later.flow) < 1.645 * found.flow_std).mean()
    power = (np.abs(found.powers - trial.later.powers[:, [0, 4]]) < 1.645 * found.power_std).mean(axis=0)
    print(f"covered: flow {flow:.2f}, power of pump 1 {power[0]:.2f}, of pump 5 {power[1]:.2f}")  # noqa: T201
    assert flow > 0.8
    assert (power > 0.8).all()


@needs_real_station
def test_one_operating_mode_leaves_the_shares_uncertain(trial: Trial) -> None:
    """Pumps 1 and 5 alone, always together: each one's flow is a belief of about 10 %, their sum is not."""
    model = trial.model
    found = model.predict(trial.speeds[:1], trial.later.head[:1])

    assert model.pumps == ("p1", "p5")
    assert (found.flows_std[0] / found.flows[0] > 0.05).all()
    assert found.flow_std[0] / found.flow[0] < 0.02
    for curve in model.curves:
        assert 0.6 < float(curve.efficiency(np.mean(curve.flow_range), 1.0)) < 0.9
        assert not curve.supports(0.5 * curve.flow_range[0], 1.0)
