"""How a measurement moves from reading to reading: spikes, steps, and values that have frozen."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from analytics.quality.tally import Tally
from analytics.quality.usual import ENOUGH, Grid, Moves, Rests
from analytics.quality.verdict import Check

Floats = NDArray[np.float64]
Times = NDArray[np.int64]
Booleans = NDArray[np.bool_]

_NEIGHBOURS = 3  # periods between readings that are compared
_LEFT = 0.4  # of a move: what is left of it one reading later is less after a spike, and more after a step
_ALONE = 0.25  # of a step: the moves before and after it are smaller, or the plant moves
_LOUD = 6.0  # times the mean move of late that a spike or step must be: some meters grow noisier with what they show
_STILL_MS, _STILL_PERIODS = 60_000, 20  # without a move while the plant stands, after which one says nothing
_KEPT = 3  # readings that the next portion needs
_MEMORY = 1 / 16  # weight of a move in the mean
_FADING = (1 - _MEMORY) ** np.arange(ENOUGH + _KEPT + 1)  # of what was, by readings since


@dataclass(frozen=True, slots=True)
class Series:
    """Good readings, oldest first, each of shape (n,)."""

    times_ms: Times
    values: Floats
    is_active: Booleans
    is_quiet: Booleans

    def __len__(self) -> int:
        """Number of readings."""
        return len(self.values)

    def part(self, part: slice) -> "Series":
        """Some of them."""
        return Series(self.times_ms[part], self.values[part], self.is_active[part], self.is_quiet[part])


@dataclass(frozen=True, slots=True)
class Given:
    """Limits that the configuration gives instead of learnt ones; None where it does not."""

    move: float | None = None  # in the tag's unit, between two readings
    rest_ms: float | None = None


@dataclass(slots=True)
class Motion:
    """What is remembered of how a tag moves."""

    kept: list[tuple[int, float, bool, bool]] = field(default_factory=list)  # the last readings: `Series`, row by row
    running: Moves = field(default_factory=Moves)
    standing: Moves = field(default_factory=Moves)  # while the plant stands, meters show another noise
    rests: Rests = field(default_factory=Rests)
    grid: Grid = field(default_factory=Grid)
    noise: float = 0.0  # mean move of late
    moved_ms: int = 0  # when the value last differed from the one before
    changed_ms: int = 0  # the same, or when the plant began to run
    spike_limits: list[float | None] = field(default_factory=lambda: [None, None])  # standing, running; None: none yet
    step_limits: list[float | None] = field(default_factory=lambda: [None, None])
    rest_limit_ms: float | None = None

    def learn(self, period_ms: int, resolution: float) -> None:
        """Make limits of what was seen."""
        step = resolution or self.grid.resolution
        self.spike_limits = [_finite(one.spike_limit(step)) for one in (self.standing, self.running)]
        self.step_limits = [_finite(one.step_limit(step)) for one in (self.standing, self.running)]
        self.rest_limit_ms = _finite(self.rests.limit_ms(period_ms))

    def judge(self, new: Series, period_ms: int, given: Given, tally: Tally) -> None:
        """Follow *new* readings, at least one.

        Whether a move is a step or opens a spike shows one reading later, so the last move waits for the next portion.
        """
        new = self._judge_rest(new, period_ms, given, tally)
        known = len(self.kept)
        both = _with(self.kept, new)
        times_ms, values = both.times_ms, both.values
        moves, near = values[1:] - values[:-1], times_ms[1:] - times_ms[:-1] <= _NEIGHBOURS * period_ms
        ends_new = slice(max(known - 1, 0), None)
        if len(moves) > 1:
            self._judge_moves(_pairs(both, moves, near), max(known - 2, 0), given, tally)
        self._learn_moves(moves[ends_new], near[ends_new], both.part(slice(1, None)).part(ends_new))
        last = both.part(slice(-_KEPT, None))
        columns = (last.times_ms.tolist(), last.values.tolist(), last.is_active.tolist(), last.is_quiet.tolist())
        self.kept = list(zip(*columns, strict=True))

    def _judge_moves(self, pairs: "_Pairs", first: int, given: Given, tally: Tally) -> None:
        """Decide on the readings between pairs of moves, from the *first* undecided one on."""
        spike_limit, step_limit = _limits(self.spike_limits, given), _limits(self.step_limits, given)
        spikes = pairs.is_reversal & (pairs.heights > spike_limit[pairs.state])
        steps = pairs.is_alone & (pairs.excesses > step_limit[pairs.state]) & ~spikes
        steps[1:] &= ~spikes[:-1]
        noise = self._follow_noise(np.minimum(np.abs(pairs.moves), step_limit[pairs.state])[first:])
        if given.move is None:
            spikes[first:] &= pairs.heights[first:] > _LOUD * noise
            steps[first:] &= pairs.excesses[first:] > _LOUD * noise
        found: tuple[tuple[Check, Booleans, Floats, Floats], ...] = (
            ("spike", spikes, pairs.heights, spike_limit),
            ("step", steps, pairs.moves, step_limit),
        )
        for check, where, figures, limits in found:
            at = where[first:].nonzero()[0] + first
            if len(at):
                tally.add(check, pairs.times_ms[at], figures[at], float(limits[pairs.state[at[0]]]))
        for memory, own in ((self.running, pairs.state == 1), (self.standing, pairs.state == 0)):
            use = (own & pairs.is_quiet)[first:]
            if not use.any():
                continue
            memory.heights.update(pairs.heights[first:][use])
            memory.excesses.update(pairs.excesses[first:][use])

    def _follow_noise(self, sizes: Floats) -> Floats:
        """The mean move before each of *sizes*, shape (n,)."""
        past = self.noise * _FADING[1 : len(sizes) + 1]
        after = past + _MEMORY * (sizes / _FADING[: len(sizes)]).cumsum() * _FADING[: len(sizes)]
        before = np.concatenate([[self.noise], after])
        self.noise = float(before[-1])
        return before[:-1]

    def _learn_moves(self, moves: Floats, near: Booleans, ends: Series) -> None:
        sizes = np.abs(moves)
        use = near & ends.is_quiet & (sizes > 0)
        for memory, own in ((self.running, use & ends.is_active), (self.standing, use & ~ends.is_active)):
            if own.any():
                memory.sizes.update(sizes[own])
                self.grid.update(sizes[own], memory.sizes)

    def _judge_rest(self, new: Series, period_ms: int, given: Given, tally: Tally) -> Series:
        """A value that stays the same much longer than is usual, while the plant runs.

        The first move after it is none to judge by: who had frozen has to catch up.
        """
        times_ms = new.times_ms
        before = np.concatenate([[self.kept[-1][1] if self.kept else np.nan], new.values[:-1]])
        is_change = new.values != before
        # A rest is counted from the last change, or from when the plant began to run.
        moved_ms = np.where(is_change | ~new.is_active, times_ms, 0)
        until_ms = np.maximum.accumulate(np.concatenate([[self.changed_ms or times_ms[0]], moved_ms]))
        rest_ms = times_ms - until_ms[:-1]
        learnt_ms = np.inf if self.rest_limit_ms is None else self.rest_limit_ms
        limit_ms = learnt_ms if given.rest_ms is None else given.rest_ms
        frozen = ~is_change & new.is_active & (rest_ms > limit_ms)
        tally.add("frozen", times_ms[frozen], rest_ms[frozen] / 1000.0, limit_ms / 1000.0)
        self.changed_ms = int(until_ms[-1])
        use = new.is_active & ~frozen
        # a tag that moves again after an unusual rest was not broken: what is usual grows, but not without bound
        ended_ms = np.minimum(rest_ms[is_change & use], 2 * learnt_ms).astype(np.int64)
        self.rests.update(is_change[use], ended_ms)
        still_ms = np.maximum.accumulate(np.concatenate([[self.moved_ms or times_ms[0]], times_ms * is_change]))
        self.moved_ms = int(still_ms[-1])
        longest_ms = np.where(new.is_active, limit_ms, max(_STILL_MS, _STILL_PERIODS * period_ms))
        jumps = is_change & (times_ms - still_ms[:-1] > longest_ms)
        return replace(new, is_quiet=new.is_quiet & ~jumps) if jumps.any() else new


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Two moves after each other, by the reading between them; each of shape (n,)."""

    times_ms: Times  # of the reading
    state: NDArray[np.int64]  # 1 where its plant runs
    is_quiet: Booleans
    moves: Floats  # to it
    heights: Floats  # by which it stands out of its neighbours; 0 where it does not
    excesses: Floats  # by which the move to it is larger than those before and after
    is_reversal: Booleans  # whether the reading after it is as if it had not been
    is_alone: Booleans  # whether the move to it stayed, and nothing else moved meanwhile


