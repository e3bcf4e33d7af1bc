"""The settings as JSON Schema: for editors, and to say what a wrong key could have been."""

import json
from functools import cache
from typing import Any

from agent.settings import AgentSettings

Schema = dict[str, Any]


@cache
def schema() -> Schema:
    """The whole file's schema."""
    title = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "pump-agent station"}
    return title | AgentSettings.model_json_schema()


def schema_text() -> str:
    """What is kept as config/station.schema.json."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def schema_at(path: tuple[str | int, ...], content: Any) -> Schema:
    """The part of the schema for one value of a file; {} where it knows none.

    Args:
        path: Keys and places in lists that lead to the value.
        content: The file, which says which kind of device each one is.
    """
    part = _resolved(schema(), content)
    for step in path:
        if isinstance(step, int):
            inner = part.get("prefixItems", [])
            part = inner[step] if step < len(inner) else part.get("items", {})
        else:
            part = part.get("properties", {}).get(step, {})
        content = child(content, step)
        part = _resolved(part, content)
    return part


def child(content: Any, step: str | int) -> Any:
    """What stands in a file behind a key or at a place of a list; None where there is nothing."""
    if isinstance(content, dict):
        return content.get(step)
    if isinstance(content, list) and isinstance(step, int) and step < len(content):
        return content[step]
    return None


def owners(key: str) -> list[str]:
    """The tables that have a key, as they are written: [mqtt], [[device]]."""
    return [
        f"[[{name}]]" if "items" in part else f"[{name}]"
        for name, part in schema()["properties"].items()
        if any(key in table.get("properties", {}) for table in _tables(part.get("items", part)))
    ]


def _tables(part: Schema) -> list[Schema]:
    choices = part.get("oneOf") or part.get("anyOf") or [part]
    return [_resolved(choice, None) for choice in choices]


def _resolved(part: Schema, content: Any) -> Schema:
    """Follow references and choices, keeping the examples that stand beside them."""
    if "$ref" in part:
        target: Schema = schema()["$defs"][part["$ref"].rpartition("/")[2]]
    elif "oneOf" in part:
        kinds = part["discriminator"]["mapping"]
        kind = child(content, part["discriminator"]["propertyName"])
        known = isinstance(kind, str) and kind in kinds
        target = {"$ref": kinds[kind] if known else next(iter(kinds.values()))}
    elif "anyOf" in part:
        target = next(choice for choice in part["anyOf"] if choice.get("type") != "null")
    else:
        return part
    return _resolved(target, content) | {key: part[key] for key in ("examples", "default") if key in part}
