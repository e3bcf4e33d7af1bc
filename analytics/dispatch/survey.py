"""What every set of pumps would cost along the demand, all sets at once, and where each set's window ends."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.dispatch.lines import Table, evenly
from analytics.dispatch.pump import Array
from analytics.dispatch.sets import Masks

TOUCHING = 2e-3  # share by which linear interpolation inside a cell of the survey may err about a limit
_EXACT = 1e-9  # share of the flow by which a limit may be missed and count as kept


@dataclass(frozen=True, slots=True)
class Prices:
    """What each pump answers to a marginal price λ: the dual of the split.

    ``d(λ) = min over the line of P - λ q``, and the flow at which it is reached. For any set,
    ``Σ d + λ Q`` is a lower bound of its power at total flow Q, whatever the shape of its lines.
    """

    price: Array  # (k, l) kW per m³/h, rising
    dual: Array  # (n, k, l) kW
    flow: Array  # (n, k, l) m³/h

    def only(self, index: int) -> "Prices":
        """Those at one place."""
        one = slice(index, index + 1)
        return Prices(self.price[one], self.dual[:, one], self.flow[:, one])

    def some(self, count: int) -> "Prices":
        """Only *count* of the prices."""
        picked = np.linspace(1, self.price.shape[1] - 2, count).astype(np.intp)
        return Prices(self.price[:, picked], self.dual[:, :, picked], self.flow[:, :, picked])


def answers(table: Table, count: int, around: tuple[Array, Array] | None = None) -> Prices:
    """Every pump's answers to *count* prices: quantiles of all marginals, or evenly *around* (low, high), each (k,)."""
    return answers_to(table, _quantiles(table, count) if around is None else _even(around, count))


def answers_to(table: Table, price: Array) -> Prices:
    """Every pump's answers to *price* (k, l)."""
    pumps, places, points = table.flow.shape
    cost = table.power[:, :, None, :] - price[:, :, None] * table.flow[:, :, None, :]  # (n, k, l, m)
    best = cost.argmin(axis=3)
    middle = np.minimum(np.maximum(best, 1), points - 2)
    start = np.arange(pumps * places).reshape(pumps, places, 1)
    at = points * (start * price.shape[1] + np.arange(price.shape[1])) + middle  # of cost, flattened
    costs = cost.ravel()
    left, here, right = costs[at - 1], costs[at], costs[at + 1]
    fall, bend = left - right, left - 2 * here + right
    is_bent = bend > 0
    # The vertex of the parabola through the three points around the least.
    offset = np.where(is_bent, fall / (2 * np.where(is_bent, bend, 1.0)), best - middle)
    offset = np.minimum(np.maximum(offset, -1.0), 1.0)
    flows, at = table.flow.ravel(), points * start + middle
    before, flow, after = flows[at - 1], flows[at], flows[at + 1]
    square = offset * offset / 2
    return Prices(
        price=price,
        dual=here - offset / 2 * fall + square * bend,
        flow=flow + offset / 2 * (after - before) + square * (before - 2 * flow + after),
    )


def sharpened(table: Table, prices: Prices) -> Prices:
    """As many prices between the two at which all pumps of *table* together answer with less and more than is asked."""
    below = last_below(prices, table.station_flow)[:, None]
    low, high = (np.take_along_axis(prices.price, below + step, 1)[:, 0] for step in (0, 1))
    return answers(table, prices.price.shape[1], (low, high))


def last_below(prices: Prices, asked: Array) -> NDArray[np.intp]:
    """Place (k,) of the last price at which all pumps together answer with less than *asked* (k,); never the last."""
    sums = prices.flow.sum(axis=0)
    return np.asarray(np.clip((sums < asked[:, None]).sum(axis=1) - 1, 0, sums.shape[1] - 2))


def _quantiles(table: Table, count: int) -> Array:
    """Prices (k, count), the same everywhere: quantiles of all marginal powers, and one beyond each end."""
    step = table.flow[:, :, 1:] - table.flow[:, :, :-1]
    moving = step > _EXACT * table.flow[:, :, -1:]
    marginal = (table.power[:, :, 1:] - table.power[:, :, :-1])[moving] / step[moving]
    if not marginal.size:
        marginal = np.array([0.0, 1.0])
    marginal.sort()
    low, high = float(marginal[0]), float(marginal[-1])
    edge = 0.5 * (high - low) + 1e-3 * max(abs(low), abs(high)) + 1e-9
    price = np.empty(count)
    price[0], price[-1] = low - edge, high + edge
    price[1:-1] = marginal[np.linspace(0, len(marginal) - 1, count - 2).astype(np.intp)]
    return np.broadcast_to(np.maximum.accumulate(price + 1e-12 * np.arange(count)), (len(table.at), count))


