"""How measurements move from reading to reading: spikes, steps, and values that have frozen; many tags at once."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.quality.spectrum import update_each
from analytics.quality.tally import Tally
from analytics.quality.usual import ENOUGH, FINER, Grid, Moves, Rests, is_whole
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
_SMALLEST = 0.01  # share of moves that are smaller than those that may be a step of the meter


@dataclass(frozen=True, slots=True)
class Series:
    """Good readings of some tags, as many of each, oldest first; each of shape (tags, n)."""

    times_ms: Times
    values: Floats
    is_active: Booleans
    is_quiet: Booleans

    def __len__(self) -> int:
        """Readings of each tag."""
        return int(self.values.shape[1])

    def part(self, part: slice | Booleans) -> "Series":
        """Some readings of every tag: those of a slice, or those that are true, shape (n,)."""
        return Series(self.times_ms[:, part], self.values[:, part], self.is_active[:, part], self.is_quiet[:, part])

    def of(self, tags: Sequence[int]) -> "Series":
        """Some of the tags."""
        rows = list(tags)
        return Series(self.times_ms[rows], self.values[rows], self.is_active[rows], self.is_quiet[rows])


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
    changed_ms: int = 0  # the same, or when the plant began to run; later by the holes since
    spike_limits: list[float | None] = field(default_factory=lambda: [None, None])  # standing, running; None: none yet
    step_limits: list[float | None] = field(default_factory=lambda: [None, None])
    rest_limit_ms: float | None = None

    def put_right(self, now_ms: int) -> None:
        """Forget what was seen ahead of *now_ms*: who had not moved since would rest for a negative time."""
        self.kept = [reading for reading in self.kept if reading[0] <= now_ms]
        self.moved_ms, self.changed_ms = (0 if ms > now_ms else ms for ms in (self.moved_ms, self.changed_ms))

    def learn(self, period_ms: int, resolution: float) -> None:
        """Make limits of what was seen."""
        self.running.settle()
        self.standing.settle()
        step = resolution or self.grid.resolution
        self.spike_limits = [_finite(one.spike_limit(step)) for one in (self.standing, self.running)]
        self.step_limits = [_finite(one.step_limit(step)) for one in (self.standing, self.running)]
        self.rest_limit_ms = _finite(self.rests.limit_ms(period_ms))
        more = max(self.running.sizes.whole, self.standing.sizes.whole, key=lambda one: one.count)
        self.grid.floor = more.least_of(_SMALLEST)


@dataclass(frozen=True, slots=True)
class Tags:
    """Tags that have as many new readings each, and as many kept."""

    motions: Sequence[Motion]
    periods_ms: Sequence[int]
    given: Sequence[Given]
    tallies: Sequence[Tally]

    def follow(self, new: Series) -> None:
        """Follow *new* readings, at least one of each tag.

        Whether a move is a step or opens a spike shows one reading later, so the last move waits for the next portion.
        """
        new = self._judge_rest(new)
        known = len(self.motions[0].kept)
        both = _with([motion.kept for motion in self.motions], new)
        moves = both.values[:, 1:] - both.values[:, :-1]
        longest_ms = _NEIGHBOURS * _column(self.periods_ms, np.int64)
        near: Booleans = both.times_ms[:, 1:] - both.times_ms[:, :-1] <= longest_ms
        if moves.shape[1] > 1:
            self._judge_moves(_pairs(both, moves, near), max(known - 2, 0))
        ends_new = slice(max(known - 1, 0), None)
        self._learn_moves(moves[:, ends_new], near[:, ends_new], both.part(slice(1, None)).part(ends_new))
        last = both.part(slice(-_KEPT, None))
        columns = [one.tolist() for one in (last.times_ms, last.values, last.is_active, last.is_quiet)]
        for motion, *rows in zip(self.motions, *columns, strict=True):
            motion.kept = list(zip(*rows, strict=True))

    def _judge_rest(self, new: Series) -> Series:
        """A value that stays the same much longer than is usual, while the plant runs.

        What it did in a hole nobody knows: a rest is as long as was seen of it, so that a flaky line hides none. The
        first move after a rest is not judged.
        """
        times_ms, motions = new.times_ms, self.motions
        first_ms = times_ms[:, 0].tolist()
        kept = [
            each.kept[-1][:2] if each.kept else (first, np.nan) for each, first in zip(motions, first_ms, strict=True)
        ]
        last = np.array(kept, np.float64)
        is_change = new.values != np.concatenate([last[:, 1:], new.values[:, :-1]], axis=1)
        since_ms = np.diff(times_ms, prepend=last[:, :1].astype(np.int64))
        is_hole = since_ms > _NEIGHBOURS * _column(self.periods_ms, np.int64)
        seen_ms = times_ms - np.where(is_hole, since_ms, 0).cumsum(axis=1)  # on a clock that stands in holes
        # A rest is counted from the last change, or from when the plant began to run.
        moved_ms = np.where(is_change | ~new.is_active, seen_ms, 0)
        changed_ms = [motion.changed_ms or first for motion, first in zip(motions, first_ms, strict=True)]
        until_ms = _latest(changed_ms, moved_ms)
        rest_ms = seen_ms - until_ms[:, :-1]
        until_ms[:, -1] += times_ms[:, -1] - seen_ms[:, -1]
        learnt_ms = _column([np.inf if one.rest_limit_ms is None else one.rest_limit_ms for one in motions])
        said_ms = _column([np.nan if one.rest_ms is None else one.rest_ms for one in self.given])
        limit_ms = np.where(np.isnan(said_ms), learnt_ms, said_ms)
        frozen = ~is_change & new.is_active & (rest_ms > limit_ms)
        for row in frozen.any(axis=1).nonzero()[0].tolist():
            at = frozen[row]
            self.tallies[row].add("frozen", times_ms[row, at], rest_ms[row, at] / 1_000.0, limit_ms[row, 0] / 1_000.0)
        self._learn_rests(is_change, new.is_active & ~frozen, np.minimum(rest_ms, 2 * learnt_ms))
        still_ms = _latest(
            [motion.moved_ms or first for motion, first in zip(motions, first_ms, strict=True)], times_ms * is_change
        )
        for motion, changed, moved in zip(motions, until_ms[:, -1].tolist(), still_ms[:, -1].tolist(), strict=True):
            motion.changed_ms, motion.moved_ms = changed, moved
        standing_ms = np.maximum(_STILL_MS, _STILL_PERIODS * _column(self.periods_ms, np.int64))
        jumps = is_change & (times_ms - still_ms[:, :-1] > np.where(new.is_active, limit_ms, standing_ms))
        return replace(new, is_quiet=new.is_quiet & ~jumps) if jumps.any() else new

    def _learn_rests(self, is_change: Booleans, use: Booleans, rest_ms: Floats) -> None:
        """A tag that moves again after an unusual rest was not broken: what is usual grows, but not without bound."""
        ended = is_change & use
        figures = use.sum(axis=1), ended.sum(axis=1), np.where(ended, rest_ms, 0.0).max(axis=1)
        for motion, watched, changes, longest in zip(self.motions, *(one.tolist() for one in figures), strict=True):
            motion.rests.update(watched, changes, int(longest))

    def _judge_moves(self, pairs: "_Pairs", first: int) -> None:
        """Decide on the readings between pairs of moves, from the *first* undecided one on."""
        spike_limit = self._limits([motion.spike_limits for motion in self.motions], pairs.is_active)
        step_limit = self._limits([motion.step_limits for motion in self.motions], pairs.is_active)
        spikes = pairs.is_reversal & (pairs.heights > spike_limit)
        steps = pairs.is_alone & (pairs.excesses > step_limit) & ~spikes
        steps[:, 1:] &= ~spikes[:, :-1]
        noise = self._follow_noise(np.minimum(np.abs(pairs.moves), step_limit)[:, first:])
        said = _column([one.move is not None for one in self.given], np.bool_)
        spikes[:, first:] &= said | (pairs.heights[:, first:] > _LOUD * noise)
        steps[:, first:] &= said | (pairs.excesses[:, first:] > _LOUD * noise)
        found: tuple[tuple[Check, Booleans, Floats, Floats], ...] = (
            ("spike", spikes, pairs.heights, spike_limit),
            ("step", steps, pairs.moves, step_limit),
        )
        for check, where, figures, limits in found:
            where[:, :first] = False
            for row in np.flatnonzero(where.any(axis=1)).tolist():
                at = where[row].nonzero()[0]
                self.tallies[row].add(check, pairs.times_ms[row, at], figures[row, at], float(limits[row, at[0]]))
        quiet = pairs.is_quiet[:, first:]
        owners = self._owners(pairs.is_active[:, first:])[quiet]
        moves = [own for motion in self.motions for own in (motion.standing, motion.running)]
        update_each([one.heights.present for one in moves], owners, pairs.heights[:, first:][quiet])
        update_each([one.excesses.present for one in moves], owners, pairs.excesses[:, first:][quiet])

    def _limits(self, learnt: Sequence[list[float | None]], is_active: Booleans) -> Floats:
        """By what is said or learnt for the state of the plant, shape as *is_active*."""
        said = [
            limits if given.move is None else [given.move] * 2 for limits, given in zip(learnt, self.given, strict=True)
        ]
        both = np.array([[np.inf if limit is None else limit for limit in limits] for limits in said], np.float64)
        return np.where(is_active, both[:, 1:], both[:, :1])

    def _owners(self, is_active: Booleans) -> Times:
        """Places of tags' `standing` and `running`, two a tag, shape as *is_active*."""
        return 2 * np.arange(len(self.motions))[:, None] + is_active

    def _follow_noise(self, sizes: Floats) -> Floats:
        """The mean move before each of *sizes*, shape (tags, n)."""
        n = sizes.shape[1]
        before = _column([motion.noise for motion in self.motions])
        after = before * _FADING[1 : n + 1] + _MEMORY * (sizes / _FADING[:n]).cumsum(axis=1) * _FADING[:n]
        noise = np.concatenate([before, after], axis=1)
        for motion, last in zip(self.motions, noise[:, -1].tolist(), strict=True):
            motion.noise = last
        return noise[:, :-1]

    def _learn_moves(self, moves: Floats, near: Booleans, ends: Series) -> None:
        sizes = np.abs(moves)
        use = near & ends.is_quiet & (sizes > 0)
        every = [own.sizes.present for motion in self.motions for own in (motion.standing, motion.running)]
        update_each(every, self._owners(ends.is_active)[use], sizes[use])
        grids = [motion.grid for motion in self.motions]
        floors = _column([grid.floor for grid in grids])
        steps = _column([grid.step for grid in grids])
        least = np.where(use & (sizes >= floors), sizes, np.inf).min(axis=1, initial=np.inf)
        is_known: Booleans = np.asarray((steps[:, 0] > 0) & (least >= FINER * steps[:, 0]))
        is_new: Booleans = ~is_known & np.asarray(use.any(axis=1))
        for row in is_new.nonzero()[0].tolist():
            grids[row].update(sizes[row, use[row]])
        whole = sizes / np.where(steps > 0, steps, 1.0)
        agree = use & is_whole(whole)
        figures = agree.sum(axis=1).tolist(), use.sum(axis=1).tolist()
        for row in is_known.nonzero()[0].tolist():
            grids[row].agree += figures[0][row]
            grids[row].moves += figures[1][row]


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Two moves after each other, by the reading between them; each of shape (tags, n)."""

    times_ms: Times  # of the reading
    is_active: Booleans
    is_quiet: Booleans
    moves: Floats  # to it
    heights: Floats  # by which it stands out of its neighbours; 0 where it does not
    excesses: Floats  # by which the move to it is larger than those before and after
    is_reversal: Booleans  # whether the reading after it is as if it had not been
    is_alone: Booleans  # whether the move to it stayed, and nothing else moved meanwhile


def _pairs(both: Series, moves: Floats, near: Booleans) -> _Pairs:
    one, two = moves[:, :-1], moves[:, 1:]
    size, after = np.abs(one), np.abs(two)
    before = np.concatenate([np.zeros((len(size), 1)), size[:, :-1]], axis=1)
    is_near, left = near[:, :-1] & near[:, 1:], np.abs(one + two)
    is_quiet = both.is_quiet[:, 1:-1]
    heights = np.where((one * two < 0) & is_near, np.minimum(size, after), 0.0)
    return _Pairs(
        times_ms=both.times_ms[:, 1:-1],
        is_active=both.is_active[:, 1:-1],
        is_quiet=is_quiet,
        moves=one,
        heights=heights,
        excesses=np.where(is_near, np.maximum(size - np.maximum(before, after), 0.0), 0.0),
        is_reversal=is_quiet & (left < _LEFT * heights),
        is_alone=is_quiet & (left >= _LEFT * size) & (np.maximum(before, after) < _ALONE * size),
    )


def _with(kept: Sequence[list[tuple[int, float, bool, bool]]], new: Series) -> Series:
    if not kept[0]:
        return new
    columns = [[[reading[place] for reading in rows] for rows in kept] for place in range(4)]
    return Series(
        np.concatenate([np.array(columns[0], np.int64), new.times_ms], axis=1),
        np.concatenate([np.array(columns[1], np.float64), new.values], axis=1),
        np.concatenate([np.array(columns[2], np.bool_), new.is_active], axis=1),
        np.concatenate([np.array(columns[3], np.bool_), new.is_quiet], axis=1),
    )


def _latest(before_ms: Sequence[int], times_ms: Times) -> Times:
    """The latest time up to each place and before the first one, shape (tags, 1 + n)."""
    latest: Times = np.maximum.accumulate(np.concatenate([_column(before_ms, np.int64), times_ms], axis=1), axis=1)
    return latest


def _column(figures: Sequence[float], kind: type[np.generic] = np.float64) -> NDArray[Any]:
    """One row a tag."""
    return np.array(figures, kind)[:, None]


def _finite(limit: float) -> float | None:
    return limit if np.isfinite(limit) else None
