"""What a header usually gives, and whether more is drawn now: a burst takes more water at no more pressure."""

from dataclasses import dataclass, field
from math import exp, log, sqrt
from typing import Final

HOUR_MS: Final = 3_600_000
SLOTS: Final = 48  # of a day
SMOOTH_MS: Final = 20 * 60_000  # over which whims of those who draw are taken together
OFFSET_MS: Final = 2 * HOUR_MS  # within which today being unlike other days is known
LEAST_OFFSET: Final = 0.03  # share that a day may have less and end with what is usual
EARLY: Final = 0.5  # slots that people are early or late
LONGEST_MS: Final = 2 * 60_000  # that one look counts for
KNOWN: Final = 0.9  # h of a slot: two days
BELIEVED: Final = 1.5  # h of a slot that the first spread is worth
MEMORY: Final = 5.0  # h of a slot: ten days
PUMPED: Final = 24.0  # h of pumping that tell a system curve
PUMPED_MEMORY: Final = 96.0  # h of pumping
FIRST_STD: Final = 0.04  # of the flow, as a share, before anything is known
LEAST: Final = 0.08  # share of the flow: less is no burst
SURE: Final = 3.5  # standard deviations
DOWN: Final = 0.01  # share of the pressure that is down
SURER: Final = 0.75  # of that many are enough where the pressure is down
DOUBTED: Final = 0.5  # of what is a burst
TOLD: Final = 0.8  # of the variance of pressure that the flow explains, where there is a system curve
LEAST_FLOW: Final = 1e-3  # m³/h


@dataclass(frozen=True, slots=True)
class Look:
    """A header at one instant.

    Attributes:
        at_ms: When.
        day_share: Of the local day, 0 to 1.
        is_weekend: There, too.
        flow: m³/h.
        pressure: Gauge, m.
    """

    at_ms: int
    day_share: float
    flow: float
    pressure: float
    is_weekend: bool = False


@dataclass(slots=True)
class Usual:
    """Logarithms of flow and pressure in one slot of workdays or weekends, over some ten days of them."""

    hours: float = 0.0
    flow: float = 0.0
    pressure: float = 0.0
    variance: float = FIRST_STD**2  # of what was more than expected, as a share

    def learn(self, flow: float, pressure: float, excess: float, hours: float) -> None:
        """Take in what was seen for *hours*, and how much more than expected that was; less tells nothing."""
        share = hours / min(self.hours + hours, MEMORY)
        self.flow += share * (flow - self.flow)
        self.pressure += share * (pressure - self.pressure)
        square = 2.0 * max(excess, 0.0) ** 2  # as if it were less as often
        self.variance += hours / min(self.hours + BELIEVED + hours, MEMORY) * (square - self.variance)
        self.hours += hours


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

    def learn(self, flow: float, pressure: float, hours: float) -> None:
        """Take in what was seen for *hours*."""
        share = hours / min(self.hours + hours, PUMPED_MEMORY)
        x, y = flow**2 - self.square, pressure - self.pressure
        self.square += share * x
        self.pressure += share * y
        self.squares += share * ((1.0 - share) * x**2 - self.squares)
        self.both += share * ((1.0 - share) * x * y - self.both)
        self.pressures += share * ((1.0 - share) * y**2 - self.pressures)
        self.hours += hours

    def excess(self, flow: float, pressure: float) -> tuple[float, float] | None:
        """Share of the flow that is too much for the pressure, and its standard deviation; None without a curve."""
        if self.hours < PUMPED or self.both <= 0.0 or self.both**2 < TOLD * self.squares * self.pressures:
            return None
        slope = self.both / self.squares
        low = self.pressure + slope * (flow**2 - self.square) - pressure
        rest = max(self.pressures - self.both * slope, 0.0)
        return low / (2.0 * slope * flow**2), rest**0.5 / (2.0 * slope * flow**2)


