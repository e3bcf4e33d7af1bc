"""Alarms of the running agent: from the log to records, across restarts."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from agent.alarms.operators import alarm_handlers
from agent.alarms.watch import Watch
from agent.mqtt import payloads
from agent.settings import AgentSettings
from agent.store.reader import Reader
from agent.store.records import Filled, Record
from agent.store.schema import migrate
from agent.store.settings import StorageSettings
from agent.store.writer import Store
from drivers.reading import Quality, Reading


def settings(**limit: Any) -> AgentSettings:
    """One tag with a high limit of 8 bar, unless *limit* says otherwise."""
    tag = {"name": "pressure", "address": "holding:0", "unit": "bar"}
    device = {"name": "plc", "protocol": "modbus-tcp", "host": "192.0.2.1", "tag": [tag]}
    return AgentSettings.model_validate(
        {
            "station": {"name": "north"},
            "device": [device],
            "limit": [{"id": "burst", "tag": "pressure", "high": 8.0, **limit}],
        }
    )


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    path = tmp_path / "agent.db"
    migrate(path)
    async with Store(StorageSettings(path=path, commit_interval=0.01)) as store:
        for receiver in ("alarms", "test"):  # named before what they are to get
            store.sink(receiver)
        yield store


@asynccontextmanager
async def following(watch: Watch) -> AsyncIterator[None]:
    """The alarm task, until the end of the block."""
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(watch.follow())
        yield
        task.cancel()


async def asked(watch: Watch, command: str, model: type[payloads.AlarmCommand], **more: Any) -> None:
    """An operator's command, as it comes from the broker."""
    request = {"id": "1", "expires": 9_000, "user": "ada", "alarm": "burst", **more}
    await alarm_handlers(watch, longest=480)[command](model.model_validate(request))


async def pressure(store: Store, value: float, ts_ms: int) -> None:
    await store.append([Reading("pressure", ts_ms, value, Quality.GOOD)])


async def events(store: Store, number: int) -> list[dict[str, Any]]:
    """The journal, once it has *number* entries."""
    sink = store.sink("test")
    await sink.start()
    found: list[Record] = []
    async with asyncio.timeout(20):
        while len(found) < number:
            found += [record for _, record in await sink.records(100) if record.kind == "alarm_event"]
    return [json.loads(record.body) for record in found]


async def test_a_transition_is_kept_with_what_the_operator_needs(store: Store) -> None:
    watch = Watch(settings(message="header may burst", action="stop p1"), store)
    async with following(watch):
        await pressure(store, 9.0, ts_ms=1_000)
        (event,) = await events(store, 1)
    (alarm,) = await store.newest("alarm", "burst")

    shown = {"event": "raised", "state": "UNACK", "occurrence": 1, "value": 9.0, "limit": 8.0, "unit": "bar"}
    words = {"message": "header may burst", "action": "stop p1", "raised_at": "1970-01-01T00:00:01.000Z"}
    assert event | shown | words == event
    assert json.loads(alarm.body)["active"] is True


async def test_an_alarm_leaves_the_broker_once_it_is_normal_and_acknowledged(store: Store) -> None:
    """An empty body withdraws the retained message; before that both facts must have come."""
    watch = Watch(settings(), store)
    async with following(watch):
        await pressure(store, 9.0, ts_ms=1_000)
        await events(store, 1)
        await asked(watch, "ack", payloads.Ack, occurrence=1)
        (acknowledged,) = await store.newest("alarm", "burst")
        await pressure(store, 7.0, ts_ms=2_000)
        journal = await events(store, 3)
    (normal,) = await store.newest("alarm", "burst")

    assert [event["state"] for event in journal] == ["UNACK", "ACKED", "NORM"]
    assert acknowledged.body
    assert normal.body == b""


