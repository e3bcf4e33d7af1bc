"""How far a running pump is from cavitation, and where each figure of that comes from."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from agent.availability import mean_known
from agent.jobs.evidence import suction
from agent.jobs.learnt.data_sheet import npsh_table
from agent.plant import HeaderSettings, PumpSettings
from agent.window import Frame
from analytics import npsh
from analytics.dispatch.limits import Inlet
from analytics.hydraulics import Floats

SuctionSource = Literal["gauge", "level", "configured"]
RequiredSource = Literal["catalogue", "plate"]


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
    head = mean_known(np.atleast_1d(suction(cells, header)), 0.0)
    measured = None if header.temperature is None else mean_known(cells.values[header.temperature], 0.0)
    if head is None:
        return None
    temperature = header.temperature_usual if measured is None else measured
    return Available(float(npsh.available(head, header.altitude, temperature)), source)


@dataclass(frozen=True, slots=True)
class Need:
    """What a pump needs at its inlet, m, at any flow in m³/h and relative speed above 0."""

    at: Callable[[ArrayLike, ArrayLike], Floats]
    source: RequiredSource


def need(pump: PumpSettings) -> Need | None:
    """By the data sheet, else by what the plate says at rated flow; None where neither says it."""
    if (table := npsh_table(pump)) is not None:
        return Need(partial(npsh.required, sheet_flow=table[0], sheet_npsh=table[1]), "catalogue")
    if pump.npsh is None or pump.rated_flow is None:
        return None
    by_plate = partial(npsh.required_by_plate, rated_flow=pump.rated_flow, rated_npsh=pump.npsh)
    return Need(by_plate, "plate")


def required(pump: PumpSettings, flow: float, speed: float) -> Required | None:
    """At *flow* m³/h and relative *speed*; None where it stands, or nothing says what it needs."""
    found = need(pump)
    return None if found is None or speed <= 0.0 else Required(float(found.at(flow, speed)), found.source)


def inlet(cells: Frame, header: HeaderSettings, pump: PumpSettings) -> Inlet | None:
    """What limits the pump's planning; None where its inlet's pressure or its need is not known."""
    given, needed = available(cells, header), need(pump)
    return None if given is None or needed is None else Inlet(given.value, needed.at)
