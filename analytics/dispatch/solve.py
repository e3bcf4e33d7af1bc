"""The cheapest set of pumps and speeds for one demand, exactly, with a certificate."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from analytics.dispatch.demand import Demand
from analytics.dispatch.duty import Dispatch, Infeasible, exact_duty
from analytics.dispatch.lines import Line, Table, table
from analytics.dispatch.pump import Array, Candidate
from analytics.dispatch.refusal import refusal
from analytics.dispatch.rugged import rugged_split
from analytics.dispatch.sets import Masks, running_sets
from analytics.dispatch.survey import Prices, Spots, answers, last_below, sharpened, spots, survey

_PLACES = 13  # of the demand's scalar in the survey of all sets
_POINTS = 17  # of a line in the survey
_FINE_POINTS = 33  # of a line where a place is narrowed
_PRICES = 17
_ZOOMS = 2  # each divides the step of prices by 32
_ROUNDS = 9  # places of one round of narrowing
_DOUBT = 5e-4  # share of the power by which an estimate of the survey may err; measured: below 1e-5
_BLUR = 2e-6  # share of the power by which a place a little aside of the settled one may be cheaper
_RUGGED = 2e-5  # share of the power above which a gap shows that a line is not convex
_TOLERANCE = 1e-7  # share of the flow by which a root may miss a limit
_SHARP = 1e-3  # share of the demand's range at which narrowing a smooth minimum ends
_SHARP_END = 1e-6  # the same at the end of a window, where an error breaks a limit


def solve(candidates: Sequence[Candidate], demand: Demand) -> Dispatch | Infeasible:
    """The set and speeds of least power plus entry costs minus worth that serve *demand*.

    All sets are surveyed along the demand at once; those whose estimate could still be the best are then
    narrowed one by one to the best place, and settled there with exact formulas. The bound is the Lagrangian
    dual Σ min(P - λ q) + λ Q of the best set and the estimates of the others less their possible error; it takes
    for granted that a set's least power is convex along the demand between neighbouring places of the survey.

    Args:
        candidates: The pumps, at most about 12.
        demand: Flow and head to serve.
    """
    sets = running_sets(candidates)
    if not len(sets):
        return Infeasible("locks", "No pump may run.")
    station = _Station(candidates, [Line(candidate.physics) for candidate in candidates], demand)
    at = np.linspace(demand.low, demand.high, _PLACES) if demand.high > demand.low else np.array([demand.low])
    lines = table(station.lines, demand, at, _POINTS)
    look = survey(lines, sets, answers(lines, _PRICES))
    found = spots(look, at, sets @ station.entry, demand.worth(at))
    best = _best(station, sets, found)
    return best if best is not None else refusal([each.id for each in candidates], sets, lines, look)


@dataclass(frozen=True, slots=True)
class _Station:
    """What every step needs."""

    candidates: Sequence[Candidate]
    lines: Sequence[Line]
    demand: Demand

    @property
    def entry(self) -> Array:
        return np.array([candidate.entry_kw for candidate in self.candidates])

    def of(self, mask: Masks) -> "_Station":
        members = [place for place, runs in enumerate(mask) if runs]
        return replace(
            self,
            candidates=[self.candidates[member] for member in members],
            lines=[self.lines[member] for member in members],
        )


def _best(station: _Station, sets: Masks, found: Spots) -> Dispatch | None:
    """Settle sets from the one that looks cheapest on, until no other can be cheaper."""
    estimate = found.cost.min(axis=1)
    best, bound = None, np.inf
    blur = _BLUR if station.demand.high > station.demand.low else 0.0
    for index in np.argsort(estimate, kind="stable"):
        doubt = _DOUBT * (best.power if best else 0.0)
        if not np.isfinite(estimate[index]) or (best and estimate[index] - doubt > best.cost):
            bound = min(bound, estimate[index] - doubt)
            break
        settled = _settle_set(station.of(sets[index]), found.cost[index], found.at[index])
        for dispatch in settled:
            bound = min(bound, dispatch.bound - blur * dispatch.power)
            if best is None or dispatch.cost < best.cost:
                best = dispatch
    return replace(best, bound=min(bound, best.cost)) if best else None


def _settle_set(station: _Station, cost: Array, at: Array) -> list[Dispatch]:
    """One set at its best place, and at any other place that looks nearly as good and is no neighbour of it."""
    cell = (station.demand.high - station.demand.low) / (_PLACES - 1)
    done: list[Dispatch] = []
    visited: list[float] = []
    for index in np.argsort(cost, kind="stable"):
        place = float(at[index])
        if not np.isfinite(cost[index]) or (done and cost[index] > done[0].cost + _DOUBT * done[0].power):
            break
        if any(abs(place - other) <= 2.001 * cell for other in visited):
            continue
        visited.append(place)
        if (dispatch := _settle(station, _narrowed(station, place, cell))) is not None:
            done.append(dispatch)
    return done


def _narrowed(station: _Station, place: float, reach: float) -> float:
    """The set's best place within *reach* of *place*."""
    demand, span = station.demand, station.demand.high - station.demand.low
    if span == 0 or (place in {demand.low, demand.high} and _nearby(station, place, _SHARP * reach)[0] == place):
        return place  # the cost rises from the end of the demand on, and is convex
    while reach > _SHARP_END * span:
        place, is_smooth = _nearby(station, place, reach)
        if is_smooth and reach < _SHARP * span:
            return place
        reach /= 4.0 if is_smooth else 32.0
    return place


