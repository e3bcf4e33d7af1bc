"""What every method takes and gives: duty points in, head, power and efficiency with their uncertainty out."""

from dataclasses import dataclass, fields
from typing import Any, NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import ArrayLike

from analytics.hydraulics import Floats


@dataclass(frozen=True, slots=True, eq=False)
class DutyPoints:
    """Steady operation of one pump by its own meters, each of shape (n,), oldest first.

    Attributes:
        flow: m³/h, above 0.
        head: m, above 0.
        power: kW electrical, above 0; NaN where not measured.
        speed: Relative, above 0; 1.0 is the rated speed.

    Raises:
        ValueError: A value is not of that kind; whoever wants to learn from the others leaves that row out.
    """

    flow: Floats
    head: Floats
    power: Floats
    speed: Floats

    def __post_init__(self) -> None:
        """Refuse what cannot teach anything."""
        n = self.flow.shape
        for name in ("flow", "head", "power", "speed"):
            values = getattr(self, name)
            if len(n) != 1 or values.shape != n:
                raise ValueError(f"{name} has shape {values.shape}, flow {n}; both must be (n,)")
            known = values[~np.isnan(values)] if name == "power" else values
            if not (np.isfinite(known).all() and (known > 0.0).all()):
                raise ValueError(f"{name} must be finite and above 0; leave out the points where it is not")

    def __len__(self) -> int:
        """Number of points."""
        return len(self.flow)

    def take(self, index: Any) -> Self:
        """Points by an index or mask."""
        return type(self)(**{each.name: getattr(self, each.name)[index] for each in fields(self)})

    @property
    def columns(self) -> Floats:
        """All of it, shape (4, n)."""
        return np.stack([getattr(self, each.name) for each in fields(self)])

    @classmethod
    def empty(cls) -> Self:
        """No points."""
        return cls(*(np.empty(0) for _ in range(4)))

    @classmethod
    def joined(cls, first: Self, then: Self) -> Self:
        """The points of both, one after the other."""
        pairs = {each.name: (getattr(first, each.name), getattr(then, each.name)) for each in fields(cls)}
        return cls(**{name: np.concatenate(pair) for name, pair in pairs.items()})


class Prediction(NamedTuple):
    """What a pump does at a flow and a speed; all of one shape, NaN where nothing is known.

    Each `*_std` is one standard deviation of the curve itself, not of a reading, which scatters by its meter's noise
    besides. Efficiency is wire to water, 0 to 1; power is NaN, and so is efficiency, where no power was ever measured.
    """

    head: Floats
    head_std: Floats
    power: Floats
    power_std: Floats
    efficiency: Floats
    efficiency_std: Floats


class CurveMethod(Protocol):
    """A way to learn one pump's curves."""

    @property
    def name(self) -> str:
        """What it is called where it is published."""

    def update(self, points: DutyPoints) -> None:
        """Learn from steady *points*, any number of them."""

    def predict(self, flow: ArrayLike, speed: ArrayLike) -> Prediction:
        """What is expected at *flow* m³/h and relative *speed*, shapes that broadcast; changes nothing that shows."""
