"""Plans by what is true of the simulated station: what the agent's plans are held against in a closed loop.

Each half hour the next day is planned anew by the true curves, in the ranges that the agent has learnt, against the
true system; with a forecast of the demand and the margin that it asks for, or with the true demand.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from analytics.dispatch.fitted import FittedPump
from analytics.dispatch.pump import Array
from analytics.forecast.forecast import Forecast, forecast
from analytics.forecast.series import Calendar
from analytics.schedule.ending import ending
from analytics.schedule.margin import factors, level_margin, scores
from analytics.schedule.plan import Plan
from analytics.schedule.problem import Problem, Unit
from tests.analytics.forecast.towns import series
from tests.benchmarks.town_station import A_DAY, FIRST, PUMPS, START_COST, STEP, SYSTEMS, Speeds, Station, by_level
from tests.simulators.waterworks import TruePump

BEFORE = 21  # days of demand that are known at the start; by as many, methods that need no trees
JUDGED = 7  # of them, whose forecasts are judged before it


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


def units(curves: tuple[FittedPump, ...]) -> tuple[Unit, ...]:
    """The true pumps in the ranges of *curves*."""
    return tuple(
        Unit(str(one), Known(pump, curve), start_cost=START_COST)
        for one, (pump, curve) in enumerate(zip(PUMPS, curves, strict=True))
    )


@dataclass(slots=True)
class Planner:
    """A controller that follows plans made anew every step."""

    units: tuple[Unit, ...]
    knows_demand: bool
    without: int = 0  # steps for which no plan could be made
    missed: list[Array] = field(default_factory=list)  # scores of forecasts whose first steps are over

    def __call__(self, station: Station) -> Speeds:
        """The speeds of the next step."""
        centre, margin = self._expected(station)
        problem = Problem(
            tuple(
                replace(unit, is_on=one in station.speeds, held=station.held[one])
                for one, unit in enumerate(self.units)
            ),
            station.storage,
            SYSTEMS[station.kind],
            STEP,
            station.level,
            station.price,
            centre,
            level_end=FIRST,
            margin=margin,
        )
        found = ending(problem)[1]
        if not isinstance(found, Plan):
            self.without += 1
            return by_level(station)
        return {int(each.id): each.speed for each in found.steps[0].running}

    def _expected(self, station: Station) -> tuple[Array, Array]:
        place = station.place
        if self.knows_demand:
            return station.drawn[place : place + A_DAY], np.zeros(1)
        found = expected(station.drawn, station.calendar, place)
        each = factors(np.array(self.missed).reshape(-1, 1))
        margin = level_margin(found.quantiles[0], found.quantiles[-1], STEP, station.storage, each)
        self.missed.append(judged(found, station.drawn, place))  # by the next plan it is known
        return found.centre, margin


def expected(drawn: Array, calendar: Calendar, place: int) -> Forecast:
    """Of the next day, at *place*."""
    first = max(0, place - BEFORE * A_DAY)
    past = series(drawn, calendar, place)
    kept = type(past)(past.values[first:], Calendar(past.calendar.local_ms[first:]), past.step_ms)
    found = forecast(kept, Calendar(calendar.local_ms[place : place + A_DAY]))
    assert isinstance(found, Forecast)
    return found


def judged(found: Forecast, drawn: Array, place: int) -> Array:
    """What the forecast made at *place* missed until the next plan."""
    return scores(found.centre[:1], found.quantiles[0, :1], found.quantiles[-1, :1], drawn[place : place + 1])


def missed_before(drawn: Array, calendar: Calendar) -> list[Array]:
    """What forecasts of the days before the start missed, one each hour."""
    places = range((BEFORE - JUDGED) * A_DAY, BEFORE * A_DAY, 2)
    return [judged(expected(drawn, calendar, place), drawn, place) for place in places]