async def test_a_restart_goes_on_with_the_occurrence_and_judges_what_nobody_has(store: Store) -> None:
    """The value fell while the alarm task was down: found from the log, not from the next reading."""
    async with following(Watch(settings(), store)):
        await pressure(store, 9.0, ts_ms=1_000)
        await events(store, 1)
    await pressure(store, 7.0, ts_ms=2_000)

    async with following(Watch(settings(), store)):
        journal = await events(store, 2)

    assert [(event["event"], event["occurrence"]) for event in journal] == [("raised", 1), ("cleared", 1)]


async def test_an_alarm_that_the_configuration_no_longer_has_is_withdrawn(store: Store) -> None:
    """Otherwise SCADA would show it for ever."""
    async with following(Watch(settings(), store)):
        await pressure(store, 9.0, ts_ms=1_000)
        await events(store, 1)

    async with following(Watch(settings(id="other"), store)):
        await pressure(store, 9.0, ts_ms=2_000)
        await events(store, 2)
    shown = {alarm.key: bool(alarm.body) for alarm in await store.newest("alarm")}

    assert shown == {"burst": False, "other": True}


async def test_a_pump_whose_record_says_low_efficiency_raises_its_alarm(store: Store) -> None:
    """The running job computes it; a stopped pump's and a stale figure say nothing."""
    config = AgentSettings.model_validate(
        settings().model_dump(by_alias=True)
        | {
            "header": [{"id": "main", "pressure": ["pressure"], "flow": ["pressure"]}],
            "pump": [{"id": pump, "header": "main", "efficiency_low": 0.5} for pump in ("p1", "p2", "p3")],
            "alarms": {"efficiency_low_after": 0.0},
        }
    )
    pumps = [
        {"pump": "p1", "running": False, "efficiency": 0.4},
        {"pump": "p2", "running": True, "efficiency": 0.4, "stale": True},
        {"pump": "p3", "running": True, "efficiency": 0.4},
    ]
    bodies = [json.dumps({"ts": "2026-01-01T00:00:00.000Z", **pump}).encode() for pump in pumps]
    async with following(Watch(config, store)):
        await store.record(
            [Record("pump", str(pump["pump"]), 0, body) for pump, body in zip(pumps, bodies, strict=True)]
        )
        journal = await events(store, 1)

    assert [(event["id"], event["value"], event["limit"]) for event in journal] == [("efficiency.p3", 0.4, 0.5)]


async def test_what_hides_an_alarm_and_its_latch_survive_a_restart(store: Store) -> None:
    """Shelved, and latched behind it: nobody must have to remember that by hand after an update."""
    watch = Watch(settings(latch=True), store)
    async with following(watch):
        await pressure(store, 9.0, ts_ms=1_000)
        await events(store, 1)
        await asked(watch, "shelve", payloads.Shelve, minutes=30, comment="gauge is changed")
        await pressure(store, 7.0, ts_ms=2_000)
        await events(store, 3)

    again = Watch(settings(latch=True), store)
    async with following(again):
        await pressure(store, 9.0, ts_ms=3_000)
        raised = (await events(store, 4))[-1]
        await asked(again, "unshelve", payloads.Unshelve)
        (shown,) = await store.newest("alarm", "burst")

    assert (raised["state"], raised["occurrence"], raised["latched"]) == ("SHELVED", 2, True)
    assert json.loads(shown.body)["state"] == "UNACK"


async def test_nothing_is_done_to_alarms_before_they_are_known(store: Store) -> None:
    """A command in the first instant must not begin the alarm's story anew, at occurrence 0."""
    async with following(Watch(settings(), store)):
        await pressure(store, 9.0, ts_ms=1_000)
        await events(store, 1)
    watch = Watch(settings(), store)

    with pytest.raises(LookupError, match="being read from the disk"):
        await asked(watch, "shelve", payloads.Shelve, minutes=30)

    (kept,) = await store.newest("alarm_event", "burst")
    assert json.loads(kept.body)["occurrence"] == 1


