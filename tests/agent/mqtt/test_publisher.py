"""What SCADA gets, whatever happens to the broker."""

import asyncio
import sqlite3
from collections import defaultdict
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from agent.health import Health
from agent.mqtt.payloads import Info, Readings, TagValue
from agent.store.records import Record
from agent.store.redating import open_anchor
from agent.tasks import report
from drivers.reading import Quality, Reading
from tests.agent.mqtt.station import NOON_MS, append_numbered, good, publishing, station, store_of
from tests.simulators.broker import mosquitto
from tests.simulators.subscriber import Subscriber, subscriber

READINGS, HISTORY = "water/east/readings", "water/east/history"


def numbers(scada: Subscriber, topic: str) -> dict[str, list[int]]:
    """The numbered readings on *topic* by tag, in order of arrival."""
    found = defaultdict(list)
    for tag, _, value, _ in scada.rows(topic):
        found[tag].append(int(value))
    return found


def has_all(scada: Subscriber, count: int) -> bool:
    """Whether the readings numbered from 0 have all arrived on either topic."""
    live, held = numbers(scada, READINGS), numbers(scada, HISTORY)
    return all(set(live[tag]) | set(held[tag]) == set(range(count)) for tag in ("flow", "pressure"))


def is_ordered(scada: Subscriber, topic: str) -> bool:
    """Whether each tag's readings came oldest first, once repetitions are dropped as a consumer does."""
    first_seen = [list(dict.fromkeys(values)) for values in numbers(scada, topic).values()]
    return all(a < b for values in first_seen for a, b in pairwise(values))


@pytest.mark.parametrize("version", ["5", "3.1.1"])
async def test_readings_arrive_as_documented(tmp_path: Path, version: str) -> None:
    """Batches for machines: tag, time, value and OPC quality code, with the place of the first in the log."""
    with mosquitto(tmp_path) as broker:
        settings = station(broker, tmp_path, version=version)
        async with (
            subscriber(broker.port, "water/#") as scada,
            store_of(settings) as store,
            publishing(settings, store),
        ):
            await scada.on_topic("water/east/info")
            await store.append([good("flow", 36.5), Reading("valve", NOON_MS, None, Quality.BAD, "no answer")])
            (message,) = await scada.on_topic(READINGS)

    assert message.payload == (
        b'{"seq":1,"count":2,"rows":[["flow",1772366400000,36.5,192],["valve",1772366400000,null,0]]}'
    )
    assert Readings.model_validate_json(message.payload).count == 2


async def test_nothing_is_lost_while_the_broker_is_dead(tmp_path: Path) -> None:
    """Killed in the middle and down for a while: every reading arrives once it is back, in order per tag on each topic.

    (Takes seconds: the broker starts anew and the agent waits a second before it tries again.)
    """
    with mosquitto(tmp_path) as broker:
        settings = station(broker, tmp_path)
        async with (
            subscriber(broker.port, "water/#") as scada,
            store_of(settings) as store,
            publishing(settings, store),
        ):
            await scada.on_topic("water/east/info")  # what is read from here on is live, so no history
            await append_numbered(store, range(100))
            await scada.until(lambda: scada.rows(READINGS))
            broker.kill()
            await append_numbered(store, range(100, 400))
            broker.start()
            await scada.until(lambda: len(scada.on("water/east/status")) > 1)
            await append_numbered(store, range(400, 500))
            await scada.until(lambda: has_all(scada, 500))

    assert is_ordered(scada, READINGS)
    assert is_ordered(scada, HISTORY)


async def test_nothing_is_lost_while_the_broker_is_frozen(tmp_path: Path) -> None:
    """A half-open link takes what it is sent and answers nothing; only acknowledged rows are struck off.

    (Takes seconds: the timeout of 2 s has to pass.)
    """
    with mosquitto(tmp_path) as broker:
        settings = station(broker, tmp_path)
        async with (
            subscriber(broker.port, "water/#") as scada,
            store_of(settings) as store,
            publishing(settings, store) as part,
        ):
            await scada.on_topic("water/east/info")  # what is read from here on is live, so no history
            await append_numbered(store, range(100))
            await scada.until(lambda: scada.rows(READINGS))
            broker.freeze()
            count = 100
            while part.state != "failed":
                await append_numbered(store, [count])
                count += 1
            broker.thaw()
            await append_numbered(store, range(count, count + 100))
            await scada.until(lambda: has_all(scada, count + 100))

    assert is_ordered(scada, READINGS)
    assert is_ordered(scada, HISTORY)


