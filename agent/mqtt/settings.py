"""What the configuration says of the broker."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from drivers.settings import Port, Seconds, Settings


class MqttSettings(Settings):
    """The broker SCADA subscribes to."""

    host: str = "localhost"
    port: Port = 1883
    version: Literal["5", "3.1.1"] = "5"  # only 5 says when the broker's ACL denies a message
    root: str | None = None  # water/<station> where absent
    client_id: str | None = None  # pump-agent-<station> where absent
    user: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None  # turns TLS on
    cert_file: Path | None = None
    key_file: Path | None = None
    keepalive: Annotated[int, Field(ge=2, le=3600)] = 15  # s
    timeout: Seconds = 10.0  # s, for connecting and for an acknowledgement
    tag_topics: bool = True  # one retained topic a tag, besides the batches
    bare_values: bool = False  # <root>/tag/<tag>/value too
    batch_size: Annotated[int, Field(ge=1, le=5_000)] = 500  # readings a message of <root>/readings
    history_rate: Annotated[float, Field(gt=0)] = 5_000.0  # held-back readings sent per second
    commands: bool = False  # listen on <root>/cmd/#
