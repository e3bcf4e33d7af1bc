"""Rows of the log as metrics: value, quality, unit, and why it is not good; pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from math import inf
from typing import Final

from agent.mqtt.sparkplug.payload import DataType, Metric, Property
from agent.mqtt.sparkplug.tag_types import TagTypes, content
from agent.mqtt.tag_values import Said, is_news
from agent.store.records import Row
from drivers.reading import Quality, is_good
from drivers.settings import AnyDeviceSettings, TagSettings

GOOD: Final = 192  # the three qualities that Sparkplug knows
BAD: Final = 0
STALE: Final = 500


@dataclass(frozen=True, slots=True)
class TagPlace:
    """Where a tag stands in Sparkplug."""

    device: str
    alias: int  # no other metric of the node has it
    tag: TagSettings


def places(devices: Iterable[AnyDeviceSettings]) -> dict[str, TagPlace]:
    """Every tag's place, by its name; aliases count from 1 in the order of the configuration."""
    listed = [(device.name, tag) for device in devices for tag in device.tags]
    return {tag.name: TagPlace(device, alias, tag) for alias, (device, tag) in enumerate(listed, 1)}


class TagMetrics:
    """Makes metrics of rows.

    Args:
        tags: By name.
        types: Of their values.
        has_aliases: Whether data names a tag by its alias alone.
        since: Rows up to this one were read by an agent that no longer runs: what they say is stale.
    """

    def __init__(self, tags: dict[str, TagPlace], types: TagTypes, since: int, *, has_aliases: bool) -> None:
        self._tags = tags
        self._types = types
        self._since = since
        self._has_aliases = has_aliases

    def born(self, tag: str, row: Row | None, now_ms: int) -> Metric:
        """How a tag stands now, with its unit; without a value where it was never read."""
        place, datatype = self._tags[tag], self._types[tag]
        alias = place.alias if self._has_aliases else None
        if row is None:
            said = properties(BAD, 0, place.tag.unit, "not read yet")
            return Metric(tag, datatype, None, now_ms, alias, properties=said)
        said = properties(self._quality(row), row.quality, place.tag.unit, row.reason)
        return Metric(tag, datatype, content(datatype, row.value), row.ts_ms, alias, properties=said)

    def data(self, row: Row, *, is_historical: bool) -> Metric:
        """What a tag was read as; the datatype stands there always, because some decoders know no value without it."""
        datatype = self._types[row.tag]
        name, alias = (None, self._tags[row.tag].alias) if self._has_aliases else (row.tag, None)
        said = properties(code(row.quality), row.quality, "", row.reason)
        return Metric(name, datatype, content(datatype, row.value), row.ts_ms, alias, is_historical, said)

    def _quality(self, row: Row) -> int:
        found = code(row.quality)
        return STALE if found == GOOD and row.id <= self._since else found


class News:
    """Tells which rows are worth sending: those beyond the deadband of what was last sent, or of another quality."""

    def __init__(self, tags: dict[str, TagPlace]) -> None:
        self._said = {name: Said(one.tag.unit, one.tag.deadband, inf) for name, one in tags.items()}

    def take(self, row: Row) -> bool:
        """Whether *row* is news; it then counts as said."""
        if is_news(self._said[row.tag], row, 0.0):
            self.note(row)
            return True
        return False

    def note(self, row: Row) -> None:
        """It was said."""
        said = self._said[row.tag]
        said.value, said.quality, said.reason, said.time = row.value, row.quality, row.reason, 0.0


def code(quality: int) -> int:
    """Which of the three qualities an OPC code is; what is uncertain is never good, and has a value all the same.

    >>> code(192), code(84), code(24)
    (192, 500, 0)
    """
    if is_good(quality):
        return GOOD
    return STALE if quality >= Quality.UNCERTAIN else BAD


@lru_cache(maxsize=1_000)
def properties(quality: int, opc_quality: int, unit: str, reason: str | None) -> tuple[Property, ...]:
    """What is said of a value besides."""
    said = [Property("Quality", DataType.INT32, quality)]
    if unit:
        said.append(Property("engUnit", DataType.STRING, unit))
    if quality != GOOD:
        said.append(Property("OpcQuality", DataType.INT32, opc_quality))
    if reason is not None:
        said.append(Property("Reason", DataType.STRING, reason))
    return tuple(said)
