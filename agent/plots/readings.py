"""The steady readings behind a pump's curve, brought to rated speed."""

import numpy as np

from agent.plots.picture import Trace
from analytics.curves.model import StationModel
from analytics.curves.points import Points
from analytics.hydraulics import Floats, at_speed, wire_to_water_efficiency


def own_points(points: Points, pumps: tuple[str, ...], model: StationModel | None, pump: str) -> Points:
    """The *points*, columns as *pumps*, in which *pump* ran and its flow is known, with that flow in its column.

    It is that of its own meter; where it has none, what is left of the total once the others have theirs by *model*.
    """
    index = pumps.index(pump)
    metered = points.pump_flows[:, index]
    flows = np.where(np.isfinite(metered), metered, points.flow - _others(points, pumps, model, index))
    known = points.running[:, index] & (np.nan_to_num(flows) > 0.0) & (np.nan_to_num(points.head) > 0.0)
    found = Points(
        times_ms=points.times_ms,
        running=points.running[:, [index]],
        speeds=points.speeds[:, [index]],
        head=points.head,
        flow=points.flow,
        powers=points.powers[:, [index]],
        pump_flows=flows[:, np.newaxis],
    )
    return found.take(known)


def _others(points: Points, pumps: tuple[str, ...], model: StationModel | None, index: int) -> Floats:
    """What the other pumps deliver, m³/h, shape (n,); NaN where one runs that has no curve."""
    runs = points.running.copy()
    runs[:, index] = False
    flows = np.full(runs.shape, np.nan)
    if model is not None:
        columns = [pumps.index(pump) for pump in model.pumps]
        flows[:, columns] = model.duty(np.where(runs, points.speeds, 0.0)[:, columns], points.head).flows
    return np.asarray(np.where(runs, flows, 0.0).sum(axis=1))


def at_rated_speed(own: Points, constant: float) -> Trace:
    """*own* points of one pump, in one column, by the affinity laws.

    Args:
        own: They.
        constant: Power of its model that does not follow the cube of the speed, kW.
    """
    speed, power = own.speeds[:, 0], np.where(own.powers[:, 0] > 0.0, own.powers[:, 0], np.nan)
    flow, head, variable = at_speed(own.pump_flows[:, 0], own.head, power - constant, 1.0 / speed)
    power = variable + constant
    return Trace(
        flow, {"head": head, "power": power, "efficiency": 100.0 * wire_to_water_efficiency(flow, head, power)}
    )
