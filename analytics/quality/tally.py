"""What was found in the readings of one tag, counted by check."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from analytics.quality.verdict import Check, Finding

Floats = NDArray[np.float64]
Times = NDArray[np.int64]


@dataclass(slots=True)
class Tally:
    """What was found in a portion, or in several."""

    came: int = 0
    good: int = 0
    findings: dict[Check, Finding] = field(default_factory=dict)

    def add(self, check: Check, times_ms: Times, figures: Floats | None = None, limit: float | None = None) -> None:
        """Count readings at *times_ms* that did not pass *check*; the first one's figure is kept."""
        if not len(times_ms):
            return
        value = None if figures is None else float(figures[0])
        kept = float(limit) if limit is not None and np.isfinite(limit) else None
        self._join(Finding(check, len(times_ms), int(times_ms[0]), value, kept))

    def join(self, later: "Tally") -> None:
        """Take in what a later portion found."""
        self.came += later.came
        self.good += later.good
        for finding in later.findings.values():
            self._join(finding)

    def count(self, *checks: Check) -> int:
        """Readings that did not pass them."""
        return sum(self.findings[check].count for check in checks if check in self.findings)

    def _join(self, found: Finding) -> None:
        known = self.findings.get(found.check)
        self.findings[found.check] = found if known is None else known.and_more(found)
