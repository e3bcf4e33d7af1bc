"""Which payload each topic carries, and all of them as JSON Schema; printed when run as a module."""

import json
import sys
from collections.abc import Mapping
from typing import Any, Final

from pydantic.json_schema import models_json_schema

from agent.mqtt import payloads
from agent.mqtt.commands import KNOWN
from agent.mqtt.payloads import Command
from agent.mqtt.payloads.payload import Payload

# Below the root. The status topic is missing, because it carries a plain word.
PAYLOADS: Final[Mapping[str, type[Payload]]] = {
    "info": payloads.Info,
    "tag/<tag>": payloads.TagValue,
    "readings": payloads.Readings,
    "history": payloads.Readings,
    "station": payloads.Station,
    "pump/<pump>": payloads.Pump,
    "pump/<pump>/curve": payloads.PumpCurve,
    "pump/<pump>/wear": payloads.Wear,
    "pump/<pump>/overhaul": payloads.Overhaul,
    "recommendation": payloads.Recommendation,
    "recommendation_event": payloads.RecommendationEvent,
    "front": payloads.Front,
    "saving": payloads.Saving,
    "schedule": payloads.Schedule,
    "alarm/<id>": payloads.Alarm,
    "alarm_event": payloads.AlarmEvent,
    "alarm_test": payloads.AlarmTest,
    "alarm_metrics": payloads.AlarmMetrics,
    "conditions": payloads.Conditions,
    "anomalies": payloads.Anomalies,
    "quality": payloads.Quality,
    "health": payloads.Health,
    "losses": payloads.Losses,
    **{f"cmd/{name}": command for name, command in KNOWN.items()},
    "cmd/result/<id>": payloads.CommandResult,
}


def json_schemas() -> dict[str, Any]:
    """One JSON Schema document: every payload under `$defs`, and which topic carries which under `topics`."""
    models = sorted(set(PAYLOADS.values()), key=lambda model: model.__name__)
    references, document = models_json_schema([(model, "validation") for model in models], by_alias=True)
    definitions = document["$defs"]
    commands = {model.__name__ for model in models if issubclass(model, Command)}
    for name, definition in definitions.items():
        if name not in commands and definition.get("additionalProperties") is False:
            del definition["additionalProperties"]  # keys may be added, which must not break a receiver
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "pump-agent payloads, version 1",
        "topics": {f"<root>/{topic}": references[model, "validation"] for topic, model in PAYLOADS.items()},
        "$defs": definitions,
    }


def schemas_text() -> str:
    """What is kept as docs/payloads.schema.json."""
    return json.dumps(json_schemas(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schemas_text())
