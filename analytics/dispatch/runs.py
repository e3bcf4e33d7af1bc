"""Pumps whose range of φ a limit splits in two: each half a candidate of its own, and never both of them at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from analytics.dispatch.pump import Array, Candidate, Physics
from analytics.dispatch.sets import Masks

_MOST_SETS = 20_000  # no more are made of halves


@dataclass(frozen=True, slots=True)
class Part:
    """A pump in a part of its range."""

    whole: Physics
    phi_min: float
    phi_max: float

    @property
    def speed_min(self) -> float:
        """As of the whole."""
        return self.whole.speed_min

    @property
    def speed_max(self) -> float:
        """As of the whole."""
        return self.whole.speed_max

    def head(self, phi: Array) -> Array:
        """As of the whole."""
        return self.whole.head(phi)

    def power(self, flow: Array, speed: Array) -> Array:
        """As of the whole."""
        return self.whole.power(flow, speed)

    def margins(self, flow: Array, speed: Array, station_flow: Array) -> Mapping[str, Array]:
        """As of the whole."""
        return self.whole.margins(flow, speed, station_flow)


def halved(candidates: Sequence[Candidate], sets: Masks, hole: Array) -> tuple[list[Candidate], Masks] | None:
    """The same with each pump divided where it has a hole, (n,) of φ; None where nothing is, or sets become too many.

    Whatever a pump does is done below its hole or above it, so that nothing is lost.
    """
    halves = list(candidates)
    for place in np.flatnonzero(np.isfinite(hole)).tolist():
        whole, at = candidates[place], float(hole[place])
        halves[place] = replace(whole, physics=Part(whole.physics, whole.physics.phi_min, at))
        halves.append(replace(whole, physics=Part(whole.physics, at, whole.physics.phi_max)))
        runs = sets[:, place]
        low, high = (np.column_stack([sets, is_high & runs]) for is_high in (False, True))
        high[:, place] = False
        sets = np.concatenate([low, high[runs]])
    return None if len(halves) == len(candidates) or len(sets) > _MOST_SETS else (halves, sets)
