"""What an agent states of a saving, and what that operation would truly save on the simulated station."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from agent.mqtt.payloads import Recommendation
from analytics.dispatch.pump import Array
from tests.benchmarks.town_station import PUMPS, Station

_HALVINGS = 40


@dataclass(frozen=True, slots=True)
class Stated:
    """A saving, kW."""

    mean: float
    std: float
    interval: tuple[float, float]  # 90 %
    true: float

    @property
    def error(self) -> float:
        """In standard deviations."""
        return (self.mean - self.true) / self.std

    @property
    def is_held(self) -> bool:
        """Whether the interval holds the truth."""
        return self.interval[0] <= self.true <= self.interval[1]


def told(said: Recommendation, station: Station) -> Iterator[Stated]:
    """The saving that *said* states of the step that is over, where it proposes a change."""
    if said.action != "change" or said.saving_kw is None or not said.saving_uncertainty_kw:
        return
    assert said.saving_interval_kw is not None
    speeds = {int(pump.id.removeprefix("p")): pump.speed for pump in said.pumps if pump.run and pump.speed is not None}
    true = _truly(station, speeds)
    if true is not None:
        yield Stated(said.saving_kw, said.saving_uncertainty_kw, said.saving_interval_kw, true)


def _truly(station: Station, speeds: dict[int, float]) -> float | None:
    """What pumps at *speeds* would save, turned up or down together until they deliver what is delivered now, kW."""
    now = station.parts[-1]

    def flows(share: float) -> Array:
        given = [PUMPS[one].flow(np.array(now.head), np.array(share * speed)) for one, speed in speeds.items()]
        return np.array(given)

    low, high, wanted = 0.7, 1.3, float(now.flows.sum())
    if not flows(low).sum() < wanted < flows(high).sum():
        return None
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if flows(middle).sum() < wanted else (low, middle)
    pairs = zip(speeds.items(), flows(high), strict=True)
    drawn = sum(float(PUMPS[one].power(flow, np.array(high * speed))) for (one, speed), flow in pairs)
    return float(now.powers.sum()) - drawn