async def test_a_state_and_its_journal_entry_are_in_one_transaction(store: Store, tmp_path: Path) -> None:
    """Whenever the power goes, the state that is shown is that of the last entry of the journal.

    Read by another connection while alarms come and go: it never sees one without the other.
    """
    watch = Watch(settings(), store)
    torn = []
    with Reader(tmp_path / "agent.db") as reader:
        async with following(watch):
            for number in range(20):
                await pressure(store, 9.0 if number % 2 == 0 else 7.0, ts_ms=number)
                for shown, entry in await asyncio.to_thread(lambda: list(_pairs(reader))):
                    torn += [] if shown == entry else [(shown, entry)]
            await events(store, 20)

    assert torn == []


def _pairs(reader: Reader) -> Iterator[tuple[int, int]]:
    """Numbers of the newest state and the newest entry, many times over."""
    for _ in range(50):
        counts = reader.ask(
            lambda db: db.execute("SELECT kind, count(*) FROM record WHERE kind LIKE 'alarm%' GROUP BY kind").fetchall()
        )
        found = dict(counts)
        yield found.get("alarm", 0), found.get("alarm_event", 0)


async def test_filled_values_raise_no_alarm(store: Store) -> None:
    """Nobody has measured them. A measured one beyond the limit does, which shows that the alarm works."""
    async with following(Watch(settings(), store)):
        await store.fill([Filled("pressure", 1_000 * n, 50.0, 0.1, "linear", 0) for n in range(60)])
        await pressure(store, 7.0, ts_ms=60_000)
        await pressure(store, 9.0, ts_ms=61_000)
        (only,) = await events(store, 1)

    assert (only["event"], only["value"]) == ("raised", 9.0)


def many(number: int) -> AgentSettings:
    """So many tags t0, t1 ..., each with a limit of 8."""
    tags = [{"name": f"t{n}", "address": f"holding:{n}"} for n in range(number)]
    limits = [{"id": f"high{n}", "tag": f"t{n}", "high": 8.0} for n in range(number)]
    device = {"name": "plc", "protocol": "modbus-tcp", "host": "192.0.2.1", "tag": tags}
    return AgentSettings.model_validate({"station": {"name": "north"}, "device": [device], "limit": limits})


@asynccontextmanager
async def slow_store(folder: Path, watched: AgentSettings) -> AsyncIterator[Store]:
    """A store whose transactions take up to a second to fill, and alarms that follow it."""
    path = folder / "agent.db"
    migrate(path)
    async with Store(StorageSettings(path=path, commit_interval=1.0)) as store:
        for receiver in ("alarms", "test"):
            store.sink(receiver)
        async with following(Watch(watched, store)):
            sink = store.sink("alarms")
            while not sink.is_started:  # noqa: ASYNC110 - it has no event of its own
                await asyncio.sleep(0.01)
            await store.sink("test").start()
            yield store


async def changed(store: Store, tag: str, ts_ms: int, value: float) -> None:
    """Offer a reading, and wait for the journal."""
    await store.offer([Reading(tag, ts_ms, value, Quality.GOOD)])
    while not any(record.kind == "alarm_event" for _, record in await store.sink("test").records(100)):
        pass


async def test_an_alarm_does_not_wait_for_transactions_to_fill(tmp_path: Path) -> None:
    """Each of two would take up to a second here, and twenty alarms far longer than anybody waits for them."""
    async with slow_store(tmp_path, many(20)) as store, asyncio.timeout(20):
        for number in range(20):
            await changed(store, f"t{number}", 1_000 * number, 9.0)


async def test_an_alarm_that_chatters_makes_no_transaction_of_each_poll(tmp_path: Path) -> None:
    """A limit at which a value trembles, polled ten times a second, wrote seventeen a second."""
    async with slow_store(tmp_path, many(1)) as store:
        for number in range(4):
            await changed(store, "t0", 1_000 * number, 9.0 if number % 2 == 0 else 7.0)
        with Reader(tmp_path / "agent.db") as reader:
            written = [_version(reader)]
            for number in range(20):
                await store.offer([Reading("t0", 10_000 + number, 9.0 if number % 2 == 0 else 7.0, Quality.GOOD)])
                await asyncio.sleep(0.05)  # a poll
                written.append(_version(reader))

    assert len(set(written)) - 1 < 12


