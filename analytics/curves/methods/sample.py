"""A bounded sample of duty points in which every flow is represented, for methods that need points and not sums."""

from typing import Any, Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray

from analytics.curves.methods.duty import DutyPoints
from analytics.hydraulics import Floats

Kind = Literal["Gaussian process", "support vectors", "neural network", "random forest"]  # that learn from it
KINDS: tuple[Kind, ...] = get_args(Kind)
BIN = 0.02  # of ln(Q / n): a stratum


class FlowSample:
    """At most *capacity* points, as many of each flow as there is room for, newer ones more likely.

    Points whose flow at rated speed lies in one bin of 2 % are a stratum; of each those with the highest keys stay. A
    key is a Gumbel variate plus the point's number over the memory: a sample without replacement in which weights decay
    exponentially with age (Efraimidis and Spirakis 2006). So what is rare is not crowded out by what is common.

    Args:
        capacity: Most points kept.
        memory: Readings after which one weighs 1/e of a new one; None: all weigh the same.
    """

    def __init__(self, capacity: int = 600, memory: float | None = None) -> None:
        self._capacity = capacity
        self._memory = memory
        self._rng = np.random.default_rng(0)
        self._points = DutyPoints.empty()
        self._keys: Floats = np.empty(0)
        self._seen = 0

    def arrays(self) -> dict[str, NDArray[Any]]:
        """As arrays by name."""
        return {"points": self._points.columns, "keys": self._keys, "seen": np.array(self._seen)}

    @classmethod
    def of(cls, arrays: dict[str, NDArray[Any]], capacity: int = 600, memory: float | None = None) -> Self:
        """The inverse of `arrays`, which goes on with other random numbers.

        Raises:
            ValueError: They are no such arrays.
            KeyError: One is missing.
        """
        found = cls(capacity, memory)
        found._points, found._keys = DutyPoints(*arrays["points"]), np.array(arrays["keys"], np.float64)
        found._seen = int(arrays["seen"])
        found._rng = np.random.default_rng(found._seen)
        return found

    @property
    def points(self) -> DutyPoints:
        """The points kept, oldest first."""
        return self._points

    @property
    def seen(self) -> int:
        """Points ever offered."""
        return self._seen

    def add(self, points: DutyPoints) -> None:
        """Offer *points*."""
        age = np.zeros(len(points))
        if self._memory is not None:
            age = (self._seen + np.arange(len(points))) / self._memory
        self._seen += len(points)
        self._keys = np.append(self._keys, self._rng.gumbel(size=len(points)) + age)
        self._points = DutyPoints.joined(self._points, points)
        kept = _highest(np.log(self._points.flow / self._points.speed), self._keys, self._capacity)
        self._points, self._keys = self._points.take(kept), self._keys[kept]


def _highest(log_flow: Floats, keys: Floats, capacity: int) -> np.ndarray:
    """Rows to keep, rising: the highest keys of each stratum, by the greatest quota with which all fit."""
    strata = np.floor(log_flow / BIN).astype(np.int64)
    order = np.lexsort((-keys, strata))
    begins = np.append(True, np.diff(strata[order]) != 0)
    place = np.arange(len(order))
    rank = place - np.maximum.accumulate(np.where(begins[: len(order)], place, 0))
    per_rank = np.cumsum(np.bincount(rank))
    quota = max(int(np.searchsorted(per_rank, capacity, side="right")), 1)
    chosen = order[rank < quota]
    rest = order[rank == quota][: max(capacity - len(chosen), 0)]
    return np.sort(np.append(chosen, rest)[:capacity])
