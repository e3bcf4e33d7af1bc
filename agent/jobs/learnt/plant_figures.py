"""What the configuration adds to a curve that was learnt: its preferred region, what pipes, motor and drive take."""

import numpy as np

from agent.jobs.learnt.data_sheet import losses_of, plate, total_head
from agent.mqtt import payloads
from agent.mqtt.payloads import CurvePoint
from agent.plant import PumpSettings
from analytics.losses import Losses

_LOSSLESS = 1.0  # no pump loses nothing: such an efficiency means that motor or meter are not what they are said to be


def with_plant(said: payloads.PumpCurve, pump: PumpSettings) -> payloads.PumpCurve:
    """*said* with the preferred operating region in m³/h, and head and efficiency of the pump alone at each point."""
    rated = plate(pump).rated_flow
    best = said.bep_flow if rated is None else rated
    por = {} if best is None else {"por_min": pump.por[0] * best, "por_max": pump.por[1] * best}
    losses = losses_of(pump)
    points = tuple(_alone(point, pump, losses) for point in said.points)
    return said.model_copy(update={**por, "losses": "inside" if losses is None else losses.source, "points": points})


def _alone(point: CurvePoint, pump: PumpSettings, losses: Losses | None) -> CurvePoint:
    """*point* with the pump's head between its flanges and its efficiency there, of the shaft's power, where known."""
    total = None if point.head is None else total_head(pump, point.flow, point.head)
    head = None if total is None else float(total)
    eta = None
    if losses is not None and point.efficiency is not None and point.power_kw and point.power_kw > 0.0:
        eta = point.efficiency * point.power_kw / float(losses.at_shaft(point.power_kw))
        if head is not None and point.head:
            eta *= head / point.head
        eta = eta if np.isfinite(eta) and eta < _LOSSLESS else None
    return point.model_copy(update={"pump_head": head, "pump_efficiency": eta})
