"""Rows of the log to a receiver: in order, several batches in flight, acknowledged on the broker's word."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import NoReturn

from agent.mqtt.client import DeniedError
from agent.mqtt.denials import Denials
from agent.store.records import Batch, Row

Flight = tuple[Batch, list[asyncio.Future[None]]]
# Sends rows; the futures are the broker's answers. Raises DeniedError and BrokerError.
Say = Callable[[Sequence[Row]], Awaitable[list[asyncio.Future[None]]]]


class RowStream:
    """One of a receiver's two streams, live rows or backlog.

    Args:
        say: Sends the rows of a batch.
        landed: Called with each batch that the broker has, oldest first.
        denials: Told where the broker refuses; from then on nothing is sent or landed here.
        limit: Rows in flight: one large batch, or several small ones. A crash repeats them.
    """

    def __init__(self, say: Say, landed: Callable[[Batch], None], denials: Denials, *, limit: int) -> None:
        self._say = say
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
            answers = await self._say(batch.rows)
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
