"""How a connection begins: files, name lookup, TCP, TLS and CONNECT; everything that blocks, for a thread to do."""

import ssl
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final, NamedTuple

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from agent.mqtt.settings import MqttSettings

LARGEST_PACKET: Final = 16_384  # bytes we take: acknowledgements, and commands of 4 KB
PATIENCE: Final = 0.8  # of the time for a whole login, for TCP: so that it is known whether anybody has heard us
HEAD: Final = 66_000  # bytes of a giant that are kept, for the longest topic and its packet id


class Will(NamedTuple):
    """What is said when a connection ends: by the broker where we vanish, by ourselves where we leave."""

    topic: str
    payload: bytes
    is_retained: bool
    ours: Callable[[], bytes] | None = (
        None  # what we say where that is not what the broker has been given: of that time
    )

    def last_word(self) -> bytes:
        """What we say ourselves."""
        return self.payload if self.ours is None else self.ours()


class Caller(Client):
    """A paho client that keeps of a packet which is larger than we take no more than who it is for.

    MQTT 5 brokers keep giants from us; 3.1.1 has no word for it, and paho would gather one in memory. To leave would be
    no way out: a giant that the broker retains comes again with each subscription.
    """

    @property
    def giant(self) -> int | None:
        """Bytes of the packet that is being read, where it is larger than we take; its payload is not all there."""
        size = self._in_packet["remaining_length"]
        return size if size > LARGEST_PACKET else None

    def _sock_recv(self, bufsize: int) -> bytes:
        data = super()._sock_recv(min(bufsize, LARGEST_PACKET))
        del self._in_packet["packet"][HEAD:]
        return data


def dial(settings: MqttSettings, client_id: str, will: Will | None) -> Caller:
    """Connect and send CONNECT; the broker's answer is not read yet.

    Args:
        settings: The broker.
        client_id: As the broker knows us.
        will: What the broker says when we vanish.

    Raises:
        OSError: A file cannot be read, the name is unknown, nobody listens, or TLS does not trust what it sees.
        ValueError: The address is none.
    """
    client = Caller(
        CallbackAPIVersion.VERSION2,
        client_id,
        protocol=MQTTProtocolVersion.MQTTv5 if settings.version == "5" else MQTTProtocolVersion.MQTTv311,
        reconnect_on_failure=False,
    )
    client.connect_timeout = PATIENCE * settings.timeout
    client.max_inflight_messages_set(65_535)  # ours is the bound; paho would queue silently
    if settings.user is not None:
        client.username_pw_set(settings.user, _password(settings.password_file))
    if settings.ca_file is not None:
        client.tls_set_context(tls(settings, settings.ca_file))
    if will is not None:
        client.will_set(will.topic, will.payload, qos=1, retain=will.is_retained)
    client.connect(settings.host, settings.port, settings.keepalive, properties=_properties(settings))
    return client


def _properties(settings: MqttSettings) -> Properties | None:
    if settings.version != "5":
        return None
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.MaximumPacketSize = LARGEST_PACKET  # the broker drops what is larger
    return properties


def _password(file: Path | None) -> str | None:
    """The first line of *file*; editors end it with a newline that is not part of the password."""
    return None if file is None else file.read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")


class _Handshaking(ssl.SSLSocket):
    """Closes itself where the other side is not to be trusted; paho would leave it open."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - as it is overridden
        """Agree on keys, or close.

        Raises:
            OSError: They do not agree.
        """
        with ExitStack() as undo:
            undo.callback(self.close)
            super().do_handshake(block)
            undo.pop_all()


def tls(settings: MqttSettings, ca_file: Path) -> ssl.SSLContext:
    """Whom a connection trusts and what it shows, of the files as they are now.

    Raises:
        OSError: A file cannot be read or is not what it should be.
    """
    context = ssl.create_default_context(cafile=str(ca_file))  # verifies chain and host name
    context.sslsocket_class = _Handshaking
    if settings.cert_file is not None:  # of an encrypted key, OpenSSL would ask the terminal for its password
        context.load_cert_chain(settings.cert_file, settings.key_file, password="")
    return context
