"""The alarm task: follows the log, keeps every transition, and takes acknowledgements."""

import asyncio
import logging
import time
from collections.abc import Iterable
from typing import Final, NoReturn

import orjson

from agent.alarms.board import Board, Transition
from agent.alarms.rules import SEVERITY
from agent.alarms.state import AlarmState
from agent.health import wall_ms
from agent.mqtt import payloads
from agent.settings import AgentSettings
from agent.store.delivery import Sink
from agent.store.errors import StorageError
from agent.store.records import Record
from agent.store.writer import Store
from agent.ticks import Ticks

log = logging.getLogger(__name__)

BATCH: Final = 5_000  # rows judged in one go: some milliseconds
DELAYS_PERIOD: Final = 0.5  # s between two looks at delays that run out without a reading


class Watch:
    """All alarms of the running agent.

    The board is made anew from the disk whenever the disk has failed, so that what is published
    and what is known never part.
    """

    def __init__(self, settings: AgentSettings, store: Store) -> None:
        self._settings = settings
        self._store = store
        self._board = Board(settings)

    async def follow(self) -> NoReturn:
        """Judge every row appended to the log, also those a crash left unjudged.

        Raises:
            StorageError: The disk refuses; call again, what was not kept is judged again.
        """
        await self._restore()
        sink = self._store.sink("alarms")
        await sink.start()
        while batch := await sink.backlog(BATCH):
            await self._keep(self._board.see(batch.rows, _monotonic_ms()))
            sink.acknowledge(batch)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow_readings(sink), name="alarms of readings")
            tasks.create_task(self._follow_pumps(sink), name="alarms of pumps")
            tasks.create_task(self._follow_delays(), name="alarms that wait")
        raise AssertionError("these tasks never end")

    async def acknowledge(self, command: payloads.Ack) -> None:
        """An operator has seen one occurrence of an alarm.

        Raises:
            LookupError: There is nothing of the kind to acknowledge; the message is for the operator.
            StorageError: The disk refuses.
        """
        change = self._board.acknowledge(command.alarm, command.occurrence, wall_ms(), command.user)
        try:
            await self._keep([change])
        except StorageError:
            self._board.take_back(change)
            raise

    async def _restore(self) -> None:
        """Take up the alarms as they were kept; withdraw those that the configuration no longer has."""
        events = await self._store.newest("alarm_event")
        shown = await self._store.newest("alarm")
        self._board = Board(self._settings)
        self._board.restore({event.key: _state(event) for event in events})
        gone = [one for one in shown if one.body and one.key not in self._board.names]
        await self._store.record([Record("alarm", one.key, wall_ms(), b"") for one in gone])

    async def _follow_readings(self, sink: Sink) -> NoReturn:
        while True:
            batch = await sink.live(BATCH)
            await self._keep(self._board.see(batch.rows, _monotonic_ms()))
            sink.acknowledge(batch)

    async def _follow_pumps(self, sink: Sink) -> NoReturn:
        while True:
            records = await sink.records(100)
            for _, record in records:
                if record.kind == "pump" and record.body:
                    await self._keep(self._judge(payloads.Pump.model_validate_json(record.body)))
            sink.acknowledge_records(records[-1][0])

    def _judge(self, pump: payloads.Pump) -> list[Transition]:
        if pump.running is False:
            return self._board.see_standing(pump.pump, pump.ts)
        if not pump.running or pump.efficiency is None or pump.stale:
            return []
        return self._board.see_efficiency(pump.pump, pump.efficiency, pump.ts, _monotonic_ms())

    async def _follow_delays(self) -> NoReturn:
        async for _ in Ticks(DELAYS_PERIOD):
            await self._keep(self._board.wait(wall_ms(), _monotonic_ms()))
            await self._keep(self._board.see_storage(self._store.complaints, wall_ms(), _monotonic_ms()))
        raise AssertionError("ticks never end")

    async def _keep(self, changes: Iterable[Transition]) -> None:
        records = [record for change in changes for record in _records(change)]
        if records:
            await self._store.record(records)


def _monotonic_ms() -> int:
    return time.monotonic_ns() // 1_000_000


def _records(change: Transition) -> list[Record]:
    """The alarm as it is now and the journal's entry; a normal, acknowledged alarm leaves the broker."""
    words, state = change.rationale, change.state
    alarm = payloads.Alarm(
        id=words.id,
        occurrence=state.occurrence,
        state=state.state,
        active=state.active,
        acked=state.acked,
        priority=words.priority,
        severity=SEVERITY[words.priority],
        type=words.type,
        pump=words.pump,
        tag=words.tag,
        value=state.value,
        limit=words.limit,
        unit=words.unit,
        message=f"{words.message} ({change.reason})" if change.reason else words.message,
        consequence=words.consequence,
        action=words.action,
        raised_at=state.raised_ms,
        cleared_at=state.cleared_ms,
        acked_at=state.acked_ms,
        acked_by=state.acked_by,
        count=state.occurrence,
        ts=change.ts_ms,
        seq=state.changes,
    )
    event = payloads.AlarmEvent(**dict(alarm), event=change.event, user=state.acked_by)
    body = b"" if state.state == "NORM" else alarm.encode()
    return [
        Record("alarm", words.id, change.ts_ms, body),
        Record("alarm_event", words.id, change.ts_ms, event.encode()),
    ]


def _state(event: Record) -> AlarmState:
    """The facts that the newest event of an alarm was kept with."""
    alarm = payloads.AlarmEvent.model_validate(orjson.loads(event.body))
    return AlarmState(
        active=alarm.active,
        acked=alarm.acked,
        occurrence=alarm.occurrence,
        changes=alarm.seq,
        value=alarm.value if isinstance(alarm.value, float) else None,
        raised_ms=alarm.raised_at,
        cleared_ms=alarm.cleared_at,
        acked_ms=alarm.acked_at,
        acked_by=alarm.acked_by,
    )
