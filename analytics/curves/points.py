"""Steady points: what an hour of readings says of the pumps, once transients are left out."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from analytics.hydraulics import Floats

Times = NDArray[np.int64]
Flags = NDArray[np.bool_]

# Beyond these no pump of a waterworks is: words in the wrong order, a scale that was forgotten.
MOST_HEAD = 1_000.0  # m
MOST_FLOW = 500_000.0  # m³/h
MOST_POWER = 100_000.0  # kW
MOST_SPEED = 5.0  # relative
FAINTEST = 1e-6  # of any of them, unless it is 0


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Operation of a station's pumps at some instants, plant units; NaN where not measured.

    Also what raw frames are handed in as: then a row is a second and not a steady mean.

    Attributes:
        times_ms: Shape (n,).
        running: Shape (n, pumps). What a stopped pump's meters say is never looked at.
        speeds: Relative, shape (n, pumps); 1.0 for a running pump of fixed speed.
        head: Of the pumps, m, shape (n,).
        flow: Total of the header, m³/h, shape (n,).
        powers: Electrical, kW, shape (n, pumps).
        pump_flows: By pumps' own meters, m³/h, shape (n, pumps).
    """

    times_ms: Times
    running: Flags
    speeds: Floats
    head: Floats
    flow: Floats
    powers: Floats
    pump_flows: Floats

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit together."""
        n, pumps = self.running.shape
        for name in ("times_ms", "head", "flow"):
            if getattr(self, name).shape != (n,):
                raise ValueError(f"{name} has shape {getattr(self, name).shape}, not ({n},) as running says")
        for name in ("speeds", "powers", "pump_flows"):
            if getattr(self, name).shape != (n, pumps):
                raise ValueError(f"{name} has shape {getattr(self, name).shape}, not ({n}, {pumps}) as running says")

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.times_ms)

    def take(self, index: Any) -> Self:
        """Rows by an index or mask."""
        return type(self)(**{each.name: getattr(self, each.name)[index] for each in fields(self)})

    @property
    def believable(self) -> Self:
        """The same rows, with NaN for each value that no pump can have."""
        return type(self)(
            times_ms=self.times_ms,
            running=self.running,
            speeds=_within(self.speeds, MOST_SPEED),
            head=_within(self.head, MOST_HEAD),
            flow=_within(self.flow, MOST_FLOW),
            powers=_within(self.powers, MOST_POWER),
            pump_flows=_within(self.pump_flows, MOST_FLOW),
        )

    @property
    def usable(self) -> Flags:
        """Rows that can teach something: some pump runs, its speed and the head are known, flow or a power too."""
        finite_speeds = (~self.running | (np.isfinite(self.speeds) & (self.speeds > 0.0))).all(axis=1)
        powers = (self.running & np.isfinite(self.powers) & (self.powers > 0.0)).any(axis=1)
        flows = np.isfinite(self.flow) & (self.flow > 0.0)
        head = np.isfinite(self.head) & (self.head > 0.0)
        return np.asarray(self.running.any(axis=1) & finite_speeds & head & (powers | flows))

    @classmethod
    def empty(cls, pumps: int) -> Self:
        """No rows."""
        wide = np.empty((0, pumps))
        return cls(np.empty(0, np.int64), wide.astype(bool), wide, np.empty(0), np.empty(0), wide, wide)

    @classmethod
    def joined(cls, parts: Sequence["Points"]) -> Self:
        """Rows of *parts*, one after the other."""
        return cls(**{each.name: np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(cls)})


def _within(values: Floats, most: float) -> Floats:
    size = np.abs(values)
    return np.where((size <= most) & ((size >= FAINTEST) | (size == 0.0)), values, np.nan)
