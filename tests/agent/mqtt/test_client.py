"""What a connection to the broker promises."""

import asyncio
import gc
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from agent.mqtt.client import BrokerError, Client, DeniedError, UnreachedError
from agent.mqtt.dial import HEAD, LARGEST_PACKET, Will, dial
from agent.mqtt.settings import MqttSettings
from tests.simulators.broker import Broker, mosquitto
from tests.simulators.strict_broker import strict_broker
from tests.simulators.subscriber import subscriber

OFFLINE = Will("water/east/status", b"offline", is_retained=True)
ACL = "topic read #\ntopic write water/east/status\ntopic write water/east/readings\n"


def settings(broker: Broker, **changes: object) -> MqttSettings:
    """Settings for a test's broker."""
    return MqttSettings.model_validate(
        {"host": broker.host, "port": broker.port, "timeout": 5, "keepalive": 5} | changes
    )


@pytest.mark.parametrize("version", ["5", "3.1.1"])
async def test_a_message_is_with_the_broker_when_publish_returns(tmp_path: Path, version: str) -> None:
    """A row is struck off on the broker's word; a retained message proves that it had it."""
    with mosquitto(tmp_path) as broker:
        async with Client(settings(broker, version=version), "agent") as client:
            await client.publish("water/east/tag/flow", b"1", retain=True)

        async with subscriber(broker.port, "water/#") as scada:
            received = await scada.on_topic("water/east/tag/flow")

    assert [message[:3] for message in received] == [("water/east/tag/flow", b"1", True)]


async def test_messages_arrive_in_the_order_of_sending(tmp_path: Path) -> None:
    """1,000 messages are more than may be in flight; waiting for a turn does not reorder them."""
    expected = [b"%d" % number for number in range(1_000)]
    with mosquitto(tmp_path) as broker:
        async with subscriber(broker.port, "water/#") as scada, Client(settings(broker), "agent") as client:
            answers = [await client.send("water/east/readings", payload) for payload in expected]
            await asyncio.gather(*answers)
            received = await scada.on_topic("water/east/readings", 1_000)

    assert [message.payload for message in received] == expected


async def test_a_denied_message_is_never_taken_as_sent(tmp_path: Path) -> None:
    """Under MQTT 5 the broker acknowledges it with a reason code of 0x87, which is an answer and not a success."""
    with mosquitto(tmp_path, acl=ACL) as broker:
        async with Client(settings(broker), "agent") as client:
            with pytest.raises(DeniedError, match=r"water/east/history .*Not authorized.*access list") as caught:
                await client.publish("water/east/history", b"1")
            await client.publish("water/east/readings", b"1")  # the connection lives on

    assert caught.value.topic == "water/east/history"


async def test_the_last_will_says_offline_when_the_agent_vanishes(tmp_path: Path) -> None:
    """Killed or cut off, the agent cannot say so itself; the broker does."""
    with mosquitto(tmp_path) as broker:
        async with subscriber(broker.port, "water/#") as scada:
            async with Client(settings(broker), "agent", OFFLINE) as client:
                await client.publish("water/east/status", b"online", retain=True)
                async with Client(settings(broker), "agent"):  # of the same name, which ends the first
                    with pytest.raises(BrokerError, match=r"closed the connection|Session taken over"):
                        await client.ended()
            received = await scada.on_topic("water/east/status", 2)

    assert [message.payload for message in received] == [b"online", b"offline"]


async def test_a_polite_end_says_offline_and_nothing_twice(tmp_path: Path) -> None:
    """The agent says offline itself and then leaves with DISCONNECT, so the last will stays unsaid."""
    with mosquitto(tmp_path) as broker:
        async with subscriber(broker.port, "water/#") as scada:
            async with Client(settings(broker), "agent", OFFLINE):
                pass
            scada.say("water/end", b"")
            await scada.on_topic("water/end")

    assert [message.payload for message in scada.on("water/east/status")] == [b"offline"]


@pytest.mark.parametrize("version", ["5", "3.1.1"])
async def test_a_refused_login_names_the_user_and_never_the_password(tmp_path: Path, version: str) -> None:
    """A person must act, and the log is read by others."""
    password = tmp_path / "password"
    password.write_text("not-the-secret\n")
    with mosquitto(tmp_path / "broker", login=("pump", "secret")) as broker:
        wrong = settings(broker, version=version, user="pump", password_file=password)
        with pytest.raises(BrokerError, match=r"refuses us .* user 'pump' and password_file") as caught:
            async with Client(wrong, "agent"):
                pass
        password.write_text("secret\n")
        async with Client(wrong, "agent") as client:
            await client.publish("water/east/readings", b"1")

    assert "not-the-secret" not in str(caught.value)


async def test_nobody_listening_is_said_in_one_sentence(tmp_path: Path) -> None:
    """The broker is often started after the agent."""
    with mosquitto(tmp_path) as broker:
        broker.kill()
        with pytest.raises(UnreachedError, match=rf"mqtt://127.0.0.1:{broker.port} cannot be reached: .*refused"):
            async with Client(settings(broker), "agent"):
                pass


async def test_a_host_that_drops_packets_has_not_been_reached() -> None:
    """A firewall does so, or a computer that is off: TCP's own timeout is no answer of a broker. Waits that timeout."""
    with ExitStack() as stack:
        deaf = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        place = deaf.getsockname()
        for _ in range(4):  # nobody accepts them: whoever comes next is not answered
            caller = stack.enter_context(socket.socket())
            caller.settimeout(0)
            caller.connect_ex(place)
        with pytest.raises(UnreachedError, match=r"does not answer within 0\.5 s"):
            async with Client(MqttSettings(host=place[0], port=place[1], timeout=0.5), "agent"):
                pass


