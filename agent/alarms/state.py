"""One alarm's life after ISA-18.2 / IEC 62682: pure facts, and the state they add up to."""

from dataclasses import dataclass, replace
from typing import Literal

State = Literal["NORM", "UNACK", "ACKED", "RTNUN"]


@dataclass(frozen=True, slots=True)
class AlarmState:
    """What is known of one alarm: independent facts, from which its state follows.

    An occurrence is one stay in alarm. It has a number, so that an acknowledgement that
    arrives late never silences a newer occurrence.
    """

    active: bool = False
    acked: bool = True
    occurrence: int = 0  # 0: never raised
    changes: int = 0  # how often it has changed
    value: float | None = None  # what the tag said when it was raised, in its unit
    raised_ms: int | None = None
    cleared_ms: int | None = None
    acked_ms: int | None = None
    acked_by: str | None = None

    @property
    def state(self) -> State:
        """Normal, unacknowledged, acknowledged, or returned to normal unacknowledged.

        >>> AlarmState().raised(1_000, value=8.1).cleared(2_000).state
        'RTNUN'
        """
        if self.active:
            return "ACKED" if self.acked else "UNACK"
        return "NORM" if self.acked else "RTNUN"

    def raised(self, ts_ms: int, value: float | None = None) -> "AlarmState":
        """In alarm since *ts_ms*: a new occurrence, unless it is active already."""
        if self.active:
            return self
        return AlarmState(
            active=True,
            acked=False,
            occurrence=self.occurrence + 1,
            changes=self.changes + 1,
            value=value,
            raised_ms=ts_ms,
        )

    def cleared(self, ts_ms: int) -> "AlarmState":
        """Back to normal since *ts_ms*; an operator who has not seen it still must."""
        if not self.active:
            return self
        return replace(self, active=False, cleared_ms=ts_ms, changes=self.changes + 1)

    def acknowledged(self, occurrence: int, ts_ms: int, user: str) -> "AlarmState":
        """Seen by *user*; an acknowledgement of an older occurrence changes nothing."""
        if self.acked or occurrence != self.occurrence:
            return self
        return replace(self, acked=True, acked_ms=ts_ms, acked_by=user, changes=self.changes + 1)
