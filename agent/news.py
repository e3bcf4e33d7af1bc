"""Which readings of a device are worth a place in the log, where its tags are stored by exception; pure."""

from collections.abc import Sequence
from typing import NamedTuple

from drivers.reading import Reading
from drivers.settings import AnyDeviceSettings


class Rule(NamedTuple):
    """When a reading is news."""

    deadband: float  # in the tag's unit
    silence: float  # s after which even the same is said again


class Kept(NamedTuple):
    """What the log holds last of a tag."""

    reading: Reading
    time: float  # s, monotonic


class News:
    """Remembers what was stored of each tag, as long as one connection to its device lasts.

    The first reading is news, and so is another quality or reason, a value beyond the deadband around the one
    stored last, and whatever comes a heartbeat after it. So silence in the log says: read, and unchanged. A device that
    fails has bad readings, and these are news.
    """

    def __init__(self, settings: AnyDeviceSettings) -> None:
        self._rules = {
            # half a period early rather than half a period late: a heartbeat must not slip to the next poll but one
            tag.name: Rule(tag.deadband, tag.heartbeat - (tag.period or settings.period) / 2)
            for tag in settings.tags
            if tag.store == "exception"
        }
        self._kept: dict[str, Kept] = {}

    def among(self, readings: Sequence[Reading], now: float) -> Sequence[Reading]:
        """Those of *readings*, oldest first, that are news at *now* (s, monotonic); they count as stored."""
        return [one for one in readings if self._is_news(one, now)] if self._rules else readings

    def _is_news(self, one: Reading, now: float) -> bool:
        rule = self._rules.get(one.tag)
        if rule is None:
            return True
        kept = self._kept.get(one.tag)
        if kept and now - kept.time < rule.silence and _is_same(kept.reading, one, rule.deadband):
            return False
        self._kept[one.tag] = Kept(one, now)
        return True


def _is_same(old: Reading, new: Reading, deadband: float) -> bool:
    if (old.quality, old.reason) != (new.quality, new.reason):
        return False
    if isinstance(old.value, int | float) and isinstance(new.value, int | float):
        return abs(new.value - old.value) <= deadband
    return old.value == new.value
