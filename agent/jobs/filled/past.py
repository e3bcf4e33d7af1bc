"""What a tag has been for two weeks, by quarters of an hour, as it is rolled up: read where a gap is long."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from agent.jobs.filled.silence import Silence
from agent.roles import Tag
from agent.store.reader import Reader
from agent.store.rollups import rollups
from agent.window import Floats, Frame
from analytics.gaps.daily import PAST, Quarters, is_long

QUARTER_MS = 900_000
_LEAST_GOOD = 3  # readings of a quarter that make a mean


@dataclass(frozen=True, slots=True)
class Past:
    """Of one tag."""

    start_ms: int  # of the first quarter of an hour
    means: Floats  # in the plant's unit, shape (m,), NaN where not measured

    @classmethod
    def read(cls, reader: Reader, tag: Tag, found: Sequence[Silence]) -> Self | None:
        """Before those of its gaps *found* that are long, and during them; None where none is."""
        long = [one for one in found if one.is_closed and is_long((one.end_ms - one.start_ms) / QUARTER_MS)]
        if not long or tag.period_ms * _LEAST_GOOD > QUARTER_MS:
            return None
        first, last = (ts_ms // QUARTER_MS for ts_ms in (long[0].start_ms, long[-1].end_ms))
        first -= PAST
        rolled = rollups(reader, [tag.name], QUARTER_MS, first * QUARTER_MS, (last + 2) * QUARTER_MS)[tag.name]
        means = np.full(last + 2 - first, np.nan)
        known = rolled.goods >= _LEAST_GOOD
        means[rolled.starts_ms[known] // QUARTER_MS - first] = tag.unit.convert(rolled.means[known])
        return cls(first * QUARTER_MS, means)

    def quarters(self, cells: Frame) -> Quarters:
        """As the window of *cells* lies in them."""
        return Quarters(self.means, (cells.times_ms - self.start_ms) / QUARTER_MS)
