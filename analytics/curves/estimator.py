"""Curves that learn: steady points in, the station's model out; bounded memory, any order of arrival."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from analytics.curves.learning import learnt
from analytics.curves.model import StationModel
from analytics.curves.points import Points
from analytics.curves.prior import Plate
from analytics.curves.reservoir import MOST_PER_KIND, thinned

CAPACITY, FEW_PUMPS = 1_500, 3  # points kept of so many pumps
MORE, MOST = 1_500, 6_000  # for each pump more; at most, since a fit costs points times pumps squared
LEAST_POINTS = 12  # of a pump running, before it has a curve: three minutes of means of 15 s


class StationCurves:
    """The estimator of a `StationModel` for the pumps of one header.

    `update` keeps a bounded, stratified part of the points (see `reservoir.thinned`), so its state depends on which
    points were seen and not on their order or portions. `fit` is a batch fit of what is kept; it changes nothing.

    Args:
        plates: The pumps, in the order of the points' columns.
        capacity: Points kept; by the number of pumps where it is not said.

    >>> curves = StationCurves([Plate("p1")])
    >>> n = 60
    >>> phi = np.linspace(80.0, 120.0, n)[:, None]
    >>> speed = np.linspace(0.8, 1.0, n)[::-1, None]
    >>> head = (speed**2 * (50.0 - 0.002 * phi**2))[:, 0]
    >>> power = speed**3 * (8.0 + 0.1 * phi)
    >>> times, runs = 15_000 * np.arange(n), np.ones((n, 1), bool)
    >>> curves.update(Points(times, runs, speed, head, (speed * phi)[:, 0], power, np.full((n, 1), np.nan)))
    >>> model = curves.fit()
    >>> round(float(model.curves[0].head(90.0, 0.9)), 1)
    24.3
    """

    def __init__(self, plates: Sequence[Plate], *, capacity: int | None = None) -> None:
        self._plates = tuple(plates)
        self._capacity = capacity or min(CAPACITY + MORE * max(len(self._plates) - FEW_PUMPS, 0), MOST)
        self._points = Points.empty(len(self._plates))
        self._quota = MOST_PER_KIND
        self._seen = 0
        self._times: tuple[int, int] | None = None

    @property
    def points(self) -> Points:
        """The points kept, oldest first."""
        return self._points

    @property
    def pumps(self) -> tuple[str, ...]:
        """Ids, in the order of the points' columns."""
        return tuple(plate.pump for plate in self._plates)

    @property
    def seen(self) -> int:
        """Usable points ever offered."""
        return self._seen

    def update(self, points: Points) -> None:
        """Learn from steady *points*; rows that cannot teach anything are passed over."""
        believable = points.believable
        useful = believable.take(believable.usable)
        if len(useful) == 0:
            return
        self._seen += len(useful)
        first, last = int(useful.times_ms.min()), int(useful.times_ms.max())
        before = self._times or (first, last)
        self._times = (min(first, before[0]), max(last, before[1]))
        self._points, self._quota = thinned(Points.joined([self._points, useful]), self._capacity, self._quota)

    def anew(self) -> Self:
        """For the same pumps, without anything learnt."""
        return type(self)(self._plates, capacity=self._capacity)

    def forget_after(self, now_ms: int) -> None:
        """Drop points of a time that has not come yet: a clock was wrong, and beside them all others would look old."""
        if self._times is not None and self._times[1] > now_ms:
            self._points = self._points.take(self._points.times_ms <= now_ms)
            self._times = (min(self._times[0], now_ms), now_ms)

    def fit(self) -> StationModel | None:
        """The model of the pumps that have run long enough; None before there is one."""
        counts = self._points.running.sum(axis=0)
        known = np.flatnonzero(counts >= LEAST_POINTS)
        if len(known) == 0 or self._times is None:
            return None
        points = _restricted(self._points, known)
        plates = [self._plates[index] for index in known]
        return learnt(points, plates, seen=self._seen, first_ms=self._times[0], last_ms=self._times[1])

    def to_dict(self) -> dict[str, Any]:
        """The state: arrays and scalars."""
        first, last = self._times or (0, 0)
        points = self._points
        return {
            "pumps": [plate.pump for plate in self._plates],
            "seen": self._seen,
            "quota": self._quota,
            "capacity": self._capacity,
            "first_ms": first,
            "last_ms": last,
            "points": {name: getattr(points, name) for name in Points.__dataclass_fields__},
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], plates: Sequence[Plate], *, capacity: int | None = None) -> Self:
        """The inverse of `to_dict`.

        Raises:
            ValueError: The state is of other pumps.
        """
        if list(data["pumps"]) != [plate.pump for plate in plates]:
            raise ValueError(f"the state is of pumps {list(data['pumps'])}; begin anew")
        estimator = cls(plates, capacity=capacity)
        estimator._restore(data)
        return estimator

    def _restore(self, data: Mapping[str, Any]) -> None:
        points = Points(**data["points"]).believable  # an earlier version may have kept others
        self._points = points.take(points.usable)
        if int(data.get("capacity", CAPACITY)) >= self._capacity:  # an earlier version kept fewer of six pumps
            self._quota = int(data["quota"])
        self._seen = int(data["seen"])
        self._times = (int(data["first_ms"]), int(data["last_ms"])) if self._seen else None


def _restricted(points: Points, pumps: NDArray[np.int64]) -> Points:
    """Only the columns of *pumps*; a total that other pumps had a part in says nothing of these."""
    others = np.delete(points.running, pumps, axis=1).any(axis=1)
    restricted = Points(
        times_ms=points.times_ms,
        running=points.running[:, pumps],
        speeds=points.speeds[:, pumps],
        head=points.head,
        flow=np.where(others, np.nan, points.flow),
        powers=points.powers[:, pumps],
        pump_flows=points.pump_flows[:, pumps],
    )
    return restricted.take(restricted.usable)
