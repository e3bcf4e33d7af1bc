"""What pydantic found, said so that a technician knows what to do."""

import json
import re
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from agent.configuration.mistakes import did_you_mean, listed, nearest
from agent.configuration.schema import child, owners, schema_at
from agent.configuration.toml_text import Path

_LONGEST = 60  # characters of a wrong value that are shown
_FEW = 8  # choices that are listed rather than compared

_SENTENCES = {  # by pydantic's type of error; {given} is the wrong value, the rest its context
    "string_type": "must be text in quotes, not {given}",
    "path_type": "must be text in quotes, not {given}",
    "bool_type": "must be true or false without quotes, not {given}",
    "int_type": "must be a whole number, not {given}{hint}",
    "int_from_float": "must be a whole number, not {given}",
    "int_parsing_size": "must be a whole number of sensible size, not {given}",
    "float_type": "must be a number, not {given}{hint}",
    "finite_number": "must be a finite number, not {given}",
    "greater_than": "must be above {gt:g}, not {given}",
    "greater_than_equal": "must be {ge:g} or more, not {given}",
    "less_than": "must be below {lt:g}, not {given}",
    "less_than_equal": "must be {le:g} or less, not {given}",
    "string_too_long": "has more than {max_length} characters; shorten it",
    "string_too_short": "is empty; write something between the quotes",
    "too_short": "needs {min_length} or more values; add what is missing",
    "too_long": "has more than {max_length} values; leave the others out",
    "json_invalid": "the file is nested too deeply; remove the brackets that do not belong there",
    "contradiction": "{sentence}",
    "unknown_name": "{sentence}",
    "time_zone": "{sentence}",
    "time_of_day": 'must be a time of day from "00:00" to "24:00" in quotes, not {given}',
    "missing_file": "there is no file {found}; correct the path",
}


def explained(error: ValidationError, content: Any) -> Iterator[tuple[Path, str]]:
    """Each thing that is wrong: the path of the value, and the fact with its remedy."""
    found = [(details, _path(details)) for details in error.errors(include_url=False)]
    meant = {_meant(path, content) for details, path in found if details["type"] == "extra_forbidden"}
    for details, path in found:
        if details["type"] != "missing" or path not in meant:  # a key misspelt is not missing too
            yield path, _sentence(details, path, content)


def subject(path: Path, content: Any) -> str:
    """What a path is called on site: `device "plc-1", tag "p3.flow": address`."""
    parts: list[str] = []
    key = ""
    for depth, (step, after) in enumerate(zip(path, (*path[1:], None), strict=True), 1):
        content = child(content, step)
        if isinstance(step, int):
            key = "" if isinstance(content, dict) else f"{key}, value {step + 1}"
        elif isinstance(after, int) and isinstance(child(content, after), dict):
            parts.append(_called(step, child(content, after), after))
        elif isinstance(content, dict) and depth < len(path):
            parts.append(step)
        else:
            key = step
    return ": ".join(filter(None, [", ".join(parts), key]))


