"""Commands are off until enabled, small, checked, expiring, done once, answered, and never old."""

import asyncio
import json
import logging
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from agent.health import Part, wall_ms
from agent.mqtt.advice_commands import advice_handlers
from agent.mqtt.command_log import AT_MOST
from agent.mqtt.commands import RATE, Commands, Handler
from agent.mqtt.instant import rfc3339
from agent.mqtt.payloads import Ack, Command, Recommendation
from agent.mqtt.used_ids import UsedIds
from agent.store.held import Held
from agent.store.records import Record
from agent.store.schema import migrate
from agent.store.writer import Store
from tests.agent.mqtt.station import NOON_MS, station, store_of, supervised
from tests.simulators.broker import Broker, mosquitto
from tests.simulators.subscriber import Subscriber, subscriber

ACK = "water/east/cmd/ack"


class Bell:
    """Takes acknowledgements."""

    def __init__(self) -> None:
        self.taken: list[Command] = []

    async def ack(self, command: Ack) -> None:
        """Know one alarm only."""
        if command.alarm != "p1-dry":
            raise LookupError(f"there is no alarm {command.alarm!r}")
        self.taken.append(command)


def ack(command_id: str = "c1", *, lasts_ms: int = 60_000, **changes: object) -> str:
    """A command as SCADA sends it."""
    request = {
        "id": command_id,
        "expires": rfc3339(wall_ms() + lasts_ms),
        "user": "anna",
        "alarm": "p1-dry",
        "occurrence": 3,
    }
    return json.dumps(request | changes)


@asynccontextmanager
async def listening(
    broker: Broker,
    folder: Path,
    handlers: dict[str, Handler],
    store: Store | None = None,
    clock: Callable[[], int] = wall_ms,
    **mqtt: object,
) -> AsyncIterator[tuple[Commands, Part]]:
    """Listen for commands, as the agent does where they are switched on; yields also how the connection does."""
    settings = station(broker, folder, commands=True, **mqtt)
    async with AsyncExitStack() as stack:
        if store is None:
            store = await stack.enter_async_context(store_of(settings))
        commands, part = Commands(settings, handlers, store, clock), Part("commands")
        async with supervised(part, commands.listen):
            assert await asyncio.to_thread(broker.wait_for_line, "pump-agent-east-commands 1 water/east/cmd/+")
            yield commands, part


async def answer(scada: Subscriber, command_id: str = "c1", count: int = 1) -> dict[str, object]:
    """The last of *count* results of a command."""
    found: dict[str, object] = (await scada.on_topic(f"water/east/cmd/result/{command_id}", count))[-1].json
    return found


@pytest.mark.parametrize("version", ["5", "3.1.1"])
async def test_a_command_is_done_and_answered(tmp_path: Path, version: str) -> None:
    """Also where the client sets the retain flag, as FUXA does with everything it writes."""
    bell = Bell()
    with mosquitto(tmp_path) as broker:
        async with (
            subscriber(broker.port, "water/#") as scada,
            listening(broker, tmp_path, {"ack": bell.ack}, version=version),
        ):
            scada.say(ACK, ack(), retain=True)
            result = await answer(scada)

    assert (result["ok"], result["command"], "error" in result) == (True, "ack", False)
    assert [(command.user, command.id) for command in bell.taken] == [("anna", "c1")]


@pytest.mark.parametrize("version", ["5", "3.1.1"])
async def test_a_kept_command_is_an_old_one(tmp_path: Path, version: str) -> None:
    """A retained command would come again at every connection."""
    bell = Bell()
    with mosquitto(tmp_path) as broker:
        async with subscriber(broker.port, "water/#") as scada:
            scada.say(ACK, ack("old"), retain=True)
            await scada.on_topic(ACK)
            async with listening(broker, tmp_path, {"ack": bell.ack}, version=version):
                scada.say(ACK, ack("new"))
                await answer(scada, "new")

    assert [command.id for command in bell.taken] == ["new"]


async def test_a_command_is_done_once_and_answered_again(tmp_path: Path) -> None:
    """A client that missed the answer repeats its question; the act is not repeated."""
    bell = Bell()
    with mosquitto(tmp_path) as broker:
        async with subscriber(broker.port, "water/#") as scada, listening(broker, tmp_path, {"ack": bell.ack}):
            scada.say(ACK, ack())
            scada.say(ACK, ack())
            result = await answer(scada, count=2)

    assert result["ok"] is True
    assert len(bell.taken) == 1


