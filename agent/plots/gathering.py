"""From the store to a picture: the published curve, the readings it rests on, and the present duty."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

import numpy as np
from scipy.interpolate import CubicSpline

from agent.configuration.mistakes import did_you_mean
from agent.jobs.evidence import pumps_of
from agent.jobs.learnt.data_sheet import plate
from agent.jobs.learnt.plant_figures import with_plant
from agent.jobs.learnt.state import models_from_state, points_from_state
from agent.jobs.worn.state import restored
from agent.mqtt import payloads
from agent.plant import PumpSettings
from agent.plots.picture import Frozen, Picture, Present, Quantity, Trace
from agent.plots.readings import at_rated_speed, own_points
from agent.settings import AgentSettings
from agent.store.reader import Reader
from analytics.hydraulics import Floats, at_speed, wire_to_water_efficiency

FINE = 121  # points of a line
BEYOND = 0.4  # of the width of the data, by which a curve is drawn on either side of them

NOTHING = Trace(np.empty(0), {"head": np.empty(0), "efficiency": np.empty(0), "power": np.empty(0)})


class PlotError(Exception):
    """There is nothing to draw; the message is the sentence that says why."""


def picture(settings: AgentSettings, reader: Reader, name: str) -> Picture:
    """What is known of the pump *name*.

    Raises:
        PlotError: There is no such pump, or it has no curve yet.
    """
    pump = _pump(settings, name)
    said = with_plant(_said(reader, name), pump)
    fit = _fit(said)
    _, state = reader.job_state("curves")
    readings, times_ms = _readings(state, pump)
    known, is_on_plate = plate(pump), None not in {pump.rated_flow, pump.rated_head}
    return Picture(
        station=settings.station.name,
        said=said,
        fit=fit,
        beyond=_beyond(said, fit),
        readings=readings,
        is_metered=said.flow_source == "measured",
        times_ms=times_ms,
        plate=None if known.rated_flow is None or known.rated_head is None else (known.rated_flow, known.rated_head),
        plate_name="plate" if is_on_plate or known.rated_head is None else "data sheet",
        best_flow=known.rated_flow if said.bep_flow is None else said.bep_flow,
        por=None if said.por_min is None or said.por_max is None else (said.por_min, said.por_max),
        present=_present(reader, name, fit),
        reference=_reference(settings, reader, pump, fit),
        zone=ZoneInfo(settings.station.time_zone),
    )


def _pump(settings: AgentSettings, name: str) -> PumpSettings:
    pumps = {pump.id: pump for pump in settings.pumps}
    if name not in pumps:
        remedy = did_you_mean(name, pumps) or f"; there are {', '.join(pumps) or 'none'}"
        raise PlotError(f'the station has no pump "{name}"{remedy}')
    return pumps[name]


def _said(reader: Reader, name: str) -> payloads.PumpCurve:
    """The curve as it was last published."""
    for record in reader.newest("curve", name):
        said = payloads.PumpCurve.kept(record.body)
        if len(said.points) > 2:  # noqa: PLR2004 - two make no curve
            return said
        raise PlotError(f"{name} has no curve yet: {said.reason or 'too few steady readings'}")
    raise PlotError(
        f"{name} has no curve yet; the agent learns it while the pump runs, and pump-agent analyse from history"
    )


def _fit(said: payloads.PumpCurve) -> Trace:
    """The published points and their uncertainty, with a smooth line through them."""
    flow = np.array([point.flow for point in said.points])
    fine = np.linspace(flow[0], flow[-1], FINE)

    def line(values: Sequence[float | None]) -> Floats:
        known = np.array([np.nan if value is None else value for value in values])
        return np.asarray(CubicSpline(flow, known)(fine)) if np.isfinite(known).all() else np.full(FINE, np.nan)

    head, head_std = line([each.head for each in said.points]), line([each.head_std for each in said.points])
    power, power_std = line([each.power_kw for each in said.points]), line([each.power_std for each in said.points])
    efficiency = 100.0 * line([each.efficiency for each in said.points])
    share = np.hypot(head_std / head, power_std / power)
    return Trace(
        fine,
        {"head": head, "efficiency": efficiency, "power": power},
        {"head": head_std, "efficiency": efficiency * share, "power": power_std},
    )


def _beyond(said: payloads.PumpCurve, fit: Trace) -> tuple[Trace, ...]:
    """The published parabolas to the left and to the right of what data support, joined to the curve's ends."""
    if not said.head_coefficients:
        return ()
    low, high = fit.flow[[0, -1]]
    width = BEYOND * (high - low)
    sides = ((np.linspace(max(low - width, 0.0), low, FINE), 0), (np.linspace(high, high + width, FINE), -1))
    return tuple(_parabolas(said, fit, flow, end) for flow, end in sides)


