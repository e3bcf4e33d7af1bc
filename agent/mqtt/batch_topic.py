"""A topic on which rows of the log go out as JSON, in batches."""

import asyncio
from collections.abc import Iterator, Sequence

from agent.mqtt.batches import encode
from agent.mqtt.client import Client
from agent.store.records import Row


class BatchTopic:
    """Sends rows to one topic.

    Args:
        client: Connected.
        topic: Where they go.
    """

    def __init__(self, client: Client, topic: str) -> None:
        self._client = client
        self._topic = topic

    async def say(self, rows: Sequence[Row]) -> list[asyncio.Future[None]]:
        """Send *rows*; the futures are the broker's answers.

        Raises:
            DeniedError: One row is larger than the broker takes.
            BrokerError: The connection is lost.
        """
        return [await self._client.send(self._topic, payload) for payload in self._payloads(rows)]

    def _payloads(self, rows: Sequence[Row]) -> Iterator[bytes]:
        """One message, or more where the broker takes no message of that size."""
        if not rows:
            return
        payload = encode(rows)
        if len(rows) == 1 or self._client.takes(self._topic, payload):
            yield payload
            return
        middle = len(rows) // 2
        yield from self._payloads(rows[:middle])
        yield from self._payloads(rows[middle:])
