"""What stands behind an analysis: how much of a window was measured, held, filled or missing, tag by tag.

Whatever reads a window asks here, and nowhere else: `doubt_of` (`Frame.doubt`) for the words that go with a result,
`Frame.thin` where there is to be none, and `mean_known` for one figure out of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

LEAST_KNOWN: Final = 0.5  # of a window; what is said of one that is less known is said with a doubt, or not at all
LEAST_SUMMED: Final = 0.7  # of one that is added up: what a sum misses makes it wrong, not only unsure


@dataclass(frozen=True, slots=True)
class Availability:
    """Shares of a window's cells; together they are 1."""

    tag: str
    length_ms: int  # of the window
    measured: float  # a good reading in the cell itself; of one with bad ones too, what was good of it
    held: float  # the last good reading before it, while that may stand for the present
    filled: float  # an estimate
    missing: float
    longest_hole_ms: int  # the longest stretch with nothing measured or held
    open_ms: tuple[int, int] = (0, 0)  # such stretches at its beginning and end; both all of it where nothing was known

    @property
    def known(self) -> float:
        """Share that was measured, or held."""
        return self.measured + self.held

    @property
    def is_thin(self) -> bool:
        """Whether too little was known of it for a result."""
        return self.known < LEAST_KNOWN

    def __str__(self) -> str:
        filled = f" and filled in {_percent(self.filled)} of it" if self.filled else ""
        hole = f" (longest hole {_duration(self.longest_hole_ms)})" if self.longest_hole_ms else ""
        return f"{self.tag} was known in {_percent(self.known)} of the time{filled}{hole}"


def availability_of(
    tag: str,
    values: NDArray[np.float64],
    counts: NDArray[np.int64],
    filled: NDArray[np.bool_],
    step_ms: int,
    *,
    shares: NDArray[np.float64] | None = None,
) -> Availability:
    """Of one tag's columns in a frame, each of shape (n,), with cells of *step_ms*; nothing at all of an empty one.

    *shares* say what was good of each cell, where it has bad readings: a minute of which only a second was good is
    hardly known. A silence within a cell is no hole: a historian keeps a value a minute of what is read each second.
    """
    cells = len(values)
    if not cells:
        return Availability(tag, 0, 0.0, 0.0, 0.0, 1.0, 0)
    is_known = np.isfinite(values) & ~filled
    bad = 0.0 if shares is None else float(np.where(counts > 0, 1.0 - shares, 0.0).mean())
    measured, known = float((counts > 0).mean()) - bad, float(is_known.mean()) - bad
    estimated = float((filled & np.isfinite(values)).mean())
    missing = max(0.0, 1.0 - known - estimated)
    hole_ms = _longest(~is_known) * step_ms
    places = np.flatnonzero(is_known)
    open_cells = (int(places[0]), cells - 1 - int(places[-1])) if len(places) else (cells, cells)
    open_ms = (open_cells[0] * step_ms, open_cells[1] * step_ms)
    return Availability(tag, cells * step_ms, measured, known - measured, estimated, missing, hole_ms, open_ms)


def together(parts: Iterable[Availability]) -> tuple[Availability, ...]:
    """Windows of some tags that follow each other as one window a tag, with holes that go on from one to the next."""
    by_tag: dict[str, list[Availability]] = {}
    for part in parts:
        by_tag.setdefault(part.tag, []).append(part)
    return tuple(_joined(tag, own) for tag, own in by_tag.items())


def doubt_of(found: Iterable[Availability]) -> str | None:
    """Which tags were thin or filled in their windows, each where it was least known; None where none was."""
    worst: dict[str, Availability] = {}
    for one in sorted(found, key=lambda each: each.known):
        worst.setdefault(one.tag, one)
    return told(one for one in worst.values() if one.is_thin or one.filled) or None


def mean_known(values: NDArray[np.float64], least: float = LEAST_KNOWN) -> float | None:
    """Mean of a window's cells, of shape (n,); None where fewer of them than the share *least* are known."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) and len(known) >= least * len(values) else None


def told(found: Iterable[Availability], most: int = 3) -> str:
    """One sentence's worth of the first ones."""
    listed = list(found)
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return "; ".join(str(one) for one in listed[:most]) + more


def _joined(tag: str, parts: list[Availability]) -> Availability:
    length_ms = sum(part.length_ms for part in parts)
    weights = [part.length_ms / max(length_ms, 1) for part in parts]
    measured, held, filled = (
        sum(weight * getattr(part, share) for weight, part in zip(weights, parts, strict=True))
        for share in ("measured", "held", "filled")
    )
    missing = max(0.0, 1.0 - measured - held - filled)
    return Availability(tag, length_ms, measured, held, filled, missing, *_holes(parts))


def _holes(parts: list[Availability]) -> tuple[int, tuple[int, int]]:
    """The longest of windows that follow each other, and those at their beginning and end, ms."""
    longest = begin = run = 0
    is_open = True  # nothing was known so far
    for part in parts:
        run += part.open_ms[0]
        longest = max(longest, run, part.longest_hole_ms)
        begin = run if is_open else begin
        if part.open_ms[0] < part.length_ms:
            is_open, run = False, part.open_ms[1]
    return longest, (begin, run)


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.01 or not share else "less than 1%"  # noqa: PLR2004 - what is there is no 0


def _longest(is_hole: NDArray[np.bool_]) -> int:
    """Cells of the longest run."""
    place = np.arange(len(is_hole))
    last = np.maximum.accumulate(np.where(is_hole, -1, place))
    return int((place - last).max(where=is_hole, initial=0))


def _duration(length_ms: int) -> str:
    seconds = length_ms / 1_000
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"  # noqa: PLR2004 - as people say it
