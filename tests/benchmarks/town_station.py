"""A simulated station that fills a tank for a town, or empties a well into which it drains, and what that costs.

Three pumps that are not of the model's form, noisy days, two prices of energy. What is true of it is known here only.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from analytics.dispatch.pump import Array
from analytics.forecast.series import Calendar
from analytics.schedule.problem import LONG, System
from analytics.schedule.storage import Storage
from tests.simulators.waterworks import UNLIKE

PUMPS = (UNLIKE[1], UNLIKE[2], UNLIKE[4])
AREA, LOW, HIGH, FIRST = 600.0, 1.0, 5.0, 3.0  # m², and levels in m
STORAGES = {kind: Storage.of_area(AREA, LOW, HIGH, is_filled=kind == "tank") for kind in ("tank", "well")}
SYSTEMS = {"tank": System(24.0, 2.2e-5), "well": System(30.0, 2.2e-5)}
STEP = 0.5  # h in which nothing is switched
A_DAY = 48
PARTS = 3  # of a step, through which flows stay as they are while the level moves
START_COST = 1.0  # money
CHEAP, DEAR = 0.12, 0.25  # money per kWh
DEAR_HOURS = (7, 21)
_PLACES = 48  # heads that are looked at together
_LOOKS = 3  # each in the piece that the last one leaves: below a millionth of a metre
_SPEED = 0.95
Speeds = Mapping[int, float]
Controller = Callable[["Station"], Speeds]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a step; arrays are of shape (pumps,)."""

    level: float  # m, where it begins
    head: float  # m
    flows: Array  # m³/h
    powers: Array  # kW


@dataclass(slots=True)
class Station:
    """The true one, and what became of it so far."""

    drawn: Array  # m³/h in each step, those before the start included
    calendar: Calendar
    kind: str = "tank"
    place: int = 0
    level: float = FIRST
    speeds: Speeds = field(default_factory=dict)  # of the last step
    held: tuple[int, ...] = (LONG,) * len(PUMPS)
    parts: list[Part] = field(default_factory=list)  # of the last step
    money: float = 0.0
    energy: float = 0.0
    starts: int = 0
    pumped: float = 0.0
    first: float = FIRST  # level since when all that is counted
    beyond: set[int] = field(default_factory=set)  # days with a level beyond its limits

    @property
    def storage(self) -> Storage:
        """Its tank or well."""
        return STORAGES[self.kind]

    @property
    def price(self) -> Array:
        """Of the next day's steps, money per kWh."""
        hours = 24 * self.calendar.day_share[self.place : self.place + A_DAY]
        return np.where((hours >= DEAR_HOURS[0]) & (hours < DEAR_HOURS[1]), DEAR, CHEAP)

    @property
    def due(self) -> float:
        """What it has paid, less the worth of what is in the tank beyond its first level, or in the well below it."""
        left = self.storage.volume(np.array([self.first, self.level]))
        return self.money - self.money / self.pumped * self.storage.sign * float(left[1] - left[0])

    def count_from_now(self) -> None:
        """Forget what it has cost so far."""
        self.money = self.energy = self.pumped = 0.0
        self.starts, self.first, self.beyond = 0, self.level, set()

    def run(self, speeds: Speeds) -> None:
        """A step with pumps at *speeds*."""
        price, before = float(self.price[0]), self.speeds
        starts = len(speeds.keys() - before.keys())
        self.starts += starts
        self.money += START_COST * starts
        self.parts = [self._part(speeds, price) for _ in range(PARTS)]
        self.held = tuple(held + 1 if (one in speeds) == (one in before) else 1 for one, held in enumerate(self.held))
        self.place, self.speeds = self.place + 1, dict(speeds)

    def _part(self, speeds: Speeds, price: float) -> Part:
        level, hours = self.level, STEP / PARTS
        head, flows = self.duty(speeds)
        powers = np.zeros(len(PUMPS))
        for one, speed in speeds.items():
            powers[one] = PUMPS[one].power(flows[one], np.array(speed))
        self.energy += hours * float(powers.sum())
        self.money += hours * price * float(powers.sum())
        self.pumped += hours * float(flows.sum())
        change = self.storage.sign * hours * float(flows.sum() - self.drawn[self.place])
        self.level = float(self.storage.level(self.storage.volume(np.array(level)) + change))
        if not LOW <= self.level <= HIGH:
            self.beyond.add(self.place // A_DAY)
        return Part(level, head, flows, powers)

    def duty(self, speeds: Speeds) -> tuple[float, Array]:
        """Head, m, and flows, m³/h, of the true pumps, where they meet the system at the present level."""
        system, flows = SYSTEMS[self.kind], np.zeros(len(PUMPS))
        low = system.static_head + self.storage.sign * self.level
        if not speeds:
            return low, flows
        high = low + 30.0
        for _ in range(_LOOKS):
            heads = np.linspace(low, high, _PLACES)
            each = {one: PUMPS[one].flow(heads, np.array(speed)) for one, speed in speeds.items()}
            asked = system.static_head + self.storage.sign * self.level + system.resistance * sum(each.values()) ** 2
            place = int(np.clip(np.searchsorted(heads - asked, 0.0), 1, _PLACES - 1))
            low, high = heads[place - 1], heads[place]
        head = (low + high) / 2
        for one, speed in speeds.items():
            flows[one] = PUMPS[one].flow(np.array(head), np.array(speed))
        return float(head), flows


def by_level(station: Station, speed: float = _SPEED) -> Speeds:
    """Present operation: one more where the tank is below 40 % of its band, one less above 80 %; of a well likewise.

    The order in which pumps are added changes daily.
    """
    share = (station.level - LOW) / (HIGH - LOW)
    share = share if station.storage.is_filled else 1 - share
    day = station.place // A_DAY
    order = [(day + one) % len(PUMPS) for one in range(len(PUMPS))]
    wanted = len(station.speeds) + (share < 0.4) - (share > 0.8)
    wanted = min(max(wanted, 0), len(PUMPS))
    kept = [one for one in order if one in station.speeds][:wanted]
    return dict.fromkeys(kept + [one for one in order if one not in kept][: wanted - len(kept)], speed)
