"""Values that a server reports by itself; those it is silent about are looked at, some hundred each time."""

import asyncio
import logging
import math
import time
from collections import deque
from collections.abc import Sequence
from itertools import islice

from asyncua import ua
from asyncua.ua.status_codes import StatusCodes
from asyncua.ua.uaerrors import UaStatusCodeError

from drivers.conversion import Fault
from drivers.opcua.items import Item, Sample
from drivers.opcua.nodes import ask, chunks, most_nodes, sample, wishes
from drivers.opcua.session import Session
from drivers.opcua.settings import OpcuaSettings
from drivers.reading import Quality, Reading, UnreachableError, now_ms

log = logging.getLogger(__name__)

SIGN_OF_LIFE = 1.0  # s, how often the server is asked to say that nothing changed
LIFETIME = 60.0  # s, after which a server ends a subscription if we are gone
# Items of one subscription, so that one message holds no more: 1,000 would hold the loop for a tenth of a second,
# and not every server keeps to the number of notifications a message that a client asks for.
GROUP = 200
EARLY = 0.1  # of the time between two looks: a poll that is early by a hair must not leave it to the next
LOOKS_BETWEEN_REVIEWS = 10  # until missing nodes are sought again, and the server's certificate is judged again
MOST_GROUPS = 25  # small controllers have few subscriptions to give
UNFIT_DEADBAND = ("BadMonitoredItemFilter", "BadFilter", "BadDeadbandFilter")


class Group:
    """One subscription: some of the items, the server's signs of life, and what it has reported."""

    def __init__(self, items: Sequence[Item]) -> None:
        self.items = list(items)
        self.reporting: dict[int, Item] = {}  # by client handle
        self.number = 0  # what the server calls it
        self.interval = 0.0  # s, between two messages
        self._between_signs = self._patience = 0.0  # s
        self._heard, self._heard_ms = time.monotonic(), now_ms()
        self._published: list[tuple[int, ua.PublishResult]] = []  # with our time of arrival, ms

    def begin(self, result: ua.CreateSubscriptionResult, timeout: float) -> None:
        """The server has made the subscription, as it thinks fit."""
        self.number = result.SubscriptionId
        self.interval = result.RevisedPublishingInterval / 1000
        self._between_signs = self.interval * result.RevisedMaxKeepAliveCount
        self._patience = max(3 * self._between_signs, self._between_signs + timeout)
        self._heard, self._heard_ms = time.monotonic(), now_ms()

    def hear(self, result: ua.PublishResult) -> None:
        """Only keeps what came: the library would swallow what goes wrong here."""
        self._heard, self._heard_ms = time.monotonic(), now_ms()
        self._published.append((self._heard_ms, result))

    def digest(self, who: Session) -> None:
        """Hand what was published to the items.

        Raises:
            UnreachableError: The server ended the subscription.
        """
        published, self._published = self._published, []
        for arrived_ms, result in published:
            for message in result.NotificationMessage.NotificationData or []:
                if isinstance(message, ua.StatusChangeNotification):
                    raise UnreachableError(f"{who} ended the subscription ({message.Status.name})")
                if isinstance(message, ua.DataChangeNotification):
                    for report in message.MonitoredItems:
                        if item := self.reporting.get(report.ClientHandle):
                            item.report(sample(report.Value), arrived_ms)

    def listen(self, who: Session) -> None:
        """Whether there are signs of life.

        Raises:
            UnreachableError: There have been none for too long.
        """
        if self._silence > 2 * self._patience:
            raise UnreachableError(f"{who} has sent no keep-alive for {self._silence:.0f} s")

    def readings(self, tick: int, now_ms: int, who: Session) -> list[Reading]:
        """What was reported, or that it still stands; without signs of life it no longer stands for sure."""
        trouble: Fault | None = None
        if self._silence > 2 * self._between_signs + self.interval:
            quality = Quality.COMM_FAILURE if self._silence > self._patience else Quality.LAST_USABLE
            trouble = quality, f"no keep-alive from {who} for {self._silence:.0f} s"
        return [one for item in self.items for one in item.readings(tick, self._heard_ms, now_ms, trouble)]

    @property
    def _silence(self) -> float:
        return time.monotonic() - self._heard


