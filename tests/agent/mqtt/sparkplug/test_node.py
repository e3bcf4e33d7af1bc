"""The edge node at a real broker: what a host gets, whatever happens to agent, broker and host."""

import asyncio
import json
import logging
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from agent.mqtt.sparkplug.lives import Lives
from agent.mqtt.sparkplug.payload import DataType, Metric, Payload, decode, encode
from agent.store.held import Held
from agent.store.records import Kind, Record
from agent.store.settings import StorageSettings
from agent.store.writer import Store
from drivers.reading import Quality
from tests.agent.demo.waiting import until
from tests.agent.mqtt.sparkplug.station import HOST, append, edge_node, edge_station, edge_store, now
from tests.simulators.broker import mosquitto
from tests.simulators.cut_link import cut_link
from tests.simulators.strict_host import StrictHost
from tests.simulators.subscriber import Subscriber, subscriber

ALL = "spBv1.0/#"
NCMD, DCMD, STATE = "spBv1.0/water/NCMD/east", "spBv1.0/water/DCMD/east/plc", f"spBv1.0/STATE/{HOST}"


def command(name: str, content: object, datatype: DataType = DataType.BOOLEAN) -> bytes:
    """What a host sends."""
    return encode(Payload(1, (Metric(name, datatype, content, 1),), None))  # type: ignore[arg-type]


def say_state(scada: Subscriber, ts_ms: int, *, is_online: bool) -> None:
    """What the host says of itself, as version 3 has it."""
    scada.say(STATE, json.dumps({"online": is_online, "timestamp": ts_ms}), retain=True)


async def test_births_come_first_and_a_clean_stop_says_each_death_once(tmp_path: Path) -> None:
    """DDEATH, NDEATH, and then a DISCONNECT, so that the broker has no will left to say."""
    with mosquitto(tmp_path) as broker:
        settings, host = edge_station(broker, tmp_path), StrictHost()
        async with subscriber(broker.port, ALL) as scada, edge_store(settings) as store:
            async with edge_node(settings, store):
                await scada.until(lambda: "NBIRTH" in host.read(scada.messages).verbs)
                await append(store, range(3))
                await scada.until(lambda: host.read(scada.messages).values("flow")[-1:] == [2.0])
            async with edge_node(settings, store):
                await scada.until(lambda: len(host.read(scada.messages).lives) == 2)
            await scada.until(lambda: host.read(scada.messages).verbs.count("NDEATH") == 2)

    assert host.faults == []
    assert host.lives == [0, 1]
    assert host.verbs[:2] == ["NBIRTH", "DBIRTH plc"]
    assert host.verbs.count("NDEATH") == 2
    assert "DDEATH plc,NDEATH,NBIRTH,DBIRTH plc,DDEATH plc,NDEATH" in ",".join(host.verbs)
    assert host.values("flow") == [0.0, 1.0, 2.0, 2.0]


async def test_the_connection_is_as_the_specification_has_it(tmp_path: Path) -> None:
    """A clean session, a will at QoS 1 that is not retained, commands and the host's state at QoS 1, then births."""
    with mosquitto(tmp_path, options=("log_type debug",)) as broker:
        settings, host = edge_station(broker, tmp_path, primary_host=HOST), StrictHost()
        async with subscriber(broker.port, ALL) as scada, edge_store(settings) as store:
            say_state(scada, 100, is_online=True)
            async with edge_node(settings, store):
                await scada.until(lambda: host.read(scada.messages).is_born)
            await scada.until(lambda: not host.read(scada.messages).is_born)
            assert await asyncio.to_thread(broker.wait_for_line, "Received DISCONNECT from pump-agent-east-sparkplug")
            said = [line for line in broker.lines if "pump-agent-east-sparkplug" in line]
            wills = [line for line in broker.lines if "Will message specified" in line]

    (connected,) = [line for line in said if "New client connected" in line]
    assert "(p2, c1, k2)" in connected, "MQTT 3.1.1, and a clean session"
    assert ["(r0, q1)" in line for line in wills] == [True]
    asked = [line.rpartition("-sparkplug ")[2] for line in said if "-sparkplug 1 " in line]
    assert {f"1 {STATE}", f"1 {NCMD}", "1 spBv1.0/water/DCMD/east/+"} <= {*asked}
    order = [place for place, line in enumerate(said) if NCMD in line or "NBIRTH" in line]
    assert order == sorted(order)
    assert "NBIRTH" in said[order[-1]]
    leaving = [line for line in said if "NDEATH" in line or "DISCONNECT" in line]
    assert ["Received PUBLISH" in leaving[0], "Received DISCONNECT" in leaving[-1]] == [True, True]


