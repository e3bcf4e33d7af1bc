"""The alarm task: follows the log, keeps every transition, and takes what operators do."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Final, NoReturn

from agent.alarms.board import Board, Transition
from agent.alarms.journal import event_of, measured, records, state_after
from agent.alarms.metrics import DAY_MS, Metrics
from agent.alarms.self_test import HOUR, SelfTest
from agent.alarms.state import Happening
from agent.health import wall_ms
from agent.mqtt import payloads
from agent.settings import AgentSettings
from agent.store.delivery import Sink
from agent.store.errors import StorageError
from agent.store.records import Batch, Record
from agent.store.writer import Store
from agent.ticks import Ticks

log = logging.getLogger(__name__)

BATCH: Final = 5_000  # rows taken from the log at once
SLICE: Final = 500  # of them judged, and transitions written down, until others have their turn: some milliseconds
WRITTEN: Final = 50
DELAYS_PERIOD: Final = 0.5  # s between two looks at delays that run out without a reading
TESTS_PERIOD: Final = 0.5  # s between two looks at whether a test of the alarm path is due
METRICS_PERIOD: Final = 60.0  # s
REMEMBERED: Final = 5_000  # entries of the journal that a restart counts again


class Watch:
    """All alarms of the running agent.

    The board is made anew from the disk whenever the disk has failed, so that what is published
    and what is known never part.

    Args:
        settings: The whole station.
        store: Open, its sink `alarms` named before what it is to get.
        clock: The wall's, ms; what is said of the alarms themselves is measured by one that is never set.
        metrics_period: s between two reports of that.
    """

    def __init__(
        self,
        settings: AgentSettings,
        store: Store,
        clock: Callable[[], int] = wall_ms,
        metrics_period: float = METRICS_PERIOD,
    ) -> None:
        self._settings = settings
        self._store = store
        self._board = Board(settings)
        self._clock = clock
        self._metrics_period = metrics_period
        self._ahead_ms = clock() - _monotonic_ms()  # of the metrics' clock, which is never set
        self._metrics = Metrics(self._steady_ms())
        self._test = self._new_test()
        self._is_known = False  # the board is as the disk has it

    async def follow(self) -> NoReturn:
        """Judge every row appended to the log, also those a crash left unjudged.

        Raises:
            StorageError: The disk refuses; call again, what was not kept is judged again.
        """
        self._is_known = False
        await self._restore()
        self._is_known = True
        sink = self._store.sink("alarms")
        await sink.start()
        self._store.hurry(lambda readings: self._board.is_awaited(readings, self._is_noise))
        while batch := await sink.backlog(BATCH):
            await self._judge_rows(sink, batch)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow_readings(sink), name="alarms of readings")
            tasks.create_task(self._follow_pumps(sink), name="alarms of pumps")
            tasks.create_task(self._follow_delays(), name="alarms that wait")
            tasks.create_task(self._report_metrics(), name="alarm metrics")
            if self._settings.alarms.self_test_every:
                tasks.create_task(self._test_path(), name="test of the alarm path")
        raise AssertionError("these tasks never end")

    async def happen(self, alarm: str, happening: Happening) -> None:
        """Keep what an operator does to an alarm, with who and when.

        Raises:
            LookupError: There is no such alarm, or it cannot happen to it; the message is for the operator.
            StorageError: The disk refuses, and it did not happen.
        """
        self._must_know()
        change = self._board.happen(alarm, happening)
        try:
            await self._keep([change])
        except StorageError:
            self._board.take_back(change)
            raise

    async def answer_test(self, command: payloads.AnswerTest) -> None:
        """SCADA has read a test of the alarm path.

        Raises:
            LookupError: It is not the present one; the message is for the operator.
            StorageError: The disk refuses.
        """
        self._must_know()
        answered = self._test.answered(command.test, command.user, wall_ms())
        await self._store.record([Record("alarm_test", "", answered.ts, answered.encode())])
        await self._see_test()

    def _must_know(self) -> None:
        if not self._is_known:
            raise LookupError("the alarms are being read from the disk; try again in a moment")

    async def _restore(self) -> None:
        """Take up the alarms as they were kept; withdraw those that the configuration no longer has."""
        events = await self._store.newest("alarm_event")
        shown = await self._store.newest("alarm")
        self._board = Board(self._settings)
        self._board.restore({event.key: state_after(event) for event in events})
        now_ms = self._clock()
        self._ahead_ms = now_ms - _monotonic_ms()
        journal = (await self._last_day(now_ms))[-REMEMBERED:]
        self._metrics = Metrics(min([now_ms, *(event.ts_ms for event in journal)]))
        for event in journal:
            self._metrics.see(event.key, event_of(event), state_after(event), event.ts_ms)
        self._test = self._new_test()
        for test in await self._store.newest("alarm_test"):
            self._test.present = payloads.AlarmTest.kept(test.body)
        gone = [one for one in shown if one.body and one.key not in self._board.rules]
        await self._store.record([Record("alarm", one.key, wall_ms(), b"") for one in gone])

    async def _last_day(self, now_ms: int) -> Sequence[Record]:
        """The journal, for the metrics; while the disk is in trouble they begin anew: alarms do not wait for them."""
        try:
            return await self._store.read(lambda reader: reader.records("alarm_event", now_ms - DAY_MS, now_ms))
        except StorageError:
            if self._store.trouble is None:
                raise
            return []

    async def _follow_readings(self, sink: Sink) -> NoReturn:
        while True:
            await self._judge_rows(sink, await sink.live(BATCH))

    async def _judge_rows(self, sink: Sink, batch: Batch) -> None:
        """Slice by slice, so that a flood of alarms does not hold up those who poll."""
        for start in range(0, len(batch.rows), SLICE):
            await self._keep(self._board.see(batch.rows[start : start + SLICE], _monotonic_ms()))
            await asyncio.sleep(0)
        sink.acknowledge(batch)

    async def _follow_pumps(self, sink: Sink) -> NoReturn:
        while True:
            found = await sink.records(100)
            for _, record in found:
                if record.body:
                    await self._keep(self._judge(record))
            sink.acknowledge_records(found[-1][0])

    def _judge(self, record: Record) -> list[Transition]:
        """What others have found out changes."""
        match record.kind:
            case "pump":
                return self._judge_pump(payloads.Pump.kept(record.body))
            case "conditions":
                return self._board.see_conditions(payloads.Conditions.kept(record.body), _monotonic_ms())
            case "anomalies":
                return self._board.see_anomalies(payloads.Anomalies.kept(record.body), _monotonic_ms())
            case "quality":
                return self._board.see_quality(payloads.Quality.kept(record.body), _monotonic_ms())
            case _:
                return []

    def _judge_pump(self, pump: payloads.Pump) -> list[Transition]:
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

    async def _report_metrics(self) -> NoReturn:
        async for _ in Ticks(self._metrics_period):
            now_ms, steady_ms = self._clock(), self._steady_ms()
            self._metrics.wait(steady_ms)
            report = measured(self._settings.station.name, self._metrics, self._board, now_ms, steady_ms)
            await self._store.record([Record("alarm_metrics", "", now_ms, report.encode())])
        raise AssertionError("ticks never end")

    async def _test_path(self) -> NoReturn:
        async for _ in Ticks(TESTS_PERIOD):
            if test := self._test.due(wall_ms()):
                await self._store.record([Record("alarm_test", "", test.ts, test.encode())])
            await self._see_test()
        raise AssertionError("ticks never end")

    async def _see_test(self) -> None:
        complaint = self._test.complaint
        told = {"self_test": complaint} if complaint else {}
        await self._keep(self._board.see_told(["self_test"], told, wall_ms(), _monotonic_ms()))

    def _new_test(self) -> SelfTest:
        alarms = self._settings.alarms
        return SelfTest(self._settings.station.name, HOUR * alarms.self_test_every, alarms.self_test_answer)

    async def _keep(self, changes: Sequence[Transition]) -> None:
        """Write down what has changed: the present state and the journal's entry in one transaction."""
        found, is_news = list[Record](), False
        for place, change in enumerate(changes, 1):
            found += records(change)
            is_news |= not self._is_noise(change.rationale.id)
            self._metrics.see(change.rationale.id, change.event, change.state, self._steady_ms())
            if place % WRITTEN == 0:
                await asyncio.sleep(0)  # others have their turn
        if is_news:
            self._store.touch(0.0)  # alarms do not wait for others to fill a transaction
        if found:
            await self._store.record(found)

    def _is_noise(self, name: str) -> bool:
        """Whether an alarm comes and goes all the time, faster than anybody reads: no transaction for each change."""
        return self._metrics.is_noise(name, self._steady_ms())

    def _steady_ms(self) -> int:
        """The wall's time when the metrics were begun, and what has passed since, whatever the clock was set to."""
        return self._ahead_ms + _monotonic_ms()


def _monotonic_ms() -> int:
    return time.monotonic_ns() // 1_000_000
