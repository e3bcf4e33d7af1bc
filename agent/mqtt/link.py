"""A dialled paho client, driven by the event loop until it is lost or closed."""

import asyncio
import logging
from collections.abc import Callable
from ssl import SSLSocket
from typing import Final, NamedTuple

from paho.mqtt.client import Client, DisconnectFlags, MQTTMessage
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from agent.mqtt.dial import LARGEST_PACKET, Caller

log = logging.getLogger(__name__)

SILENCE: Final = 1.5  # keepalives without a byte from the broker, after which the link is dead
TICK: Final = 0.5  # s, between two looks at the clock
MESSAGES_A_TICK: Final = 25  # taken from the broker; a flood waits in its queue, not in our memory
NAME: Final = 120  # characters of a topic from outside that are repeated in the log


class Message(NamedTuple):
    """What the broker has sent us."""

    topic: str
    payload: bytes
    is_old: bool  # the broker had kept it (retained) from before we subscribed


class Link:
    """Reads, writes and watches one socket for paho.

    Args:
        paho: Dialled, its answer not read yet.
        lost: Called once with a sentence's end when the link is over without `close`.
        overdue: Asked twice a second; a sentence's end where the broker owes an answer for too long.
        took: Gets every message; neither raises nor blocks.
    """

    def __init__(
        self,
        paho: Caller,
        *,
        lost: Callable[[str], None],
        overdue: Callable[[], str | None],
        took: Callable[[Message], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._paho = paho
        self._lost = lost
        self._overdue = overdue
        self._took = took
        self._heard = self._loop.time()
        self._messages = 0  # since the last tick
        self._has_met_giant = False
        connection = paho.socket()
        if connection is None:
            raise ConnectionError("closed at once")
        self._connection = connection
        self._number = connection.fileno()
        self._is_open = True
        paho.on_disconnect = self._on_disconnect
        paho.on_message = self._on_message
        paho.on_socket_close = lambda *_: self._detach()
        paho.on_socket_register_write = lambda *_: self._loop.add_writer(self._number, self._write)
        paho.on_socket_unregister_write = self._on_written
        self._loop.add_reader(self._number, self._read)
        if paho.want_write():
            self._loop.add_writer(self._number, self._write)
        self._timer = self._loop.call_later(TICK, self._tick)

    def farewell(self) -> None:
        """Send DISCONNECT, so that the broker forgets the last will."""
        if self._is_open:
            self._paho.disconnect()
            self._paho.loop_write()

    def close(self) -> None:
        """Close the socket; nothing is called any more."""
        if self._is_open:
            self._detach()
            self._connection.close()

    def _detach(self) -> None:
        if self._is_open:
            self._is_open = False
            self._timer.cancel()
            self._loop.remove_reader(self._number)
            self._loop.remove_writer(self._number)

    def _end(self, reason: str) -> None:
        self.close()
        self._lost(reason)

    def _write(self) -> None:
        self._paho.loop_write()

    def _on_written(self, *_: object) -> None:
        self._loop.remove_writer(self._number)

    def _read(self) -> None:
        self._heard = self._loop.time()
        self._paho.loop_read()
        while self._is_open and isinstance(self._connection, SSLSocket) and self._connection.pending():
            self._paho.loop_read()  # decrypted already, so the loop sees nothing to read

    def _tick(self) -> None:
        self._timer = self._loop.call_later(TICK, self._tick)
        if self._messages > MESSAGES_A_TICK:
            self._loop.add_reader(self._number, self._read)
        self._messages = 0
        self._paho.loop_misc()
        silence = self._loop.time() - self._heard
        if self._is_open and silence > SILENCE * self._paho.keepalive:
            self._end(f"has been silent for {silence:.0f} s")
        elif self._is_open and (reason := self._overdue()):
            self._end(reason)

    def _on_message(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        self._messages += 1
        if self._messages > MESSAGES_A_TICK and self._is_open:
            self._loop.remove_reader(self._number)  # until the next tick
        if self._paho.giant is None:
            self._took(Message(message.topic, bytes(message.payload), message.retain))
        elif not self._has_met_giant:
            self._has_met_giant = True
            remedy = "; clear it on the broker by an empty retained message" if message.retain else ""
            log.warning(
                "broker: a message of %s bytes on %r is passed over, we take %s%s",
                *(f"{self._paho.giant:,}", message.topic[:NAME], f"{LARGEST_PACKET:,}", remedy),
            )

    def _on_disconnect(
        self,
        _client: Client,
        _userdata: object,
        flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self._detach()
        if flags.is_disconnect_packet_from_server:
            self._lost(f"ended the connection ({reason})")
        else:
            self._lost("closed the connection")
