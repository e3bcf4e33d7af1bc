"""How pumps that run together share a flow at least power: many places at once."""

from collections.abc import Sequence

import numpy as np

from analytics.dispatch.lines import Line, Table, table_at
from analytics.dispatch.pump import Array
from analytics.dispatch.rugged import rugged_split
from analytics.dispatch.survey import answers, last_below, sharpened, survey

_POINTS = 17  # of a line, and prices: 1e-5 of the power
_PRICES = 33
_ZOOMS = 2  # each divides the step of prices by 32
_RUGGED = 2e-5  # share of the power above which the gap to the dual shows that a line is not convex


def power_of(lines: Sequence[Line], head: Array, flow: Array) -> Array:
    """Least power of all *lines* running at k heads and flows within their window, kW, shape (k,)."""
    lined = table_at(lines, np.arange(float(len(flow))), flow, head, _POINTS)
    if len(lines) == 1:
        return _alone(lined)
    return np.asarray(survey(lined, np.ones((1, len(lines)), np.bool_), answers(lined, _POINTS)).power[0])


def _alone(lined: Table) -> Array:
    """One pump has no choice; beyond its ends that of the nearer one."""
    pairs = zip(lined.station_flow.tolist(), lined.flow[0], lined.power[0], strict=True)
    return np.array([np.interp(asked, flow, power) for asked, flow, power in pairs])


def shared(lined: Table) -> Array:
    """Flows (n, k) of all pumps of *lined* at its k places: equal marginal powers where no limit holds them."""
    prices = answers(lined, _PRICES)
    for _ in range(_ZOOMS):
        prices = sharpened(lined, prices)
    below, rows = last_below(prices, lined.station_flow), np.arange(len(lined.station_flow))
    sums = prices.flow.sum(axis=0)
    gain = sums[rows, below + 1] - sums[rows, below]
    share = np.clip((lined.station_flow - sums[rows, below]) / np.where(gain > 0, gain, 1.0), 0.0, 1.0) * (gain > 0)
    before = prices.flow[:, rows, below]
    flows = before + share * (prices.flow[:, rows, below + 1] - before)
    bound = (prices.dual.sum(axis=0) + prices.price * lined.station_flow[:, None]).max(axis=1)
    for place in np.flatnonzero(_power(lined, flows) - bound > _RUGGED * bound):
        flows[:, place] = _better(lined, flows[:, place], int(place))
    return np.asarray(flows)


def _power(lined: Table, flows: Array) -> Array:
    """kW, of all pumps together at *flows* (n, k), by the table."""
    found = np.zeros(flows.shape[1])
    for flow, power, own in zip(lined.flow, lined.power, flows, strict=True):
        found += [np.interp(at, each, kw) for at, each, kw in zip(own, flow, power, strict=True)]
    return found


def _better(lined: Table, flows: Array, place: int) -> Array:
    """The split of one place whose lines are not convex, if it is better than *flows* (n,)."""
    one = lined.only(place)
    other = rugged_split(one)
    is_better = _power(one, other[:, None])[0] < _power(one, flows[:, None])[0]
    return other if is_better else flows
