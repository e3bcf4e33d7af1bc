"""What stands behind an analysis: how much of a window was measured, held, filled or missing, tag by tag."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Availability:
    """Shares of a window's cells; together they are 1."""

    tag: str
    measured: float  # a good reading in the cell itself
    held: float  # the last good reading before it, while that may stand for the present
    filled: float  # an estimate
    missing: float
    longest_hole_ms: int  # the longest stretch with nothing measured or held

    @property
    def known(self) -> float:
        """Share that was measured, or held."""
        return self.measured + self.held

    def __str__(self) -> str:
        return f"{self.tag} was known in {self.known:.0%} of the time (longest hole {_duration(self.longest_hole_ms)})"


def availability_of(
    tag: str,
    values: NDArray[np.float64],
    counts: NDArray[np.int64],
    filled: NDArray[np.bool_],
    step_ms: int,
) -> Availability:
    """Of one tag's columns in a frame, each of shape (n,), with cells of *step_ms*; nothing at all of an empty one."""
    cells = len(values)
    if not cells:
        return Availability(tag, 0.0, 0.0, 0.0, 1.0, 0)
    is_known = np.isfinite(values) & ~filled
    measured, known = float((counts > 0).mean()), float(is_known.mean())
    estimated = float((filled & np.isfinite(values)).mean())
    missing = max(0.0, 1.0 - known - estimated)
    return Availability(tag, measured, known - measured, estimated, missing, _longest(~is_known) * step_ms)


def doubt_of(found: Iterable[Availability], least: float) -> str | None:
    """Which tags were known in less than *least* of their windows, each where it was worst; None where none was."""
    worst: dict[str, Availability] = {}
    for one in sorted(found, key=lambda each: each.known):
        worst.setdefault(one.tag, one)
    return told(one for one in worst.values() if one.known < least) or None


def told(found: Iterable[Availability], most: int = 3) -> str:
    """One sentence's worth of the first ones."""
    listed = list(found)
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return "; ".join(str(one) for one in listed[:most]) + more


def _longest(is_hole: NDArray[np.bool_]) -> int:
    """Cells of the longest run."""
    place = np.arange(len(is_hole))
    last = np.maximum.accumulate(np.where(is_hole, -1, place))
    return int((place - last).max(where=is_hole, initial=0))


def _duration(length_ms: int) -> str:
    seconds = length_ms / 1_000
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"  # noqa: PLR2004 - as people say it
