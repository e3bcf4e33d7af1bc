"""The cheapest set of pumps and speeds for one demand, exactly, with a certificate."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from math import ceil

import numpy as np

from analytics.dispatch.closeup import Team, cheapest_of
from analytics.dispatch.demand import Demand
from analytics.dispatch.duty import Dispatch, Infeasible
from analytics.dispatch.lines import Line, Table, line_of, table
from analytics.dispatch.pump import Array, Candidate
from analytics.dispatch.refusal import refusal
from analytics.dispatch.runs import halved
from analytics.dispatch.sets import Masks, running_sets
from analytics.dispatch.shortlist import Shortlist, reaching, shortlist
from analytics.dispatch.survey import Prices, Spots, answers, spots, survey

_PLACES = 13  # of the demand's scalar in the survey of all sets; more, where it is wide:
_APART = (
    0.022  # share by which flow and head may change from one to the next, lest a set be missed that only runs between
)
_POINTS = 17  # of a line in the survey
_PRICES = 17
_DOUBT = 5e-4  # share of the power by which an estimate of the survey may err; measured: below 1e-5
_SPLITS = 3  # times that the ranges of pumps are divided where limits forbid some of it within; no known pump needs two
_BLUR = 2e-6  # share of the power by which a place a little aside of the settled one may be cheaper


def solve(
    candidates: Sequence[Candidate], demand: Demand, apart: Collection[frozenset[str]] = ()
) -> Dispatch | Infeasible:
    """The set and speeds of least power plus entry costs minus worth that serve *demand*.

    Sets that reach the demand and that no bound rules out are surveyed along it at once; those whose estimate could
    still be the best are then narrowed one by one to the best place, and settled there with exact formulas. The bound
    is the Lagrangian dual Σ min(P - λ q) + λ Q of the best set, of the sets that were ruled out, and the estimates of
    the others less their possible error; it takes for granted that a set's least power is convex along the demand
    between neighbouring places of the survey. A pump whose range of φ a limit splits is looked at on both sides.

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
    return station, table(station.lines, demand, at, _POINTS)


def _best_of(station: "_Station", everyone: Masks, lines: Table) -> Dispatch | None:
    """The best of all sets, of which as few as may be are settled."""
    prices = answers(lines, _PRICES)
    sets = reaching(lines, everyone)
    short = shortlist(lines, sets, prices, station.beside(sets, lines.at), _DOUBT)
    best = _best(station, short, lines, prices)
    if len(short.sets) < len(sets) and (best is None or best.cost > short.left_out):
        best = _best(station, Shortlist(sets), lines, prices)  # what was to be beaten could not be had
    return best


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

    def beside(self, sets: Masks, at: Array) -> Array:
        """What *sets* (s, n) cost besides power at the places *at* (k,), kW, shape (s, k)."""
        entry = sets @ np.array([candidate.entry_kw for candidate in self.candidates])
        return np.asarray(entry[:, None] - self.demand.worth(at))

    def team(self, mask: Masks) -> Team:
        members = np.flatnonzero(mask).tolist()
        return Team([self.candidates[one] for one in members], [self.lines[one] for one in members], self.demand)


def _best(station: _Station, short: Shortlist, lines: Table, prices: Prices) -> Dispatch | None:
    """Settle sets from the one that looks cheapest on, until no other can be cheaper."""
    sets = short.sets
    found = spots(survey(lines, sets, prices), lines.at, station.beside(sets, lines.at))
    estimate = found.cost.min(axis=1)
    best, bound = None, short.left_out
    blur = _BLUR if station.demand.high > station.demand.low else 0.0
    for index in np.argsort(estimate, kind="stable").tolist():
        doubt = _DOUBT * (best.power if best else 0.0)
        if not np.isfinite(estimate[index]) or (best and estimate[index] - doubt > best.cost):
            bound = min(bound, estimate[index] - doubt)
            break
        for dispatch in _settle_set(station.team(sets[index]), found.only(index)):
            bound = min(bound, dispatch.bound - blur * dispatch.power)
            if best is None or dispatch.cost < best.cost:
                best = dispatch
    return replace(best, bound=min(bound, best.cost)) if best else None


def _settle_set(team: Team, found: Spots) -> list[Dispatch]:
    """One set at its best place, and at any other place that looks nearly as good and is no neighbour of it."""
    cell = (team.demand.high - team.demand.low) / _cells(team.demand)
    done: list[Dispatch] = []
    visited: list[float] = []
    cost = found.cost[0]
    for index in np.argsort(cost, kind="stable").tolist():
        place = float(found.at[0, index])
        if not np.isfinite(cost[index]) or (done and cost[index] > done[0].cost + _DOUBT * done[0].power):
            break
        if any(abs(place - other) <= 2.001 * cell for other in visited):
            continue
        visited.append(place)
        if (dispatch := cheapest_of(team, place, cell, float(found.price[0, index]))) is not None:
            done.append(dispatch)
    return done
