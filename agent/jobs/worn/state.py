"""What the wear job leaves for itself: references that never forget, what each day lost, and the last day's points."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from agent.availability import Availability, doubt_of, together
from agent.jobs.archive import packed, unpacked
from agent.window import Frame
from analytics.curves.estimator import StationCurves
from analytics.curves.points import Points
from analytics.curves.prior import Plate
from analytics.wear.losses import Belief
from analytics.wear.reference import Reference

FORMAT = 1
BASE_DAYS = 3  # after a reference was taken, whose mean later days are held against besides
MOST_DAYS = 800  # that are kept of each pump
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
MOST_ABSENT, LONGEST_ABSENT_MS = 64, 366 * 86_400_000  # pumps that are not configured, and how long they are kept


@dataclass(slots=True)
class DayLoss:
    """What a pump had lost on one day, as shares of its reference."""

    begin_ms: int  # the station's midnight
    head: float
    head_std: float
    efficiency: float | None
    efficiency_std: float | None
    points: int


@dataclass(slots=True)
class Life:
    """A pump from one overhaul to the next."""

    begin_ms: int  # 0: from before the agent knew it
    note: str | None = None
    user: str | None = None
    reference: Reference | None = None
    source: str | None = None  # learnt or catalogue
    sheet: str = ""  # digest of the data sheet that the reference was taken from
    taken_ms: int = 0  # when the reference was
    days: list[DayLoss] = field(default_factory=list)
    kind: str | None = None  # what explained its losses when it last ran


@dataclass(slots=True)
class PumpState:
    """A pump's lives, the present one last, and its energy of the last day."""

    lives: list[Life] = field(default_factory=lambda: [Life(0)])
    energy: dict[int, tuple[float, float]] = field(default_factory=dict)  # kWh and money, by the hour's beginning, ms
    present_ms: int = 0  # when it was last found configured

    @property
    def life(self) -> Life:
        """The present one."""
        return self.lives[-1]


@dataclass(slots=True)
class HeaderState:
    """What is known of the pumps of one header, in their order."""

    pumps: list[str]
    mean: list[float] = field(default_factory=list)  # of `Belief`; empty: nothing yet
    covariance: list[list[float]] = field(default_factory=list)
    closed_ms: int = 0  # up to here days are closed
    tried_ms: int = 0  # when a reference was last looked for
    since: dict[str, int] = field(default_factory=dict)  # first steady point of each pump that has no reference, ms
    steady: dict[str, int] = field(default_factory=dict)  # its steady points since then
    base: tuple[list[float], list[list[float]], int] | None = None  # sums of the first days' beliefs, and how many

    def begin_anew(self, pump: str) -> None:
        """Forget what was seen of *pump* before it has a reference."""
        self.since.pop(pump, None)
        self.steady.pop(pump, None)

    @property
    def first_days(self) -> Belief | None:
        """Mean of the first days against the present references; None while there are too few."""
        if self.base is None or self.base[2] < BASE_DAYS:
            return None
        mean, covariance, days = self.base
        return Belief(np.array(mean) / days, np.array(covariance) / days**2)

    def count_first(self, belief: Belief) -> None:
        """Add a day to the first ones, while they are too few."""
        mean, covariance, days = self.base or ([0.0] * len(belief.mean), np.zeros_like(belief.covariance).tolist(), 0)
        if days < BASE_DAYS and belief.is_finite:
            total = np.array(covariance) + belief.covariance
            self.base = ((np.array(mean) + belief.mean).tolist(), total.tolist(), days + 1)

    @property
    def belief(self) -> Belief:
        """As arrays; the first one where none is kept that says something."""
        kept = Belief(np.array(self.mean), np.array(self.covariance))
        return kept if self.mean and kept.is_finite else Belief.first(len(self.pumps))

    def believe(self, belief: Belief) -> None:
        """Keep it, if it says something."""
        if belief.is_finite:
            self.mean, self.covariance = belief.mean.tolist(), belief.covariance.tolist()


@dataclass(slots=True)
class WearState:
    """State of the wear job.

    As bytes an archive: its meta data are `state`, the fields below, and `learning`, how far each header has come; its
    arrays `recent.<header>.<name>` and `learning.<header>.<name>`, one for each field of `Points`.
    """

    format: int = FORMAT
    seen_ms: int = 0  # everything before is taken in
    pumps: dict[str, PumpState] = field(default_factory=dict)
    headers: dict[str, HeaderState] = field(default_factory=dict)
    absent: dict[str, PumpState] = field(default_factory=dict)  # no longer configured; they may come back
    looked: dict[int, list[Availability]] = field(default_factory=dict)  # at in the last day, by the hour's beginning

    def look(self, cells: Frame, between: tuple[int, int]) -> None:
        """Note what stands behind the cells *between* two instants, and forget what is older than a day."""
        hours = cells.times_ms // HOUR_MS * HOUR_MS
        new = (cells.times_ms >= between[0]) & (cells.times_ms < between[1])
        for hour_ms in np.unique(hours[new]).tolist():
            places = np.flatnonzero(new & (hours == hour_ms))
            part = cells.part(slice(int(places[0]), int(places[-1]) + 1))
            self.looked[hour_ms] = list(together([*self.looked.get(hour_ms, ()), *map(part.availability, part.values)]))
        self.looked = {ms: seen for ms, seen in self.looked.items() if between[1] - DAY_MS < ms < between[1]}

    def doubt(self, tags: Collection[str]) -> str | None:
        """Which of *tags* were hardly measured in the last day."""
        return doubt_of(together(one for seen in self.looked.values() for one in seen if one.tag in tags))


