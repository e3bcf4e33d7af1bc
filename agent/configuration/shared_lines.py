"""Devices that share a line must say the same of it."""

from typing import Any, NamedTuple

from agent.configuration.draft import Draft
from agent.configuration.explain import shown
from agent.configuration.toml_text import Path
from drivers.settings import ModbusRtuSettings, ModbusSettings, UnitSettings


class Shared(NamedTuple):
    """What makes devices of a protocol share a line, and what they must agree on."""

    model: type[UnitSettings]
    by: tuple[str, ...]
    agree_on: tuple[str, ...]


SHARED = {
    "modbus-rtu": Shared(ModbusRtuSettings, ("serial_port",), ("baudrate", "parity", "stop_bits")),
    "modbus-tcp": Shared(ModbusSettings, ("host", "port"), ("connections",)),
}


def object_to_contradictions(draft: Draft) -> None:
    """Note each device that says otherwise of its line than the first one on it."""
    first: dict[str, tuple[Path, dict[str, Any]]] = {}
    for path, device in draft.tables("device"):
        if (shared := SHARED.get(str(device.get("protocol")))) is None:
            continue
        line = repr([device["protocol"], *(_said(shared, device, key) for key in shared.by)])
        other_path, other = first.setdefault(line, (path, device))
        for key in shared.agree_on:
            one, another = _said(shared, device, key), _said(shared, other, key)
            if one != another:
                place = draft.place((*other_path, key))
                draft.object_to(
                    (*path, key),
                    f"{_shown(one)}, but device {shown(other.get('name'))} on the same {' and '.join(shared.by)} has"
                    f" {_shown(another)}, in {place.file}:{place.line}; write the same at both",
                )


def _said(shared: Shared, device: dict[str, Any], key: str) -> Any:
    return device.get(key, shared.model.model_fields[key].get_default())


def _shown(value: object) -> str:
    return "left out" if value is None else shown(value)
