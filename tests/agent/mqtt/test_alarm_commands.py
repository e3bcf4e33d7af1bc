"""What operators do to alarms over MQTT: each command, from the broker to the journal, and everything hostile."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent.alarms.operators import alarm_handlers
from agent.alarms.watch import Watch
from agent.health import wall_ms
from agent.mqtt.commands import Commands
from agent.mqtt.instant import instant_ms, rfc3339
from agent.settings import AgentSettings
from agent.store.writer import Store
from drivers.reading import Quality, Reading
from tests.agent.mqtt.station import station, store_of
from tests.simulators.broker import Broker, mosquitto
from tests.simulators.subscriber import Subscriber, subscriber

Keys = dict[str, object]

SHELVE: Keys = {"minutes": 30}
OCCURRENCE: Keys = {"occurrence": 2}
COMMENT: Keys = {"comment": "seen"}
# Each command with what it needs besides; `ready` is what must have happened for it to make sense.
COMMANDS: dict[str, Keys] = {
    "ack": OCCURRENCE,
    "confirm": OCCURRENCE,
    "reset": OCCURRENCE,
    "shelve": SHELVE,
    "unshelve": {},
    "suppress": {},
    "unsuppress": {},
    "out_of_service": {},
    "return": {},
    "comment": COMMENT,
}


@dataclass
class Desk:
    """An operator before a running agent with one alarm, which stands for the second time."""

    scada: Subscriber
    store: Store

    async def ask(self, command: str, number: str = "1", **changes: object) -> dict[str, object]:
        """Give a command and wait for the answer."""
        command_id = f"{command}-{number}"
        self.scada.say(f"water/east/cmd/{command}", json.dumps(request(command, command_id) | changes))
        (answer,) = await self.scada.on_topic(f"water/east/cmd/result/{command_id}")
        found: dict[str, object] = answer.json
        return found

    async def journal(self, until: int = 0) -> list[dict[str, object]]:
        """Everything that happened to the alarm, once it is so much."""
        async with asyncio.timeout(20):
            while len(found := await self.store.read(lambda reader: reader.records("alarm_event", 0, 2**62))) < until:
                await self.store.sink("test").records(100)  # waits for more
        return [json.loads(record.body) for record in found if record.key == "burst"]


def request(command: str, command_id: str) -> dict[str, object]:
    """A command as SCADA sends it."""
    common = {"id": command_id, "expires": rfc3339(wall_ms() + 60_000), "user": "anna", "alarm": "burst"}
    return common | COMMANDS[command]


def settings(broker: Broker, folder: Path) -> AgentSettings:
    """One latching alarm on pressure."""
    limit = {"id": "burst", "tag": "pressure", "high": 8.0, "latch": True}
    base = station(broker, folder, commands=True)
    return AgentSettings.model_validate(base.model_dump(by_alias=True) | {"limit": [limit]})


@asynccontextmanager
async def desk(folder: Path) -> AsyncIterator[Desk]:
    """An agent that hears commands; pressure has been too high twice, and is."""
    with mosquitto(folder) as broker:
        config = settings(broker, folder)
        async with store_of(config) as store, subscriber(broker.port, "water/#") as scada:
            store.sink("alarms")
            await store.sink("test").start()
            watch = Watch(config, store)
            commands = Commands(config, alarm_handlers(watch, config.alarms.shelve_longest), store)
            async with asyncio.TaskGroup() as tasks:
                working = [tasks.create_task(work) for work in (watch.follow(), commands.listen())]
                assert await asyncio.to_thread(broker.wait_for_line, "pump-agent-east-commands 1 water/east/cmd/+")
                operator = Desk(scada, store)
                for value in (9.0, 7.0, 9.0):
                    await store.append([Reading("pressure", 1_000, value, Quality.GOOD)])
                await operator.journal(until=3)
                yield operator
                for task in working:
                    task.cancel()


async def test_every_command_is_done_kept_with_who_and_when_and_answered(tmp_path: Path) -> None:
    """The whole of an alarm's life by hand; after each command its state is the standard's."""
    async with desk(tmp_path) as operator:
        before_ms = wall_ms()
        order = (
            "ack",
            "confirm",
            "shelve",
            "unshelve",
            "suppress",
            "unsuppress",
            "out_of_service",
            "return",
            "comment",
        )
        answers = [await operator.ask(command) for command in order]
        await operator.store.append([Reading("pressure", 2_000, 7.0, Quality.GOOD)])
        await operator.journal(until=13)
        answers.append(await operator.ask("reset"))
        journal = (await operator.journal())[3:]
        (kept,) = await operator.store.newest("alarm", "burst")

    assert [answer["ok"] for answer in answers] == [True] * 10
    assert [(entry["event"], entry["state"]) for entry in journal] == [
        ("acknowledged", "ACKED"),
        ("confirmed", "ACKED"),
        ("shelved", "SHELVED"),
        ("unshelved", "ACKED"),
        ("suppressed", "SUPPRESSED"),
        ("unsuppressed", "ACKED"),
        ("out_of_service", "OUT_OF_SERVICE"),
        ("returned", "ACKED"),
        ("commented", "ACKED"),
        ("cleared", "LATCHED_ACKED"),
        ("reset", "NORM"),
    ]
    assert {entry.get("user") for entry in journal} == {"anna", None}
    assert [entry["event"] for entry in journal if "user" not in entry] == ["cleared"]
    assert all(instant_ms(str(entry["ts"])) >= before_ms for entry in journal if "user" in entry)
    assert (journal[2]["shelved_until"], journal[8]["comment"]) == (
        rfc3339(instant_ms(str(journal[2]["ts"])) + 30 * 60_000),
        "seen",
    )
    assert kept.body == b""


async def test_no_command_does_what_cannot_be_and_the_sentence_says_why(tmp_path: Path) -> None:
    """Each command against an unknown alarm, in a wrong state, for a wrong occurrence, with wrong and missing keys."""
    refusals: list[tuple[str, Keys, str]] = [
        (command, {"alarm": "frost"}, "there is no alarm 'frost'") for command in COMMANDS
    ]
    refusals += [(command, {"shutdown": True}, "shutdown: Extra inputs") for command in COMMANDS]
    refusals += [(command, {"alarm": 7}, "alarm: ") for command in COMMANDS]
    refusals += [(command, {"alarm": "x" * 200}, "alarm: ") for command in COMMANDS]
    refusals += [(command, {"user": None}, "user: ") for command in COMMANDS]
    refusals += [(command, {"expires": rfc3339(wall_ms() - 1)}, "has expired") for command in COMMANDS]
    refusals += [(command, {"comment": 5}, "comment: ") for command in COMMANDS]
    refusals += [(command, {"comment": "x" * 1_001}, "comment: ") for command in COMMANDS]
    refusals += [
        (command, {"occurrence": wrong}, sentence)
        for command in ("ack", "confirm", "reset")
        for wrong, sentence in (
            (1, "is not its present one, which is 2"),
            (3, "is not its present one, which is 2"),
            (-1, "occurrence: "),
            (None, "occurrence: "),
            (2.0, "occurrence: "),
        )
    ]
    refusals += [("shelve", {"minutes": wrong}, "minutes: ") for wrong in (None, 0, -5, "30", True, 1e9)]
    refusals += [
        ("shelve", {"minutes": 481}, "480 minutes at most, not 481"),
        ("confirm", {}, "acknowledged first"),
        ("reset", {}, "its cause has gone"),
        ("unshelve", {}, "is not shelved"),
        ("unsuppress", {}, "is not suppressed"),
        ("return", {}, "is in service"),
        ("comment", {"comment": ""}, "comment: "),
        ("comment", {"comment": None}, "comment: "),
    ]
    async with desk(tmp_path) as operator:
        answers: list[dict[str, object]] = []
        for start in range(0, len(refusals), 16):  # no more wait for their turn at once
            asked = enumerate(refusals[start : start + 16], start)
            answers += await asyncio.gather(
                *(operator.ask(command, str(number), **changes) for number, (command, changes, _) in asked)
            )
        journal = await operator.journal()

    given = zip(answers, refusals, strict=True)
    assert [one for one in given if one[0]["ok"] or one[1][2] not in str(one[0]["error"])] == []
    assert len(journal) == 3


@pytest.mark.parametrize("command", COMMANDS)
async def test_what_is_too_large_kept_or_without_an_id_is_not_even_answered(tmp_path: Path, command: str) -> None:
    """And an id that was used is answered as before, and does nothing again."""
    topic = f"water/east/cmd/{command}"
    async with desk(tmp_path) as operator:
        operator.scada.say(topic, json.dumps(request(command, "big") | {"comment": "x" * 5_000}))
        operator.scada.say(topic, json.dumps(request(command, "no id") | {"id": 5}))
        operator.scada.say(topic, b"\xff{")
        first = await operator.ask(command)
        operator.scada.say(topic, json.dumps(request(command, f"{command}-1") | {"alarm": "frost"}))
        _, again = await operator.scada.on_topic(f"water/east/cmd/result/{command}-1", 2)
        answered = {message.topic for message in operator.scada.messages if "/result/" in message.topic}
        journal = await operator.journal()

    assert answered == {f"water/east/cmd/result/{command}-1"}
    assert (again.json["ok"], again.json.get("error")) == (first["ok"], first.get("error"))
    assert len(journal) == (4 if first["ok"] else 3)
