"""Conditions of pumps put into a simulated station: minutes to the right name, wrong names, and false alarms.

`python -m tests.benchmarks.conditions [--seeds 20] [--months 10] [--only KIND ...]`. Each seed is another town, other
errors of the meters, another pump and hour of the fault, and another size of it. Curves are learnt of three days of
it, what the header usually gives of ten; then a day with the fault, looked at each half minute by what the conditions
job calls, the gate of the pumps' curves with it. Constants are tuned on seeds below 100. Frozen sensors are judged by
what the quality job calls, and low efficiency by the alarm's rule. What comes over days is judged by what the wear job
calls, as in `tests.benchmarks.wear`. `alone` is the share of seeds in which nothing else was named beside it.

Then clean months: thirty days each, after ten that are known, in which every alarm counts that what is judged here
raises, each time: conditions, wear (`tests.benchmarks.wear`, sixty days for two months), and for five days of each
frozen sensors (readings each ten seconds, in coarse steps). A pump outside its region counts unless it truly was, for
most of the quarter of an hour before. Low efficiency does not: its limit is the site's.
"""

import argparse
import time
from collections import Counter
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agent.alarms.rulebook import efficiency_rule
from agent.demo.pumps import PUMPS
from agent.jobs.settings import JobsSettings
from agent.store.records import Row
from analytics.conditions.persistence import Persistence
from analytics.conditions.physics import claims
from analytics.conditions.sight import Suspicion
from analytics.hydraulics import Floats, wire_to_water_efficiency
from analytics.quality.watch import Portion, Rules, Watch, judge
from drivers.reading import Quality
from tests.analytics.conditions.injected import HOURS, KNOWN, Found, Past, begin_of, tried
from tests.analytics.conditions.station import DAY, HOUR, LOOK_MS, LOWEST, NOTHING, Drawn, Fault, Operation
from tests.benchmarks import wear

MONTH: Final = 30  # days
PERIOD: Final = 10  # s between readings in clean months
WATCHED: Final = 5  # days of them
MOSTLY: Final = 0.9  # of a report's readings that are frozen
REGION: Final = (0.4, 1.4)  # of the best flow, as the station has it
AFTER: Final = 300.0  # s of low efficiency, as usual


def frozen(seed: int) -> float:
    """Minutes from a sensor's last change to its alarm."""
    rng = np.random.default_rng(seed)
    station = Operation(Drawn.of(seed, 1))
    values = [station.flow, station.pressure, station.suction][seed % 3]
    step = [0.1, 0.01, 0.01][seed % 3]
    begin = int(rng.integers(12 * 3_600, 23 * 3_600))
    shown = as_shown(values, step, 1, rng)
    shown[begin:] = shown[begin]
    late = [now for now in said_frozen(shown, np.ones(len(shown), np.bool_), 1) if now > begin]
    return (late[0] - begin) / 60 if late else np.nan


def as_shown(values: Floats, step: float, period: int, rng: np.random.Generator) -> Floats:
    """Readings each *period* seconds of what was seen each half minute, by a meter that shows multiples of *step*."""
    finer = np.interp(np.arange(0, 30 * len(values), period) / 30.0, np.arange(len(values)), values)
    return np.asarray(np.round(finer * (1.0 + rng.normal(0.0, 0.002, len(finer))) / step) * step)


def said_frozen(shown: Floats, is_active: NDArray[np.bool_], period: int) -> list[int]:
    """Seconds at which a sensor is alarmed as frozen: judged each minute, told at each report."""
    watch, told, said = Watch(), 0, list[int]()
    report, rows = round(JobsSettings().quality.report), 60 // period
    always = np.ones(rows, np.bool_)
    for place in range(rows, len(shown) + 1, rows):
        part = slice(place - rows, place)
        times_ms = 1_000 * period * (np.arange(part.start, part.stop, dtype=np.int64) + 1)
        portion = Portion(times_ms, shown[part], always, is_active[part], always, ~always, always)
        told += judge(watch, portion, Rules(1_000 * period), 1_000 * period * place).count("frozen")
        if period * place % report == 0:
            said += [period * place] if told > MOSTLY * report / period else []
            told = 0
    return said


def inefficient(seed: int, past: Past) -> float:
    """Minutes from the loss of a tenth of the efficiency to the alarm, six points below what is usual."""
    rng = np.random.default_rng([seed, 3])
    begin, pump = begin_of(past, rng)
    station = Operation(past.town.part(KNOWN, 1), Fault("efficiency_low", begin, 0.15, pump=pump))
    flows = past.model.predict(station.speeds[:, :], station.head).flows[:, pump]
    efficiency = np.asarray(wire_to_water_efficiency(flows, station.head, np.maximum(station.powers[:, pump], 1e-6)))
    usual = float(np.median(efficiency[begin - HOUR : begin]))
    rule = efficiency_rule(PUMPS[pump].name, usual - 0.06, AFTER)
    for look in range(begin - HOUR, len(efficiency)):
        if rule.see(Row(0, "", LOOK_MS * look, float(efficiency[look]), Quality.GOOD, None), LOOK_MS * look):
            return (look - begin) / 2
    return np.nan


