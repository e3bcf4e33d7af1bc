"""What the configuration says of the broker."""

import re
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from agent.mqtt.sparkplug.settings import SparkplugSettings
from drivers.settings import ExistingFile, Port, Seconds, Settings, contradiction

RECEIVERS: Final = frozenset({"mqtt", "sparkplug"})  # that there can be, each with a place of its own in the log


class MqttSettings(Settings):
    """The broker SCADA subscribes to."""

    host: str = Field(default="localhost", min_length=1)
    port: Port = 1883
    version: Literal["5", "3.1.1"] = "5"  # only 5 says when the broker's ACL denies a message
    root: str | None = None  # water/<station> where absent
    client_id: str | None = None  # pump-agent-<station> where absent
    user: str | None = None
    password_file: ExistingFile | None = None
    ca_file: ExistingFile | None = None  # turns TLS on
    cert_file: ExistingFile | None = None
    key_file: ExistingFile | None = None
    keepalive: Annotated[int, Field(ge=2, le=3600)] = 15  # s
    timeout: Seconds = 10.0  # s, for connecting and for an acknowledgement
    tag_topics: bool = True  # one retained topic a tag, besides the batches
    bare_values: bool = False  # <root>/tag/<tag>/value too
    batch_size: Annotated[int, Field(ge=1, le=5_000)] = 1_000  # readings a message; after a crash so many come again
    history_rate: Annotated[float, Field(gt=0)] = 5_000.0  # held-back readings sent per second
    filled: bool = False  # filled values on <root>/readings too, in batches of their own
    commands: bool = False  # listen on <root>/cmd/#
    json_topics: bool = True  # all that is below <root>; Sparkplug alone has no journals, curves or schedule
    sparkplug: SparkplugSettings = SparkplugSettings()

    @property
    def receivers(self) -> tuple[str, ...]:
        """Those of `RECEIVERS` that there are."""
        return ("mqtt",) * self.json_topics + ("sparkplug",) * self.sparkplug.enabled

    @model_validator(mode="after")
    def _root_is_a_topic(self) -> Self:
        if self.root is not None and not re.fullmatch(r"[^\s+#/$][^\s+#/]*(/[^\s+#/]+)*", self.root):
            remedy = 'write levels with / between and none at the ends, without space, + or #, like "water/north"'
            raise contradiction("root", f'"{self.root}" is no topic to publish under; {remedy}')
        return self

    @model_validator(mode="after")
    def _login_is_whole(self) -> Self:
        if self.password_file and not self.user:
            raise contradiction("password_file", "a password needs a user; add user or leave the password out")
        if (self.cert_file is None) != (self.key_file is None):
            has, lacks = ("cert_file", "key_file") if self.cert_file else ("key_file", "cert_file")
            raise contradiction(has, f"a certificate and its key go together; add {lacks}")
        if self.cert_file and not self.ca_file:
            raise contradiction("cert_file", "a certificate is shown only over TLS; add ca_file, which turns it on")
        return self
