"""Whether a pump runs, said by status, speed, power and current together."""

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from analytics.levels import Levels

Floats = NDArray[np.float64]
States = NDArray[np.int8]
State = Literal["running", "stopped", "unknown"]

RUNNING, STOPPED, UNKNOWN = 1, 0, -1
_POWER = 2  # its place among the votes
_HOLD = -2  # the evidence is between its thresholds: as before
_NAMES: dict[int, State] = {RUNNING: "running", STOPPED: "stopped", UNKNOWN: "unknown"}

SPEED_ON, SPEED_OFF = 0.2, 0.1  # relative; a drive's lowest useful frequency is about 10 Hz of 50
POWER_NOTHING = 0.05  # kW; no pump of a water works turns on less
CURRENT_NOTHING = 0.05  # A
POWER_LEAST = 0.2  # kW that "on" has to reach where nothing else is known of a pump
CURRENT_LEAST = 0.5  # A, likewise
_ON_SHARE, _OFF_SHARE = 0.10, 0.05  # of rated power: a pump at 60 % speed still draws about 0.2 of it
_NOISE_MARGIN = 1.5  # that a threshold keeps above the noise of a pump that stands
_ZERO_NOISE = 2.0  # times what nine tenths of noise about zero stay below: 3.3 standard deviations
_STEPS = 2.5  # of a meter, that "on" has to reach
POWER_SURE = 30.0  # kW that no idle meter was seen to show; the recorded ones show up to 22
_HIGHEST_VOLTAGE = 10.0  # kV of a motor; a power that even this voltage cannot explain is the meter's noise
_MEMORY_MS = 48 * 3_600_000  # of start and stop instants


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the tags of one pump said, one row a tick, oldest first; NaN where a tag is absent or not good.

    Status is not 0 while running, power is in kW, current in A, speed is relative; each of shape (n,).
    """

    times_ms: NDArray[np.int64]
    status: Floats
    power: Floats
    current: Floats
    speed: Floats


@dataclass(frozen=True, slots=True)
class Threshold:
    """Above `on` a quantity says "running", up to `off` it says "stopped", between them nothing new."""

    on: float
    off: float
    weight: float  # how much "running" counts; see `states`
    source: Literal["given", "history", "rated", "peers", "assumed"]

    @classmethod
    def given(cls, off: float, on: float) -> "Threshold":
        """As a person says; it counts more than anything learnt."""
        return cls(on, off, 4.0, "given")


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Of power in kW and current in A."""

    power: Threshold = Threshold(POWER_LEAST, POWER_NOTHING, 0.5, "assumed")
    current: Threshold = Threshold(CURRENT_LEAST, CURRENT_NOTHING, 0.5, "assumed")


def states(evidence: Evidence, thresholds: Thresholds) -> States:
    """RUNNING, STOPPED or UNKNOWN at each tick, shape (n,), without dwell: what the evidence alone says.

    The quantities vote, and the sum's sign decides:

    ======== ======= ======= =================================================================
    quantity running stopped why
    ======== ======= ======= =================================================================
    status   +2      -2      a claim of the switchgear
    speed    +2      -3      a frequency may be a set point or the mains', but zero turns nothing
    power    weight  -3      a stopped pump's meter may show noise, but who draws nothing stands
    current  weight  -2      the same
    ======== ======= ======= =================================================================

    Power or current weighs 4 by thresholds that a person gave, 3 by those learnt from the pump's own two classes, 2.5
    from the plate, 1.5 from its neighbours, and 0.5 where nothing is known, or only what noise it shows. Where no
    quantity is beyond its threshold, the state stays as it was. A power of which nothing is known says nothing alone,
    between nothing and what no idle meter shows.
    """
    votes = _votes(evidence, thresholds)
    is_cast = ~np.isnan(votes)
    if thresholds.power.source == "assumed" and thresholds.power.off <= POWER_NOTHING:  # it has shown no noise yet
        size, is_alone = np.abs(evidence.power), ~np.delete(is_cast, _POWER, axis=0).any(axis=0)
        is_cast[_POWER] &= ~(is_alone & (size > thresholds.power.off) & (size < POWER_SURE))
    score = np.where(is_cast, votes, 0.0).sum(axis=0)
    raw = np.where(score > 0, RUNNING, np.where(score < 0, STOPPED, _HOLD))
    return np.where(is_cast.any(axis=0), raw, UNKNOWN).astype(np.int8)


