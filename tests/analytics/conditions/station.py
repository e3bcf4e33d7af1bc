"""Days of a simulated station with a town behind it, with something wrong from some instant on; all as arrays.

Four pumps of the simulated station (one worn, one of fixed speed) keep a header's pressure, less at night, by a common
speed that a controller sets, and are added and taken away by what the town draws: each day's pattern is a little more
or less than other days', weekends rise later, and people have whims. One flow meter, one gauge on either side and a
power meter each show it with noise and errors that wander for hours.
"""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agent.demo.plant import ELEVATION
from agent.demo.pumps import PUMPS, WATER, Pump
from analytics.conditions.expected import Expected, expected
from analytics.conditions.habits import Habits, Look
from analytics.conditions.sight import HeaderSight, PumpSight
from analytics.curves.estimator import StationCurves
from analytics.curves.model import StationModel
from analytics.curves.points import Points
from analytics.curves.prior import Plate
from analytics.hydraulics import Floats
from analytics.npsh import available

LOOK_MS = 30_000
HOUR, DAY = 120, 2_880  # looks
SETTLED = 3  # looks after a start or stop in which nothing is said
STATIC, SETPOINT, NIGHT = 18.0, 32.0, 30.0  # m
SUCTION = -2.0  # m, gauge
LOWEST = 0.6  # relative speed
NPSH = 3.5  # m required at rated flow
SETS = (((0,), (0, 2), (0, 1), (0, 1, 2)), ((1,), (1, 3), (0, 1), (0, 1, 3)))  # of even and odd days
FULL = np.array([400.0, 390.0, 235.0, 235.0])  # m³/h that each gives at the setpoint and rated speed, about

Kind = Literal[
    "dry_run", "closed_valve", "blockage", "cavitation", "outside_por", "too_many_starts", "reverse_flow", "burst",
    "flow_meter_drift", "head_sensor_drift", "efficiency_low", "none",
]  # fmt: skip


class Fault(NamedTuple):
    """What is wrong.

    Attributes:
        kind: As conditions are named.
        begin: Look at which it begins.
        size: As its kind has it: a share, m³/h of a burst at the setpoint, m of suction.
        growth: Looks until it is as large as that.
        pump: Place of the pump.
        power: Share of power more that a clogged pump draws than a whole one at its speed and head.
    """

    kind: Kind
    begin: int
    size: float = 1.0
    growth: int = 0
    pump: int = 0
    power: float = 0.0


NOTHING = Fault("none", 0, 0.0)


@dataclass(slots=True)
class Drawn:
    """A town's days.

    Attributes:
        demand: m³/h at the setpoint, one value a look.
        seed: That all else is drawn from.
        day: Number of the first day, for weekends and pumps in turn.
    """

    demand: Floats
    seed: int
    day: int = 0

    @classmethod
    def of(cls, seed: int, days: int) -> "Drawn":
        """From midnight on."""
        rng = np.random.default_rng(seed)
        hour = np.tile(np.arange(DAY) * 24 / DAY, days)
        number = np.repeat(np.arange(days), DAY)
        late = np.where(number % 7 >= 5, 1.5, 0.0) + np.repeat(rng.normal(0.0, 0.15, days), DAY)
        usual = 270.0 + sum(
            height * np.exp(-(((hour - centre - late * (centre < 12)) / width) ** 2))
            for height, centre, width in ((340.0, 8.0, 2.2), (160.0, 13.5, 3.5), (280.0, 19.0, 2.8))
        )
        by_day = np.exp(_wandering(rng, days, 0.04, 2.0))
        drift = np.interp(np.arange(days * DAY) / DAY, np.arange(days) + 0.5, by_day)
        return cls(usual * drift * np.exp(_wandering(rng, days * DAY, 0.035, 30.0)), seed)

    def part(self, first: int, days: int) -> "Drawn":
        """Some whole days of it."""
        return Drawn(self.demand[first * DAY : (first + days) * DAY], self.seed + 1_000 * first, self.day + first)


def _wandering(rng: np.random.Generator, n: int, std: float, steps: float) -> Floats:
    """What returns to 0 within so many steps."""
    keep, found = np.exp(-1.0 / steps), np.empty(n)
    now, shocks = rng.normal(0.0, std), rng.normal(0.0, std * np.sqrt(1.0 - keep**2), n)
    for place in range(n):
        now = keep * now + shocks[place]
        found[place] = now
    return found