async def test_a_frozen_broker_does_not_hold_up_the_login(tmp_path: Path) -> None:
    """The kernel accepts connections for a frozen process; only the timeout notices. Waits that timeout."""
    with mosquitto(tmp_path) as broker:
        broker.freeze()
        with pytest.raises(BrokerError, match=r"does not answer within 0\.5 s") as caught:
            async with Client(settings(broker, timeout=0.5), "agent"):
                pass

    assert not isinstance(caught.value, UnreachedError)  # it may have heard us


async def test_a_frozen_broker_is_noticed_by_an_unanswered_message(tmp_path: Path) -> None:
    """A half-open link takes bytes for ever. Waits the timeout."""
    with mosquitto(tmp_path) as broker:
        async with Client(settings(broker, timeout=1), "agent") as client:
            broker.freeze()
            with pytest.raises(BrokerError, match="has not acknowledged water/east/readings within 1 s"):
                await client.publish("water/east/readings", b"1")
            with pytest.raises(BrokerError, match="has not acknowledged"):
                await client.publish("water/east/readings", b"2")


async def test_a_frozen_broker_is_noticed_when_there_is_nothing_to_say(tmp_path: Path) -> None:
    """A station may be quiet for long; pings find out within one and a half keepalives. Waits them."""
    with mosquitto(tmp_path) as broker:
        async with Client(settings(broker, keepalive=2, timeout=60), "agent") as client:
            broker.freeze()
            async with asyncio.timeout(5):
                with pytest.raises(BrokerError, match="has been silent for 3 s"):
                    await client.ended()


async def test_a_quiet_broker_is_not_taken_for_a_dead_one(tmp_path: Path) -> None:
    """Pings keep an idle connection. Waits two keepalives."""
    with mosquitto(tmp_path) as broker:
        async with Client(settings(broker, keepalive=2), "agent") as client:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(4):
                    await client.ended()
            await client.publish("water/east/readings", b"1")


async def test_everyone_waiting_learns_of_a_killed_broker(tmp_path: Path) -> None:
    """Also those who wait for their turn: none may hang for ever."""
    with mosquitto(tmp_path) as broker:
        async with Client(settings(broker), "agent") as client:
            broker.freeze()
            tasks = [asyncio.create_task(client.publish("water/east/readings", b"1")) for _ in range(200)]
            await asyncio.sleep(0)
            broker.kill()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)

    assert {type(outcome) for outcome in outcomes} == {BrokerError}


async def test_a_cancelled_message_gives_its_turn_back(tmp_path: Path) -> None:
    """Otherwise 64 cancellations would end all sending."""
    with mosquitto(tmp_path) as broker:
        async with Client(settings(broker), "agent") as client:
            for _ in range(100):
                task = asyncio.create_task(client.publish("water/east/readings", b"1"))
                await asyncio.sleep(0)
                task.cancel()
            async with asyncio.timeout(30):
                await client.publish("water/east/readings", b"2")


async def test_a_cancelled_login_leaves_nothing_behind(tmp_path: Path) -> None:
    """The thread that dials may finish later; its socket is closed (an unclosed one fails the build)."""
    with mosquitto(tmp_path) as broker:

        async def come_and_stay(name: str) -> None:
            async with Client(settings(broker), name) as client:
                await client.ended()

        for turns in range(20):
            task = asyncio.create_task(come_and_stay(f"agent-{turns}"))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait({task}, timeout=5)
            assert task.cancelled()
        gc.collect()


async def test_a_message_larger_than_the_broker_takes_is_refused_before_it_ends_the_connection(tmp_path: Path) -> None:
    """A broker hangs up on an oversized packet, and would again and again."""
    with mosquitto(tmp_path, options=("max_packet_size 1000",)) as broker:
        async with Client(settings(broker), "agent") as client:
            with pytest.raises(DeniedError, match="2000 bytes"):
                await client.publish("water/east/readings", b"x" * 2_000)
            await client.publish("water/east/readings", b"x" * 900)


@pytest.mark.parametrize("topic", ["water/east/giant", "t" * 65_535])
async def test_of_a_giant_no_more_is_kept_than_who_it_is_for(tmp_path: Path, topic: str) -> None:
    """30 MB would be kept whole by paho; the next message on the same connection is whole."""
    met: list[tuple[str, int, bool]] = []
    with mosquitto(tmp_path) as broker:
        async with subscriber(broker.port, "nothing") as scada:
            caller = await asyncio.to_thread(dial, settings(broker, version="3.1.1"), "agent", None)
            caller.on_message = lambda *said: met.append((said[2].topic, len(said[2].payload), caller.giant is None))
            caller.loop()  # the broker's welcome
            caller.subscribe("#", qos=1)
            caller.loop()
            scada.say(topic, b"x" * 30_000_000)
            scada.say("after", b"1")
            while len(met) < 2:
                await asyncio.to_thread(caller.loop, 0.1)
            caller.disconnect()

    assert met[0][0] == topic
    assert met[0][1] <= HEAD + LARGEST_PACKET
    assert not met[0][2]
    assert met[1] == ("after", 1, True)


async def test_a_broker_that_takes_little_at_once_is_not_overrun() -> None:
    """Its receive maximum is a limit of the protocol; exceeding it ends the connection. Waits for slow answers."""
    async with strict_broker(receive_maximum=2) as broker:
        little = MqttSettings(host="127.0.0.1", port=broker.port)
        async with Client(little, "agent") as client:
            await asyncio.gather(*[await client.send("t", b"1") for _ in range(10)])

    assert broker.most_in_flight == 2
