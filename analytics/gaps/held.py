"""Readings that only repeat the last one until their device is asked again, seen without the repetitions."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.gaps.gap import Floats, Gap

_RATES = (0.02, 0.8)  # share of readings that differ from the one before: below it never moves, above it is not held
_LOOKED_AT = 600  # readings, in a row
_MOST_MATES = 6
_REST = 5.0  # times as long as others, from which a piece is a rest
_GAIN = 0.25  # share of changes foreseen, over what chance would foresee
_FORESEEN, _STILL_FORESEEN = 0.85, 0.75  # share of changes: at first, and of all


@dataclass(frozen=True, slots=True)
class Updates:
    """A window in pieces, in each of which a tag keeps its value.

    Meters of one device are asked together, so a tag's reading is new where theirs are, whoever of them changed.
    A gap that holds no update, or part of a piece, then is no gap: what was measured before or after it stands.
    """

    piece: NDArray[np.intp]  # of each place, shape (n,), ascending by steps of at most 1
    last: NDArray[np.intp]  # place of each piece, shape (pieces,)
    rests: NDArray[np.intp]  # how many before each piece last much longer than others, shape (pieces + 1,)
    doubt: float  # standard deviation of what changes unforeseen

    def is_by_rest(self, gap: Gap) -> bool:
        """Whether a rest lies in *gap* or beside it."""
        return bool(self.rests[self.piece[gap.end] + 1] > self.rests[self.piece[gap.begin - 1]])

    def reduced(self, values: Floats) -> Floats:
        """One value a piece, the last one measured; NaN where none was."""
        found = np.full(len(self.last), np.nan)
        measured = np.flatnonzero(np.isfinite(values))
        found[self.piece[measured]] = values[measured]
        return found


def updates(values: Floats, companions: Floats) -> Updates | None:
    """Where *values* may change, told by companions that change together with it; None where it is not held.

    Args:
        values: Shape (n,), NaN where not measured.
        companions: Shape (n, k), likewise.
    """
    part = slice(0, _LOOKED_AT)
    seen = np.atleast_1d(np.isfinite(values[part]))
    known = np.concatenate([[False], seen[1:] & seen[:-1]])
    changed = _moved(values[part, None])[:, 0] & known
    if not companions.shape[1] or not _RATES[0] < changed.sum() / max(known.sum(), 1) < _RATES[1]:
        return None
    mates = _mates(changed, _moved(companions[part]), known)
    if not mates:
        return None
    is_new = np.zeros(len(values), np.bool_)
    for mate in mates:
        is_new[1:] |= companions[1:, mate] != companions[:-1, mate]
    last = np.append(np.flatnonzero(is_new[1:]), len(values) - 1)
    steps = np.nan_to_num(np.diff(values, prepend=np.nan))
    unforeseen = steps[~is_new]
    if np.count_nonzero(unforeseen) > (1.0 - _STILL_FORESEEN) * np.count_nonzero(steps):
        return None
    is_rest = np.diff(last, prepend=-1) > _REST * len(values) / len(last)
    rests = np.concatenate([[0], np.cumsum(is_rest)])
    return Updates(np.cumsum(is_new), last, rests, float(np.sqrt(unforeseen @ unforeseen / np.isfinite(values).sum())))


def _moved(companions: Floats) -> NDArray[np.bool_]:
    """Where each column differs from the place before; whether it changed from or to nothing is not known."""
    moved = np.zeros_like(companions, np.bool_)
    moved[1:] = companions[1:] != companions[:-1]
    return moved


def _mates(changed: NDArray[np.bool_], moved: NDArray[np.bool_], known: NDArray[np.bool_]) -> list[int]:
    """Columns of *moved* that together foresee nearly every change, and chance would not; where it is *known*."""
    both, counts = np.stack([changed, known]).astype(np.float32) @ moved.astype(np.float32)
    alike = both / np.maximum(counts + changed.sum() - both, 1)
    mates: list[int] = []
    union = np.zeros(len(changed), np.bool_)
    best = foreseen = 0.0
    for column in np.argsort(-alike, kind="stable")[:_MOST_MATES]:
        wider = union | (moved[:, column] & known)
        share = float((wider & changed).sum() / changed.sum())
        gain = share - float(wider.sum() / known.sum())
        if gain > best + 0.005:
            best, foreseen, union = gain, share, wider
            mates.append(int(column))
    return mates if best >= _GAIN and foreseen >= _FORESEEN else []
