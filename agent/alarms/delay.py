"""How long something must be so before it counts. Pure; it reads no clock."""

from dataclasses import dataclass


@dataclass(slots=True)
class Delay:
    """Holds a claim back until it has been true, or untrue, for long enough.

    Times are of the monotonic clock: neither a device's wrong clock nor a step of ours makes
    an alarm early or late.

    >>> alarm = Delay(on=5.0, off=0.0)
    >>> alarm.update(True, 0), alarm.wait(4_999), alarm.wait(5_000)
    (False, False, True)
    """

    on: float  # s
    off: float  # s
    claim: bool = False
    active: bool = False
    _since_ms: int = 0  # when the claim began to differ from `active`
    _held_ms: int | None = None  # since when nobody knows whether the claim still stands

    @property
    def is_immediate(self) -> bool:
        """Whether another claim counts at once."""
        return not (self.off if self.claim else self.on)

    def update(self, claim: bool, at_ms: int) -> bool:  # noqa: FBT001 - the claim is what this is about
        """Whether the alarm is active at *at_ms*, now that *claim* is known."""
        if self._held_ms is not None:
            self._since_ms += at_ms - self._held_ms  # what was not known does not count
            self._held_ms = None
        if claim != self.claim:
            self.claim, self._since_ms = claim, at_ms
        return self.wait(at_ms)

    def hold(self, at_ms: int) -> bool:
        """Whether it is active at *at_ms*, from when on it is not known whether the claim stands."""
        if self._held_ms is None:
            self._held_ms = at_ms
        return self.active

    def wait(self, at_ms: int) -> bool:
        """Whether it is active at *at_ms* if the claim still stands."""
        is_due = at_ms - self._since_ms >= 1000 * (self.on if self.claim else self.off)
        if self._held_ms is None and self.claim != self.active and is_due:
            self.active = self.claim
        return self.active

    def rest(self) -> bool:
        """It cannot be active now, whatever was claimed."""
        self.claim = self.active = False
        self._held_ms = None
        return False
