"""What the agent says besides readings (figures, advice, alarms) as metrics of the node; pure."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

import orjson

from agent.mqtt.sparkplug.payload import Content, DataType, Metric
from agent.mqtt.sparkplug.tag_metrics import BAD, GOOD, STALE, properties
from agent.mqtt.topics import Topics
from agent.store.records import Kind, Record
from drivers.reading import Quality

# Which keys of a message become metrics; None: all that hold one value. The rest is on the JSON topics.
KEYS: Final[Mapping[Kind, frozenset[str] | None]] = {
    "station": None,
    "pump": None,
    "recommendation": None,
    "alarm": frozenset({"state", "active", "acked", "priority", "severity", "message"}),
    "health": frozenset({"state"}),
}
LASTING: Final = frozenset({"alarm"})  # what was said of these holds until something else is said
TOPICS: Final = Topics("")
OPC_QUALITIES: Final = {GOOD: Quality.GOOD, STALE: Quality.LAST_USABLE, BAD: Quality.BAD}


class Figures:
    """Metrics by name, as they stand: `pump/p1/head` is what `<root>/pump/p1` has under `head`.

    Args:
        since_ms: What was said before is another process's word, and stale until it is said again.
        first_alias: From here on aliases are free; None where names are to stand in data.
    """

    def __init__(self, since_ms: int, first_alias: int | None = None) -> None:
        self._since_ms = since_ms
        self._first_alias = first_alias
        self._metrics: dict[str, Metric] = {}
        self._names: dict[str, set[str]] = {}  # by topic

    def born(self) -> list[Metric]:
        """All there are."""
        metrics = list(self._metrics.values())
        if self._first_alias is None:
            return metrics
        return [replace(one, alias=alias) for alias, one in enumerate(metrics, self._first_alias)]

    def take(self, record: Record) -> tuple[list[Metric], bool]:
        """What a record has changed, and whether that has a name or a type that was not there before."""
        if record.kind not in KEYS:
            return [], False
        topic = TOPICS.of_record(record.kind, record.key).name[1:]
        found = orjson.loads(record.body) if record.body else {}
        is_old = record.ts_ms < self._since_ms and record.kind not in LASTING
        quality = STALE if found.pop("stale", False) or is_old else GOOD
        values = {f"{topic}/{name}": value for name, value in _flat(found, KEYS[record.kind])}
        names = self._names.setdefault(topic, set())
        names.update(values)
        told = [self._metric(name, values.get(name), quality, record.ts_ms) for name in sorted(names)]
        is_new = any(name not in self._metrics or self._metrics[name].datatype != one.datatype for name, one in told)
        changed = [one for name, one in told if not _is_same(self._metrics.get(name), one)]
        self._metrics.update(told)  # a name keeps its place, and so its alias
        if self._first_alias is not None:
            aliases = {name: alias for alias, name in enumerate(self._metrics, self._first_alias)}
            changed = [replace(one, name=None, alias=aliases[one.name or ""]) for one in changed]
        return changed, is_new

    def _metric(self, name: str, value: Content, quality: int, ts_ms: int) -> tuple[str, Metric]:
        known = self._metrics.get(name)
        datatype = _type(value) if known is None else _wider(known.datatype, value)
        if value is not None and datatype is DataType.STRING:
            value = str(value)
        elif value is not None and datatype is DataType.DOUBLE:
            value = float(value)
        said = BAD if value is None else quality
        return name, Metric(name, datatype, value, ts_ms, properties=properties(said, OPC_QUALITIES[said], "", None))


def _flat(found: Mapping[str, object], keys: frozenset[str] | None) -> Iterator[tuple[str, Content]]:
    """Names and values of what is one value; of parts that have an id, each part's."""
    for key, value in found.items():
        if key == "ts" or (keys is not None and key not in keys):
            continue
        if isinstance(value, bool | int | float | str):
            yield key, value
        elif isinstance(value, list):
            for part in value:
                if isinstance(part, dict) and "id" in part:
                    yield from ((f"{key}/{part['id']}/{name}", one) for name, one in _flat(part, None) if name != "id")


def _type(value: Content) -> DataType:
    match value:
        case bool():
            return DataType.BOOLEAN
        case int():
            return DataType.INT64
        case float():
            return DataType.DOUBLE
    return DataType.STRING


def _wider(known: int | None, value: Content) -> DataType:
    """The type that holds what there was and *value*."""
    old, new = DataType(known or DataType.STRING), _type(value)
    if value is None or old is new:
        return old
    return DataType.DOUBLE if {old, new} == {DataType.INT64, DataType.DOUBLE} else DataType.STRING


def _is_same(old: Metric | None, new: Metric) -> bool:
    return old is not None and replace(old, ts_ms=new.ts_ms) == new
