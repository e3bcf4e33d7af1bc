"""Why nobody can serve a demand, in a sentence that names the limits that bind."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.dispatch.duty import Constraint, Infeasible, limits_at
from analytics.dispatch.lines import Table
from analytics.dispatch.pump import Array, Candidate
from analytics.dispatch.sets import Masks
from analytics.dispatch.survey import Survey

_LEAST, _MOST = 0, -1  # ends of a line


def refusal(candidates: Sequence[Candidate], sets: Masks, lines: Table, look: Survey) -> Infeasible:
    """The limits that the least infeasible sets break.

    Args:
        candidates: The pumps, n of them.
        sets: The sets, shape (s, n).
        lines: What each pump can do, at k places.
        look: The survey of the sets, none of them feasible.
    """
    asked = _Asked(candidates, sets, lines, look.slack >= 0)
    if not asked.can_lift.any():
        return asked.no_head()
    if np.where(asked.can_lift, look.high_room, -np.inf).max() < 0:
        return asked.short()
    if np.where(asked.can_lift, look.low_room, -np.inf).max() < 0:
        return asked.over()
    return asked.between()


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """What is asked of whom."""

    candidates: Sequence[Candidate]
    sets: Masks
    lines: Table
    can_lift: Masks  # (s, k)

    def no_head(self) -> Infeasible:
        able = self.lines.slack.max(axis=1) >= 0
        needed = np.array([each.lock == "must run" for each in self.candidates])
        allowed = np.asarray(self.sets.any(axis=0))
        asked = f"{self.lines.head.min():.1f} m"
        who = np.flatnonzero(needed & ~able)
        if len(who):
            names = " and ".join(self.candidates[one].id for one in who.tolist())
            why = self._held(who, None, _LEAST)
            return Infeasible("head", f"{names} must run, but cannot at a head of {asked} within its limits{why}.")
        why = self._held(np.flatnonzero(allowed), None, _LEAST)
        return Infeasible("head", f"No available pump can run at a head of {asked} within its limits{why}.")

    def short(self) -> Infeasible:
        most = np.where(self.can_lift, self.sets @ self.lines.flow[:, :, _MOST], -np.inf)
        return self._missed("capacity", "The available pumps deliver at most {:.0f} m³/h", most, _MOST)

    def over(self) -> Infeasible:
        least = np.where(self.can_lift, self.sets @ self.lines.flow[:, :, _LEAST], np.inf)
        return self._missed("least flow", "The pumps that may run deliver at least {:.0f} m³/h", least, _LEAST)

    def _missed(self, constraint: Constraint, words: str, flows: Array, end: int) -> Infeasible:
        """By how little the set that comes nearest misses the flow, and what holds its pumps there."""
        best, place = np.unravel_index(np.abs(flows - self.lines.station_flow).argmin(), flows.shape)
        asked, head = self.lines.station_flow[place], self.lines.head[place]
        why = self._held(np.flatnonzero(self.sets[best]), int(place), end)
        said = words.format(flows[best, place])
        return Infeasible(constraint, f"{said} at {head:.1f} m within their limits{why}; {asked:.0f} m³/h are asked.")

    def between(self) -> Infeasible:
        asked = self.lines.station_flow
        most, least = self.sets @ self.lines.flow[:, :, _MOST], self.sets @ self.lines.flow[:, :, _LEAST]
        under = np.where(self.can_lift & (most < asked), most / asked, 0.0)
        above = np.where(self.can_lift & (least > asked), least / asked, np.inf)
        place = int(np.argmin(above.min(axis=0) - under.max(axis=0)))
        less, more = under[:, place].max() * asked[place], above[:, place].min() * asked[place]
        nearest = [f"up to {less:.0f}"] * bool(less) + [f"at least {more:.0f}"] * bool(np.isfinite(more))
        why = f"the nearest give {' or '.join(nearest)} m³/h" if nearest else "they forbid it within a pump's range"
        said = f"No set of pumps delivers {asked[place]:.0f} m³/h at {self.lines.head[place]:.1f} m within its limits"
        return Infeasible("between sets", f"{said}: {why}.")

    def _held(self, pumps: NDArray[np.intp], place: int | None, end: int) -> str:
        """What holds each of *pumps* at an end of its line; at the place that suits it best where none is given."""
        parts = []
        for one in pumps.tolist():
            at = int(self.lines.slack[one].argmax()) if place is None else place
            phi, flow = float(self.lines.phi[one, at, end]), float(self.lines.flow[one, at, end])
            physics, station_flow = self.candidates[one].physics, float(self.lines.station_flow[at])
            held = limits_at(physics, phi, flow / phi, station_flow, has_drive=True)
            if physics.speed_min == physics.speed_max:  # both ends of its speed at once say nothing
                held = ("fixed speed", *(limit for limit in held if "speed" not in limit))
            parts += [f"{self.candidates[one].id}: {', '.join(held)}"] if held else []
        return f" ({'; '.join(parts)})" if parts else ""
