"""How sure a plan is: what its speeds may give and take by other curves that the readings allow as well."""

from dataclasses import dataclass

import numpy as np

from analytics.curves.model import StationModel
from analytics.hydraulics import Floats
from analytics.schedule.plan import Plan
from analytics.schedule.problem import Problem
from analytics.schedule.storage import Storage

_DRAWS = 40  # stations; a standard deviation of them is known to 11 %
_SEED = 20_260_301


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """What d stations that could be this one give and take in each of T steps, all at the same speeds."""

    volumes: Floats  # (d, T) m³ pumped
    energies: Floats  # (d, T) kWh
    level: Floats  # (T,) m, standard deviation at the end of each step, by what is drawn too; nan: that is not known

    def flow(self, steps: slice, hours: float) -> float:
        """Standard deviation of the mean flow of *steps*, which take so many *hours*, m³/h."""
        return float(self.volumes[:, steps].sum(axis=1).std(ddof=1)) / hours

    def energy(self, steps: slice) -> float:
        """The same of the energy of *steps*, kWh."""
        return float(self.energies[:, steps].sum(axis=1).std(ddof=1))

    def cost(self, steps: slice, price: Floats) -> float:
        """The same of what that energy costs by the *price* of all T steps, money."""
        return float((self.energies[:, steps] @ price[steps]).std(ddof=1))


def spread(model: StationModel, problem: Problem, found: Plan, drawn: Floats) -> Spread | None:
    """Of *found*, whose speeds are kept; None where too few stations of *model* could run them.

    Stronger pumps give more flow, which asks for more head: they give less more than they would at the same head.

    Args:
        model: The pumps.
        problem: What was planned.
        found: The plan.
        drawn: Standard deviation of all that is drawn or flows in by the end of each step, m³, (T,); nan: not known.
    """
    speeds = np.zeros((len(found.steps), len(model.pumps)))
    for row, step in zip(speeds, found.steps, strict=True):
        for each in step.running:
            row[model.pumps.index(each.id)] = each.speed
    flow, head = np.array([[step.flow, step.head] for step in found.steps]).T
    steepness = 2 * problem.system.resistance * flow  # m per m³/h, of what the pumps work against
    yielding = 1 - steepness * np.nan_to_num(model.slopes(speeds, head)).sum(axis=1) / np.maximum(head, 1e-3)
    given, taken = [], []
    for draw in model.draws(_DRAWS, np.random.default_rng(_SEED)):
        more = draw.duty(speeds, head).flows.sum(axis=1) - flow
        duty = draw.duty(speeds, head + steepness * more / yielding)
        given.append(duty.flows.sum(axis=1))
        taken.append(duty.powers.sum(axis=1))
    both = problem.step * np.array([given, taken]).reshape(2, -1, len(head))
    volumes, energies = both[:, np.isfinite(both).all(axis=(0, 2))]
    if len(volumes) < _DRAWS / 2:
        return None
    off = np.hypot(np.cumsum(volumes, axis=1).std(axis=0, ddof=1), drawn)
    return Spread(volumes, energies, _of_level(problem.storage, np.array([step.level for step in found.steps]), off))


def _of_level(storage: Storage, level: Floats, off: Floats) -> Floats:
    """What *off* m³ are around *level*, m."""
    volume = storage.volume(level)
    return np.asarray((storage.level(volume + off) - storage.level(volume - off)) / 2)