async def test_live_values_do_not_wait_for_history(tmp_path: Path) -> None:
    """400 held-back readings at 200 a second take 2 s; a reading of now arrives long before the last of them."""
    loop = asyncio.get_running_loop()
    with mosquitto(tmp_path) as broker:
        settings = station(broker, tmp_path, history_rate=200, batch_size=50)
        async with store_of(settings) as store:
            await store.append([good("flow", number, NOON_MS + number) for number in range(400)])
            async with subscriber(broker.port, "water/#") as scada, publishing(settings, store):
                await scada.on_topic(HISTORY, 2)
                await store.append([good("pressure", 4.2)])
                await scada.on_topic(READINGS)
                held_by_then, began = len(scada.rows(HISTORY)), loop.time()
                await scada.until(lambda: len(scada.rows(HISTORY)) == 400)
                took = loop.time() - began

    assert held_by_then < 200
    assert took > 0.9 * (400 - held_by_then - 50) / 200
    assert numbers(scada, HISTORY)["flow"] == list(range(400))


async def test_history_goes_as_fast_as_it_may(tmp_path: Path) -> None:
    """A commit after each message must not wait for the usual one: 4,000 readings would take a minute and more."""
    with mosquitto(tmp_path) as broker:
        settings = station(broker, tmp_path, batch_size=100)
        storage = settings.storage.model_copy(update={"commit_interval": 1.0})
        settings = settings.model_copy(update={"storage": storage})
        async with store_of(settings) as store:
            await store.append([good("flow", number, NOON_MS + number) for number in range(4_000)])
            async with subscriber(broker.port, "water/#") as scada, publishing(settings, store), asyncio.timeout(20):
                await scada.until(lambda: len(scada.rows(HISTORY)) == 4_000)

    assert numbers(scada, HISTORY)["flow"] == list(range(4_000))


async def test_a_kill_at_any_instant_would_repeat_one_batch_of_both_topics_together(tmp_path: Path) -> None:
    """What SCADA has and the disk does not know of, looked at again and again while live and old readings go out."""
    again = []
    with mosquitto(tmp_path) as broker:
        settings = station(broker, tmp_path, batch_size=40)
        storage = settings.storage.model_copy(update={"commit_interval": 0.2})
        settings = settings.model_copy(update={"storage": storage})
        async with store_of(settings) as store:
            await store.append([good("flow", number, NOON_MS + number) for number in range(600)])
            async with subscriber(broker.port, "water/#") as scada, publishing(settings, store):
                await scada.on_topic(HISTORY)
                for number in range(600, 1_200, 50):
                    await store.offer([good("flow", each, NOON_MS + each) for each in range(number, number + 50)])
                    await asyncio.sleep(0.01)
                    again.append(len(scada.rows(READINGS)) + len(scada.rows(HISTORY)) + owed(storage.path) - 1_200)
                while len(scada.rows(READINGS)) + len(scada.rows(HISTORY)) < 1_200:
                    again.append(len(scada.rows(READINGS)) + len(scada.rows(HISTORY)) + owed(storage.path) - 1_200)
                    await asyncio.sleep(0.01)

    assert max(again) <= 40
    assert sorted(numbers(scada, READINGS)["flow"] + numbers(scada, HISTORY)["flow"]) == list(range(1_200))


def owed(path: Path) -> int:
    """Readings of 1,200 that a new process would deliver."""
    with closing(sqlite3.connect(path)) as db:
        (live,) = db.execute("SELECT id FROM cursor WHERE sink = 'mqtt' AND stream = 'live'").fetchone()
        (held,) = db.execute("SELECT coalesce(sum(last - first + 1), 0) FROM backlog WHERE sink = 'mqtt'").fetchone()
    return 1_200 - int(live) + int(held)


