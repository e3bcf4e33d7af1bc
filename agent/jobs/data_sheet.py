"""What the configuration knows of a pump's curves and of its motor, as the analytics want it."""

import numpy as np

from agent.plant import PumpSettings
from agent.settings import AgentSettings
from analytics.curves.methods.catalogue import Catalogue
from analytics.curves.prior import Plate
from analytics.losses import Losses, by_full_load, by_load, estimated


def catalogues_of(settings: AgentSettings) -> dict[str, Catalogue]:
    """Of each pump that has one, by its id."""
    return {pump.id: sheet for pump in settings.pumps if (sheet := catalogue(pump)) is not None}


def catalogue(pump: PumpSettings) -> Catalogue | None:
    """Its data sheet at full speed; the power is that which its meter would show, as far as the losses are known.

    Where they are neither known nor can be estimated it has no power: what a shaft takes is not what is measured.
    """
    if pump.catalogue is None:
        return None
    points = pump.catalogue.points
    losses = losses_of(pump)
    shaft = np.array([np.nan if point.power is None else point.power for point in points])
    power = None if losses is None or not np.isfinite(shaft).any() else losses.drawn(shaft)
    return Catalogue(np.array([point.flow for point in points]), np.array([point.head for point in points]), power)


def plate(pump: PumpSettings) -> Plate:
    """Its plate, for the fit of all pumps of a header; where it has none, the best point of its data sheet."""
    is_told = pump.rated_flow is not None and pump.rated_head is not None
    if is_told or pump.catalogue is None:
        return Plate(pump.id, pump.rated_flow, pump.rated_head)
    told = [(point.flow, point.head, point.power) for point in pump.catalogue.points if point.power is not None]
    flow, head, power = np.array(told).reshape(-1, 3).T
    top = int(np.argmax(flow * head / power)) if told else 0
    if not 0 < top < len(told) - 1:
        return Plate(pump.id, pump.rated_flow, pump.rated_head)
    return Plate(pump.id, float(flow[top]), float(head[top]))


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
