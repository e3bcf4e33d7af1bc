"""What stands behind a device's last readings, for a person who asks whether they are right."""

from collections.abc import Mapping
from dataclasses import dataclass

Raw = bytes | object  # registers as the wire had them, or what an OPC UA server said


@dataclass(frozen=True, slots=True)
class Request:
    """A request as the driver now makes it, again and again."""

    what: str  # as a person names it: holding:100-123
    period: float  # s, between two
    took: float  # s, until its last answer was here


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a device answered, before anybody made values of it, and what asking cost."""

    raw: Mapping[str, Raw]  # by tag; nothing for one that brought no answer
    requests: tuple[Request, ...]  # none where the device reports by itself
