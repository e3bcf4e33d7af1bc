"""Faults put into good data: which share is found, and how often good data are called faulty.

`python -m tests.benchmarks.quality` prints, for the simulated station and for the recorded hour of a real one (where
that is there), each kind of fault over 20 seeds, the false flags a tag and day of the data without faults, and the
speed of the checks and of the whole job. Limits were chosen on other seeds (`--seeds 100-119`) than those of the table.

A fault is put into one tag of its kind, at a random time of the second half, where that has run for twenty minutes:
spikes and steps of 5 % of the value or twelve times the noise, whichever is more; frozen and stuck ones for five
minutes; counters that drop by 14 % and return.
"""

import argparse
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from random import Random

import numpy as np
from numpy.typing import NDArray

from agent.demo.meters import METERS, lagged, shown
from agent.demo.plant import initial, step
from agent.demo.pumps import PUMPS
from agent.jobs.judged.activity import ramped
from analytics.quality.bounds import Limits
from analytics.quality.verdict import Check
from analytics.quality.watch import Portion, Rules, Watch, judge
from tests.benchmarks import quality_job
from tests.real_station import FOLDER, recording

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]
START_MS = 1_772_366_400_000
HOURS = 2.5
STATIONS = 10  # that are simulated, each for two seeds: they are what takes the time
PORTION = 60  # readings; what a run of the job finds of a tag that is read each second
SETTLING = 60  # s around a switching, or a drive's way to another speed
SEEN = 1_200  # s
BEGIN = 8 * 3_600.0  # s of the simulated day, in the morning's rise


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag's readings, one a second, and what is known beside them."""

    name: str
    values: Floats
    is_active: Booleans
    is_quiet: Booleans
    rules: Rules

    @property
    def noise(self) -> float:
        """Standard deviation of what it does from reading to reading."""
        moves = np.diff(self.values)
        return float(1.4826 * np.median(np.abs(moves[moves != 0])) / 2**0.5) if np.any(moves) else 0.0

    @property
    def moves(self) -> float:
        """Share of readings that differ from the one before, while it is active."""
        return float((np.diff(self.values) != 0)[self.is_active[1:]].mean()) if self.is_active[1:].any() else 0.0


@cache
def simulated(seed: int, hours: float = HOURS) -> tuple[Tag, ...]:
    """The demo's station, with its own habits and noise."""
    rng = Random(seed)
    state = initial(BEGIN + 3_600.0 * rng.uniform(0, 12), rng)
    inside = lagged({}, state, 0.0)
    rows, speeds = [], []
    for _ in range(round(hours * 3_600)):
        state = step(state, 1.0, rng)
        inside = lagged(inside, state, 1.0)
        rows.append(list(shown(inside, rng).values()))
        speeds.append(state.speeds)
    values, runs = np.array(rows), np.array(speeds) > 0
    ramps = _ramps(np.array(speeds))
    by_pump: dict[str, Booleans] = {pump.name: runs[:, i] for i, pump in enumerate(PUMPS)}
    any_pump = np.asarray(runs.any(axis=1))
    quiet = _quiet(runs, ramps)
    return tuple(
        _tag(name, values[:, i], by_pump.get(name.partition(".")[0], any_pump), quiet) for i, name in enumerate(METERS)
    )


def station(seed: int) -> int:
    """Which station the fault of a seed is put into; others for seeds from 100 on."""
    return seed // 100 * 100 + seed % STATIONS


@cache
def real() -> tuple[Tag, ...]:
    """The recorded hour; four pumps run all the time."""
    hour = recording().replace(3276.7, np.nan)
    running = ("supply.p1", "supply.p5", "intake.p2", "intake.p4", "supply.header", "supply.total", "intake.inlet")
    every = np.ones(len(hour), np.bool_)
    drives = [hour[name].to_numpy(np.float64) / 50.0 for name in hour if str(name).endswith(".frequency")]
    quiet = _quiet(every[:, None], _ramps(np.column_stack(drives)))
    return tuple(
        _tag(str(name), hour[name].to_numpy(np.float64), every & str(name).startswith(running), quiet)
        for name in hour
        if hour[name].notna().all()
    )


def _ramps(speeds: Floats) -> Booleans:
    """In which seconds a drive goes to another speed, shape (n,)."""
    times_ms = 1_000 * np.arange(len(speeds))
    return np.asarray(np.any([ramped(times_ms, each) for each in speeds.T], axis=0))