async def test_health_says_how_much_is_held_back_and_when_that_ends(tmp_path: Path) -> None:
    """An operator who sees old values come in wants to know how long that goes on."""
    health, told = Health("east", "1.2.3"), list[dict[str, Any]]()
    with mosquitto(tmp_path) as broker:
        settings = station(broker, tmp_path, history_rate=1_000, batch_size=100)
        async with store_of(settings) as store:
            await store.append([good("flow", number, NOON_MS + number) for number in range(3_000)])
            async with subscriber(broker.port, "water/#") as scada, publishing(settings, store):
                for messages in (2, 30, 60):
                    await scada.on_topic(HISTORY, messages)
                    while messages == 60 and store.sink("mqtt").behind:  # noqa: ASYNC110 - the last answer is on its way
                        await asyncio.sleep(0.001)
                    reporting = asyncio.create_task(report(health, store))
                    await scada.until(lambda: len(scada.on("water/east/health")) == len(told) + 1)
                    reporting.cancel()
                    told.append(scada.on("water/east/health")[-1].json["backlog"])

    assert 3_000 > told[0]["behind"] > told[1]["behind"] > told[2]["behind"] == 0
    assert told[1]["rate"] > 0
    assert ["until" in one for one in told] == [False, True, False]


async def test_a_batch_that_is_too_large_for_the_broker_goes_in_parts(tmp_path: Path) -> None:
    """Some brokers take 1,000 bytes a message; nobody has to find the batch size that fits."""
    with mosquitto(tmp_path, options=("max_packet_size 1000",)) as broker:
        settings = station(broker, tmp_path, batch_size=500)
        async with (
            subscriber(broker.port, "water/#") as scada,
            store_of(settings) as store,
            publishing(settings, store),
        ):
            await scada.on_topic("water/east/info")
            await store.append([good("flow", number, NOON_MS + number) for number in range(500)])
            await scada.until(lambda: len(scada.rows(READINGS)) == 500)

    assert numbers(scada, READINGS)["flow"] == list(range(500))
    assert max(len(message.payload) for message in scada.messages) < 1_000


async def test_what_was_not_acknowledged_is_sent_again_after_a_restart(tmp_path: Path) -> None:
    """An agent that was down, or never had a broker, owes SCADA everything since."""
    with mosquitto(tmp_path) as broker:
        settings = station(broker, tmp_path)
        async with subscriber(broker.port, "water/#") as scada:
            async with store_of(settings) as store, publishing(settings, store):
                await scada.on_topic("water/east/info")
                await append_numbered(store, range(10))
                await scada.until(lambda: has_all(scada, 10))
            async with store_of(settings) as store:
                await append_numbered(store, range(10, 20))
            async with store_of(settings) as store, publishing(settings, store):
                await scada.until(lambda: has_all(scada, 20))

    assert numbers(scada, HISTORY)["flow"][-10:] == list(range(10, 20))
    assert len(scada.rows(READINGS)) == 20


async def test_readings_that_the_broker_denies_stay_unsent_and_the_rest_goes_on(tmp_path: Path) -> None:
    """A gap in the access list: it is told, live values and alarms still go out, and once mended all rows arrive."""
    acl = "topic read #\ntopic write scada/#\n" + "".join(
        f"topic write water/east/{topic}\n" for topic in ("status", "info", "tag/#", "alarm/#", "history")
    )
    with mosquitto(tmp_path, acl=acl) as broker:
        settings = station(broker, tmp_path)
        async with (
            subscriber(broker.port, "water/#") as scada,
            store_of(settings) as store,
            publishing(settings, store, retry=1) as part,
        ):
            await scada.on_topic("water/east/info")
            await append_numbered(store, range(10))
            await store.record([Record("alarm", "p1-dry", NOON_MS, b'{"state":"UNACK"}')])
            await scada.on_topic("water/east/alarm/p1-dry")
            await scada.until(lambda: has_all(scada, 10))
            complaint = part.error

    assert scada.on(READINGS) == []
    assert numbers(scada, HISTORY)["flow"] == list(range(10))
    assert complaint is not None
    assert "refuses water/east/readings (Not authorized)" in complaint


async def test_a_denied_tag_topic_holds_up_nothing(tmp_path: Path) -> None:
    """One tag's topic is missing in the access list: the batches and the other tags do not suffer."""
    acl = "topic read #\n" + "".join(
        f"topic write water/east/{topic}\n" for topic in ("status", "info", "tag/pressure", "readings")
    )
    with mosquitto(tmp_path, acl=acl) as broker:
        settings = station(broker, tmp_path)
        async with (
            subscriber(broker.port, "water/#") as scada,
            store_of(settings) as store,
            publishing(settings, store) as part,
        ):
            await scada.on_topic("water/east/info")
            await append_numbered(store, range(50))
            await scada.until(lambda: has_all(scada, 50))
            await scada.until(lambda: scada.on("water/east/tag/pressure")[-1].json["value"] == 49)

    assert part.state == "degraded"
    assert part.error is not None
    assert "refuses water/east/tag/flow" in part.error


