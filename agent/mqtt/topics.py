"""Where each thing is published; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from agent.mqtt.settings import MqttSettings
from agent.store.records import Kind


class Topic(NamedTuple):
    """A topic, and whether the broker keeps its last message."""

    name: str
    is_retained: bool


# Kinds of records whose latest message is the state a newcomer wants; the others are journals.
RETAINED: Final[Mapping[Kind, bool]] = {
    "alarm": True,
    "alarm_event": False,
    "alarm_test": False,
    "alarm_metrics": True,
    "conditions": True,
    "anomalies": True,
    "recommendation": True,
    "recommendation_event": False,
    "front": True,
    "saving": True,
    "station": True,
    "pump": True,
    "curve": True,
    "wear": True,
    "overhaul": True,
    "schedule": True,
    "quality": True,
    "filled": False,
    "health": True,
    "losses": True,
}


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics below one root.

    >>> Topics("water/east").of_record("curve", "p3")
    Topic(name='water/east/pump/p3/curve', is_retained=True)
    """

    root: str

    @classmethod
    def of_station(cls, settings: MqttSettings, station: str) -> "Topics":
        """Below the configured root, or `water/<station>`."""
        return cls(settings.root or f"water/{station}")

    @property
    def status(self) -> str:
        """`online` or `offline`, retained; the last will."""
        return f"{self.root}/status"

    @property
    def info(self) -> str:
        """Who speaks here, retained."""
        return f"{self.root}/info"

    @property
    def readings(self) -> str:
        """The log in batches, as it grows."""
        return f"{self.root}/readings"

    @property
    def history(self) -> str:
        """The log in batches, what an outage held back."""
        return f"{self.root}/history"

    @property
    def commands(self) -> str:
        """Filter of all commands; results lie a level deeper."""
        return f"{self.root}/cmd/+"

    def tag(self, tag: str) -> str:
        """A tag's live value, retained."""
        return f"{self.root}/tag/{tag}"

    def bare_value(self, tag: str) -> str:
        """A tag's live value as the bare number, retained."""
        return f"{self.root}/tag/{tag}/value"

    def command(self, topic: str) -> str:
        """The name of the command that is asked on a topic."""
        return topic.removeprefix(f"{self.root}/cmd/")

    def result(self, command_id: str) -> str:
        """The answer to a command."""
        return f"{self.root}/cmd/result/{command_id}"

    def of_record(self, kind: Kind, key: str) -> Topic:
        """Where a record is published."""
        match kind:
            case "pump":
                name = f"pump/{key}"
            case "curve" | "wear" | "overhaul":
                name = f"pump/{key}/{kind}"
            case "alarm":
                name = f"alarm/{key}"
            case "recommendation" | "front" | "schedule" if key:
                name = f"{kind}/{key}"  # a station with several headers has one a header
            case "filled":
                name = "readings"
            case _:
                name = kind
        return Topic(f"{self.root}/{name}", RETAINED[kind])
