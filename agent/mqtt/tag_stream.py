"""Live values to one retained topic a tag: the newest counts, nothing queues up."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Final, NoReturn

from agent.mqtt.client import Client, DeniedError
from agent.mqtt.denials import Denials
from agent.mqtt.tag_values import TagValues, bare
from agent.mqtt.topics import Topics
from agent.store.records import Row
from drivers.settings import TagSettings

AHEAD: Final = 16  # of its messages without an answer: so many at most has an alarm before it, at a slow broker too


class TagStream:
    """Says what is news; while the broker is slow, a newer value takes the place of the one that waits.

    Args:
        client: Connected.
        topics: Below the station's root.
        tags: Those with a topic; deadband and heartbeat are theirs.
        denials: Told where the broker refuses a tag, which is tried again with its next news.
        has_bare_values: Whether the number alone is said too.
    """

    def __init__(
        self,
        client: Client,
        topics: Topics,
        tags: Iterable[TagSettings],
        denials: Denials,
        *,
        has_bare_values: bool,
    ) -> None:
        self._client = client
        self._topics = topics
        self._values = TagValues(tags)
        self._denials = denials
        self._has_bare_values = has_bare_values
        self._waiting: dict[str, Row] = {}
        self._news = asyncio.Event()
        self._ahead = asyncio.Semaphore(AHEAD)

    def offer(self, rows: Iterable[Row]) -> None:
        """Have said what is news among *rows*, given in the log's order."""
        if news := self._values.due(rows, asyncio.get_running_loop().time()):
            self._waiting.update(news)
            self._news.set()

    async def withdraw(self, tags: Iterable[str]) -> None:
        """Clear the topics of those of *tags* that have none any more: what they last said would pass for the present.

        One after the other, however many: whatever else is said meanwhile has at most one of them before it.

        Raises:
            BrokerError: The connection is lost.
        """
        for tag in tags:
            if tag not in self._values:
                for topic in (self._topics.tag(tag), *(self._topics.bare_value(tag),) * self._has_bare_values):
                    if answer := await self._send(topic, b""):
                        with suppress(DeniedError):  # it is noted where all are
                            await answer

    async def say(self) -> NoReturn:
        """Send what is offered.

        Raises:
            BrokerError: The connection is lost.
        """
        while True:
            await self._news.wait()
            self._news.clear()
            turn, self._waiting = self._waiting, {}
            for tag, row in turn.items():
                await self._say(self._waiting.pop(tag, row))  # what came while it waited for its turn

    async def _say(self, row: Row) -> None:
        await self._send(self._topics.tag(row.tag), self._values.message(row))
        if self._has_bare_values:
            await self._send(self._topics.bare_value(row.tag), bare(row.value))

    async def _send(self, topic: str, payload: bytes) -> asyncio.Future[None] | None:
        """Send one message once few enough are unanswered; the broker's answer, where it was sent at all."""
        await self._ahead.acquire()
        try:
            answer = await self._client.send(topic, payload, retain=True)
        except DeniedError as error:
            self._ahead.release()
            self._denials.of_state(error)
            return None
        answer.add_done_callback(self._note)
        return answer

    def _note(self, answer: asyncio.Future[None]) -> None:
        self._ahead.release()
        if not answer.cancelled() and isinstance(error := answer.exception(), DeniedError):
            self._denials.of_state(error)
