"""A cumulative counter, watched: resets, rollovers, glitches and jumps told apart."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.quality.verdict import Check

Floats = NDArray[np.float64]
Times = NDArray[np.int64]
Add = Callable[[Check, Times, Floats], None]

_SLACK = 4 * 2.0**-24  # of the value: a 32-bit float's last digits may go either way
_RETURNS_MS = 60_000  # a drop that is made good within it was a glitch
_RESET_SHARE = 0.05  # a counter that drops to less of its value was reset
_ROUND = tuple(float(limit) for limit in (2**16, 2**24, 2**31, 2**32, 10**5, 10**6, 10**7, 10**8, 10**9))
_NEAR_ROUND = 0.01
_LAST_RISES = 100.0  # times the largest rise, that a counter may have been from the end of its range
_JUMP_TIMES = 50.0  # as much as the largest rise before
_JUMP_LEARNT = (
    2.0  # times the largest rise before, that a jump adds to what is usual: one that comes again is told again
)
_ENOUGH_RISES = 30  # that tell what is usual


@dataclass(slots=True)
class Counter:
    """What is remembered of a counter between two portions."""

    top: float | None = None  # the state before the present drop, or the newest one; None before the first
    fell_ms: int = 0  # when it dropped; 0 where it has not
    fell_to: float = 0.0
    largest: float = 0.0  # rise of a period
    rises: int = 0
    seen_ms: int = 0  # the newest reading; 0 before the first

    def put_right(self, now_ms: int) -> None:
        """Begin anew after a drop that was seen ahead of *now_ms*: it would never have lasted."""
        if self.fell_ms > now_ms:
            self.fell_ms, self.top = 0, None
        if self.seen_ms > now_ms:
            self.seen_ms = 0

    def judge(self, values: Floats, times_ms: Times, period_ms: int, resolution: float, add: Add) -> None:
        """Follow *values*, shape (n,), oldest first; what is unusual is told to *add*.

        A counter that drops and is back within a minute had a glitch; one that stays down was reset where it began
        near 0, has rolled over where it came from the end of its range, and has otherwise lost counts.
        """
        if not len(values):
            return
        since_ms = np.diff(times_ms, prepend=self.seen_ms or times_ms[0])
        periods = np.maximum(1.0, since_ms / period_ms)  # a counter goes on while nothing comes of it
        self.seen_ms = int(times_ms[-1])
        place = 0
        while place < len(values):
            place = self._follow(values, times_ms, place, resolution, periods, add)

    def _follow(  # noqa: PLR0917 - a series, where in it, and what to hold it against
        self, values: Floats, times_ms: Times, place: int, resolution: float, periods: Floats, add: Add
    ) -> int:
        """Take in readings from *place* up to the next event; where that is."""
        if self.top is None:
            self.top = float(values[place])
            return place + 1
        if self.fell_ms:
            return self._recover(values, times_ms, place, self.top, add)
        rises = values[place:] - np.concatenate([[self.top], values[place:-1]])
        slack = max(resolution, _SLACK * abs(self.top))
        each = rises / periods[place:]
        events = ((rises < -slack) | self._is_jump(rises, each, slack)).nonzero()[0]
        end = int(events[0]) if len(events) else len(rises)
        if end:
            self._rise(each[:end], float(values[place + end - 1]))
        if not len(events):
            return len(values)
        at = place + end
        if rises[end] < 0:
            self.fell_ms, self.fell_to = int(times_ms[at]), float(values[at])
        else:
            add("jump", times_ms[at : at + 1], rises[end : end + 1])
            self._rise(np.minimum(each[end : end + 1], _JUMP_LEARNT * self.largest), float(values[at]))
        return at + 1

    def _rise(self, rises: Floats, top: float) -> None:
        self.largest = max(self.largest, float(rises.max()))
        self.rises += int((rises > 0).sum())
        self.top = top

    def _is_jump(self, rises: Floats, each: Floats, slack: float) -> NDArray[np.bool_]:
        """Whether each rise is far beyond all before it, once enough were seen; *each*: of a period."""
        if each.max() <= _JUMP_TIMES * self.largest:
            return np.zeros(len(rises), np.bool_)
        largest = np.maximum.accumulate(np.concatenate([[self.largest], each]))[:-1]
        count = self.rises + np.cumsum(rises > 0) - (rises > 0)
        return np.asarray((count >= _ENOUGH_RISES) & (each > _JUMP_TIMES * largest) & (rises > 2 * slack))

    def _recover(self, values: Floats, times_ms: Times, place: int, top: float, add: Add) -> int:
        """Decide on a drop from *top* once it is made good, or has lasted."""
        is_back = values[place:] >= top - _SLACK * abs(top)
        decided = is_back | (times_ms[place:] - self.fell_ms > _RETURNS_MS)
        if not decided.any():
            return len(values)
        first = int(np.argmax(decided))
        kind: Check = "glitch" if is_back[first] else self._kind(top)
        add(kind, np.array([self.fell_ms]), np.array([self.fell_to - top]))
        self.fell_ms, self.top = 0, float(values[place + first])
        return place + first + 1

    def _kind(self, top: float) -> Check:
        near = _LAST_RISES * self.largest if self.largest else float("inf")
        is_round = any(abs(top - end) < min(_NEAR_ROUND * end, near) for end in _ROUND)
        if is_round and self.fell_to < _NEAR_ROUND * top:
            return "rollover"
        return "reset" if abs(self.fell_to) < _RESET_SHARE * abs(top) else "drop"
