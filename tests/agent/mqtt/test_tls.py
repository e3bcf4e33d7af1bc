"""Secured means refused when it cannot be secured."""

import asyncio
import ssl
from pathlib import Path

import pytest

from agent.mqtt.client import BrokerError, Client
from agent.mqtt.settings import MqttSettings
from tests.simulators.broker import Broker, mosquitto
from tests.simulators.strict_broker import strict_broker
from tests.simulators.tls_authority import Authority, Identity


def secured(authority: Authority, broker: Identity, *, asks_for_certificate: bool = False) -> tuple[str, ...]:
    """Options of a broker that speaks TLS only."""
    return (
        f"cafile {authority.cert}",
        f"certfile {broker.cert}",
        f"keyfile {broker.key}",
        f"require_certificate {str(asks_for_certificate).lower()}",
    )


def settings(broker: Broker, **tls: Path) -> MqttSettings:
    """Settings for a test's broker."""
    return MqttSettings(host=broker.host, port=broker.port, timeout=5, **tls)


async def test_messages_that_share_a_tls_record_are_all_read(tmp_path: Path) -> None:
    """Decrypted bytes wait inside the TLS layer, unseen by the loop, which would read the rest with the next packet."""
    authority = Authority(tmp_path / "ca")
    identity = authority.sign("broker")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(identity.cert, identity.key)
    taken: asyncio.Queue[bytes] = asyncio.Queue()
    async with strict_broker(greetings=(b"1", b"2", b"3"), tls=tls) as broker:
        secure = MqttSettings(host="127.0.0.1", port=broker.port, ca_file=authority.cert)
        async with Client(secure, "agent") as client:
            await client.subscribe("t", lambda message: taken.put_nowait(message.payload))
            async with asyncio.timeout(30):
                received = [await taken.get() for _ in range(3)]

    assert received == [b"1", b"2", b"3"]


async def test_a_thousand_messages_pass_through_tls(tmp_path: Path) -> None:
    """As they do in clear."""
    authority = Authority(tmp_path / "ca")
    with mosquitto(tmp_path / "broker", options=secured(authority, authority.sign("broker"))) as broker:
        async with Client(settings(broker, ca_file=authority.cert), "agent") as client:
            await asyncio.gather(*[await client.send("water/east/readings", b"x" * 1_000) for _ in range(1_000)])

            assert client.acknowledged == 1_000


async def test_the_agent_shows_its_certificate_where_the_broker_asks(tmp_path: Path) -> None:
    """Mutual TLS: with it we are let in, without it we are not."""
    authority = Authority(tmp_path / "ca")
    options = secured(authority, authority.sign("broker"), asks_for_certificate=True)
    agent = authority.sign("agent")
    with mosquitto(tmp_path / "broker", options=options) as broker:
        async with Client(
            settings(broker, ca_file=authority.cert, cert_file=agent.cert, key_file=agent.key), "agent"
        ) as client:
            await client.publish("water/east/readings", b"1")
        with pytest.raises(BrokerError, match="mqtts://"):
            async with Client(settings(broker, ca_file=authority.cert), "agent"):
                pass


async def test_a_broker_that_another_authority_has_signed_is_refused(tmp_path: Path) -> None:
    """Somebody else on the network may call himself the broker."""
    authority, stranger = Authority(tmp_path / "ca"), Authority(tmp_path / "stranger", "stranger")
    with (
        mosquitto(tmp_path / "broker", options=secured(stranger, stranger.sign("broker"))) as broker,
        pytest.raises(BrokerError, match=r"cannot be reached: .*certificate verify failed"),
    ):
        async with Client(settings(broker, ca_file=authority.cert), "agent"):
            pass


async def test_a_certificate_of_another_address_is_refused(tmp_path: Path) -> None:
    """The authority may have signed many machines; only one of them is the broker."""
    authority = Authority(tmp_path / "ca")
    with (
        mosquitto(tmp_path / "broker", options=secured(authority, authority.sign("other", "192.0.2.9"))) as broker,
        pytest.raises(BrokerError, match=r"certificate is not valid for '127\.0\.0\.1'"),
    ):
        async with Client(settings(broker, ca_file=authority.cert), "agent"):
            pass


async def test_a_broker_without_tls_is_refused_where_tls_is_set(tmp_path: Path) -> None:
    """Never a downgrade: a password would cross the network in clear."""
    authority = Authority(tmp_path / "ca")
    with mosquitto(tmp_path / "broker") as broker, pytest.raises(BrokerError, match=r"mqtts://.* cannot be reached"):
        async with Client(settings(broker, ca_file=authority.cert), "agent"):
            pass
