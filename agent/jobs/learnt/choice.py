"""Which method draws the curve of a pump that has its own flow meter."""

from collections.abc import Mapping, Sequence

import numpy as np

from analytics.curves.methods.candidates import candidates
from analytics.curves.methods.catalogue import Catalogue
from analytics.curves.methods.choice import Choice, choose
from analytics.curves.methods.duty import DutyPoints
from analytics.curves.methods.metered import MEMORY, OwnMeter
from analytics.curves.methods.sample import KINDS
from analytics.curves.methods.speed import SpeedLaw
from analytics.curves.points import Flags, Points

LEAST_POINTS = 100  # with a flow of the pump's own; below, its curve is that of the joint fit
TURN_MS = 3_600_000  # all methods are compared for one pump at a time: they cost seconds


def taught(
    meters: dict[str, OwnMeter],
    points: Points,
    pumps: Sequence[str],
    sheets: Mapping[str, Catalogue] | None = None,
    law: SpeedLaw | None = None,
) -> None:
    """Let the *meters* of the *pumps* learn from *points*, a column a pump, that are new to them."""
    points = points.believable
    for index, pump in enumerate(pumps):
        known = _is_metered(points, index)
        if known.any():
            own = duty_points(points.take(known), index)
            meters.setdefault(pump, OwnMeter(law)).update(points.times_ms[known], own, (sheets or {}).get(pump))


def duty_points(points: Points, index: int) -> DutyPoints:
    """What the pump at place *index* did by its own flow meter; nothing where it has none."""
    own = points.take(_is_metered(points, index))
    power = own.powers[:, index]
    drawn = np.where(np.nan_to_num(power) > 0.0, power, np.nan)
    return DutyPoints(own.pump_flows[:, index], own.head, drawn, own.speeds[:, index])


def _is_metered(points: Points, index: int) -> Flags:
    needed = (points.pump_flows[:, index], points.head, points.speeds[:, index])
    known = points.running[:, index].copy()
    for each in needed:
        known &= np.isfinite(each) & (np.nan_to_num(each) > 0.0)
    return known


def choices(
    meters: Mapping[str, OwnMeter],
    before: Mapping[str, str],
    now_ms: int,
    sheets: Mapping[str, Catalogue] | None = None,
) -> dict[str, Choice]:
    """The choice for each pump that has enough points of its own flow meter.

    The methods that know no pumps cost a hundred times as much as the others, so they take part for one pump an hour,
    in turn; between its turns the method that last won there stays among the candidates.

    Args:
        meters: What was learnt, by pump.
        before: The method that last won, by pump.
        now_ms: The time.
        sheets: What data sheets say, by pump.
    """
    known = sheets or {}
    metered = [pump for pump, own in meters.items() if len(own.points) >= LEAST_POINTS]
    found = {}
    for place, pump in enumerate(metered):
        has_turn = now_ms // TURN_MS % len(metered) == place or pump not in before
        asks_learners, law = has_turn or before[pump] in KINDS, meters[pump].law
        among = candidates(known.get(pump), law=law, memory=MEMORY, learners=asks_learners)
        if not has_turn:
            among = {name: make for name, make in among.items() if name not in KINDS or name == before[pump]}
        found[pump] = choose(meters[pump].points, among, meters[pump].curves(known.get(pump)))
    return found
