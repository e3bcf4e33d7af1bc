"""What a subscriber of the agent's topics knows: every message changes it, nothing else does (pure)."""

from dataclasses import dataclass, field
from typing import Any

import orjson

Message = dict[str, Any]  # a payload of agent.mqtt.payloads as JSON


@dataclass(slots=True)
class Picture:
    """The station as its topics show it; `Any` in messages, because a subscriber trusts no model of ours.

    Args:
        root: What every topic begins with.
    """

    root: str
    status: str = "offline"
    tags: dict[str, Message] = field(default_factory=dict)
    pumps: dict[str, Message] = field(default_factory=dict)
    curves: dict[str, Message] = field(default_factory=dict)
    alarms: dict[str, Message] = field(default_factory=dict)  # those the broker holds
    station: Message = field(default_factory=dict)
    recommendation: Message = field(default_factory=dict)
    health: Message = field(default_factory=dict)
    polled: set[str] = field(default_factory=set)  # tags with a reading
    readings: int = 0  # received in batches
    raised: int = 0  # alarms, counted by their journal
    first_value: float | None = None  # s, on the clock of `take`
    first_recommendation: float | None = None  # s

    def take(self, topic: str, payload: bytes, at: float) -> None:
        """Learn from a message that came *at* a time in s.

        Raises:
            ValueError: A payload is no JSON.
        """
        match topic.removeprefix(f"{self.root}/").split("/"):
            case ["status"]:
                self.status = payload.decode()
            case ["readings" | "history"]:
                self._count(orjson.loads(payload), at)
            case ["alarm_event"]:
                self.raised += orjson.loads(payload)["event"] == "raised"
            case levels:
                self._take_state(levels, orjson.loads(payload) if payload else {}, at)

    def _take_state(self, levels: list[str], message: Message, at: float) -> None:
        match levels:
            case ["station"]:
                self.station = message
            case ["health"]:
                self.health = message
            case ["recommendation"]:
                self._advise(message, at)
            case ["tag", tag]:
                _keep(self.tags, tag, message)
            case ["pump", pump]:
                _keep(self.pumps, pump, message)
            case ["pump", pump, "curve"]:
                _keep(self.curves, pump, message)
            case ["alarm", alarm]:
                _keep(self.alarms, alarm, message)

    def _count(self, batch: Message, at: float) -> None:
        self.readings += batch["count"]
        self.polled.update(row[0] for row in batch["rows"])
        if self.first_value is None and any(row[2] is not None for row in batch["rows"]):
            self.first_value = at

    def _advise(self, advice: Message, at: float) -> None:
        """Being told that there is no advice yet is not the first advice."""
        self.recommendation = advice
        if self.first_recommendation is None and advice.get("action") in ("change", "keep"):
            self.first_recommendation = at


def _keep(messages: dict[str, Message], key: str, message: Message) -> None:
    """Remember the newest; an empty one takes the retained one back."""
    if message:
        messages[key] = message
    else:
        messages.pop(key, None)
