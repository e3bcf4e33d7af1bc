"""The schedule: relaxed cost to go, forward search under it, polish, exact settling, and a replay that proves it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from analytics.dispatch.lines import Line
from analytics.schedule.atlas import FEW, Atlas, atlas, capped
from analytics.schedule.choice import sets_of
from analytics.schedule.corridor import narrowed
from analytics.schedule.inlet import lines_of
from analytics.schedule.plan import NoPlan, Plan
from analytics.schedule.polish import polished
from analytics.schedule.problem import Problem
from analytics.schedule.refusal import lifted, refusal, unreachable
from analytics.schedule.relaxed import Ahead, Keeping, ahead
from analytics.schedule.replay import replay, steps_of
from analytics.schedule.search import Draft, Effort, drafts
from analytics.schedule.settle import settled
from analytics.schedule.shift import shifted

VIOLATION = 1e-6  # share of a limit: the most that counts as kept
_NEAR = 1e-3  # share of the storage: a draft that misses a limit by more is not worth settling
_USUAL = (Effort(width=150, bins=1000, drafts=4), Effort(width=150, bins=1000, drafts=4, is_eager=True))
_LONG = (Effort(width=75, bins=1000, drafts=4), Effort(width=75, bins=1000, drafts=4, is_eager=True))
_SMALL = (Effort(width=300, bins=5000, drafts=4), Effort(width=300, bins=5000, drafts=4, is_eager=True))  # few sets
_MANY = 48  # steps: of more it is _LONG
_RIGID = (Effort(width=400, bins=1000, drafts=8), Effort(width=250, bins=20_000, drafts=8))  # all at fixed speed
_WIDER = (Effort(width=1000, bins=60, drafts=15),)  # where that found none
_EASY = (Effort(width=100, bins=60, drafts=5),)  # to see whether there is any plan
_DRAFTED, _MOST_DRAFTS = 48_000, 40  # drafts of an effort, times steps squared: the shorter, the more
_SHIFTS, _SHIFTED = 4, 12  # drafts whose switches are moved, and ways that are tried of each
_NARROWED = 3  # drafts whose flows are looked at once more, the best
_CAPS = 9  # powers that are asked for their promise where peaks cost money
_LEAST_CAP = 0.1  # of the peak, the least of them
_TRIES, _FEW_TRIES = 9, 3  # caps that are looked at more closely; the same where steps are many
_NEXT = 0.004  # share of the peak by which caps are apart at least


def plan(problem: Problem) -> Plan | NoPlan:
    """The cheapest schedule found for *problem* that keeps every limit, or why there is none.

    The cost to go of the problem without timers guides a search that keeps them. Its best drafts get better flows
    with their sets kept, and the best of all has its switches moved as long as that helps; then they get exact
    windows, flows and splits, and are replayed from the pumps' formulas; the cheapest that keeps every limit there is
    the plan.
    """
    station = _Station.of(problem)
    if (reached := unreachable(problem, station.atlas)) is not None:
        return _by_pressure(problem, reached)
    best = station.cheapest(station.usual) or station.cheapest(_WIDER)
    if best is None:
        return refusal(problem, lambda other: _Station.of(other).cheapest(_EASY) is not None)
    return station.shaved(best) if problem.peak_price > 0 else best


def _by_pressure(problem: Problem, reached: NoPlan) -> NoPlan:
    """The same, unless the levels could be kept at other pressures."""
    for constraint, why, other in lifted(problem):
        if unreachable(other, _Station.of(other).atlas) is None:
            return NoPlan(constraint, why, reached.step)
    return reached


@dataclass(frozen=True, eq=False)
class _Station:
    """A problem and its tables."""

    problem: Problem
    lines: tuple[Line, ...]
    atlas: Atlas

    @classmethod
    def of(cls, problem: Problem) -> "_Station":
        lines = lines_of(problem)
        return cls(problem, lines, atlas(problem, lines, sets_of(problem, lines)))

    @property
    def usual(self) -> tuple[Effort, ...]:
        """How much is searched at first."""
        count = min(_DRAFTED // self.problem.steps**2, _MOST_DRAFTS)
        if self.atlas.is_rigid.all():
            efforts = _RIGID
        elif len(self.atlas.sets) <= FEW:
            efforts = _SMALL
        else:
            efforts = _USUAL if self.problem.steps <= _MANY else _LONG
        return tuple(replace(effort, drafts=max(effort.drafts, count)) for effort in efforts)

    def cheapest(self, efforts: Sequence[Effort]) -> Plan | None:
        """The best plan of the drafts found with *efforts*; None where none keeps every limit."""
        found = [one for effort in efforts for one in drafts(self.problem, self.atlas, self.ahead, effort)]
        found.sort(key=lambda draft: -draft.cost)
        distinct = {draft.sets.tobytes(): draft for draft in found}  # of the same sets the cheapest
        better = self._shifted(polished(self.problem, self.atlas, list(distinct.values())))
        better.sort(key=lambda draft: draft.cost)
        better[:_NARROWED] = [narrowed(self.problem, self.atlas, draft) for draft in better[:_NARROWED]]
        best: Plan | None = None
        keeping = Keeping.of(self.problem, self.atlas)
        for draft in sorted(better, key=lambda one: one.cost):
            if best is not None and draft.cost > best.cost:
                break
            if keeping.miss(draft.volumes[1:]) > _NEAR * float(self.atlas.volumes[-1] - self.atlas.volumes[0]):
                continue
            made = self._made(draft)
            if made is not None and (best is None or made.cost < best.cost):
                best = made
        return best

    def _shifted(self, drafts: Sequence[Draft]) -> list[Draft]:
        """*drafts*, and what becomes of the cheapest where switches are moved; the cheapest found is moved in turn."""
        known = {draft.sets.tobytes(): draft for draft in drafts}
        done: set[bytes] = set()
        while len(done) < min(_SHIFTS, len(known)):
            best = min((key for key in known if key not in done), key=lambda key: known[key].cost)
            done.add(best)
            near = shifted(self.problem, self.atlas, known[best], _SHIFTED)
            tried = [draft for draft in near if draft.sets.tobytes() not in known]
            known |= {draft.sets.tobytes(): draft for draft in polished(self.problem, self.atlas, tried)}
        return list(known.values())

    @cached_property
    def ahead(self) -> Ahead:
        """Its cost to go without timers."""
        return ahead(self.problem, self.atlas)

    @cached_property
    def relaxed(self) -> float:
        """Cost of the present problem without timers, money."""
        now = np.array([unit.is_on for unit in self.problem.units])
        chosen = np.flatnonzero((self.atlas.sets == now).all(axis=1))[:1]
        volume = self.problem.storage.volume(np.array([self.problem.level]))
        return float(self.atlas.between(self.ahead.to_go[0], chosen, volume)[0])

    def _made(self, draft: Draft) -> Plan | None:
        for is_wary in (False, True):
            duties = settled(self.problem, self.lines, self.atlas, draft, is_wary=is_wary)
            found = replay(self.problem, duties)
            if found.violation <= VIOLATION:
                steps = steps_of(self.problem, duties, found.levels)
                return Plan(steps, found.cost, found.energy, found.starts, self.relaxed, found.violation, found.weighed)
        return None

    def shaved(self, best: Plan) -> Plan:
        """*best*, or what is cheaper as its peak is lower: by caps of power, that first which promises most.

        A cap promises what it does to the relaxed cost. One that no plan is found for ends those below it. Between the
        peak of the best and the next cap below it there is another one to look at.
        """
        problem, top = self.problem, float(best.powers.max())
        floor, failed = max(problem.peak, _LEAST_CAP * top), -np.inf
        beside = best.cost - _charge(problem, top) - self.relaxed
        looked = np.linspace(floor, top, _CAPS, endpoint=False).tolist() if floor < top else []
        promised: dict[float, float] = {}
        waiting: dict[float, _Station] = {}
        for tries in range(_TRIES if problem.steps <= _MANY else _FEW_TRIES, 0, -1):
            for cap in looked:
                waiting[cap] = self.under(cap)
                promised[cap] = beside + _charge(problem, cap) + waiting[cap].relaxed
            hopeful = [cap for cap in waiting if cap > failed and promised[cap] < best.cost]
            hopeful.sort(key=promised.__getitem__)
            waiting = {cap: waiting[cap] for cap in hopeful[:tries]}
            if waiting:
                cap = hopeful[0]
                found = waiting.pop(cap).cheapest(self.usual)
                failed = cap if found is None else failed
                best = best if found is None or found.cost >= best.cost else found
            peak = float(best.powers.max())
            below = max((cap for cap in promised if cap < (1 - _NEXT) * peak), default=peak)
            looked = [(below + peak) / 2] if peak - below > _NEXT * top else []
            if not looked and not hopeful:
                break
        return best

    def under(self, cap: float) -> "_Station":
        """The same with no more power than *cap* kW."""
        return replace(self, atlas=capped(self.atlas, cap))


def _charge(problem: Problem, peak: float) -> float:
    """Money for a *peak*, kW."""
    return problem.peak_price * max(0.0, peak - problem.peak)
