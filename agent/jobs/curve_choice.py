"""Which method draws the curve of a pump that has its own flow meter."""

from collections.abc import Mapping

import numpy as np

from analytics.curves.methods.candidates import candidates
from analytics.curves.methods.catalogue import Catalogue
from analytics.curves.methods.choice import Choice, choose
from analytics.curves.methods.duty import DutyPoints
from analytics.curves.methods.sample import KINDS
from analytics.curves.points import Points

LEAST_POINTS = 100  # with a flow of the pump's own; below, its curve is that of the joint fit
MOST_POINTS = 400  # in a comparison, the newest; it makes five fits of each method
TURN_MS = 3_600_000  # all methods are compared for one pump at a time: they cost seconds
MEMORY = 400.0  # points after which one weighs 1/e of a new one: pumps wear


def duty_points(points: Points, index: int) -> DutyPoints:
    """What the pump at place *index* did by its own flow meter, oldest first; nothing where it has none."""
    flow, power = points.pump_flows[:, index], points.powers[:, index]
    speed, head = points.speeds[:, index], points.head
    known = points.running[:, index] & np.isfinite(flow) & np.isfinite(head) & np.isfinite(speed)
    known &= (np.nan_to_num(flow) > 0.0) & (np.nan_to_num(head) > 0.0) & (np.nan_to_num(speed) > 0.0)
    drawn = np.where(np.nan_to_num(power) > 0.0, power, np.nan)
    return DutyPoints(flow[known], head[known], drawn[known], speed[known])


def choices(
    points: Points,
    pumps: tuple[str, ...],
    before: Mapping[str, str],
    now_ms: int,
    catalogues: Mapping[str, Catalogue] | None = None,
) -> dict[str, Choice]:
    """The choice for each pump that has enough points of its own flow meter.

    The methods that know no pumps cost a hundred times as much as the others, so they take part for one pump an hour,
    in turn; between its turns the method that last won there stays among the candidates.

    Args:
        points: What the pumps' header keeps, oldest first.
        pumps: Ids, in the order of its columns.
        before: The method that last won, by pump.
        now_ms: The time.
        catalogues: What data sheets say, by pump.
    """
    known = catalogues or {}
    own = {pump: duty_points(points, index) for index, pump in enumerate(pumps)}
    metered = [pump for pump, each in own.items() if len(each) >= LEAST_POINTS]
    found = {}
    for place, pump in enumerate(metered):
        has_turn = now_ms // TURN_MS % len(metered) == place or pump not in before
        among = candidates(known.get(pump), memory=MEMORY, learners=has_turn or before[pump] in KINDS)
        if not has_turn:
            among = {name: make for name, make in among.items() if name not in KINDS or name == before[pump]}
        found[pump] = choose(own[pump], among, MOST_POINTS)
    return found
