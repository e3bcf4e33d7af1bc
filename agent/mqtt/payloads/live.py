"""What is said of the agent and of its tags: info, live values, the log in batches."""

from pydantic import Field

from agent.mqtt.instant import Instant
from agent.mqtt.payloads.payload import Count, Payload, QualityWord
from drivers.reading import Value

SCHEMA_VERSION = 1  # keys may be added to a version; their meaning does not change within one


class Info(Payload):
    """`<root>/info`: who speaks here."""

    name: str
    version: str
    schema_version: int = Field(default=SCHEMA_VERSION, alias="schema")
    station: str
    config_digest: str
    started: Instant
    time_zone: str
    devices: Count
    tags: Count
    pumps: Count


class TagValue(Payload):
    """`<root>/tag/<tag>`: one tag's live value; without `value` where the quality is bad."""

    value: Value = None  # in the tag's own unit
    quality: QualityWord
    reason: str | None = None  # why it is not good
    unit: str
    ts: Instant
    seq: Count  # place in the log; ascending


class Readings(Payload):
    """`<root>/readings` and `<root>/history`: the log in batches, each row (tag, ts_ms, value, OPC quality code).

    Filled values, where they are published at all, come in batches of their own on `<root>/readings`.
    """

    seq: Count | None = None  # place of the first row in the log; absent of filled values, which are not in it
    count: Count
    rows: tuple[tuple[str, int, Value, int], ...]
    filled: bool | None = None  # true: nobody measured these
    reasons: tuple[str, ...] | None = None  # of filled values, one a row: method and standard deviation
    withdrawn: tuple[tuple[str, int, int], ...] | None = None  # tag, from, up to (ms): filled values now void
