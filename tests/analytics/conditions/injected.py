"""Faults put into days of a simulated station, each seed another: what is named, and after how long."""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Final

import numpy as np

from agent.demo.pumps import PUMPS
from analytics.conditions.habits import Habits
from analytics.conditions.persistence import Persistence
from analytics.conditions.physics import claims
from analytics.conditions.sight import HeaderSight, Suspicion
from analytics.curves.model import StationModel
from tests.analytics.conditions.station import (
    DAY,
    HOUR,
    LOOK_MS,
    Drawn,
    Fault,
    Kind,
    Operation,
    accustomed,
    learnt,
    sights,
)

KNOWN: Final = 10  # days
LEARNT: Final = 3  # of them
Found = Mapping[Suspicion, float]  # minutes from the fault to what became active
HOURS: Final[Mapping[Kind, float]] = {  # that each lasts
    "dry_run": 1.0,
    "closed_valve": 1.0,
    "blockage": 2.0,
    "cavitation": 2.0,
    "outside_por": 1.0,
    "too_many_starts": 2.0,
    "reverse_flow": 0.5,
    "head_sensor_drift": 2.0,
    "flow_meter_drift": 2.0,
    "burst": 4.0,
}
NIGHT: Final = 3 * HOUR  # when little is drawn


def drawn(kind: Kind, rng: np.random.Generator, begin: int, pump: int) -> Fault:  # noqa: PLR0911 - one a kind
    """A fault of some size."""
    match kind:
        case "blockage":  # rags brake it, stones throttle it
            more = rng.uniform(0.06, 0.15) if rng.random() < 0.5 else rng.uniform(-0.2, -0.1)
            return Fault(kind, begin, rng.uniform(0.25, 0.4), 40, pump, more)
        case "cavitation":
            return Fault(kind, begin, rng.uniform(6.5, 7.0), 40, pump)
        case "outside_por":
            return Fault(kind, NIGHT, pump=pump)
        case "too_many_starts":
            return Fault(kind, begin, float(rng.integers(8, 14)), pump=2)
        case "reverse_flow":
            return Fault(kind, NIGHT, rng.uniform(30.0, 80.0), pump=pump)
        case "head_sensor_drift":
            return Fault(kind, begin, 0.03, pump=pump)
        case "flow_meter_drift":
            return Fault(kind, begin, float(rng.choice([-0.07, 0.07])), pump=pump)
        case "burst":  # of a main of 100 to 150 mm at 3 bar, at once or within two hours
            return Fault(kind, begin, rng.uniform(110.0, 200.0), int(rng.choice([0, 2 * HOUR])), pump)
        case _:
            return Fault(kind, begin, pump=pump)


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of a station after its first days."""

    town: Drawn
    model: StationModel
    habits: Habits

    @classmethod
    def of(cls, seed: int, days: int) -> "Past":
        """And *days* to come."""
        town = Drawn.of(seed, KNOWN + days)
        return cls(town, learnt(Operation(town.part(0, LEARNT))), accustomed(Operation(town.part(0, KNOWN))))

    def seen(self, days: int, fault: Fault, first: int, last: int) -> list[tuple[int, HeaderSight]]:
        """The days to come with a fault, from look *first* to *last*."""
        habits, town = deepcopy(self.habits), self.town.part(KNOWN, days)
        start_ms = LOOK_MS * KNOWN * DAY
        return sights(Operation(town, fault), self.model, habits, slice(first, last), start_ms)

    def running(self, look: int) -> list[int]:
        """The pumps that run at a look of the next day when nothing is wrong, and for some hours around it."""
        ran = Operation(self.town.part(KNOWN, 1)).running[look - HOUR : look + HOUR].all(axis=0)
        return [int(place) for place in np.flatnonzero(ran)]


def followed(seen: Iterable[tuple[int, HeaderSight]], begin_ms: int) -> Found:
    """What became active, and how many minutes after the fault had begun."""
    watch, found = Persistence(), dict[Suspicion, float]()
    for at_ms, sight in seen:
        watch.update(claims(sight), at_ms)
        for suspicion in watch.active:
            found.setdefault(suspicion, (at_ms - begin_ms) / 60_000)
    return found


def begin_of(past: Past, rng: np.random.Generator) -> tuple[int, int]:
    """A look at which something runs and goes on, and a pump that does."""
    while True:
        begin = int(rng.integers(3 * HOUR, 18 * HOUR))
        if running := past.running(begin):
            return begin, int(rng.choice(running))


def tried(kind: Kind, past: Past, seed: int) -> tuple[float, Found]:
    """Minutes to the right name (NaN: never), and what else was named."""
    rng = np.random.default_rng([seed, len(kind)])
    fault = drawn(kind, rng, *begin_of(past, rng))
    last = fault.begin + int(HOURS[kind] * HOUR) + 1
    first = 0 if kind == "burst" else fault.begin - HOUR  # how the day has been so far tells a burst
    found = dict(followed(past.seen(1, fault, first, last), LOOK_MS * (KNOWN * DAY + fault.begin)))
    of_header = kind in {"reverse_flow", "head_sensor_drift", "flow_meter_drift", "burst"}
    suspects = ("p1", "p2", "p3") if kind == "outside_por" else ("main" if of_header else PUMPS[fault.pump].name,)
    named = [found.pop(one) for one in list(found) if one.kind == kind and one.suspect in suspects]
    right = min(named, default=np.nan)
    return right, {one: at for one, at in found.items() if one.kind not in {kind, "outside_por"}}
