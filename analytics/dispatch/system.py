"""How a header's head follows its flow: through the present duty, and as steep as was learnt."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import sqrt

from analytics.dispatch.demand import SystemCurve

BEYOND = 0.1  # share by which flows may leave those that the curve was learnt from
ANY: frozenset[str] = frozenset()  # sets of pumps whose water takes the usual pipes


@dataclass(frozen=True, slots=True)
class System:
    """H = H_now + k Q² - k_now Q_now², k that of the set that is to run: some pumps' water takes other pipes."""

    resistance: float  # m per (m³/h)²
    resistance_std: float
    flow_range: tuple[float, float]  # m³/h, that it was learnt from
    own: Mapping[frozenset[str], float] = field(default_factory=dict)  # resistance of sets for which it is another one
    running: frozenset[str] = ANY  # pumps that run now

    def of(self, pumps: frozenset[str]) -> float:
        """Resistance where *pumps* run, m per (m³/h)²."""
        return self.own.get(pumps, self.resistance)

    def is_like_now(self, pumps: frozenset[str]) -> bool:
        """Whether the water of *pumps* takes the present pipes."""
        return self.of(pumps) == self.of(self.running)

    def head(self, flow: float, head: float, other: float, pumps: frozenset[str] | None = None) -> float:
        """The head, m, at an *other* flow than that of now, m³/h; with *pumps*, or those of now, running."""
        with_those = self.of(self.running if pumps is None else pumps)
        return head - self.of(self.running) * flow**2 + with_those * other**2

    def flow_at(self, flow: float, head: float, other: float, pumps: frozenset[str] | None = None) -> float | None:
        """The flow, m³/h, at an *other* head than that of now, m; None where no flow has it."""
        with_those = self.of(self.running if pumps is None else pumps)
        room = other - head + self.of(self.running) * flow**2
        return sqrt(room / with_those) if room > 0.0 and with_those > 0.0 else None

    def curve(
        self, duty: tuple[float, float], scale: float, flows: tuple[float, float], pumps: frozenset[str] = ANY
    ) -> SystemCurve:
        """The demand for *flows* from one to another by the meter, where the model sees *scale* of what it shows.

        Args:
            duty: The present flow, m³/h by the meter, and head, m.
            scale: Flow that the model sees, of that of the meter.
            flows: Least and greatest, m³/h by the meter.
            pumps: That are to run.
        """
        static, resistance = self.head(*duty, 0.0), self.of(pumps) / scale**2
        return SystemCurve(static, resistance, flows[0] * scale, flows[1] * scale)

    def doubt(self, flow: float, other: float, pumps: frozenset[str]) -> float:
        """Standard deviation of the head at an *other* flow than that of now, with *pumps* running, m."""
        change = abs(other**2 - flow**2) if self.is_like_now(pumps) else max(other, flow) ** 2
        return self.resistance_std * change

    def unseen(self, flow: float) -> str | None:
        """That it was not learnt at such a *flow*, m³/h, in a clause; None where it was."""
        low, high = self.flow_range
        if (1 - BEYOND) * low <= flow <= (1 + BEYOND) * high:
            return None
        return f"the system's curve was learnt between {low:.0f} and {high:.0f} m³/h"
