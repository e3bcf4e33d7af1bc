"""The cheapest set of pumps and speeds for one demand, exactly, with a certificate."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from math import ceil

import numpy as np
from numpy.typing import NDArray

from analytics.dispatch.closeup import Team, cheapest_of
from analytics.dispatch.demand import Demand
from analytics.dispatch.duty import Dispatch, Infeasible
from analytics.dispatch.floors import Floors, floors, reaching
from analytics.dispatch.lines import Line, Table, line_of, table
from analytics.dispatch.pump import Array, Candidate
from analytics.dispatch.refusal import refusal
from analytics.dispatch.runs import halved
from analytics.dispatch.sets import Masks, running_sets
from analytics.dispatch.survey import Prices, Spots, answers, answers_to, spots, survey

Indices = NDArray[np.intp]

_PLACES = 9  # of the demand's scalar in the survey of all sets; more, where it is wide:
_APART = (
    0.022  # share by which flow and head may change from one to the next, lest a set be missed that only runs between
)
_PRICES = 17
_FIRST = 16  # sets that are looked at first; the best of them rules out most of the others
_SPLITS = 3  # times that the ranges of pumps are divided where limits forbid some of it within; no known pump needs two
_ROUGH = 5  # prices by which it is told which of many these are
_CLOSER = 9  # prices of its own by which a set is looked at again that looks dearer and is not ruled out
_REACH = 1.001  # cells of the survey about a place that are looked at closely
_BLUR = 2e-6  # share of the power by which a place a little aside of the settled one may be cheaper


def solve(
    candidates: Sequence[Candidate], demand: Demand, apart: Collection[frozenset[str]] = ()
) -> Dispatch | Infeasible:
    """The set and speeds of least power plus entry costs minus worth that serve *demand*.

    Sets that reach the demand are surveyed along it at once. From the one that looks cheapest on, those whose floor
    (`floors`) is not above the best so far are narrowed wherever it is not, and settled there with exact formulas. So
    every set is either settled or ruled out by the Lagrangian dual Σ min(P - λ q) + λ Q wherever it may be, and the
    bound is the least of both. It takes for granted that the points of a table show how a pump's power bends, of which
    there are as many as that takes (`fineness`), and that near a settled place the least power of its set is convex
    along the demand. A pump whose range of φ a limit splits is looked at on both sides.

    Args:
        candidates: The pumps, at most about 12.
        demand: Flow and head to serve.
        apart: Sets that do not serve it.
    """
    sets = running_sets(candidates, apart)
    if not len(sets):
        return Infeasible("locks", "No pump may run.")
    at = _places(demand)
    station, lines = _station(candidates, demand, at)
    for _ in range(_SPLITS):
        halves = halved(station.candidates, sets, lines.hole)
        if halves is None:
            break
        sets = halves[1]
        station, lines = _station(halves[0], demand, at)
    best = _best_of(station, sets, lines)
    if best is None:
        return refusal(station.candidates, sets, lines, survey(lines, sets, answers(lines, _PRICES)))
    is_known = bool(np.isnan(lines.hole).all())
    return best if is_known else replace(best, bound=best.cost - best.power)  # nothing is known of the other runs


def _station(candidates: Sequence[Candidate], demand: Demand, at: Array) -> tuple["_Station", Table]:
    station = _Station(candidates, [line_of(candidate.physics) for candidate in candidates], demand)
    return station, table(station.lines, demand, at, station.points)


def _best_of(station: "_Station", everyone: Masks, lines: Table) -> Dispatch | None:
    """The best of all sets: of the few of the lowest floors first, then of the others that these do not rule out."""
    prices = answers(lines, _PRICES)
    sets = reaching(lines, everyone)
    look = _Look(station, lines, prices, sets, station.entry(sets), station.demand.worth(lines.at))
    least = look.floors(slice(None), prices.some(_ROUGH)).least if len(sets) > _FIRST else np.zeros(len(sets))
    order = np.argsort(least, kind="stable")
    best = look.best(order[:_FIRST], _Best())
    rest = order[_FIRST:]
    best = look.best(rest[least[rest] <= best.cost], best)
    return None if best.found is None else replace(best.found, bound=min(best.bound, best.cost))


def _places(demand: Demand) -> Array:
    """Of the survey: evenly along the demand, and its corners."""
    if demand.high == demand.low:
        return np.array([demand.low])
    return np.asarray(np.union1d(np.linspace(demand.low, demand.high, _cells(demand) + 1), demand.bends))


def _cells(demand: Demand) -> int:
    """In how many the demand is looked at."""
    ends = np.array([demand.low, demand.high])
    widest = max(abs(float(np.log(one[1] / one[0]))) for one in (demand.flow(ends), demand.head(ends)))
    return max(_PLACES - 1, ceil(widest / _APART))


@dataclass(frozen=True, slots=True)
class _Station:
    """What every step needs."""

    candidates: Sequence[Candidate]
    lines: Sequence[Line]
    demand: Demand

    @property
    def points(self) -> int:
        """Of a line, as many as the pump asks for whose power bends most."""
        return max(line.points for line in self.lines)

    def entry(self, sets: Masks) -> Array:
        """What having on *sets* (s, n) costs besides power, kW, shape (s,)."""
        return np.asarray(sets @ np.array([candidate.entry_kw for candidate in self.candidates]))

    def team(self, mask: Masks) -> Team:
        members = np.flatnonzero(mask).tolist()
        return Team([self.candidates[one] for one in members], [self.lines[one] for one in members], self.demand)


@dataclass(frozen=True, slots=True)
class _Best:
    """What was found so far, and below what nothing that was settled costs."""

    found: Dispatch | None = None
    bound: float = np.inf  # kW

    @property
    def cost(self) -> float:
        """To be beaten, kW."""
        return np.inf if self.found is None else self.found.cost

    def beside(self, other: Dispatch | None, bound: float) -> "_Best":
        """The better of the two."""
        return _Best(other if other is not None and other.cost < self.cost else self.found, min(self.bound, bound))


@dataclass(frozen=True, slots=True)
class _Look:
    """All sets along the demand."""

    station: _Station
    lines: Table
    prices: Prices
    sets: Masks  # (s, n)
    entry: Array  # (s,) kW
    worth: Array  # (k,) kW

    def floors(self, chosen: Indices | slice, prices: Prices) -> Floors:
        """Of the *chosen* sets, as far as *prices* tell."""
        return floors(self.lines, self.sets[chosen], prices, self.entry[chosen], self.worth)

    def best(self, chosen: Indices, best: _Best) -> _Best:
        """Settle those of the *chosen* sets whose floor is not above the best, from the one that looks cheapest on."""
        if not len(chosen):
            return best
        low = self.floors(chosen, self.prices)
        kept = np.flatnonzero(np.isfinite(low.least) & (low.least <= best.cost))
        if not len(kept):
            return best
        left = chosen[kept]
        look = survey(self.lines, self.sets[left], self.prices)
        seen = spots(look, self.lines.at, self.entry[left, None] - self.worth)
        estimate = seen.cost.min(axis=1)
        for index in np.argsort(estimate, kind="stable").tolist():
            own, floor = seen.only(index), low.only(int(kept[index]))
            if np.inf > estimate[index] > best.cost >= floor.least[0]:
                floor = self.floors(left[index : index + 1], self._own_prices(own))
            if floor.least[0] <= best.cost:
                best = _settled(self.station.team(self.sets[left[index]]), own, floor, best)
        return best

    def _own_prices(self, seen: Spots) -> Prices:
        """The answers to prices that one set was *seen* to ask."""
        known = np.sort(seen.price[np.isfinite(seen.cost)])
        asked = known[np.linspace(0, len(known) - 1, _CLOSER).astype(np.intp)]
        return answers_to(self.lines, np.broadcast_to(asked, (len(self.lines.at), _CLOSER)))


def _settled(team: Team, seen: Spots, low: Floors, best: _Best) -> _Best:
    """The better of *best* and one set, wherever its floor is not above that."""
    demand = team.demand
    cell = (demand.high - demand.low) / _cells(demand)
    blur = _BLUR if cell else 0.0
    is_open = low.cost[0] <= best.cost
    for index in np.argsort(seen.cost[0], kind="stable").tolist():
        place, reach = float(seen.at[0, index]), _REACH * cell
        is_near = is_open & (low.start[0] >= place - reach) & (low.end[0] <= place + reach)
        if not np.isfinite(seen.cost[0, index]) or not is_open.any():
            break
        if not is_near.any():
            continue
        is_open &= ~is_near
        if (found := cheapest_of(team, place, cell, float(seen.price[0, index]))) is not None:
            best = best.beside(found, found.bound - blur * found.power)
            is_open &= low.cost[0] <= best.cost
    return best.beside(None, float(low.cost[0, is_open].min(initial=np.inf)))
