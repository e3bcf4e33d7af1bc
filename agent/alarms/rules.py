"""What is an alarm: a claim that readings make, held back by delays, with the words for the operator. Pure."""

from dataclasses import dataclass

from agent.alarms.claims import Claim, Silence
from agent.alarms.conditions import Logic
from agent.alarms.delay import Delay
from agent.alarms.rationale import Rationale
from agent.store.records import Row


@dataclass(slots=True)
class Rule:
    """One alarm of the configuration."""

    rationale: Rationale
    delay: Delay
    claim: Claim
    tags: tuple[str, ...] = ()  # whose readings matter to it
    hears_good: bool = True  # false: only readings that are not good can raise it
    suppress_while: Logic | None = None
    reason: str | None = None  # what was said last, for an alarm that time alone raises

    @property
    def is_waiting(self) -> bool:
        """Whether the passing of time alone may change it."""
        return self.delay.claim != self.delay.active

    def see(self, row: Row, at_ms: int) -> bool:
        """Whether the alarm is active once this reading is known."""
        self.reason = None if isinstance(self.claim, Silence) else row.reason
        claim = self.claim.see(row, is_claimed=self.delay.claim)
        if claim is None:
            return self.delay.hold(at_ms)
        active = self.delay.update(claim, at_ms)
        if isinstance(self.claim, Silence):
            self.delay.update(True, at_ms)  # noqa: FBT003 - silent from now on, until the next
        return active
