"""Wear and what only looks like it: tracked, named, foretold, and how often in vain, on a header of unlike pumps.

`python -m tests.benchmarks.wear` lets three pumps with power meters share one flow meter and one pressure gauge (1 %
noise, 1 % outliers, a steady point each three minutes, six sets of pumps). The references are learnt of the first day.
Three days later, over seeds: clean days; wear; meters that drift, all by the minute. Four times a day the last 24 hours
are judged. "named" is the day after the beginning of the fault on which its cause, with its pump, is named first; wrong
is a judgement that names something else.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy as np

from agent.jobs.worn.state import BASE_DAYS
from analytics.curves.points import Points
from analytics.hydraulics import Floats
from analytics.wear.cause import Kind, likeliest
from analytics.wear.losses import Belief, Losses, losses
from analytics.wear.reference import Reference
from tests.analytics.wear.station import A_DAY, Drift, day, references

NOTHING = (0.0, 0.0, 0.0)
PARTS = 4  # of a day, after each of which it is judged


class Fault(NamedTuple):
    """What is wrong at times counted from its beginning."""

    lost: tuple[float | Floats, ...] = NOTHING
    more: tuple[float | Floats, ...] = NOTHING
    drift: Drift = Drift()


class Story(NamedTuple):
    """What should be named, of which pumps, in how many days, and what is wrong by the day."""

    kind: Kind
    pumps: tuple[int, ...]
    days: int
    fault: Callable[[Floats], Fault]


STORIES: Mapping[str, Story] = {
    "clean, 60 days": Story("nothing", (), 60, lambda _: Fault()),
    "wear of p1, 0.33 % a day": Story("wear", (0,), 12, lambda t: Fault((0.0033 * t, 0.0, 0.0))),
    "wear of p2, 0.33 % a day": Story("wear", (1,), 12, lambda t: Fault((0.0, 0.0033 * t, 0.0))),
    "wear of p1, 5 % in 20 days": Story("wear", (0,), 6, lambda t: Fault((0.0025 * t, 0.0, 0.0))),
    "the same, and more power": Story(
        "wear", (0,), 6, lambda t: Fault((0.0025 * t, 0.0, 0.0), (0.00125 * t, 0.0, 0.0))
    ),
    "head sensor, -5 % in 15 days": Story("head_sensor", (), 6, lambda t: Fault(drift=Drift(head=-0.0033 * t))),
    "head sensor, +5 % in 15 days": Story("head_sensor", (), 6, lambda t: Fault(drift=Drift(head=0.0033 * t))),
    "flow meter, -5 % in 10 days": Story("flow_meter", (), 6, lambda t: Fault(drift=Drift(flow=-0.005 * t))),
    "flow meter, +5 % in 10 days": Story("flow_meter", (), 6, lambda t: Fault(drift=Drift(flow=0.005 * t))),
    "power meter of p1, -0.5 % a day": Story("power_meter", (0,), 6, lambda t: Fault(drift=Drift(power=-0.005 * t))),
}


class Verdict(NamedTuple):
    """One seed of one story."""

    first: float  # day, counted from the beginning of the fault; NaN: never
    wrong: int  # judgements
    worst: float  # points between the head lost that was found and the true one, by day
    typical: float  # the root mean square of it


class Beginning(NamedTuple):
    """The station before anything is wrong."""

    known: list[Reference]
    belief: Belief
    first_days: Belief
    last: Points


def beginning(rng: np.random.Generator) -> Beginning:
    """A day that is learnt, and the first ones held against it."""
    known = references(day(0, rng))
    belief, base = Belief.first(len(known)), list[Belief]()
    for number in range(1, BASE_DAYS + 1):
        last = day(number, rng)
        belief = losses(last, known, belief.after(1.0)).belief
        base.append(belief)
    covariance = np.sum([one.covariance for one in base], axis=0) / BASE_DAYS**2
    return Beginning(known, belief, Belief(np.mean([one.mean for one in base], axis=0), covariance), last)


def days(story: Story, begun: Beginning, rng: np.random.Generator) -> Iterator[tuple[float, Losses]]:
    """Day since the beginning, and what the last 24 hours say was lost."""
    last, belief = begun.last, begun.belief
    for number in range(story.days):
        fault = story.fault(number + (np.arange(A_DAY) + 0.5) / A_DAY)
        today = day(BASE_DAYS + 1 + number, rng, fault.lost, fault.more, fault.drift)
        for part in range(1, PARTS + 1):
            rows = part * A_DAY // PARTS
            window = Points.joined([last.take(slice(rows, None)), today.take(slice(0, rows))])
            found = losses(window, begun.known, belief.after(part / PARTS))
            yield number + part / PARTS, found
        belief, last = found.belief, today


def judged(story: Story, seed: int) -> Verdict:
    """What becomes of a story."""
    rng = np.random.default_rng(seed)
    begun = beginning(rng)
    spread = np.array([one.head_std for one in begun.known] + [one.power_std for one in begun.known])
    right, wrong, missed = list[float](), 0, list[float]()
    for when, found in days(story, begun, rng):
        why = likeliest(found, spread, begun.first_days)
        if (why.kind, why.pumps) == (story.kind, story.pumps):
            right.append(when)
        elif why.kind != "nothing":
            wrong += 1
        if story.kind in {"wear", "nothing"} and when == int(when):
            true = [np.mean(lost) for lost in story.fault(when - 1.0 + (np.arange(A_DAY) + 0.5) / A_DAY).lost]
            missed += list(100.0 * (found.head - np.array(true)))
    errors = np.abs(missed) if missed else np.array([np.nan])
    return Verdict(right[0] if right else np.nan, wrong, float(errors.max()), float(np.sqrt((errors**2).mean())))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="how many")
    parser.add_argument("--first", type=int, default=0, help="of them")
    args = parser.parse_args()
    print(
        "| | named on day: median, worst | wrong judgements | head missed, points: typical, worst |\n|---|---|---|---|"
    )
    began = time.process_time()
    for name, story in STORIES.items():
        found = [judged(story, seed) for seed in range(args.first, args.first + args.seeds)]
        first = [one.first for one in found]
        when = "-" if story.kind == "nothing" else f"{np.median(first):.2f}, {np.max(first):.2f}"
        wrong = f"{sum(one.wrong for one in found)} of {PARTS * story.days * args.seeds}"
        far = "-" if np.isnan(found[0].worst) else f"{np.median([one.typical for one in found]):.2f}, "
        far += "" if far == "-" else f"{max(one.worst for one in found):.2f}"
        print(f"| {name} | {when} | {wrong} | {far} |", flush=True)
    print(f"\n{time.process_time() - began:.0f} s of processor time")


if __name__ == "__main__":
    main()
