"""Alarms of the running agent: from the log to records, across restarts."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from agent.alarms.watch import Watch
from agent.mqtt.payloads import Ack
from agent.settings import AgentSettings
from agent.store.records import Record
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
        await watch.acknowledge(Ack(id="1", expires=9_000, user="ada", alarm="burst", occurrence=1))
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
