"""The cheapest way to serve the present demand with the learnt pumps, and what it saves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import hypot

from analytics.curves.model import StationModel
from analytics.dispatch.demand import HeadBand, SystemCurve
from analytics.dispatch.duty import Dispatch, Duty, Infeasible
from analytics.dispatch.fitted import fitted
from analytics.dispatch.limits import Hold, Limits
from analytics.dispatch.operation import Operation
from analytics.dispatch.pump import Candidate, Lock
from analytics.dispatch.saving import Sample, Saving, Way, compare
from analytics.dispatch.solve import solve

_FORM_ERROR = 0.01  # share of a pump's power that its curve's form may err by as soon as it leaves what was learnt
_FORM_ERROR_GROWTH = 0.2  # and more, for each share by which it leaves it

_SAME_FLOW = 0.005


@dataclass(frozen=True, slots=True)
class Proposal:
    """A dispatch and what it is worth."""

    dispatch: Dispatch
    saving: Saving
    beside_kw: float  # what else it costs more than the present operation: starts, uneven hours, pressure, water
    outside: tuple[str, ...] = ()  # pumps it would run as they never were
    more_flow: float = 0.0  # m³/h that it delivers beyond the present operation, as the model sees both

    @property
    def share(self) -> float:
        """Its flow, of the present one."""
        return self.dispatch.flow / (self.dispatch.flow - self.more_flow)

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

    @property
    def model(self) -> StationModel:
        """The pumps as learnt."""
        return self.sample.model

    def best(self, reach: float, keep_set: frozenset[str] | None = None) -> Proposal | Infeasible:
        """The cheapest way, no farther beyond the learnt ranges than *reach*; with *keep_set* running and no other."""
        candidates = self.candidates(reach, keep_set)
        if (why := self.missing(candidates)) is not None:
            return Infeasible("locks", why)
        found = solve(candidates, self.demand())
        return found if isinstance(found, Infeasible) else self._judged(found)

    def missing(self, candidates: Sequence[Candidate]) -> str | None:
        """Why no way keeps the locks: a pump that must run is not among the *candidates*."""
        planned = {each.id for each in candidates}
        for pump, hold in self.holds.items():
            if hold.lock == "must run" and pump not in planned:
                is_learnt = pump in self.model.pumps
                but = "what its curve has learnt lies outside its limits" if is_learnt else "it has no curve yet"
                return f"{hold.why}, but {but}."
        return None

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

    def demand(self) -> HeadBand | SystemCurve:
        """What is required of the header; the flow of now in the band that is allowed, where nothing is."""
        operation, flow = self.operation, self.present_flow
        if operation.required is not None:
            return operation.required.demand(operation.flow, operation.head, flow)
        low = operation.head if operation.head_min is None else operation.head_min
        high = operation.head if operation.head_max is None else operation.head_max
        return HeadBand(flow, min(low, high), high, operation.head_preferred, operation.deviation_kw)

    def _judged(self, dispatch: Dispatch) -> Proposal:
        speeds = {duty.id: duty.speed for duty in dispatch.duties}
        variable = frozenset(each.pump for each in self.limits if each.is_variable and each.pump in speeds)
        flow, operation = self.present_flow, self.operation
        way = Way(speeds, dispatch.head, variable, dispatch.flow / flow)
        outside = [duty for duty in dispatch.duties if not self.model.supports(duty.id, duty.flow, duty.speed)]
        doubts = [duty.power * self._form_error(duty) for duty in outside]
        present = sum(each.running_kw for each in self.limits if each.pump in self.operation.speeds)
        present -= self.demand().worth_of(flow, operation.head)
        if operation.required is not None:
            doubts.append(dispatch.power * operation.required.head_std(dispatch.head, flow, dispatch.flow))
        return Proposal(
            dispatch=dispatch,
            saving=compare(self.sample, self.operation.way, way, beyond_kw=hypot(*doubts)),
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
