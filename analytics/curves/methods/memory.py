"""All that a curve from running sums remembers: a few hundred numbers, whatever was seen."""

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from analytics.curves.methods.duty import DutyPoints
from analytics.curves.methods.solve import Together
from analytics.curves.methods.sums import Sums
from analytics.hydraulics import Floats

BIN = 0.02  # of x / x_ref, of the histogram that tells where readings were
BINS = 150
RECENT = 200  # readings that tell whether the pump has become another one
CHANGED = 0.4  # share of outliers among them from which on it has
MOSTLY = 0.5  # share of outliers since then
LEAST_CHANGED = 40  # readings since then; fewer tell no curve
OUTERMOST = 0.01  # share of the readings at either end that does not widen the range


@dataclass(slots=True)
class Memory:
    """What an `IncrementalCurve` has learnt.

    Attributes:
        decay: Readings after which one weighs 1/e of a new one; None: none is forgotten.
        reference: Flow, head and power that all is relative to; None before there is a curve.
        heads: Sums with the head as target.
        powers: Sums with head and power as targets.
        histogram: Weights by flow.
        together: How far residuals of head and power go together.
        warm: First readings, which are fitted together; none of them any more once there were enough.
        is_warm: There were.
        recent: Newest readings, refused ones too.
        refused: Which of these were taken for outliers.
    """

    decay: float | None
    reference: tuple[float, float, float] | None = None
    heads: Sums = field(init=False)
    powers: Sums = field(init=False)
    histogram: Floats = field(default_factory=lambda: np.zeros(BINS))
    together: Together = field(default_factory=Together)
    warm: DutyPoints = field(default_factory=DutyPoints.empty)
    is_warm: bool = False
    recent: DutyPoints = field(default_factory=DutyPoints.empty)
    refused: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))

    def __post_init__(self) -> None:
        """Nothing yet."""
        self.empty()

    def empty(self) -> None:
        """Forget the sums, and nothing else."""
        self.heads, self.powers = Sums(1, self.decay), Sums(2, self.decay)
        self.histogram = np.zeros(BINS)

    def look_at(self, points: DutyPoints, kept: NDArray[np.bool_]) -> None:
        """Note new *points*, and which of them were no outliers."""
        self.recent = DutyPoints.joined(self.recent, points).take(slice(-RECENT, None))
        self.refused = np.append(self.refused, ~kept)[-RECENT:]

    @property
    def replaced(self) -> int:
        """How many of the newest readings are of another pump: since half were refused; 0 where too few were.

        Outliers that have ceased are none of another pump, however many they were.
        """
        if len(self.refused) < RECENT or self.refused.mean() <= CHANGED:
            return 0
        since = np.cumsum(self.refused[::-1])[::-1] / np.arange(RECENT, 0, -1)
        found = self.refused & (since >= MOSTLY)
        readings = RECENT - int(np.argmax(found))
        return readings if found.any() and readings >= LEAST_CHANGED else 0

    @property
    def flow_range(self) -> tuple[float, float]:
        """Least and greatest flow at rated speed learnt from, m³/h, less the outermost hundredths; NaN before any."""
        total = np.cumsum(self.histogram)
        if self.reference is None or total[-1] <= 0.0:
            return float("nan"), float("nan")
        low = int(np.searchsorted(total, OUTERMOST * total[-1], side="right"))
        high = int(np.searchsorted(total, (1.0 - OUTERMOST) * total[-1]))
        return low * BIN * self.reference[0], (high + 1) * BIN * self.reference[0]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """As arrays by name."""
        none = (float("nan"),) * 3
        return {
            "reference": np.array(self.reference or none),
            "heads": self.heads.numbers,
            "powers": self.powers.numbers,
            "histogram": self.histogram,
            "together": np.array(self.together),
            "warm": self.warm.columns,
            "is_warm": np.array(self.is_warm),
            "recent": self.recent.columns,
            "refused": self.refused,
        }

    @classmethod
    def of(cls, arrays: dict[str, NDArray[Any]], decay: float | None) -> Self:
        """The inverse of `arrays`.

        Raises:
            ValueError: They are no such arrays.
            KeyError: One is missing.
        """
        found = cls(decay)
        flow, head, power = (float(each) for each in arrays["reference"])
        found.reference = None if np.isnan(flow) else (flow, head, power)
        found.heads, found.powers = Sums.of(arrays["heads"], 1, decay), Sums.of(arrays["powers"], 2, decay)
        found.histogram = np.array(arrays["histogram"], np.float64).reshape(BINS)
        found.together = Together(*(float(each) for each in arrays["together"]))
        found.warm, found.recent = DutyPoints(*arrays["warm"]), DutyPoints(*arrays["recent"])
        found.is_warm = bool(arrays["is_warm"])
        found.refused = np.array(arrays["refused"], np.bool_)
        return found