def _nearby(station: _Station, place: float, reach: float) -> tuple[float, bool]:
    """The best place of one round of narrowing, and whether no limit holds it there."""
    demand, everyone = station.demand, np.ones((1, len(station.lines)), np.bool_)
    at = np.linspace(max(demand.low, place - reach), min(demand.high, place + reach), _ROUNDS)
    lines = table(station.lines, demand, at, _FINE_POINTS)
    prices = sharpened(lines, answers(lines, _PRICES))
    found = spots(survey(lines, everyone, prices), at, np.zeros(1), demand.worth(at))
    best = int(found.cost[0].argmin())
    if not np.isfinite(found.cost[0, best]):
        return place, False  # it only seemed to be feasible; settling will tell
    place = float(found.at[0, best])
    return place, best < _ROUNDS and demand.low < place < demand.high


def _settle(station: _Station, place: float) -> Dispatch | None:
    """The set at *place* with exact powers, or None where it breaks a limit there."""
    lines = table(station.lines, station.demand, np.array([place]), 2 * _FINE_POINTS)
    everyone = np.ones((1, len(station.lines)), np.bool_)
    prices = answers(lines, _PRICES)
    look = survey(lines, everyone, prices)
    if look.room[0, 0] < -_TOLERANCE:
        return None
    flows, bound = _equal_marginals(lines, prices)
    dispatch = _exact(station, lines, flows, bound)
    if dispatch.gap > _RUGGED:
        other = _exact(station, lines, rugged_split(lines), bound)
        dispatch = other if other.cost < dispatch.cost else dispatch
    return dispatch


def _equal_marginals(lines: Table, prices: Prices) -> tuple[Array, float]:
    """Flows (n,) whose marginal powers are equal where no limit holds them, and the dual's greatest value, kW."""
    for _ in range(_ZOOMS):
        prices = sharpened(lines, prices)
    total, below = float(lines.station_flow[0]), int(last_below(prices, lines.station_flow)[0])
    flows, sums = prices.flow[:, 0], prices.flow[:, 0].sum(axis=0)
    bound = float((prices.dual[:, 0].sum(axis=0) + prices.price[0] * total).max())
    gain = sums[below + 1] - sums[below]
    share = np.clip((total - sums[below]) / gain, 0.0, 1.0) if gain > 0 else 0.0
    return flows[:, below] + share * (flows[:, below + 1] - flows[:, below]), bound


def _exact(station: _Station, lines: Table, flows: Array, bound: float) -> Dispatch:
    demand, place = station.demand, float(lines.at[0])
    flow, head = float(lines.station_flow[0]), float(lines.head[0])
    windows = [(float(phi[0]), float(phi[-1])) for phi in lines.phi[:, 0]]
    duties = tuple(
        exact_duty(candidate.id, line, flow=float(own), head=head, station_flow=flow, ends=window)
        for candidate, line, own, window in zip(station.candidates, station.lines, flows, windows, strict=True)
    )
    extra = float(station.entry.sum()) - float(demand.worth(lines.at)[0])
    ends = {"low end": place == demand.low, "high end": place == demand.high}
    return Dispatch(
        duties=duties,
        flow=flow,
        head=head,
        cost=sum(duty.power for duty in duties) + extra,
        bound=bound + extra,
        active=tuple(end for end, is_reached in ends.items() if is_reached and demand.high > demand.low),
    )
