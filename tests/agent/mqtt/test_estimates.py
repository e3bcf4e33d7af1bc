"""Filled values on their way to SCADA: only where asked, never good, void once something was measured after all."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from agent.compute import run
from agent.health import Part
from agent.mqtt.estimates import estimate_records
from agent.mqtt.payloads import Readings
from agent.settings import AgentSettings
from agent.store.reader import Reader
from agent.store.records import Filled, Stretch
from agent.store.writer import Store
from agent.window import frame
from agent.worker import Task, Worker
from drivers.reading import Quality
from tests.agent.mqtt.station import NOON_MS, good, publishing, store_of
from tests.simulators.broker import Broker, mosquitto
from tests.simulators.subscriber import Subscriber, subscriber

READINGS = "water/east/readings"


def station(broker: Broker, folder: Path, *, filled: bool) -> AgentSettings:
    """One meter whose gaps are filled by lines."""
    tag = {"name": "flow", "unit": "m3/h", "address": "holding:0", "type": "float32", "fill": "linear"}
    return AgentSettings.model_validate(
        {
            "station": {"name": "east"},
            "device": [{"name": "plc", "protocol": "modbus-tcp", "host": "192.0.2.1", "tag": [tag]}],
            "mqtt": {"host": broker.host, "port": broker.port, "timeout": 2, "keepalive": 2, "filled": filled},
            "storage": {"path": folder / "pump-agent.db", "commit_interval": 0.005},
        }
    )


@asynccontextmanager
async def running(settings: AgentSettings) -> AsyncIterator[tuple[Store, Worker, Subscriber]]:
    """Store, worker and publisher of one agent, and SCADA."""
    async with (
        subscriber(settings.mqtt.port, "water/#") as scada,
        store_of(settings) as store,
        publishing(settings, store),
        Worker(settings) as worker,
    ):
        await scada.on_topic("water/east/info")
        yield store, worker, scada


async def gaps(store: Store, worker: Worker, second: int) -> None:
    """The gaps job, as the agent runs it, so many seconds after noon."""
    await run(Task("gaps", store.last_id, NOON_MS + 1_000 * second), 30.0, store, worker, Part("gaps"))


def said(scada: Subscriber, key: str) -> list[dict[str, Any]]:
    """Messages on the topic of readings that have *key*."""
    return [body for message in scada.on(READINGS) if key in (body := json.loads(message.payload))]


async def test_a_filled_value_is_published_as_such_and_withdrawn_when_the_measured_one_comes(tmp_path: Path) -> None:
    """From a hole in the log over the job in its own process and the broker to SCADA, and back.

    Slow because a broker and a worker start.
    """
    with mosquitto(tmp_path) as broker:
        settings = station(broker, tmp_path, filled=True)
        async with running(settings) as (store, worker, scada):
            times = [*range(100), *range(103, 110)]
            await store.append([good("flow", 400.0 + second % 7, NOON_MS + 1_000 * second) for second in times])
            await gaps(store, worker, 110)
            await scada.until(lambda: said(scada, "reasons"))
            (first,) = said(scada, "reasons")
            await store.append([good("flow", 500.0, NOON_MS + 101_000)])
            await gaps(store, worker, 120)
            await scada.until(lambda: said(scada, "withdrawn"))
            (gone,) = said(scada, "withdrawn")
            await scada.until(lambda: ["flow", NOON_MS + 101_000, 500.0, 192] in map(list, scada.rows(READINGS)))
        with Reader(settings.storage.path) as reader:
            left = reader.filled(["flow"], 0, 2**60)
            cells = frame(
                reader, settings, ["flow"], NOON_MS + 100_000, NOON_MS + 103_000, 1_000, rules={"flow": "filled"}
            )

    assert Readings.model_validate(first).filled is True
    assert "seq" not in first
    assert [(tag, (ts_ms - NOON_MS) // 1_000, quality) for tag, ts_ms, _, quality in first["rows"]] == [
        ("flow", 100, 64), ("flow", 101, 64), ("flow", 102, 64),
    ]  # fmt: skip
    assert all(reason.startswith("filled: linear, sd ") for reason in first["reasons"])
    assert len(first["reasons"]) == first["count"] == 3
    assert gone["withdrawn"] == [["flow", NOON_MS + 101_000, NOON_MS + 101_001]]
    assert [(one.ts_ms - NOON_MS) // 1_000 for one in left] == [100, 102]
    assert cells.filled["flow"].tolist() == [True, False, True]
    assert cells.values["flow"][1] == 500.0


async def test_filled_values_stay_at_home_unless_asked_for(tmp_path: Path) -> None:
    """By default nothing that nobody measured leaves the station.

    Slow because a broker and a worker start.
    """
    with mosquitto(tmp_path) as broker:
        settings = station(broker, tmp_path, filled=False)
        async with running(settings) as (store, worker, scada):
            await store.append([good("flow", 400.0, NOON_MS + 1_000 * second) for second in (*range(9), 12)])
            await gaps(store, worker, 13)
            await store.append([good("flow", 1.0, NOON_MS + 13_000)])
            await scada.until(lambda: any(row[2] == 1.0 for row in scada.rows(READINGS)))
        with Reader(settings.storage.path) as reader:
            kept = reader.filled(["flow"], 0, 2**60)

    assert len(kept) == 3
    assert said(scada, "filled") == []


async def test_estimates_of_imported_history_are_not_published(tmp_path: Path) -> None:
    """SCADA's historian has that history, and the holes in it.

    Slow because a worker starts.
    """
    with mosquitto(tmp_path) as broker:
        settings = station(broker, tmp_path, filled=True)
        async with store_of(settings) as store, Worker(settings) as worker:
            past = [good("flow", 400.0, NOON_MS + 1_000 * second) for second in (*range(30), 33, 34)]
            await store.write(lambda log: log.insert(past, imported=True))
            outcome = await worker.run(Task("gaps", store.last_id, NOON_MS + 35_000), 30.0)

    assert len(outcome.filled) == 3
    assert outcome.records == ()


def test_a_message_holds_no_more_than_a_batch() -> None:
    """A broker refuses a message of an hour of ten tags."""
    filled = [Filled("flow", NOON_MS + second, 1.0, 0.25, "linear", NOON_MS) for second in range(25)]
    gone = [Stretch("flow", second, second + 1) for second in range(11)]

    found = estimate_records(filled, gone, NOON_MS, 10)

    bodies = [Readings.model_validate_json(record.body) for record in found]
    assert [(body.count, len(body.withdrawn or ())) for body in bodies] == [(0, 10), (0, 1), (10, 0), (10, 0), (5, 0)]
    assert bodies[2].reasons == ("filled: linear, sd 0.25",) * 10
    assert {row[3] for body in bodies for row in body.rows} == {int(Quality.UNCERTAIN)}
