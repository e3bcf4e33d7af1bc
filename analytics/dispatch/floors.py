"""Below what no way to run a set of pumps can cost, everywhere along the demand."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from analytics.dispatch.lines import Table
from analytics.dispatch.pump import Array
from analytics.dispatch.sets import Masks
from analytics.dispatch.survey import Prices

_CORNER = 1 / 3  # of a third difference: by so much a parabola through three points may miss, and be it at a corner
_REACHED = 1e-6  # share of the flow by which a set may miss the demand and still be looked at
_EXACT = 1e-9  # share of the flow by which a limit may be missed and count as kept


def sure_duals(table: Table, prices: Prices) -> Array:
    """The duals (n, k, l), kW, less what a line's table may hide between its points, by its third differences."""
    power, flow = (_CORNER * np.abs(_third(one)).max(axis=2, keepdims=True) for one in (table.power, table.flow))
    return np.asarray(prices.dual - power - np.abs(prices.price) * flow)


def _third(values: Array) -> Array:
    """Differences along the last axis."""
    first = values[:, :, 1:] - values[:, :, :-1]
    second = first[:, :, 1:] - first[:, :, :-1]
    return second[:, :, 1:] - second[:, :, :-1]


def reaching(table: Table, sets: Masks) -> Masks:
    """The *sets* that give at most what is asked at some place of *table*, and at least that at some place."""
    members = sets.astype(np.float64)
    least = (members @ table.flow[:, :, 0] <= table.station_flow * (1 + _REACHED)).any(axis=1)
    most = (members @ table.flow[:, :, -1] >= table.station_flow * (1 - _REACHED)).any(axis=1)
    reached: Masks = sets[least & most]
    return reached


@dataclass(frozen=True, slots=True)
class Floors:
    """Of s sets in the c cells between neighbouring places of the demand; one without width is its own only cell."""

    cost: Array  # (s, c) kW; infinite where the set cannot be
    start: Array  # (s, c) the demand's scalar from which it may be there
    end: Array  # (s, c) and up to which

    @property
    def least(self) -> Array:
        """Of each set anywhere, shape (s,)."""
        return np.asarray(self.cost.min(axis=1, initial=np.inf))

    def only(self, index: int) -> "Floors":
        """Those of one set."""
        one = slice(index, index + 1)
        return Floors(self.cost[one], self.start[one], self.end[one])


def floors(table: Table, sets: Masks, prices: Prices, entry: Array, worth: Array) -> Floors:
    """Of each set.

    At a price λ the dual Σ min(P - λ q) + λ Q is a lower bound, whatever the price. Of a cell it is the one at the
    best price for the cell's worse end, and lies no lower inside than where it would cross itself continued from both
    neighbours; where it is not convex there, than an arc that bends as its second differences.

    Args:
        table: Lines of n pumps at k places.
        sets: Shape (s, n).
        prices: The pumps' answers there to l prices, which are the same everywhere.
        entry: What each set costs besides power, kW, shape (s,).
        worth: Of the places, kW, shape (k,).
    """
    members = sets.astype(np.float64)
    low, high = (members @ table.flow[:, :, end] for end in (0, -1))
    flow = table.station_flow
    room = np.stack([(flow - low) / flow, (high - flow) / flow])
    pumps, places, count = prices.dual.shape
    ours = (prices.price * flow[:, None] - worth[:, None]).reshape(1, -1)
    duals = np.concatenate([sure_duals(table, prices).reshape(pumps, -1), ours])
    cost = (np.column_stack([members, np.ones(len(sets))]) @ duals).reshape(-1, places, count)
    if places == 1:
        is_able = np.minimum(room.min(axis=0), _least_of(sets, table.slack)) >= -_EXACT
        there = np.broadcast_to(table.at, is_able.shape)
        return Floors(np.where(is_able, cost.max(axis=2) + entry[:, None], np.inf), there, there)
    (first, last), (own_first, own_last) = _kept(room), _kept(table.slack)
    start, end = np.maximum(first.max(axis=0), -_least_of(sets, -own_first)), last.min(axis=0)
    end = np.minimum(end, _least_of(sets, own_last))
    least = _least(_at_best_price(cost), start, end)
    width, at = table.at[1:] - table.at[:-1], table.at[:-1]
    return Floors(np.where(start <= end, least + entry[:, None], np.inf), at + start * width, at + end * width)


def _least_of(sets: Masks, values: Array) -> Array:
    """Of *values* (n, c) the least of each set's pumps, (s, c)."""
    return np.asarray(np.where(sets[:, :, None], values, np.inf).min(axis=1))


class _Cells(NamedTuple):
    """Of a function along the demand, all (s, c): at a cell's ends, and second differences there."""

    left: Array
    right: Array
    bend_left: Array
    bend_right: Array


def _at_best_price(cost: Array) -> _Cells:
    """Of costs (s, k, l), at that price in each cell at which its worse end is the dearest."""
    sets, places, count = cost.shape
    best = np.minimum(cost[:, :-1], cost[:, 1:]).argmax(axis=2)
    costs = cost.ravel()
    at = best + count * (np.arange(sets * places).reshape(sets, places)[:, :-1])  # of a cell's left end among them
    left, right = costs[at], costs[at + count]
    bend = np.empty((2, *at.shape))  # beyond the first and the last place nothing is known: as at the next
    bend[0, :, 1:] = costs[at[:, 1:] - count] - 2 * left[:, 1:] + right[:, 1:]
    bend[1, :, :-1] = left[:, :-1] - 2 * right[:, :-1] + costs[at[:, :-1] + 2 * count]
    bend[0, :, 0], bend[1, :, -1] = bend[1, :, 0], bend[0, :, -1]
    return _Cells(left, right, bend[0], bend[1])


def _kept(room: Array) -> tuple[Array, Array]:
    """Shares (..., c) of a cell from and to which a limit with *room* (..., k) may be kept; if never, end first."""
    bend = np.abs(room[..., :-2] - 2 * room[..., 1:-1] + room[..., 2:])
    bend = np.concatenate([bend[..., :1], bend, bend[..., -1:]], axis=-1)
    spare = (bend[..., :-1] + bend[..., 1:]) / 4 + _EXACT
    left, right = room[..., :-1] + spare, room[..., 1:] + spare
    is_left, is_right = left >= 0, right >= 0
    crossing = left / np.where(is_left == is_right, 1.0, left - right)
    start = np.where(is_left, 0.0, np.where(is_right, crossing, 2.0))
    return start, np.where(is_right, 1.0, np.where(is_left, crossing, -1.0))


def _least(cells: _Cells, start: Array, end: Array) -> Array:
    """The least between the shares *start* and *end* of each cell; of no meaning where the first is more."""
    left, right, bend_left, bend_right = cells
    rise = right - left
    crossing = bend_right / _divisor(bend_left + bend_right)
    crossing = np.where(rise >= bend_left, 0.0, np.where(rise <= -bend_right, 1.0, crossing))
    share = np.maximum(start, np.minimum(crossing, end))
    continued = np.maximum(left + (rise - bend_left) * share, right - (rise + bend_right) * (1 - share))
    is_convex = (bend_left >= 0) & (bend_right >= 0)
    if is_convex.all():
        return np.asarray(continued)
    sag = np.abs(bend_left) + np.abs(bend_right)
    share = np.maximum(start, np.minimum(0.5 - rise / (2 * _divisor(sag)), end))
    return np.asarray(np.where(is_convex, continued, left + rise * share - sag * share * (1 - share)))


def _divisor(values: Array) -> Array:
    return np.asarray(np.where(values > 0, values, 1.0))
