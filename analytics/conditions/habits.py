"""What a header usually gives, and whether more is drawn now: a burst takes more water at no more pressure."""

from dataclasses import dataclass, field
from math import exp, log, sqrt
from typing import Final, NamedTuple

from analytics.conditions.curve import Curve
from analytics.conditions.today import Today

HOUR_MS: Final = 3_600_000
SLOTS: Final = 48  # of a day
SMOOTH_MS: Final = 15 * 60_000  # over which whims of those who draw are taken together
UNLIKE: Final = 0.05  # share that a day is off days of the other kind, before anything is known
LEAST_LEVEL: Final = 0.04  # share that a day may have less and end with what is usual
HOUR: Final = SLOTS // 24  # slots
NEAR: Final = (-0.5, 0.0, 0.5)  # slots that people are early or late
LONGEST_MS: Final = 2 * 60_000  # that one look counts for
KNOWN: Final = 0.9  # h of a slot: two days
BELIEVED: Final = 1.5  # h of a slot that the first spread is worth
REGULAR: Final = 0.008  # mean square by which a header's days may differ, as a share, to be known after two
IRREGULAR: Final = 4.0  # h of a slot of any other: eight days
SCATTERED: Final = 120.0  # h over which that is taken: five days
MEMORY: Final = 5.0  # h of a slot: ten days
LEAST_SEEN: Final = 0.55  # h of a slot: more than one day
FIRST_STD: Final = 0.04  # of the flow, as a share, before anything is known
LEAST: Final = 0.08  # share of the flow: less is no burst
SURE: Final = 3.5  # standard deviations
DOWN: Final = 0.01  # share of the pressure that is down
SURER: Final = 0.75  # of that many are enough where the pressure is down
DOUBTED: Final = 0.55  # of what is a burst
SLOWED: Final = 0.1  # so much is learnt of today while that is doubted
SLACK: Final = 0.8  # of what is a burst: only what is above it adds up
MOST: Final = 2.0  # shares of what is a burst that add up at once: ten minutes of filling are none
ENOUGH: Final = 0.3  # h of shares above the slack, added up
KEPT: Final = 0.44  # h of them at most, so that an end is told soon
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
    variance: float = FIRST_STD**2  # of what was more than expected, as a share, on days before this one
    fresh: float = 0.0  # mean square of that today
    fresh_hours: float = 0.0

    def begin(self) -> None:
        """It is another day: what surprised on the last one is no surprise any more."""
        if self.fresh_hours:
            self.variance += self.fresh_hours / min(self.hours + BELIEVED, MEMORY) * (self.fresh - self.variance)
            self.fresh = self.fresh_hours = 0.0

    def learn(self, flow: float, pressure: float, excess: float, hours: float) -> None:
        """Take in what was seen for *hours*, and how much more than expected that was; less tells nothing."""
        share = hours / min(self.hours + hours, MEMORY)
        self.flow += share * (flow - self.flow)
        self.pressure += share * (pressure - self.pressure)
        self.hours += hours
        self.fresh_hours += hours
        square = 2.0 * max(excess, 0.0) ** 2  # as if it were less as often
        self.fresh += hours / self.fresh_hours * (square - self.fresh)


class Compared(NamedTuple):
    """Logarithms that are above what days of one kind have at this time."""

    middle: float  # of the flow
    flow: float  # above the most a little earlier or later, and as late as today is
    pressure: float  # above the least a little earlier or later
    steep: float  # what they rise in an hour


