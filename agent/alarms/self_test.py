"""A test of the way of an alarm to the operator: SCADA must answer it in time. Pure; it reads no clock."""

from dataclasses import dataclass
from typing import Final

from agent.mqtt.payloads import AlarmTest

HOUR: Final = 3_600.0  # s


@dataclass(slots=True)
class SelfTest:
    """The present test, and when the next is due.

    Args:
        station: Whose test it is.
        every: s between two tests.
        answer: s SCADA has to answer one.
    """

    station: str
    every: float
    answer: float
    present: AlarmTest | None = None  # the newest, whatever has become of it

    def due(self, now_ms: int) -> AlarmTest | None:
        """A test to be published at *now_ms*: a new one, or the present one as failed; None where all waits."""
        present = self.present
        if present is not None and present.state == "asked":
            if present.ts <= now_ms < present.answer_by:
                return None
            return self._become(present.model_copy(update={"state": "failed"}))
        # also where the clock was set back: a test that lies in the future was not the last one
        if present is not None and 0 <= now_ms - present.ts < 1_000 * self.every:
            return None
        until_ms = now_ms + round(1_000 * self.answer)
        return self._become(
            AlarmTest(id=str(now_ms), ts=now_ms, station=self.station, state="asked", answer_by=until_ms)
        )

    def answered(self, test: str, user: str, now_ms: int) -> AlarmTest:
        """SCADA has answered a test, perhaps late.

        Raises:
            LookupError: It is not the present one, or has been answered; the message is for the operator.
        """
        present = self.present
        if present is None or present.id != test:
            raise LookupError(f"{test[:40]!r} is not the present test of the alarm path")
        if present.state == "answered":
            raise LookupError(f"test {test!r} has been answered by {present.user}")
        took_ms = max(0, now_ms - present.ts)
        return self._become(present.model_copy(update={"state": "answered", "user": user, "took_ms": took_ms}))

    @property
    def complaint(self) -> str | None:
        """Why SCADA's way of alarms cannot be trusted; None where it can, or nothing is known yet."""
        if self.present is None or self.present.state != "failed":
            return None
        return f"no answer to test {self.present.id} within {self.answer:g} s"

    def _become(self, test: AlarmTest) -> AlarmTest:
        self.present = test
        return test
