"""Records (advice, alarms, verdicts) to their topics: alarms first, states as they are now, journals entry by entry."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Final, NoReturn

from agent.mqtt.client import Client, DeniedError
from agent.mqtt.denials import Denials
from agent.mqtt.topics import RETAINED, Topic, Topics
from agent.store.delivery import Sink
from agent.store.errors import StorageError
from agent.store.reader import Reader
from agent.store.records import Kind, Record
from agent.store.writer import Store

ALARMS: Final[frozenset[Kind]] = frozenset({"alarm", "alarm_event", "alarm_test"})
LIMIT: Final = 200  # records sent together


class RecordStream:
    """Says first how everything stands, then what changes.

    A state is worth nothing once there is a newer one, so after an outage only the newest is said, and those an
    outage held back never overwrite it. A journal is said whole, in order, by its cursor.
    """

    def __init__(
        self,
        client: Client,
        topics: Topics,
        store: Store,
        sink: Sink,
        denials: Denials,
        *,
        keys: Mapping[Kind, frozenset[str]],
    ) -> None:
        """Follow the records of *store*; *keys* has the ids that the plant has now, for kinds that have one a part."""
        self._client = client
        self._topics = topics
        self._store = store
        self._sink = sink
        self._denials = denials
        self._keys = keys
        self._said = 0  # id up to which all states were said by `greet`
        self._journal_said = 0  # and all that happened to alarms
        self._is_denied = False

    async def greet(self) -> None:
        """Say how every alarm stands and what happened to it meanwhile, then the newest of every state.

        For a new connection. What an outage held back of anything else follows the alarms, however much it is.

        Raises:
            BrokerError: The connection is lost.
            StorageError: They cannot be read.
        """
        self._said = self._store.last_record_id  # before looking: what comes meanwhile is said twice and not never
        await self._say(await self._store.newest("alarm"))
        await self._say_journal("alarm_event")
        for kind in RETAINED:
            if RETAINED[kind] and kind not in ALARMS:
                await self._say(map(self._present, await self._store.newest(kind)))

    async def follow(self) -> NoReturn:
        """Say what comes, and what an outage held back of journals.

        Raises:
            BrokerError: The connection is lost.
            StorageError: They cannot be read.
        """
        while True:
            found = await self._sink.records(LIMIT)
            newest = {(record.kind, record.key): number for number, record in found}
            await self._say(
                record for number, record in found if self._is_due(record, number, newest[record.kind, record.key])
            )
            if not self._is_denied:
                self._sink.acknowledge_records(found[-1][0])

    async def _say_journal(self, kind: Kind) -> None:
        """Entries that the receiver does not have; they count as delivered when `follow` comes past them."""
        mark = self._sink.records_place
        while mark < self._said:
            try:
                found = await self._store.read(partial(Reader.records_after, mark=mark, limit=LIMIT, kind=kind))
            except StorageError:
                if self._store.trouble is None:
                    raise
                break  # what waits in memory for the disk comes with the others
            known = [(number, record) for number, record in found if number <= self._said]
            await self._say(record for _, record in known)
            mark = known[-1][0] if len(known) == LIMIT else self._said
        self._journal_said = mark

    def _is_due(self, record: Record, number: int, newest: int) -> bool:
        """Whether a record is still to be said: journals whole, of states the newest, and nothing that `greet` said."""
        if RETAINED[record.kind]:
            return number > self._said and newest == number
        return number > self._journal_said or record.kind != "alarm_event"

    def _present(self, record: Record) -> Record:
        """The record, or its withdrawal where the plant no longer has the part it speaks of."""
        is_gone = record.key not in self._keys.get(record.kind, {record.key})
        return replace(record, body=b"") if is_gone else record

    async def _say(self, records: Iterable[Record]) -> None:
        """Send and wait for every answer."""
        sent: list[tuple[Topic, asyncio.Future[None]]] = []
        for record in sorted(records, key=lambda record: record.kind not in ALARMS):
            topic = self._topics.of_record(record.kind, record.key)
            try:
                answer = await self._client.send(topic.name, record.body, retain=topic.is_retained)
            except DeniedError as error:
                self._deny(topic, error)
            else:
                sent.append((topic, answer))
        for topic, answer in sent:
            try:
                await answer
            except DeniedError as error:
                self._deny(topic, error)

    def _deny(self, topic: Topic, error: DeniedError) -> None:
        if topic.is_retained:
            self._denials.of_state(error)
        else:
            self._is_denied = True
            self._denials.of_delivery(error)