async def test_the_broker_tells_the_death_of_a_node_that_is_cut_off_and_history_follows_its_next_birth(
    tmp_path: Path,
) -> None:
    """Every reading of the outage arrives, as history, with its own time; (takes seconds: a second try)."""
    with mosquitto(tmp_path) as broker:
        async with cut_link(broker.port) as link, subscriber(broker.port, ALL) as scada:
            settings, host = edge_station(broker, tmp_path, link.port), StrictHost()
            async with edge_store(settings) as store, edge_node(settings, store) as part:
                await append(store, range(50))
                await scada.until(lambda: host.read(scada.messages).values("flow", is_historical=False)[-1:] == [49.0])
                link.cut()
                while part.state != "failed":  # noqa: ASYNC110 - its task says nothing when it fails
                    await asyncio.sleep(0.01)
                began = time.time_ns() // 1_000_000
                await append(store, range(100, 400))
                ended = time.time_ns() // 1_000_000
                await scada.until(lambda: "NDEATH" in host.read(scada.messages).verbs)
                link.mend()
                await scada.until(lambda: 399.0 in host.read(scada.messages).values("flow", is_historical=True))
                await append(store, range(500, 510))
                await scada.until(lambda: host.read(scada.messages).values("flow", is_historical=False)[-1:] == [509.0])

    held_back = [one for one in host.told["flow"] if one.is_historical and one.content in range(100, 400)]
    assert host.faults == []
    assert host.lives[0] == 0 < host.lives[1]  # each try has a number of its own
    assert [one.content for one in held_back] == [float(number) for number in range(100, 400)]
    assert all(began <= one.ts_ms <= ended for one in held_back)
    assert 399.0 in host.values("flow", is_historical=False)  # told by the birth
    assert host.values("flow", is_historical=False)[-10:] == [float(number) for number in range(500, 510)]


async def test_nothing_is_left_on_the_broker_by_a_node_that_has_stopped_or_was_cut_off(tmp_path: Path) -> None:
    """A retained birth would bring the dead back to whoever comes later; only who comes later sees that it is one."""
    with mosquitto(tmp_path) as broker:
        async with cut_link(broker.port) as link, subscriber(broker.port, ALL) as scada:
            settings, host = edge_station(broker, tmp_path, link.port), StrictHost()
            async with edge_store(settings) as store:
                for deaths in (1, 2):
                    async with edge_node(settings, store):
                        await append(store, [deaths])
                        await scada.until(lambda: 1.0 in host.read(scada.messages).values("flow") and host.is_born)
                        if deaths == 2:
                            link.cut()
                    await scada.until(lambda deaths=deaths: host.read(scada.messages).verbs.count("NDEATH") == deaths)  # type: ignore[misc]
            async with subscriber(broker.port, "#", name="late") as late:
                late.say("end", b"")
                await late.on_topic("end")

    assert host.faults == []
    assert [one.topic for one in late.messages] == ["end"]


async def test_a_host_that_asks_gets_everything_anew(tmp_path: Path) -> None:
    """In the same life: the number of the death that the broker holds is still that of this birth."""
    with mosquitto(tmp_path) as broker:
        settings, host = edge_station(broker, tmp_path), StrictHost()
        async with subscriber(broker.port, ALL) as scada, edge_store(settings) as store:
            async with edge_node(settings, store):
                await append(store, range(3))
                await scada.until(lambda: host.read(scada.messages).values("flow")[-1:] == [2.0])
                scada.say(NCMD, command("Node Control/Rebirth", content=True), qos=0)
                await scada.until(lambda: len(host.read(scada.messages).lives) == 2)
                await append(store, range(3, 6))
                await scada.until(lambda: host.read(scada.messages).values("flow")[-1:] == [5.0])
            await scada.until(lambda: "NDEATH" in host.read(scada.messages).verbs)

    assert host.faults == []
    assert host.lives == [0, 0]
    assert host.verbs.count("DBIRTH plc") == 2


