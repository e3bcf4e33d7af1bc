"""One tag, watched reading by reading: which ones are possible and plausible, streaming."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from analytics.quality.counter import Counter
from analytics.quality.usual import ENOUGH, Usual
from analytics.quality.verdict import Check, Finding

Floats = NDArray[np.float64]
Times = NDArray[np.int64]
Booleans = NDArray[np.bool_]

_FUTURE_MS = 5_000  # that a source's clock may be ahead of ours
_NEIGHBOURS = 3  # periods between readings that are compared
_RETURN = 4.0  # a spike is this much larger than what is left of it one reading later


@dataclass(frozen=True, slots=True)
class Rules:
    """What is known of a tag before any reading; values in the tag's own unit."""

    period_ms: int
    behaviour: Literal["analogue", "totaliser", "status"] = "analogue"
    low: float = -np.inf  # the least possible value
    high: float = np.inf
    resolution: float = 0.0
    full_scale: tuple[float, ...] = ()  # values at the ends of the register


@dataclass(frozen=True, slots=True)
class Portion:
    """New readings of one tag in the order of their arrival, each of shape (n,)."""

    times_ms: Times
    values: Floats  # NaN where the quality is bad
    is_good: Booleans
    is_active: Booleans  # whether the plant it watches runs, so that it ought to move
    is_quiet: Booleans  # whether nothing was started or stopped just now, so that it ought not to jump


@dataclass(slots=True)
class Watch:
    """What is remembered of a tag between two portions."""

    newest_ms: int = 0  # of any quality
    values: list[float] = field(default_factory=list)  # the last two good ones
    times_ms: list[int] = field(default_factory=list)
    changed_ms: int = 0  # when the value last differed from the one before
    usual: Usual = field(default_factory=Usual)
    move_limit: float | None = None  # what `usual` said last; None: nothing is unusual yet
    rest_limit_ms: float | None = None
    counter: Counter = field(default_factory=Counter)


@dataclass(slots=True)
class Tally:
    """What was found in a portion."""

    came: int = 0
    good: int = 0
    findings: dict[Check, Finding] = field(default_factory=dict)

    def add(self, check: Check, times_ms: Times, figures: Floats | None = None, limit: float | None = None) -> None:
        """Count readings at *times_ms* that did not pass *check*; the first one's figure is kept."""
        if not len(times_ms):
            return
        known = self.findings.get(check)
        if known is None:
            value = None if figures is None else float(figures[0])
            kept = limit if limit is not None and np.isfinite(limit) else None
            known = Finding(check, 0, int(times_ms[0]), value, kept)
        total = known.count + len(times_ms)
        self.findings[check] = Finding(check, total, known.first_ms, known.value, known.limit)

    def count(self, *checks: Check) -> int:
        """Readings that did not pass them."""
        return sum(self.findings[check].count for check in checks if check in self.findings)


def judge(watch: Watch, portion: Portion, rules: Rules, now_ms: int) -> Tally:
    """What is wrong with the readings of *portion*; *watch* moves on past them.

    Limits are made anew after every 600 readings of the tag, wherever portions end, so that it does not matter how
    the readings are cut into portions.
    """
    tally = Tally(came=len(portion.times_ms), good=int(portion.is_good.sum()))
    bad = ~portion.is_good
    tally.add("bad", portion.times_ms[bad])
    is_new = _judge_times(watch, portion, rules, now_ms, tally)
    use = is_new & portion.is_good & np.isfinite(portion.values)
    rest = Portion(
        portion.times_ms[use], portion.values[use], portion.is_good[use], portion.is_active[use], portion.is_quiet[use]
    )
    while len(rest.times_ms):
        until = ENOUGH - watch.usual.readings % ENOUGH
        _judge_values(watch, _part(rest, slice(None, until)), rules, tally)
        rest = _part(rest, slice(until, None))
        if watch.usual.readings % ENOUGH == 0:
            watch.move_limit = _finite(watch.usual.largest_move(rules.resolution))
            watch.rest_limit_ms = _finite(watch.usual.longest_rest_ms(rules.period_ms))
    return tally


def _finite(limit: float) -> float | None:
    return limit if np.isfinite(limit) else None


def _part(portion: Portion, part: slice) -> Portion:
    return Portion(
        portion.times_ms[part],
        portion.values[part],
        portion.is_good[part],
        portion.is_active[part],
        portion.is_quiet[part],
    )


