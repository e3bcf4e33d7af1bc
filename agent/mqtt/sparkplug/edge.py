"""The edge node as its hosts see it in one session: births before data, numbers without gaps, each death once."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from agent.mqtt.sparkplug.figures import Figures
from agent.mqtt.sparkplug.payload import DataType, Metric, Payload, encode
from agent.mqtt.sparkplug.tag_metrics import News, TagMetrics, places
from agent.mqtt.sparkplug.tag_types import TagTypes
from agent.mqtt.sparkplug.topics import EdgeTopics
from agent.store.records import Record, Row
from drivers.reading import Quality
from drivers.settings import AnyDeviceSettings

REBIRTH: Final = "Node Control/Rebirth"
NUMBERS: Final = 256  # messages are numbered 0 to 255, again and again; so are the node's lives


class Edge:
    """One session of the edge node, from its birth to its death; says all it has to say by calling *post*.

    A device lives while any of its tags is read as anything but bad. What is not alive is not born, but for the time
    in which it says what an outage held back.

    Args:
        topics: Where it speaks.
        devices: Its devices, with their tags.
        types: Of the tags' values; kept from session to session.
        facts: What is said of the node itself at its birth.
        figures: What else is said of it, as it stands.
        death_number: That of the death which the broker has been given.
        since: Rows up to this one were read before this process began.
        has_aliases: Whether data names tags by numbers.
        post: Sends topic and payload, in the order of calls.
        clock: Of the wall, ms.
    """

    def __init__(
        self,
        topics: EdgeTopics,
        devices: Sequence[AnyDeviceSettings],
        types: TagTypes,
        *,
        facts: Mapping[str, str],
        figures: Figures,
        death_number: int,
        since: int,
        has_aliases: bool,
        post: Callable[[str, bytes], None],
        clock: Callable[[], int],
    ) -> None:
        self._topics = topics
        self._tags = places(devices)
        self._tags_of = {device.name: [tag.name for tag in device.tags] for device in devices}
        self._types = types
        self._facts = facts
        self._figures = figures
        self._death_number = death_number
        self._since = since
        self._post = post
        self._clock = clock
        self._metrics = TagMetrics(self._tags, types, since, has_aliases=has_aliases)
        self._news = News(self._tags)
        self._old_news = News(self._tags)
        self._old_upto = 0
        self._current: dict[str, Row] = {}
        self._sound: dict[str, set[str]] = {device.name: set() for device in devices}  # tags that are not bad
        self._born: set[str] = set()
        self._seq = 0

    def begin(self, latest: Iterable[Row]) -> None:
        """Be born, as the newest row of each tag says."""
        self._take(row for row in latest if row.tag in self._tags)
        self._born = {name for name in self._tags_of if self._sound[name]}
        self.birth()

    def birth(self) -> None:
        """Say everything there is, of the node and of each device that is born; also when a host asks for it."""
        self._seq, now_ms = 0, self._clock()
        node = [
            death_metric(self._death_number, now_ms),
            Metric(REBIRTH, DataType.BOOLEAN, content=False, ts_ms=now_ms),
            *(Metric(name, DataType.STRING, fact, now_ms) for name, fact in self._facts.items()),
            *self._figures.born(),
        ]
        self._say(self._topics.node("NBIRTH"), _in_order(node))
        for name in self._tags_of:
            if name in self._born:
                self._bear(name)

    def tell(self, records: Iterable[Record]) -> None:
        """Say what has changed of figures, advice and alarms, each as it stands last; what is new needs a birth."""
        newest = {(record.kind, record.key): record for record in records}
        told = [self._figures.take(record) for record in newest.values()]
        if any(is_new for _, is_new in told):
            self.birth()
        elif changed := [metric for metrics, _ in told for metric in metrics]:
            self._say(self._topics.node("NDATA"), _in_order(changed))

    def live(self, rows: Iterable[Row]) -> None:
        """Say what has just been read; who begins to live is born, who has ceased to dies."""
        new = [row for row in rows if row.tag in self._tags and row.id > self._newest(row.tag)]
        is_retyped = self._take(new)
        if is_retyped:
            self.birth()  # whoever knew the old type must not read the new one by it
        for device, told in self._by_device(new).items():
            if is_retyped and device in self._born:
                self._data(device, self._overtaken(told), is_historical=True)
            elif device in self._born:
                self._data(device, [row for row in told if self._news.take(row)])
            elif any(row.quality >= Quality.UNCERTAIN for row in told):
                self._bear(device)
                self._data(device, self._overtaken(told), is_historical=True)
            if device in self._born and not self._sound[device]:
                self._bury(device)

    def held_back(self, rows: Sequence[Row]) -> None:
        """Say what an outage held back; a device that is not alive is born for as long as that takes."""
        known = [row for row in rows if row.tag in self._tags]
        if rows and rows[0].id <= self._old_upto:  # changed on the disk since it was said
            self._old_news = News(self._tags)
        self._old_upto = rows[-1].id if rows else self._old_upto
        retyped = [row for row in known if self._types.take(row.tag, row.value)]
        if retyped:
            self.birth()
        for device, told in self._by_device(known).items():
            news = [row for row in told if self._old_news.take(row)]
            if news and device not in self._born:
                self._bear(device)
            self._data(device, news, is_historical=True)

    def rest(self) -> None:
        """All that was held back is said: who was born for that alone dies."""
        for device in self._tags_of:
            if device in self._born and not self._sound[device]:
                self._bury(device)

    def die(self) -> None:
        """Say that all devices are gone; the node's own death goes out by its connection."""
        for device in self._tags_of:
            if device in self._born:
                self._bury(device)

    def _take(self, rows: Iterable[Row]) -> bool:
        """Remember how tags stand; true where one has another type now."""
        is_retyped = False
        for row in rows:
            self._current[row.tag] = row
            is_retyped |= self._types.take(row.tag, row.value)
            sound = self._sound[self._tags[row.tag].device]
            if row.quality >= Quality.UNCERTAIN and row.id > self._since:
                sound.add(row.tag)
            else:
                sound.discard(row.tag)
        return is_retyped

    def _newest(self, tag: str) -> int:
        return self._current[tag].id if tag in self._current else 0

    def _by_device(self, rows: Iterable[Row]) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = defaultdict(list)
        for row in rows:
            found[self._tags[row.tag].device].append(row)
        return found

    def _overtaken(self, rows: Iterable[Row]) -> list[Row]:
        """Those that a birth has not told, since there is a newer one of their tag."""
        return [row for row in rows if row.id < self._newest(row.tag)]

    def _bear(self, device: str) -> None:
        now_ms, tags = self._clock(), self._tags_of[device]
        metrics = [self._metrics.born(tag, self._current.get(tag), now_ms) for tag in tags]
        self._born.add(device)
        self._say(self._topics.device("DBIRTH", device), _in_order(metrics))
        for tag in tags:
            if tag in self._current:
                self._news.note(self._current[tag])

    def _data(self, device: str, rows: Iterable[Row], *, is_historical: bool = False) -> None:
        for part in _forward(rows):
            metrics = [self._metrics.data(row, is_historical=is_historical) for row in part]
            self._say(self._topics.device("DDATA", device), _in_order(metrics))

    def _bury(self, device: str) -> None:
        self._born.discard(device)
        self._say(self._topics.device("DDEATH", device), ())

    def _say(self, topic: str, metrics: Sequence[Metric]) -> None:
        payload = encode(Payload(self._clock(), metrics, self._seq))
        self._seq = (self._seq + 1) % NUMBERS
        self._post(topic, payload)


def death(death_number: int, now_ms: int) -> bytes:
    """What the broker says of the node when it vanishes, and the node itself when it leaves."""
    return encode(Payload(now_ms, (death_metric(death_number, now_ms),), None))


def death_metric(death_number: int, now_ms: int) -> Metric:
    """Which life of the node a birth begins or a death ends."""
    return Metric("bdSeq", DataType.INT64, death_number, now_ms)


def _in_order(metrics: Iterable[Metric]) -> list[Metric]:
    """By time, as hosts may rely on; of one time as given."""
    return sorted(metrics, key=lambda metric: metric.ts_ms or 0)


def _forward(rows: Iterable[Row]) -> list[list[Row]]:
    """Parts in which no tag goes back in time.

    All do once the clock is set back; in one message, put in order, what was read last would not be what is told last.
    """
    parts: list[list[Row]] = []
    newest_ms: dict[str, int] = {}
    for row in rows:
        if not parts or row.ts_ms < newest_ms.get(row.tag, row.ts_ms):
            parts.append([])
            newest_ms = {}
        parts[-1].append(row)
        newest_ms[row.tag] = row.ts_ms
    return parts
