"""Receivers that come and go: one that is switched off is owed nothing, whoever asks for its place at the time."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from agent.crew import Crew, Post
from agent.health import Health
from agent.main import Agent
from agent.settings import AgentSettings
from agent.store.keeper import Keeper
from agent.store.schema import migrate
from agent.store.writer import Store
from agent.tasks import report
from tests.agent.demo.waiting import until


class LastWords(Crew):
    """Before they are dismissed, those at their posts connect once more, as a publisher does whose broker came back."""

    store: Store

    async def man(self, posts: Mapping[str, Post]) -> list[str]:
        """As ever."""
        self.store.sink("mqtt")
        return await super().man({name: posts[name] for name in posts if name == "disk"})


def settings(folder: Path, *, json_topics: bool) -> AgentSettings:
    tag = {"name": "flow", "unit": "m3/h", "address": "holding:0"}
    device = {"name": "plc", "protocol": "modbus-tcp", "host": "192.0.2.1", "tag": [tag]}
    mqtt: dict[str, Any] = {"host": "192.0.2.1", "json_topics": json_topics, "sparkplug": {"enabled": True}}
    storage = {"path": folder / "agent.db", "commit_interval": 0.01}
    return AgentSettings.model_validate(
        {"station": {"name": "north"}, "device": [device], "mqtt": mqtt, "storage": storage}
    )


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    migrate(tmp_path / "agent.db")
    async with Store(settings(tmp_path, json_topics=True).storage) as store:
        yield store


def owed(folder: Path) -> set[str]:
    """Who has a place in the log."""
    with closing(sqlite3.connect(folder / "agent.db")) as db:
        return {name for (name,) in db.execute("SELECT DISTINCT sink FROM cursor")}


async def test_a_receiver_that_connects_while_it_is_switched_off_is_owed_nothing(store: Store, tmp_path: Path) -> None:
    """It would hold back for ever what nobody will come for, and health would say that it falls behind."""
    both = settings(tmp_path, json_topics=True)
    async with asyncio.TaskGroup() as tasks:
        crew = LastWords(tasks)
        crew.store = store
        agent = Agent(tmp_path / "none.toml", both, store, Keeper(both.storage, store), crew)
        await agent.take(both)
        await store.write(lambda _: None)
        before = owed(tmp_path)
        await agent.take(settings(tmp_path, json_topics=False))
        await store.write(lambda _: None)
        await crew.dismiss()

    assert before == {"mqtt", "sparkplug", "alarms"}
    assert owed(tmp_path) == {"sparkplug", "alarms"}


async def test_to_report_on_receivers_makes_none(store: Store, tmp_path: Path) -> None:
    """The report may come between the end of a receiver and the news of it."""
    store.sink("alarms")
    health = Health("north", "1.2.3")
    task = asyncio.create_task(report(health, store))
    await until(lambda: store.last_record_id > 0)
    task.cancel()
    await asyncio.wait({task})
    await store.write(lambda _: None)

    assert health.receivers == ("mqtt",)
    assert owed(tmp_path) == {"alarms"}
