"""One set of pumps looked at closely: where along the demand it runs cheapest, and what it costs there exactly."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analytics.dispatch.demand import Demand
from analytics.dispatch.duty import Dispatch, exact_duty
from analytics.dispatch.fineness import FEW
from analytics.dispatch.floors import sure_duals
from analytics.dispatch.lines import Line, Table, table
from analytics.dispatch.pump import Array, Candidate
from analytics.dispatch.rugged import rugged_split
from analytics.dispatch.survey import (
    TOUCHING,
    Prices,
    Spots,
    Survey,
    answers,
    answers_to,
    last_below,
    sharpened,
    spots,
    survey,
)

_PRICES = 17
_GUESS = 0.1  # share by which an expected price may err
_ZOOMS = 3  # each divides the step of prices by 16; one is usual
_EVEN = 1e-4  # share of the flow by which the answers to a price may miss it and the split be known
_PLACES = 9  # of one round of narrowing
_ROUNDS = 12  # two or three are usual
_RUGGED = 2e-5  # share of the power above which a gap shows that a line is not convex
_TOLERANCE = 1e-7  # share of the flow by which a root may miss a limit
_NEAR = 1e-8  # the same at the end of a window, where narrowing ends
_LEVEL = 2e-7  # share of the power that narrowing a smooth minimum may still gain where it ends
_BESIDE = 1e-4  # share of the distance between two places of the survey: a look aside at the end of the demand


@dataclass(frozen=True, slots=True)
class Team:
    """Pumps that all run."""

    candidates: Sequence[Candidate]
    lines: Sequence[Line]
    demand: Demand

    @property
    def points(self) -> int:
        """Of a line in the survey: as many as the pump asks for whose power bends most."""
        return max(line.points for line in self.lines)

    @property
    def entry_kw(self) -> float:
        """What choosing them costs besides energy, kW."""
        return sum(candidate.entry_kw for candidate in self.candidates)


@dataclass(frozen=True, slots=True)
class _Look:
    """The team at k places."""

    lines: Table
    prices: Prices
    survey: Survey
    spots: Spots

    @property
    def cost(self) -> Array:
        """At the places and, after them, at window ends between them, kW without entry costs."""
        return np.asarray(self.spots.cost[0])


def cheapest_of(team: Team, place: float, cell: float, price: float) -> Dispatch | None:
    """The team's best way near *place* with exact powers, or None where it breaks a limit there.

    Args:
        team: The pumps.
        place: Of the demand's scalar.
        cell: How far from it the best place may be; nothing where the demand has no width.
        price: The marginal power expected there, kW per m³/h; only a guess.
    """
    demand = team.demand
    if cell == 0:
        return _settled(team, _looked(team, np.array([place]), price), 0)
    if place in {demand.low, demand.high, *demand.bends}:
        aside = _BESIDE * cell * np.array([-1.0, 0.0, 1.0])
        at = np.unique(np.clip(place + aside, demand.low, demand.high))
        look, here = _looked(team, at, price), int(at.searchsorted(place))
        if look.cost[here] <= look.cost[: len(at)].min():  # it rises from here on, and is convex
            return _settled(team, look, here)
    return _narrowed(team, place, cell, price)


def _narrowed(team: Team, place: float, cell: float, price: float) -> Dispatch | None:
    """Look around *place* ever more closely: parabolas find a smooth minimum, chords the end of a window."""
    low, high = team.demand.low, team.demand.high
    reach = cell
    for _ in range(_ROUNDS):
        at, middle = _around(place, max(low, place - reach), min(high, place + reach))
        look = _looked(team, at, price, float((at[-1] - at[0]) / (_PLACES - 1) / cell))
        cost, best = look.cost, int(look.cost.argmin())
        if not np.isfinite(cost[best]):
            return _settled(team, look, middle)  # a window of no width: its end may be where we already are
        step = float(at[-1] - at[0]) / (_PLACES - 1)
        price, room = float(look.spots.price[0, best]), look.survey.room[0]
        if best >= _PLACES:
            if abs(room[middle]) < _NEAR and abs(look.spots.at[0, best] - place) < step:
                return _settled(team, look, middle)
            place, reach = float(look.spots.at[0, best]), step / 16
            if step < cell / _PLACES:
                end = _looked(team, np.array([place]), price)
                if abs(end.survey.room[0, 0]) < _NEAR:
                    return _settled(team, end, 0)
            continue
        place, gain = _vertex(at, cost, best)
        if gain <= _LEVEL * look.survey.power[0, best] or (gain == np.inf and room[best] < _NEAR):
            return _settled(team, look, best)
        is_inside = at[0] < place < at[-1] or place in {low, high}
        reach = step / 2 if is_inside else min(4 * reach, cell)
    return _settled(team, look, middle)


def _around(place: float, low: float, high: float) -> tuple[Array, int]:
    """Places from *low* to *high*, *place* among them, and which it is."""
    at = np.linspace(low, high, _PLACES)
    if place in {low, high}:
        return at, 0 if place == low else _PLACES - 1
    nearest = min(max(int(np.abs(at - place).argmin()), 1), _PLACES - 2)
    at[nearest] = place
    return at, nearest


def _vertex(at: Array, cost: Array, best: int) -> tuple[float, float]:
    """Where the parabola around the best of the places *at* is least, and by how much less than there."""
    if best in {0, len(at) - 1}:
        return float(at[best]), float(np.abs(cost[best] - cost[abs(best - 1)]))
    x, y = at[best - 1 : best + 2] - at[best], cost[best - 1 : best + 2] - cost[best]
    if not np.isfinite(y).all():
        return float(at[best]), np.inf
    slopes = y[0] / x[0], y[2] / x[2]
    bend = (slopes[1] - slopes[0]) / (x[2] - x[0])
    if bend <= 0:
        return float(at[best]), 0.0
    slope = slopes[0] - bend * x[0]
    return float(at[best] - slope / (2 * bend)), float(slope**2 / (4 * bend))


def _looked(team: Team, at: Array, price: float, step: float = 1.0) -> _Look:
    """Places a *step* apart, in cells of the survey: what a line between two of them misses goes with its square."""
    lines = table(team.lines, team.demand, at, 2 * team.points - 1)
    prices = _priced(lines, price)
    look = survey(lines, np.ones((1, len(team.lines)), np.bool_), prices)
    return _Look(lines, prices, look, spots(look, at, -team.demand.worth(at), TOUCHING * step**2))


def _priced(lines: Table, price: float) -> Prices:
    """Answers to prices around the expected one; around the right ones, where the flow shows that it is not."""
    middle, half = np.full(len(lines.at), price), _GUESS * abs(price)
    prices = answers(lines, _PRICES, (middle - half, middle + half))
    sums, ends = prices.flow.sum(axis=0), lines.flow.sum(axis=0)
    least, most = ends[:, 0] * (1 + _NEAR), ends[:, -1] * (1 - _NEAR)  # no price changes what lies beyond
    asked = lines.station_flow
    if (sums[:, 0] <= np.maximum(asked, least)).all() and (sums[:, -1] >= np.minimum(asked, most)).all():
        return prices
    return sharpened(lines, answers(lines, _PRICES))


def _settled(team: Team, look: _Look, index: int) -> Dispatch | None:
    """The team at one place of *look*."""
    if look.survey.room[0, index] < -_TOLERANCE:
        return None
    lines, prices = look.lines.only(index), look.prices.only(index)
    flows, bound = _equal_marginals(lines, prices)
    dispatch = _exact(team, lines, flows, bound)
    if dispatch.gap > _RUGGED:
        other = _exact(team, lines, rugged_split(lines), bound)
        dispatch = other if other.cost < dispatch.cost else dispatch
    return dispatch


def _equal_marginals(lines: Table, prices: Prices) -> tuple[Array, float]:
    """Flows (n,) whose marginal powers are equal where no limit holds them, and the dual's greatest value, kW."""
    total = float(lines.station_flow[0])
    for _ in range(_ZOOMS):
        flows, price = _interpolated(lines, prices)
        there = answers_to(lines, np.array([[price]]))
        if abs(float(there.flow.sum()) - total) < _EVEN * total:
            break
        prices = sharpened(lines, prices)
    is_smooth = lines.flow.shape[2] < 2 * FEW
    dual = there.dual if is_smooth else sure_duals(lines, there)  # less what may be hidden at a kink
    return flows, float(dual.sum()) + price * total


