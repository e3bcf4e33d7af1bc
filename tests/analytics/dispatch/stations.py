"""Random stations of mixed pumps, every number from one seed."""

from dataclasses import replace

import numpy as np

from analytics.dispatch.demand import Demand, HeadBand, SystemCurve
from analytics.dispatch.pump import Candidate, Lock
from analytics.dispatch.requirement import RequiredFlow, RequiredHead, Requirement
from analytics.dispatch.system import System
from tests.analytics.dispatch.plates import Plate, Suction


def random_station(seed: int, most: int = 5) -> tuple[tuple[Candidate, ...], Demand]:
    """One to *most* pumps of fixed and variable speed around a common head, and a demand that may be too much."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, most + 1))
    head = rng.uniform(20, 70)
    suction = Suction(npsha0=rng.uniform(7.5, 9.5), ks=rng.uniform(0, 1e-6))
    share_variable = rng.uniform(0.3, 1.0)
    sizes = rng.choice([100.0, 200.0, 300.0, 500.0], size=count)
    plates = [
        random_plate(rng, float(size), head, suction, is_variable=rng.random() < share_variable) for size in sizes
    ]
    if count > 1 and rng.random() < 0.3:
        plates[1] = plates[0]
    locks: list[Lock] = ["free", "free", "free", "free", "free", "must run", "must not run"]
    starts = [float(rng.choice([0.0, 0.02])) * plate.p_motor for plate in plates]
    pumps = tuple(
        Candidate(f"p{place}", plate, rng.random() < 0.5, locks[rng.integers(7)], start)
        for place, (plate, start) in enumerate(zip(plates, starts, strict=True), start=1)
    )
    share = rng.uniform(0.7, 1.15) * (rng.random(count) < 0.7)
    flow = float(share @ [plate.q_bep for plate in plates]) or 0.9 * plates[0].q_bep
    asked = float(head * rng.uniform(0.7, 1.1))
    demand: Demand
    if rng.random() < 0.5:
        demand = HeadBand(flow, asked, asked * float(rng.choice([1.0, 1.08])))
    else:
        static = asked * float(rng.uniform(0.5, 0.95))
        worth, above = float(rng.choice([0.0, 0.1])), float(rng.uniform(1.01, 1.3))
        demand = SystemCurve(static, (asked - static) / flow**2, flow, flow * above, worth)
    return pumps, demand


def random_plate(rng: np.random.Generator, q_bep: float, head: float, suction: Suction, *, is_variable: bool) -> Plate:
    """A pump for about *head*, with its motor."""
    at_best = head * rng.uniform(0.95, 1.2)
    shut_off = at_best * rng.uniform(1.18, 1.4)
    linear = -rng.uniform(0.0, 0.2) * (shut_off - at_best) / q_bep
    square = -(shut_off - at_best + linear * q_bep) / q_bep**2
    peak, width = rng.uniform(0.72, 0.86), rng.uniform(0.4, 0.9)
    eta = (peak * (1 - width), 2 * peak * width / q_bep, -peak * width / q_bep**2, 0.0)
    motor = 1.25 * 9.81 / 3600 * q_bep * at_best / peak
    return Plate(
        q_bep=q_bep,
        curve=(shut_off, linear, square),
        eta=eta,
        k_branch=0.02 * at_best / q_bep**2,
        is_variable=is_variable,
        speeds=(rng.uniform(0.5, 0.7), 1.0),
        por=(0.7, 1.2),
        p_motor=motor,
        p_shaft_max=motor * float(rng.choice([0.78, 1.0])),
        motor_loss=(0.018, 0.006, 0.037),
        vfd_loss=(0.008, 0.014, 0.005),
        npshr=(1.2, rng.uniform(2.0, 7.0) / q_bep**2),
        suction=suction,
    )


def limited_station(seed: int, most: int = 5) -> tuple[tuple[Candidate, ...], Demand]:
    """The same with narrower regions, a poorer inlet, pumps that must run, uneven hours, and a preferred pressure."""
    pumps, demand = random_station(seed, most)
    rng = np.random.default_rng(10_000 + seed)
    por = (float(rng.uniform(0.7, 0.85)), float(rng.uniform(1.05, 1.2)))
    poorer = float(rng.uniform(0.75, 1.0))
    limited = []
    for pump in pumps:
        assert isinstance(pump.physics, Plate)
        own = replace(pump.physics.suction, npsha0=poorer * pump.physics.suction.npsha0)
        plate = replace(pump.physics, por=por, suction=own)
        lock: Lock = "must run" if rng.random() < 0.15 else pump.lock
        hours_kw = float(rng.choice([0.0, 0.01, 0.05])) * plate.p_motor
        limited.append(replace(pump, physics=plate, lock=lock, running_kw=hours_kw))
    if isinstance(demand, HeadBand):
        preferred = float(rng.uniform(demand.low, demand.high))
        demand = replace(demand, preferred=preferred, deviation_kw=float(rng.choice([0.0, 0.5, 3.0])))
    return tuple(limited), demand


def required_station(seed: int, most: int = 5) -> tuple[tuple[Candidate, ...], Demand]:
    """The limited pumps, asked for a flow, a flow in a window of heads and worth, or a pressure, as a site would."""
    pumps, first = limited_station(seed, most)
    rng = np.random.default_rng(20_000 + seed)
    at = np.array([first.low])
    flow, head = float(first.flow(at)[0]), float(first.head(at)[0])
    present = flow * float(rng.uniform(0.85, 1.15))
    modelled = present * float(rng.uniform(0.98, 1.02))
    wanted: Requirement
    if rng.random() < 0.2:
        wanted = RequiredHead(head * float(rng.uniform(0.9, 1.1)), "", head_min=0.95 * head)
    else:
        resistance = float(rng.uniform(0.0, 0.6) * rng.choice([0.01, 1.0])) * head / flow**2
        wanted = RequiredFlow(
            flow,
            "",
            System(resistance * (modelled / present) ** 2, 0.0, (0.2 * flow, 5 * flow)),
            share=float(rng.choice([0.0, 0.05, 0.15, 0.3, 0.5])),
            worth_kw=float(rng.choice([0.02, 0.1, 0.15, 0.2, 0.3, 1.0])),
            head_max=float(rng.choice([1.02, 3.0])) * head,
        )
    demand = wanted.demand(present, head, modelled)
    assert demand is not None
    return pumps, demand
