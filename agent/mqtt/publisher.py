"""What leaves for SCADA, as long as one connection to the broker lasts."""

from hashlib import sha256
from itertools import chain
from typing import NoReturn

from agent.health import Part, wall_ms
from agent.mqtt import streams
from agent.mqtt.batch_topic import BatchTopic
from agent.mqtt.certificate_watch import CertificateWatch
from agent.mqtt.client import Client, DeniedError
from agent.mqtt.delivery import Delivery
from agent.mqtt.denials import RETRY, Denials
from agent.mqtt.dial import Will
from agent.mqtt.payloads import Info
from agent.mqtt.record_stream import RecordStream
from agent.mqtt.row_stream import RowStream
from agent.mqtt.tag_stream import TagStream
from agent.mqtt.topics import Topics
from agent.settings import AgentSettings
from agent.store.records import Batch, Kind
from agent.store.writer import Store


def describe(settings: AgentSettings, version: str, started_ms: int) -> Info:
    """What `<root>/info` says of this agent."""
    return Info(
        name="pump-agent",
        version=version,
        station=settings.station.name,
        config_digest=sha256(settings.model_dump_json().encode()).hexdigest()[:16],
        started=started_ms,
        time_zone=settings.station.time_zone,
        devices=len(settings.devices),
        tags=sum(len(device.tags) for device in settings.devices),
        pumps=len(settings.pumps),
    )


async def publish(settings: AgentSettings, store: Store, part: Part, info: Info, retry: float = RETRY) -> NoReturn:
    """Connect and publish until the broker is lost.

    First how everything stands, alarms before all else; then, side by side: records, live rows, and what an
    outage held back, which live rows never wait for. A row is struck off when the broker has it.

    Args:
        settings: The whole station.
        store: Open.
        part: Told how it goes.
        info: What is said of the agent.
        retry: s until deliveries that the broker denied are tried again.

    Raises:
        BrokerError: The broker is lost or refuses us; nothing is, when called again.
        StorageError: The disk does not give what is to be sent.
    """
    topics = Topics.of_station(settings.mqtt, settings.station.name)
    client_id = settings.mqtt.client_id or f"pump-agent-{settings.station.name}"
    async with Client(settings.mqtt, client_id, Will(topics.status, b"offline", is_retained=True)) as client:
        await Publisher(settings, store, part, client, Denials(part, retry)).run(info)


class Publisher:
    """The streams of one connection."""

    def __init__(self, settings: AgentSettings, store: Store, part: Part, client: Client, denials: Denials) -> None:
        self._store = store
        self._part = part
        self._client = client
        self._denials = denials
        self._acknowledged = part.counts.get("messages", 0)  # over earlier connections
        self._topics = topics = Topics.of_station(settings.mqtt, settings.station.name)
        self._certificates = CertificateWatch(settings.mqtt, client, part)
        self._sink = store.sink("mqtt")
        tags = chain.from_iterable(device.tags for device in settings.devices) if settings.mqtt.tag_topics else ()
        self._tags = TagStream(client, topics, tags, denials, has_bare_values=settings.mqtt.bare_values)
        self._records = RecordStream(client, topics, store, self._sink, denials, keys=keys_of(settings))
        live, history = BatchTopic(client, topics.readings).say, BatchTopic(client, topics.history).say
        self._delivery = Delivery(
            self._sink,
            settings.mqtt,
            RowStream(live, self._landed, denials, limit=settings.mqtt.batch_size),
            RowStream(history, self._landed, denials, limit=settings.mqtt.batch_size),
        )

    async def run(self, info: Info) -> NoReturn:
        """Say how everything stands, then what changes, until the connection is lost."""
        await self._state(self._topics.status, b"online")
        await self._sink.start()  # now, so that all that is polled from here on is live
        await self._records.greet()
        await streams.run(
            broker=self._client.ended(),
            denials=self._denials.retry(),
            certificates=self._certificates.look(),
            records=self._records.follow(),
            values=self._say_values(info),
        )

    async def _say_values(self, info: Info) -> NoReturn:
        """Say what may be much: none of it keeps an alarm waiting that comes meanwhile."""
        await self._state(self._topics.info, info.encode())
        latest = await self._store.latest()
        self._tags.offer(latest.values())
        await streams.run(
            tags=self._tags.say(),
            gone=self._tags.withdraw(latest),
            **self._delivery.streams(offer=self._tags.offer, rest=lambda: None),
        )

    async def _state(self, topic: str, payload: bytes) -> None:
        try:
            await self._client.publish(topic, payload, retain=True)
        except DeniedError as error:
            self._denials.of_state(error)

    def _landed(self, batch: Batch) -> None:
        self._sink.acknowledge(batch)
        self._part.count("readings", len(batch.rows))
        self._part.counts["messages"] = self._acknowledged + self._client.acknowledged
        self._part.counts["behind"] = self._sink.behind
        if self._denials:
            self._part.seen_ms = wall_ms()
        else:
            self._part.well(self._certificates.warning)


def keys_of(settings: AgentSettings) -> dict[Kind, frozenset[str]]:
    """Keys of records that there can be; a station has one schedule, whatever its headers."""
    pumps = frozenset(pump.id for pump in settings.pumps)
    headers = frozenset(header.id for header in settings.headers) if len(settings.headers) != 1 else frozenset({""})
    own: dict[Kind, frozenset[str]] = {"pump": pumps, "curve": pumps, "wear": pumps, "overhaul": pumps}
    return {**own, "recommendation": headers, "front": headers, "schedule": frozenset({""})}
