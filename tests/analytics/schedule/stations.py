"""Random stations with a tank or well, and the published schedule cases, as problems."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from analytics.dispatch.pump import Array
from analytics.schedule.problem import Problem, System, Unit
from analytics.schedule.storage import Storage
from tests.analytics.dispatch.plates import CASES, Suction, plate
from tests.analytics.dispatch.stations import random_plate

HORIZONS = sorted(CASES.glob("horizon_*.json"))


@dataclass(frozen=True, slots=True)
class Case:
    """A published case: the problem and what is known of its answer."""

    name: str
    problem: Problem
    reference: Mapping[str, Any]


def load(path: Path) -> Case:
    """Read one case; its README gives the model."""
    data = json.loads(path.read_text())
    suction, tank, horizon = Suction(**data["suction"]), data["tank"], data["horizon"]
    timers = ("min_on", "min_off", "max_starts", "start_cost", "on0")
    units = tuple(
        Unit(pump["name"], plate(pump, suction), on, off, most, cost, is_on=bool(now))
        for pump, on, off, most, cost, now in zip(data["pumps"], *(horizon[key] for key in timers), strict=True)
    )
    problem = Problem(
        units=units,
        storage=Storage.of_area(tank["area"], tank["zmin"], tank["zmax"], is_filled=tank["kind"] == "tank"),
        system=System(data["hyd"]["Hs"], data["hyd"]["k"]),
        step=horizon["dt_h"],
        level=tank["z0"],
        price=np.array(horizon["tariff"]),
        demand=np.array(horizon["demand"]),
        level_end=tank["zend"],
    )
    return Case(data["id"], problem, data["reference"])


def random_problem(
    seed: int, *, pumps: int, steps: int, share_variable: float | None = None, hours: float = 24.0
) -> Problem:
    """A station of *pumps* on one system, and *hours* in *steps*; it may be infeasible."""
    rng = np.random.default_rng(seed)
    head, is_filled = rng.uniform(20, 60), bool(rng.random() < 0.7)
    suction = Suction(npsha0=9.5, ks=rng.uniform(0, 3e-7))
    variable = rng.uniform(0.0, 1.0) if share_variable is None else share_variable
    sizes = rng.choice([150.0, 200.0, 300.0], size=pumps)
    plates = [random_plate(rng, float(size), head, suction, is_variable=rng.random() < variable) for size in sizes]
    if pumps > 1 and rng.random() < 0.3:
        plates[1] = plates[0]
    total = sum(one.q_bep for one in plates)
    mean = total * rng.uniform(0.3, 0.55)
    static = head * rng.uniform(0.75, 0.95)
    span, step = rng.uniform(2.0, 4.0), hours / steps
    area = mean * rng.uniform(4.0, 9.0) * (1.0 if hours == 24 else 0.4) / span
    level = float(0.5 + span * rng.uniform(0.3, 0.7))
    hours_of_day = np.asarray(step * np.arange(float(steps)), np.float64)
    units = tuple(
        Unit(
            id=f"p{place}",
            physics=one,
            min_on=int(rng.integers(1, 4)),
            min_off=int(rng.integers(1, 4)),
            most_starts=int(rng.choice([3, 6, 10_000])),
            start_cost=float(rng.choice([0.1, 0.5])),
            is_on=bool(rng.random() < 0.4),
            held=int(rng.integers(1, 5)),
        )
        for place, one in enumerate(plates, start=1)
    )
    return Problem(
        units=units,
        storage=Storage.of_area(area, 0.5, 0.5 + span, is_filled=is_filled),
        system=System(static - (level if is_filled else -level), (head - static) / (0.5 * total) ** 2),
        step=step,
        level=level,
        price=_prices(rng, hours_of_day),
        demand=_demand(rng, hours_of_day, float(mean)),
        level_end=level if hours == 24 and rng.random() < 0.8 else _short_end(level, span, hours, is_filled=is_filled),
    )


def _short_end(level: float, span: float, hours: float, *, is_filled: bool) -> float | None:
    """Over some hours, where sets are few, a little worse than now; over a day anything."""
    if hours == 24:
        return None
    return level - 0.15 * span if is_filled else level + 0.15 * span


def _prices(rng: np.random.Generator, hours: Array) -> Array:
    night, day, peak = 0.08, 0.16, rng.uniform(0.2, 0.3)
    price = np.where((hours >= 7) & (hours < 22), day, night)
    return np.where((hours >= 17) & (hours < 20), peak, price)


def _demand(rng: np.random.Generator, hours: Array, mean: float) -> Array:
    shape = 1 - 0.35 * np.cos(2 * np.pi * (hours - 3) / 24) + 0.2 * np.cos(4 * np.pi * (hours - 7) / 24)
    return np.asarray(mean * np.maximum(shape * rng.normal(1.0, 0.04, len(hours)), 0.1))