def _quiet(runs: Booleans, ramps: Booleans) -> Booleans:
    switched = (runs[1:] != runs[:-1]).any(axis=1)
    changed = np.union1d(np.flatnonzero(switched) + 1, np.flatnonzero(ramps))
    place = np.arange(len(runs))
    return np.asarray(np.all(np.abs(place[:, None] - changed) > SETTLING, axis=1))


def _tag(name: str, values: Floats, is_active: Booleans, is_quiet: Booleans) -> Tag:
    kind = name.rpartition(".")[2]
    span = float(np.ptp(values)) or 1.0
    if kind in {"energy", "volume"}:
        return Tag(name, values, is_active, is_quiet, Rules(1_000, behaviour="totaliser"))
    if kind == "running":
        return Tag(name, values, is_active, is_quiet, Rules(1_000, behaviour="status"))
    limits = Limits(low=float(values.min()) - span, high=float(values.max()) + span)
    return Tag(name, values, is_active, is_quiet, Rules(1_000, limits=limits))


@dataclass(frozen=True, slots=True)
class Faulty:
    """A tag with a fault in it, and when that is found in time."""

    tag: Tag
    portion: Portion
    first: int  # row of the first wrong reading
    last: int  # and of the last one, beyond which a finding does not count


def _portion(tag: Tag) -> Portion:
    every = np.ones(len(tag.values), np.bool_)
    times_ms = START_MS + 1_000 * np.arange(len(tag.values))
    return Portion(times_ms, tag.values, np.isfinite(tag.values), tag.is_active, tag.is_quiet, ~every, every)


def _size(tag: Tag, place: int, rng: Random) -> float:
    return rng.choice((-1.0, 1.0)) * max(0.05 * abs(float(tag.values[place])), 12.0 * tag.noise)


def _changed(tag: Tag, first: int, last: int, values: Floats | float) -> Faulty:
    """Without limits, which nobody has told of most tags."""
    found = tag.values.copy()
    found[first : last + 1] = values
    tag = replace(tag, values=found, rules=replace(tag.rules, limits=Limits()))
    return Faulty(tag, _portion(tag), first, last)


def _limited(tag: Tag, first: int, last: int, value: float) -> Faulty:
    found = _changed(tag, first, last, value)
    return replace(found, tag=replace(found.tag, rules=tag.rules))


def _spike(tag: Tag, place: int, rng: Random) -> Faulty:
    return _changed(tag, place, place, tag.values[place] + _size(tag, place, rng))


def _step(tag: Tag, place: int, rng: Random) -> Faulty:
    found = _changed(tag, place, len(tag.values) - 1, tag.values[place:] + _size(tag, place, rng))
    return replace(found, last=place)


def _frozen(tag: Tag, place: int, _: Random) -> Faulty:
    return _changed(tag, place, place + 299, tag.values[place])


def _at_limit(tag: Tag, place: int, rng: Random) -> Faulty:
    return _limited(tag, place, place + 299, rng.choice((tag.rules.limits.low, tag.rules.limits.high)))


def _range(tag: Tag, place: int, rng: Random) -> Faulty:
    low, high = tag.rules.limits.low, tag.rules.limits.high
    beyond = rng.choice((low - 0.05 * (high - low), high + 0.05 * (high - low)))
    return _limited(tag, place, place + rng.randrange(30), beyond)


def _sentinel(tag: Tag, place: int, rng: Random) -> Faulty:
    said = [each for each in (32767.0, 65535.0, -32768.0, 9999.0, -9999.0, 3276.7) if abs(each) > 3 * tag.values.max()]
    return _changed(tag, place, place + rng.randrange(30), rng.choice(said or [2147483647.0]))


def _glitch(tag: Tag, place: int, rng: Random) -> Faulty:
    last = place + rng.randrange(20)
    return _changed(tag, place, last, 0.86 * tag.values[place : last + 1])


def _reset(tag: Tag, place: int, _: Random) -> Faulty:
    found = _changed(tag, place, len(tag.values) - 1, tag.values[place:] - tag.values[place])
    return replace(found, last=place + 120)


def _rollover(tag: Tag, place: int, rng: Random) -> Faulty:
    end = rng.choice((2.0**16, 1e5, 1e6, 2.0**32))
    moved = tag.values - tag.values[place] + end
    found = replace(tag, values=np.where(np.arange(len(moved)) >= place, moved - end, moved))
    return Faulty(found, _portion(found), place, place + 120)


def _drop(tag: Tag, place: int, _: Random) -> Faulty:
    found = _changed(tag, place, len(tag.values) - 1, tag.values[place:] - 0.1 * tag.values[place])
    return replace(found, last=place + 120)


