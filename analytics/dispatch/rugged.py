"""The split of a flow among pumps whose power is not convex in flow: equal marginal power does not find it."""

from itertools import permutations

import numpy as np

from analytics.dispatch.lines import Table
from analytics.dispatch.pump import Array

_STEPS = 240
_SMALLEST = 1e-7  # share of the flow below which moving flow from pump to pump is pointless


def rugged_split(table: Table) -> Array:
    """Flows, shape (n,), of least power at the table's only place: a dynamic programme, then exchanges.

    The programme hands out the flow above the pumps' least flows in equal steps; exchanges between pairs of
    pumps, with steps halved until they are negligible, find the bottom of the valley it ends in.
    """
    flow, power = table.flow[:, 0], table.power[:, 0]
    total = float(table.station_flow[0])
    chosen = _programme(flow, power, total)
    return _exchanged(flow, power, _balanced(chosen, flow[:, 0], flow[:, -1], total), total)


def _programme(flow: Array, power: Array, total: float) -> Array:
    spare = max(total - float(flow[:, 0].sum()), 0.0)
    grid = spare * np.linspace(0.0, 1.0, _STEPS + 1)
    least = np.full(_STEPS + 1, np.inf)
    least[0] = 0.0
    taken = []
    steps = np.arange(_STEPS + 1)
    before = steps[:, None] - steps[None, :]  # what is left for the earlier pumps when this one takes the column's
    for line_flow, line_power in zip(flow, power, strict=True):
        width = line_flow[-1] - line_flow[0]
        own = np.interp(line_flow[0] + grid, line_flow, line_power)
        own = np.where(grid <= width + spare / _STEPS, own, np.inf)  # one step beyond its end: balanced afterwards
        cost = np.where(before >= 0, least[np.maximum(before, 0)], np.inf) + own
        choice = cost.argmin(axis=1)
        taken.append(choice)
        least = cost[steps, choice]
    left, result = _STEPS, np.empty(len(flow))
    for pump in reversed(range(len(flow))):
        step = int(taken[pump][left])
        result[pump] = flow[pump, 0] + grid[step]
        left -= step
    return np.asarray(np.clip(result, flow[:, 0], flow[:, -1]))


def _balanced(chosen: Array, low: Array, high: Array, total: float) -> Array:
    """The same with the sum made right, taken from or given to whoever has room."""
    missing = total - float(chosen.sum())
    room = high - chosen if missing > 0 else chosen - low
    share = min(1.0, abs(missing) / max(float(room.sum()), 1e-300))
    return np.asarray(chosen + np.sign(missing) * room * share)


def _exchanged(flow: Array, power: Array, chosen: Array, total: float) -> Array:
    def cost(pump: int, own: float) -> float:
        if not flow[pump, 0] <= own <= flow[pump, -1]:
            return np.inf
        return float(np.interp(own, flow[pump], power[pump]))

    step = total / _STEPS
    while step > _SMALLEST * total:
        improved = False
        for giver, taker in permutations(range(len(flow)), 2):
            gain = cost(giver, chosen[giver]) + cost(taker, chosen[taker])
            gain -= cost(giver, chosen[giver] - step) + cost(taker, chosen[taker] + step)
            if gain > 1e-12 * total:
                chosen[giver] -= step
                chosen[taker] += step
                improved = True
        if not improved:
            step /= 2
    return chosen
