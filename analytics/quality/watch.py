"""Tags, watched reading by reading: which ones are possible and plausible, streaming."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from analytics.quality.arrival import FUTURE_MS, Arrival, in_order
from analytics.quality.bounds import Bounds, Limits, plain, within
from analytics.quality.counter import Counter
from analytics.quality.moves import Given, Motion, Series, Tags
from analytics.quality.tally import Tally
from analytics.quality.usual import ENOUGH

Floats = NDArray[np.float64]
Times = NDArray[np.int64]
Booleans = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Rules:
    """What is known of a tag before any reading; values in the tag's own unit."""

    period_ms: int
    jitter_ms: int = 0  # that two readings may be farther apart
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

    def put_right(self, now_ms: int) -> None:
        """Forget times that only a clock that ran ahead has shown."""
        if self.arrival.newest_ms > now_ms + FUTURE_MS:
            self.arrival.put_right(now_ms)
            self.motion.put_right(now_ms)
            self.counter.put_right(now_ms)

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
    return judge_all([(watch, portion, rules)], now_ms)[0]


def judge_all(news: Sequence[tuple[Watch, Portion, Rules]], now_ms: int) -> list[Tally]:
    """The same for many tags at once, which costs hardly more than one: tags with as many readings go together."""
    tags = [
        _Tag(watch, rules, Tally(len(portion.times_ms), int(np.count_nonzero(portion.is_good))))
        for watch, portion, rules in news
    ]
    waiting = list[_Block]()
    for places in _alike(len(portion.times_ms) for _, portion, _ in news):
        waiting += _arrived([tags[place] for place in places], [news[place][1] for place in places], now_ms)
    while waiting:
        waiting = [rest for block in _sorted(waiting) if (rest := _follow(block)) is not None]
    return [tag.tally for tag in tags]


@dataclass(frozen=True, slots=True)
class _Tag:
    """One tag in the making of its verdict."""

    watch: Watch
    rules: Rules
    tally: Tally

    @property
    def until(self) -> int:
        """Readings up to where limits are made anew."""
        return ENOUGH - self.watch.readings % ENOUGH


@dataclass(frozen=True, slots=True)
class _Block:
    """Good readings, newer than all before, of tags with as many each; shapes of `Series`."""

    tags: list[_Tag]
    new: Series

    def of(self, places: list[int]) -> "_Block":
        return _Block([self.tags[place] for place in places], self.new.of(places))


def _alike(kinds: Iterable[Hashable]) -> Iterable[list[int]]:
    """Places of those that are the same."""
    found = dict[Hashable, list[int]]()
    for place, kind in enumerate(kinds):
        found.setdefault(kind, []).append(place)
    return found.values()


def _arrived(tags: list[_Tag], portions: list[Portion], now_ms: int) -> list[_Block]:
    """The readings that are good and newer than all before; of tags with as many readings each."""
    if not len(portions[0].times_ms):
        return []
    whole = _stacked(portions)
    is_fine = whole.is_good.all(axis=1) & whole.is_dated.all(axis=1) & np.isfinite(whole.values).all(axis=1)
    periods_ms = [(tag.rules.period_ms, tag.rules.jitter_ms) for tag in tags]
    is_fine &= in_order(whole.times_ms, [tag.watch.arrival for tag in tags], periods_ms, now_ms)
    fine = is_fine.nonzero()[0].tolist()
    for place in fine:
        tags[place].watch.arrival.newest_ms = int(whole.times_ms[place, -1])
    blocks = [_Block([tags[place] for place in fine], _series(whole).of(fine))] if fine else []
    for place in (~is_fine).nonzero()[0].tolist():
        new = _one_arrived(tags[place], portions[place], now_ms)
        blocks += [_Block([tags[place]], new)] if len(new) else []
    return blocks


