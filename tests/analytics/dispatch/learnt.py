"""Stations as if learnt: curves by coefficients, with as much doubt as a test needs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analytics.curves.misfit import BANDS, Misfit
from analytics.curves.model import Basis, PumpCurve, StationModel
from analytics.curves.shape import PARAMETERS, Shape


@dataclass(frozen=True, slots=True)
class Learnt:
    """One pump: H/s² = a₀ + a₂ φ², P = s³ (b₀ + b₁ φ) + 2 kW; about 45 m and 0.8 at 200 m³/h by default."""

    id: str
    a0: float = 60.0
    a2: float = -4.0e-4
    b0: float = 12.0
    b1: float = 0.1
    flow_range: tuple[float, float] = (120.0, 260.0)
    speed_range: tuple[float, float] = (0.7, 1.0)
    doubt: float = 0.003  # standard deviation of every parameter, in its scale


def station(pumps: Sequence[Learnt], *, noise: float = 0.2) -> StationModel:
    """The model; *noise* is the residual of each power, kW, and of the flow, m³/h."""
    curves, doubts = [], []
    for pump in pumps:
        shape = Shape(np.array([52.0, 42.0, 32.0]), flow_scale=200.0, power_scale=32.0)
        theta = shape.theta(np.array([pump.a0, 0.0, pump.a2]), np.array([pump.b0, pump.b1, 0.0]), 2.0)
        covariance = pump.doubt**2 * np.eye(PARAMETERS)
        doubts.append(np.full(PARAMETERS, pump.doubt**2))
        curves.append(PumpCurve(pump.id, shape, theta, covariance, pump.flow_range, pump.speed_range, 200))
    unseen = (((np.nan, np.nan),) * BANDS,) * len(pumps)
    seen = Misfit(works=(0.0,) * len(pumps), lasts=0.0, bands=unseen)  # nothing is missed
    each = (noise,) * len(pumps)
    basis = Basis(200, 200, 0, 3_600_000, noise, noise, each, each, misfit=seen)
    covariance = np.diag(np.concatenate(doubts))
    return StationModel(tuple(curves), covariance, noise, np.full(len(pumps), noise), 0.0, basis)
