"""What the configuration says of Sparkplug."""

from typing import Annotated, Self

from pydantic import StringConstraints, model_validator

from drivers.settings import Settings, contradiction

# The specification reserves + / # only; what does not print would be no use to anybody.
Level = Annotated[str, StringConstraints(pattern=r"^[^+/#\x00-\x1f\x7f]+$", max_length=120)]


class SparkplugSettings(Settings):
    """The edge node of this agent: each device of the configuration is one of its devices."""

    enabled: bool = False
    group_id: Level = "water"
    edge_node_id: Level | None = None  # the station's name where absent; unique in its group
    primary_host: Level | None = None  # host id; while it is offline, readings are held back
    aliases: bool = False  # numbers instead of names in data: shorter, but only who has seen the birth can read it

    @model_validator(mode="after")
    def _group_is_no_verb(self) -> Self:
        if self.group_id == "STATE":
            raise contradiction("group_id", '"STATE" is where hosts say how they are; choose another name')
        return self
