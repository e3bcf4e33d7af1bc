"""Why nobody can serve a demand, in a sentence that names the limit that binds."""

from collections.abc import Sequence

import numpy as np

from analytics.dispatch.duty import Infeasible
from analytics.dispatch.lines import Table
from analytics.dispatch.sets import Masks
from analytics.dispatch.survey import Survey


def refusal(names: Sequence[str], sets: Masks, lines: Table, look: Survey) -> Infeasible:
    """The limit that the least infeasible sets break.

    Args:
        names: Ids of the pumps, n of them.
        sets: The sets, shape (s, n).
        lines: What each pump can do, at k places.
        look: The survey of the sets, none of them feasible.
    """
    can_lift = look.slack >= 0  # (s, k)
    if not can_lift.any():
        return _no_head(names, sets, lines)
    short = np.where(can_lift, look.high_room, -np.inf).max()
    if short < 0:
        return _short(sets, lines, can_lift)
    over = np.where(can_lift, look.low_room, -np.inf).max()
    if over < 0:
        return _over(sets, lines, can_lift)
    return _between(sets, lines, can_lift)


def _no_head(names: Sequence[str], sets: Masks, lines: Table) -> Infeasible:
    able = lines.slack.max(axis=1) >= 0
    needed = np.asarray(sets.all(axis=0))
    who = [name for name, is_able, is_needed in zip(names, able, needed, strict=True) if is_needed and not is_able]
    asked = f"{lines.head.min():.1f} m"
    if who:
        return Infeasible("head", f"{' and '.join(who)} must run, but cannot at a head of {asked} within its limits.")
    return Infeasible("head", f"No available pump can run at a head of {asked} within its limits.")


def _short(sets: Masks, lines: Table, can_lift: Masks) -> Infeasible:
    most = np.where(can_lift, sets @ lines.flow[:, :, -1], -np.inf)
    where = np.unravel_index(np.argmax(most - lines.station_flow), most.shape)
    asked, most_there = lines.station_flow[where[1]], most[where]
    return Infeasible(
        "capacity",
        f"The available pumps deliver at most {most_there:.0f} m³/h at {lines.head[where[1]]:.1f} m; "
        f"{asked:.0f} m³/h are asked.",
    )


def _over(sets: Masks, lines: Table, can_lift: Masks) -> Infeasible:
    least = np.where(can_lift, sets @ lines.flow[:, :, 0], np.inf)
    where = np.unravel_index(np.argmin(least - lines.station_flow), least.shape)
    asked, least_there = lines.station_flow[where[1]], least[where]
    return Infeasible(
        "least flow",
        f"The pumps that may run deliver at least {least_there:.0f} m³/h at {lines.head[where[1]]:.1f} m within "
        f"their limits; {asked:.0f} m³/h are asked.",
    )


def _between(sets: Masks, lines: Table, can_lift: Masks) -> Infeasible:
    asked = lines.station_flow
    most, least = sets @ lines.flow[:, :, -1], sets @ lines.flow[:, :, 0]
    under = np.where(can_lift & (most < asked), most / asked, 0.0)
    above = np.where(can_lift & (least > asked), least / asked, np.inf)
    place = int(np.argmin(above.min(axis=0) - under.max(axis=0)))
    return Infeasible(
        "between sets",
        f"No set of pumps delivers {asked[place]:.0f} m³/h at {lines.head[place]:.1f} m within its limits: "
        f"the nearest give up to {under[:, place].max() * asked[place]:.0f} or at least "
        f"{above[:, place].min() * asked[place]:.0f} m³/h.",
    )
