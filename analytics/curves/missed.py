"""What curves miss of readings that they were not learnt from."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from analytics.curves.channels import values_of
from analytics.curves.points import Points
from analytics.curves.shape import Shape
from analytics.hydraulics import Floats

WIDEST = 0.5  # share of the measured head, either side, within which that of a set is looked for
HALVINGS = 20  # of that


class Errors(NamedTuple):
    """How far values lie from what was observed; all NaN where nothing was.

    Attributes:
        r2: Share of the observed variance that is told; below 0: worse than their mean. NaN of a single value.
        rmse: Root mean square, in their unit.
        mae: Mean of the absolute errors.
        worst: Greatest of them.
    """

    r2: float = np.nan
    rmse: float = np.nan
    mae: float = np.nan
    worst: float = np.nan


class Missed(NamedTuple):
    """Of a pump that shares its flow meter, by curves that were learnt without the time that is asked about.

    Attributes:
        head: Of the header, m, at its flow, whenever the pump ran, alone or among others.
        power: Of the pump, kW, at the header's head.
    """

    head: Errors = Errors()
    power: Errors = Errors()


def errors(observed: Floats, said: Floats, worths: Floats | None = None) -> Errors:
    """Of what was *said* where it was *observed*, shape (n,), NaN where not; by what each is worth, else alike."""
    known = np.isfinite(observed)
    if not known.any():
        return Errors()
    values, off = observed[known], np.abs(said - observed)[known]
    weights = np.ones(len(values)) if worths is None else worths[known]
    spread = weights @ (values - np.average(values, weights=weights)) ** 2
    square = weights @ off**2
    return Errors(
        r2=float(1.0 - square / spread) if spread > 0.0 else np.nan,
        rmse=float(np.sqrt(square / weights.sum())),
        mae=float(np.average(off, weights=weights)),
        worst=float(off.max()),
    )


def heads_of(shapes: Sequence[Shape], theta: Floats, points: Points) -> Floats:
    """The head, m, at which the running pumps together deliver the header's flow, (n,); NaN where none was measured.

    One more than half off the measured head is told as half off.
    """
    low, high = (1.0 - WIDEST) * points.head, (1.0 + WIDEST) * points.head
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        is_more = values_of(shapes, theta, points, middle)[0].sum(axis=1) > points.flow
        low, high = np.where(is_more, middle, low), np.where(is_more, high, middle)
    return np.where(np.nan_to_num(points.flow) > 0.0, 0.5 * (low + high), np.nan)
