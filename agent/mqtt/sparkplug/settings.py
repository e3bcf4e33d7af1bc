"""What the configuration says of Sparkplug."""

from typing import Annotated, Self

from pydantic import StringConstraints, model_validator

from drivers.settings import Settings, contradiction

PORTS = 65_536  # there are fewer, and no port 0

# The specification reserves + / # only; what does not print would be no use to anybody.
Level = Annotated[str, StringConstraints(pattern=r"^[^+/#\x00-\x1f\x7f]+$", max_length=120)]
Server = Annotated[str, StringConstraints(pattern=r"^(\[[0-9A-Fa-f:.]+\]|[^\s:/\[\]]+):[0-9]{1,5}$")]


class SparkplugSettings(Settings):
    """The edge node of this agent: each device of the configuration is one of its devices."""

    enabled: bool = False
    group_id: Level = "water"
    edge_node_id: Level | None = None  # the station's name where absent; unique in its group
    primary_host: Level | None = None  # host id; while it is offline, readings are held back
    servers: tuple[Server, ...] = ()  # further brokers, host:port; the next one is tried where this or the host is gone
    aliases: bool = False  # numbers instead of names in data: shorter, but only who has seen the birth can read it

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Host and port of each further broker."""
        split = [server.rpartition(":") for server in self.servers]
        return [(host.strip("[]"), int(port)) for host, _, port in split]

    @model_validator(mode="after")
    def _ports_exist(self) -> Self:
        for server, (_, port) in zip(self.servers, self.addresses, strict=True):
            if not 0 < port < PORTS:
                raise contradiction("servers", f'"{server}" has no port between 1 and 65535, like "10.0.0.6:1883"')
        return self

    @model_validator(mode="after")
    def _group_is_no_verb(self) -> Self:
        if self.group_id == "STATE":
            raise contradiction("group_id", '"STATE" is where hosts say how they are; choose another name')
        return self
