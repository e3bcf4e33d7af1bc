"""What the configuration knows of a pump's curves and of its motor, as the analytics want it."""

import numpy as np
from numpy.typing import ArrayLike

from agent.catalogue import CatalogueSettings
from agent.plant import PumpSettings
from agent.settings import AgentSettings
from analytics.curves.methods.catalogue import Catalogue
from analytics.curves.prior import Plate
from analytics.hydraulics import Floats, velocity_head
from analytics.losses import Losses, by_full_load, by_load, estimated

LEAST_POINTS = 3  # of a data sheet


def catalogues_of(settings: AgentSettings) -> dict[str, Catalogue]:
    """Of each pump that has one, by its id."""
    return {pump.id: sheet for pump in settings.pumps if (sheet := catalogue(pump)) is not None}


def catalogue(pump: PumpSettings) -> Catalogue | None:
    """Its data sheet at full speed, as its meters would show it: head at the gauges, and power by the known losses.

    Points at which no head would reach the gauges are left out; None where fewer than three are left. Where losses are
    neither known nor can be estimated it has no power: what a shaft takes is not what is measured.
    """
    if pump.catalogue is None:
        return None
    flow, head, shaft = _columns(pump.catalogue)
    head = head - lost(pump, flow)
    reaches = head > 0.0
    if reaches.sum() < LEAST_POINTS:
        return None
    losses = losses_of(pump)
    power = None if losses is None or not np.isfinite(shaft).any() else losses.drawn(shaft[reaches])
    return Catalogue(flow[reaches], head[reaches], power)


def lost(pump: PumpSettings, flow: ArrayLike) -> Floats:
    """By how much less the gauges show than the total head between the pump's flanges, m, at its *flow* in m³/h.

    H_gauges = H - k Q² - (v₂² - v₁²) / 2g with k from `branch_loss` and v from the bores where the gauges are. It goes
    as the square of the flow, and so, as heads do by the affinity laws, as that of the speed: one curve holds for all.
    """
    found = np.zeros_like(np.asarray(flow, np.float64))
    if pump.branch_loss and pump.rated_flow is not None:
        found = found + pump.branch_loss * (np.asarray(flow) / pump.rated_flow) ** 2
    if pump.discharge_bore is not None and pump.suction_bore is not None:
        found = found + velocity_head(flow, pump.discharge_bore) - velocity_head(flow, pump.suction_bore)
    return np.asarray(found)


def total_head(pump: PumpSettings, flow: ArrayLike, head: ArrayLike) -> Floats | None:
    """Between the pump's flanges, m, where the gauges show *head*; None where what lies between is not configured."""
    is_told = pump.branch_loss > 0.0 or pump.discharge_bore is not None
    return np.asarray(head, np.float64) + lost(pump, flow) if is_told else None


def plate(pump: PumpSettings) -> Plate:
    """Its plate, for the fit of all pumps of a header; where it has none, the best point of its data sheet.

    The head is that which the gauges show.
    """
    if pump.rated_flow is not None and pump.rated_head is not None:
        return Plate(pump.id, pump.rated_flow, _at_gauges(pump, pump.rated_flow, pump.rated_head))
    if pump.catalogue is not None:
        flow, head, power = _columns(pump.catalogue)
        told = np.isfinite(power)
        flow, head, power = flow[told], head[told], power[told]
        top = int(np.argmax(flow * head / power)) if told.any() else 0
        if 0 < top < len(flow) - 1:
            return Plate(pump.id, float(flow[top]), _at_gauges(pump, float(flow[top]), float(head[top])))
    return Plate(pump.id, pump.rated_flow, pump.rated_head)


def _at_gauges(pump: PumpSettings, flow: float, head: float) -> float | None:
    """Of a pump's *head*; None where nothing would be left of it."""
    left = head - float(lost(pump, flow))
    return left if left > 0.0 else None


def _columns(sheet: CatalogueSettings) -> tuple[Floats, Floats, Floats]:
    """Flow, head and power at the shaft, NaN where it has none, of each point."""
    rows = [(point.flow, point.head, np.nan if point.power is None else point.power) for point in sheet.points]
    flow, head, shaft = np.array(rows).T
    return flow, head, shaft


def losses_of(pump: PumpSettings) -> Losses | None:
    """Of its motor and drive; None where not even the rated power is known: they stay inside the efficiency."""
    if pump.rated_power is None:
        return None
    drive = pump.drive_efficiency if pump.drive == "variable" else 1.0
    if pump.motor_efficiency is None and not pump.motor_efficiency_by_load:
        return estimated(pump.rated_power, has_drive=pump.drive == "variable")
    drive = 1.0 if drive is None else drive
    if pump.motor_efficiency is not None:
        return by_full_load(pump.rated_power, pump.motor_efficiency, drive)
    loads, motor = zip(*pump.motor_efficiency_by_load, strict=True)
    return by_load(pump.rated_power, loads, motor, drive)


def npsh_table(pump: PumpSettings) -> tuple[np.ndarray, np.ndarray] | None:
    """Flow, m³/h, and NPSH required, m, at full speed by the data sheet; None where it gives none."""
    if pump.catalogue is None:
        return None
    given = [(point.flow, point.npsh) for point in pump.catalogue.points if point.npsh is not None]
    if not given:
        return None
    flow, npsh = np.array(given).T
    return flow, npsh
