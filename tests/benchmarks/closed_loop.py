"""The schedule in a closed loop on a simulated station: what it saves, and what it would with the truth known.

Run as ``python -m tests.benchmarks.closed_loop [DAYS [SEEDS [CONTROLLER ...]]]``, 30 and 1 and all if not said; a day
takes 20 to 40 s of processor time for each controller, which can be run at once in processes of their own. All go on
side by side, and what they have come to is printed after each day.
Three pumps that are not of the model's form fill a tank for a town of noisy days. Every half hour the next day is
planned anew (the agent does so each five minutes), off the limits by what forecasts have missed, which is what costs
most against a clairvoyant; the plan's speeds then run on the true pumps, against the true demand. Four controllers:
present operation (pumps added by level, the order changing daily, at 95 % speed), plans by curves learnt from noisy
meters of five such days, plans by the true curves in the same ranges, and plans by true curves and true demand. What is
left in the tank at the end counts, at the mean cost of a cubic metre.
"""

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from scipy.optimize import brentq

from analytics.curves.estimator import StationCurves
from analytics.curves.model import StationModel
from analytics.curves.points import Points
from analytics.curves.prior import Plate
from analytics.dispatch.fitted import FittedPump, fitted
from analytics.dispatch.limits import Limits
from analytics.dispatch.pump import Array
from analytics.forecast.forecast import Forecast, forecast
from analytics.forecast.series import Calendar
from analytics.schedule.margin import factors, level_margin, scores
from analytics.schedule.plan import NoPlan, Plan
from analytics.schedule.problem import LONG, Problem, System, Unit
from analytics.schedule.solve import plan
from analytics.schedule.storage import Storage
from tests.analytics.forecast.towns import demand, series
from tests.simulators.waterworks import UNLIKE, TruePump, measured

PUMPS = (UNLIKE[1], UNLIKE[2], UNLIKE[4])
SYSTEM = System(24.0, 2.2e-5)
STORAGE = Storage.of_area(600.0, 1.0, 5.0)
STEP = 0.5  # h
A_DAY = 48
EVERY = 1  # steps between two plans; as many of a forecast are judged
BEFORE = 21  # days of demand that are known at the start
LEARNT = 5  # days of operation that curves are learnt from
JUDGED = 7  # days before the start whose forecasts were judged
MEANS = 6  # steady ones of a step
START_COST = 1.0  # money
TIMERS = {"min_on": 1, "min_off": 1, "start_cost": START_COST}
Speeds = Mapping[int, float]
Controller = Callable[["Station"], Speeds]