def _interpolated(lines: Table, prices: Prices) -> tuple[Array, float]:
    """Flows (n,) at the price between two at which they add up to what is asked, and that price."""
    total, below = float(lines.station_flow[0]), int(last_below(prices, lines.station_flow)[0])
    flows, price = prices.flow[:, 0], prices.price[0]
    sums = flows.sum(axis=0)
    gain = sums[below + 1] - sums[below]
    share = min(max(float((total - sums[below]) / gain), 0.0), 1.0) if gain > 0 else 0.0
    between = flows[:, below] + share * (flows[:, below + 1] - flows[:, below])
    return between, float(price[below] + share * (price[below + 1] - price[below]))


def _exact(team: Team, lines: Table, flows: Array, bound: float) -> Dispatch:
    demand, place = team.demand, float(lines.at[0])
    flow, head = float(lines.station_flow[0]), float(lines.head[0])
    duties = []
    for candidate, line, own, phi, known in zip(
        team.candidates, team.lines, flows, lines.phi[:, 0], lines.flow[:, 0], strict=True
    ):
        after = min(max(int(known.searchsorted(own)), 1), len(known) - 1)
        ends = float(phi[after - 1]), float(phi[after])
        duties.append(exact_duty(candidate.id, line, flow=float(own), head=head, station_flow=flow, ends=ends))
    extra = team.entry_kw - float(demand.worth(lines.at)[0])
    sides = {"low end": place == demand.low, "high end": place == demand.high}
    return Dispatch(
        duties=tuple(duties),
        flow=flow,
        head=head,
        cost=sum(duty.power for duty in duties) + extra,
        bound=bound + extra,
        active=tuple(side for side, is_reached in sides.items() if is_reached and demand.high > demand.low),
    )
