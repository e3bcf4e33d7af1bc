"""The primary host, by what it says of itself: its STATE, in the form of version 3; pure."""

from dataclasses import dataclass

import orjson

LARGEST = 1_000  # bytes; two keys and some


@dataclass(slots=True)
class HostState:
    """Whether the primary host is online, as far as we know.

    It is not believed when it says something older than before: the broker may hand out a will that has been
    overtaken. That is remembered over connections; whether it is online is asked anew on each.
    """

    is_online: bool = False
    _ts: int = 0

    def forget(self) -> None:
        """A new connection: what the broker has kept of it will tell."""
        self.is_online = False

    def observe(self, payload: bytes) -> bool:
        """Take what it says; false where that says nothing, or something older.

        >>> host = HostState()
        >>> host.observe(b'{"online": true, "timestamp": 7}'), host.is_online
        (True, True)
        >>> host.observe(b'{"online": false, "timestamp": 6}'), host.is_online
        (False, True)
        """
        match _parsed(payload):
            case {"online": bool(is_online), "timestamp": int(ts)} if not isinstance(ts, bool) and ts >= self._ts:
                self.is_online, self._ts = is_online, ts
                return True
        return False


def _parsed(payload: bytes) -> object:
    if len(payload) > LARGEST:
        return None
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError:
        return None
