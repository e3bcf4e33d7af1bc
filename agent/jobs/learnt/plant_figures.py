"""What the configuration adds to a curve that was learnt: its preferred region, and what motor and drive take of it."""

import numpy as np

from agent.jobs.learnt.data_sheet import losses_of, plate
from agent.mqtt import payloads
from agent.plant import PumpSettings

_LOSSLESS = 1.0  # no pump loses nothing: such an efficiency means that motor or meter are not what they are said to be


def with_plant(said: payloads.PumpCurve, pump: PumpSettings) -> payloads.PumpCurve:
    """*said* with the preferred operating region in m³/h, and the efficiency of the pump alone at each point."""
    rated = plate(pump).rated_flow
    best = said.bep_flow if rated is None else rated
    por = {} if best is None else {"por_min": pump.por[0] * best, "por_max": pump.por[1] * best}
    losses = losses_of(pump)
    if losses is None:
        return said.model_copy(update={**por, "losses": "inside"})
    points = []
    for point in said.points:
        eta = None
        if point.efficiency is not None and point.power_kw is not None and point.power_kw > 0.0:
            alone = point.efficiency * point.power_kw / float(losses.at_shaft(point.power_kw))
            eta = alone if np.isfinite(alone) and alone < _LOSSLESS else None
        points.append(point.model_copy(update={"pump_efficiency": eta}))
    return said.model_copy(update={**por, "losses": losses.source, "points": tuple(points)})