async def test_a_newcomer_finds_how_everything_stands(tmp_path: Path) -> None:
    """A panel that is switched on at noon shows the station at once."""
    with mosquitto(tmp_path) as broker:
        settings = station(broker, tmp_path, bare_values=True)
        async with store_of(settings) as store, publishing(settings, store):
            async with subscriber(broker.port, "water/#", name="first") as first:
                await first.on_topic("water/east/info")
                await store.append([good("flow", 36.5), Reading("valve", NOON_MS, None, Quality.BAD, "no answer")])
                await store.record([Record("pump", "p1", NOON_MS, b'{"running":true}')])
                await first.until(
                    lambda: all(
                        first.on(f"water/east/{topic}")
                        for topic in ("tag/flow", "tag/flow/value", "tag/valve", "pump/p1")
                    )
                )
            async with subscriber(broker.port, "water/#", name="newcomer") as scada:
                await scada.until(lambda: len(scada.messages) == 6)

    found = {message.topic.removeprefix("water/east/"): message for message in scada.messages}
    assert all(message.is_old for message in scada.messages)
    assert found["status"].payload == b"online"
    assert found["pump/p1"].payload == b'{"running":true}'
    assert found["tag/flow/value"].payload == b"36.5"
    assert found["tag/flow"].json == {
        "value": 36.5, "quality": "good", "unit": "m3/h", "ts": "2026-03-01T12:00:00.000Z", "seq": 1,
    }  # fmt: skip
    assert found["tag/valve"].json == {
        "quality": "bad", "reason": "no answer", "unit": "", "ts": "2026-03-01T12:00:00.000Z", "seq": 2,
    }  # fmt: skip
    assert TagValue.model_validate_json(found["tag/valve"].payload).reason == "no answer"
    assert Info.model_validate_json(found["info"].payload).tags == 3


async def test_a_broker_that_lost_everything_is_told_again(tmp_path: Path) -> None:
    """Replaced or emptied, it knows no retained message; alarms come first, and no state that has been followed."""
    with mosquitto(tmp_path / "broker") as broker:
        settings = station(broker, tmp_path)
        async with store_of(settings) as store:
            await store.append([good("flow", 36.5)])
            await store.record(
                [
                    Record("station", "", NOON_MS, b'{"flow":1}'),
                    Record("station", "", NOON_MS + 1, b'{"flow":2}'),
                    Record("alarm", "p1-dry", NOON_MS, b'{"state":"UNACK"}'),
                    Record("alarm", "old", NOON_MS, b'{"state":"UNACK"}'),
                    Record("alarm", "old", NOON_MS + 1, b""),
                ]
            )
            async with subscriber(broker.port, "water/#", name="first") as first, publishing(settings, store):
                await first.until(lambda: len(first.on("water/east/station")) == 1)
                broker.kill()
                (tmp_path / "broker" / "mosquitto.db").unlink(missing_ok=True)
                broker.start()
                async with subscriber(broker.port, "water/#") as scada:
                    await scada.on_topic("water/east/tag/flow")

    states = [message.topic.removeprefix("water/east/") for message in scada.messages]
    assert states.index("alarm/p1-dry") < states.index("station") < states.index("tag/flow")
    assert {message.payload for message in scada.on("water/east/station")} == {b'{"flow":2}'}
    assert {message.payload for message in scada.on("water/east/alarm/old")} <= {b""}


async def test_a_journal_is_told_whole_and_a_state_only_as_it_is_now(tmp_path: Path) -> None:
    """Of what an outage held back, every alarm event counts, but only the last of a pump's states."""
    with mosquitto(tmp_path) as broker:
        settings = station(broker, tmp_path)
        async with store_of(settings) as store:
            for number in range(500):
                await store.record(
                    [
                        Record("pump", "p1", NOON_MS + number, b'{"seq":%d}' % number),
                        Record("alarm_event", "a", NOON_MS + number, b'{"seq":%d}' % number),
                    ]
                )
            async with subscriber(broker.port, "water/#") as scada, publishing(settings, store):
                await scada.on_topic("water/east/alarm_event", 500)
                await scada.on_topic("water/east/pump/p1")
                await store.record([Record("pump", "p1", NOON_MS + 500, b'{"seq":500}')])
                await scada.on_topic("water/east/pump/p1", 2)

    assert [message.json["seq"] for message in scada.on("water/east/alarm_event")] == list(range(500))
    assert [message.json["seq"] for message in scada.on("water/east/pump/p1")] == [499, 500]


