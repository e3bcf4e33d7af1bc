"""How fast what an outage held back is made up for, and when that ends; seen from outside, report by report."""

from agent.mqtt import payloads


class Progress:
    """Follows the number of readings that a receiver is still owed."""

    def __init__(self) -> None:
        self._owed = 0
        self._seen: float | None = None  # s, monotonic
        self._rate = 0.0  # readings/s by which it went down since the look before

    def see(self, owed: int, now: float) -> None:
        """Take note of *owed* readings at *now*, s on a clock that only goes forward."""
        if self._seen is not None and now > self._seen:
            self._rate = max(0.0, (self._owed - owed) / (now - self._seen))
        self._owed, self._seen = owed, now

    def report(self, now_ms: int) -> payloads.Backlog:
        """What subscribers are told at *now_ms*; without an end where it does not get less."""
        is_ending = self._owed and self._rate
        return payloads.Backlog(
            behind=self._owed,
            rate=round(self._rate, 1),
            until=now_ms + round(1_000 * self._owed / self._rate) if is_ending else None,
        )