def _in_order(tag: Tag, order: NDArray[np.int64], times_ms: NDArray[np.int64], first: int, last: int) -> Faulty:
    """Readings that arrive in another order, or with other times."""
    good = _portion(tag)
    arrived = Portion(
        times_ms[order],
        good.values[order],
        good.is_good[order],
        good.is_active[order],
        good.is_quiet[order],
        good.is_uncertain[order],
        good.is_dated[order],
    )
    return Faulty(tag, arrived, first, last)


def _late(tag: Tag, place: int, rng: Random) -> Faulty:
    count = rng.randrange(1, 30)
    order = np.arange(len(tag.values))
    order = np.concatenate([order[:place], order[place + count : place + 90], order[place : place + count]])
    order = np.concatenate([order, np.arange(place + 90, len(tag.values))])
    return _in_order(tag, order, _portion(tag).times_ms, place, place + 90)


def _duplicate(tag: Tag, place: int, _: Random) -> Faulty:
    order = np.insert(np.arange(len(tag.values)), place, place)
    return _in_order(tag, order, _portion(tag).times_ms, place, place)


def _backward(tag: Tag, place: int, rng: Random) -> Faulty:
    """The source's clock goes back by some minutes and stays there."""
    times_ms = _portion(tag).times_ms.copy()
    times_ms[place:] -= 1_000 * rng.randrange(5, 600) + 300
    return _in_order(tag, np.arange(len(times_ms)), times_ms, place - 900, place + 60)


def _future(tag: Tag, place: int, rng: Random) -> Faulty:
    times_ms = _portion(tag).times_ms.copy()
    times_ms[place : place + 10] += 1_000 * rng.randrange(200, 86_400)
    return _in_order(tag, np.arange(len(times_ms)), times_ms, place, len(times_ms) + 90_000)


def _missing(tag: Tag, place: int, rng: Random) -> Faulty:
    count = rng.randrange(1, 60)
    order = np.delete(np.arange(len(tag.values)), slice(place, place + count))
    return _in_order(tag, order, _portion(tag).times_ms, place, place + count)


def _undated(tag: Tag, place: int, _: Random) -> Faulty:
    good = _portion(tag)
    is_dated = good.is_dated.copy()
    is_dated[place : place + 60] = False
    return Faulty(tag, replace(good, is_dated=is_dated), place, place + 60)


