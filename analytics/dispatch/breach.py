"""Limits that the present operation breaks: a reason to change it, whatever that saves."""

from collections.abc import Iterator

import numpy as np

from analytics.curves.model import StationModel
from analytics.dispatch.situation import Situation
from analytics.dispatch.system import System
from analytics.npsh import MARGIN

_HEAD = 0.1  # m by which a head may be outside the allowed band: gauges are no better
_FLOW = 0.02  # share by which a pump's flow may be beyond what it may deliver: no meter and no curve is better


def breaches(situation: Situation, model: StationModel) -> tuple[str, ...]:
    """One sentence each."""
    return (*_sets(situation), *_inlets(situation, model), *_flows(situation, model), *_deliveries(situation))


def seen(situation: Situation) -> tuple[str, ...]:
    """Those that are true whatever the curves say."""
    return (*_sets(situation), *_deliveries(situation))


def unmended(situation: Situation, model: StationModel) -> str | None:
    """Why advice could not mend what is wrong: nobody knows how, or an alarm says more than the curves do."""
    if (why := unserved(situation)) is not None:
        return why
    for each in situation.limits:
        runs = each.pump in situation.operation.speeds
        if runs and each.inlet_alarm is not None and _needed(situation, model, each.pump) is None:
            return f"An alarm of {each.pump}, which runs, stands: {each.inlet_alarm}."
    return None


def unserved(situation: Situation) -> str | None:
    """Why nobody can plan what is required."""
    operation = situation.operation
    if (required := operation.required) is None:
        return None
    if not operation.speeds and not isinstance(required.system, System):
        return f"Which pumps that takes is not known: {required.system}."
    return required.unknown(operation.delivered, operation.head)


def _sets(situation: Situation) -> Iterator[str]:
    for each in situation.limits:
        is_running = each.pump in situation.operation.speeds
        if is_running and not each.is_available:
            yield f"{each.pump} runs, but is not available."
        stands = situation.histories[each.pump].is_running is False
        if stands and situation.holds[each.pump].lock == "must run":
            yield f"{each.pump} stands, but the site wants it on."


def _inlets(situation: Situation, model: StationModel) -> Iterator[str]:
    for pump in situation.operation.speeds:
        inlet, needed = situation.limits_of(pump).inlet, _needed(situation, model, pump)
        if inlet is not None and needed is not None:
            needs = f"it needs {needed:.1f} m and a tenth"
            yield f"{pump} may cavitate: {inlet.available:.1f} m of NPSH at its inlet, where {needs}."


def _flows(situation: Situation, model: StationModel) -> Iterator[str]:
    """Flows that a pump may not deliver continuously, surely, by its curve."""
    operation = situation.operation
    found = model.predict([operation.speeds.get(pump, 0.0) for pump in model.pumps], operation.head)
    for place, pump in enumerate(model.pumps):
        if pump not in operation.speeds:
            continue
        speed, flow, std = operation.speeds[pump], float(found.flows[place]), float(found.flows_std[place])
        limits = situation.limits_of(pump)
        least, most = (speed * each for each in limits.flows)
        told = f"{pump} delivers {flow:.0f} m³/h, and may not deliver"
        if flow < least - max(std, _FLOW * least):
            yield f"{told} less than {least:.0f} at {limits.speed_text(speed)}."
        elif flow > most + max(std, _FLOW * most):
            yield f"{told} more than {most:.0f} at {limits.speed_text(speed)}."


def _needed(situation: Situation, model: StationModel, pump: str) -> float | None:
    """NPSH that a running pump needs, m, where it has less; None where it has enough."""
    inlet, speed = situation.limits_of(pump).inlet, situation.operation.speeds[pump]
    if inlet is None or pump not in model.pumps:
        return None
    needed = float(inlet.required(model.curve(pump).flow(situation.operation.head, speed), np.array(speed)))
    return needed if inlet.available < MARGIN * needed else None


def _deliveries(situation: Situation) -> Iterator[str]:
    operation = situation.operation
    if operation.required is not None and (why := operation.required.broken(operation.delivered, operation.head)):
        yield why
    if not operation.speeds:
        return
    if operation.head_min is not None and operation.head < operation.head_min - _HEAD:
        yield f"The head of {operation.head:.1f} m is below the {operation.head_min:.1f} m that the site allows."
    if operation.head_max is not None and operation.head > operation.head_max + _HEAD:
        yield f"The head of {operation.head:.1f} m is above the {operation.head_max:.1f} m that the site allows."