@dataclass(slots=True)
class Habits:
    """What one header usually gives by the time of day, and by its pressure where that tells the flow.

    A town draws what it draws at each hour of workdays and weekends, and on some days a little more of all; a rising
    main takes what its pressure presses through. A burst adds to either, within minutes or hours. What comes over days
    cannot be told from a town that grows. While a burst is claimed the habits learn little of it, so that it is
    forgotten in a week or two.

    >>> town = Habits()
    >>> for day in range(4):
    ...     for minute in range(1440):
    ...         at_ms = 60_000 * (1440 * day + minute)
    ...         if town.is_burst(Look(at_ms, minute / 1440, 400.0 if 400 < minute < 1300 else 250.0, 40.0)): print(day)
    >>> for minute in range(60):
    ...     said = town.is_burst(Look(at_ms + 60_000 * minute, minute / 1440, 370.0, 37.0))
    >>> said
    True
    """

    seen_ms: int = 0
    flow: float = 0.0  # logarithm, smoothed
    pressure: float = 0.0
    offset: float = 0.0  # what today has more than other days, as a share
    slots: dict[int, Usual] = field(default_factory=dict)
    curve: Curve = field(default_factory=Curve)

    def is_burst(self, look: Look) -> bool | None:
        """Learn from a look later than the last, and say whether more is drawn than that; None while nobody knows."""
        if look.flow < LEAST_FLOW or look.pressure <= 0.0:
            return None
        since_ms = look.at_ms - self.seen_ms
        if since_ms <= 0:
            if since_ms < -LONGEST_MS:  # the clock was set back
                self.seen_ms = look.at_ms
            return None
        self._smooth(look, since_ms)
        place = int(look.day_share * SLOTS) % SLOTS + SLOTS * look.is_weekend
        usual = self._usual(look.day_share * SLOTS - 0.5, is_weekend=look.is_weekend)
        more = 0.0 if usual is None else self.flow - _within(self.flow, usual[0], usual[1])
        risen = 0.0 if usual is None else self.pressure - usual[2]
        excess = more - max(self.offset, -LEAST_OFFSET) - max(risen, 0.0) / 2.0
        by_day = [] if usual is None else [excess / self._allowed(place, is_down=risen < -DOWN)]
        by_pressure = self.curve.excess(exp(self.flow), exp(self.pressure))
        told = [] if by_pressure is None else [by_pressure[0] / max(LEAST, SURE * by_pressure[1])]
        most = max(by_day + told, default=0.0)
        self._learn(place, min(since_ms, LONGEST_MS), more, excess, most)
        return most > 1.0 if by_day or told else None

    def _smooth(self, look: Look, since_ms: int) -> None:
        keep = exp(-since_ms / SMOOTH_MS) if self.slots and since_ms <= SMOOTH_MS else 0.0
        self.flow = log(look.flow) + keep * (self.flow - log(look.flow))
        self.pressure = log(look.pressure) + keep * (self.pressure - log(look.pressure))
        self.seen_ms = look.at_ms

    def _usual(self, place: float, *, is_weekend: bool) -> tuple[float, float, float] | None:
        """The least and most that is drawn at this time of other days, and the least pressure; None while unknown.

        People are early or late, and holidays are weekends: all that is between is usual.
        """
        known = [one for one in (is_weekend, not is_weekend) if self._is_known(place, one)]
        if is_weekend not in known:
            return None
        times = [(place + late, kind) for late in (-EARLY, 0.0, EARLY) for kind in known]
        flows, pressures = zip(*(self._between(*time) for time in times), strict=True)
        return min(flows), max(flows), min(pressures)

    def _is_known(self, place: float, is_weekend: bool) -> bool:  # noqa: FBT001 - a kind of day
        return all(self._slot(int(place // 1) + step, is_weekend).hours >= KNOWN for step in (-1, 0, 1, 2))

    def _between(self, place: float, is_weekend: bool) -> tuple[float, float]:  # noqa: FBT001 - a kind of day
        """Flow and pressure between the middles of two slots."""
        low, share = int(place // 1), place % 1
        before, after = self._slot(low, is_weekend), self._slot(low + 1, is_weekend)
        return (
            (1.0 - share) * before.flow + share * after.flow,
            (1.0 - share) * before.pressure + share * after.pressure,
        )

    def _slot(self, place: int, is_weekend: bool) -> Usual:  # noqa: FBT001 - a kind of day
        return self.slots.get(place % SLOTS + SLOTS * is_weekend) or Usual()

    def _allowed(self, place: int, *, is_down: bool) -> float:
        """How much more is no burst."""
        near = [self._slot(place + step, place >= SLOTS).variance for step in (-1, 0, 1)]
        return max(LEAST, (SURER if is_down else 1.0) * SURE * sqrt(max(near)))

    def _learn(self, place: int, since_ms: int, more: float, excess: float, most: float) -> None:
        """*most* in shares of what is a burst: what may be one is no other day, and what is one widens nothing."""
        own, hours = self.slots.setdefault(place, Usual()), since_ms / HOUR_MS
        std = own.variance**0.5
        if most < DOUBTED:
            self.offset += (1.0 - exp(-since_ms / OFFSET_MS)) * (more - self.offset)
            self.curve.learn(exp(self.flow), exp(self.pressure), hours)
        reach = LEAST + 3.0 * std
        seen = _within(self.flow, own.flow - reach, own.flow + reach) if own.hours else self.flow
        own.learn(seen, self.pressure, excess if most < 1.0 else std / 2.0**0.5, hours)


def _within(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)
