"""What is known of the water that is drawn or flows in: a bounded past, what the pumps work against, the forecast."""

from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from agent.jobs.memory import JobMemory
from agent.plant import TankSettings
from agent.tariff import local
from analytics.forecast.series import Calendar
from analytics.hydraulics import Floats
from analytics.schedule.margin import scores
from analytics.schedule.storage import Storage

SLOT_MS = 1_800_000  # half an hour: a step of forecast and schedule
KEPT_SLOTS = 84 * 48  # twelve weeks
REACH = 2  # half hours until what a forecast missed is measured, planned for anew, and followed
KEPT_MISSED = 28 * 48  # forecasts, one each half hour: four weeks
_FADING = 0.9995  # weight of a minute an hour later is this to the sixtieth: about 33 hours of pumping count


@dataclass(slots=True)
class SystemSums:
    """Sums over minutes of pumping, of x = flow² and y = head of the pumps less (tank) or plus (well) the level."""

    n: float = 0.0
    x: float = 0.0
    y: float = 0.0
    xx: float = 0.0
    xy: float = 0.0
    yy: float = 0.0

    def update(self, flow: Floats, head: Floats) -> None:
        """Count minutes, oldest first; *head* without what the level adds, m."""
        x = flow**2
        weight = _FADING ** np.arange(len(x))[::-1]
        before = _FADING ** len(x)
        for name, product in (
            ("n", np.ones_like(x)),
            ("x", x),
            ("y", head),
            ("xx", x * x),
            ("xy", x * head),
            ("yy", head**2),
        ):
            setattr(self, name, before * getattr(self, name) + float(weight @ product))

    @property
    def fit(self) -> tuple[float, float, float]:
        """Static head, m, resistance, m per (m³/h)², and the standard deviation that is left over, m."""
        mean_x, mean_y = self.x / self.n, self.y / self.n
        spread = self.xx / self.n - mean_x**2
        slope = (self.xy / self.n - mean_x * mean_y) / spread if spread > 1e-6 * mean_x**2 else 0.0
        slope = max(slope, 0.0)
        rest = self.yy / self.n - mean_y**2 - slope * (2 * (self.xy / self.n - mean_x * mean_y) - slope * spread)
        return mean_y - slope * mean_x, slope, float(np.sqrt(max(rest, 0.0)))


@dataclass(slots=True)
class Expected:
    """A forecast: half hours from `start_ms` on, m³/h."""

    made_ms: int
    start_ms: int
    method: str
    centre: list[float]
    low: list[float]  # 5 %
    high: list[float]  # 95 %
    error: float  # mean absolute, over the past
    coverage: float  # share of the past between low and high
    added: list[float] = field(default_factory=list)  # m³, standard deviation of all that was missed by the end of each


@dataclass(slots=True)
class Asked:
    """The first steps of a forecast, until it is known what came in them."""

    start_ms: int
    centre: list[float]
    low: list[float]
    high: list[float]


@dataclass(slots=True)
class DemandState:
    """What the forecast job leaves for itself and for the schedule."""

    version: int = 1
    digest: str = ""  # of tank and flow meters that it was made from; empty: an earlier version did not say
    start_ms: int = 0  # of the first half hour
    slots: list[float | None] = field(default_factory=list)  # m³/h
    system: SystemSums = field(default_factory=SystemSums)
    expected: Expected | None = None
    why: str = "Nothing has been looked at yet."  # where nothing is expected
    doubt: str | None = None  # which tags were hardly measured in the newest half hours
    asked: list[Asked] = field(default_factory=list)  # the oldest first
    missed: list[list[float]] = field(default_factory=list)  # scores of forecasts since, the oldest first

    @property
    def end_ms(self) -> int:
        """Where the known past ends."""
        return self.start_ms + SLOT_MS * len(self.slots)

    def extend(self, values: Floats) -> None:
        """Put further half hours at the end; the oldest beyond twelve weeks are forgotten."""
        self.slots += [float(value) if np.isfinite(value) else None for value in values]
        excess = len(self.slots) - KEPT_SLOTS
        if excess > 0:
            self.slots = self.slots[excess:]
            self.start_ms += excess * SLOT_MS

    def judge(self) -> None:
        """Score forecasts whose first steps are over; what was not measured in them tells nothing."""
        done = [one for one in self.asked if one.start_ms + REACH * SLOT_MS <= self.end_ms]
        self.asked = [one for one in self.asked if one.start_ms + REACH * SLOT_MS > self.end_ms]
        for one in done:
            first = (one.start_ms - self.start_ms) // SLOT_MS
            came = np.array(self.slots[max(first, 0) : first + REACH], np.float64)  # None becomes NaN
            if first >= 0 and np.isfinite(came).all():
                found = scores(np.array(one.centre), np.array(one.low), np.array(one.high), came)
                self.missed.append([round(float(score), 3) for score in found])
        self.missed = self.missed[-KEPT_MISSED:]

    def expect(self, expected: Expected) -> None:
        """Take a new forecast, and note what will tell how good it was; one for the same time takes its place."""
        self.expected, self.why = expected, ""
        first = [each[:REACH] for each in (expected.centre, expected.low, expected.high)]
        self.asked = [one for one in self.asked if one.start_ms != expected.start_ms]
        self.asked.append(Asked(expected.start_ms, *first))


MEMORY = JobMemory(DemandState)


def storage_of(tank: TankSettings) -> Storage:
    """As the mathematics sees it."""
    is_filled = tank.kind == "tank"
    if tank.volumes:
        levels, volumes = np.array(tank.volumes, np.float64).T
        return Storage(levels, volumes, tank.level_min, tank.level_max, is_filled)
    return Storage.of_area(tank.area or 1.0, tank.level_min, tank.level_max, is_filled=is_filled)


def calendar(times_ms: NDArray[np.int64], zone: ZoneInfo) -> Calendar:
    """The station's own clock at half hours."""
    offsets = [local(int(time), zone).utcoffset() for time in times_ms]
    shift = np.array([0 if one is None else round(1_000 * one.total_seconds()) for one in offsets], np.int64)
    return Calendar(times_ms + shift)
