"""Rows of the log to one topic: in order, several batches in flight, acknowledged on the broker's word."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import NoReturn

from agent.mqtt.batches import encode
from agent.mqtt.client import Client, DeniedError
from agent.mqtt.denials import Denials
from agent.store.records import Batch, Row

Flight = tuple[Batch, list[asyncio.Future[None]]]


class RowStream:
    """One of a receiver's two streams, live rows or backlog.

    Args:
        client: Connected.
        topic: Where batches go.
        landed: Called with each batch that the broker has, oldest first.
        denials: Told where the broker refuses; from then on nothing is sent or landed here.
        limit: Rows in flight: one large batch, or several small ones. A crash repeats them.
    """

    def __init__(
        self, client: Client, topic: str, landed: Callable[[Batch], None], denials: Denials, *, limit: int
    ) -> None:
        self._client = client
        self._topic = topic
        self._landed = landed
        self._denials = denials
        self.is_denied = False
        self._flights: asyncio.Queue[Flight] = asyncio.Queue()
        self._limit = limit
        self._rows = 0  # in flight
        self._landing = asyncio.Event()

    async def send(self, batch: Batch) -> None:
        """Send *batch* as soon as few enough are in flight.

        Raises:
            BrokerError: The connection is lost.
        """
        await self._room(self._limit - len(batch.rows))
        if self.is_denied:
            return
        self._rows += len(batch.rows)
        try:
            answers = [await self._client.send(self._topic, payload) for payload in self._payloads(batch.rows)]
        except DeniedError as error:
            self._deny(error)
        else:
            self._flights.put_nowait((batch, answers))

    async def landed(self) -> None:
        """Wait until nothing is in flight."""
        await self._room(0)

    async def confirm(self) -> NoReturn:
        """Wait for the broker's answers, oldest first.

        Raises:
            BrokerError: The connection is lost; what it has not answered is to be sent again.
        """
        while True:
            batch, answers = await self._flights.get()
            try:
                for answer in answers:
                    await answer
            except DeniedError as error:
                self._deny(error)
            if not self.is_denied:
                self._landed(batch)
            self._rows -= len(batch.rows)
            self._landing.set()

    async def _room(self, rows: int) -> None:
        """Wait until at most so many *rows*, or none, are in flight; no longer than until the topic is denied."""
        while self._rows > max(0, rows) and not self.is_denied:
            self._landing.clear()
            await self._landing.wait()

    def _deny(self, error: DeniedError) -> None:
        self.is_denied = True
        self._landing.set()
        self._denials.of_delivery(error)

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