def _one_arrived(tag: _Tag, portion: Portion, now_ms: int) -> Series:
    """The same of a tag of which something must be told."""
    if not portion.is_dated.all():
        tag.tally.add("unsynchronised", portion.times_ms[~portion.is_dated])
        portion = portion.part(portion.is_dated)
    if not portion.is_good.all():
        tag.tally.add("uncertain", portion.times_ms[portion.is_uncertain])
        tag.tally.add("bad", portion.times_ms[~portion.is_good & ~portion.is_uncertain])
    rules = tag.rules
    is_new = tag.watch.arrival.judge(portion.times_ms, rules.period_ms, now_ms, tag.tally, rules.jitter_ms)
    return _series(_stacked([portion.part(is_new & portion.is_good & np.isfinite(portion.values))]))


def _stacked(portions: list[Portion]) -> Portion:
    """One row a tag."""
    shape = len(portions), -1
    return Portion(
        np.concatenate([one.times_ms for one in portions]).reshape(shape),
        np.concatenate([one.values for one in portions]).reshape(shape),
        np.concatenate([one.is_good for one in portions]).reshape(shape),
        np.concatenate([one.is_active for one in portions]).reshape(shape),
        np.concatenate([one.is_quiet for one in portions]).reshape(shape),
        np.concatenate([one.is_uncertain for one in portions]).reshape(shape),
        np.concatenate([one.is_dated for one in portions]).reshape(shape),
    )


def _series(rows: Portion) -> Series:
    return Series(rows.times_ms, rows.values, rows.is_active, rows.is_quiet)


def _sorted(blocks: list[_Block]) -> list[_Block]:
    """As few blocks as may be, each of tags that are judged alike and make limits anew after as many readings."""
    found = []
    for block in blocks:
        kinds = (
            (tag.rules.behaviour, min(tag.until, len(block.new)), len(tag.watch.motion.kept)) for tag in block.tags
        )
        found += [block.of(places) for places in _alike(kinds)]
    return found


def _follow(block: _Block) -> _Block | None:
    """Judge readings up to where limits are made anew; what remains."""
    until = block.tags[0].until
    _judge_values(block if until >= len(block.new) else _Block(block.tags, block.new.part(slice(None, until))))
    for tag in block.tags:
        if tag.watch.readings % ENOUGH == 0:
            tag.watch.motion.learn(tag.rules.period_ms, tag.rules.resolution)
            tag.watch.bounds.learn(tag.rules.period_ms)
    return _Block(block.tags, block.new.part(slice(until, None))) if until < len(block.new) else None


def _judge_values(block: _Block) -> None:
    for tag in block.tags:
        tag.watch.readings += len(block.new)
    match block.tags[0].rules.behaviour:
        case "status":
            return
        case "totaliser":
            for tag, times_ms, values in zip(block.tags, block.new.times_ms, block.new.values, strict=True):
                possible = within(values, times_ms, tag.rules.limits, tag.tally)
                own, period_ms = tag.watch.counter, tag.rules.period_ms
                own.judge(values[possible], times_ms[possible], period_ms, tag.rules.resolution, tag.tally.add)
        case "analogue":
            for part in _possible(block):
                Tags(
                    [tag.watch.motion for tag in part.tags],
                    [tag.rules.period_ms for tag in part.tags],
                    [tag.rules.given for tag in part.tags],
                    [tag.tally for tag in part.tags],
                ).follow(part.new)


def _possible(block: _Block) -> list[_Block]:
    """The readings whose values are possible, as blocks."""
    new = block.new
    is_plain = plain([tag.watch.bounds for tag in block.tags], new.values, new.is_active, _limits(block))
    places = is_plain.nonzero()[0].tolist()
    found = [block.of(places) if len(places) < len(block.tags) else block] if places else []
    for place in (~is_plain).nonzero()[0].tolist():
        tag, own = block.tags[place], new.of([place])
        use = tag.watch.bounds.judge(own.values[0], own.times_ms[0], own.is_active[0], tag.rules.limits, tag.tally)
        if use.any():
            found.append(_Block([tag], own.part(use)))
    return found


def _limits(block: _Block) -> list[Limits]:
    return [tag.rules.limits for tag in block.tags]
