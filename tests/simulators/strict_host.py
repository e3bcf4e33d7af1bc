"""A Sparkplug host that believes nothing: every message is held against the rules of the specification, 3.0."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from agent.mqtt.sparkplug.payload import Content, DataType, Metric, Payload, decode
from tests.simulators.subscriber import Received

CLOCKS = 120_000  # ms that the test's clock and a message's may differ


class Told(NamedTuple):
    """A value as a host has got it."""

    ts_ms: int
    content: Content
    quality: int
    is_historical: bool


@dataclass
class Device:
    """What a birth has said of a device."""

    types: dict[str, int]
    names: dict[int, str]  # by alias
    last: dict[str, tuple[Content, object]]
    newest_ms: int = 0


@dataclass
class StrictHost:
    """Follows one edge node; `faults` has a sentence for every rule that was broken."""

    group: str = "water"
    node: str = "east"
    clock: Callable[[], int] = field(default=lambda: time.time_ns() // 1_000_000)  # ms, what it holds times against
    faults: list[str] = field(default_factory=list)
    verbs: list[str] = field(default_factory=list)  # "NBIRTH", "DBIRTH plc", ... in order of arrival
    lives: list[int] = field(default_factory=list)  # bdSeq of each NBIRTH
    told: dict[str, list[Told]] = field(default_factory=lambda: defaultdict(list))  # by tag
    units: dict[str, Content] = field(default_factory=dict)
    facts: dict[str, Content] = field(default_factory=dict)
    devices: dict[str, Device] = field(default_factory=dict)  # that are born
    figures: Device | None = None  # metrics of the node
    is_born: bool = False
    _seen: int = 0
    _seq: int = 0
    _owed: set[str] = field(default_factory=set)  # devices that a rebirth still has to tell
    _dead: list[int] = field(default_factory=list)

    def read(self, messages: list[Received]) -> "StrictHost":
        """Look at what has arrived since."""
        for message in messages[self._seen :]:
            self._seen += 1
            if message.topic.startswith("spBv1.0/STATE/") or "CMD" in message.topic.split("/")[2]:
                continue
            self.see(message.topic, message.payload, qos=message.qos, is_retained=message.is_old)
        return self

    def see(self, topic: str, message: bytes, *, qos: int, is_retained: bool) -> None:
        """One message of the node."""
        space, group, verb, node, *device = topic.split("/")
        payload = decode(message)
        self.verbs.append(" ".join((verb, *device)))
        self._must((space, group, node) == ("spBv1.0", self.group, self.node), f"topic {topic}")
        self._must(not is_retained, f"{verb} is retained")
        self._must(qos == (1 if verb == "NDEATH" else 0), f"{verb} has QoS {qos}")
        self._must(payload.ts_ms is not None and abs(payload.ts_ms - self.clock()) < CLOCKS, f"time of {verb}")
        self._must((verb[0] == "D") == bool(device), f"{verb} on {topic}")
        if verb == "NDEATH":
            self._node_dies(payload)
            return
        self._count(verb, payload)
        match verb:
            case "NBIRTH":
                self._node_is_born(payload)
            case "DBIRTH":
                self._device_is_born(device[0], payload)
            case "DDATA":
                self._data(device[0], payload, self.devices.get(device[0]))
            case "NDATA":
                self._data("the node", payload, self.figures)
                names = self.figures.names if self.figures else {}
                self.facts |= {one.name or names.get(one.alias or 0, "?"): one.content for one in payload.metrics}
            case "DDEATH":
                self._must(device[0] in self.devices, f"{device[0]} dies without having been born")
                self._must(not payload.metrics, "a DDEATH has metrics")
                self.devices.pop(device[0], None)
            case _:
                self.faults.append(f"verb {verb}")

    def values(self, tag: str, *, is_historical: bool | None = None) -> list[Content]:
        """What was told of *tag*, in order of arrival; of history only, or not at all, where that is asked for."""
        return [one.content for one in self.told[tag] if is_historical in (None, one.is_historical)]

    def _count(self, verb: str, payload: Payload) -> None:
        if verb == "NBIRTH":
            self._must(payload.seq == 0, f"an NBIRTH has number {payload.seq}")
        else:
            self._must(self.is_born, f"{verb} before NBIRTH")
            expected = (self._seq + 1) % 256
            self._must(payload.seq == expected, f"{verb} has number {payload.seq} and not {expected}")
        self._seq = payload.seq or 0

    def _node_is_born(self, payload: Payload) -> None:
        metrics = self._named(payload.metrics, "NBIRTH")
        life, rebirth = metrics.get("bdSeq"), metrics.get("Node Control/Rebirth")
        self._must(rebirth is not None and rebirth.datatype == DataType.BOOLEAN and rebirth.content is False, "Rebirth")
        self._must(rebirth is None or rebirth.alias is None, "Rebirth has an alias")
        self._must(life is not None and life.datatype == DataType.INT64, "bdSeq of an NBIRTH")
        number = life.content if life and isinstance(life.content, int) else -1
        self._must(0 <= number < 256, f"bdSeq {number}")
        is_rebirth = self.is_born and self.lives[-1] == number
        self._must(is_rebirth or not self.is_born, "a new life without a death before it")
        self._must(is_rebirth or number not in self._dead[-1:], "a life with the number of the last")
        self._owed = set(self.devices) if is_rebirth else set()
        self.devices.clear()
        self.is_born = True
        self.lives.append(number)
        self.facts = {name: one.content for name, one in metrics.items()}
        self.figures = Device(
            types={name: one.datatype or 0 for name, one in metrics.items()},
            names={one.alias: name for name, one in metrics.items() if one.alias is not None},
            last={},
        )
        for name, one in metrics.items():
            if one.properties:
                self._tell(self.figures, name, one)

    def _node_dies(self, payload: Payload) -> None:
        self._must(payload.seq is None, "an NDEATH has a number")
        (metric,) = payload.metrics
        self._must(metric.name == "bdSeq" and metric.datatype == DataType.INT64, "bdSeq of an NDEATH")
        number = metric.content if isinstance(metric.content, int) else -1
        self._must(number not in self._dead[-1:], "a death is told twice")
        self._must(not self.is_born or number == self.lives[-1], f"death {number} of life {self.lives[-1:]}")
        self._dead.append(number)
        self.is_born = False
        self.devices.clear()

    def _device_is_born(self, name: str, payload: Payload) -> None:
        self._must(name not in self.devices, f"{name} is born twice")
        metrics = self._named(payload.metrics, "DBIRTH")
        self._owed.discard(name)
        aliases = [one.alias for one in metrics.values() if one.alias is not None]
        others = [device.names for device in (self.figures, *self.devices.values()) if device]
        self._must(len(aliases) in (0, len(metrics)) and len(set(aliases)) == len(aliases), "aliases of a DBIRTH")
        self._must(not any(alias in names for alias in aliases for names in others), "an alias of another metric")
        self.devices[name] = device = Device(
            types={tag: one.datatype or 0 for tag, one in metrics.items()},
            names={one.alias: tag for tag, one in metrics.items() if one.alias is not None},
            last={},
        )
        for tag, one in metrics.items():
            self.units[tag] = next((said.content for said in one.properties if said.key == "engUnit"), None)
            self._tell(device, tag, one)

    def _data(self, name: str, payload: Payload, device: Device | None) -> None:
        self._must(not self._owed, f"data before the rebirth of {self._owed}")
        self._must(bool(payload.metrics), "data of nothing")
        if device is None:
            self.faults.append(f"data of {name}, which is not born")
            return
        for one in payload.metrics:
            self._must((one.name is None) == bool(device.names), f"name or alias of {name}")
            tag = one.name or device.names.get(one.alias or -1, "?")
            self._must(tag in device.types, f"data of {tag}, which its DBIRTH does not have")
            self._must(one.datatype == device.types.get(tag), f"type {one.datatype} of {tag}")
            self._tell(device, tag, one)

    def _tell(self, device: Device, tag: str, one: Metric) -> None:
        qualities = [said.content for said in one.properties if said.key == "Quality"]
        quality = qualities[0] if len(qualities) == 1 and isinstance(qualities[0], int) else -1
        types = [said.datatype for said in one.properties if said.key == "Quality"]
        self._must(quality in (0, 192, 500) and types == [DataType.INT32], f"quality of {tag}")
        self._must((one.content is None) == (quality == 0), f"{tag} is {one.content!r} with quality {quality}")
        self._must(one.ts_ms is not None, f"{tag} has no time")
        ts_ms = one.ts_ms or 0
        if not one.is_historical:
            state = one.content, one.properties if quality != 192 else 192
            self._must(device.last.get(tag) != state, f"{tag} is said again, though nothing has changed")
            device.last[tag] = state
        self.told[tag].append(Told(ts_ms, one.content, quality, one.is_historical))

    def _named(self, metrics: Iterable[Metric], verb: str) -> dict[str, Metric]:
        listed = list(metrics)
        named = {one.name: one for one in listed if one.name is not None}
        self._must(len(named) == len(listed), f"names of {verb}")
        for one in listed:
            self._must(one.datatype is not None and one.ts_ms is not None, f"{one.name} of {verb}")
            self._must(not one.is_historical, f"{one.name} of {verb} is historical")
        times = [one.ts_ms or 0 for one in listed]
        self._must(times == sorted(times), f"{verb} is not in the order of time")
        return named

    def _must(self, holds: bool, sentence: str) -> None:  # noqa: FBT001 - a condition is what it takes
        if not holds:
            self.faults.append(f"message {len(self.verbs)}: {sentence}")
