"""The newest rows of the log that a job has read, for its next run in this process: nothing is read twice."""

from pathlib import Path

import numpy as np

from agent.clock.marks import is_doubt
from agent.store.columns import Arrivals

MOST_ROWS = 100_000  # 4 MB; what is older is read again where it is wanted


class Carried:
    """Rows of all tags up to the mark of the last run, without a hole.

    They are given to the run that goes on from there in the same store, and to nobody else: whoever repeats a run,
    or takes another's place, reads the log. Readings whose time is doubted are dated in their place later on, so no run
    that met them leaves anything.
    """

    def __init__(self) -> None:
        self._kept: tuple[Path, bytes | None, Arrivals] | None = None
        self._is_settled = True

    def __len__(self) -> int:
        """Rows that are held."""
        return len(self._kept[2]) if self._kept else 0

    def before(self, path: Path, state: bytes | None, rows: Arrivals) -> Arrivals:
        """*rows*, which are all those after the last run's, with what is kept before them; reasons are left out."""
        kept, self._kept = self._kept, None
        self._is_settled = not any(map(is_doubt, rows.reasons.values()))
        if not kept or kept[:2] != (path, state) or not len(kept[2]):
            return rows
        return _joined(kept[2], rows)

    def keep(self, path: Path, state: bytes | None, rows: Arrivals, window: tuple[int, int]) -> None:
        """Those of *rows* from the first one dated within *window*, ms, for whoever goes on from *state*.

        What came before that one is read from the log where it is wanted: one dated ahead must not hold all that came
        after it, until its time has come.
        """
        if not self._is_settled:
            return
        since_ms, end_ms = window
        recent = np.flatnonzero((rows.times_ms >= since_ms) & (rows.times_ms <= end_ms))
        first = max(int(recent[0]), len(rows) - MOST_ROWS) if len(recent) else len(rows)
        self._kept = path, state, _from(rows, first)


def _joined(old: Arrivals, new: Arrivals) -> Arrivals:
    return Arrivals(
        np.concatenate([old.ids, new.ids]),
        np.concatenate([old.tags, new.tags]),
        np.concatenate([old.times_ms, new.times_ms]),
        np.concatenate([old.values, new.values]),
        np.concatenate([old.quality, new.quality]),
        {},
    )


def _from(rows: Arrivals, first: int) -> Arrivals:
    """Copies, lest a few rows keep all of an hour's in memory."""
    return Arrivals(
        rows.ids[first:].copy(),
        rows.tags[first:].copy(),
        rows.times_ms[first:].copy(),
        rows.values[first:].copy(),
        rows.quality[first:].copy(),
        {},
    )