def _judge_times(watch: Watch, portion: Portion, rules: Rules, now_ms: int, tally: Tally) -> Booleans:
    """Whether each reading is newer than all before it, shape (n,)."""
    times_ms = portion.times_ms
    future = times_ms > now_ms + _FUTURE_MS
    believed = np.where(future, 0, times_ms)  # else a clock that is ahead would make all that follows late
    before = np.maximum.accumulate(np.concatenate([[watch.newest_ms], believed]))[:-1]
    is_new = (times_ms > before) & ~future
    tally.add("duplicate", times_ms[times_ms == before])
    tally.add("late", times_ms[times_ms < before], (before - times_ms)[times_ms < before] / 1000.0)
    tally.add("future", times_ms[future], (times_ms - now_ms)[future] / 1000.0, _FUTURE_MS / 1000.0)
    if not is_new.any():
        return is_new
    new = times_ms[is_new]
    since = np.diff(new, prepend=watch.newest_ms or new[0])
    missed = np.maximum(np.round(since / rules.period_ms).astype(np.int64) - 1, 0)
    tally.add("missing", np.repeat(new, missed), np.repeat(since / 1000.0, missed), rules.period_ms / 1000.0)
    watch.newest_ms = int(new[-1])
    return is_new


def _judge_values(watch: Watch, portion: Portion, rules: Rules, tally: Tally) -> None:
    values, times_ms = portion.values, portion.times_ms
    outside = (values < rules.low) | (values > rules.high)
    tally.add("range", times_ms[outside], values[outside], rules.high)
    full = np.isin(values, rules.full_scale)
    tally.add("full_scale", times_ms[full], values[full])
    if rules.behaviour == "totaliser":
        watch.counter.judge(values, times_ms, rules.resolution, tally.add)
        watch.usual.readings += len(values)
    elif rules.behaviour == "status":
        watch.usual.readings += len(values)
    else:
        _judge_moves(watch, portion, rules, tally)
    watch.values = [*watch.values, *values.tolist()][-2:]
    watch.times_ms = [*watch.times_ms, *times_ms.tolist()][-2:]


def _judge_moves(watch: Watch, portion: Portion, rules: Rules, tally: Tally) -> None:
    """Spikes, steps, and a value that does not move any more."""
    known = len(watch.values)
    values = np.concatenate([watch.values, portion.values])
    times_ms = np.concatenate([np.array(watch.times_ms, np.int64), portion.times_ms])
    moves = np.diff(values)
    near = np.diff(times_ms) <= _NEIGHBOURS * rules.period_ms
    limit = np.inf if watch.move_limit is None else watch.move_limit
    spikes = _spikes(moves, near, limit)
    at = np.flatnonzero(spikes[max(known - 2, 0) :]) + max(known - 2, 0) + 1
    tally.add("spike", times_ms[at], np.abs(moves[at - 1]), limit)
    new = slice(max(known - 1, 0), None)  # moves that end in a new reading
    quiet = portion.is_quiet[-len(moves[new]) :] if len(moves[new]) else portion.is_quiet[:0]
    returns = np.zeros(len(moves), np.bool_)
    returns[1:] |= spikes[: len(moves) - 1]
    steps = (np.abs(moves) > limit) & near & ~returns & ~_opens_spike(spikes, len(moves))
    chosen = steps[new] & quiet
    tally.add("step", times_ms[1:][new][chosen], moves[new][chosen], limit)
    _judge_rest(watch, portion, tally)
    watch.usual.learn(np.abs(moves[new]))
    watch.usual.readings += len(portion.values) - len(moves[new])


def _spikes(moves: Floats, near: Booleans, limit: float) -> Booleans:
    """Whether the reading between two moves stands out of both its neighbours, shape (moves - 1,)."""
    first, second = moves[:-1], moves[1:]
    height = np.minimum(np.abs(first), np.abs(second))
    left = np.abs(first + second)
    return (first * second < 0) & (height > limit) & (height > _RETURN * left) & near[:-1] & near[1:]


def _opens_spike(spikes: Booleans, moves: int) -> Booleans:
    opens = np.zeros(moves, np.bool_)
    opens[: len(spikes)] = spikes
    return opens


def _judge_rest(watch: Watch, portion: Portion, tally: Tally) -> None:
    """A value that stays the same much longer than is usual, while the plant runs."""
    times_ms = portion.times_ms
    before = np.concatenate([watch.values[-1:] or [np.nan], portion.values])[:-1]
    is_change = portion.values != before
    # A rest is counted from the last change, or from when the plant began to run.
    moved_ms = np.where(is_change | ~portion.is_active, times_ms, 0)
    until_ms = np.maximum.accumulate(np.concatenate([[watch.changed_ms or times_ms[0]], moved_ms]))
    rest_ms = times_ms - until_ms[:-1]
    limit_ms = np.inf if watch.rest_limit_ms is None else watch.rest_limit_ms
    frozen = ~is_change & portion.is_active & (rest_ms > limit_ms)
    tally.add("frozen", times_ms[frozen], rest_ms[frozen] / 1000.0, limit_ms / 1000.0)
    watch.changed_ms = int(until_ms[-1])
    use = portion.is_active & ~frozen
    # a tag that moves again after an unusual rest was not broken: what is usual grows, but not without bound
    ended_ms = np.minimum(rest_ms[is_change & use], 2 * limit_ms).astype(np.int64)
    watch.usual.watch(is_change[use], ended_ms)
