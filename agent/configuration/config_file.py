"""The file a technician edits: read whole, judged whole, taken whole or not at all."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from agent.configuration.draft import Draft, names
from agent.configuration.explain import explained
from agent.configuration.mistakes import Mistake, Place, SettingsError
from agent.configuration.shared_lines import object_to_contradictions
from agent.configuration.toml_text import parse
from agent.settings import AgentSettings

# each protocol, and the key by which a device shows that it speaks it, where its protocol is misspelt
HALLMARKS = {"opcua": "url", "modbus-rtu": "serial_port", "modbus-tcp": "host", "modbus-rtu-over-tcp": "host"}


@dataclass(frozen=True, slots=True)
class Located:
    """Settings, and where they were found."""

    settings: AgentSettings
    places: dict[str, Place]  # of each tag, by its name
    notes: tuple[str, ...]  # how files were read, where a person should know


def load(path: Path) -> AgentSettings:
    """Read a configuration file and the tag files it names.

    Paths in it are relative to its own folder.

    Raises:
        SettingsError: With every mistake in it, each with its place.
    """
    return located(path).settings


def located(path: Path) -> Located:
    """The same, and what is known of the files it was read from."""
    draft = Draft(parse(_text(path), str(path)), path.parent)
    draft.take_in_tag_files()
    draft.take_in_catalogues()
    context = {
        "folder": path.parent,
        "tag": None if draft.mistakes else names(draft.tags, "name"),  # tags that nobody could read are not missing
        "header": names(draft.tables("header"), "id"),
        "pump": names(draft.tables("pump"), "id"),
    }
    draft.object_to_duplicates()
    object_to_contradictions(draft)
    # where readings are kept is relative to the file, also where the file leaves it out
    draft.content.setdefault("storage", {})
    settings = settle(draft, context)
    return Located(settings, {tag["name"]: draft.place(place) for place, tag in draft.tags}, tuple(draft.notes))


def settle(draft: Draft, context: dict[str, Any]) -> AgentSettings:
    """The settings a draft amounts to.

    Args:
        draft: What was read.
        context: What values are checked against besides themselves; see `load`.

    Raises:
        SettingsError: With every mistake in it, those noted before and those found now.
    """
    settings = _judge(draft, context)
    if settings is None:
        _judge_again(draft, context)
    if settings is None or draft.mistakes:
        raise SettingsError(sorted(set(draft.mistakes), key=lambda mistake: _order(mistake, draft.file)))
    return settings


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SettingsError(
            [Mistake(Place(str(path)), f"cannot be read: {error.strerror}; correct the path")]
        ) from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = Place(str(path), data.count(b"\n", 0, error.start) + 1)
        raise SettingsError([Mistake(place, "a character is not in UTF-8; save the file as UTF-8")]) from error


def _judge(draft: Draft, context: dict[str, Any]) -> AgentSettings | None:
    try:
        # as JSON, which is strict about types and still takes a list for a tuple and a text for a path
        text = json.dumps(draft.content, default=str)
        return AgentSettings.model_validate_json(text, strict=True, context=context)
    except ValidationError as error:
        for path, fact in explained(error, draft.content):
            draft.object_to(path, fact)
        return None


def _judge_again(draft: Draft, context: dict[str, Any]) -> None:
    """Judge what a wrong protocol has hidden: everything else about its device."""
    protocols = list(HALLMARKS)  # in a list nothing has to be hashable
    unjudged = [device for _, device in draft.tables("device") if device.get("protocol") not in protocols]
    for device in unjudged:
        device["protocol"] = next((protocol for protocol, key in HALLMARKS.items() if key in device), "modbus-tcp")
    if unjudged:
        _judge(draft, context)


def _order(mistake: Mistake, main: str) -> tuple[bool, str, int, int]:
    place = mistake.place
    return place.file != main, place.file, place.line or 0, place.column or 0
