"""What a header's pumps work against, and what one pump more or less would do, as a recommendation says it."""

from typing import Any

from agent.jobs.advice.situation import Header
from agent.jobs.advice.system import system_of
from agent.mqtt import payloads
from analytics.curves.model import StationModel
from analytics.curves.network import NotIdentified
from analytics.dispatch.operation import Operation
from analytics.dispatch.reasons import decimals
from analytics.dispatch.what_if import SetChange, set_changes


def system_and_changes(header: Header, model: StationModel | None, operation: Operation) -> dict[str, Any]:
    """Keys of the recommendation, from the steady points that the curves of *model* rest on."""
    found = None if model is None else system_of(header.context, header.settings.id, model.pumps)
    if found is None or model is None:
        return {}
    if isinstance(found, NotIdentified):
        return {"system_why": f"There is no system curve: {found.why}."}
    running = tuple(pump in operation.speeds for pump in model.pumps)
    return {
        "system_static_head": round(found.static_head_at(operation.flow, operation.head, running), 2),
        "system_resistance": float(f"{found.resistance_of(running):.4g}"),
        "system_std": round(found.scatter, 3),
        "set_changes": tuple(_payload(each) for each in set_changes(model, found, operation)),
    }


def _payload(change: SetChange) -> payloads.SetChange:
    def told(value: float, std: float) -> float:
        return round(value, decimals(std) + 1)

    return payloads.SetChange(
        pumps=tuple(change.speeds),
        flow=told(change.flow, change.flow_std),
        flow_std=told(change.flow_std, change.flow_std),
        head=told(change.head, change.head_std),
        head_std=told(change.head_std, change.head_std),
        power_kw=told(change.power, change.power_std),
        power_std=told(change.power_std, change.power_std),
        within_data=change.within_data,
        text=change.sentence,
    )