async def test_a_command_is_not_done_again_by_the_agent_that_comes_after(tmp_path: Path) -> None:
    """A client that missed the answer, because the agent was killed, asks the next one; that says what it knows."""
    bell = Bell()
    with mosquitto(tmp_path) as broker:
        async with subscriber(broker.port, "water/#") as scada:
            async with listening(broker, tmp_path, {"ack": bell.ack}):
                scada.say(ACK, ack("short", lasts_ms=5_000))
                scada.say(ACK, ack())
                await answer(scada)
                assert (await answer(scada, "short"))["ok"] is True
            broker.lines.clear()
            async with listening(broker, tmp_path, {"ack": bell.ack}):
                scada.say(ACK, ack())
                scada.say(ACK, ack("new"))
                again, new = await answer(scada, count=2), await answer(scada, "new")

    assert again["error"] == "it was taken before the agent was started; look whether it was done"
    assert new["ok"] is True
    assert [command.id for command in bell.taken] == ["short", "c1", "new"]


async def test_a_command_is_not_done_again_after_the_clock_was_in_another_century(tmp_path: Path) -> None:
    """Another command comes while it is there, even a restart; then the clock is right, and the first is still good."""
    bell, ahead_ms = Bell(), [0]
    century_ms = 100 * 365 * 24 * 3_600_000

    def clock() -> int:
        return wall_ms() + ahead_ms[0]

    with mosquitto(tmp_path) as broker:
        async with subscriber(broker.port, "water/#") as scada:
            async with listening(broker, tmp_path, {"ack": bell.ack}, clock=clock):
                scada.say(ACK, ack())
                await answer(scada)
                ahead_ms[0] = century_ms
                scada.say(ACK, ack("late", lasts_ms=century_ms + 60_000))
                await answer(scada, "late")
                ahead_ms[0] = 0
                scada.say(ACK, ack())
                again = await answer(scada, count=2)
            broker.lines.clear()
            ahead_ms[0] = century_ms
            async with listening(broker, tmp_path, {"ack": bell.ack}, clock=clock):
                scada.say(ACK, ack("later", lasts_ms=century_ms + 60_000))
                await answer(scada, "later")
                ahead_ms[0] = 0
                scada.say(ACK, ack())
                after_a_restart = await answer(scada, count=3)

    assert again["ok"] is True
    assert "before the agent was started" in str(after_a_restart["error"])
    assert [command.id for command in bell.taken] == ["c1", "late", "later"]


async def test_a_command_is_answered_while_the_disk_stands_still(tmp_path: Path) -> None:
    """What an operator does goes out from memory then; it and the id are written once the disk comes to an end."""
    may_go_on = threading.Event()
    with mosquitto(tmp_path) as broker:
        storage = station(broker, tmp_path).storage.model_copy(update={"commit_interval": 1.0})
        migrate(storage.path)
        async with subscriber(broker.port, "water/#") as scada, Store(storage, Held()) as store:
            await store.open()

            async def record(_: Ack) -> None:
                await store.record([Record("alarm_event", "p1", NOON_MS, b"{}")])

            async with listening(broker, tmp_path, {"ack": record}, store):
                await store.write(lambda _: None)  # the next transaction is a second away, and takes both in
                standing_still = asyncio.create_task(store.write(lambda _: may_go_on.wait(60)))
                scada.say(ACK, ack())
                result = await answer(scada)
                was_standing_still = not standing_still.done()
                may_go_on.set()
                await standing_still
            kept = await UsedIds(store).there()

    assert was_standing_still
    assert result["ok"] is True
    assert kept.keys() == {"c1"}


