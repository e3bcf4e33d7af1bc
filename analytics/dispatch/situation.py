"""Everything the advice for one header rests on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analytics.curves.model import StationModel
from analytics.dispatch.limits import History, Hold, Limits, hold
from analytics.dispatch.metaheuristics import Method
from analytics.dispatch.operation import Operation


@dataclass(frozen=True, slots=True)
class Caution:
    """How careful the advice is."""

    confidence: float = 0.9  # least probability of a saving
    least_saving: float = 0.01  # share of the present power


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything the advice for one header rests on."""

    operation: Operation
    model: StationModel | None
    limits: Sequence[Limits]  # of all its pumps
    histories: Mapping[str, History]
    now_ms: int
    caution: Caution = Caution()
    advised: frozenset[str] | None = None  # pumps of a change that was advised and still holds
    alarm: str | None = None  # what stands against judging the header at all
    unpaid: str | None = None  # why using less energy is worth nothing now
    method: Method | None = None  # that looks for a better way than the exact one

    @property
    def holds(self) -> dict[str, Hold]:
        """What may not be changed now, by pump."""
        return {each.pump: hold(each, self.histories[each.pump], self.now_ms) for each in self.limits}

    def limits_of(self, pump: str) -> Limits:
        """Of one pump."""
        return next(each for each in self.limits if each.pump == pump)
