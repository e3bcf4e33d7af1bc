"""The task behind the edge node: one connection to the broker after the other, each a life of the node."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Final, NoReturn

from agent.health import Part, wall_ms
from agent.mqtt import streams
from agent.mqtt.certificate_watch import CertificateWatch
from agent.mqtt.client import BrokerError, Client, UnreachedError
from agent.mqtt.denials import Denials
from agent.mqtt.dial import Will
from agent.mqtt.publisher import keys_of
from agent.mqtt.settings import MqttSettings
from agent.mqtt.sparkplug.edge import Edge, death
from agent.mqtt.sparkplug.figures import KEYS, Figures
from agent.mqtt.sparkplug.host import HostState
from agent.mqtt.sparkplug.life import Life
from agent.mqtt.sparkplug.lives import Lives
from agent.mqtt.sparkplug.requests import Requests
from agent.mqtt.sparkplug.tag_types import TagTypes
from agent.mqtt.sparkplug.topics import EdgeTopics
from agent.settings import AgentSettings
from agent.store.delivery import Sink
from agent.store.records import Batch, Row
from agent.store.writer import Store
from agent.supervisor import LONGEST_PAUSE

log = logging.getLogger(__name__)

SINK = "sparkplug"
SETTLED: Final = 5.0  # s at most for which the births wait until each device was asked once
LOOK: Final = 0.1  # s between two looks at that
HOST_WITHIN: Final = 2.0  # s for a primary host to be online at one of several brokers


class EdgeNode:
    """What is known from one connection to the next.

    Args:
        settings: The whole station.
        store: Open, its sink `sparkplug` named before what it is to get.
        part: Told how it goes.
        facts: What is said of the node itself at its birth, by metric.
        settled: s at most for which births wait for the first answers of the devices.
    """

    def __init__(
        self, settings: AgentSettings, store: Store, part: Part, facts: Mapping[str, str], settled: float = SETTLED
    ) -> None:
        self._settings = settings
        # A death is published before we leave. Version 5 would have the broker publish the will as well, a second one;
        # and what it has besides, a reason for what is denied, is not said of messages of QoS 0.
        mqtt = settings.mqtt
        first, others = (mqtt.host, mqtt.port), mqtt.sparkplug.addresses
        self._servers = [
            (mqtt.model_copy(update={"version": "3.1.1", "host": host, "port": port}), HostState())
            for host, port in (first, *others)
        ]
        self._turn = 0  # of the server that is next, or present
        self._born_at: float | None = None  # loop time of this life's birth, s
        self._settled = settled
        self._store = store
        self._part = part
        self._facts = facts
        self._topics = EdgeTopics.of_station(settings.mqtt.sparkplug, settings.station.name)
        self._types = TagTypes(settings.devices)
        self._requests = Requests(self._topics.node("NCMD"))
        self._lives = Lives(store)
        self._began_ms = wall_ms()
        tags = sum(len(device.tags) for device in settings.devices)
        self._first_free = tags + 1 if settings.mqtt.sparkplug.aliases else None

    async def publish(self) -> NoReturn:
        """Connect, be born, and say what is read, until the broker or the primary host is lost: at one after the other.

        A life that ends soon after its birth counts as none: brokers that each throw us out are asked less often too.

        Raises:
            BrokerError: Every broker is lost or refuses us, or the primary host is offline there.
            StorageError: The disk does not give what is to be sent.
        """
        troubles: dict[int, str] = {}
        while True:
            self._born_at = None
            try:
                await self._be(*self._servers[self._turn])
            except BrokerError as error:
                if self._born_at is not None:
                    if asyncio.get_running_loop().time() - self._born_at > LONGEST_PAUSE:
                        troubles.clear()
                    self._lost(error)
                troubles[self._turn] = str(error)
                self._turn = (self._turn + 1) % len(self._servers)
                if len(troubles) < len(self._servers):
                    continue
                if len(self._servers) == 1:
                    raise
                raise BrokerError("; ".join(troubles[turn] for turn in sorted(troubles))) from error

    def _lost(self, error: BrokerError) -> None:
        if self._part.trouble(str(error)):
            log.warning("sparkplug: %s; trying again until it works", error)

    async def _be(self, mqtt: MqttSettings, host: HostState) -> NoReturn:
        """One life, at one broker."""
        number = await self._lives.begin()
        client_id = mqtt.client_id or f"pump-agent-{self._settings.station.name}"
        try:
            async with Client(mqtt, f"{client_id}-sparkplug", self._will(number)) as client:
                sink = self._store.sink(SINK)
                figures = Figures(self._began_ms, self._first_free)
                edge = self._edge(client, sink, number, figures)
                certificates = CertificateWatch(mqtt, client, self._part)
                life = Life(
                    *(client, edge, self._topics, mqtt), host=host, requests=self._requests, certificates=certificates
                )
                await life.listen()
                await streams.run(broker=client.ended(), life=self._live(life, sink, edge, figures, certificates))
        except UnreachedError:
            self._lives.take_back()
            raise

    def _will(self, number: int) -> Will:
        """The death of that life: said by the broker with the time of CONNECT, by us with that of leaving."""

        def said() -> bytes:
            return death(number, wall_ms())

        return Will(self._topics.node("NDEATH"), said(), is_retained=False, ours=said)

    def _edge(self, client: Client, sink: Sink, number: int, figures: Figures) -> Edge:
        return Edge(
            self._topics,
            self._settings.devices,
            self._types,
            facts=self._facts,
            figures=figures,
            death_number=number,
            since=sink.since,
            has_aliases=self._settings.mqtt.sparkplug.aliases,
            post=client.post,
            clock=wall_ms,
        )

    async def _live(
        self, life: Life, sink: Sink, edge: Edge, figures: Figures, certificates: CertificateWatch
    ) -> NoReturn:
        await life.host_online(self._wait, HOST_WITHIN if len(self._servers) > 1 else None)
        await self._all_asked(sink.since)
        await sink.start()  # now, so that all that is polled from here on is live
        said = self._store.last_record_id  # before looking: what comes meanwhile is said twice and not never
        there = keys_of(self._settings)
        for record in [one for kind in KEYS for one in await self._store.newest(kind)]:
            if record.key in there.get(record.kind, {record.key}):
                figures.take(record)
        latest = await self._store.latest()

        def landed(batch: Batch) -> None:
            sink.acknowledge(batch)
            self._part.count("readings", len(batch.rows))
            self._part.counts["behind"] = sink.behind
            self._part.well(certificates.warning)

        edge.begin(latest.values())
        await life.send(sink, said=said, born=self._born, landed=landed, denials=Denials(self._part))

    async def _all_asked(self, since: int) -> None:
        """Wait until something was read, or not, of each device: who answers is to be born with the node."""
        loop = asyncio.get_running_loop()
        end, there = loop.time() + self._settled, dict[str, Row]()
        while loop.time() < end and not all(
            any(tag.name in there and there[tag.name].id > since for tag in device.tags)
            for device in self._settings.devices
        ):
            await asyncio.sleep(LOOK)
            there = await self._store.latest()

    def _wait(self, host: str, doubt: str | None) -> None:
        why = "; ".join(filter(None, (f"waits for primary host {host} to be online", doubt)))
        if self._part.trouble(why, "degraded"):
            log.log(logging.WARNING if doubt else logging.INFO, "sparkplug: %s; readings are held back", why)

    def _born(self) -> None:
        self._born_at = asyncio.get_running_loop().time()
        if self._part.well():
            log.info("sparkplug: %s is born", self._topics.node("NBIRTH"))
