"""One life of the edge node: one connection, from listening to its last word."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, NoReturn

from agent.mqtt import streams
from agent.mqtt.certificate_watch import CertificateWatch
from agent.mqtt.client import BrokerError, Client
from agent.mqtt.delivery import Delivery
from agent.mqtt.denials import Denials
from agent.mqtt.link import Message
from agent.mqtt.row_stream import RowStream
from agent.mqtt.settings import MqttSettings
from agent.mqtt.sparkplug.edge import Edge
from agent.mqtt.sparkplug.host import HostState
from agent.mqtt.sparkplug.requests import PAUSE, Requests
from agent.mqtt.sparkplug.topics import EdgeTopics, state_topic
from agent.store.delivery import Sink
from agent.store.records import Batch, Row

RECORDS: Final = 1_000  # told together
CALM: Final = 0.25  # s after the births without data: a host that comes online asks for births of its own at once


class HostOfflineError(BrokerError):
    """Nobody who matters listens; what is read is held back until the primary host is online again."""


class Life:
    """Says what the edge says, and listens to hosts.

    Args:
        client: Connected; its will is the node's death.
        edge: Born before `send`.
        topics: Of the edge.
        settings: Of the broker and of Sparkplug.
        host: What is known of the primary host.
        requests: Of hosts.
        certificates: Of this connection; looked at while it has something to say.
    """

    def __init__(
        self,
        client: Client,
        edge: Edge,
        topics: EdgeTopics,
        settings: MqttSettings,
        *,
        host: HostState,
        requests: Requests,
        certificates: CertificateWatch,
    ) -> None:
        self._client = client
        self._edge = edge
        self._topics = topics
        self._settings = settings
        self._primary = settings.sparkplug.primary_host
        self._host = host
        self._host_news = asyncio.Event()
        self._requests = requests
        self._certificates = certificates

    async def listen(self) -> None:
        """Subscribe to what concerns the node.

        Raises:
            BrokerError: The connection is lost, or the broker refuses a subscription.
        """
        self._host.forget()
        if self._primary is not None:
            await self._client.subscribe(state_topic(self._primary), self._take, wants_kept=True)
        await self._client.subscribe(self._topics.node("NCMD"), self._take)
        await self._client.subscribe(self._topics.device_commands, self._take)

    async def host_online(self, waits: Callable[[str, str | None], None], patience: float | None) -> None:
        """Wait until the primary host, where there is one, is online.

        Args:
            waits: Called meanwhile, with its name and why it is not believed where it says that it is.
            patience: s; None: however long it takes.

        Raises:
            HostOfflineError: It is not online for as long as that.
        """
        try:
            async with asyncio.timeout(patience):
                while self._primary is not None and not self._host.is_online:
                    waits(self._primary, self._host.doubt)
                    self._host_news.clear()
                    await self._host_news.wait()
        except TimeoutError:
            raise HostOfflineError(f"primary host {self._primary} is not online at {self._client}") from None

    async def send(
        self, sink: Sink, *, said: int, born: Callable[[], None], landed: Callable[[Batch], None], denials: Denials
    ) -> NoReturn:
        """Say what is read, until the primary host is gone; the edge is born already.

        Args:
            sink: Started.
            said: Id of the newest record that the births may have told.
            born: Called when the broker has the births.
            landed: Called with each batch that the broker has.
            denials: Told where the broker refuses.

        Raises:
            HostOfflineError: The primary host is gone; the devices' deaths are said.
            BrokerError: The connection is lost.
            StorageError: The disk does not give what is to be sent.
        """
        size = self._settings.batch_size
        delivery = Delivery(
            sink,
            self._settings,
            RowStream(self._say_live, landed, denials, limit=size),
            RowStream(self._say_held_back, landed, denials, limit=size),
        )
        try:
            await (await self._client.passed())
            born()
            await asyncio.sleep(CALM)
            await streams.run(
                host=self._host_offline(),
                certificates=self._certificates.look(),
                rebirths=self._rebirths(),
                records=self._tell(sink, said),
                **delivery.streams(offer=lambda _: None, rest=self._edge.rest),
            )
        finally:
            with suppress(BrokerError):  # a lost connection: the node's death says it of all its devices
                self._edge.die()
        raise AssertionError("streams never end")

    def _take(self, message: Message) -> None:
        if self._primary is not None and message.topic == state_topic(self._primary):
            self._host.observe(message.payload)
            self._host_news.set()
        else:
            self._requests.take(message)

    async def _host_offline(self) -> NoReturn:
        while self._primary is None or self._host.is_online:
            self._host_news.clear()
            await self._host_news.wait()
        raise HostOfflineError(f"primary host {self._primary} is offline; readings are held back until it is online")

    async def _rebirths(self) -> NoReturn:
        while True:
            await self._requests.next_rebirth()
            self._edge.birth()
            await asyncio.sleep(PAUSE)

    async def _tell(self, sink: Sink, said: int) -> NoReturn:
        while True:
            found = await sink.records(RECORDS)
            await self._requests.quiet()
            self._edge.tell(record for number, record in found if number > said)
            await (await self._client.passed())
            sink.acknowledge_records(found[-1][0])

    async def _say_live(self, rows: Sequence[Row]) -> list[asyncio.Future[None]]:
        await self._requests.quiet()
        self._edge.live(rows)
        return [await self._client.passed()]

    async def _say_held_back(self, rows: Sequence[Row]) -> list[asyncio.Future[None]]:
        await self._requests.quiet()
        self._edge.held_back(rows)
        return [await self._client.passed()]