async def test_an_alarm_that_comes_and_goes_each_second_is_said_at_once_each_time(tmp_path: Path) -> None:
    """It chatters, and is written at once all the same: each of two transactions would take up to a second here."""
    async with slow_store(tmp_path, many(1)) as store, asyncio.timeout(10):
        for number in range(8):
            await changed(store, "t0", 1_000 * number, 9.0 if number % 2 == 0 else 7.0)
            await asyncio.sleep(0.55)  # until the next poll


def _version(reader: Reader) -> int:
    """Another one after each transaction."""
    return int(reader.ask(lambda db: db.execute("PRAGMA data_version").fetchone())[0])


async def test_five_hundred_alarms_at_once_do_not_hold_up_the_loop(store: Store) -> None:
    """Polling is on the same loop: what it waits for is measured in processor time."""
    tags = [{"name": f"t{n}", "address": f"holding:{n}"} for n in range(500)]
    limits = [{"id": f"high{n}", "tag": f"t{n}", "high": 1.0} for n in range(500)]
    device = {"name": "plc", "protocol": "modbus-tcp", "host": "192.0.2.1", "tag": tags}
    config = AgentSettings.model_validate({"station": {"name": "north"}, "device": [device], "limit": limits})
    longest = 0.0

    async def poll() -> None:
        """Go round as often as others let it."""
        nonlocal longest
        while True:
            before = time.thread_time()
            await asyncio.sleep(0)
            longest = max(longest, time.thread_time() - before)

    async with following(Watch(config, store)):
        await store.append([Reading(f"t{n}", 0, 0.0, Quality.GOOD) for n in range(500)])
        polling = asyncio.create_task(poll())
        await store.append([Reading(f"t{n}", 1_000, 2.0, Quality.GOOD) for n in range(500)])
        journal = await events(store, 500)
        polling.cancel()

    assert len({event["id"] for event in journal}) == 500
    assert longest < 0.1


async def test_a_clock_that_was_in_another_century_leaves_nothing_in_the_metrics(store: Store) -> None:
    """An alarm is raised before, another is while it is there; both have stood for moments, and are of today."""
    now_ms, ahead_ms = time.time_ns() // 1_000_000, [0]
    century_ms = 100 * 365 * 24 * 3_600_000

    async def reported(at_ms: int) -> dict[str, Any]:
        """A report of the time about *at_ms*, of which the clock was set by then."""
        async with asyncio.timeout(20):
            while True:
                for record in await store.newest("alarm_metrics"):
                    if abs(record.ts_ms - at_ms) < 3_600_000:
                        found: dict[str, Any] = json.loads(record.body)
                        return found
                await asyncio.sleep(0.01)

    def clock() -> int:
        return time.time_ns() // 1_000_000 + ahead_ms[0]

    async with following(Watch(settings(), store, clock, metrics_period=0.02)):
        await pressure(store, 9.0, ts_ms=now_ms)
        await events(store, 1)
        ahead_ms[0] = century_ms
        await reported(now_ms + century_ms)
        await pressure(store, 7.0, ts_ms=now_ms + 1)
        await pressure(store, 9.0, ts_ms=now_ms + 2)
        await events(store, 3)
        there = await reported(now_ms + century_ms)
        ahead_ms[0] = 0
        back = await reported(now_ms)

    for told in (there, back):
        assert told["maximum_active_state_s"] < 600
        assert told["maximum_unack_s"] < 600
    assert (back["raised"], back["current_alarm_rate"], back["top"]) == (2, 2, [{"id": "burst", "count": 2}])
    assert abs(payloads.AlarmMetrics.model_validate(back).start_time - now_ms) < 3_600_000