@dataclass(slots=True)
class Kept:
    """The state with its points, by header."""

    state: WearState
    recent: dict[str, Points]  # of the last day, thinned
    learning: dict[str, StationCurves]  # where a pump has no reference yet

    def forget_ahead(self, seen_ms: int, closed_ms: int) -> None:
        """Be as if no more than what was before *seen_ms* had been taken in, and days closed up to *closed_ms*."""
        self.state.seen_ms = seen_ms
        self.state.looked = {ms: seen for ms, seen in self.state.looked.items() if ms < seen_ms}
        for header, state in self.state.headers.items():
            state.closed_ms, state.tried_ms = min(state.closed_ms, closed_ms), min(state.tried_ms, seen_ms)
            state.since = {pump: ms for pump, ms in state.since.items() if ms < seen_ms}
            state.steady = {pump: count for pump, count in state.steady.items() if pump in state.since}
            self.recent[header] = self.recent[header].take(self.recent[header].times_ms < seen_ms)
        for pump in self.state.pumps.values():
            pump.energy = {ms: used for ms, used in pump.energy.items() if ms < seen_ms}
            for life in pump.lives:
                life.days = [day for day in life.days if day.begin_ms < closed_ms]

    def encode(self) -> bytes:
        """As bytes."""
        learnt = {header: curves.to_dict() for header, curves in self.learning.items()}
        places = {header: {name: said[name] for name in ("seen", "quota", "capacity", "first_ms", "last_ms")}
                  for header, said in learnt.items()}  # fmt: skip
        arrays = {f"learning.{header}.{name}": values for header, said in learnt.items()
                  for name, values in said["points"].items()}  # fmt: skip
        for header, points in self.recent.items():
            arrays |= {f"recent.{header}.{name}": getattr(points, name) for name in Points.__dataclass_fields__}
        return packed({"learning": places, "state": _STATES.dump_python(self.state, mode="json")}, arrays)


_STATES = TypeAdapter(WearState)


def restored(state: bytes | None, pumps: Mapping[str, list[str]]) -> Kept:
    """What an earlier run left, for the *pumps* of each header as they are configured now.

    A pump keeps its reference and its days whatever becomes of its neighbours, and where it comes back; a header whose
    pumps have changed begins its points anew. Where nothing can be read, everything does.
    """
    kept = _decoded(state) or Kept(WearState(), {}, {})
    heads = kept.state.headers
    _attend(kept.state, [pump for own in pumps.values() for pump in own])
    for header, own in pumps.items():
        if header not in heads or heads[header].pumps != own:
            heads[header] = HeaderState(own)
            kept.recent[header] = Points.empty(len(own))
            kept.learning.pop(header, None)
    kept.state.headers = {header: heads[header] for header in pumps}
    kept.recent = {header: kept.recent[header] for header in pumps}
    kept.learning = {header: curves for header, curves in kept.learning.items() if header in pumps}
    return kept


def _attend(state: WearState, configured: list[str]) -> None:
    """Take back the pumps that have come, and put aside those that have gone."""
    for pump in state.pumps.values():
        pump.present_ms = state.seen_ms
    known = state.absent | state.pumps
    state.pumps = {pump: known.pop(pump, PumpState()) for pump in configured}
    young = [one for one in known.items() if one[1].present_ms > state.seen_ms - LONGEST_ABSENT_MS]
    state.absent = dict(sorted(young, key=lambda one: one[1].present_ms)[-MOST_ABSENT:])


def _decoded(state: bytes | None) -> Kept | None:
    found = unpacked(state)
    if found is None:
        return None
    meta, arrays = found
    try:
        kept = _STATES.validate_python(meta["state"])
        if kept.format != FORMAT:
            return None
        recent = {header: _points(arrays, f"recent.{header}") for header in kept.headers}
        learning = {}
        for header, said in meta["learning"].items():
            own = kept.headers[header].pumps
            whole = {**said, "pumps": own, "points": vars_of(_points(arrays, f"learning.{header}"))}
            learning[header] = StationCurves.from_dict(whole, [Plate(pump) for pump in own])
    except (ValueError, KeyError, ValidationError):
        return None
    return Kept(kept, recent, learning)


def vars_of(points: Points) -> dict[str, Any]:
    """Its arrays by name."""
    return {name: getattr(points, name) for name in Points.__dataclass_fields__}


def _points(arrays: Mapping[str, Any], prefix: str) -> Points:
    return Points(**{name: arrays[f"{prefix}.{name}"] for name in Points.__dataclass_fields__})
