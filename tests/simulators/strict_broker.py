"""What mosquitto does not do: keep clients to the receive maximum, and put several packets into one TLS record.

Speaks just enough MQTT 5 for one client that logs in, subscribes and publishes at QoS 1.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from enum import IntEnum
from ssl import SSLContext


class Kind(IntEnum):
    """What a packet is."""

    CONNECT = 1
    PUBLISH = 3
    SUBSCRIBE = 8
    DISCONNECT = 14


class StrictBroker:
    """Answers nothing until the client has sent all that it may, so that one message too many shows."""

    def __init__(self, receive_maximum: int, greetings: tuple[bytes, ...]) -> None:
        self._maximum = receive_maximum
        self._greetings = greetings
        self.port = 0
        self.most_in_flight = 0
        self._clients: set[asyncio.Task[None] | None] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client until it leaves."""
        self._clients.add(asyncio.current_task())
        waiting: list[bytes] = []  # packet ids without an answer
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                try:
                    async with asyncio.timeout(0.05):  # of silence: the client has sent all that it may
                        kind, body = await _packet(reader)
                except TimeoutError:
                    writer.write(b"".join(b"\x40\x02" + number for number in waiting))
                    waiting.clear()
                    continue
                match kind:
                    case Kind.CONNECT:
                        writer.write(b"\x20\x06\x00\x00\x03\x21" + self._maximum.to_bytes(2, "big"))
                    case Kind.PUBLISH:
                        topic_length = int.from_bytes(body[:2], "big")
                        waiting.append(body[2 + topic_length : 4 + topic_length])
                        self.most_in_flight = max(self.most_in_flight, len(waiting))
                    case Kind.SUBSCRIBE:
                        writer.write(b"\x90\x04" + body[:2] + b"\x00\x01" + b"".join(map(_publish, self._greetings)))
                    case Kind.DISCONNECT:
                        break
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async def ended(self) -> None:
        """Wait until every client has left."""
        await asyncio.gather(*filter(None, self._clients))


async def _packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Kind and body of the next packet, which is shorter than 128 bytes."""
    kind, length = await reader.readexactly(2)
    return kind >> 4, await reader.readexactly(length)


def _publish(payload: bytes) -> bytes:
    body = b"\x00\x01t\x00" + payload
    return bytes((0x30, len(body))) + body


@asynccontextmanager
async def strict_broker(
    *, receive_maximum: int = 100, greetings: tuple[bytes, ...] = (), tls: SSLContext | None = None
) -> AsyncIterator[StrictBroker]:
    """Serve on a free port.

    Args:
        receive_maximum: Messages the client may have unanswered.
        greetings: Payloads sent on the topic `t` in one piece with the answer to a subscription.
        tls: Of the server, where it speaks TLS.
    """
    broker = StrictBroker(receive_maximum, greetings)
    server = await asyncio.start_server(broker.serve, "127.0.0.1", 0, ssl=tls)
    async with server:
        broker.port = server.sockets[0].getsockname()[1]
        yield broker
        await broker.ended()
