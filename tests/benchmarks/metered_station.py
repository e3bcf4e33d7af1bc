"""Pumps with their own flow meters as dispatch sees them: by the joint fit, and by the curve that won for each.

`python -m tests.benchmarks.metered_station` learns stations of three unlike pumps from 1,500 steady points with 1 % of
noise on flows and powers, half of it on head, 1 % of outliers, and compares with the truth of another time: each pump's
flow and power at its head, the totals, and what another set of pumps would save at the same flow and head, in % of the
present power; and how often the truth lies within the 90 % intervals. Medians, then the mean over the seeds.
"""

import argparse
from itertools import combinations
from typing import NamedTuple

import numpy as np

from agent.jobs.learnt.choice import choices, taught
from analytics.curves.estimator import StationCurves
from analytics.curves.methods.metered import OwnMeter
from analytics.curves.model import StationModel
from analytics.curves.points import Points
from analytics.curves.prior import Plate
from analytics.curves.refined import refined
from analytics.dispatch.saving import Sample, Way, compare
from tests.simulators.waterworks import UNLIKE, TruePump, metered, operation

PUMPS = ("p0", "p1", "p2")
SETS = [chosen for size in (1, 2, 3) for chosen in combinations(range(3), size)]
NORMAL_90 = 1.645
EVERY = 10  # of the points, whose savings are judged


class Verdict(NamedTuple):
    """Of one model; % but for the last, which is how many savings were judged."""

    flow: float
    flow_held: float
    total_flow: float
    power: float
    total_power: float
    saving: float
    saving_held: float
    savings: float


def station(seed: int) -> tuple[tuple[TruePump, ...], StationModel, StationModel, Points]:
    """Three pumps, what is learnt of them in both ways, and what they truly do later."""
    rng = np.random.default_rng(seed)
    pumps = UNLIKE[seed % 4 : seed % 4 + 3]
    truth = operation(pumps, SETS, 1_500, rng, step_ms=600_000, every=3)
    points = metered(truth, rng)
    curves = StationCurves([Plate(pump) for pump in PUMPS])
    curves.update(points)
    joint = curves.fit()
    assert joint is not None
    meters: dict[str, OwnMeter] = {}
    taught(meters, points, PUMPS)
    chosen = choices(meters, dict.fromkeys(PUMPS, "physics"), 0)
    later = operation(pumps, SETS, 300, rng, step_ms=600_000, every=3)
    return pumps, joint, refined(joint, chosen, curves.points, PUMPS), later


def judged(pumps: tuple[TruePump, ...], model: StationModel, truth: Points) -> Verdict:
    """Hold *model* against the *truth*."""
    said, runs = model.predict(truth.speeds, truth.head), truth.running
    held = np.abs(said.flows - truth.pump_flows) <= NORMAL_90 * said.flows_std
    sample = Sample.of(model, 60, 1)
    savings = [found for row in range(0, len(truth), EVERY) if (found := _saving(pumps, sample, truth, row))]
    missed, within = np.array(savings).reshape(-1, 2).T
    return Verdict(
        flow=_missed(said.flows[runs], truth.pump_flows[runs]),
        flow_held=100.0 * float(held[runs].mean()),
        total_flow=_missed(said.flow, truth.flow),
        power=_missed(said.powers[runs], truth.powers[runs]),
        total_power=_missed(said.powers.sum(axis=1), truth.powers.sum(axis=1)),
        saving=float(np.median(missed)),
        saving_held=100.0 * float(within.mean()),
        savings=len(savings),
    )


def _missed(found: np.ndarray, truth: np.ndarray) -> float:
    return 100.0 * float(np.nanmedian(np.abs(found / truth - 1.0)))


def _saving(pumps: tuple[TruePump, ...], sample: Sample, truth: Points, row: int) -> tuple[float, float] | None:
    """What the saving by the first other set that can deliver is missed by, %, and whether its interval holds."""
    head, present = truth.head[row], frozenset(np.flatnonzero(truth.running[row]).tolist())
    for chosen in (each for each in SETS if set(each) != present):
        low, high = 0.6, 1.15
        for _ in range(40):
            speed = np.array(0.5 * (low + high))
            flows = [pumps[one].flow(head, speed) for one in chosen]
            low, high = (low, float(speed)) if sum(flows) > truth.flow[row] else (float(speed), high)
        known = zip(chosen, flows, strict=True)
        if 0.7 < low < 1.1 and all(sample.model.supports(PUMPS[one], q, speed) for one, q in known):
            drawn = sum(float(pumps[one].power(q, speed)) for one, q in zip(chosen, flows, strict=True))
            now = Way({PUMPS[one]: float(truth.speeds[row, one]) for one in present}, float(head))
            names = [PUMPS[one] for one in chosen]
            said = compare(sample, now, Way(dict.fromkeys(names, low), float(head), frozenset(names)))
            power = float(truth.powers[row].sum())
            off = abs(said.mean - (power - drawn))
            return 100.0 * off / power, float(off <= NORMAL_90 * said.std)
    return None


def main() -> None:
    """Print a line for each model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=8)
    found: dict[str, list[Verdict]] = {"joint fit": [], "chosen curves": []}
    for seed in range(parser.parse_args().seeds):
        pumps, joint, better, truth = station(seed)
        found["joint fit"].append(judged(pumps, joint, truth))
        found["chosen curves"].append(judged(pumps, better, truth))
    print(f"{'':15s}" + "  ".join(f"{name:>12s}" for name in Verdict._fields))
    for name, verdicts in found.items():
        print(f"{name:15s}" + "  ".join(f"{each:12.2f}" for each in np.mean(verdicts, axis=0)))


if __name__ == "__main__":
    main()
