"""The agent in a closed loop on a simulated station: what it saves, and what it would with the truth known.

    python -m tests.benchmarks.closed_loop [--days 30] [--seeds 1] [--first 0] [--kind tank|well]

Three pumps that are not of the model's form fill a tank for a town of noisy days, or empty the well into which it
drains. For three weeks operators run them by level, at speeds of their own, while the agent reads: a store, noisy
meters, and its jobs for who runs, curves, forecast and schedule. Then four controllers go on side by side, and what
they have come to is printed after each day: present operation (by level, at 95 % speed), the next step of the schedule
that the agent publishes every half hour (by itself it would each five minutes), plans by the true curves in the ranges
that it has learnt, and plans by true curves and true demand. What is left in the tank at the end counts, at the mean
cost of a cubic metre. Meanwhile another agent looks at a station whose operators give each pump a speed of its own, and
advises each half hour: how often the saving it states holds the true one is printed too. The weeks before take some two
minutes of processor time, each day a minute and a half.
"""

import argparse
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from analytics.dispatch.fitted import fitted
from analytics.dispatch.limits import Limits
from tests.analytics.forecast.towns import demand
from tests.benchmarks.agent_in_loop import CURVES_EVERY, Agent, store
from tests.benchmarks.stated_savings import Stated, told
from tests.benchmarks.town_plans import BEFORE, JUDGED, Planner, missed_before, units
from tests.benchmarks.town_station import A_DAY, Controller, Speeds, Station, by_level

REACH = 0.05  # share by which learnt ranges may be left, as the schedule job does
SPEEDS = (0.8, 1.0)  # at which operators had the pumps before
NAMES = ("present operation", "the agent", "true curves", "true curves and demand", "speeds of their own")


@dataclass(slots=True)
class Follower:
    """A controller that does what the agent's schedule says next, and runs by level where there is none."""

    agent: Agent

    def __call__(self, station: Station) -> Speeds:
        """The speeds of the next step."""
        if station.parts:
            self.agent.read(station)
        found = self.agent.follow(station)
        return by_level(station) if found is None else found


@dataclass(slots=True)
class Watched:
    """Pumps added by level at speeds of their own, and an agent that looks on."""

    agent: Agent
    rng: np.random.Generator
    stated: list[Stated] = field(default_factory=list)

    def __call__(self, station: Station) -> Speeds:
        """The speeds of the next step."""
        if station.parts:
            self.agent.read(station)
            if station.place % CURVES_EVERY == 0:
                self.agent.learn(station)
            self.stated += told(self.agent.advice(station), station)
        return {one: float(self.rng.uniform(*SPEEDS)) for one in by_level(station)}


@dataclass(slots=True)
class Run:
    """One of the controllers, its own station, and the processor time it took."""

    controller: Controller
    station: Station
    took: float = 0.0  # s

    def day(self) -> None:
        """Run it for a day."""
        began = time.process_time()
        for _ in range(A_DAY):
            self.station.run(self.controller(self.station))
        self.took += time.process_time() - began


def begun(seed: int, days: int, kind: str, agent: Agent) -> Station:
    """The station after three weeks by level, which *agent* has read."""
    rng = np.random.default_rng(seed)
    station = Station(*demand(seed, BEFORE + days + 1), kind=kind)
    while station.place < BEFORE * A_DAY:
        station.run(by_level(station, float(rng.uniform(*SPEEDS))))
        agent.read(station)
        if station.place % CURVES_EVERY == 0:
            agent.learn(station)
        if station.place % (2 if station.place > (BEFORE - JUDGED) * A_DAY else A_DAY) == 0:
            agent.expect(station)
    station.parts = []
    station.count_from_now()
    return station


@contextmanager
def runs(seed: int, days: int, kind: str) -> Iterator[dict[str, Run]]:
    """All controllers by name, each with a station and, where it has an agent, a store of its own."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stores:
        first, second = Path(folder) / "first", Path(folder) / "second"
        first.mkdir()
        with store(first, kind) as past:
            station = begun(seed, days, kind, Agent(past, seed))
        shutil.copytree(first, second)
        own, other = (Agent(stores.enter_context(store(each, kind)), 1_000 + seed) for each in (first, second))
        model = own.model
        assert model is not None
        curves = [fitted(curve, Limits(f"p{one}"), REACH) for one, curve in enumerate(model.curves)]
        true = units(tuple(each for each in curves if each is not None))
        missed = missed_before(station.drawn, station.calendar)
        planners = (Planner(true, knows_demand=False, missed=missed), Planner(true, knows_demand=True))
        watched = Watched(other, np.random.default_rng(seed))
        controllers: tuple[Controller, ...] = (by_level, Follower(own), *planners, watched)
        yield {name: Run(each, deepcopy(station)) for name, each in zip(NAMES, controllers, strict=True)}


def shares(before: float, own: float, true: float, clairvoyant: float) -> str:
    """What is asked of the agent's plans."""
    return (
        f"saves {1 - own / before:.1%}, {(before - own) / (before - true):.1%} of what true curves would; "
        f"{own / clairvoyant - 1:+.2%} over a clairvoyant (true curves {true / clairvoyant - 1:+.2%})"
    )


def print_table(name: str, found: dict[str, Run]) -> None:
    """What all came to."""
    print(f"\n{name:24} {'money':>9} {'kWh':>9} {'starts':>7} {'excursions':>10} {'without a plan':>14} {'CPU':>8}")
    for controller, run in found.items():
        without = 0
        match run.controller:
            case Planner():
                without = run.controller.without
            case Follower():
                without = len(run.controller.agent.why)
        station = run.station
        print(
            f"{controller:24} {station.due:9.2f} {station.energy:9.0f} {station.starts:7} {len(station.beyond):10} "
            f"{without:14} {run.took:6.0f} s"
        )


def days_of(seed: int, days: int, kind: str) -> None:
    """Run all controllers day by day, and print what they came to."""
    name = f"{kind}, seed {seed}"
    with runs(seed, days, kind) as found:
        for day in range(1, days + 1):
            for run in found.values():
                run.day()
            paid = [found[each].station.due for each in NAMES[:4]]
            beyond = len(found["the agent"].station.beyond)
            starts = "/".join(str(run.station.starts) for run in found.values())
            print(f"{name} day {day:2}: {shares(*paid)}; starts {starts}, {beyond} days beyond", flush=True)
        print_table(name, found)
        follower, watched = (found[each].controller for each in ("the agent", "speeds of their own"))
        assert isinstance(follower, Follower)
        assert isinstance(watched, Watched)
        for why in dict.fromkeys(follower.agent.why):
            print(f"  no plan: {why}")
        tell(watched.stated)


def tell(stated: list[Stated]) -> None:
    """How often stated savings hold the true ones."""
    if not stated:
        print("no saving was stated")
        return
    errors = np.array([each.error for each in stated])
    held = np.mean([each.is_held for each in stated])
    print(
        f"{len(stated)} savings stated, {np.mean([each.mean for each in stated]):.1f} kW, truly "
        f"{np.mean([each.true for each in stated]):.1f} kW: 90 % intervals hold {held:.1%}; error {errors.mean():+.2f} "
        f"± {errors.std():.2f} deviations",
        flush=True,
    )


def main() -> None:
    """Print what each controller came to, and the shares that are asked of the second."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--kind", choices=("tank", "well"), default="tank")
    asked = parser.parse_args()
    print(f"{asked.seeds} seeds of {asked.days} days; excursions: days with a level beyond its limits")
    for seed in range(asked.first, asked.first + asked.seeds):
        days_of(seed, asked.days, asked.kind)


if __name__ == "__main__":
    main()
