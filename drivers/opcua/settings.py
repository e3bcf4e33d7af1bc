"""What the configuration says of an OPC UA server and its nodes; light, it loads no protocol library."""

import re
from typing import Literal, Self

from pydantic import Field, model_validator

from drivers.device import DeviceSettings, ExistingFile, Seconds, TagSettings, contradiction

NODE_ID = re.compile(r"(ns=\d+;|nsu=[^;]+;)?(i=\d+|[sgb]=.+)$")


class OpcuaTagSettings(TagSettings):
    """A tag that is a node of an OPC UA server."""

    node: str = Field(examples=["ns=2;s=intake.inlet.flow"])

    @model_validator(mode="after")
    def _node_is_a_node_id(self) -> Self:
        if not NODE_ID.match(self.node):
            raise contradiction(
                "node", f'"{self.node}" is no node id; write it like "ns=2;s=inlet.flow" or "ns=4;i=17"'
            )
        return self


class OpcuaSettings(DeviceSettings):
    """One OPC UA server, read by subscription."""

    protocol: Literal["opcua"]
    url: str = Field(examples=["opc.tcp://192.0.2.20:4840/path"])
    timeout: Seconds = 4.0
    security: Literal["None"] = "None"
    user: str | None = None
    password_file: ExistingFile | None = None
    tags: tuple[OpcuaTagSettings, ...] = Field(default=(), alias="tag")

    @model_validator(mode="after")
    def _can_be_opened(self) -> Self:
        if not re.match(r"opc\.tcp://[^\s/]+", self.url):
            raise contradiction("url", f'"{self.url}" is no address; write it like "opc.tcp://192.0.2.20:4840/path"')
        if self.password_file and not self.user:
            raise contradiction("password_file", "a password needs a user; add user or leave the password out")
        return self
