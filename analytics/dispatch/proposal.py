"""The cheapest way to serve the present demand with the learnt pumps, and what it saves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import hypot, inf
from typing import NamedTuple

from analytics.curves.model import StationModel
from analytics.dispatch.demand import HeadBand, SystemCurve
from analytics.dispatch.duty import Dispatch, Duty, Infeasible
from analytics.dispatch.fitted import fitted
from analytics.dispatch.limits import Hold, Limits
from analytics.dispatch.metaheuristics import Method
from analytics.dispatch.operation import Operation
from analytics.dispatch.pump import Candidate, Lock
from analytics.dispatch.refined import refined
from analytics.dispatch.saving import Sample, Saving, Way, compare, from_standstill
from analytics.dispatch.solve import solve
from analytics.dispatch.system import ANY, System

_FORM_ERROR = 0.01  # share of a pump's power that its curve's form may err by as soon as it leaves what was learnt
_FORM_ERROR_GROWTH = 0.2  # and more, for each share by which it leaves it

SEED = 20_250_227  # of dice, the same ones every time, so that advice does not flicker with them
_SAME_FLOW = 0.005
_NONE_FITS = (
    "No pump has learnt anything inside its limits (speed, flow_min and flow_max, preferred region); "
    "compare them with its curve."
)


class Solved(NamedTuple):
    """A dispatch, and what it serves."""

    dispatch: Dispatch
    demand: HeadBand | SystemCurve


@dataclass(frozen=True, slots=True)
class Proposal:
    """A dispatch and what it is worth."""

    dispatch: Dispatch
    saving: Saving
    beside_kw: float  # what else it costs more than the present operation: starts, uneven hours, pressure, water
    outside: tuple[str, ...] = ()  # pumps it would run as they never were
    more_flow: float = 0.0  # m³/h that it delivers beyond the present operation, as the model sees both
    method: Method | None = None  # that was held against the exact one

    @property
    def share(self) -> float:
        """Its flow, of the present one; infinite where none is delivered now."""
        present = self.dispatch.flow - self.more_flow
        return self.dispatch.flow / present if present else inf

    @property
    def is_other_flow(self) -> bool:
        """Whether a meter would show the difference."""
        return abs(self.share - 1) > _SAME_FLOW

    @property
    def net_kw(self) -> float:
        """What it saves when all is paid, kW."""
        return self.saving.mean - self.beside_kw

    @property
    def confidence(self) -> float:
        """Probability that this is more than nothing."""
        return self.saving.sure_of(self.beside_kw)

    @property
    def speeds(self) -> Mapping[str, float]:
        """Relative, of the pumps it runs."""
        return {duty.id: duty.speed for duty in self.dispatch.duties}


@dataclass(frozen=True, slots=True)
class Search:
    """Where a proposal is looked for."""

    sample: Sample
    operation: Operation
    limits: Sequence[Limits]
    holds: Mapping[str, Hold]
    method: Method | None = None  # that looks for a better way than the exact one inside what was learnt

    @property
    def model(self) -> StationModel:
        """The pumps as learnt."""
        return self.sample.model

    def best(self, reach: float, keep_set: frozenset[str] | None = None) -> Proposal | Infeasible:
        """The cheapest way, no farther beyond the learnt ranges than *reach*; with *keep_set* running and no other."""
        candidates = self.candidates(reach, keep_set)
        if (why := self.missing(candidates)) is not None:
            return Infeasible("locks", why)
        found = self.cheapest(candidates)
        if isinstance(found, Infeasible):
            return found
        if self.method is None or reach != 0.0 or keep_set is not None:
            return self._judged(found)
        exact, demand = found
        if frozenset(duty.id for duty in exact.duties) in self._apart:
            return self._judged(found)  # the demand is that set's alone: no other may be held against it
        better = refined(candidates, demand, exact, self.method, seed=SEED, apart=self._apart)
        return replace(self._judged(Solved(better, demand)), method=self.method)

    def cheapest(self, candidates: Sequence[Candidate], share: float = 1.0) -> Solved | Infeasible:
        """The cheapest of all sets, each against the system that its water meets; at a *share* of the flow."""
        demands = self.demands()
        best: Solved | None = None
        refused = Infeasible("head", "No head is known at which the pumps would deliver that.")
        for pumps, demand in demands.items():
            only = candidates if pumps == ANY else _alone(candidates, pumps)
            if only is None:
                continue
            found = solve(only, demand.scaled(share), self._apart if pumps == ANY else ())
            if isinstance(found, Infeasible):
                refused = found if pumps == ANY else refused
            elif best is None or self._beside(found, demand) < self._beside(*best):
                best = Solved(found, demand)
        return best or refused

    def _beside(self, found: Dispatch, demand: HeadBand | SystemCurve) -> float:
        """What it costs, kW, its water counted from that of now."""
        return found.cost + demand.worth_of(self.present_flow, self.operation.head)

    def missing(self, candidates: Sequence[Candidate]) -> str | None:
        """Why no way keeps the locks: a pump that must run is not among the *candidates*, or there are none."""
        planned = {each.id for each in candidates}
        for pump, hold in self.holds.items():
            if hold.lock == "must run" and pump not in planned:
                is_learnt = pump in self.model.pumps
                but = "what its curve has learnt lies outside its limits" if is_learnt else "it has no curve yet"
                return f"{hold.why}, but {but}."
        return None if planned else _NONE_FITS

    def candidates(self, reach: float, keep_set: frozenset[str] | None = None) -> list[Candidate]:
        """The pumps that may be chosen, no farther beyond the learnt ranges than *reach*."""
        candidates = []
        for limits in self.limits:
            if limits.pump not in self.model.pumps:
                continue
            pump = fitted(self.model.curve(limits.pump), limits, reach, self.operation.speeds.get(limits.pump))
            if pump is None:
                continue
            lock: Lock = self.holds[limits.pump].lock
            if keep_set is not None and lock == "free":
                lock = "must run" if limits.pump in keep_set else "must not run"
            is_running = limits.pump in self.operation.speeds
            candidates.append(Candidate(limits.pump, pump, is_running, lock, limits.start_kw, limits.running_kw))
        return candidates

    @property
    def present_flow(self) -> float:
        """As the model sees it, so that it judges both operations by the same measure; m³/h."""
        speeds = [self.operation.speeds.get(pump, 0.0) for pump in self.model.pumps]
        return float(self.model.duty(speeds, self.operation.head).flows.sum())

    def demands(self) -> dict[frozenset[str], HeadBand | SystemCurve]:
        """What is asked of the header, by sets for which it is another demand; of all others by `ANY`.

        The flow of now in the band that is allowed, where nothing is required and the head does not follow the flow.
        """
        operation, flow = self.operation, self.present_flow
        if (required := operation.required) is None:
            low = operation.head if operation.head_min is None else operation.head_min
            high = operation.head if operation.head_max is None else operation.head_max
            return {ANY: HeadBand(flow, min(low, high), high, operation.head_preferred, operation.deviation_kw)}
        asked = {
            pumps: required.demand(operation.delivered, operation.head, flow, pumps) for pumps in (ANY, *self._apart)
        }
        return {pumps: demand for pumps, demand in asked.items() if demand is not None}

    def demand(self) -> HeadBand | SystemCurve:
        """What most sets are asked for."""
        return next(iter(self.demands().values()))

    @property
    def _apart(self) -> tuple[frozenset[str], ...]:
        """Sets that meet a system of their own."""
        system = None if self.operation.required is None else self.operation.required.system
        return tuple(system.own) if isinstance(system, System) else ()

    def _judged(self, found: Solved) -> Proposal:
        dispatch, demand = found
        speeds = {duty.id: duty.speed for duty in dispatch.duties}
        compared = compare if self.operation.speeds else from_standstill
        variable = frozenset(each.pump for each in self.limits if each.is_variable and each.pump in speeds)
        flow, operation = self.present_flow, self.operation
        way = Way(speeds, dispatch.head, variable, dispatch.flow / flow if flow else 1.0)
        outside = [duty for duty in dispatch.duties if not self.model.supports(duty.id, duty.flow, duty.speed)]
        doubts = [duty.power * self._form_error(duty) for duty in outside]
        present = sum(each.running_kw for each in self.limits if each.pump in self.operation.speeds)
        present -= demand.worth_of(flow, operation.head)
        if operation.required is not None:
            share = operation.required.doubt(dispatch.head, flow, dispatch.flow, frozenset(speeds))
            doubts.append(dispatch.power * share)
        return Proposal(
            dispatch=dispatch,
            saving=compared(self.sample, operation.way, way, beyond_kw=hypot(*doubts)),
            beside_kw=dispatch.cost - dispatch.power - present,
            more_flow=dispatch.flow - flow,
            outside=tuple(duty.id for duty in outside),
        )

    def _form_error(self, duty: Duty) -> float:
        """Share of its power: the farther from what was learnt, the less the covariance of a fit can say."""
        curve = self.model.curve(duty.id)
        ranges = ((duty.speed, *curve.speed_range), (duty.flow / duty.speed, *curve.flow_range))
        excess = max(max(low - value, value - high, 0.0) / high for value, low, high in ranges)
        return _FORM_ERROR + _FORM_ERROR_GROWTH * excess


def _alone(candidates: Sequence[Candidate], pumps: frozenset[str]) -> list[Candidate] | None:
    """The *candidates* with only *pumps* to run and all of them; None where locks forbid it or one is none."""
    locks: dict[bool, Lock] = {True: "must run", False: "must not run"}
    forbidden: dict[bool, Lock] = {True: "must not run", False: "must run"}
    if not pumps <= {each.id for each in candidates}:
        return None
    if any(each.lock == forbidden[each.id in pumps] for each in candidates):
        return None
    return [replace(each, lock=locks[each.id in pumps]) for each in candidates]
