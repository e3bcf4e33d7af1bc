"""Several methods as one, each weighing what it proved to be worth."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from analytics.curves.methods.duty import CurveMethod, DutyPoints, Prediction
from analytics.hydraulics import Floats, wire_to_water_efficiency


class Ensemble:
    """The weighted mean of several methods; they are as unsure as they are, and as they differ.

    ::

        m = Σ wᵢ mᵢ        s² = Σ wᵢ (sᵢ² + (mᵢ - m)²)        of head and power; the efficiency follows from both

    Args:
        members: The methods.
        weights: Of each; by default all the same.
    """

    def __init__(self, members: Sequence[CurveMethod], weights: Sequence[float] | None = None) -> None:
        self._members = tuple(members)
        raw = np.ones(len(members)) if weights is None else np.asarray(weights, np.float64)
        self._weights: Floats = raw / raw.sum()

    @property
    def name(self) -> str:
        """What the method is called."""
        return "ensemble"

    def update(self, points: DutyPoints) -> None:
        """Learn from steady *points*."""
        for member in self._members:
            member.update(points)

    def predict(self, flow: ArrayLike, speed: ArrayLike) -> Prediction:
        """What is expected at *flow* m³/h and relative *speed*."""
        said = [member.predict(flow, speed) for member in self._members]
        head, head_std = self._mixed([each.head for each in said], [each.head_std for each in said])
        power, power_std = self._mixed([each.power for each in said], [each.power_std for each in said])
        efficiency = wire_to_water_efficiency(flow, head, power)
        share = np.hypot(head_std / head, power_std / power)
        return Prediction(head, head_std, power, power_std, efficiency, np.abs(efficiency * share))

    def _mixed(self, means: Sequence[Floats], stds: Sequence[Floats]) -> tuple[Floats, Floats]:
        weights = self._weights.reshape(-1, *[1] * np.ndim(means[0]))
        mean = np.sum(weights * np.array(means), axis=0)
        variance = np.sum(weights * (np.array(stds) ** 2 + (np.array(means) - mean) ** 2), axis=0)
        return mean, np.sqrt(variance)
