"""How good the alarms themselves are: rates, floods and nuisances, named as in OPC UA Part 9. Pure."""

from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from agent.alarms.state import AlarmState, Event

MINUTE_MS: Final = 60_000
RATE_MS: Final = 10 * MINUTE_MS  # the rate is counted over ten minutes, which an operator can handle one or two of
DAY_MS: Final = 86_400_000
FLOOD: Final = 10  # more raised within ten minutes are a flood,
EBB: Final = 5  # which lasts until fewer than these are
CHATTER: Final = 3  # transitions within a minute
HASTY_MS: Final = 500  # a change that comes sooner after the last one of an alarm that chatters is noise
TOP: Final = 10
HIDDEN: Final = ("SHELVED", "SUPPRESSED", "OUT_OF_SERVICE")
MOST: Final = 100_000  # raisings that are remembered, whatever floods us


@dataclass(slots=True)
class Metrics:
    """What has become of all alarms since *start_ms*. Times are of one clock that is never set, ms.

    Only what an operator sees counts: what is shelved, suppressed or out of service does not ring.
    """

    start_ms: int
    maximum_alarm_rate: int = 0  # raised within ten minutes, at the worst
    maximum_active_ms: int = 0
    maximum_unack_ms: int = 0
    is_flood: bool = False
    raised: int = 0  # since the start
    _raised: deque[tuple[int, str]] = field(default_factory=lambda: deque(maxlen=MOST))  # of a day
    _moves: dict[str, deque[int]] = field(default_factory=dict)  # the last transitions of each alarm
    _chattered: dict[str, int] = field(default_factory=dict)  # when last
    _restless: dict[str, int] = field(default_factory=dict)  # likewise, hidden ones too
    _since: dict[str, int] = field(default_factory=dict)  # of those active: since when
    _unseen: dict[str, int] = field(default_factory=dict)  # of those unacknowledged: since when

    def see(self, name: str, event: Event, state: AlarmState, at_ms: int) -> None:
        """Something has happened to an alarm."""
        if event == "raised" and state.state == "UNACK":
            self.raised += 1
            self._raised.append((at_ms, name))
            self._see_rate(at_ms)
        if event in ("raised", "cleared"):
            moves = self._moves.setdefault(name, deque(maxlen=CHATTER))
            moves.append(at_ms)
            if len(moves) == CHATTER and at_ms - moves[0] <= MINUTE_MS:
                self._restless[name] = at_ms
                if state.state not in HIDDEN:
                    self._chattered[name] = at_ms
        self.maximum_active_ms = max(self.maximum_active_ms, _ended(self._since, name, at_ms, is_so=state.active))
        self.maximum_unack_ms = max(self.maximum_unack_ms, _ended(self._unseen, name, at_ms, is_so=not state.acked))

    def wait(self, at_ms: int) -> None:
        """Time has passed."""
        self._see_rate(at_ms)
        while self._raised and at_ms - self._raised[0][0] > DAY_MS:
            self._raised.popleft()
        self._chattered = {name: last for name, last in self._chattered.items() if at_ms - last <= RATE_MS}
        self._restless = {name: last for name, last in self._restless.items() if self.is_restless(name, at_ms)}
        self._moves = {name: moves for name, moves in self._moves.items() if at_ms - moves[-1] <= MINUTE_MS}
        self.maximum_active_ms = max([self.maximum_active_ms, *(at_ms - since for since in self._since.values())])
        self.maximum_unack_ms = max([self.maximum_unack_ms, *(at_ms - since for since in self._unseen.values())])

    def rate(self, at_ms: int) -> int:
        """Raised within the last ten minutes."""
        return sum(1 for _ in self._within(at_ms))

    def average_rate(self, at_ms: int) -> float:
        """Raised in ten minutes, on the average since the start."""
        return self.raised * RATE_MS / max(RATE_MS, at_ms - self.start_ms)

    def top(self) -> list[tuple[str, int]]:
        """The alarms that were raised most within a day, with how often."""
        counts = Counter(name for _, name in self._raised)
        return sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:TOP]

    def is_restless(self, name: str, at_ms: int) -> bool:
        """Whether an alarm, hidden or not, chattered within the last minute."""
        last_ms = self._restless.get(name)
        return last_ms is not None and 0 <= at_ms - last_ms <= MINUTE_MS

    def is_noise(self, name: str, at_ms: int) -> bool:
        """Whether a change of a restless alarm would come so soon after its last one that nobody waits for it."""
        moves = self._moves.get(name)
        return moves is not None and self.is_restless(name, at_ms) and 0 <= at_ms - moves[-1] < HASTY_MS

    def chattering(self) -> list[str]:
        """Alarms that came and went three times within a minute, not longer than ten minutes ago."""
        return sorted(self._chattered)

    def maximum_realarm_count(self) -> int:
        """How often one alarm was raised again within a day, at the worst."""
        return max((count - 1 for _, count in self.top()[:1]), default=0)

    def _see_rate(self, at_ms: int) -> None:
        rate = self.rate(at_ms)
        self.maximum_alarm_rate = max(self.maximum_alarm_rate, rate)
        self.is_flood = rate >= EBB if self.is_flood else rate > FLOOD

    def _within(self, at_ms: int) -> Iterator[str]:
        for raised_ms, name in reversed(self._raised):
            if at_ms - raised_ms >= RATE_MS:
                return
            yield name


def standing(states: Mapping[str, AlarmState]) -> list[str]:
    """Alarms that are active and shown."""
    return sorted(name for name, state in states.items() if state.state in ("UNACK", "ACKED"))


def stale(states: Mapping[str, AlarmState], at_ms: int) -> list[str]:
    """Of these, those that have been for more than a day: nobody does anything about them."""
    raised = ((name, states[name].raised_ms) for name in standing(states))
    return [name for name, since_ms in raised if since_ms is not None and at_ms - since_ms > DAY_MS]


def _ended(since: dict[str, int], name: str, at_ms: int, *, is_so: bool) -> int:
    """Note what begins; for how long (ms) it was so, where it ends."""
    if is_so:
        since.setdefault(name, at_ms)
        return 0
    return at_ms - since.pop(name, at_ms)
