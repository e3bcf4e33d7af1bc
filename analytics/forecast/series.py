"""A quantity in equal steps with its local calendar."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.dispatch.pump import Array

Times = NDArray[np.int64]
DAY_MS = 86_400_000
_FIRST_WEEKDAY = 3  # 1 January 1970 was a Thursday
_SATURDAY = 5


@dataclass(frozen=True, slots=True, eq=False)
class Calendar:
    """Local times, ms since the epoch as a clock on the wall counts them, shape (n,)."""

    local_ms: Times

    @property
    def day_share(self) -> Array:
        """Part of the day that is over, 0 to 1."""
        return np.asarray((self.local_ms % DAY_MS) / DAY_MS)

    @property
    def weekday(self) -> NDArray[np.int64]:
        """0 for Monday to 6 for Sunday."""
        return np.asarray((self.local_ms // DAY_MS + _FIRST_WEEKDAY) % 7)

    @property
    def is_weekend(self) -> NDArray[np.bool_]:
        """Saturday or Sunday."""
        return np.asarray(self.weekday >= _SATURDAY)


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Means over equal steps, oldest first; NaN where not known."""

    values: Array  # (n,)
    calendar: Calendar  # of the same steps
    step_ms: int

    def __len__(self) -> int:
        """Number of steps."""
        return len(self.values)

    @property
    def per_day(self) -> int:
        """Steps of a day."""
        return DAY_MS // self.step_ms

    @property
    def is_known(self) -> NDArray[np.bool_]:
        """Where there is a value."""
        return np.isfinite(self.values)

    @property
    def known_days(self) -> float:
        """Days' worth of values."""
        return float(self.is_known.sum()) / self.per_day

    def until(self, end: int) -> "Series":
        """The first *end* steps."""
        return Series(self.values[:end], Calendar(self.calendar.local_ms[:end]), self.step_ms)


@dataclass(frozen=True, slots=True, eq=False)
class Outlook:
    """A forecast before it is weighed: where a value is expected, and how far off is usual there; (h,) each."""

    centre: Array
    spread: Array  # above 0