def _votes(evidence: Evidence, thresholds: Thresholds) -> Floats:
    """Votes of status, speed, power and current, shape (4, n)."""
    status = np.where(np.isnan(evidence.status), np.nan, np.where(evidence.status != 0, 2.0, -2.0))
    speed = _vote(evidence.speed, SPEED_ON, SPEED_OFF, yes=2.0, no=-3.0)
    power_limit, current_limit = thresholds.power, thresholds.current
    power = _vote(evidence.power, power_limit.on, power_limit.off, yes=power_limit.weight, no=-3.0)
    current = _vote(evidence.current, current_limit.on, current_limit.off, yes=current_limit.weight, no=-2.0)
    most = np.sqrt(3.0) * _HIGHEST_VOLTAGE * np.abs(evidence.current)
    is_noise = (np.abs(evidence.power) > most) & (power > 0)
    return np.stack([status, speed, np.where(is_noise, 0.0, power), current])


def _vote(values: Floats, on: float, off: float, *, yes: float, no: float) -> Floats:
    magnitude = np.abs(values)
    vote = np.where(magnitude >= on, yes, np.where(magnitude <= off, no, 0.0))
    return np.where(np.isnan(values), np.nan, vote)


def held(raw: States, before: int = UNKNOWN) -> States:
    """*raw* with each tick that says nothing new as the tick before it; *before* the first one."""
    place = np.where(raw != _HOLD, np.arange(len(raw)), -1)
    last = np.maximum.accumulate(place) if len(raw) else place
    return np.where(last >= 0, raw[np.maximum(last, 0)], before).astype(np.int8)


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered of a pump between two portions of evidence."""

    state: int = UNKNOWN
    since_ms: int = 0  # when the state began, as far as was seen
    known: int = UNKNOWN  # the last state that was not unknown
    raw: int = UNKNOWN  # what the evidence says now, not yet for long enough
    raw_since_ms: int = 0
    seen_ms: int = 0  # the last tick; 0 before the first
    counted_ms: int = 0  # up to here run time is in run_ms
    run_ms: int = 0
    starts: int = 0
    start_times_ms: tuple[int, ...] = field(default=())  # of the last two days
    stop_times_ms: tuple[int, ...] = field(default=())


def rewound(memory: Memory, at_ms: int) -> Memory:
    """*memory* for a clock that was set back to *at_ms*: what was counted stays, what is to come is taken in anew."""
    return replace(
        memory,
        run_ms=RunningState(memory=memory).run_ms,
        since_ms=min(memory.since_ms, at_ms),
        raw_since_ms=min(memory.raw_since_ms, at_ms),
        seen_ms=at_ms,
        counted_ms=at_ms,
        start_times_ms=tuple(min(each, at_ms) for each in memory.start_times_ms),
        stop_times_ms=tuple(min(each, at_ms) for each in memory.stop_times_ms),
    )


class RunningState:
    """A pump's running state, streaming.

    A new state counts once the evidence has said it for *dwell_ms* (for *lost_ms* where the evidence is lost); it then
    began when the evidence first said so.

    Args:
        rated_power: Of the motor, kW; None where it is not known.
        dwell_ms: How long evidence must last.
        lost_ms: How long evidence may be absent before the state is unknown.
        memory: Of an earlier life.
        thresholds: Likewise.

    >>> pump = RunningState(rated_power=200.0)
    >>> nothing = np.full(60, np.nan)
    >>> power = np.repeat([0.0, 180.0], 30)
    >>> pump.update(Evidence(np.arange(60) * 1000, nothing, power, nothing, nothing))
    >>> pump.state, pump.memory.since_ms, pump.memory.starts
    ('running', 30000, 1)
    """

    def __init__(
        self,
        *,
        rated_power: float | None = None,
        dwell_ms: int = 3_000,
        lost_ms: int = 30_000,
        memory: Memory | None = None,
        thresholds: Thresholds | None = None,
    ) -> None:
        self._rated_power = rated_power
        self._dwell_ms = dwell_ms
        self._lost_ms = lost_ms
        self.memory = memory or Memory()
        self.thresholds = thresholds or learnt(Seen(), Seen(), rated_power=rated_power)

    @property
    def state(self) -> State:
        """As of the last tick."""
        return _NAMES[self.memory.state]

    @property
    def run_ms(self) -> int:
        """How long it has run as far as was seen."""
        memory = self.memory
        return memory.run_ms + (memory.seen_ms - memory.counted_ms if memory.state == RUNNING else 0)

    def update(self, evidence: Evidence) -> None:
        """Follow the pump over *evidence*; ticks not newer than the last one are left out."""
        times_ms = evidence.times_ms
        new = times_ms > self.memory.seen_ms
        if not new.any():
            return
        raw = held(states(evidence, self.thresholds)[new], self.memory.raw)
        times_ms = times_ms[new]
        bounds = np.flatnonzero((np.diff(raw) != 0) | (np.diff(times_ms) > self._lost_ms)) + 1
        for begin, end in zip([0, *bounds], [*bounds, len(raw)], strict=True):
            seen_ms, begin_ms = self.memory.seen_ms, int(times_ms[begin])
            if seen_ms and begin_ms - seen_ms > self._lost_ms:
                self._follow(UNKNOWN, seen_ms, begin_ms)
            self._follow(int(raw[begin]), begin_ms, int(times_ms[end - 1]))

    def _follow(self, raw: int, begin_ms: int, end_ms: int) -> None:
        """Take in that the evidence says *raw* from *begin_ms* to *end_ms*."""
        if raw != self.memory.raw or not self.memory.seen_ms:
            self.memory = replace(self.memory, raw=raw, raw_since_ms=begin_ms)
        self.memory = replace(self.memory, seen_ms=end_ms)
        needed = self._lost_ms if raw == UNKNOWN else self._dwell_ms
        is_settled = end_ms - self.memory.raw_since_ms >= needed
        if raw != self.memory.state and is_settled:
            self._change(raw, self.memory.raw_since_ms)

    def _change(self, state: int, at_ms: int) -> None:
        memory = self.memory
        ran_ms = max(0, at_ms - memory.counted_ms) if memory.state == RUNNING else 0
        is_start = state == RUNNING and memory.known == STOPPED
        is_stop = state == STOPPED and memory.known == RUNNING
        self.memory = replace(
            memory,
            state=state,
            since_ms=at_ms,
            known=memory.known if state == UNKNOWN else state,
            counted_ms=at_ms,
            run_ms=memory.run_ms + ran_ms,
            starts=memory.starts + is_start,
            start_times_ms=_recent(memory.start_times_ms, at_ms, is_new=is_start),
            stop_times_ms=_recent(memory.stop_times_ms, at_ms, is_new=is_stop),
        )


def _recent(times_ms: tuple[int, ...], at_ms: int, *, is_new: bool) -> tuple[int, ...]:
    kept = tuple(each for each in times_ms if each > at_ms - _MEMORY_MS)
    return (*kept, at_ms) if is_new else kept


@dataclass(frozen=True, slots=True)
class Seen:
    """What was ever seen of one quantity of a pump, kW or A."""

    levels: Levels = field(default_factory=Levels)
    standing: Levels = field(default_factory=Levels)  # of them, those while its drive said that it stands
    peer: float | None = None  # what a neighbour shows when it surely runs
    is_alone: bool = False  # nothing else tells whether the pump runs, not even a plate
    step: float = 0.0  # of its meter then, where that is known: a last digit that comes and goes is no running


def learnt(power: Seen, current: Seen, *, rated_power: float | None = None) -> Thresholds:
    """Thresholds from a pump's own history where it shows both classes, else from its plate, else its neighbours.

    What was seen while the drive stood is noise, and stays below every threshold. A quantity that is alone is taken
    for noise about zero where it shows nothing else, and for unknown where a drive could make its two classes.
    """
    scale = (rated_power, 2.5) if rated_power else (power.peer, 1.5)
    assumed = Thresholds()
    return Thresholds(
        power=_above(power.standing, _threshold(power, scale, POWER_LEAST, assumed.power)),
        current=_above(current.standing, _threshold(current, (current.peer, 1.5), CURRENT_LEAST, assumed.current)),
    )


def _threshold(seen: Seen, scale: tuple[float | None, float], least: float, assumed: Threshold) -> Threshold:
    size, weight = scale
    least = max(least, _STEPS * seen.step if seen.is_alone else 0.0, 2 * _ON_SHARE * (size or 0.0))
    gap = seen.levels.wide_gap(least) if seen.is_alone else seen.levels.gap(least)
    if gap is not None:
        step = np.log10(gap.high / gap.low) / 3
        return Threshold(float(gap.high / 10**step), float(gap.low * 10**step), 3.0, "history")
    if seen.is_alone and seen.levels.is_close(least):
        return assumed
    if size:
        return Threshold(_ON_SHARE * size, _OFF_SHARE * size, weight, "rated" if weight > 2 else "peers")  # noqa: PLR2004
    noise = seen.levels.noise(POWER_SURE) if seen.is_alone else None
    if noise is None:
        return assumed
    off = max(assumed.off, _ZERO_NOISE * noise)
    return Threshold(max(assumed.on, _NOISE_MARGIN * off), off, assumed.weight, assumed.source)


def _above(noise: Levels, threshold: Threshold) -> Threshold:
    """*threshold*, raised where noise would reach it."""
    loudest = noise.quantile(0.999) or 0.0
    if threshold.on > _NOISE_MARGIN * loudest:
        return threshold
    return replace(threshold, on=_NOISE_MARGIN * loudest, off=max(threshold.off, loudest))
