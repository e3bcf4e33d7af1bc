"""Limits that the present operation breaks: a reason to change it, whatever that saves."""

from collections.abc import Iterator

import numpy as np

from analytics.curves.model import StationModel
from analytics.dispatch.situation import Situation
from analytics.npsh import MARGIN

_HEAD = 0.1  # m by which a head may be outside the allowed band: gauges are no better


def breaches(situation: Situation, model: StationModel) -> tuple[str, ...]:
    """One sentence each."""
    return (*_sets(situation), *_inlets(situation, model), *_heads(situation))


def _sets(situation: Situation) -> Iterator[str]:
    for each in situation.limits:
        is_running = each.pump in situation.operation.speeds
        if is_running and not each.is_available:
            yield f"{each.pump} runs, but is not available."
        if not is_running and situation.holds[each.pump].lock == "must run":
            yield f"{each.pump} stands, but the site wants it on."


def _inlets(situation: Situation, model: StationModel) -> Iterator[str]:
    for pump, speed in situation.operation.speeds.items():
        inlet = situation.limits_of(pump).inlet
        if inlet is None or pump not in model.pumps:
            continue
        flow = model.curve(pump).flow(situation.operation.head, speed)
        needed = float(inlet.required(flow, np.array(speed)))
        if inlet.available < MARGIN * needed:
            needs = f"it needs {needed:.1f} m and a tenth"
            yield f"{pump} may cavitate: {inlet.available:.1f} m of NPSH at its inlet, where {needs}."


def _heads(situation: Situation) -> Iterator[str]:
    operation = situation.operation
    if operation.head_min is not None and operation.head < operation.head_min - _HEAD:
        yield f"The head of {operation.head:.1f} m is below the {operation.head_min:.1f} m that the site allows."
    if operation.head_max is not None and operation.head > operation.head_max + _HEAD:
        yield f"The head of {operation.head:.1f} m is above the {operation.head_max:.1f} m that the site allows."
