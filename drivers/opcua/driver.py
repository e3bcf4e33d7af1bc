"""OPC UA: a subscription, watched by a slow look at the same nodes; thrown away when it fails."""

import asyncio
import logging
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import islice
from types import TracebackType
from typing import Self

from asyncua import ua
from asyncua.client.client import Client
from asyncua.client.ua_client import UaClientState
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.uaerrors import UaError, UaStatusCodeError

from drivers.opcua.items import Item, Sample
from drivers.opcua.settings import OpcuaSettings
from drivers.reading import Quality, Reading, RefusedError, UnreachableError, now_ms

log = logging.getLogger(__name__)

LOOK_PERIOD = 30.0  # s, between two looks at all nodes
SIGN_OF_LIFE = 1.0  # s, how often the server is asked to say that nothing changed
LIFETIME = 60.0  # s, after which a server forgets us if we are gone
MOST_REPORTS = 200  # in one message: 1,000 would hold the loop for a tenth of a second
MOST_NODES = 200  # in one request
QUEUE = 10  # values a server keeps of a node between two messages
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LOGIN_REFUSED = ("BadUserAccessDenied", "BadIdentity", "BadSecurity", "BadCertificate")


class OpcuaDriver:
    """One OPC UA server, reporting changes by itself.

    Each period every tag has a reading: what the server reported, stamped with its source's time, or that the
    last value still stands, for which a living subscription is the proof.

    Args:
        settings: The server and its tags.
        look_period: s, between two looks at all nodes; a third of it while one of them is missing.
    """

    def __init__(self, settings: OpcuaSettings, *, look_period: float = LOOK_PERIOD) -> None:
        self._settings = settings
        self._look_period = look_period
        self._items = [Item(tag, max(1, round((tag.period or 0) / settings.period))) for tag in settings.tags]
        self._nodes: dict[Item, ua.NodeId] = {}
        self._reporting: dict[int, Item] = {}  # by client handle
        self._handles = iter(range(1, 2**31))
        self._published: list[tuple[int, ua.PublishResult]] = []  # with our time of arrival, ms
        self._suspects: dict[Item, int] = {}  # that differ from their last report, with its number

    def __str__(self) -> str:
        return re.sub("//[^@/]*@", "//", self._settings.url)

    async def __aenter__(self) -> Self:
        """Connect, subscribe, and ask for every value once.

        Raises:
            UnreachableError: Nobody answers.
            RefusedError: The server wants security, or another user.
        """
        # What it would say, our readings and errors say, once.
        logging.getLogger("asyncua").setLevel(logging.CRITICAL + 1)
        self._client = self._new_client()
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._close)
            with self._translated():
                await self._client.connect()
                await self._subscribe()
                await self._look(seed=True)
            stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Say goodbye, within the timeout of one answer."""
        await self._close()

    async def read(self, tick: int) -> list[Reading]:
        """What was reported, and for the rest of what is due, that it still stands.

        Raises:
            UnreachableError: The connection is lost, or the subscription died.
        """
        if self._client.state is not UaClientState.CONNECTED:
            raise UnreachableError(f"{self} closed the connection or stopped answering")
        self._digest()
        if time.monotonic() >= self._look_due:
            with self._translated():
                await self._look()
            self._digest()
        silence = time.monotonic() - self._heard
        if silence > 2 * self._patience:
            raise UnreachableError(f"{self} has sent no keep-alive for {silence:.0f} s")
        trouble = None
        if silence > self._patience:
            trouble = Quality.COMM_FAILURE, f"no keep-alive from {self} for {silence:.0f} s"
        now = now_ms()
        return [r for item in self._items for r in item.readings(tick, self._heard_ms, now, trouble)]

    def unavailable(self, ts_ms: int, reason: str) -> list[Reading]:
        """Every tag as a bad reading."""
        return [Reading(tag.name, ts_ms, None, Quality.NOT_CONNECTED, reason) for tag in self._settings.tags]

    def _new_client(self) -> Client:
        """A client that probes the server now and then, and reconnects nothing by itself."""
        settings = self._settings
        client = Client(settings.url, timeout=settings.timeout, watchdog_intervall=settings.timeout)
        client.name = client.description = "pump-agent"
        client.session_timeout = int(LIFETIME * 1000)
        if settings.user:
            client.set_user(settings.user)
        if settings.password_file:
            try:
                client.set_password(settings.password_file.read_text().strip())
            except OSError as error:
                raise RefusedError(f"{self}: cannot read {settings.password_file}: {error.strerror}") from error
        return client

    async def _subscribe(self) -> None:
        period = self._settings.period
        signs = max(1, round(SIGN_OF_LIFE / period))
        result = await self._client.uaclient.create_subscription(
            ua.CreateSubscriptionParameters(
                RequestedPublishingInterval=1000 * period,
                RequestedLifetimeCount=max(3 * signs, round(LIFETIME / period)),
                RequestedMaxKeepAliveCount=signs,
                MaxNotificationsPerPublish=MOST_REPORTS,
            ),
            self._on_publish,
        )
        self._subscription: int = result.SubscriptionId
        self._interval = result.RevisedPublishingInterval / 1000  # s
        between_signs = self._interval * result.RevisedMaxKeepAliveCount
        self._patience = max(3 * between_signs, between_signs + self._settings.timeout)  # s
        self._heard, self._heard_ms = time.monotonic(), now_ms()
        for item in self._items:
            try:
                self._nodes[item] = ua.NodeId.from_string(item.tag.node)
            except (UaError, ValueError):
                item.fault = Quality.CONFIGURATION_ERROR, f"{item.tag.node} is no node id"
        await self._monitor(list(self._nodes))

    async def _monitor(self, items: Sequence[Item]) -> None:
        """Ask the server to report *items*; the one it does not know is bad by itself."""
        for some in _chunks(items):
            handles = list(islice(self._handles, len(some)))
            self._reporting.update(zip(handles, some, strict=True))  # the first report may come before the answer
            wishes = [self._wish(item, handle) for item, handle in zip(some, handles, strict=True)]
            results = await self._client.uaclient.create_monitored_items(
                ua.CreateMonitoredItemsParameters(
                    SubscriptionId=self._subscription,
                    TimestampsToReturn=ua.TimestampsToReturn.Both,
                    ItemsToCreate=wishes,
                )
            )
            for item, handle, result in zip(some, handles, results, strict=True):
                if result.StatusCode.is_good():
                    item.fault = None
                else:
                    self._lose(item, handle, result.StatusCode.name)
                self._interval = max(self._interval, result.RevisedSamplingInterval / 1000)

    def _wish(self, item: Item, handle: int) -> ua.MonitoredItemCreateRequest:
        return ua.MonitoredItemCreateRequest(
            ItemToMonitor=ua.ReadValueId(NodeId=self._nodes[item], AttributeId=AttributeIds.Value),
            MonitoringMode=ua.MonitoringMode.Reporting,
            RequestedParameters=ua.MonitoringParameters(
                ClientHandle=handle,
                SamplingInterval=1000 * (item.tag.period or self._settings.period),
                QueueSize=QUEUE,
                DiscardOldest=True,
            ),
        )

    def _lose(self, item: Item, handle: int, status: str) -> None:
        """The server does not, or no longer, report *item*; asked again at the next look."""
        del self._reporting[handle]
        what = "unknown node" if "NodeId" in status else "cannot watch node"
        fault = Quality.CONFIGURATION_ERROR, f"{what} {item.tag.node} ({status})"
        if fault != item.fault:
            log.warning("%s: %s (%s)", self, fault[1], item.tag.name)
        item.fault = fault

    def _on_publish(self, result: ua.PublishResult) -> None:
        """Only keeps it: the library would swallow what goes wrong here."""
        self._heard, self._heard_ms = time.monotonic(), now_ms()
        self._published.append((self._heard_ms, result))

    def _digest(self) -> None:
        """Hand what was published to the items.

        Raises:
            UnreachableError: The server ended the subscription.
        """
        published, self._published = self._published, []
        for arrived_ms, result in published:
            for message in result.NotificationMessage.NotificationData or []:
                if isinstance(message, ua.StatusChangeNotification):
                    raise UnreachableError(f"{self} ended the subscription ({message.Status.name})")
                if isinstance(message, ua.DataChangeNotification):
                    for report in message.MonitoredItems:
                        if item := self._reporting.get(report.ClientHandle):
                            item.report(_sample(report.Value), arrived_ms)

    async def _look(self, *, seed: bool = False) -> None:
        """Ask for every node: which are gone, which have come back, and is the subscription alive?"""
        lost = [item for item in self._nodes if item.fault]
        if lost and not seed:
            await self._monitor(lost)
        handles = {item: handle for handle, item in self._reporting.items()}
        for some in _chunks(list(handles)):
            values = await self._client.uaclient.read_attributes(
                [self._nodes[item] for item in some], AttributeIds.Value
            )
            samples = {item: _sample(value) for item, value in zip(some, values, strict=True)}
            for item, sample in samples.items():
                if sample.status_name == "BadNodeIdUnknown":
                    self._lose(item, handles[item], sample.status_name)
                elif seed or item in lost:
                    item.seed(sample, now_ms())
            self._digest()
            for item, sample in samples.items():
                self._suspect(item, sample)
        pause = self._look_period
        if any(item.fault for item in self._nodes):
            pause /= 3
        if self._suspects:
            pause = min(pause, 3 * self._interval + 1)  # long enough for a change to be reported
        self._look_due = time.monotonic() + pause

    def _suspect(self, item: Item, sample: Sample) -> None:
        """Two looks in a row see another value than the one reported last: reports have stopped.

        Raises:
            UnreachableError: That is so.
        """
        if item.fault or not item.differs(sample):
            self._suspects.pop(item, None)
        elif self._suspects.get(item) == item.reports:
            raise UnreachableError(f"{self} has stopped reporting {item.tag.node}, which has changed")
        else:
            self._suspects[item] = item.reports

    async def _close(self) -> None:
        if self._client.state is not UaClientState.CONNECTED:
            self._hang_up()  # so that the goodbyes fail at once
        with suppress(OSError, UaError):
            async with asyncio.timeout(self._settings.timeout):
                await self._client.disconnect()
        self._hang_up()
        await asyncio.sleep(0)  # lets cancelled tasks of the library end

    def _hang_up(self) -> None:
        """The library leaves the socket open where it noticed a loss by itself, or is stopped while closing."""
        protocol = self._client.uaclient.protocol
        if protocol is not None and protocol.transport is not None:
            protocol.transport.abort()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """The library's exceptions as ours."""
        try:
            yield
        except UaStatusCodeError as error:
            name = ua.StatusCode(error.code).name
            if name.startswith(LOGIN_REFUSED):
                raise RefusedError(f"{self} turns us away ({name}); correct user and password_file") from error
            raise UnreachableError(f"{self} answers with {name}") from error
        except (OSError, UaError) as error:
            if str(error).startswith("No matching endpoints"):
                raise RefusedError(f"{self} offers no endpoint without security") from error
            raise UnreachableError(f"{self} does not answer ({str(error) or type(error).__name__})") from error


def _sample(value: ua.DataValue) -> Sample:
    variant = value.Value
    status = value.StatusCode or ua.StatusCode()
    stamp: datetime | None = value.SourceTimestamp
    return Sample(
        raw=None if variant is None else variant.Value,
        status=status.value,
        status_name=status.name,
        source_ms=None if stamp is None else (stamp - EPOCH) // timedelta(milliseconds=1),
        is_single=variant is not None and variant.VariantType is ua.VariantType.Float,
    )


def _chunks(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    return (items[start : start + MOST_NODES] for start in range(0, len(items), MOST_NODES))
