"""How far a running pump is from cavitation, and where each figure of that comes from."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from agent.jobs.data_sheet import npsh_table
from agent.jobs.evidence import suction
from agent.plant import HeaderSettings, PumpSettings
from agent.window import Frame
from analytics import npsh
from analytics.hydraulics import Floats

SuctionSource = Literal["gauge", "level", "configured"]
RequiredSource = Literal["catalogue", "plate"]
LEAST_SHARE = 0.5  # of what a plate says for rated flow: at little flow a pump needs no less


@dataclass(frozen=True, slots=True)
class Available:
    """NPSH at the inlet, m."""

    value: float
    source: SuctionSource


@dataclass(frozen=True, slots=True)
class Required:
    """NPSH the pump needs at its duty, m."""

    value: float
    source: RequiredSource


def available(cells: Frame, header: HeaderSettings) -> Available | None:
    """Mean over *cells*; None where nothing says what the pressure at the inlet is."""
    if header.suction_pressure is not None:
        source: SuctionSource = "gauge"
    elif header.suction_level is not None:
        source = "level"
    elif "suction_head" in header.model_fields_set:
        source = "configured"
    else:
        return None
    head = _mean(np.asarray(suction(cells, header), np.float64))
    measured = None if header.temperature is None else _mean(cells.values[header.temperature])
    if head is None:
        return None
    temperature = header.temperature_usual if measured is None else measured
    return Available(float(npsh.available(head, header.altitude, temperature)), source)


def required(pump: PumpSettings, flow: float, speed: float) -> Required | None:
    """At *flow* m³/h and relative *speed*: by the data sheet, else NPSHr ∝ Q² by what the plate says at rated flow."""
    if speed <= 0.0:
        return None
    if (table := npsh_table(pump)) is not None:
        return Required(float(npsh.required(flow, speed, *table)), "catalogue")
    if pump.npsh is None or pump.rated_flow is None:
        return None
    return Required(pump.npsh * max((flow / pump.rated_flow) ** 2, LEAST_SHARE * speed**2), "plate")


def _mean(values: Floats) -> float | None:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else None
