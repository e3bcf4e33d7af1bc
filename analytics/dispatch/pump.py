"""What the solver must know of a pump, and nothing more."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Lock = Literal["free", "must run", "must not run"]


class Physics(Protocol):
    """A pump with its own branch, as the header sees it.

    By the affinity laws the head at the header is ``s² h(φ)`` with ``φ = q / s``, q the flow in m³/h and s the
    relative speed. Where h rises with φ (near shut-off, where a pump hunts) it is not operated. Two pumps are
    identical where their physics compare equal; what equals hashes equally, as its line is kept.
    """

    def __hash__(self) -> int:
        """Of what it is compared by."""

    @property
    def speed_min(self) -> float:
        """Lowest relative speed; equal to the highest for a pump of fixed speed."""

    @property
    def speed_max(self) -> float:
        """Highest relative speed."""

    @property
    def phi_min(self) -> float:
        """Least flow over relative speed at which it may operate, m³/h, above 0."""

    @property
    def phi_max(self) -> float:
        """Greatest flow over relative speed at which it may operate, m³/h."""

    def head(self, phi: Array) -> Array:
        """Head at the header at rated speed, m; any shape."""

    def power(self, flow: Array, speed: Array) -> Array:
        """Electrical power, kW; the shape of its arguments."""

    def margins(self, flow: Array, speed: Array, station_flow: Array) -> Mapping[str, Array]:
        """Every other limit by its name, as the share that is left of it: below 0 it is broken."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A pump that may be chosen."""

    id: str
    physics: Physics
    running: bool = False
    lock: Lock = "free"
    start_kw: float = 0.0  # what a start costs, as power over the time it is spread over
    running_kw: float = 0.0  # what having it on costs besides energy, for having run longer than others

    @property
    def entry_kw(self) -> float:
        """What choosing it costs besides energy, kW."""
        return self.running_kw + (0.0 if self.running else self.start_kw)
