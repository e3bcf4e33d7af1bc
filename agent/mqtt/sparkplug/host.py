"""The primary host, by what it says of itself: its STATE, in the form of version 3; pure."""

from dataclasses import dataclass

import orjson

from agent.mqtt.instant import LATEST_MS, rfc3339

LARGEST = 1_000  # bytes; two keys and some


@dataclass(slots=True)
class HostState:
    """Whether the primary host is online, as far as we know.

    It is not believed when it says something older than before: the broker may hand out a will that has been
    overtaken. That is remembered over connections; whether it is online is asked anew on each.
    """

    is_online: bool = False
    _ts: int = 0
    _overtaken: int | None = None  # when it was last said to be online, where that is older

    def forget(self) -> None:
        """A new connection: what the broker has kept of it will tell."""
        self.is_online, self._overtaken = False, None

    @property
    def doubt(self) -> str | None:
        """Why it is not believed to be online though it says so."""
        if self._overtaken is None:
            return None
        said, earlier = _written(self._overtaken), _written(self._ts)
        remedy = "where its clock was wrong and is right now, restart this agent"
        return f"it says so as of {said}, which is older than its word of {earlier} and not believed; {remedy}"

    def observe(self, payload: bytes) -> bool:
        """Take what it says; false where that says nothing, or something older.

        >>> host = HostState()
        >>> host.observe(b'{"online": true, "timestamp": 7}'), host.is_online
        (True, True)
        >>> host.observe(b'{"online": false, "timestamp": 6}'), host.is_online
        (False, True)
        """
        match _parsed(payload):
            case {"online": bool(is_online), "timestamp": int(ts)} if not isinstance(ts, bool):
                if ts < self._ts:
                    self._overtaken = ts if is_online else None
                    return False
                self.is_online, self._ts, self._overtaken = is_online, ts, None
                return True
        return False


def _written(ts_ms: int) -> str:
    return rfc3339(ts_ms) if 0 <= ts_ms <= LATEST_MS else f"{ts_ms} ms"


def _parsed(payload: bytes) -> object:
    if len(payload) > LARGEST:
        return None
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError:
        return None
