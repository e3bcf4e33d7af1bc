"""What could not be kept or sent: never silent."""

from agent.mqtt.instant import Instant
from agent.mqtt.payloads.payload import Count, Payload


class LossLine(Payload):
    """Readings of one tag that were lost for one reason."""

    tag: str | None = None  # absent where it cannot be said by tag
    reason: str
    first: Instant | None = None  # source times of the first and last of them, where known
    last: Instant | None = None
    readings: Count
    undelivered: Count = 0  # of these, the ones that some receiver did not have
    example: str | None = None  # one of them, as text


class Losses(Payload):
    """`<root>/losses`: all that was lost and is still remembered, most recent first."""

    station: str
    ts: Instant
    readings: Count
    undelivered: Count
    more: Count = 0  # lines that did not fit
    losses: tuple[LossLine, ...] = ()