def _even(around: tuple[Array, Array], count: int) -> Array:
    low, high = around
    return low[:, None] + (high - low)[:, None] * evenly(count)


@dataclass(frozen=True, slots=True)
class Survey:
    """Costs without entry costs and worth, of s sets at k places."""

    power: Array  # (s, k) kW: Σ d + λ Q at the price that splits the flow; at the nearest end where there is none
    price: Array  # (s, k) that price
    low_room: Array  # (s, k) share of the flow by which the set can go below what is asked
    high_room: Array  # (s, k) the same above
    slack: Array  # (s, k) the least of the set's pumps

    @property
    def room(self) -> Array:
        """Below 0 the set cannot serve the place, shape (s, k)."""
        return np.minimum(np.minimum(self.low_room, self.high_room), self.slack)

    @property
    def is_feasible(self) -> Masks:
        """Whether the set serves the place, shape (s, k)."""
        return self.room >= -_EXACT


def survey(table: Table, masks: Masks, prices: Prices) -> Survey:
    """Look at every set of *masks* at every place of *table*."""
    members = masks.astype(np.float64)
    low, high = members @ table.flow[:, :, 0], members @ table.flow[:, :, -1]
    flow = table.station_flow
    slack = np.where(masks[:, :, None], table.slack, np.inf).min(axis=1)
    power, price = _split(members, prices, flow)
    power = np.where(low > flow, members @ table.power[:, :, 0], power)
    power = np.where(high < flow, members @ table.power[:, :, -1], power)
    return Survey(power, price, (flow - low) / flow, (high - flow) / flow, slack)


def _split(members: Array, prices: Prices, flow: Array) -> tuple[Array, Array]:
    """Power and price (s, k) at which the answers of each set add up to *flow*.

    Between two prices the dual's slope, Q - Σq, is taken as linear, and its greatest value integrated.
    """
    pumps, places, count = prices.flow.shape
    total = (members @ prices.flow.reshape(pumps, -1)).reshape(-1, places, count)
    dual = (members @ prices.dual.reshape(pumps, -1)).reshape(-1, places, count)
    below = np.clip((total < flow[None, :, None]).sum(axis=2) - 1, 0, count - 2)
    at = count * np.arange(below.size).reshape(below.shape) + below  # of total and dual, flattened
    total_0, total_1, dual_0 = total.ravel()[at], total.ravel()[at + 1], dual.ravel()[at]
    at = count * np.arange(places) + below
    price_0, price_1 = prices.price.ravel()[at], prices.price.ravel()[at + 1]
    gain = total_1 - total_0
    share = np.clip((flow - total_0) / np.where(gain > 0, gain, 1.0), 0.0, 1.0) * (gain > 0)
    price = price_0 + share * (price_1 - price_0)
    return dual_0 + price_0 * flow + (price - price_0) * (flow - total_0) / 2, price


@dataclass(frozen=True, slots=True)
class Spots:
    """Places worth a closer look: for each set the grid's places and the window ends between them."""

    cost: Array  # (s, p) expected there; infinite where the set cannot be
    at: Array  # (s, p) the demand's scalar
    price: Array  # (s, p) kW per m³/h: the marginal power expected there

    def only(self, index: int) -> "Spots":
        """Those of one set."""
        one = slice(index, index + 1)
        return Spots(self.cost[one], self.at[one], self.price[one])


def spots(look: Survey, at: Array, extra: Array, touching: float = TOUCHING) -> Spots:
    """Feasible places and interpolated window ends of each set.

    Args:
        look: The survey of s sets at k places.
        at: The places, shape (k,).
        extra: What each set costs besides power at each place, kW, shape (s, k) or (k,).
        touching: Share by which a limit may seem to be broken between two places and be kept.
    """
    cost = look.power + extra
    costs = [np.where(look.is_feasible, cost, np.inf)]
    places = [np.broadcast_to(at, cost.shape)]
    prices = [look.price]
    limits = (look.low_room, look.high_room, look.slack)
    for limit in limits if len(at) > 1 else ():
        before, after = limit[:, :-1], limit[:, 1:]
        crosses = (before < 0) != (after < 0)
        if not crosses.any():
            continue
        share = np.where(crosses, before / np.where(crosses, before - after, 1.0), 0.0)
        for other in limits:
            if other is not limit:
                crosses &= _between(other, share) >= -touching
        costs.append(np.where(crosses, _between(cost, share), np.inf))
        places.append(at[:-1] + share * (at[1:] - at[:-1]))
        prices.append(_between(look.price, share))
    if len(costs) == 1:
        return Spots(costs[0], places[0], look.price)
    return Spots(*(np.concatenate(parts, axis=1) for parts in (costs, places, prices)))


def _between(values: Array, share: Array) -> Array:
    return values[:, :-1] + share * (values[:, 1:] - values[:, :-1])
