"""The times of a tag's readings, in the order in which they arrive: late, twice, back, ahead, or missing."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from analytics.quality.tally import Tally

Times = NDArray[np.int64]
Booleans = NDArray[np.bool_]

FUTURE_MS = 5_000  # that a source's clock may be ahead of ours
LONGEST_MS = 86_400_000  # of a silence: no more of it counts as missing
_MOST_HOLES = 64


@dataclass(slots=True)
class Arrival:
    """What is remembered of a tag's times between two portions."""

    newest_ms: int = 0  # of any quality
    holes: list[tuple[int, int]] = field(default_factory=list)  # the last ones: times before and after

    def put_right(self, now_ms: int) -> None:
        """Forget what a clock that ran ahead has left, or all that follows would be late.

        The newest time before it is where the hole began that ends ahead; 0 where there is none.
        """
        self.newest_ms = min((start for start, end in self.holes if start <= now_ms < end), default=0)
        self.holes = [hole for hole in self.holes if hole[1] <= now_ms]

    def due_ms(self, at_ms: int, period_ms: int, jitter_ms: int = 0) -> int:
        """Until when readings were due by *at_ms*: the newest one's time, and whole periods of silence since."""
        if not self.newest_ms:
            return at_ms
        missed = (at_ms - self.newest_ms - jitter_ms + period_ms // 2) // period_ms - 1
        return self.newest_ms + max(0, missed) * period_ms

    def judge(self, times_ms: Times, period_ms: int, now_ms: int, tally: Tally, jitter_ms: int = 0) -> Booleans:
        """Whether each reading is newer than all before it, shape (n,); what is wrong with the others is told.

        A reading older than the newest came late where it falls into a hole. Otherwise that time was read already,
        so the source's clock went back. By *jitter_ms* a reading may be farther than a period from the one before,
        or older than the newest, and nothing is told of it, where a device tells in one way what changed and in
        another what stands.
        """
        future = times_ms > now_ms + FUTURE_MS
        believed = np.where(future, 0, times_ms)  # else a clock that is ahead would make all that follows late
        before = np.maximum.accumulate(np.concatenate([[self.newest_ms], believed]))[:-1]
        is_new: Booleans = (times_ms > before) & ~future
        self._follow(times_ms[is_new], period_ms, jitter_ms, tally)
        older = (times_ms < before - jitter_ms) & ~future
        late = older & self._in_hole(times_ms)
        back = older & ~late
        tally.add("late", times_ms[late], (before - times_ms)[late] / 1000.0)
        tally.add("backward", times_ms[back], (before - times_ms)[back] / 1000.0)
        tally.add("duplicate", times_ms[(times_ms == before) & ~future])
        tally.add("future", times_ms[future], (times_ms - now_ms)[future] / 1000.0, FUTURE_MS / 1000.0)
        return is_new

    def _follow(self, new_ms: Times, period_ms: int, jitter_ms: int, tally: Tally) -> None:
        if not len(new_ms):
            return
        since = new_ms - np.concatenate([[self.newest_ms or new_ms[0]], new_ms[:-1]])
        self.newest_ms = int(new_ms[-1])
        if since.max() < 2 * period_ms - period_ms // 2 + jitter_ms:
            return
        most = max(1, LONGEST_MS // period_ms)  # one time of a wrong year would make a list of gigabytes
        missed = np.clip((since - jitter_ms + period_ms // 2) // period_ms - 1, 0, most)
        gaps = np.flatnonzero(missed)
        if len(gaps):
            tally.add(
                "missing",
                np.repeat(new_ms[gaps], missed[gaps]),
                np.repeat(since[gaps] / 1000.0, missed[gaps]),
                period_ms / 1000.0,
            )
            self.holes += [(int(new_ms[i] - since[i]), int(new_ms[i])) for i in gaps[-_MOST_HOLES:]]
            del self.holes[:-_MOST_HOLES]

    def _in_hole(self, times_ms: Times) -> Booleans:
        found = np.zeros(len(times_ms), np.bool_)
        for start_ms, end_ms in self.holes:
            found |= (times_ms > start_ms) & (times_ms < end_ms)
        return found


def in_order(
    times_ms: Times, arrivals: Sequence[Arrival], periods_ms: Sequence[tuple[int, int]], now_ms: int
) -> Booleans:
    """Of which tags each reading is newer than all before it, none is ahead and none is missing, as nearly always.

    *times_ms* is of shape (tags, n), one reading or more; *periods_ms* are each tag's period and jitter.
    """
    newest_ms = np.array([one.newest_ms for one in arrivals], np.int64)
    before = np.concatenate([np.where(newest_ms, newest_ms, times_ms[:, 0] - 1)[:, None], times_ms[:, :-1]], axis=1)
    since = times_ms - before
    periods, jitters = np.array(periods_ms, np.int64).T
    found: Booleans = (since > 0).all(axis=1) & (times_ms[:, -1] <= now_ms + FUTURE_MS)
    return np.asarray(found & (since.max(axis=1) < 2 * periods - periods // 2 + jitters))