async def test_a_host_that_asks_all_the_time_does_not_get_more_than_a_birth_a_second(tmp_path: Path) -> None:
    """A birth of thousands of tags costs a part of a second; data must still get through."""
    with mosquitto(tmp_path) as broker:
        settings, host = edge_station(broker, tmp_path), StrictHost()
        async with subscriber(broker.port, ALL) as scada, edge_store(settings) as store, edge_node(settings, store):
            await append(store, [0])
            await scada.until(lambda: host.read(scada.messages).values("flow"))
            began = time.monotonic()
            for number in range(1, 41):
                for _ in range(5):
                    scada.say(NCMD, command("Node Control/Rebirth", content=True), qos=0)
                await append(store, [number])
            await scada.until(lambda: host.read(scada.messages).values("flow")[-1:] == [40.0])
            took = time.monotonic() - began

    assert host.faults == []
    assert 2 <= len(host.lives) <= took + 3


async def test_no_data_come_between_a_request_and_its_birth(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The second request within a second has to wait for its birth, and so have the readings of that time."""
    ask, write = (Metric(name, DataType.BOOLEAN, True, 1) for name in ("Node Control/Rebirth", "x"))  # noqa: FBT003
    with mosquitto(tmp_path) as broker:
        settings, host = edge_station(broker, tmp_path), StrictHost()
        async with subscriber(broker.port, ALL) as scada, edge_store(settings) as store, edge_node(settings, store):
            await append(store, [1])
            await scada.until(lambda: host.read(scada.messages).values("flow"))
            scada.say(NCMD, encode(Payload(1, (ask,), None)))
            await scada.until(lambda: len(host.read(scada.messages).lives) == 2)
            scada.say(NCMD, encode(Payload(1, (ask, write), None)))
            await until(lambda: any("never writes" in line for line in caplog.messages))  # the node has read it
            await append(store, [7])
            await scada.until(lambda: host.read(scada.messages).values("flow")[-1:] == [7.0])

    assert host.faults == []
    assert host.verbs.count("NBIRTH") == 3


async def test_data_leave_a_host_that_comes_online_the_time_to_ask_for_births(tmp_path: Path) -> None:
    """What was held back for it would otherwise stand between its request and their answer."""
    with mosquitto(tmp_path) as broker:
        settings, host = edge_station(broker, tmp_path, primary_host=HOST), StrictHost()
        async with subscriber(broker.port, ALL) as scada, edge_store(settings) as store, edge_node(settings, store):
            await append(store, range(3))
            say_state(scada, 100, is_online=True)
            await scada.until(lambda: 1.0 in host.read(scada.messages).values("flow", is_historical=True))

    born, told = (decode(scada.on(f"spBv1.0/water/{verb}/east/plc")[0].payload).ts_ms for verb in ("DBIRTH", "DDATA"))
    assert host.faults == []
    assert (told or 0) - (born or 0) >= 249


async def test_a_death_that_the_node_says_itself_has_its_time(tmp_path: Path) -> None:
    """That of the will is the time of CONNECT, which may be months ago."""
    with mosquitto(tmp_path) as broker:
        settings, host = edge_station(broker, tmp_path), StrictHost()
        async with subscriber(broker.port, ALL) as scada, edge_store(settings) as store:
            async with edge_node(settings, store):
                await append(store, [1])
                await scada.until(lambda: host.read(scada.messages).devices)
            await scada.until(lambda: not host.read(scada.messages).is_born)

    ended, died = (
        decode(scada.on(f"spBv1.0/water/{where}")[0].payload) for where in ("DDEATH/east/plc", "NDEATH/east")
    )
    assert host.faults == []
    assert (died.ts_ms or 0) >= (ended.ts_ms or 0) > 0


async def test_a_broker_that_is_not_reached_costs_no_life(tmp_path: Path) -> None:
    """A host counts what is said in CONNECT; numbers of tries that nobody heard would be a gap to it."""
    with mosquitto(tmp_path) as broker:
        settings, host = edge_station(broker, tmp_path), StrictHost()
        broker.kill()
        async with edge_store(settings) as store, edge_node(settings, store) as part:
            await until(lambda: "cannot be reached" in (part.error or ""))
            broker.start()
            async with subscriber(broker.port, ALL) as scada:
                await until(lambda: part.state == "ok")
                scada.say(NCMD, command("Node Control/Rebirth", content=True))
                await scada.until(lambda: host.read(scada.messages).is_born)

    assert host.lives[0] == 0


async def test_the_access_list_in_the_documentation_is_enough(tmp_path: Path) -> None:
    """Everybody else may do everything; the agent what the documentation says, and not more."""
    page = (Path(__file__).parents[4] / "docs" / "mqtt.md").read_text()
    allowed = page.partition("## Sparkplug B")[2].partition("has to allow:\n\n```\n")[2].partition("```")[0]
    assert allowed.count("topic ") == 5
    with mosquitto(tmp_path, acl=f"topic readwrite #\nuser pump-agent\n{allowed}") as broker:
        settings, host = edge_station(broker, tmp_path, primary_host=HOST), StrictHost()
        mqtt = settings.mqtt.model_copy(update={"user": "pump-agent"})
        settings = settings.model_copy(update={"mqtt": mqtt})
        async with subscriber(broker.port, ALL) as scada, edge_store(settings) as store:
            say_state(scada, 1, is_online=True)
            async with edge_node(settings, store):
                await append(store, [1])
                await scada.until(lambda: host.read(scada.messages).values("flow"))
                scada.say(NCMD, command("Node Control/Rebirth", content=True), qos=0)
                await scada.until(lambda: len(host.read(scada.messages).lives) == 2)
            await scada.until(lambda: host.read(scada.messages).verbs[-2:] == ["DDEATH plc", "NDEATH"])

    assert host.faults == []


async def test_writes_are_refused_and_nonsense_is_dropped_with_one_line_each(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The agent advises; what hosts send reaches no device, and nothing that anybody sends ends the session."""
    hostile = [b"", b"\xff" * 100, b"\x12\xff\xff\xff\xff\x0f", b"{}", bytes(range(256)) * 16]
    with caplog.at_level(logging.WARNING), mosquitto(tmp_path) as broker:
        settings, host = edge_station(broker, tmp_path), StrictHost()
        async with subscriber(broker.port, ALL) as scada, edge_store(settings) as store, edge_node(settings, store):
            await append(store, range(2))
            await scada.until(lambda: host.read(scada.messages).values("flow")[-1:] == [1.0])
            for topic in (NCMD, DCMD):
                for payload in hostile:
                    scada.say(topic, payload, qos=0)
                scada.say(topic, command("flow", 1.0, DataType.DOUBLE))
                scada.say(topic, command("Node Control/Reboot", content=True))
            scada.say(NCMD, command("Node Control/Rebirth", content=False))
            scada.say(DCMD, command("Node Control/Rebirth", content=True))
            scada.say(NCMD, command("Node Control/Rebirth", content=1, datatype=DataType.INT32))
            scada.say(NCMD, command("Node Control/Rebirth", content=True), retain=True)
            await scada.until(lambda: len(host.read(scada.messages).lives) == 2)  # the one of these that is one
            await append(store, range(2, 4))
            await scada.until(lambda: host.read(scada.messages).values("flow")[-1:] == [3.0])

    lines = [record.getMessage() for record in caplog.records if "sparkplug:" in record.getMessage()]
    assert host.faults == []
    assert len(host.lives) == 2
    assert len([line for line in lines if "never writes" in line]) == 1
    assert len([line for line in lines if "is dropped" in line]) == 1


async def test_a_giant_that_the_broker_keeps_does_not_keep_the_node_away(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It comes with each subscription; nor does one to a device end the life, and a request after both is heard."""
    with mosquitto(tmp_path) as broker:
        settings, host = edge_station(broker, tmp_path), StrictHost()
        async with subscriber(broker.port, ALL) as scada, edge_store(settings) as store:
            scada.say(NCMD, b"x" * 20_000, retain=True)
            await scada.on_topic(NCMD)
            async with edge_node(settings, store) as part:
                await append(store, [1])
                await scada.until(lambda: host.read(scada.messages).values("flow")[-1:] == [1.0])
                scada.say(DCMD, b"x" * 300_000)
                scada.say(NCMD, command("Node Control/Rebirth", content=True))
                await scada.until(lambda: host.read(scada.messages).verbs.count("NBIRTH") == 2)

                assert part.error is None

    assert host.faults == []
    assert host.lives == [0, 0]  # one life, born twice
    (said,) = [line for line in caplog.messages if "is passed over" in line]
    assert f"bytes on '{NCMD}'" in said
    assert "clear it on the broker by an empty retained message" in said


async def test_nothing_is_said_before_the_primary_host_is_online_and_all_stops_when_it_leaves(tmp_path: Path) -> None:
    """What it says of an earlier time is not believed, nor another host, nor a STATE of version 2."""
    with mosquitto(tmp_path) as broker:
        settings, host = edge_station(broker, tmp_path, primary_host=HOST), StrictHost()
        async with (
            subscriber(broker.port, ALL) as scada,
            edge_store(settings) as store,
            edge_node(settings, store) as part,
        ):
            await append(store, range(3))
            while part.state != "degraded":  # noqa: ASYNC110 - nor when it waits
                await asyncio.sleep(0.01)
            scada.say(STATE, b"ONLINE", retain=True)
            scada.say("spBv1.0/STATE/other", b'{"online": true, "timestamp": 99}', retain=True)
            say_state(scada, 50, is_online=False)
            await scada.until(lambda: len(scada.messages) >= 3)
            verbs_while_it_was_away = list(host.read(scada.messages).verbs)
            say_state(scada, 100, is_online=True)
            await scada.until(lambda: 2.0 in host.read(scada.messages).values("flow", is_historical=True))
            say_state(scada, 99, is_online=False)  # overtaken: an old will
            await append(store, range(3, 6))
            await scada.until(lambda: host.read(scada.messages).values("flow")[-1:] == [5.0])
            verbs_while_it_was_there = list(host.verbs)
            say_state(scada, 101, is_online=False)
            await scada.until(lambda: "NDEATH" in host.read(scada.messages).verbs)
            await append(store, range(6, 9))
            say_state(scada, 100, is_online=True)  # overtaken as well
            say_state(scada, 102, is_online=True)
            await scada.until(lambda: 8.0 in host.read(scada.messages).values("flow", is_historical=True))

    assert host.faults == []
    assert verbs_while_it_was_away == []
    assert "NDEATH" not in verbs_while_it_was_there
    assert len(host.lives) == 2
    assert host.lives[1] > host.lives[0]
    assert set(host.values("flow")) == {float(number) for number in range(9)}


async def test_the_node_goes_to_the_next_broker_where_its_host_is_gone_and_is_never_at_two(tmp_path: Path) -> None:
    """From the first to the second, back once that one loses its host, and on again when a broker itself dies."""
    with mosquitto(tmp_path / "one") as one, mosquitto(tmp_path / "two") as two:
        settings = edge_station(one, tmp_path, primary_host=HOST, servers=[f"{two.host}:{two.port}"])
        first, second = StrictHost(), StrictHost()
        async with (
            subscriber(one.port, ALL) as here,
            subscriber(two.port, ALL) as there,
            edge_store(settings) as store,
        ):
            say_state(here, 100, is_online=True)
            say_state(there, 50, is_online=True)  # each broker has its own: this one is no older word
            async with edge_node(settings, store) as part:
                await append(store, [1])
                await here.until(lambda: first.read(here.messages).is_born)
                assert there.on("spBv1.0/water/NBIRTH/east") == []
                say_state(here, 101, is_online=False)
                await there.until(lambda: second.read(there.messages).is_born)
                assert first.read(here.messages).verbs[-1] == "NDEATH"
                say_state(here, 102, is_online=True)
                await append(store, [2])
                await there.until(lambda: 2.0 in second.read(there.messages).values("flow"))
                assert not first.read(here.messages).is_born
                say_state(there, 51, is_online=False)
                await here.until(lambda: first.read(here.messages).is_born)
                one.kill()
                say_state(there, 52, is_online=True)
                await there.until(lambda: second.read(there.messages).is_born)
                await until(lambda: part.state == "ok")
            await there.until(lambda: second.read(there.messages).verbs[-1] == "NDEATH")

    assert first.faults == second.faults == []
    assert sorted(first.lives + second.lives)[:2] == [0, 1]
    assert len({*first.lives, *second.lives}) == 4


async def test_two_brokers_that_each_throw_the_node_out_are_trouble_and_asked_less_and_less(tmp_path: Path) -> None:
    """As where the PC was cloned, and its twin has the same name at both: no endless hurry that health calls well."""
    with mosquitto(tmp_path / "one") as one, mosquitto(tmp_path / "two") as two:
        settings = edge_station(one, tmp_path, servers=[f"{two.host}:{two.port}"])
        async with edge_store(settings) as store, edge_node(settings, store) as part:
            for broker, told in ((one, 1), (two, 2)):
                await until(lambda: part.state == "ok")
                async with subscriber(broker.port, "none", name="pump-agent-east-sparkplug"):
                    await until(lambda told=told: (part.error or "").count("mqtt://") == told)  # type: ignore[misc]


async def test_all_devices_that_answer_are_born_with_the_node_before_any_data(tmp_path: Path) -> None:
    """As the specification has it; else the first readings of one would be data before the other's birth."""
    with mosquitto(tmp_path) as broker:
        settings, host = edge_station(broker, tmp_path), StrictHost()
        (plc,) = settings.devices
        other = plc.model_copy(
            update={
                "name": "other",
                "tags": tuple(tag.model_copy(update={"name": f"o.{tag.name}"}) for tag in plc.tags),
            }
        )
        settings = settings.model_copy(update={"devices": (plc, other)})
        async with subscriber(broker.port, ALL) as scada, edge_store(settings) as store:
            async with edge_node(settings, store, settled=20):
                await until(lambda: broker.has_logged(NCMD))
                await append(store, range(3))
                await store.append([now("o.flow", 7.0)])
                await scada.until(lambda: 2.0 in host.read(scada.messages).values("flow"))
                await scada.until(lambda: 0.0 in host.read(scada.messages).values("flow", is_historical=True))
            async with edge_node(settings, store, settled=0.2):
                await scada.until(lambda: len(host.read(scada.messages).lives) == 2)

    assert host.faults == []
    assert host.verbs[:4] == ["NBIRTH", "DBIRTH plc", "DBIRTH other", "DDATA plc"]


async def test_a_host_that_says_online_and_is_not_believed_is_shown_on_health(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its clock was in 2099 and has been put right: every word of it is older than before until we forget."""
    with mosquitto(tmp_path) as broker:
        settings, host = edge_station(broker, tmp_path, primary_host=HOST), StrictHost()
        async with subscriber(broker.port, ALL) as scada, edge_store(settings) as store:
            say_state(scada, 4_070_908_800_000, is_online=False)
            await scada.on_topic(STATE)
            async with edge_node(settings, store) as part:
                await until(lambda: "waits for primary host scada" in (part.error or ""))
                say_state(scada, 1_772_366_400_000, is_online=True)
                await until(lambda: "older than its word of 2099-01-01" in (part.error or ""))
            async with edge_node(settings, store):
                await scada.until(lambda: host.read(scada.messages).is_born)

    (line,) = [one for one in caplog.records if "not believed" in one.getMessage()]
    assert line.levelno == logging.WARNING


async def test_a_bad_value_is_no_number_and_says_why(tmp_path: Path) -> None:
    """And an uncertain one has its value, but is not good."""
    with mosquitto(tmp_path) as broker:
        settings, host = edge_station(broker, tmp_path), StrictHost()
        async with subscriber(broker.port, ALL) as scada, edge_store(settings) as store, edge_node(settings, store):
            await scada.until(lambda: host.read(scada.messages).is_born)
            await append(store, [1])
            await scada.until(lambda: host.read(scada.messages).values("flow"))
            await store.append([now("flow", None, Quality.SENSOR_FAILURE, "wire break"), now("pressure", 4.0)])
            await store.append([now("flow", 3.0, Quality.RANGE_EXCEEDED, "beyond its range")])
            await scada.until(lambda: host.read(scada.messages).values("flow")[-1:] == [3.0])

    assert host.faults == []
    assert [(one.content, one.quality) for one in host.told["flow"]] == [(1.0, 192), (None, 0), (3.0, 500)]
    assert host.units == {"flow": "m3/h", "pressure": "bar", "valve": None}


async def test_figures_and_alarms_come_as_data_of_the_node_and_let_go_of_their_records(tmp_path: Path) -> None:
    """A pump that is no longer configured has none; and what has been told no longer waits for us on the disk."""
    with mosquitto(tmp_path) as broker:
        settings, host = edge_station(broker, tmp_path), StrictHost()
        async with subscriber(broker.port, ALL) as scada, edge_store(settings) as store:
            await store.record([figures("pump", "p1", head=31.5), figures("pump", "p9", head=12.0)])
            async with edge_node(settings, store):
                await scada.until(lambda: host.read(scada.messages).is_born)
                await store.record([figures("pump", "p1", head=30.5), figures("alarm_event", "", event="raised")])
                await scada.until(lambda: host.read(scada.messages).facts.get("pump/p1/head") == 30.5)
                while store.sink("sparkplug").records_place < 4:  # noqa: ASYNC110 - the broker's answer is on its way
                    await asyncio.sleep(0.01)

    assert host.faults == []
    assert host.verbs[:2] == ["NBIRTH", "NDATA"]
    assert "pump/p9/head" not in host.facts
    assert [(one.content, one.quality) for one in host.told["pump/p1/head"]] == [(31.5, 500), (30.5, 192)]


def figures(kind: Kind, key: str, **body: object) -> Record:
    """What a job has found just now."""
    return Record(kind, key, time.time_ns() // 1_000_000, json.dumps(body).encode())


async def test_a_life_has_a_number_of_its_own_while_the_disk_refuses(tmp_path: Path) -> None:
    """A store that cannot be opened holds readings in memory; without a number, deaths could not be told apart."""
    settings = StorageSettings(path=tmp_path / "nowhere.db")
    async with Store(settings, Held()) as store:
        lives = Lives(store)
        numbers = [await lives.begin(), await lives.begin()]

    assert numbers == [0, 1]


async def test_the_number_of_a_life_is_on_the_disk_before_it_is_used(tmp_path: Path) -> None:
    """A process that is killed right after it has connected must not live under that number again."""
    with mosquitto(tmp_path) as broker:
        settings, host = edge_station(broker, tmp_path), StrictHost()
        async with subscriber(broker.port, ALL) as scada, edge_store(settings) as store, edge_node(settings, store):
            await scada.until(lambda: host.read(scada.messages).lives)
            with closing(sqlite3.connect(settings.storage.path)) as db:
                (kept,) = db.execute("SELECT id FROM mark WHERE name = 'sparkplug bdSeq'").fetchone()

    assert kept == host.lives[0] == 0


async def test_the_number_of_a_life_goes_round(tmp_path: Path) -> None:
    """255 is followed by 0; hosts know no larger one."""
    with mosquitto(tmp_path) as broker:
        settings, host = edge_station(broker, tmp_path), StrictHost()
        async with subscriber(broker.port, ALL) as scada, edge_store(settings) as store:
            await store.write(lambda log: log.db.execute("INSERT INTO mark VALUES ('sparkplug bdSeq', 254)"))
            for count in (1, 2):
                async with edge_node(settings, store):
                    await scada.until(lambda count=count: len(host.read(scada.messages).lives) == count)  # type: ignore[misc]
            await scada.until(lambda: host.read(scada.messages).verbs.count("NDEATH") == 2)

    assert host.faults == []
    assert host.lives == [255, 0]
