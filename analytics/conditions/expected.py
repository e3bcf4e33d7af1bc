"""What curves lead one to expect of pumps, for one look or for many."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from analytics.curves.model import StationModel
from analytics.hydraulics import Floats


class Expected(NamedTuple):
    """By the curves; NaN where there is no solution.

    Attributes:
        flows: m³/h, shape (n, pumps); 0 for one that stands.
        powers: kW, at those flows, likewise.
        idle_powers: kW, at no flow, likewise.
        flow_std: Of the pumps' total, m³/h, shape (n,).
    """

    flows: Floats
    powers: Floats
    idle_powers: Floats
    flow_std: Floats


def expected(model: StationModel, speeds: ArrayLike, head: ArrayLike) -> Expected:
    """At relative *speeds*, shape (n, pumps) in the model's order, 0 for a pump that stands, and *head*, m, (n,)."""
    told, rows = model.predict(speeds, head), np.asarray(speeds, np.float64)
    idle = [np.where(own > 0, curve.power(0.0, own), 0.0) for curve, own in zip(model.curves, rows.T, strict=True)]
    return Expected(told.flows, told.powers, np.stack(idle, axis=1), told.flow_std)
