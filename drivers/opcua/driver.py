"""OPC UA: the values of a server's nodes, reported by it or asked for; thrown away when it fails."""

import logging
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Protocol, Self

from asyncua import ua
from asyncua.ua.status_codes import StatusCodes
from asyncua.ua.uaerrors import UaStatusCodeError

from drivers.evidence import Evidence, Request
from drivers.opcua.items import Item
from drivers.opcua.polling import Polling
from drivers.opcua.session import Session
from drivers.opcua.settings import OpcuaSettings
from drivers.opcua.subscribing import LOOKS_BETWEEN_REVIEWS, Subscribing
from drivers.reading import Quality, Reading

log = logging.getLogger(__name__)

LOOK_PERIOD = 1.0  # s, between two looks at some hundred nodes each; every tenth is at the server's certificate too
NO_SUBSCRIPTIONS = (
    StatusCodes.BadServiceUnsupported,
    StatusCodes.BadNotImplemented,
    StatusCodes.BadNotSupported,
    StatusCodes.BadTooManySubscriptions,
    StatusCodes.BadSubscriptionIdInvalid,
)


class Source(Protocol):
    """How values come: by themselves, or when asked for."""

    async def open(self) -> None:
        """Prepare, and find out whether the server can do it."""

    async def read(self, tick: int) -> list[Reading]:
        """What is new, and for the rest of what is due at *tick*, that it still stands.

        Raises:
            DriverError: It cannot be had.
        """


class OpcuaDriver:
    """One OPC UA server.

    Each period every tag has a reading: what the server reported, stamped with its source's time, or that the
    last value still stands.

    Args:
        settings: The server and its tags.
        look_period: s, between two looks at some hundred nodes; ten times that until a missing one is sought again.
    """

    def __init__(self, settings: OpcuaSettings, *, look_period: float = LOOK_PERIOD) -> None:
        self._settings = settings
        self._look_period = look_period
        ahead, behind = settings.source_ahead, settings.source_behind
        self._items = [
            Item(tag, max(1, round((tag.period or 0) / settings.period)), ahead=ahead, behind=behind)
            for tag in settings.tags
        ]

    def __str__(self) -> str:
        return self._settings.url

    async def __aenter__(self) -> Self:
        """Connect, subscribe if that is how, and ask for every value once.

        Raises:
            UnreachableError: Nobody answers.
            RefusedError: A person must see to a certificate, the security or the login.
        """
        async with AsyncExitStack() as stack:
            self._session = await stack.enter_async_context(Session(self._settings))
            with self._session.translated():
                self._source = await self._opened()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Say goodbye, within the timeout of one answer."""
        await self._stack.aclose()

    async def read(self, tick: int) -> list[Reading]:
        """What is new, and for the rest of what is due, that it still stands.

        Raises:
            UnreachableError: The connection is lost, or the server has stopped reporting.
            RefusedError: The server's certificate has expired, or is no longer trusted.
        """
        self._session.check()
        with self._session.translated():
            return await self._source.read(tick)

    def warning(self) -> str | None:
        """What will stop this before long: a certificate that ends."""
        return self._session.warning()

    def evidence(self) -> Evidence:
        """What the server said last of each node; requests only where it is polled."""
        raw = {item.tag.name: item.latest.raw for item in self._items if item.latest and not item.fault}
        if not isinstance(self._source, Polling):
            return Evidence(raw, ())
        return Evidence(raw, (Request(f"{len(raw)} nodes", self._settings.period, self._source.took),))

    def unavailable(self, ts_ms: int, reason: str) -> list[Reading]:
        """Every tag as a bad reading."""
        return [Reading(tag.name, ts_ms, None, Quality.NOT_CONNECTED, reason) for tag in self._settings.tags]

    async def _opened(self) -> Source:
        polling = Polling(self._session, self._items, LOOKS_BETWEEN_REVIEWS * self._look_period)
        if self._settings.mode == "subscribe":
            subscribing = Subscribing(self._session, self._items, self._settings, self._look_period)
            try:
                await subscribing.open()
            except UaStatusCodeError as error:
                if error.code not in NO_SUBSCRIPTIONS:
                    raise
                log.warning("%s has no subscriptions (%s) and is polled", self, ua.StatusCode(error.code).name)
            else:
                return subscribing
        await polling.open()
        return polling
