"""What a reading claims: that there is cause for an alarm, that there is none, or nothing either way. Pure.

Every claim answers `see` with true, false, or None where the reading says nothing.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

from agent.alarms.conditions import Logic, number
from agent.store.records import Row
from drivers.reading import Quality, is_good

MINUTE_MS = 60_000


class Claim(Protocol):
    """A condition on readings; `value` is what an alarm shows as the value that raised it."""

    value: float | None

    def see(self, row: Row, *, is_claimed: bool) -> bool | None:
        """What this reading says, where the last claim was *is_claimed*."""


@dataclass(slots=True)
class Beyond:
    """A value beyond a limit, and back only when it is within by the deadband."""

    limit: float
    sign: Literal[1, -1]  # 1: claimed above, -1: claimed below
    deadband: float = 0.0
    value: float | None = None

    def see(self, row: Row, *, is_claimed: bool) -> bool | None:
        """Readings that are not good say nothing, either way."""
        value = number(row)
        if value is None:
            return None
        self.value = value
        return self.holds(value, is_claimed=is_claimed)

    def holds(self, value: float, *, is_claimed: bool) -> bool:
        """Whether a good *value* is claimed, where the last claim was *is_claimed*."""
        return self.sign * (value - self.limit) > (-self.deadband if is_claimed else 0)


@dataclass(slots=True)
class Rate:
    """A value that rises, or falls, faster than a limit: by the oldest and the newest reading of a window."""

    limit: float  # tag's unit a minute
    sign: Literal[1, -1]  # 1: rising, -1: falling
    over_ms: int
    value: float | None = None  # tag's unit a minute
    _seen: deque[tuple[int, float]] = field(default_factory=deque)  # time, value

    def see(self, row: Row, *, is_claimed: bool) -> bool | None:  # noqa: ARG002 - a rate has no deadband
        """A window less than half full says nothing; time that runs backwards begins a new one."""
        value = number(row)
        if value is None:
            self._seen.clear()  # what came before the hole is no measure of what came after
            return None
        if self._seen and row.ts_ms <= self._seen[-1][0]:
            if row.ts_ms == self._seen[-1][0]:
                return None
            self._seen.clear()
        self._seen.append((row.ts_ms, value))
        while row.ts_ms - self._seen[0][0] > self.over_ms:
            self._seen.popleft()
        since_ms, before = self._seen[0]
        if row.ts_ms - since_ms < self.over_ms / 2:
            return None
        self.value = (value - before) * MINUTE_MS / (row.ts_ms - since_ms)
        return self.sign * self.value > self.limit


@dataclass(slots=True)
class Deviation:
    """A value further from its setpoint, another tag, than a band."""

    tag: str
    band: float
    deadband: float
    value: float | None = None
    _value: float | None = None
    _setpoint: float | None = None

    def see(self, row: Row, *, is_claimed: bool) -> bool | None:
        """Without a good value of both it says nothing."""
        if row.tag == self.tag:
            self._value = number(row)
        else:
            self._setpoint = number(row)
        if self._value is None or self._setpoint is None:
            return None
        self.value = self._value
        return abs(self._value - self._setpoint) > self.band - (self.deadband if is_claimed else 0)


@dataclass(slots=True)
class InState:
    """A value that is one of some."""

    states: frozenset[float]
    value: float | None = None

    def see(self, row: Row, *, is_claimed: bool) -> bool | None:  # noqa: ARG002 - a state has no deadband
        """Readings that are not good say nothing."""
        value = number(row)
        if value is None:
            return None
        self.value = value
        return value in self.states


@dataclass(slots=True)
class Together:
    """Conditions on several tags."""

    logic: Logic
    value: float | None = None

    def see(self, row: Row, *, is_claimed: bool) -> bool | None:  # noqa: ARG002 - conditions have no deadband
        """What is unknown says nothing unless the others decide."""
        self.logic.see(row)
        return self.logic.holds


@dataclass(slots=True)
class OfQuality:
    """A quality that a tag should not have for long."""

    is_fault: Callable[[int], bool]  # of a quality code
    value: float | None = None

    def see(self, row: Row, *, is_claimed: bool) -> bool:  # noqa: ARG002 - a quality has no deadband
        """Every reading says whether it is at fault."""
        return self.is_fault(row.quality)


@dataclass(slots=True)
class Silence:
    """No reading at all: each one begins the wait anew, and the rule's delay does the rest."""

    value: float | None = None

    def see(self, row: Row, *, is_claimed: bool) -> bool:  # noqa: ARG002 - whatever it says, it is there
        """There is one."""
        return False


@dataclass(slots=True)
class Told:
    """Something that others find out and tell: the disk, the pumps' figures, the test of the alarm path."""

    value: float | None = None

    def see(self, row: Row, *, is_claimed: bool) -> None:
        """Readings say nothing of it."""


def is_silence(quality: int) -> bool:
    """Whether a quality code says that the device itself cannot be reached."""
    return quality == Quality.NOT_CONNECTED


def is_bad_answer(quality: int) -> bool:
    """Whether it says that a device answers, and the value is still not good: one cause, one alarm."""
    return not is_good(quality) and not is_silence(quality)
