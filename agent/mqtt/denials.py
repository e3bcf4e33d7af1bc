"""What the broker has denied on this connection, told once and tried again later."""

import asyncio
import logging
from typing import Final, Literal, NoReturn

from agent.health import Part
from agent.mqtt.client import DeniedError

log = logging.getLogger(__name__)

RETRY: Final = 60.0  # s until deliveries that were denied are tried again, on a new connection


class Denials:
    """Keeps one denied topic from stopping all others.

    Two kinds: a *state* (a tag's value, a pump, an alarm) is simply said again when it changes or at the next
    connection. A *delivery* (rows, journal) must not be skipped: it is not acknowledged, its stream goes no further,
    and a minute later the connection is made anew, which tries it again. All else goes on meanwhile.
    """

    def __init__(self, part: Part, retry: float = RETRY) -> None:
        self._part = part
        self._retry = retry
        self._delivery: DeniedError | None = None
        self._is_delivery_denied = asyncio.Event()
        self._topics: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._topics)

    def of_state(self, error: DeniedError) -> None:
        """Note that a retained topic was denied."""
        if not self._topics:
            self._tell(error, "degraded")
        self._topics.add(error.topic)

    def of_delivery(self, error: DeniedError) -> None:
        """Note that rows or a journal entry were denied: they stay unsent."""
        if self._delivery is None:
            self._delivery = error
            self._is_delivery_denied.set()
            self._tell(error, "failed")
        self._topics.add(error.topic)

    async def retry(self) -> NoReturn:
        """Wait until a delivery was denied, and then some.

        Raises:
            DeniedError: It is time to try again.
        """
        await self._is_delivery_denied.wait()
        await asyncio.sleep(self._retry)
        raise self._delivery or AssertionError("nothing was denied")

    def _tell(self, error: DeniedError, state: Literal["degraded", "failed"]) -> None:
        if self._part.trouble(str(error), state):  # the same as before this connection is not worth a second line
            log.warning("broker: %s; what belongs there stays unsent", error)