def _moving(tag: Tag) -> bool:
    return tag.rules.behaviour == "analogue" and tag.moves > 0.05 and tag.is_active[len(tag.values) // 2 :].mean() > 0.9


def _counting(tag: Tag) -> bool:
    return tag.rules.behaviour == "totaliser" and tag.values[-1] > tag.values[0]


def _any(tag: Tag) -> bool:
    return tag.rules.behaviour == "analogue"


Fault = tuple[Callable[[Tag, int, Random], Faulty], Callable[[Tag], bool], tuple[Check, ...]]
FAULTS: dict[str, Fault] = {
    "range": (_range, _any, ("range",)),
    "sentinel": (_sentinel, _moving, ("sentinel",)),
    "at_limit": (_at_limit, _moving, ("at_limit",)),
    "spike": (_spike, _moving, ("spike",)),
    "step": (_step, _moving, ("step",)),
    "frozen": (_frozen, _moving, ("frozen",)),
    "glitch": (_glitch, _counting, ("glitch",)),
    "reset": (_reset, _counting, ("reset",)),
    "rollover": (_rollover, _counting, ("rollover",)),
    "drop": (_drop, _counting, ("drop",)),
    "missing": (_missing, _any, ("missing",)),
    "late": (_late, _any, ("late",)),
    "backward": (_backward, _any, ("backward",)),
    "duplicate": (_duplicate, _any, ("duplicate",)),
    "future": (_future, _any, ("future",)),
    "unsynchronised": (_undated, _any, ("unsynchronised",)),
}


def findings(portion: Portion, rules: Rules) -> Iterator[tuple[Check, int, int]]:
    """(check, row of the first reading, readings) of each portion of a minute."""
    watch = Watch()
    for begin in range(0, len(portion.times_ms), PORTION):
        place = np.zeros(len(portion.times_ms), np.bool_)
        place[begin : begin + PORTION] = True
        now_ms = START_MS + 1_000 * (begin + PORTION + 100)  # what is dropped makes times run ahead of rows
        for check, found in judge(watch, portion.part(place), rules, now_ms).findings.items():
            yield check, (found.first_ms - START_MS) // 1_000, found.count


def is_found(faulty: Faulty, checks: tuple[Check, ...]) -> bool:
    """Whether one of *checks* says so in time."""
    return any(
        check in checks and faulty.first <= row <= faulty.last
        for check, row, _ in findings(faulty.portion, faulty.tag.rules)
    )


def injected(kind: str, seed: int, tags: tuple[Tag, ...]) -> tuple[Tag, Faulty]:
    """A good tag, and the same with a fault of *kind* in it, both chosen by *seed*."""
    make, fits, _ = FAULTS[kind]
    rng = Random(f"{kind} {seed}")
    tag = rng.choice([tag for tag in tags if fits(tag)])
    rows = len(tag.values)
    has_run = np.cumsum(tag.is_active) > SEEN
    fine = [row for row in range(rows // 2, rows - 400) if tag.is_active[row : row + 300].all() and tag.is_quiet[row]]
    place = rng.choice([row for row in fine if has_run[row]] or fine or [rows // 2])
    return tag, make(tag, place, rng)


def missed(kind: str, faults: list[tuple[Tag, Faulty]]) -> list[str]:
    """Those of *faults* that are not found, each beside what its tag did of itself before."""
    found = []
    for good, faulty in faults:
        if not is_found(faulty, FAULTS[kind][2]):
            size = abs(faulty.tag.values[faulty.first] - good.values[faulty.first])
            largest, lately = own_moves(good, faulty.first)
            told = f"{largest:.3g} its largest own move, {lately:.3g} that of the five minutes before"
            found.append(f"{good.name} by {size:.3g} ({told})")
    return found


def own_moves(tag: Tag, place: int) -> tuple[float, float]:
    """The largest one of the *tag* before *place* while nothing was switched, and that of the last five minutes."""
    moves = np.abs(np.diff(tag.values[:place]))
    moves[~tag.is_quiet[1:place]] = 0.0
    return float(moves.max()), float(moves[-300:].max())


def false_flags(tags: tuple[Tag, ...]) -> tuple[float, Counter[str], list[str]]:
    """Days of tags, flagged readings and episodes by check, and who they are."""
    found: Counter[str] = Counter()
    told = []
    for tag in tags:
        for check, row, count in findings(_portion(tag), tag.rules):
            found[check] += count
            found["episodes"] += 1
            told.append(f"{tag.name} {check} at {row} s, {count}")
    return sum(len(tag.values) for tag in tags) / 86_400, found, told


def speed() -> float:
    """Readings judged a second of CPU, in portions of a minute, each with what its tag usually does."""
    portions = [(tag, _portion(tag)) for tag in simulated(0, 0.5)]
    every = np.ones(len(portions[0][1].times_ms), np.bool_)
    took, readings = 0.0, 0
    for tag, whole in portions:
        parts = [np.flatnonzero(every)[begin : begin + PORTION] for begin in range(0, len(every), PORTION)]
        masks = [np.isin(np.arange(len(every)), part) for part in parts]
        cut = [whole.part(mask) for mask in masks]
        watch = Watch()
        began = time.process_time()
        for part in cut:
            judge(watch, part, tag.rules, START_MS + 10**8)
        took += time.process_time() - began
        readings += len(every)
    return readings / took


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", default="0-19", help="first and last")
    parser.add_argument("--hours", type=float, default=HOURS, help="of the simulated station, each seed")
    args = parser.parse_args()
    first, last = map(int, args.seeds.split("-"))
    seeds = range(first, last + 1)
    has_real = FOLDER.is_dir()
    print(f"fault           simulated{'  real' if has_real else ''}   found, of {len(seeds)} seeds")
    for kind in FAULTS:
        unseen = [missed(kind, [injected(kind, seed, simulated(station(seed), args.hours)) for seed in seeds])]
        unseen += [missed(kind, [injected(kind, seed, real()) for seed in seeds])] if has_real else []
        print(f"{kind:15s} " + "  ".join(f"{1 - len(each) / len(seeds):9.2f}" for each in unseen), flush=True)
        print("".join(f"  missed: {one}\n" for each in unseen for one in each), end="")
    stations = [
        ("simulated", tuple(tag for each in sorted(set(map(station, seeds))) for tag in simulated(each, args.hours)))
    ]
    stations += [("real", real())] if has_real else []
    for name, tags in stations:
        days, found, told = false_flags(tags)
        flags = sum(found.values()) - found["episodes"]
        print(
            f"{name}: {days:.1f} tag-days without faults: {flags} readings flagged ({flags / days:.3f} a tag-day)",
            end="",
        )
        print(f" in {found['episodes']} episodes ({found['episodes'] / days:.3f})")
        print("".join(f"  {line}\n" for line in told[:20]), end="")
    print(f"the checks alone: {speed():,.0f} readings a second of CPU")
    quality_job.main()


if __name__ == "__main__":
    main()
