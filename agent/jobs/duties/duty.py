"""Each pump's duty point at one instant, every figure with where it comes from."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from agent.availability import mean_known
from agent.jobs.evidence import header_state, pumps_of
from agent.jobs.learnt.data_sheet import plate
from agent.mqtt.payloads import Source
from agent.plant import HeaderSettings, PumpSettings
from agent.settings import AgentSettings
from agent.window import Frame
from analytics.curves.model import StationModel
from analytics.curves.virtual_flow import Unknown, virtual_flow
from analytics.dispatch.fitted import BestFlow, best_phi
from analytics.dispatch.limits import Limits
from analytics.hydraulics import specific_energy, wire_to_water_efficiency
from analytics.running import State

METER = 0.01  # share of a flow by which a header's meter may be off
CONTRADICTION = 3.0  # standard deviations by which the pumps' flows may miss it


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a duty point."""

    value: float
    source: Source
    std: float | None = None
    method: str | None = None  # of a modelled one: what it is from
    doubt: str | None = None  # what speaks against it


@dataclass(frozen=True, slots=True)
class DutyPoint:
    """Flow m³/h, head m, power kW and relative speed of one pump; None where not known."""

    flow: Figure | None = None
    head: Figure | None = None
    power: Figure | None = None
    speed: Figure | None = None
    flow_unknown: str | None = None  # why the flow of a running pump cannot be told

    @property
    def efficiency(self) -> float | None:
        """Wire to water; None where it cannot be computed or cannot be true."""
        if self.flow is None or self.head is None or self.power is None:
            return None
        found = float(wire_to_water_efficiency(self.flow.value, self.head.value, self.power.value))
        return found if 0.0 < found < 1.0 else None

    @property
    def efficiency_std(self) -> float | None:
        """What the flow's and power's uncertainty make of it; None where neither has one."""
        if self.efficiency is None or self.flow is None or self.power is None:
            return None
        shares = [one.std / one.value for one in (self.flow, self.power) if one.std is not None]
        return self.efficiency * float(np.hypot.reduce(shares)) if shares else None

    @property
    def specific_energy(self) -> float | None:
        """Energy per volume, kWh/m³; None where nothing flows."""
        if self.flow is None or self.power is None or self.flow.value <= 0:
            return None
        return float(specific_energy(self.power.value, self.flow.value))


def duty_points(
    settings: AgentSettings,
    frame: Frame,
    states: Mapping[str, State],
    models: Mapping[str, StationModel],
) -> dict[str, DutyPoint]:
    """Duty point of each pump as the mean over *frame*, by its id.

    Args:
        settings: The plant.
        frame: Of its tags, over some seconds.
        states: Running state of each pump.
        models: Curves of the pumps of a header, by the header's id, where there are any.
    """
    points: dict[str, DutyPoint] = {}
    for header in settings.headers:
        own = {pump.id: _measured(frame, header, pump, states[pump.id]) for pump in pumps_of(settings, header)}
        points |= _with_flows(frame, header, own, states, models.get(header.id))
    return points


def _measured(frame: Frame, header: HeaderSettings, pump: PumpSettings, state: State) -> DutyPoint:
    """What the pump's own tags say; a stopped one delivers and draws nothing, whatever its meters' noise."""
    if state == "stopped":
        nothing = Figure(0.0, "derived")
        return DutyPoint(flow=nothing, power=nothing, speed=nothing)
    if state == "unknown":
        return DutyPoint()
    head = mean_known(header_state(frame, header).head, 0.0)
    speed = _figure(frame, pump.speed, 1 / pump.rated_speed)
    if speed is None and pump.drive == "fixed":
        speed = Figure(1.0, "derived")
    return DutyPoint(
        flow=_figure(frame, pump.flow),
        head=None if head is None else Figure(head, "derived"),
        power=_figure(frame, pump.power),
        speed=speed,
    )


def _with_flows(
    frame: Frame,
    header: HeaderSettings,
    points: dict[str, DutyPoint],
    states: Mapping[str, State],
    model: StationModel | None,
) -> dict[str, DutyPoint]:
    """*points* with the flow of pumps that have no meter of their own: the rest of the header's, or the curves'."""
    unmetered = [pump for pump, point in points.items() if point.flow is None]
    total = mean_known(header_state(frame, header).flow, 0.0)
    is_told = all(states[pump] != "unknown" for pump in points)
    if len(unmetered) == 1 and is_told and total is not None:
        rest = total - sum(point.flow.value for point in points.values() if point.flow)
        return points | {unmetered[0]: replace(points[unmetered[0]], flow=Figure(max(0.0, rest), "derived"))}
    return points if model is None else points | _modelled(points, unmetered, model, total if is_told else None)


def _modelled(
    points: dict[str, DutyPoint], unmetered: list[str], model: StationModel, total: float | None
) -> dict[str, DutyPoint]:
    """The points of *unmetered* pumps with the flow that their curves give, held against the header's *total*."""
    found = {}
    for pump in unmetered:
        point = points[pump]
        if pump not in model.pumps or point.speed is None or point.speed.value <= 0.0:
            continue
        head, power = (None if one is None else one.value for one in (point.head, point.power))
        flow = virtual_flow(model, pump, speed=point.speed.value, head=head, power=power)
        if isinstance(flow, Unknown):
            found[pump] = replace(point, flow_unknown=f"its flow cannot be told: {flow.why}")
        else:
            found[pump] = replace(point, flow=Figure(flow.flow, "modelled", flow.std, flow.basis, flow.doubt))
    return _held_against(points | found, found, total)


def _held_against(
    points: dict[str, DutyPoint], modelled: dict[str, DutyPoint], total: float | None
) -> dict[str, DutyPoint]:
    """The *modelled* points, less sure where all pumps' flows together are not what the header's meter says."""
    flows = {pump: point.flow for pump, point in points.items()}
    known = [flow for flow in flows.values() if flow is not None]
    if total is None or len(known) < len(flows):
        return modelled
    off = sum(flow.value for flow in known) - total
    spread = float(np.hypot.reduce([flow.std or 0.0 for flow in known] + [METER * total]))
    if abs(off) <= CONTRADICTION * spread:
        return modelled
    all_together = sum(flow.value for flow in known)
    doubt = f"the pumps' flows together are {all_together:.0f} m³/h, the header's meter says {total:.0f} m³/h"
    return {
        pump: point if point.flow is None else replace(point, flow=_doubted(point.flow, off / all_together, doubt))
        for pump, point in modelled.items()
    }


def _doubted(flow: Figure, share: float, doubt: str) -> Figure:
    """With the share by which all are off as its own uncertainty."""
    std = float(np.hypot(flow.std or 0.0, share * flow.value))
    return replace(flow, std=std, doubt=doubt if flow.doubt is None else f"{flow.doubt}; {doubt}")


def best_of(pump: PumpSettings, model: StationModel | None) -> BestFlow | None:
    """Best flow at rated speed: by plate or sheet, else by the curve, where what it has learnt tells its top."""
    rated = plate(pump).rated_flow
    if rated is not None:
        return BestFlow(rated)
    if model is None or pump.id not in model.pumps:
        return None
    return best_phi(model.curve(pump.id), Limits(pump.id))


def _figure(frame: Frame, tag: str | None, factor: float = 1.0) -> Figure | None:
    value = None if tag is None else mean_known(frame.values[tag], 0.0)
    return None if value is None else Figure(value * factor, "measured")
