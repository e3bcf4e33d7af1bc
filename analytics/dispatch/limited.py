"""A pump as it is, but with less range, or with one limit more."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from analytics.dispatch.pump import Array, Physics

More = Callable[[Array, Array, Array], Mapping[str, Array]]  # of flow, speed and station flow, as `Physics.margins`


def _none(_flow: Array, _speed: Array, _station_flow: Array) -> Mapping[str, Array]:
    return {}


@dataclass(frozen=True, slots=True)
class Limited:
    """The *whole* pump in a part of its range of φ, m³/h, with *more* to keep beside its own limits."""

    whole: Physics
    phi_min: float
    phi_max: float
    more: More = _none

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
        """Those of the whole, and more."""
        return {**self.whole.margins(flow, speed, station_flow), **self.more(flow, speed, station_flow)}
