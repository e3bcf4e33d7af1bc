"""What the pumps' learnt curves say of a header's flow or head, or of a pump's power or flow, cell by cell."""

from dataclasses import dataclass, replace

import numpy as np

from agent.jobs.evidence import evidence, header_state, running, suction
from agent.jobs.filled.sources import Sources, measured
from agent.window import Floats, Frame
from analytics.curves.model import StationModel
from analytics.gaps.modelled import Model
from analytics.running import RUNNING, STOPPED

_HALVINGS = 30  # of the heads between which one is sought: to a micrometre
_SLOPE_STEP = 0.01  # m


def modelled(sources: Sources, cells: Frame) -> Model | None:
    """Of the tag of *sources*, in the plant's units; None where there are no curves for it.

    NaN in every cell in which one of the running pumps has a duty beyond what was learnt, its state is not told, or
    something that the curves need was not measured.
    """
    model, header = sources.model, sources.header
    if model is None or header is None:
        return None
    wanted = {pump.id for pump in sources.pumps}
    if not (wanted <= set(model.pumps) if sources.pump else wanted == set(model.pumps)):
        return None
    seen = _Seen.of(sources, cells, model)
    state = header_state(seen.cells, header)
    if sources.tag in header.pressure:
        head, std = _head(model, seen.speeds, state.flow)
        inlet = suction(cells, header)
        return _told(model, seen, head, (head + inlet - header.elevation, std))
    said = model.predict(seen.speeds, state.head)
    if sources.pump is not None:
        own = model.pumps.index(sources.pump.id)
        if sources.tag == sources.pump.flow:
            return _told(model, seen, state.head, (said.flows[:, own], said.flows_std[:, own]))
        return _told(model, seen, state.head, (said.powers[:, own], said.power_std[:, own]))
    others = np.sum([seen.cells.values[tag] for tag in header.flow if tag != sources.tag], axis=0)
    return _told(model, seen, state.head, (said.flow - others, said.flow_std))


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was measured of a header's pumps."""

    cells: Frame  # in which nothing is held for longer than a cell
    speeds: Floats  # relative, in the order of the model, 0 while stopped, NaN where not told, shape (n, pumps)

    @staticmethod
    def of(sources: Sources, cells: Frame, model: StationModel) -> "_Seen":
        fresh = replace(cells, values={tag: measured(cells, tag) for tag in cells.values})
        states = running(fresh, sources.pumps, sources.limits)
        speeds = np.zeros((len(cells), len(model.pumps)))  # pumps that are not asked say nothing of the others' power
        for pump in sources.pumps:
            speed = np.ones(len(cells)) if pump.speed is None else evidence(fresh, pump).speed
            told = np.where(states[pump.id] == STOPPED, 0.0, np.nan)
            speeds[:, model.pumps.index(pump.id)] = np.where(states[pump.id] == RUNNING, speed, told)
        return _Seen(fresh, speeds)


def _told(model: StationModel, seen: _Seen, head: Floats, said: tuple[Floats, Floats]) -> Model:
    """What was *said*, values and standard deviations, where every running pump's duty was learnt."""
    known = np.isfinite(seen.speeds).all(axis=1) & np.isfinite(head)
    for index, curve in enumerate(model.curves):
        speed = seen.speeds[:, index]
        known &= (speed == 0.0) | curve.supports(curve.flow(head, speed), speed)
    return Model(np.where(known, said[0], np.nan), np.where(known, said[1], np.nan))


def _head(model: StationModel, speeds: Floats, flow: Floats) -> tuple[Floats, Floats]:
    """The head at which pumps at *speeds* deliver *flow* together, m, and its standard deviation, each (n,).

    More head, less flow; a pump that does not reach the head delivers nothing. NaN where none runs.
    """
    low, high = np.zeros(len(flow)), np.full(len(flow), max(_most_head(model, speeds), 1.0))
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        is_more = np.nansum(model.duty(speeds, middle).flows, axis=1) > flow
        low, high = np.where(is_more, middle, low), np.where(is_more, high, middle)
    head = np.where(np.isfinite(flow) & (speeds > 0.0).any(axis=1), 0.5 * (low + high), np.nan)
    fall = model.duty(speeds, head - _SLOPE_STEP).flows.sum(axis=1) - model.duty(speeds, head).flows.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        std = model.predict(speeds, head).flow_std * _SLOPE_STEP / fall
    return head, np.where(fall > 0.0, std, np.nan)


def _most_head(model: StationModel, speeds: Floats) -> float:
    """Of any pump at its highest speed, m: above it no pump delivers."""
    fastest = float(np.nanmax(speeds, initial=0.0))
    heads = [curve.head(np.linspace(0.0, curve.flow_range[1], 50), 1.0).max() for curve in model.curves]
    return 1.05 * fastest**2 * float(max(heads))
