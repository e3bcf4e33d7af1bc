"""Where an edge node speaks and listens; pure."""

from dataclasses import dataclass

from agent.mqtt.sparkplug.settings import SparkplugSettings

NAMESPACE = "spBv1.0"


@dataclass(frozen=True, slots=True)
class EdgeTopics:
    """The topics of one edge node.

    >>> EdgeTopics("water", "east").device("DDATA", "plc-1")
    'spBv1.0/water/DDATA/east/plc-1'
    """

    group: str
    name: str

    @classmethod
    def of_station(cls, settings: SparkplugSettings, station: str) -> "EdgeTopics":
        """As configured, or named after the station."""
        return cls(settings.group_id, settings.edge_node_id or station)

    def node(self, verb: str) -> str:
        """What is said of, or to, the node itself."""
        return f"{NAMESPACE}/{self.group}/{verb}/{self.name}"

    def device(self, verb: str, device: str) -> str:
        """What is said of one of its devices."""
        return f"{NAMESPACE}/{self.group}/{verb}/{self.name}/{device}"

    @property
    def device_commands(self) -> str:
        """Filter of what is said to any of its devices."""
        return f"{NAMESPACE}/{self.group}/DCMD/{self.name}/+"


def state_topic(host: str) -> str:
    """Where a host says whether it is online, retained."""
    return f"{NAMESPACE}/STATE/{host}"
