"""Which readings are worth a message of their own, by exception and heartbeat, and what it says; pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf

import orjson

from agent.mqtt.instant import rfc3339
from agent.mqtt.payloads import QualityWord
from agent.store.records import Row
from drivers.reading import Quality, Value, is_good
from drivers.settings import TagSettings


@dataclass(slots=True)
class Said:
    """What was last said of a tag."""

    unit: str
    deadband: float  # in the tag's unit
    heartbeat: float  # s
    id: int = -1
    value: Value = None
    quality: int = -1
    reason: str | None = None
    time: float = -inf  # s, of the clock that `due` is given


class TagValues:
    """Remembers what was said of each tag and finds what is news.

    A value is news when it has left the deadband around the last one said, when quality or reason changed, or
    when the last one was said a heartbeat ago.
    """

    def __init__(self, tags: Iterable[TagSettings]) -> None:
        self._said = {tag.name: Said(tag.unit, tag.deadband, _heartbeat(tag)) for tag in tags}

    def __contains__(self, tag: object) -> bool:
        return tag in self._said

    def due(self, rows: Iterable[Row], now: float) -> dict[str, Row]:
        """The newest row worth saying of each tag among *rows*; it counts as said.

        Args:
            rows: In the log's order; one older than what was said of its tag, or of no known tag, is passed over.
            now: Monotonic, s.
        """
        news: dict[str, Row] = {}
        for row in rows:
            said = self._said.get(row.tag)
            if said is None or row.id <= said.id or not is_news(said, row, now):
                continue
            said.id, said.value, said.quality, said.reason, said.time = row.id, row.value, row.quality, row.reason, now
            news[row.tag] = row
        return news

    def message(self, row: Row) -> bytes:
        """What `<root>/tag/<tag>` says (`payloads.TagValue`); no `value` where there is none to trust."""
        message: dict[str, Value] = {} if row.value is None else {"value": row.value}
        message["quality"] = word(row.quality)
        if row.reason is not None:
            message["reason"] = row.reason
        message["unit"] = self._said[row.tag].unit
        message["ts"] = rfc3339(row.ts_ms)
        message["seq"] = row.id
        return orjson.dumps(message)


def bare(value: Value) -> bytes:
    """What `<root>/tag/<tag>/value` says: the number alone; nothing, which clears the topic, where there is none."""
    return b"" if value is None else str(value).encode()


def word(quality: int) -> QualityWord:
    """The family of an OPC quality code.

    >>> word(192), word(84), word(24)
    ('good', 'uncertain', 'bad')
    """
    if is_good(quality):
        return "good"
    return "uncertain" if quality >= Quality.UNCERTAIN else "bad"


def _heartbeat(tag: TagSettings) -> float:
    """s; a tag stored by exception has had its heartbeat already, and each of its rows is news."""
    return 0.0 if tag.store == "exception" else tag.heartbeat


def is_news(said: Said, row: Row, now: float) -> bool:
    """Whether a row of the same tag is worth saying after what was said of it; *now* is monotonic, s."""
    if row.quality != said.quality or row.reason != said.reason or now - said.time >= said.heartbeat:
        return True
    old, new = said.value, row.value
    if isinstance(old, int | float) and isinstance(new, int | float):
        return abs(new - old) > said.deadband
    return new != old