async def test_commands_that_are_refused_wait_for_no_transaction(tmp_path: Path) -> None:
    """They would hold up, a second each, the operator who comes after a client that asks for what there is not."""
    with mosquitto(tmp_path) as broker:
        settings = station(broker, tmp_path)
        slow = settings.model_copy(update={"storage": settings.storage.model_copy(update={"commit_interval": 1.0})})
        async with (
            subscriber(broker.port, "water/#") as scada,
            store_of(slow) as store,
            listening(broker, tmp_path, {"ack": Bell().ack}, store),
        ):
            before = store.commits
            for number in range(12):
                scada.say(ACK, ack(f"c{number}", alarm="p9-dry"))
            answers = [await answer(scada, f"c{number}") for number in range(12)]
            commits = store.commits - before

    assert {str(one["error"]) for one in answers} == {"there is no alarm 'p9-dry'"}
    assert commits < 6


async def test_ids_of_commands_are_on_the_disk_until_they_are_forgotten(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as broker:
        async with store_of(station(broker, tmp_path)) as store:
            used = UsedIds(store)
            await used.keep("a", 2_000, [])
            await used.keep("b", 5_000, [])
            assert await used.there() == {"a": 2_000, "b": 5_000}
            await used.keep("c", 6_000, ["a"])
            assert await used.there() == {"b": 5_000, "c": 6_000}


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"lasts_ms": -1}, "has expired"),
        ({"lasts_ms": 25 * 3_600_000}, "within 24 hours"),
        ({"expires": "tomorrow"}, "expires: "),
        ({"expires": "2026-03-01T12:00:00"}, "offset from UTC"),
        ({"alarm": "p9-dry"}, "there is no alarm 'p9-dry'"),
        ({"occurrence": "3"}, "occurrence: Input should be a valid integer"),
        ({"occurrence": True}, "occurrence: Input should be a valid integer"),
        ({"user": ""}, "user: "),
        ({"user": None}, "user: "),
        ({"shutdown": 1}, "shutdown: Extra inputs"),
    ],
    ids=str,
)
async def test_a_command_that_is_not_right_is_refused_with_a_sentence(
    tmp_path: Path, changes: dict[str, Any], error: str
) -> None:
    """Values from the network are untrusted, and the operator is to know what was wrong."""
    bell = Bell()
    with mosquitto(tmp_path) as broker:
        async with subscriber(broker.port, "water/#") as scada, listening(broker, tmp_path, {"ack": bell.ack}):
            scada.say(ACK, ack(**changes))
            result = await answer(scada)

    assert result["ok"] is False
    assert error in str(result["error"])
    assert bell.taken == []


async def test_an_unknown_command_is_named(tmp_path: Path) -> None:
    """A typing error in SCADA's configuration shows at once."""
    with mosquitto(tmp_path) as broker:
        async with subscriber(broker.port, "water/#") as scada, listening(broker, tmp_path, {"ack": Bell().ack}):
            scada.say("water/east/cmd/acknowledge", ack())
            result = await answer(scada)

    assert result["error"] == "there is no command 'acknowledge'; there are ack"


@pytest.mark.parametrize("version", ["5", "3.1.1"])
async def test_nonsense_and_giants_are_dropped_and_the_next_command_is_done(tmp_path: Path, version: str) -> None:
    """Not JSON, not an object, nested deep, wrong encoding, an id that is a topic, and sizes up to 50 MB.

    Under 3.1.1 no broker keeps giants from us; we neither leave for one nor take it in.
    """
    bell = Bell()
    nonsense = [
        b"", b"ok", b"[]", b"1e400", b"NaN", b'{"id":NaN}', b'{"id":7}', b'{"id":"../x"}', b'{"id":"a/b"}',
        b'{"id":"#"}', ack(occurrence=10**400).encode(),
        b'{"id":"\xff"}', b"[" * 4_000, b'{"a":' * 800, ack("large", comment="x" * 5_000).encode(), b"x" * 50_000_000,
    ]  # fmt: skip
    with mosquitto(tmp_path) as broker:
        async with (
            subscriber(broker.port, "water/east/cmd/result/#") as scada,
            listening(broker, tmp_path, {"ack": bell.ack}, version=version) as (_, part),
        ):
            for payload in nonsense:
                scada.say(ACK, payload)
            scada.say(ACK, ack("after"))
            await answer(scada, "after")

    assert {message.topic for message in scada.messages} == {"water/east/cmd/result/after"}
    assert part.error is None


