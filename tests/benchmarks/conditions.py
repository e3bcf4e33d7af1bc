"""Conditions of pumps put into a simulated station: minutes to the right name, wrong names, and false alarms.

`python -m tests.benchmarks.conditions [--seeds 20] [--months 10] [--only KIND ...]`. Each seed is another town, other
errors of the meters, another pump and hour of the fault, and another size of it. Curves are learnt of three days of
it, what the header usually gives of ten; then a day with the fault, looked at each half minute by what the conditions
job calls. Frozen sensors are judged by what the quality job calls, and low efficiency by the alarm's rule. What
comes over days is judged by what the wear job calls, as in `tests.benchmarks.wear`. `alone` is the share of seeds in
which nothing else was named beside it. Then clean months: thirty days each, after ten that are known; where
the worn pump leaves its region it truly does, and that is not counted.
"""

import argparse
import time
from collections import Counter
from typing import Final

import numpy as np

from agent.alarms.rulebook import efficiency_rule
from agent.demo.pumps import PUMPS
from agent.jobs.settings import JobsSettings
from agent.store.records import Row
from analytics.hydraulics import wire_to_water_efficiency
from analytics.quality.watch import Portion, Rules, Watch, judge
from drivers.reading import Quality
from tests.analytics.conditions.injected import HOURS, KNOWN, Found, Past, begin_of, followed, tried
from tests.analytics.conditions.station import DAY, HOUR, LOOK_MS, NOTHING, Drawn, Fault, Operation
from tests.benchmarks import wear

MONTH: Final = 30  # days
AFTER: Final = 300.0  # s of low efficiency, as usual


def frozen(seed: int) -> float:
    """Minutes from a sensor's last change to its alarm: judged each minute, told every five."""
    rng = np.random.default_rng(seed)
    station = Operation(Drawn.of(seed, 1))
    values = [station.flow, station.pressure, station.suction][seed % 3]
    step = [0.1, 0.01, 0.01][seed % 3]
    begin = int(rng.integers(12 * 3_600, 23 * 3_600))
    seconds = np.interp(np.arange(24 * 3_600) / 30.0, np.arange(len(values)), values)
    shown = np.round(seconds * (1.0 + rng.normal(0.0, 0.002, len(seconds))) / step) * step
    shown[begin:] = shown[begin]
    watch, told, said = Watch(), 0, list[tuple[int, float]]()
    report = round(JobsSettings().quality.report)
    for now in range(60, len(shown) + 1, 60):
        part, always = shown[now - 60 : now], np.ones(60, np.bool_)
        times_ms = 1_000 * np.arange(now - 60, now, dtype=np.int64) + 1_000
        portion = Portion(times_ms, part, always, always, always, ~always, always)
        tally = judge(watch, portion, Rules(1_000), 1_000 * now)
        told += tally.count("frozen")
        if now % report == 0:
            said.append((now, told / report))
            told = 0
    late = [now for now, share in said if share > 0.9 and now > begin]
    return (late[0] - begin) / 60 if late else np.nan


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
    """What is named in a month in which nothing is wrong, in days."""
    past = Past.of(seed, MONTH)
    found = followed(past.seen(MONTH, NOTHING, 0, MONTH * DAY), LOOK_MS * KNOWN * DAY)
    return [
        f"{one.kind}.{one.suspect} on day {at / 1440:.1f}" for one, at in found.items() if one.kind != "outside_por"
    ]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--months", type=int, default=10)
    parser.add_argument("--only", nargs="+", choices=[*HOURS, "frozen", "efficiency_low", "slow", "clean"])
    args = parser.parse_args()
    began = time.process_time()
    only = args.only or [*HOURS, "efficiency_low", "frozen", "slow", "clean"]
    print("| condition | found | minutes: median, worst | alone | named beside it |\n|---|---|---|---|---|", flush=True)
    pasts = [Past.of(seed, 1) for seed in range(args.seeds)] if {*only} & {*HOURS, "efficiency_low"} else []
    for kind in (kind for kind in HOURS if kind in only):
        both = [tried(kind, past, seed) for seed, past in enumerate(pasts)]
        print(line(kind, [at for at, _ in both], [other for _, other in both]), flush=True)
    if "efficiency_low" in only:
        print(line("efficiency_low", [inefficient(seed, past) for seed, past in enumerate(pasts)], [{}]), flush=True)
    if "frozen" in only:
        print(line("frozen", [frozen(seed) for seed in range(args.seeds)], [{}]), flush=True)
    if "slow" in only:
        for name in ("flow meter, -5 % in 10 days", "wear of p1, 5 % in 20 days"):
            days = [wear.judged(wear.STORIES[name], seed).first for seed in range(args.seeds)]
            times = f"days: {np.nanmedian(days):.1f}, {np.nanmax(days):.1f}"
            print(f"| {name} | {np.isfinite(days).mean():.2f} | {times} | | |", flush=True)
    if "clean" in only:
        months = [clean(1_000 + seed) for seed in range(args.months)]
        named = Counter(one.partition(" ")[0] for month in months for one in month)
        print(f"\n{sum(named.values())} false in {args.months} x 30 clean days: {dict(named)}; {months}")
    print(f"\n{time.process_time() - began:.0f} s of processor time")


if __name__ == "__main__":
    main()
