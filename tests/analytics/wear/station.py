"""Days of a header's true pumps that wear, and what drifting meters show of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from analytics.curves.estimator import StationCurves
from analytics.curves.points import Points
from analytics.curves.prior import Plate
from analytics.hydraulics import Floats
from analytics.wear.reference import Reference
from tests.simulators.waterworks import UNLIKE, Worn, measured, operation

DAY_MS = 86_400_000
FIRST_MS = 1_700_006_400_000  # midnight UTC
A_DAY = 480  # steady points: one every three minutes
SETS = [(0,), (1, 2), (0, 1), (0, 2), (0, 1, 2), (2,)]


@dataclass(frozen=True, slots=True)
class Drift:
    """What meters read over the truth, less one; of the whole day, or of each of its points."""

    head: float | Floats = 0.0
    flow: float | Floats = 0.0
    power: float | Floats = 0.0  # of the first pump


def day(  # noqa: PLR0917 - one day of one station
    number: int,
    rng: np.random.Generator,
    lost: Sequence[float | Floats] = (0.0, 0.0, 0.0),
    more: Sequence[float | Floats] = (0.0, 0.0, 0.0),
    drift: Drift = Drift(),
    sets: Sequence[tuple[int, ...]] = SETS,
    *,
    is_metered: bool = False,
) -> Points:
    """The steady points of a day; the header has a flow meter, each pump a power meter, 1 % noise, 1 % outliers.

    Where it *is_metered*, each pump has a flow meter of its own too. What is *lost* and *more* of each pump holds for
    the whole day, or is given for each of its points.
    """
    pumps = tuple(Worn.of(pump, own, drawn) for pump, own, drawn in zip(UNLIKE, lost, more, strict=False))
    truth = operation(pumps, list(sets), A_DAY, rng, step_ms=DAY_MS // A_DAY, every=20)
    shown = measured(truth, rng)
    times_ms = FIRST_MS + number * DAY_MS + DAY_MS // A_DAY * np.arange(A_DAY)
    powers = shown.powers.copy()
    powers[:, 0] *= 1.0 + drift.power
    own = truth.pump_flows * rng.normal(1.0, 0.01, truth.pump_flows.shape)
    return replace(
        shown,
        pump_flows=own if is_metered else shown.pump_flows,
        times_ms=times_ms,
        head=shown.head * (1.0 + drift.head),
        flow=shown.flow * (1.0 + drift.flow),
        powers=powers,
    )


def references(points: Points, pumps: int = 3) -> list[Reference]:
    """The curves learnt of *points*, kept."""
    curves = StationCurves([Plate(f"p{index + 1}") for index in range(pumps)])
    curves.update(points)
    model = curves.fit()
    assert model is not None
    return [Reference.of_curve(curve) for curve in model.curves]
