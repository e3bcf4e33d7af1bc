"""What the configuration names by its name: a tag, a header or a pump that there has to be."""

from math import isfinite
from typing import Annotated

from pydantic import AfterValidator, PlainValidator, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from agent.configuration.mistakes import did_you_mean
from drivers.settings import Name


def tag_exists(name: str, info: ValidationInfo) -> str:
    """The name of a tag, which one of the devices has, where the devices' tags are known."""
    return _known("tag", name, info)


def _header_exists(name: str, info: ValidationInfo) -> str:
    return _known("header", name, info)


def _pump_exists(name: str, info: ValidationInfo) -> str:
    return _known("pump", name, info)


def _known(kind: str, name: str, info: ValidationInfo) -> str:
    names: frozenset[str] | None = (info.context or {}).get(kind)
    if names is None or name in names:
        return name
    remedy = did_you_mean(name, names) or f"; add the {kind} or correct the name"
    sentence = f'there is no {kind} "{name}"{remedy}'
    raise PydanticCustomError("unknown_name", "{sentence}", {"sentence": sentence})


TagName = Annotated[Name, AfterValidator(tag_exists)]
HeaderName = Annotated[Name, AfterValidator(_header_exists)]
PumpName = Annotated[Name, AfterValidator(_pump_exists)]


def _setpoint(given: object, info: ValidationInfo) -> float | str:
    """A number, or the tag that tells it."""
    tags = (info.context or {}).get("tag") or ()
    if isinstance(given, str) and (given in tags or not given.replace(".", "", 1).isdecimal()):
        return tag_exists(given, info)
    if isinstance(given, bool) or not isinstance(given, int | float) or not isfinite(given):
        number = "a number stands without quotes"
        sentence = number if isinstance(given, str) else "must be a number, or the name of a tag in quotes"
        raise PydanticCustomError("no_setpoint", "{sentence}", {"sentence": sentence})
    return float(given)


Setpoint = Annotated[
    float | str, PlainValidator(_setpoint), WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string"}]})
]


def _available(given: object, info: ValidationInfo) -> bool | str:
    """True, false, or the tag that tells it."""
    if isinstance(given, bool):
        return given
    if isinstance(given, str) and given not in {"true", "false"}:
        return tag_exists(given, info)
    words = "true and false stand without quotes" if isinstance(given, str) else "must be true, false, or a tag's name"
    raise PydanticCustomError("no_availability", "{sentence}", {"sentence": words})


Available = Annotated[
    bool | str, PlainValidator(_available), WithJsonSchema({"anyOf": [{"type": "boolean"}, {"type": "string"}]})
]
