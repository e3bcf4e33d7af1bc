"""What the configuration says of an OPC UA server and its nodes; light, it loads no protocol library."""

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from drivers.device import (
    DeviceSettings,
    ExistingFile,
    Seconds,
    TagSettings,
    contradiction,
    in_folder,
    is_file,
)

NODE_ID = re.compile(r"(ns=\d+;|nsu=[^;]+;)?(i=\d+|[sgb]=.+)$")
BROKEN = ("Basic128Rsa15", "Basic256")  # policies that rest on SHA-1; OPC 10000-7 calls them deprecated

Policy = Literal["None", "Basic256Sha256", "Aes128Sha256RsaOaep", "Aes256Sha256RsaPss"]


def own_file(path: Path, info: ValidationInfo) -> Path:
    """A certificate or key of ours, which a command makes."""
    found = in_folder(path, info)
    if info.context and not is_file(found):
        sentence = f"there is no file {found}; make it with `pump-agent opcua-cert CONFIG`, or correct the path"
        raise contradiction((), sentence)
    return found


def trust_folder(path: Path, info: ValidationInfo) -> Path:
    """The folder of the certificates we trust."""
    found = in_folder(path, info)
    if info.context and not found.is_dir():
        sentence = f"there is no folder {found}; `pump-agent opcua-cert CONFIG` makes it, or correct the path"
        raise contradiction((), sentence)
    return found


OwnFile = Annotated[Path, AfterValidator(own_file)]
Age = Annotated[float, Field(gt=0, le=31_536_000)]
TrustFolder = Annotated[Path, AfterValidator(trust_folder)]


class OpcuaTagSettings(TagSettings):
    """A tag that is a node of an OPC UA server."""

    node: str = Field(examples=["ns=2;s=intake.inlet.flow"])
    sampling: Seconds | None = None  # s, how often the server looks at the node; the tag's period where absent
    queue: Annotated[int, Field(ge=1, le=1000)] = 10  # values the server keeps for us between two messages
    server_deadband: Annotated[float, Field(ge=0)] = 0.0  # in the tag's unit; the server reports no smaller change

    @model_validator(mode="after")
    def _node_is_a_node_id(self) -> Self:
        if not NODE_ID.match(self.node):
            raise contradiction(
                "node", f'"{self.node}" is no node id; write it like "ns=2;s=inlet.flow" or "ns=4;i=17"'
            )
        return self


class OpcuaSettings(DeviceSettings):
    """One OPC UA server."""

    protocol: Literal["opcua"]
    url: str = Field(examples=["opc.tcp://192.0.2.20:4840/path"])
    timeout: Seconds = 4.0
    mode: Literal["subscribe", "poll"] = "subscribe"  # polled too where a server has no subscriptions
    source_ahead: Seconds = 60.0  # s, by which a source time may be ahead of our clock before it is doubted
    source_behind: Age = 3600.0  # s, by which a change that is reported now may be said to be older
    security: Policy = "None"
    security_mode: Literal["Sign", "SignAndEncrypt"] = "SignAndEncrypt"
    cert_file: OwnFile | None = None  # our certificate, and its key; `pump-agent opcua-cert` makes both
    key_file: OwnFile | None = None
    trust_dir: TrustFolder | None = None  # certificates of servers, or of their authorities
    user: str | None = None
    password_file: ExistingFile | None = None
    plain_password: bool = False  # whether the password may cross the line in clear text
    user_cert_file: ExistingFile | None = None  # a certificate instead of user and password
    user_key_file: ExistingFile | None = None
    tags: tuple[OpcuaTagSettings, ...] = Field(default=(), alias="tag")

    @field_validator("security", mode="before")
    @classmethod
    def _policy_is_not_broken(cls, security: object) -> object:
        if security in BROKEN:
            sentence = f'"{security}" is broken and refused; write "Basic256Sha256" or a policy beginning with Aes'
            raise contradiction((), sentence)
        return security

    @model_validator(mode="after")
    def _can_be_opened(self) -> Self:
        if not re.match(r"opc\.tcp://[^\s/]+", self.url):
            raise contradiction("url", f'"{self.url}" is no address; write it like "opc.tcp://192.0.2.20:4840/path"')
        if "@" in self.url.split("/")[2]:
            raise contradiction("url", "a login stands in no address; write user and password_file instead")
        return self

    @model_validator(mode="after")
    def _secured_means_that_both_sides_are_known(self) -> Self:
        wanted = ("cert_file", "key_file", "trust_dir")
        if self.security == "None":
            unused = [key for key in wanted if getattr(self, key) is not None]
            if unused:
                raise contradiction(unused[0], 'is not used with security "None"; choose a policy or leave it out')
            return self
        missing = [key for key in wanted if getattr(self, key) is None]
        if missing:
            sentence = f'"{self.security}" needs {" and ".join(missing)}, else anybody could pose as the server; add it'
            raise contradiction("security", sentence)
        return self

    @model_validator(mode="after")
    def _login_is_whole_and_kept_secret(self) -> Self:
        if self.password_file and not self.user:
            raise contradiction("password_file", "a password needs a user; add user or leave the password out")
        if self.password_file and self.security == "None" and not self.plain_password:
            raise contradiction(
                "password_file",
                'would cross the line in clear text with security "None"; choose a policy, '
                "or write plain_password = true where nobody else can listen",
            )
        if bool(self.user_cert_file) != bool(self.user_key_file):
            key = "user_cert_file" if self.user_cert_file else "user_key_file"
            raise contradiction(key, "a user's certificate and its key go together; add the other or leave both out")
        if self.user_cert_file and self.user:
            raise contradiction("user_cert_file", "a login is either a user or a certificate; leave one of them out")
        if self.user_cert_file and self.security == "None":
            raise contradiction("user_cert_file", 'a certificate proves nothing with security "None"; choose a policy')
        return self