def line(name: str, minutes: list[float], wrong: list[Found]) -> str:
    """Of the table."""
    known = np.array([one for one in minutes if np.isfinite(one) and one >= 0.0])
    said = Counter(f"{one.kind}.{one.suspect}" for each in wrong for one in each)
    times = f"{np.median(known):.1f}, {known.max():.1f}" if len(known) else "-"
    alone = sum(not one for one in wrong) / len(wrong)
    words = ", ".join(f"{kind} ({count})" for kind, count in said.most_common(4)) or "-"
    return f"| {name} | {len(known) / len(minutes):.2f} | {times} | {alone:.2f} | {words} |"


def clean(seed: int) -> list[str]:
    """What is alarmed in a month in which nothing is wrong."""
    past = Past.of(seed, MONTH)
    ran = Operation(past.town.part(KNOWN, MONTH))
    watch, stood, named = Persistence(), set[Suspicion](), list[str]()
    for at_ms, sight in past.seen(MONTH, NOTHING, 0, MONTH * DAY):
        watch.update(claims(sight), at_ms)
        look = at_ms // LOOK_MS - KNOWN * DAY
        new = [one for one in watch.active if one not in stood and not is_true(ran, one, look)]
        named += [f"{one.kind} ({one.suspect}, day {look / DAY:.1f})" for one in new]
        stood = set(watch.active)
    rng = np.random.default_rng([seed, 4])
    return named + frozen_ones(ran, rng)


def is_true(ran: Operation, one: Suspicion, look: int) -> bool:
    """Whether a pump did run outside its region in most looks of the quarter of an hour before *look*."""
    if one.kind != "outside_por":
        return False
    place = next(place for place, pump in enumerate(PUMPS) if pump.name == one.suspect)
    rows = slice(look - HOUR // 4, look)
    best = np.maximum(ran.speeds[rows, place], LOWEST) * PUMPS[place].flow
    share = ran.flows[rows, place] / best
    return bool(((share < REGION[0]) | (share > REGION[1])).mean() > 0.5)


def frozen_ones(ran: Operation, rng: np.random.Generator) -> list[str]:
    """Sensors that are told to be frozen, by resolutions that are coarse for their ranges."""
    rows = slice(0, WATCHED * DAY)
    columns = [each[rows] for each in (ran.flow, ran.pressure, ran.suction, *ran.powers.T)]
    runs = [each[rows] for each in [ran.running.any(axis=1)] * 3 + list(ran.running.T)]
    steps = [rng.choice([0.1, 1.0]), rng.choice([0.01, 0.1]), rng.choice([0.01, 0.05])] + [rng.choice([0.1, 0.5])] * 4
    found = list[str]()
    for name, values, step, on in zip(("flow", "pressure", "suction", *"1234"), columns, steps, runs, strict=True):
        said = said_frozen(as_shown(values, step, PERIOD, rng), np.repeat(on, 30 // PERIOD), PERIOD)
        found += [f"frozen ({name}, day {said[0] / 86_400:.1f})"] if said else []
    return found


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument(
        "--first", type=int, default=100, help="seed to begin with; constants were tuned on those below"
    )
    parser.add_argument("--months", type=int, default=10)
    parser.add_argument("--only", nargs="+", choices=[*HOURS, "frozen", "efficiency_low", "slow", "clean"])
    args = parser.parse_args()
    began = time.process_time()
    seeds = range(args.first, args.first + args.seeds)
    only = args.only or [*HOURS, "efficiency_low", "frozen", "slow", "clean"]
    print("| condition | found | minutes: median, worst | alone | named beside it |\n|---|---|---|---|---|", flush=True)
    pasts = [Past.of(seed, 1) for seed in seeds] if {*only} & {*HOURS, "efficiency_low"} else []
    for kind in (kind for kind in HOURS if kind in only):
        both = [tried(kind, past, seed) for seed, past in zip(seeds, pasts, strict=True)]
        print(line(kind, [at for at, _ in both], [other for _, other in both]), flush=True)
    if "efficiency_low" in only:
        print(
            line("efficiency_low", [inefficient(seed, past) for seed, past in zip(seeds, pasts, strict=True)], [{}]),
            flush=True,
        )
    if "frozen" in only:
        print(line("frozen", [frozen(seed) for seed in seeds], [{}]), flush=True)
    if "slow" in only:
        for name in ("flow meter, -5 % in 10 days", "wear of p1, 5 % in 20 days"):
            days = [wear.judged(wear.STORIES[name], seed).first for seed in seeds]
            times = f"days: {np.nanmedian(days):.1f}, {np.nanmax(days):.1f}"
            print(f"| {name} | {np.isfinite(days).mean():.2f} | {times} | | |", flush=True)
    if "clean" in only:
        months = [clean(1_000 + args.first + month) for month in range(args.months)]
        story = wear.STORIES["clean, 60 days"]
        worn = [wear.judged(story, args.first + seed).wrong for seed in range((args.months + 1) // 2)]
        named = Counter(one.partition(" ")[0] for month in months for one in month) + Counter(wear=sum(worn))
        print(f"\n{sum(named.values())} false in {args.months} x 30 clean days: {dict(named)}; {months}")
    print(f"\n{time.process_time() - began:.0f} s of processor time")


if __name__ == "__main__":
    main()