async def test_a_flood_is_refused_and_commands_work_after_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Of 20,000 commands at once few are taken a second, so that polling keeps the loop; the broker drops the others.

    (Takes seconds: until the broker has given up on its queue for us.)
    """
    bell = Bell()
    caplog.set_level(logging.INFO)
    with mosquitto(tmp_path) as broker:
        async with (
            subscriber(broker.port, "water/east/cmd/result/#") as scada,
            listening(broker, tmp_path, {"ack": bell.ack}) as (commands, _),
        ):
            for number in range(20_000):
                scada.say(ACK, ack(f"c{number}"), qos=0)
            while not scada.on("water/east/cmd/result/after"):
                scada.say(ACK, ack("after"))
                await asyncio.sleep(0.1)

    assert bell.taken
    assert len(bell.taken) + commands.dropped < 2_000
    assert len([one for one in caplog.records if "command" in one.getMessage()]) <= 2 * (AT_MOST + 1)


async def test_all_alarms_acknowledged_at_once_are_done_no_faster_than_polling_bears(tmp_path: Path) -> None:
    """As a screen with a button for all of them says them (takes seconds: 120 of them at 50 a second)."""
    bell, count = Bell(), 120
    with mosquitto(tmp_path) as broker:
        async with (
            subscriber(broker.port, "water/east/cmd/result/#") as scada,
            listening(broker, tmp_path, {"ack": bell.ack}) as (commands, _),
        ):
            began = asyncio.get_running_loop().time()
            for number in range(count):
                scada.say(ACK, ack(f"c{number}"))
            answers = [await answer(scada, f"c{number}") for number in range(count)]
            took = asyncio.get_running_loop().time() - began

    assert [one["ok"] for one in answers] == [True] * count
    assert [command.id for command in bell.taken] == [f"c{number}" for number in range(count)]
    assert commands.dropped == 0
    assert took >= (count - 1) / RATE


async def test_commands_that_did_nothing_keep_no_place_on_the_disk(tmp_path: Path) -> None:
    """A client that asks for what there is not, for a day ahead, would else keep an operator from acting for a day."""
    bell = Bell()
    with mosquitto(tmp_path) as broker:
        async with (
            subscriber(broker.port, "water/#") as scada,
            store_of(station(broker, tmp_path)) as store,
            listening(broker, tmp_path, {"ack": bell.ack}, store),
        ):
            for number in range(3):
                scada.say(ACK, ack(f"junk{number}", lasts_ms=23 * 3_600_000, alarm="p9-dry"))
            refused = [await answer(scada, f"junk{number}") for number in range(3)]
            scada.say(ACK, ack("junk0"))
            again = await answer(scada, "junk0", 2)
            scada.say(ACK, ack("c1"))
            done = await answer(scada, "c1")
            kept = await UsedIds(store).there()

    assert [one["ok"] for one in refused] == [False] * 3
    assert again["error"] == "there is no alarm 'p9-dry'"
    assert done["ok"] is True
    assert kept.keys() == {"c1"}


async def test_an_operator_accepts_the_present_advice(tmp_path: Path) -> None:
    """The journal says who decided what; only advice that still stands can be decided on."""
    with mosquitto(tmp_path) as broker:
        async with subscriber(broker.port, "water/#") as scada, store_of(station(broker, tmp_path)) as store:
            advice = Recommendation(
                id="r7", ts=NOON_MS, expires=wall_ms() + 60_000, station="east", action="change", saving_kw=4.5
            )
            other = json.loads(advice.encode()) | {"id": "r5", "is_gone": True}  # of another version
            await store.record([Record("recommendation", "main", NOON_MS, json.dumps(other).encode())])
            await store.record([Record("recommendation", "", NOON_MS, advice.encode())])
            async with listening(broker, tmp_path, dict(advice_handlers(store)), store):
                decision = {"expires": rfc3339(wall_ms() + 60_000), "user": "anna"}
                scada.say("water/east/cmd/accept", json.dumps(decision | {"id": "a", "recommendation": "r7"}))
                scada.say("water/east/cmd/reject", json.dumps(decision | {"id": "b", "recommendation": "r6"}))
                accepted, refused = await answer(scada, "a"), await answer(scada, "b")
            (entry,) = await store.newest("recommendation_event")

    assert accepted["ok"] is True
    assert refused["error"] == "'r6' is not the present recommendation"
    assert {"event": "accepted", "user": "anna", "saving_kw": 4.5}.items() <= json.loads(entry.body).items()