@dataclass(slots=True)
class Operation:
    """A station's meters over some days, one row a look; powers and speeds shape (n, 4)."""

    drawn: Drawn
    fault: Fault = NOTHING
    running: NDArray[np.bool_] = field(init=False)
    speeds: Floats = field(init=False)
    head: Floats = field(init=False)  # of the pumps, as gauges show it, m
    pressure: Floats = field(init=False)  # m
    suction: Floats = field(init=False)  # m
    flow: Floats = field(init=False)  # m³/h
    powers: Floats = field(init=False)  # kW
    flows: Floats = field(init=False)  # true ones of the pumps, m³/h
    starts: NDArray[np.int64] = field(init=False)  # of each pump within the last hour

    def __post_init__(self) -> None:
        """Let it run, and read its meters."""
        rng, n = np.random.default_rng(self.drawn.seed + 77), len(self.drawn.demand)
        grown = self._grown(n)
        self.running = self._staged(grown)
        self.starts = _starts(self.running)
        hour = (np.arange(n) % DAY) / HOUR
        target = np.where((hour > 5.0) & (hour < 23.0), SETPOINT, NIGHT)
        if self.fault.kind == "head_sensor_drift":
            target = target / (1.0 + self.fault.size * grown)  # the controller believes the sensor
        suction = SUCTION + 0.3 * np.sin(np.arange(n) / 900.0) - 6e-7 * self.drawn.demand**2
        suction -= self.fault.size * grown if self.fault.kind == "cavitation" else 0.0
        self.speeds, pressure = self._controlled(target, suction, grown, rng)
        lift = pressure + ELEVATION - suction
        self.flows = self._flows(lift, self.speeds, grown)
        self._read(pressure, suction, lift, grown, rng)

    def _grown(self, n: int) -> Floats:
        """How much of the fault is there, 0 to 1."""
        since = np.arange(n) - self.fault.begin
        return np.asarray(np.clip((since + 1.0) / (self.fault.growth + 1.0), 0.0, 1.0) * (self.fault.kind != "none"))

    def _staged(self, grown: Floats) -> NDArray[np.bool_]:
        """Which pumps run: one more after five minutes of too little, one less after a quarter of an hour."""
        n, share = len(grown), np.ones((len(grown), len(PUMPS)))
        share[:, self.fault.pump] = self._left(grown)
        wanted = self.drawn.demand + (self.fault.size * grown if self.fault.kind == "burst" else 0.0)
        running, place, more, less = np.zeros((n, len(PUMPS)), np.bool_), 1, 0, 0
        for look in range(n):
            sets = SETS[(self.drawn.day + look // DAY) % 2]
            room = [sum(FULL[one] * share[look, one] for one in pumps) for pumps in sets]
            more = more + 1 if wanted[look] > 0.97 * room[place] else 0
            less = less + 1 if place and wanted[look] < 0.93 * room[place - 1] else 0
            place += (more > 10 and place < len(sets) - 1) - (less > 30)
            more, less = more if more <= 10 else 0, less if less <= 30 else 0
            running[look, list(sets[place])] = True
        return self._forced(running)

    def _forced(self, running: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """What is wrong with the way the pumps are run."""
        since = np.arange(len(running)) - self.fault.begin
        if self.fault.kind == "too_many_starts":
            running[since >= 0, self.fault.pump] = (since[since >= 0] // self.fault.size) % 2 == 1
        if self.fault.kind == "outside_por":
            running[since >= 0, :3] = True
        if self.fault.kind == "reverse_flow":
            running[since >= 0] = False
        if self.fault.kind in {"dry_run", "closed_valve", "blockage", "cavitation", "efficiency_low"}:
            running[since >= -60, self.fault.pump] = True
        return running

    def _left(self, grown: Floats) -> Floats:
        """Share of its flow that is left to the pump with the fault."""
        lost = {"dry_run": 1.0, "closed_valve": 1.0, "blockage": self.fault.size}.get(self.fault.kind, 0.0)
        return np.asarray(1.0 - lost * grown)

    def _flows(self, lift: Floats, speeds: Floats, grown: Floats) -> Floats:
        found = np.stack([flow_at(pump, lift, speeds[:, place]) for place, pump in enumerate(PUMPS)], axis=1)
        found[:, self.fault.pump] *= self._left(grown)
        return found

    def _taken(self, pressure: Floats, grown: Floats) -> Floats:
        """What goes into the town, m³/h."""
        over = np.maximum(pressure - STATIC, 0.0) / (SETPOINT - STATIC)
        leak = self.fault.size * grown * np.sqrt(pressure / SETPOINT) if self.fault.kind == "burst" else 0.0
        return np.asarray(self.drawn.demand * over**0.15 + leak)

    def _controlled(
        self, target: Floats, suction: Floats, grown: Floats, rng: np.random.Generator
    ) -> tuple[Floats, Floats]:
        """Speeds that hold the pressure, as far as drives go, and the pressure that comes of them."""
        trim = rng.uniform(0.985, 1.0, len(PUMPS)) + np.array([0.0, 0.04, 0.0, 0.0])  # p2 is worn
        low, high = np.full(len(target), LOWEST), np.ones(len(target))
        wanted = self._taken(target, grown)
        for _ in range(20):
            middle = (low + high) / 2.0
            flows = self._flows(target + ELEVATION - suction, self._each(middle, trim), grown)
            is_enough = flows.sum(axis=1) > wanted
            low, high = np.where(is_enough, low, middle), np.where(is_enough, middle, high)
        speeds = self._each((low + high) / 2.0, trim)
        least, most = np.full(len(target), STATIC), np.full(len(target), STATIC + 40.0)
        for _ in range(24):
            middle = (least + most) / 2.0
            flows = self._flows(middle + ELEVATION - suction, speeds, grown)
            is_more = flows.sum(axis=1) > self._taken(middle, grown)
            least, most = np.where(is_more, middle, least), np.where(is_more, most, middle)
        return speeds, (least + most) / 2.0

    def _each(self, common: Floats, trim: Floats) -> Floats:
        fixed = np.array([pump.is_fixed for pump in PUMPS])
        return np.where(self.running, np.where(fixed, 1.0, np.minimum(common[:, np.newaxis] * trim, 1.0)), 0.0)

    def _read(self, pressure: Floats, suction: Floats, lift: Floats, grown: Floats, rng: np.random.Generator) -> None:
        kind, n = self.fault.kind, len(pressure)
        wandering = [_wandering(rng, n, 0.002, 240.0) for _ in range(2 + len(PUMPS))]
        more = 1.0 + self.fault.size * grown * (kind == "head_sensor_drift")
        self.pressure = pressure * more * (1.0 + rng.normal(0.0, 0.0007, n) + 0.5 * wandering[0])
        self.suction = suction + rng.normal(0.0, 0.02, n)
        self.head = self.pressure + ELEVATION - self.suction
        shown = self.flows.sum(axis=1) * (1.0 + rng.normal(0.0, 0.002, n) + wandering[1])
        shown = np.where((grown > 0.0) & (kind == "reverse_flow"), -self.fault.size, shown)
        self.flow = shown * (1.0 + self.fault.size * grown * (kind == "flow_meter_drift"))
        self.powers = np.stack(
            [
                self._power(place, lift, grown) * (1.0 + rng.normal(0.0, 0.002, n) + wandering[2 + place])
                for place in range(len(PUMPS))
            ],
            axis=1,
        )

    def _power(self, place: int, lift: Floats, grown: Floats) -> Floats:
        pump, speed, kind = PUMPS[place], self.speeds[:, place], self.fault.kind
        found = power(pump, self.flows[:, place], lift, speed)
        if place != self.fault.pump:
            return found
        if kind in {"dry_run", "closed_valve"}:
            own = 1.32 * pump.head * np.where(speed > 0.0, speed, 1.0) ** 2  # against the valve, not against the town
            churned = power(pump, np.zeros_like(lift), own, speed)
            return np.where(grown > 0.0, churned * (0.4 if kind == "dry_run" else 1.0), found)
        if kind == "efficiency_low":
            return np.asarray(found * (1.0 + self.fault.size * grown))
        if kind == "blockage":
            whole = power(pump, flow_at(pump, lift, speed), lift, speed)
            return np.asarray(np.where(grown > 0.0, whole * (1.0 + self.fault.power * grown), found))
        return found

    def points(self) -> Points:
        """A steady point each three minutes, as curves learn from them."""
        rows = np.flatnonzero(self.is_settled)[::6]
        speeds = self.speeds[rows]
        return Points(
            times_ms=LOOK_MS * rows.astype(np.int64),
            running=self.running[rows],
            speeds=speeds,
            head=self.head[rows],
            flow=self.flow[rows],
            powers=self.powers[rows],
            pump_flows=np.full_like(speeds, np.nan),
        )

    @property
    def is_settled(self) -> NDArray[np.bool_]:
        """Whether no pump has started or stopped of late, shape (n,)."""
        changed = np.asarray(np.diff(self.running, axis=0, prepend=self.running[:1]).any(axis=1))
        return np.asarray(np.convolve(changed, np.ones(SETTLED), "full")[: len(changed)] == 0)


def _starts(running: NDArray[np.bool_]) -> NDArray[np.int64]:
    begun = np.diff(running.astype(np.int64), axis=0, prepend=running[:1].astype(np.int64)) > 0
    counted = np.cumsum(begun, axis=0)
    before = np.concatenate([np.zeros((min(HOUR, len(begun)), len(PUMPS)), np.int64), counted[:-HOUR]])
    return np.asarray(counted - before)


def flow_at(pump: Pump, lift: Floats, speed: Floats) -> Floats:
    """`Pump.flow_at` for arrays."""
    slope, bend = 0.04 * pump.head / pump.flow, 0.36 * pump.head / pump.flow**2
    over = (1.0 - pump.wear / 2.0) * speed**2 * 1.32 * pump.head - lift
    flow = (slope * speed + np.sqrt((slope * speed) ** 2 + 4.0 * bend * np.maximum(over, 0.0))) / (2.0 * bend)
    return np.where((over > 0.0) & (speed > 0.0), flow, 0.0)


def power(pump: Pump, flow: Floats, lift: Floats, speed: Floats) -> Floats:
    """`Pump.power` for arrays."""
    s = np.where(speed > 0.0, speed, 1.0)
    share = np.maximum(flow / (s * pump.flow), 0.02)
    shape = np.maximum(share * (1.9 - 0.8 * share - 0.1 * share**2), 0.02)
    efficiency = (1.0 - pump.wear) * (1.0 - (1.0 - pump.efficiency) * s**-0.1) * shape
    shaft = WATER * share * s * pump.flow * lift / efficiency
    motor = shaft + pump.motor * (0.022 * s + 0.034 * (shaft / pump.motor) ** 2)
    return np.where(speed > 0.0, motor if pump.is_fixed else 1.02 * motor + 0.008 * pump.motor, 0.0)


def learnt(operation: Operation) -> StationModel:
    """What the curves job makes of it."""
    curves = StationCurves([Plate(pump.name) for pump in PUMPS])
    curves.update(operation.points())
    model = curves.fit()
    assert model is not None
    return model


def accustomed(operation: Operation) -> Habits:
    """What the header usually gives."""
    habits, settled = Habits(), operation.is_settled
    for look in np.flatnonzero(settled).tolist():
        habits.is_burst(_look(operation, look, 0))
    return habits


def _look(operation: Operation, look: int, start_ms: int) -> Look:
    flow, pressure = float(operation.flow[look]), float(operation.pressure[look])
    is_weekend = (operation.drawn.day + look // DAY) % 7 >= 5
    return Look(start_ms + LOOK_MS * look, look % DAY / DAY, flow, pressure, is_weekend)


def sights(
    operation: Operation, model: StationModel, habits: Habits, looks: slice = slice(None), start_ms: int = 0
) -> list[tuple[int, HeaderSight]]:
    """What the conditions job sees at each of the *looks* that is settled, and when; the first is at *start_ms*."""
    told = expected(model, operation.speeds[looks], operation.head[looks])
    settled, found = operation.is_settled, list[tuple[int, HeaderSight]]()
    for row, look in enumerate(range(len(operation.flow))[looks]):
        if settled[look]:
            seen = _look(operation, look, start_ms)
            pumps = tuple(_pump(operation, told, look, row, place) for place in range(len(PUMPS)))
            std = float(told.flow_std[row])
            found.append((seen.at_ms, HeaderSight("main", seen.flow, std, pumps, habits.is_burst(seen))))
    return found


def _pump(operation: Operation, told: Expected, look: int, row: int, place: int) -> PumpSight:
    pump, starts = PUMPS[place], int(operation.starts[look, place])
    if not operation.running[look, place]:
        return PumpSight(pump.name, is_running=False, power=0.0, starts=starts)
    speed = float(operation.speeds[look, place])
    flow = float(told.flows[row, place])
    is_known = np.isfinite(flow)
    return PumpSight(
        pump.name,
        is_running=True,
        power=float(operation.powers[look, place]),
        expected_flow=flow if is_known else None,
        expected_power=float(told.powers[row, place]) if is_known else None,
        idle_power=float(told.idle_powers[row, place]) if is_known else None,
        best_flow=speed * pump.flow,
        por=(0.4, 1.4),
        npsh_available=float(available(float(operation.suction[look]), 0.0, 15.0)),
        npsh_required=NPSH * max((flow / pump.flow) ** 2, 0.5 * speed**2) if is_known else None,
        starts=starts,
    )