def shown(value: object) -> str:
    """A wrong value as it would be written in the file, cut where it is long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _called(kind: str, table: dict[str, Any], place: int) -> str:
    name = table.get("name", table.get("id"))
    return f"{kind} {shown(name)}" if isinstance(name, str) else f"{kind} {place + 1}"


def _path(details: ErrorDetails) -> Path:
    """The steps through the file: without the branch of a union, and on to the key that is meant."""
    path: Path = details["loc"]
    kind = details["type"]
    if kind.startswith("union_tag"):
        return (*path, "protocol")
    if path[:1] == ("device",):
        path = (*path[:2], *path[3:])  # pydantic names the protocol as a step
    return (*path, *details["ctx"]["path"]) if kind == "contradiction" else path


def _sentence(details: ErrorDetails, path: Path, content: Any) -> str:
    given = details["input"]
    match details["type"]:
        case "extra_forbidden":
            sentence = _unknown_key(path, content)
        case "missing" | "union_tag_not_found":
            sentence = _missing(path, content)
        case "literal_error" | "union_tag_invalid":
            sentence = _no_such_choice(path, content)
        case "string_pattern_mismatch":
            sentence = _not_a_name(given)
        case "tuple_type":
            sentence = _not_a_list(path, given)
        case "model_type" | "model_attributes_type":
            sentence = _not_a_table(path, given)
        case kind if kind in _SENTENCES:
            sentence = _SENTENCES[kind].format(given=shown(given), hint=_hint(given), **details.get("ctx", {}))
        case _:
            sentence = f"{details['msg'].lower()}; write it as config/station.toml shows"
    return sentence


def _hint(given: object) -> str:
    """How a number was probably meant."""
    if isinstance(given, str) and re.fullmatch(r"\s*[-+]?\d+,\d+\s*", given):
        return "; write a decimal point and no quotes"
    if isinstance(given, str) and re.fullmatch(r"\s*[-+]?\d+(\.\d+)?\s*", given):
        return "; leave the quotes out"
    return ""


def _meant(path: Path, content: Any) -> Path | None:
    """The path of the key that a misspelt one stands for."""
    key = nearest(str(path[-1]), schema_at(path[:-1], content).get("properties", {}))
    return None if key is None else (*path[:-1], key)


def _unknown_key(path: Path, content: Any) -> str:
    key = str(path[-1])
    keys = list(schema_at(path[:-1], content).get("properties", {}))
    what = "table" if isinstance(child(_at(path[:-1], content), path[-1]), dict) else "key"
    if remedy := did_you_mean(key, keys):
        return f"no such {what}{remedy}"
    if tables := owners(key):
        return f"no such {what} here; move it to {' or '.join(tables)}"
    return f"no such {what}; remove it, or write one of {', '.join(keys)}"


def _missing(path: Path, content: Any) -> str:
    if isinstance(path[-1], int):
        default = schema_at(path[:-1], content).get("default")
        return "missing; write a value here" if default is None else f"missing; write all, for example {shown(default)}"
    part = schema_at(path, content)
    if path == ("device",):
        return "missing; add a [[device]] table for each device"
    if "properties" in part:
        return f"missing; add a [{path[-1]}] table"
    examples = part.get("examples") or part.get("enum") or [part.get("const")]
    return f"missing; add it, for example {path[-1]} = {shown(examples[0])}"


def _no_such_choice(path: Path, content: Any) -> str:
    given = child(_at(path[:-1], content), path[-1])
    choices = _choices(path, content)
    if not isinstance(given, str) or not all(isinstance(choice, str) for choice in choices):
        return f"must be {' or '.join(map(shown, choices))}, not {shown(given)}"
    remedy = did_you_mean(given, choices)
    if remedy and len(choices) > _FEW:
        return f"there is no {shown(given)}{remedy}"
    return f"must be {listed(choices)}, not {shown(given)}{remedy}"


def _choices(path: Path, content: Any) -> list[Any]:
    if path[-1] == "protocol":
        return list(schema_at((), content)["properties"]["device"]["items"]["discriminator"]["mapping"])
    part = schema_at(path, content)
    return part.get("enum") or [part.get("const")]


def _not_a_name(given: object) -> str:
    if given == "":
        return "is empty; write a name"
    better = re.sub(r"[^A-Za-z0-9_.\-]+", "_", str(given)).lstrip(".-")
    return (
        f"{shown(given)} cannot be part of a topic: letters, digits and . _ - only; write for example {shown(better)}"
    )


def _not_a_list(path: Path, given: object) -> str:
    if isinstance(given, dict):
        return f"there may be several of these; write [[{_header(path)}]] in double brackets"
    return f"must be a list; write [{shown(given)}]"


def _not_a_table(path: Path, given: object) -> str:
    if isinstance(given, list):
        return f"there is only one of these; write [{_header(path)}] in single brackets"
    return f"must be a table of keys, not {shown(given)}"


def _header(path: Path) -> str:
    return ".".join(step for step in path if isinstance(step, str))


def _at(path: Path, content: Any) -> Any:
    for step in path:
        content = child(content, step)
    return content
