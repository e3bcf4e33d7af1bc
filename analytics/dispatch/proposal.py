"""The cheapest way to serve the present demand with the learnt pumps, and what it saves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import hypot

import numpy as np

from analytics.curves.model import StationModel
from analytics.dispatch.demand import HeadBand
from analytics.dispatch.duty import Dispatch, Duty, Infeasible
from analytics.dispatch.fitted import fitted
from analytics.dispatch.limits import Hold, Limits
from analytics.dispatch.operation import Operation
from analytics.dispatch.pump import Candidate, Lock
from analytics.dispatch.saving import Sample, Saving, Way, compare
from analytics.dispatch.solve import solve

_FORM_ERROR = 0.01  # share of a pump's power that its curve's form may err by as soon as it leaves what was learnt
_FORM_ERROR_GROWTH = 0.2  # and more, for each share by which it leaves it


@dataclass(frozen=True, slots=True)
class Proposal:
    """A dispatch and what it is worth."""

    dispatch: Dispatch
    saving: Saving
    beside_kw: float  # what else it costs more than the present operation: starts, uneven hours, pressure
    outside: tuple[str, ...] = ()  # pumps it would run as they never were

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

    def demand(self) -> HeadBand:
        """The flow that the model sees now, so that it judges both operations by the same measure."""
        operation = self.operation
        duty = self.model.duty([operation.speeds.get(pump, 0.0) for pump in self.model.pumps], operation.head)
        low = operation.head if operation.head_min is None else operation.head_min
        high = operation.head if operation.head_max is None else operation.head_max
        flow = float(duty.flows.sum())
        return HeadBand(flow, min(low, high), high, operation.head_preferred, operation.deviation_kw)

    def _judged(self, dispatch: Dispatch) -> Proposal:
        speeds = {duty.id: duty.speed for duty in dispatch.duties}
        variable = frozenset(each.pump for each in self.limits if each.is_variable and each.pump in speeds)
        way = Way(speeds, dispatch.head, variable)
        outside = [duty for duty in dispatch.duties if not self.model.supports(duty.id, duty.flow, duty.speed)]
        doubts = [duty.power * self._form_error(duty) for duty in outside]
        present = sum(each.running_kw for each in self.limits if each.pump in self.operation.speeds)
        present -= float(self.demand().worth(np.array(self.operation.head)))
        return Proposal(
            dispatch=dispatch,
            saving=compare(self.sample, self.operation.way, way, beyond_kw=hypot(*doubts)),
            beside_kw=dispatch.cost - dispatch.power - present,
            outside=tuple(duty.id for duty in outside),
        )

    def _form_error(self, duty: Duty) -> float:
        """Share of its power: the farther from what was learnt, the less the covariance of a fit can say."""
        curve = self.model.curve(duty.id)
        ranges = ((duty.speed, *curve.speed_range), (duty.flow / duty.speed, *curve.flow_range))
        excess = max(max(low - value, value - high, 0.0) / high for value, low, high in ranges)
        return _FORM_ERROR + _FORM_ERROR_GROWTH * excess