class Subscribing:
    """The items of one server, in subscriptions of some hundred each."""

    def __init__(self, session: Session, items: Sequence[Item], settings: OpcuaSettings, look_period: float) -> None:
        self._session = session
        self._settings = settings
        self._look_period = look_period
        self._items = items
        self._groups: list[Group] = []
        self._handles = iter(range(1, 2**31))
        self._suspects: dict[Item, tuple[int, float]] = {}  # unlike their last report: its number, and since when, s
        self._round: deque[tuple[Group, Sequence[int]]] = deque()  # handles still to look at
        self._look_due = self._review_due = 0.0  # s

    async def open(self) -> None:
        """Subscribe, and ask for every value once."""
        self._wishes = wishes(self._items)
        self._most = min(GROUP, await most_nodes(self._session))
        size = max(GROUP, math.ceil(len(self._items) / MOST_GROUPS))
        for some in chunks(self._items, size):
            await self._subscribe(Group(some))
        await self._seed([item for item in self._wishes if not item.fault])
        self._look_due = time.monotonic() + self._look_period
        self._review_due = time.monotonic() + LOOKS_BETWEEN_REVIEWS * self._look_period

    async def read(self, tick: int) -> list[Reading]:
        """What was reported, and for the rest of what is due, that it still stands, once a look has confirmed it.

        Raises:
            UnreachableError: A subscription died, or has stopped reporting.
            RefusedError: The server's certificate is no longer good.
        """
        now = time.monotonic()
        if (
            now >= self._look_due - EARLY * self._look_period
        ):  # a poll that is early by a hair must not wait for the next
            self._look_due = max(self._look_due + self._look_period, now)
            for group in self._groups:
                group.digest(self._session)  # before the look: what has just been reported needs none
                await asyncio.sleep(0)
            await self._look()
        found: list[Reading] = []
        for group in self._groups:
            group.digest(self._session)
            group.listen(self._session)
            found += group.readings(tick, now_ms(), self._session)
            await asyncio.sleep(0)  # thousands of items must not hold up other devices
        return found

    async def _subscribe(self, group: Group) -> None:
        """Make a subscription; where the server gives no more of them, the items join the last one."""
        period = self._settings.period
        signs = max(1, round(SIGN_OF_LIFE / period))
        wish = ua.CreateSubscriptionParameters(
            RequestedPublishingInterval=1000 * period,
            RequestedLifetimeCount=max(3 * signs, round(LIFETIME / period)),
            RequestedMaxKeepAliveCount=signs,
            MaxNotificationsPerPublish=GROUP,
        )
        try:
            group.begin(await self._session.services.create_subscription(wish, group.hear), self._settings.timeout)
        except UaStatusCodeError as error:
            if not self._groups or error.code != StatusCodes.BadTooManySubscriptions:
                raise
            self._groups[-1].items += group.items
            await self._monitor(self._groups[-1], group.items)
            return
        self._groups.append(group)
        await self._monitor(group, group.items)

    async def _monitor(self, group: Group, items: Sequence[Item]) -> None:
        """Ask the server to report *items*; the one it does not know is bad by itself."""
        plain: list[Item] = []
        for some in chunks([item for item in items if item in self._wishes], self._most):
            handles = list(islice(self._handles, len(some)))
            group.reporting.update(zip(handles, some, strict=True))  # the first report may come before the answer
            requests = [self._request(item, handle) for item, handle in zip(some, handles, strict=True)]
            results = await self._session.services.create_monitored_items(
                ua.CreateMonitoredItemsParameters(
                    SubscriptionId=group.number,
                    TimestampsToReturn=ua.TimestampsToReturn.Source,
                    ItemsToCreate=requests,
                )
            )
            for item, handle, result in zip(some, handles, results, strict=True):
                if result.StatusCode.is_good():
                    item.fault = None
                elif result.StatusCode.name.startswith(UNFIT_DEADBAND) and item.is_deadband_wanted:
                    del group.reporting[handle]
                    item.is_deadband_wanted = False
                    plain.append(item)
                else:
                    self._lose(group, item, handle, result.StatusCode.name)
                group.interval = max(group.interval, result.RevisedSamplingInterval / 1000)
        if plain:
            names = ", ".join(item.tag.name for item in plain)
            log.warning("%s takes no deadband for %s and reports every change", self._session, names)
            await self._monitor(group, plain)

    def _request(self, item: Item, handle: int) -> ua.MonitoredItemCreateRequest:
        tag = item.tag
        parameters = ua.MonitoringParameters(
            ClientHandle=handle,
            SamplingInterval=1000 * (tag.sampling or tag.period or self._settings.period),
            QueueSize=tag.queue,
            DiscardOldest=True,
        )
        if item.is_deadband_wanted:
            parameters.Filter = ua.DataChangeFilter(
                Trigger=ua.DataChangeTrigger.StatusValue,
                DeadbandType=ua.DeadbandType.Absolute,
                DeadbandValue=item.raw_deadband,
            )
        return ua.MonitoredItemCreateRequest(
            ItemToMonitor=self._wishes[item],
            MonitoringMode=ua.MonitoringMode.Reporting,
            RequestedParameters=parameters,
        )

    def _lose(self, group: Group, item: Item, handle: int, status: str) -> None:
        """The server does not, or no longer, report *item*; asked again at the next look."""
        del group.reporting[handle]
        what = "unknown node" if "NodeId" in status else "cannot watch node"
        fault = Quality.CONFIGURATION_ERROR, f"{what} {item.tag.node} ({status})"
        if fault != item.fault:
            log.warning("%s: %s (%s)", self._session, fault[1], item.tag.name)
        item.fault = fault

    async def _look(self) -> None:
        """Ask for the values of some nodes, the next ones each time: have they been reported as they are?

        A report since the last round is proof enough, for one round: a node that changes all the time is never asked
        for, and one that falls silent, or whose last change was lost, is asked for a round later.
        """
        if time.monotonic() >= self._review_due:
            self._review_due = time.monotonic() + LOOKS_BETWEEN_REVIEWS * self._look_period
            await self._session.review()
            for group in self._groups:
                await self._find_again(group)
        if not self._round:
            parts = [(group, some) for group in self._groups for some in chunks(list(group.reporting), self._most)]
            self._round = deque(parts)
        while self._round and not await self._look_at(*self._round.popleft()):
            pass  # nobody there was silent

    async def _look_at(self, group: Group, handles: Sequence[int]) -> bool:
        """Look at those that are silent; whether there were any."""
        asked = {}
        for handle in handles:
            item = group.reporting.get(handle)
            if item and not item.is_proven:
                asked[handle] = item
            elif item:
                item.is_proven = False
        answers = await ask(self._session, [self._wishes[item] for item in asked.values()], self._look_period)
        group.digest(self._session)
        for (handle, item), found in zip(asked.items(), answers, strict=True):
            if found.status_name == "BadNodeIdUnknown":
                self._lose(group, item, handle, found.status_name)
            else:
                self._suspect(group, item, found)
        return bool(asked)

    async def _find_again(self, group: Group) -> None:
        """Nodes that were missing may have come, or come back."""
        lost = [item for item in group.items if item.fault and item in self._wishes]
        await self._monitor(group, lost)
        await self._seed([item for item in lost if not item.fault])

    async def _seed(self, items: Sequence[Item]) -> None:
        """Ask for the value of each, so that it has one before it changes."""
        for some in chunks(items, self._most):
            answers = await ask(self._session, [self._wishes[item] for item in some])
            for item, found in zip(some, answers, strict=True):
                item.seed(found, now_ms())

    def _suspect(self, group: Group, item: Item, found: Sample) -> None:
        """A value that was not reported counts all the same; if no report comes for long, reports have stopped.

        Raises:
            UnreachableError: That is so.
        """
        now = time.monotonic()
        if not item.glimpse(found):
            self._suspects.pop(item, None)
        elif item.is_deadband_wanted:  # some servers compare with the last sample, and a slow change is never reported
            item.seed(found, now_ms())
        else:
            reports, since = self._suspects.setdefault(item, (item.reports, now))
            if reports != item.reports:
                self._suspects[item] = item.reports, now
            elif now - since > 3 * group.interval + 1:  # long enough for a change to be reported
                raise UnreachableError(f"{self._session} has stopped reporting {item.tag.node}, which has changed")