def _parabolas(said: payloads.PumpCurve, fit: Trace, flow: Floats, end: int) -> Trace:
    head = _parabola(said.head_coefficients, flow, (float(fit.flow[end]), float(fit.values["head"][end])))
    power = _parabola(said.power_coefficients, flow, (float(fit.flow[end]), float(fit.values["power"][end])))
    return Trace(
        flow, {"head": head, "power": power, "efficiency": 100.0 * wire_to_water_efficiency(flow, head, power)}
    )


def _parabola(coefficients: tuple[float, ...], flow: Floats, through: tuple[float, float]) -> Floats:
    """Of ascending *coefficients*, moved to go *through* a point; NaN where it is not above 0."""
    curve = np.polynomial.Polynomial(coefficients or (np.nan,))
    values = curve(flow) + through[1] - curve(through[0])
    return np.where(values > 0.0, values, np.nan)


def _readings(state: bytes | None, pump: PumpSettings) -> tuple[Trace, tuple[int, int] | None]:
    """What the curves job keeps of the pump, at rated speed, and when the first and the last of it were."""
    kept, model = points_from_state(state, pump.header), models_from_state(state).get(pump.header)
    if kept is None or pump.id not in kept[0]:
        return NOTHING, None
    own = own_points(kept[1], kept[0], model, pump.id)
    if not len(own):
        return NOTHING, None
    constant = 0.0 if model is None or pump.id not in model.pumps else model.curve(pump.id).power_constant
    return at_rated_speed(own, constant), (int(own.times_ms.min()), int(own.times_ms.max()))


def _present(reader: Reader, name: str, fit: Trace) -> Present | None:
    """The duty point that was last published; None where the pump stood, or its flow or head was not known."""
    for record in reader.newest("pump", name):
        said = payloads.Pump.kept(record.body)
        if not said.running or said.flow is None or said.head is None or not said.speed:
            return None
        percent = np.nan if said.efficiency is None else 100.0 * said.efficiency
        power = np.nan if said.power_kw is None else said.power_kw
        duty: dict[Quantity, Floats] = {
            "head": np.array([said.head]),
            "efficiency": np.array([percent]),
            "power": np.array([power]),
        }
        return Present(
            duty=Trace(np.array([said.flow]), duty),
            curve=_slowed(fit, said.speed),
            speed=said.speed,
            flow_source=said.flow_source or "derived",
            flow_std=said.flow_std,
            ts_ms=said.ts,
        )
    return None


def _reference(settings: AgentSettings, reader: Reader, pump: PumpSettings, fit: Trace) -> Frozen | None:
    """What the wear job holds the pump against, where the curve is drawn."""
    own = {header.id: [each.id for each in pumps_of(settings, header)] for header in settings.headers}
    life = restored(reader.job_state("wear")[1], own).state.pumps[pump.id].life
    if life.reference is None:
        return None
    head, power = life.reference.head(fit.flow, 1.0), life.reference.power(fit.flow, 1.0)
    efficiency = 100.0 * wire_to_water_efficiency(fit.flow, head, power)
    curve = Trace(fit.flow, {"head": head, "efficiency": efficiency, "power": power})
    return Frozen(curve, life.source or "learnt", life.taken_ms)


def _slowed(fit: Trace, speed: float) -> Trace:
    """The curves at another speed, by the affinity laws."""
    flow, head, power = at_speed(fit.flow, fit.values["head"], fit.values["power"], speed)
    return Trace(
        flow, {"head": head, "efficiency": 100.0 * wire_to_water_efficiency(flow, head, power), "power": power}
    )