def _pairs(both: Series, moves: Floats, near: Booleans) -> _Pairs:
    one, two = moves[:-1], moves[1:]
    size, after = np.abs(one), np.abs(two)
    before = np.concatenate([[0.0], size[:-1]])
    is_near, left = near[:-1] & near[1:], np.abs(one + two)
    is_quiet = both.is_quiet[1:-1]
    heights = np.where((one * two < 0) & is_near, np.minimum(size, after), 0.0)
    return _Pairs(
        times_ms=both.times_ms[1:-1],
        state=both.is_active[1:-1].astype(np.int64),
        is_quiet=is_quiet,
        moves=one,
        heights=heights,
        excesses=np.where(is_near, np.maximum(size - np.maximum(before, after), 0.0), 0.0),
        is_reversal=is_quiet & (left < _LEFT * heights),
        is_alone=is_quiet & (left >= _LEFT * size) & (np.maximum(before, after) < _ALONE * size),
    )


def _with(kept: list[tuple[int, float, bool, bool]], new: Series) -> Series:
    if not kept:
        return new
    times_ms, values, active, quiet = zip(*kept, strict=True)
    return Series(
        np.concatenate([np.array(times_ms, np.int64), new.times_ms]),
        np.concatenate([values, new.values]),
        np.concatenate([np.array(active, np.bool_), new.is_active]),
        np.concatenate([np.array(quiet, np.bool_), new.is_quiet]),
    )


def _limits(learnt: list[float | None], given: Given) -> Floats:
    """By state, standing and running."""
    said = learnt if given.move is None else [given.move, given.move]
    return np.array([np.inf if limit is None else limit for limit in said])


def _finite(limit: float) -> float | None:
    return limit if np.isfinite(limit) else None
