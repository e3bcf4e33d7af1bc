"""One connection to the broker, by paho on the event loop: a message is sent when the broker has said so."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack, suppress
from ssl import SSLSocket
from types import TracebackType
from typing import Final, NamedTuple, NoReturn, Self

from paho.mqtt.client import Client as Paho
from paho.mqtt.client import ConnectFlags
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from agent.mqtt.dial import Caller, Will, dial
from agent.mqtt.link import Link, Message
from agent.mqtt.settings import MqttSettings

IN_FLIGHT: Final = 64  # unanswered messages at most; the broker may want fewer
FAREWELL: Final = 2.0  # s, for saying the will
ROOM: Final = 64  # bytes of a PUBLISH packet besides topic and payload, at most
FAILURE: Final = 0x80  # reason codes from here on mean no
UNSUPPORTED_VERSION: Final = 0x84
LOGIN_CODES: Final = frozenset({0x86, 0x87, 0x8C})  # bad user name or password, not authorized, bad method


class BrokerError(Exception):
    """The broker is away, silent, or refuses us; the caller connects anew, later and later."""


class UnreachedError(BrokerError):
    """There is no way to the broker: it has not heard a word of us."""


class DeniedError(BrokerError):
    """The broker lives but refuses one topic; what was to be said there stays unsent."""

    def __init__(self, broker: object, topic: str, reason: object, remedy: str) -> None:
        super().__init__(f"{broker} refuses {topic} ({reason}); {remedy}")
        self.topic = topic


class Question(NamedTuple):
    """A message or subscription that the broker has not answered yet."""

    topic: str
    asked: float  # loop time, s
    answer: asyncio.Future[None]


class Client:
    """One connection; ``async with`` opens it, and what is lost is thrown away.

    A new paho client serves each connection, because a reused one delivers stale messages of its own queue later.
    What blocks runs on a thread (`dial`); from then on the loop drives it.

    Args:
        settings: The broker.
        client_id: Unique at the broker; a second connection of that name ends the first.
        will: What is said once this connection ends, in whatever way.
    """

    def __init__(self, settings: MqttSettings, client_id: str, will: Will | None = None) -> None:
        self._settings = settings
        self._client_id = client_id
        self._will = will
        self._paho: Caller | None = None
        self._link: Link | None = None
        self._questions: dict[int, Question] = {}  # by packet id, oldest first
        self._handler: Callable[[Message], None] | None = None
        self._slots = asyncio.Semaphore(IN_FLIGHT)
        self._trouble: str | None = None  # why the connection is over
        self._ended = asyncio.Event()
        self._largest: int | None = None  # bytes of a packet that the broker takes
        self._is_wanted = True
        self.acknowledged = 0  # messages that the broker has taken

    def __str__(self) -> str:
        scheme = "mqtts" if self._settings.ca_file else "mqtt"
        return f"{scheme}://{self._settings.host}:{self._settings.port}"

    async def __aenter__(self) -> Self:
        """Connect and log in.

        Raises:
            UnreachedError: It cannot be reached.
            BrokerError: It does not answer, or refuses.
        """
        self._loop = asyncio.get_running_loop()
        self._welcome: asyncio.Future[None] = self._loop.create_future()
        with ExitStack() as undo:
            undo.callback(self._give_up)
            try:
                async with asyncio.timeout(self._settings.timeout):
                    self._attach(await self._loop.run_in_executor(None, self._dial))
                    await self._welcome
            except TimeoutError as error:
                kind = UnreachedError if error.__cause__ is None else BrokerError  # TCP's own has no cause, ours has
                raise kind(f"{self} does not answer within {self._settings.timeout:g} s") from error
            except (OSError, ValueError) as error:
                kind = UnreachedError if self._paho is None else BrokerError
                raise kind(f"{self} cannot be reached: {error}") from error
            undo.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Say the will and leave; a dead connection is only closed."""
        try:
            if self._will is not None and self._trouble is None:
                with suppress(BrokerError, TimeoutError):
                    async with asyncio.timeout(FAREWELL):
                        await self.publish(self._will.topic, self._will.last_word(), retain=self._will.is_retained)
        finally:
            if self._link is not None:
                self._link.farewell()
                self._link.close()
            self._lose("was left")

    @property
    def certificate(self) -> bytes | None:
        """What the broker has shown to be trusted by, DER; None without TLS."""
        connection = self._paho.socket() if self._paho is not None else None
        return connection.getpeercert(binary_form=True) if isinstance(connection, SSLSocket) else None

    async def ended(self) -> NoReturn:
        """Wait for the connection's end.

        Raises:
            BrokerError: Why it ended.
        """
        await self._ended.wait()
        raise BrokerError(self._trouble)

    def takes(self, topic: str, payload: bytes) -> bool:
        """Whether a message is not larger than the broker's limit of a packet, if it has said one."""
        return self._largest is None or len(payload) + len(topic.encode()) + ROOM <= self._largest

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Send one message, QoS 1; returns when the broker has it.

        Raises:
            DeniedError: The broker refuses this topic.
            BrokerError: The connection is lost; whether the broker has the message is not known.
        """
        await (await self.send(topic, payload, retain=retain))

    async def send(self, topic: str, payload: bytes, *, retain: bool = False) -> asyncio.Future[None]:
        """Send one message as soon as few enough are unanswered; the future is the broker's answer.

        Messages arrive in the order of these calls. Futures that nobody awaits keep silent.

        Raises:
            DeniedError: It is larger than the broker takes.
            BrokerError: The connection is lost.
        """
        if not self.takes(topic, payload):
            raise DeniedError(self, topic, f"{len(payload)} bytes", "raise the broker's limit of a packet")
        paho = await self._turn()
        return self._ask(topic, paho.publish(topic, payload, qos=1, retain=retain).mid)

    def post(self, topic: str, payload: bytes) -> None:
        """Send one message at once, QoS 0, which nobody answers; `passed` tells that the broker has it.

        Raises:
            BrokerError: The connection is lost.
        """
        if self._trouble is not None or self._paho is None:
            raise BrokerError(self._trouble)
        self._paho.publish(topic, payload, qos=0)

    async def passed(self) -> asyncio.Future[None]:
        """A future that is the broker's answer once it has read all that was sent before this call.

        It is asked to end a subscription that there is not: that changes nothing, and MQTT has it answered.

        Raises:
            BrokerError: The connection is lost.
        """
        paho = await self._turn()
        return self._ask("what was posted", paho.unsubscribe("pump-agent/nothing")[1] or 0)

    async def subscribe(self, topics: str, handler: Callable[[Message], None], *, wants_kept: bool = False) -> None:
        """Hand every message on *topics* to *handler*, which neither raises nor blocks, and gets those of all topics.

        Where it *wants_kept* ones, the broker sends what it has retained; under 3.1.1 it does so in any case.

        Raises:
            DeniedError: The broker refuses the subscription.
            BrokerError: The connection is lost.
        """
        paho = await self._turn()
        self._handler = handler
        if self._settings.version == "5":
            kept = SubscribeOptions.RETAIN_SEND_ON_SUBSCRIBE if wants_kept else SubscribeOptions.RETAIN_DO_NOT_SEND
            _, mid = paho.subscribe(topics, options=SubscribeOptions(qos=1, retainHandling=kept))
        else:
            _, mid = paho.subscribe(topics, qos=1)
        await self._ask(topics, mid or 0)

    async def _turn(self) -> Caller:
        """Wait until few enough questions are open."""
        await self._slots.acquire()
        if self._trouble is not None or self._paho is None:
            self._slots.release()  # for the next who waits
            raise BrokerError(self._trouble)
        return self._paho

    def _ask(self, topic: str, packet_id: int) -> asyncio.Future[None]:
        question = Question(topic, self._loop.time(), self._loop.create_future())
        self._questions[packet_id] = question
        return question.answer

    def _answer(self, packet_id: int, reason: ReasonCode | None = None) -> None:
        question = self._questions.pop(packet_id, None)
        if question is None:
            return
        self._slots.release()
        if reason is not None and reason.value >= FAILURE:
            remedy = f"allow {self._settings.user or 'us'} to use it in the broker's access list"
            _fail(question.answer, DeniedError(self, question.topic, reason, remedy))
        elif not question.answer.done():
            question.answer.set_result(None)

    def _dial(self) -> Caller:
        """Connect, on a thread; whoever waits for it may have left meanwhile."""
        self._paho = dial(self._settings, self._client_id, self._will)
        if not self._is_wanted:
            self._hang_up()
        return self._paho

    def _hang_up(self) -> None:
        """Close the socket, also one that no link watches yet."""
        if self._link is not None:
            self._link.close()
        elif self._paho is not None and (connection := self._paho.socket()) is not None:
            connection.close()

    def _attach(self, paho: Caller) -> None:
        paho.on_connect = self._on_connect
        paho.on_publish = self._on_publish
        paho.on_subscribe = lambda _paho, _userdata, mid, reasons, _properties: self._answer(mid, reasons[0])
        paho.on_unsubscribe = lambda _paho, _userdata, mid, _reasons, _properties: self._answer(mid)
        self._link = Link(paho, lost=self._lose, overdue=self._overdue, took=self._take)

    def _give_up(self) -> None:
        self._is_wanted = False
        self._lose("was given up")
        self._hang_up()

    def _lose(self, reason: str) -> None:
        """Everybody who waits for the broker learns that it is gone."""
        if self._trouble is not None:
            return
        self._trouble = f"{self} {reason}"
        _fail(self._welcome, BrokerError(self._trouble))
        for question in self._questions.values():
            _fail(question.answer, BrokerError(self._trouble))
        self._questions.clear()
        self._slots.release()
        self._ended.set()

    def _overdue(self) -> str | None:
        oldest = next(iter(self._questions.values()), None)
        if oldest is None or self._loop.time() - oldest.asked < self._settings.timeout:
            return None
        return f"has not acknowledged {oldest.topic} within {self._settings.timeout:g} s"

    def _take(self, message: Message) -> None:
        if self._handler is not None:
            self._handler(message)

    def _on_connect(
        self, _paho: Paho, _userdata: object, _flags: ConnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        if reason.value >= FAILURE:
            _fail(self._welcome, BrokerError(f"{self} refuses us ({reason}){self._remedy(reason.value)}"))
            return
        self._largest = getattr(properties, "MaximumPacketSize", None)
        self._slots = asyncio.Semaphore(min(IN_FLIGHT, getattr(properties, "ReceiveMaximum", IN_FLIGHT)))
        if not self._welcome.done():
            self._welcome.set_result(None)

    def _remedy(self, code: int) -> str:
        if code in LOGIN_CODES:
            return f"; see user {self._settings.user!r} and password_file of [mqtt]"
        return '; set version = "3.1.1" in [mqtt]' if code == UNSUPPORTED_VERSION else ""

    def _on_publish(self, _paho: Paho, _userdata: object, mid: int, reason: ReasonCode, _properties: object) -> None:
        self.acknowledged += reason.value < FAILURE
        self._answer(mid, reason)


def _fail(answer: asyncio.Future[None], error: BrokerError) -> None:
    if not answer.done():
        answer.set_exception(error)
        answer.exception()  # seen: nobody need await it
