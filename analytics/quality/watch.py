"""One tag, watched reading by reading: which ones are possible and plausible, streaming."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from analytics.quality.arrival import Arrival
from analytics.quality.bounds import Bounds, Limits, within
from analytics.quality.counter import Counter
from analytics.quality.moves import Given, Motion, Series
from analytics.quality.tally import Tally
from analytics.quality.usual import ENOUGH

Floats = NDArray[np.float64]
Times = NDArray[np.int64]
Booleans = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Rules:
    """What is known of a tag before any reading; values in the tag's own unit."""

    period_ms: int
    behaviour: Literal["analogue", "totaliser", "status"] = "analogue"
    resolution: float = 0.0
    limits: Limits = field(default_factory=Limits)
    given: Given = field(default_factory=Given)


@dataclass(frozen=True, slots=True)
class Portion:
    """New readings of one tag in the order of their arrival, each of shape (n,)."""

    times_ms: Times
    values: Floats  # NaN where the quality is bad
    is_good: Booleans
    is_active: Booleans  # whether the plant it watches runs, so that it ought to move
    is_quiet: Booleans  # whether nothing was started or stopped just now, so that it ought not to jump
    is_uncertain: Booleans  # neither good nor bad
    is_dated: Booleans  # whether our clock was right, so that the time means something

    def part(self, use: Booleans | Times) -> "Portion":
        """Some of the readings: those that are true, or those at these places."""
        return Portion(
            self.times_ms[use],
            self.values[use],
            self.is_good[use],
            self.is_active[use],
            self.is_quiet[use],
            self.is_uncertain[use],
            self.is_dated[use],
        )


@dataclass(slots=True)
class Watch:
    """What is remembered of a tag between two portions."""

    readings: int = 0  # good ones
    arrival: Arrival = field(default_factory=Arrival)
    bounds: Bounds = field(default_factory=Bounds)
    motion: Motion = field(default_factory=Motion)
    counter: Counter = field(default_factory=Counter)

    def not_evaluated(self, rules: Rules) -> tuple[str, ...]:
        """Checks that cannot be made yet, because too little was seen of the tag, or it does not move enough."""
        if rules.behaviour != "analogue":
            return ()
        motion = self.motion
        has_move = rules.given.move is not None
        unknown = {
            "spike": not has_move and motion.spike_limits == [None, None],
            "step": not has_move and motion.step_limits == [None, None],
            "frozen": rules.given.rest_ms is None and motion.rest_limit_ms is None,
            "unusual": None in {rules.limits.usual_low, rules.limits.usual_high} and self.bounds.usual is None,
        }
        return tuple(check for check, is_unknown in unknown.items() if is_unknown)


def judge(watch: Watch, portion: Portion, rules: Rules, now_ms: int) -> Tally:
    """What is wrong with the readings of *portion*; *watch* moves on past them.

    Limits are made anew after every 600 readings of the tag, wherever portions end, so that it does not matter how
    the readings are cut into portions.
    """
    tally = Tally(came=len(portion.times_ms), good=int(np.count_nonzero(portion.is_good)))
    if not portion.is_dated.all():
        tally.add("unsynchronised", portion.times_ms[~portion.is_dated])
        portion = portion.part(portion.is_dated)
    if not len(portion.times_ms):
        return tally
    if not portion.is_good.all():
        tally.add("uncertain", portion.times_ms[portion.is_uncertain])
        tally.add("bad", portion.times_ms[~portion.is_good & ~portion.is_uncertain])
    is_new = watch.arrival.judge(portion.times_ms, rules.period_ms, now_ms, tally)
    use = is_new & portion.is_good & np.isfinite(portion.values)
    rest = Series(portion.times_ms, portion.values, portion.is_active, portion.is_quiet)
    rest = _of_possible(rest, use)
    while len(rest):
        until = ENOUGH - watch.readings % ENOUGH
        _judge_values(watch, rest.part(slice(None, until)) if until < len(rest) else rest, rules, tally)
        rest = rest.part(slice(until, None))
        if watch.readings % ENOUGH == 0:
            watch.motion.learn(rules.period_ms, rules.resolution)
            watch.bounds.learn(rules.period_ms)
    return tally


def _judge_values(watch: Watch, new: Series, rules: Rules, tally: Tally) -> None:
    watch.readings += len(new)
    if rules.behaviour == "status":
        return
    if rules.behaviour == "totaliser":
        new = _of_possible(new, within(new.values, new.times_ms, rules.limits, tally))
        watch.counter.judge(new.values, new.times_ms, rules.resolution, tally.add)
        return
    new = _of_possible(new, watch.bounds.judge(new.values, new.times_ms, new.is_active, rules.limits, tally))
    if len(new):
        watch.motion.judge(new, rules.period_ms, rules.given, tally)


def _of_possible(new: Series, is_possible: Booleans) -> Series:
    if is_possible.all():
        return new
    return Series(
        new.times_ms[is_possible], new.values[is_possible], new.is_active[is_possible], new.is_quiet[is_possible]
    )
