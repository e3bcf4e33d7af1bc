"""The task behind the edge node: one connection to the broker after the other, each a life of the node."""

import logging
from collections.abc import Mapping
from typing import NoReturn

from agent.health import Part, wall_ms
from agent.mqtt import streams
from agent.mqtt.certificate_watch import CertificateWatch
from agent.mqtt.client import Client
from agent.mqtt.denials import Denials
from agent.mqtt.dial import Will
from agent.mqtt.publisher import keys_of
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
from agent.store.records import Batch
from agent.store.writer import Store

log = logging.getLogger(__name__)

SINK = "sparkplug"


class EdgeNode:
    """What is known from one connection to the next.

    Args:
        settings: The whole station.
        store: Open, its sink `sparkplug` named before what it is to get.
        part: Told how it goes.
        facts: What is said of the node itself at its birth, by metric.
    """

    def __init__(self, settings: AgentSettings, store: Store, part: Part, facts: Mapping[str, str]) -> None:
        self._settings = settings
        # A death is published before we leave. Version 5 would have the broker publish the will as well, a second one;
        # and what it has besides, a reason for what is denied, is not said of messages of QoS 0.
        self._mqtt = settings.mqtt.model_copy(update={"version": "3.1.1"})
        self._store = store
        self._part = part
        self._facts = facts
        self._topics = EdgeTopics.of_station(settings.mqtt.sparkplug, settings.station.name)
        self._types = TagTypes(settings.devices)
        self._host = HostState()
        self._requests = Requests(self._topics.node("NCMD"))
        self._lives = Lives(store)
        self._began_ms = wall_ms()
        tags = sum(len(device.tags) for device in settings.devices)
        self._first_free = tags + 1 if settings.mqtt.sparkplug.aliases else None

    async def publish(self) -> NoReturn:
        """Connect, be born, and say what is read, until the broker or the primary host is lost.

        Raises:
            BrokerError: The broker is lost or refuses us, or the primary host is offline.
            StorageError: The disk does not give what is to be sent.
        """
        number = await self._lives.begin()
        will = Will(self._topics.node("NDEATH"), death(number, wall_ms()), is_retained=False)
        client_id = self._mqtt.client_id or f"pump-agent-{self._settings.station.name}"
        async with Client(self._mqtt, f"{client_id}-sparkplug", will) as client:
            sink = self._store.sink(SINK)
            figures = Figures(self._began_ms, self._first_free)
            edge = self._edge(client, sink, number, figures)
            certificates = CertificateWatch(self._mqtt, client, self._part)
            life = Life(
                *(client, edge, self._topics, self._mqtt),
                host=self._host,
                requests=self._requests,
                certificates=certificates,
            )
            await life.listen()
            await streams.run(broker=client.ended(), life=self._live(life, sink, edge, figures, certificates))

    def _edge(self, client: Client, sink: Sink, number: int, figures: Figures) -> Edge:
        return Edge(
            self._topics,
            self._settings.devices,
            self._types,
            facts=self._facts,
            figures=figures,
            death_number=number,
            since=sink.since,
            has_aliases=self._mqtt.sparkplug.aliases,
            post=client.post,
            clock=wall_ms,
        )

    async def _live(
        self, life: Life, sink: Sink, edge: Edge, figures: Figures, certificates: CertificateWatch
    ) -> NoReturn:
        await life.host_online(self._wait)
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

    def _wait(self, host: str, doubt: str | None) -> None:
        why = "; ".join(filter(None, (f"waits for primary host {host} to be online", doubt)))
        if self._part.trouble(why, "degraded"):
            log.log(logging.WARNING if doubt else logging.INFO, "sparkplug: %s; readings are held back", why)

    def _born(self) -> None:
        if self._part.well():
            log.info("sparkplug: %s is born", self._topics.node("NBIRTH"))