@dataclass(slots=True)
class Station:
    """The true one, and what became of it so far."""

    drawn: Array  # m³/h in each step, those before the start included
    calendar: Calendar
    place: int = BEFORE * A_DAY
    level: float = 3.0
    speeds: Speeds | None = None  # of the last step
    held: tuple[int, ...] = (LONG,) * len(PUMPS)
    money: float = 0.0
    energy: float = 0.0
    starts: int = 0
    pumped: float = 0.0
    beyond: set[int] | None = None  # days with a level beyond its limits

    @property
    def price(self) -> Array:
        """Of the next day's steps, money per kWh."""
        hours = 24 * self.calendar.day_share[self.place : self.place + A_DAY]
        return np.where((hours >= 7) & (hours < 21), 0.25, 0.12)

    def run(self, speeds: Speeds) -> tuple[float, Array, Array]:
        """A step with pumps at *speeds*; the head, and each pump's flow and power."""
        before = self.speeds or {}
        head, flows = duty(speeds, self.level)
        powers = np.array([float(PUMPS[one].power(flows[one], np.array(speeds[one]))) if one in speeds else 0.0
                           for one in range(len(PUMPS))])  # fmt: skip
        starts = len(speeds.keys() - before.keys())
        self.energy += STEP * float(powers.sum())
        self.money += STEP * float(self.price[0] * powers.sum()) + START_COST * starts
        self.starts += starts
        self.pumped += STEP * float(flows.sum())
        volume = STORAGE.volume(np.array(self.level)) + STEP * (flows.sum() - self.drawn[self.place])
        self.level = float(STORAGE.level(volume))
        if not STORAGE.low <= self.level <= STORAGE.high:
            self.beyond = (self.beyond or set()) | {self.place // A_DAY}
        self.held = tuple(held + 1 if (one in speeds) == (one in before) else 1 for one, held in enumerate(self.held))
        self.place, self.speeds = self.place + 1, dict(speeds)
        return head, flows, powers


def duty(speeds: Speeds, level: float) -> tuple[float, Array]:
    """Head, m, and flows, m³/h, of the true pumps, where they meet the system."""

    def flows(head: float) -> Array:
        given = [PUMPS[one].flow(np.array(head), np.array(speeds.get(one, 1.0))) for one in range(len(PUMPS))]
        return np.array(given) * [one in speeds for one in range(len(PUMPS))]

    def excess(head: float) -> float:
        return head - SYSTEM.static_head - level - SYSTEM.resistance * float(flows(head).sum()) ** 2

    static = SYSTEM.static_head + level
    head = brentq(excess, static, static + SYSTEM.resistance * 2_500.0**2, xtol=1e-6) if speeds else static
    return float(head), flows(float(head))


def by_level(station: Station, speed: float = 0.95) -> Speeds:
    """Present operation: one more below 40 %, one less above 80 % of the band."""
    running = station.speeds or {}
    share = (station.level - STORAGE.low) / (STORAGE.high - STORAGE.low)
    day = station.place // A_DAY
    order = [(day + one) % len(PUMPS) for one in range(len(PUMPS))]
    wanted = len(running) + (share < 0.4) - (share > 0.8)
    wanted = min(max(wanted, 0), len(PUMPS))
    kept = [one for one in order if one in running][:wanted]
    return dict.fromkeys(kept + [one for one in order if one not in kept][: wanted - len(kept)], speed)


def learnt(seed: int) -> tuple[StationModel, System]:
    """From noisy meters, a steady mean each five minutes, of present operation at speeds as the operators had them."""
    rng = np.random.default_rng(seed)
    station = Station(*demand(1_000 + seed, BEFORE + LEARNT))
    rows: list[tuple[Array, float, Array, Array, float]] = []
    for _ in range(LEARNT * A_DAY):
        level = station.level
        speeds = by_level(station, float(rng.uniform(0.8, 1.0)))
        head, flows, powers = station.run(speeds)
        if speeds:
            rows.append((np.array([speeds.get(one, 0.0) for one in range(len(PUMPS))]), head, flows, powers, level))
    each = [np.repeat(np.array(column), MEANS, axis=0) for column in zip(*rows, strict=True)]
    speeds_of, head_of, flow_of, power_of, level_of = each
    truth = Points(
        times_ms=1_700_000_040_000 + 300_000 * np.arange(len(head_of)),
        running=speeds_of > 0,
        speeds=speeds_of,
        head=head_of,
        flow=flow_of.sum(axis=1),
        powers=power_of,
        pump_flows=flow_of,
    )
    seen = measured(truth, rng)
    curves = StationCurves([Plate(f"p{one}") for one in range(len(PUMPS))])
    curves.update(replace(seen, pump_flows=np.full_like(flow_of, np.nan)))
    model = curves.fit()
    assert model is not None
    usable = np.abs(seen.flow / truth.flow - 1) < 0.1
    usable &= np.abs(seen.head / truth.head - 1) < 0.1
    slope, static = np.polyfit(seen.flow[usable] ** 2, (seen.head - level_of)[usable], 1)
    return model, System(float(static), float(slope))


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """A true pump in the ranges of its learnt curve."""

    pump: TruePump
    curve: FittedPump

    @property
    def speed_min(self) -> float:
        """Relative."""
        return self.curve.speed_min

    @property
    def speed_max(self) -> float:
        """Relative."""
        return self.curve.speed_max

    @property
    def phi_min(self) -> float:
        """m³/h at rated speed."""
        return self.curve.phi_min

    @property
    def phi_max(self) -> float:
        """The same."""
        return self.curve.phi_max

    def head(self, phi: Array) -> Array:
        """At rated speed, m."""
        return self.pump.head(phi, np.array(1.0))

    def power(self, flow: Array, speed: Array) -> Array:
        """Electrical, kW."""
        return self.pump.power(flow, speed)

    def margins(self, flow: Array, speed: Array, station_flow: Array) -> Mapping[str, Array]:  # noqa: ARG002 - protocol
        """No other limit."""
        return {"none": np.ones_like(flow * speed)}


@dataclass(slots=True)
class Planner:
    """A controller that follows plans made anew every half hour."""

    units: tuple[Unit, ...]
    system: System
    knows_demand: bool
    following: list[Speeds] | None = None
    without: int = 0  # plans that could not be made
    took: float = 0.0  # s of processor time
    plans: int = 0
    missed: list[Array] = field(default_factory=list)  # scores of forecasts whose first steps are over

    def __call__(self, station: Station) -> Speeds:
        """The speeds of the next step."""
        if not self.following:
            began = time.process_time()
            self.following = self._planned(station)
            self.took += time.process_time() - began
            self.plans += 1
        return self.following.pop(0) if self.following else by_level(station)

    def _planned(self, station: Station) -> list[Speeds]:
        running = station.speeds or {}
        units = tuple(
            replace(unit, is_on=one in running, held=station.held[one]) for one, unit in enumerate(self.units)
        )
        centre, margin = self._expected(station)
        problem = Problem(
            units, STORAGE, self.system, STEP, station.level, station.price, centre, level_end=3.0, margin=margin
        )
        found = plan(problem)
        if isinstance(found, NoPlan):
            found = plan(replace(problem, level_end=None, water_value=0.05))
        if not isinstance(found, Plan):
            self.without += 1
            return []
        return [{int(each.id): each.speed for each in step.running} for step in found.steps[:EVERY]]

    def _expected(self, station: Station) -> tuple[Array, Array]:
        place = station.place
        if self.knows_demand:
            return station.drawn[place : place + A_DAY], np.zeros(1)
        found = expected(station.drawn, station.calendar, place)
        margin = level_margin(
            found.quantiles[0], found.quantiles[-1], STEP, STORAGE, factors(np.array(self.missed).reshape(-1, EVERY))
        )
        self.missed.append(judged(found, station.drawn, place))  # by the next plan it is known
        return found.centre, margin


def expected(drawn: Array, calendar: Calendar, place: int) -> Forecast:
    """Of the next day, at *place*, by at most three weeks: methods that need no trees."""
    first = max(0, place - BEFORE * A_DAY)
    past = series(drawn, calendar, place)
    kept = type(past)(past.values[first:], Calendar(past.calendar.local_ms[first:]), past.step_ms)
    found = forecast(kept, Calendar(calendar.local_ms[place : place + A_DAY]))
    assert isinstance(found, Forecast)
    return found


def judged(found: Forecast, drawn: Array, place: int) -> Array:
    """What the forecast made at *place* missed until the next plan."""
    low, high = found.quantiles[0, :EVERY], found.quantiles[-1, :EVERY]
    return scores(found.centre[:EVERY], low, high, drawn[place : place + EVERY])


def due(station: Station) -> float:
    """What it has paid, less the worth of what is in the tank beyond its first level."""
    worth = station.money / station.pumped  # of a cubic metre
    left = float(STORAGE.volume(np.array(station.level)) - STORAGE.volume(np.array(3.0)))
    return station.money - worth * left


def controllers(seed: int, days: int) -> dict[str, Controller]:
    """Present operation first."""
    drawn, calendar = demand(seed, BEFORE + days + 1)
    places = range((BEFORE - JUDGED) * A_DAY, BEFORE * A_DAY, 2 * EVERY)
    missed = [judged(expected(drawn, calendar, place), drawn, place) for place in places]
    model, system = learnt(seed)
    ranges = [fitted(curve, Limits(f"p{one}"), 0.05) for one, curve in enumerate(model.curves)]
    curves = [each for each in ranges if each is not None]
    assert len(curves) == len(PUMPS)
    own = tuple(Unit(str(one), curve, **TIMERS) for one, curve in enumerate(curves))  # type: ignore[arg-type]
    true = tuple(
        Unit(str(one), Known(pump, curve), **TIMERS)  # type: ignore[arg-type]
        for one, (pump, curve) in enumerate(zip(PUMPS, curves, strict=True))
    )
    return {
        "present operation": partial(by_level),
        "learnt curves": Planner(own, system, knows_demand=False, missed=list(missed)),
        "true curves": Planner(true, SYSTEM, knows_demand=False, missed=list(missed)),
        "true curves and demand": Planner(true, SYSTEM, knows_demand=True),
    }


def days_of(seed: int, days: int, chosen: list[str]) -> None:
    """Run all controllers, or those *chosen*, day by day, and print what they came to."""
    who = {name: one for name, one in controllers(seed, days).items() if not chosen or name in chosen}
    stations = {name: Station(*demand(seed, BEFORE + days + 1)) for name in who}
    for day in range(1, days + 1):
        for name, controller in who.items():
            for _ in range(A_DAY):
                stations[name].run(controller(stations[name]))
        paid = [due(station) for station in stations.values()]
        print(f"seed {seed} day {day:2}: {shares(*paid) if not chosen else paid}", flush=True)
    print(f"\n{'seed ' + str(seed):24} {'money':>9} {'kWh':>9} {'starts':>7} {'excursions':>10} {'CPU a plan':>10}")
    for name, station in stations.items():
        beyond, controller = len(station.beyond or ()), who[name]
        said = f"{name:24} {due(station):9.2f} {station.energy:9.0f} {station.starts:7} {beyond:7}"
        if isinstance(controller, Planner):
            said += f"    {controller.took / controller.plans:8.2f} s, {controller.without} without a plan"
        print(said, flush=True)


def shares(before: float, own: float, true: float, clairvoyant: float) -> str:
    """What is asked of plans by learnt curves."""
    return (
        f"saves {1 - own / before:.1%}, {(before - own) / (before - true):.1%} of what true curves would; "
        f"{own / clairvoyant - 1:+.2%} over a clairvoyant (true curves {true / clairvoyant - 1:+.2%})"
    )


def main() -> None:
    """Print what each controller came to, and the shares that are asked of the second."""
    days, seeds = (int(sys.argv[1]) if len(sys.argv) > 1 else 30), (int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    print(f"{seeds} seeds of {days} days; excursions: days with a level beyond its limits")
    for seed in range(seeds):
        days_of(seed, days, sys.argv[3:])


if __name__ == "__main__":
    main()
