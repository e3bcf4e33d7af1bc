"""What pressure a header needs for its flow, where that tells: a rising main takes what is pressed through it."""

from dataclasses import dataclass
from typing import Final

PUMPED: Final = 24.0  # h of pumping that tell a curve that is exact
PUMPED_MEMORY: Final = 96.0  # h of pumping; so many are needed where a level comes and goes
EXACT: Final = 0.02  # share of the flow by which one is off that is known sooner
TOLD: Final = 0.8  # of the variance of pressure that the flow explains, where there is a system curve
FOLLOWED: Final = 5.0  # h within which the level that is pumped against is known
BEGUN: Final = 0.25  # h by which something is known of it
DOUBTED: Final = 0.1  # share of that which is learnt from what may be a burst


@dataclass(slots=True)
class Curve:
    """Pressure against the square of the flow, m = static + slope Q², least squares that forget over days of pumping.

    Means, and second moments around them.
    """

    hours: float = 0.0
    square: float = 0.0  # Q²
    pressure: float = 0.0
    squares: float = 0.0
    both: float = 0.0
    pressures: float = 0.0
    offset: float = 0.0  # m that the pressure is above it of late, as of a tank's level
    since: float = 0.0  # h of that, up to a few
    rest: float = 0.0  # mean square of what is off that too

    def learn(self, flow: float, pressure: float, hours: float, *, is_calm: bool) -> None:
        """Take in what was seen for *hours*; what may be a burst is hardly another level, and no other curve."""
        if self.slope is not None:
            off = pressure - self._expected(flow, self.slope)
            worth = hours if is_calm or self.since < BEGUN else DOUBTED * hours
            self.since += worth
            if self.rest == 0.0:
                self.rest = max(self.pressures - self.both * self.slope, 0.0)
            self.rest += worth / min(self.hours + hours, PUMPED_MEMORY) * (off**2 - self.rest)
            self.offset += worth / min(self.since, FOLLOWED) * off
        if not is_calm:
            return
        share = hours / min(self.hours + hours, PUMPED_MEMORY)
        x, y = flow**2 - self.square, pressure - self.pressure
        self.square += share * x
        self.pressure += share * y
        self.squares += share * ((1.0 - share) * x**2 - self.squares)
        self.both += share * ((1.0 - share) * x * y - self.both)
        self.pressures += share * ((1.0 - share) * y**2 - self.pressures)
        self.hours += hours

    def begin(self) -> None:
        """Nobody has pumped for long: what it was off before is not known any more."""
        self.since = 0.0

    def excess(self, flow: float, pressure: float) -> tuple[float, float] | None:
        """Share of the flow that is too much for the pressure, and its standard deviation; None without a curve."""
        slope = self.slope
        if slope is None or self.since < BEGUN or self.both**2 < TOLD * self.squares * self.pressures:
            return None
        usual = self.rest**0.5 / (2.0 * slope * self.square)
        if self.hours < (PUMPED if usual < EXACT else PUMPED_MEMORY):
            return None
        low = self._expected(flow, slope) - pressure
        return low / (2.0 * slope * flow**2), self.rest**0.5 / (2.0 * slope * flow**2)

    @property
    def slope(self) -> float | None:
        """Of pressure, m, against the square of the flow, (m³/h)²; None before there is one."""
        return self.both / self.squares if self.both > 0.0 and self.hours > PUMPED / 2.0 else None

    def _expected(self, flow: float, slope: float) -> float:
        return self.pressure + slope * (flow**2 - self.square) + self.offset
