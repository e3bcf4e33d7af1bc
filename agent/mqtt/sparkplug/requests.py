"""What hosts ask of the edge node: to be born anew, which is done; to write to the plant, which is refused."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from agent.mqtt.link import Message
from agent.mqtt.sparkplug.edge import REBIRTH
from agent.mqtt.sparkplug.payload import Metric, decode
from agent.mqtt.sparkplug.wire import WireError

log = logging.getLogger(__name__)

PAUSE: Final = 1.0  # s between two births that are asked for; a host that asks all the time gets one a second
LARGEST: Final = 1_000  # bytes of a command that are read, field by field; to ask for a birth takes some 50
NAME: Final = 80  # characters of a name from outside that are repeated in the log


class Requests:
    """Takes commands as they come; nothing of them reaches the plant.

    Args:
        node_commands: Topic of what is said to the node.
    """

    def __init__(self, node_commands: str) -> None:
        self._node_commands = node_commands
        self._is_wanted, self._is_quiet = asyncio.Event(), asyncio.Event()
        self._is_quiet.set()
        self._has_refused = self._has_dropped = False

    def take(self, message: Message) -> None:
        """Note what is asked; a retained command was meant for somebody before us."""
        if message.is_old:
            return
        try:
            metrics = _metrics(message.payload)
        except WireError as error:
            if not self._has_dropped:
                self._has_dropped = True
                log.warning("sparkplug: a command is dropped: %s", error)
            return
        is_to_node = message.topic == self._node_commands
        for metric in metrics:
            if is_to_node and metric.name == REBIRTH and metric.content is True:
                self._is_wanted.set()
                self._is_quiet.clear()
            elif not (is_to_node and metric.name == REBIRTH):
                self._refuse(message.topic, metric)

    async def next_rebirth(self) -> None:
        """Wait until a host wants everything said anew."""
        await self._is_wanted.wait()
        self._is_wanted.clear()
        self._is_quiet.set()

    async def quiet(self) -> None:
        """Wait until no birth is asked for: from the request on hosts are to get no data before it."""
        await self._is_quiet.wait()

    def _refuse(self, topic: str, metric: Metric) -> None:
        if not self._has_refused:
            self._has_refused = True
            name = repr((metric.name or f"alias {metric.alias}")[:NAME])
            log.warning("sparkplug: a host wants to write %s on %s; this agent advises and never writes", name, topic)


def _metrics(payload: bytes) -> Sequence[Metric]:
    """What a command says.

    Raises:
        WireError: It is no payload, or too large to be worth the time.
    """
    if len(payload) > LARGEST:
        raise WireError(f"it has {len(payload):,} bytes, {LARGEST:,} are read")
    return decode(payload).metrics