@dataclass(slots=True)
class Habits:
    """What one header usually gives by the time of day, and by its pressure where that tells the flow.

    A town draws what it draws at each hour of workdays and weekends, and on some days a little more of all, or later; a
    rising main takes what its pressure presses through. A burst adds to either, within minutes or hours: what is above
    that is added up (a cumulative sum, Page 1954), and while it is, little is learnt of how today is. What comes over
    days cannot be told from a town that grows, and a burst that stays is a habit after days.

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
    place: int = -1  # the slot of the last look
    scatter: float = 0.0  # mean square by which days differ
    scattered: float = 24.0  # h of that, the first ones as if there had been none
    sum: float = 0.0  # h of shares of what is a burst, above the slack
    slots: dict[int, Usual] = field(default_factory=dict)
    today: dict[bool, Today] = field(default_factory=dict)  # as a weekend or not
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
        if since_ms > HOUR_MS:
            self.curve.begin()
        place = self._entered(int(look.day_share * SLOTS) % SLOTS + SLOTS * look.is_weekend)
        days = self._compared(look.day_share * SLOTS - 0.5, is_weekend=look.is_weekend)
        excess, is_down = self._excess(days, place, is_weekend=look.is_weekend)
        by_day = [excess / self._allowed(place, is_down=is_down)] if days else []
        by_pressure = self.curve.excess(exp(self.flow), exp(self.pressure))
        told = [] if by_pressure is None else [by_pressure[0] / max(LEAST, SURE * by_pressure[1])]
        most, hours = max(by_day + told, default=0.0), min(since_ms, LONGEST_MS) / HOUR_MS
        self.sum = _within(self.sum + (min(most, MOST) - SLACK) * hours, 0.0, KEPT)
        self._learn_today(days, hours, is_calm=self.sum == 0.0 and most < DOUBTED)
        self._learn(place, hours, excess)
        return self.sum >= ENOUGH if by_day or told else None

    def _entered(self, place: int) -> int:
        """The slot of a look, which begins anew where the last was another's."""
        if place != self.place and place in self.slots:
            self.slots[place].begin()
        self.place = place
        return place

    def _smooth(self, look: Look, since_ms: int) -> None:
        keep = exp(-since_ms / SMOOTH_MS) if self.slots and since_ms <= SMOOTH_MS else 0.0
        self.flow = log(look.flow) + keep * (self.flow - log(look.flow))
        self.pressure = log(look.pressure) + keep * (self.pressure - log(look.pressure))
        self.seen_ms = look.at_ms

    def _compared(self, place: float, *, is_weekend: bool) -> dict[bool, Compared]:
        """With each kind of day that is known, as people are early or late; none while today's is not."""
        known = [one for one in (False, True) if self._is_known(place, one)]
        found = dict[bool, Compared]()
        for kind in known if is_weekend in known else []:
            today = self.today.setdefault(kind, Today(misfit=UNLIKE**2 * (kind != is_weekend)))
            flows, pressures = zip(*(self._between(place + early, kind) for early in NEAR), strict=True)
            late = [self._between(place - today.late * HOUR + early, kind)[0] for early in NEAR]
            steep = self._between(place + HOUR / 2, kind)[0] - self._between(place - HOUR / 2, kind)[0]
            more, most = self.flow - flows[1], max(*flows, *late)
            found[kind] = Compared(more, self.flow - most, self.pressure - min(pressures), steep)
        return found

    def _excess(self, days: dict[bool, Compared], place: int, *, is_weekend: bool) -> tuple[float, bool]:
        """Share of the flow that is too much for any kind of day that today may be, and whether pressure is down.

        A holiday is a weekend: where today has fitted the other kind as well, it may be of that.
        """
        found = list[tuple[float, bool]]()
        for kind, seen in days.items():
            today, usual = self.today[kind], self.today[is_weekend]
            if kind == is_weekend or today.misfit <= usual.misfit + self._variance(place) / 4.0:
                excess = seen.flow - max(today.level, -LEAST_LEVEL) - max(seen.pressure, 0.0) / 2.0
                found.append((excess, seen.pressure < -DOWN))
        return min(found, default=(0.0, False))

    def _is_known(self, place: float, is_weekend: bool) -> bool:  # noqa: FBT001 - a kind of day
        least = KNOWN if self.scatter < REGULAR else IRREGULAR
        return all(self._slot(int(place // 1) + step, is_weekend).hours >= least for step in (-1, 0, 1, 2))

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

    def _variance(self, place: int) -> float:
        """Of what was more than expected, around this time of day; where days have nothing in common, at any time."""
        found = sum(self._slot(place + step, place >= SLOTS).variance for step in (-2, -1, 0, 1, 2)) / 5.0
        return found if self.scatter < REGULAR else max(found, self.scatter)

    def _allowed(self, place: int, *, is_down: bool) -> float:
        """How much more is no burst."""
        return max(LEAST, (SURER if is_down else 1.0) * SURE * sqrt(self._variance(place)))

    def _learn_today(self, days: dict[bool, Compared], hours: float, *, is_calm: bool) -> None:
        """What may be a burst is hardly another day."""
        for kind, seen in days.items():
            self.today[kind].learn(seen.middle, seen.steep, hours if is_calm else SLOWED * hours)
        self.curve.learn(exp(self.flow), exp(self.pressure), hours, is_calm=is_calm)

    def _learn(self, place: int, hours: float, excess: float) -> None:
        """What is a burst widens nothing."""
        own = self.slots.setdefault(place, Usual())
        if own.hours > LEAST_SEEN:
            share = (hours if self.sum < ENOUGH else SLOWED * hours) / min(self.scattered + hours, SCATTERED)
            self.scatter += share * ((self.flow - own.flow) ** 2 - self.scatter)
            self.scattered += hours
        std = own.variance**0.5
        reach = LEAST + 3.0 * std
        seen = _within(self.flow, own.flow - reach, own.flow + reach) if own.hours else self.flow
        surprise = _within(excess, 0.0, self._allowed(place, is_down=False))
        own.learn(seen, self.pressure, surprise if self.sum < ENOUGH else std / 2.0**0.5, hours)


def _within(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)