async def test_what_the_plant_no_longer_has_leaves_the_broker(tmp_path: Path) -> None:
    """A pump and a tag that were taken out of the configuration would be shown as they last were, for ever."""
    with mosquitto(tmp_path) as broker:
        settings = station(broker, tmp_path)
        async with store_of(settings) as store, subscriber(broker.port, "water/#") as scada:
            scada.say("water/east/tag/removed", "{}", retain=True)
            scada.say("water/east/pump/p9", "{}", retain=True)
            await store.append([good("removed", 1.0), good("flow", 1.0)])
            await store.record([Record("pump", pump, NOON_MS, b'{"running":true}') for pump in ("p1", "p9")])
            async with publishing(settings, store):
                await scada.on_topic("water/east/tag/flow")
                await scada.on_topic("water/east/pump/p1")
                await scada.on_topic("water/east/tag/removed", 2)
        async with subscriber(broker.port, "water/#", name="later") as later:
            await later.on_topic("water/east/tag/flow")
            await later.on_topic("water/east/pump/p1")

    assert later.on("water/east/tag/removed") + later.on("water/east/pump/p9") == []


async def test_an_alarm_does_not_wait_until_the_topics_of_tags_that_are_gone_are_cleared(tmp_path: Path) -> None:
    """There may be thousands, at each connection, and the broker writes each to its disk: that took a minute."""
    with mosquitto(tmp_path) as broker:
        settings = station(broker, tmp_path)
        async with store_of(settings) as store, subscriber(broker.port, "water/east/#") as scada:
            await store.append([good(f"gone-{number}", 1.0) for number in range(300)])

            def cleared() -> list[int]:
                places = enumerate(scada.messages)
                return [place for place, one in places if one.topic.startswith("water/east/tag/gone-")]

            async with publishing(settings, store):
                await scada.until(cleared)
                await store.record([Record("alarm", "p1-dry", NOON_MS, b'{"id":"p1-dry"}')])
                await scada.until(lambda: len(cleared()) == 300 and scada.on("water/east/alarm/p1-dry"))

    (alarm,) = [place for place, one in enumerate(scada.messages) if one.topic == "water/east/alarm/p1-dry"]
    assert alarm < cleared()[-1]


async def test_the_schedule_of_a_station_with_two_headers_stays(tmp_path: Path) -> None:
    """It is the station's and no header's; each new connection used to withdraw it until the next run."""
    with mosquitto(tmp_path) as broker:
        one = station(broker, tmp_path)
        other = one.headers[0].model_copy(update={"id": "other"})
        settings = one.model_copy(update={"headers": (*one.headers, other)})
        async with store_of(settings) as store, subscriber(broker.port, "water/#") as scada:
            await store.record([Record("schedule", "", NOON_MS, b'{"rows":[]}')])
            async with publishing(settings, store):
                await scada.on_topic("water/east/info")  # all states were said

    assert [message.payload for message in scada.on("water/east/schedule")] == [b'{"rows":[]}']


async def test_readings_that_have_been_dated_come_again_on_history(tmp_path: Path) -> None:
    """On the same connection, at the same place in the log: a receiver that keeps places puts them right by it."""
    with mosquitto(tmp_path) as broker:
        settings = station(broker, tmp_path)
        async with (
            subscriber(broker.port, "water/#") as scada,
            store_of(settings) as store,
            publishing(settings, store),
        ):
            await scada.on_topic("water/east/info")
            await store.write(lambda log: open_anchor(log, "this start", 0))
            await store.append([Reading("flow", 17_300, 36.5, Quality.UNCERTAIN, "clock not synchronised")])
            (first,) = await scada.on_topic(READINGS)
            await store.redate("this start", NOON_MS - 17_300)
            (again,) = await scada.on_topic(HISTORY)

    assert first.payload == b'{"seq":1,"count":1,"rows":[["flow",17300,36.5,64]]}'
    assert again.payload == b'{"seq":1,"count":1,"rows":[["flow",1772366400000,36.5,64]]}'
