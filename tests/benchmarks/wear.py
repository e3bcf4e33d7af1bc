"""Wear and what only looks like it: tracked, named, foretold, and how often in vain, on a header of unlike pumps.

`python -m tests.benchmarks.wear` lets three pumps with power meters share one flow meter and one pressure gauge (1 %
noise, 1 % outliers, a steady point each three minutes, six sets of pumps). The references are learnt of the first day.
Three days later, over seeds: clean days; wear; meters that drift. "named" is the day on which the cause is named first,
counted from the beginning of the fault; wrong is a day on which something else is named.
"""

import argparse
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from agent.jobs.wear_state import BASE_DAYS
from analytics.wear.cause import Cause, likeliest
from analytics.wear.losses import Belief, Losses, losses
from tests.analytics.wear.station import Drift, day, references

NOTHING = (0.0, 0.0, 0.0)


class Fault(NamedTuple):
    """What is wrong on a day, counted from its beginning; and what should be named."""

    lost: tuple[float, ...]
    more: tuple[float, ...]
    drift: Drift


Story = Callable[[int], Fault]
STORIES: Mapping[str, tuple[str, int, Story]] = {
    "clean, 60 days": ("nothing", 60, lambda _: Fault(NOTHING, NOTHING, Drift())),
    "wear of p1, 0.33 % a day": ("wear", 21, lambda n: Fault((0.0033 * n, 0.0, 0.0), NOTHING, Drift())),
    "wear of p2, 0.33 % a day": ("wear", 21, lambda n: Fault((0.0, 0.0033 * n, 0.0), NOTHING, Drift())),
    "wear of p1, 5 % in 20 days": ("wear", 21, lambda n: Fault((0.0025 * n, 0.0, 0.0), NOTHING, Drift())),
    "the same, and more power": (
        "wear",
        21,
        lambda n: Fault((0.0025 * n, 0.0, 0.0), (0.00125 * n, 0.0, 0.0), Drift()),
    ),
    "head sensor, -5 % in 15 days": ("head_sensor", 21, lambda n: Fault(NOTHING, NOTHING, Drift(head=-0.0033 * n))),
    "head sensor, +5 % in 15 days": ("head_sensor", 21, lambda n: Fault(NOTHING, NOTHING, Drift(head=0.0033 * n))),
    "flow meter, -5 % in 10 days": ("flow_meter", 21, lambda n: Fault(NOTHING, NOTHING, Drift(flow=-0.005 * n))),
    "power meter of p1, -0.5 % a day": ("power_meter", 21, lambda n: Fault(NOTHING, NOTHING, Drift(power=-0.005 * n))),
}


class Verdict(NamedTuple):
    """One seed of one story."""

    first: float  # day, counted from the beginning of the fault; NaN: never
    wrong: int  # days
    worst: float  # points between the head lost that was found and the true one, by day
    typical: float  # the root mean square of it


def judged(name: str, seed: int) -> Verdict:
    """What becomes of a story."""
    expected, days, story = STORIES[name]
    rng = np.random.default_rng(seed)
    known = references(day(0, rng))
    spread = np.array([one.head_std for one in known] + [one.power_std for one in known])
    belief, base = Belief.first(len(known)), list[Belief]()
    for _ in range(BASE_DAYS):
        belief = losses(day(1, rng), known, belief.after(1.0)).belief
        base.append(belief)
    covariance = np.sum([one.covariance for one in base], axis=0) / BASE_DAYS**2
    first_days = Belief(np.mean([one.mean for one in base], axis=0), covariance)
    named, missed = list[str](), list[float]()
    for number in range(1, days + 1):
        fault = story(number)
        found: Losses = losses(day(number, rng, fault.lost, fault.more, fault.drift), known, belief.after(1.0))
        belief = found.belief
        why: Cause = likeliest(found, spread, first_days)
        named.append(why.kind)
        if expected in {"wear", "nothing"}:
            missed += list(100.0 * (found.head - np.array(fault.lost)))
    right = [place + 1 for place, kind in enumerate(named) if kind == expected]
    wrong = sum(kind not in {expected, "nothing"} for kind in named)
    errors = np.array(missed) if missed else np.array([np.nan])
    return Verdict(
        right[0] if right else np.nan, wrong, float(np.abs(errors).max()), float(np.sqrt((errors**2).mean()))
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    args = parser.parse_args()
    print("| | named on day: median, worst | wrong days | head missed, points: typical, worst |\n|---|---|---|---|")
    began = time.process_time()
    for name, (expected, days, _) in STORIES.items():
        found = [judged(name, seed) for seed in range(args.seeds)]
        first = [one.first for one in found]
        when = "-" if expected == "nothing" else f"{np.median(first):.0f}, {np.max(first):.0f}"
        wrong = f"{sum(one.wrong for one in found)} of {days * args.seeds}"
        far = "-" if np.isnan(found[0].worst) else f"{np.median([one.typical for one in found]):.2f}, "
        far += "" if far == "-" else f"{max(one.worst for one in found):.2f}"
        print(f"| {name} | {when} | {wrong} | {far} |", flush=True)
    print(f"\n{time.process_time() - began:.0f} s of processor time")


if __name__ == "__main__":
    main()
