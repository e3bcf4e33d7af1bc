"""What the agent says of itself and of its data: quality report and health."""

from typing import Literal

from pydantic import Field

from agent.mqtt.instant import Instant
from agent.mqtt.payloads.payload import Count, Payload, Share

FlagWord = Literal["pass", "not_evaluated", "suspect", "fail", "missing"]  # as QARTOD has them


class TagFinding(Payload):
    """One check that some readings of a tag did not pass."""

    check: str  # spike, step, frozen, missing, late ...
    flag: FlagWord
    reason: str | None = None  # what is wrong with the first one
    count: Count  # readings
    first: Instant
    value: float | None = None  # the first one's figure, in the tag's unit, or s for times
    limit: float | None = None  # what it was held against


class CrossCheck(Payload):
    """Tags that contradict each other, or what physics allows."""

    # energy_balance volume_balance electrical apparent_power active_power while_stopped mains_as_speed headers_sum
    # pumps_sum gauges head_speed efficiency
    check: str
    flag: FlagWord = "suspect"
    tags: tuple[str, ...]  # the suspected one first, where it can be told
    suspect: str | None = None  # the tag that the other checks speak against; absent where it cannot be told
    reason: str  # a sentence
    value: float | None = None
    limit: float | None = None


class TagQuality(Payload):
    """One tag in the quality report; the shares are of the expected readings."""

    tag: str
    score: Share
    completeness: Share
    validity: Share
    consistency: Share
    timeliness: Share
    readings: Count
    bad: Count = 0
    uncertain: Count = 0
    filled: Count = 0
    reasons: dict[str, int] = Field(default_factory=dict)  # why readings were bad, and how many
    flag: FlagWord | None = None  # of the worst finding
    findings: tuple[TagFinding, ...] = ()
    not_evaluated: tuple[str, ...] = ()  # checks for which too little was seen of the tag, or that do not fit it
    resolution: float | None = None  # the steps in which its values come, in the tag's unit


class Quality(Payload):
    """`<root>/quality`: the data-quality report of a window."""

    station: str
    ts: Instant
    start: Instant = Field(alias="from")
    end: Instant = Field(alias="to")
    score: Share
    completeness: Share
    validity: Share
    consistency: Share
    timeliness: Share
    tags: tuple[TagQuality, ...] = ()
    cross_checks: tuple[CrossCheck, ...] = ()
    stale: bool = False


State = Literal["ok", "degraded", "failed", "starting", "off"]


class PartHealth(Payload):
    """One device, the broker, the store, or a job."""

    name: str
    state: State
    since: Instant
    error: str | None = None  # the last one, also after it has passed
    error_at: Instant | None = None
    lag_ms: Count | None = None  # how old its newest result is
    counts: dict[str, int] = Field(default_factory=dict)
    doubt: str | None = None  # of a job: which tags were hardly measured in what its newest result rests on


class Backlog(Payload):
    """What the broker does not have yet, and how that goes down."""

    behind: Count  # readings; a few are always on their way
    rate: float  # readings/s by which it went down since the last report; 0 while it does not
    until: Instant | None = None  # the estimated end


class Health(Payload):
    """`<root>/health`: how the agent's parts do."""

    station: str
    ts: Instant
    state: State  # of the worst part
    version: str
    uptime_s: Count
    devices: tuple[PartHealth, ...] = ()
    broker: PartHealth | None = None  # absent where there are no JSON topics
    sparkplug: PartHealth | None = None  # absent where there is no Sparkplug
    backlog: Backlog | None = None
    store: PartHealth | None = None
    clock: PartHealth | None = None  # degraded while its time is in doubt
    configuration: PartHealth | None = None  # degraded while a changed file is refused
    jobs: tuple[PartHealth, ...] = ()
