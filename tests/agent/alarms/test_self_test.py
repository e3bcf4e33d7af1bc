"""The test of the alarm path: asked when due, answered in time or an alarm."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from agent.alarms.self_test import SelfTest
from agent.alarms.watch import Watch
from agent.configuration.config_file import load
from agent.mqtt.payloads import AnswerTest
from agent.store.schema import migrate
from agent.store.settings import StorageSettings
from agent.store.writer import Store
from tests.agent.alarms.stations import station

HOUR_MS = 3_600_000


def path(**more: Any) -> SelfTest:
    return SelfTest("east", every=3_600.0, answer=60.0, **more)


def states(test: SelfTest, *times_ms: int) -> list[tuple[int, str]]:
    """When something is published, and what."""
    return [(at_ms, found.state) for at_ms in times_ms if (found := test.due(at_ms))]


def test_a_test_without_an_answer_fails_once_and_the_next_comes_when_it_is_due() -> None:
    test = path()

    seen = states(test, 1, 2, 60_000, 60_001, 60_002, HOUR_MS, HOUR_MS + 1)

    assert seen == [(1, "asked"), (60_001, "failed"), (HOUR_MS + 1, "asked")]


def test_an_answer_in_time_leaves_nothing_to_complain_of_and_a_late_one_ends_it() -> None:
    """Late is late: the alarm was right; and it is right that it goes."""
    for late in (False, True):
        test = path()
        asked = test.due(1_000)
        assert asked is not None
        if late:
            test.due(61_000)
            assert test.complaint == "no answer to test 1000 within 60 s"

        answered = test.answered(asked.id, "scada", 62_000 if late else 3_000)

        assert (answered.state, answered.user, answered.took_ms) == ("answered", "scada", 61_000 if late else 2_000)
        assert test.complaint is None


def test_an_old_answer_is_not_taken_for_one_to_the_present_test() -> None:
    """SCADA that replays yesterday's answers has not read today's test."""
    test = path()
    test.due(1_000)
    test.due(61_000)
    test.due(HOUR_MS + 1_000)

    with pytest.raises(LookupError, match="'1000' is not the present test"):
        test.answered("1000", "scada", HOUR_MS + 2_000)
    test.answered(str(HOUR_MS + 1_000), "scada", HOUR_MS + 2_000)
    with pytest.raises(LookupError, match="has been answered by scada"):
        test.answered(str(HOUR_MS + 1_000), "scada", HOUR_MS + 2_000)


def test_a_clock_that_was_set_back_does_not_put_the_test_off_for_years() -> None:
    test = path()
    asked = test.due(10 * HOUR_MS)
    assert asked is not None
    test.answered(asked.id, "scada", 10 * HOUR_MS)

    assert states(test, 1_000) == [(1_000, "asked")]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    migrate(tmp_path / "agent.db")
    async with Store(StorageSettings(path=tmp_path / "agent.db", commit_interval=0.01)) as store:
        for receiver in ("alarms", "test"):
            store.sink(receiver)
        await store.sink("test").start()
        yield store


async def test_an_unanswered_test_is_an_alarm_until_a_later_answer_and_survives_a_restart(store: Store) -> None:
    """Takes the second that an answer may take at least."""
    settings = station(alarms={"self_test_every": 1.0, "self_test_answer": 1.0}, mqtt={"commands": True})
    watch = Watch(settings, store)
    found: list[tuple[str, str]] = []
    tests: list[str] = []

    async def until(*what: tuple[str, str]) -> None:
        """Wait for the first records that are all of these."""
        async with asyncio.timeout(20):
            while Counter(what) - Counter(found):
                for _, record in await store.sink("test").records(100):
                    body = json.loads(record.body or b"{}")
                    found.append((record.kind, body.get("event", "")))
                    tests.extend([body["id"]] if record.kind == "alarm_test" else [])

    async with asyncio.TaskGroup() as group:
        task = group.create_task(watch.follow())
        await until(("alarm_event", "raised"), ("alarm_metrics", ""))
        task.cancel()
    again = Watch(settings, store)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(again.follow())
        await until(("alarm_metrics", ""), ("alarm_metrics", ""))
        await again.answer_test(AnswerTest(id="1", expires=0, user="scada", test=tests[-1]))
        await until(("alarm_event", "cleared"))
        task.cancel()

    assert len(set(tests)) == 1


def test_a_test_that_nobody_can_answer_is_refused(tmp_path: Path) -> None:
    """Commands are off, and an answer is a command."""
    (tmp_path / "station.toml").write_text(
        '[station]\nname = "n"\n[[device]]\nname = "plc"\nprotocol = "modbus-tcp"\nhost = "192.0.2.1"\n'
        "[alarms]\nself_test_every = 24\n"
    )

    with pytest.raises(Exception, match=r"station.toml:8: alarms: self_test_every: .*commands = true"):
        load(tmp_path / "station.toml")
