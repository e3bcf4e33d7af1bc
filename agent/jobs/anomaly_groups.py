"""What is normal for a header while one set of its pumps runs: learnt from the log, and watched row by row."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from agent.availability import LEAST_KNOWN
from analytics.anomalies.bank import ResidualBank, Standing
from analytics.anomalies.learnt import Learnt

Floats = NDArray[np.float64]

TAUGHT_BY = 720  # steady rows that teach a set for the first time
RIDGE = 100.0  # a day has 8,640 rows, and their channels hang together by physics
BREAK_MS = 300_000  # without a judged value, after which what was before is not known any more
FOR_GOOD_MS = 3 * 86_400_000  # what does not fit for so long is the new normal, which is learnt anew


@dataclass(slots=True)
class Known:
    """A bank between two runs, as plain numbers; shapes as in `Learnt` and `Standing`."""

    tags: list[str]
    centre: list[float]
    scale: list[float]
    moments: list[list[float]]  # from the diagonal on; they are symmetric
    usual: list[float]
    past: list[float]
    residual: list[float]
    unfit: list[bool]
    height: list[float]

    @classmethod
    def of(cls, tags: list[str], bank: ResidualBank) -> "Known":
        """As the bank of *tags* is now."""
        learnt, standing = bank.learnt, bank.standing
        return cls(
            tags=tags,
            centre=_plain(learnt.centre),
            scale=_plain(learnt.scale),
            moments=[_plain(row[place:]) for place, row in enumerate(learnt.moments)],
            usual=_plain(learnt.usual),
            past=_plain(learnt.past),
            residual=_plain(learnt.residual),
            unfit=standing.unfit.tolist(),
            height=_plain(standing.height),
        )

    @property
    def bank(self) -> ResidualBank:
        """The bank, its predictions learnt anew from all normal rows so far."""
        size = len(self.moments)
        moments = np.zeros((size, size))
        for place, row in enumerate(self.moments):
            moments[place, place:] = moments[place:, place] = row
        learnt = Learnt.again(
            centre=np.array(self.centre),
            scale=np.array(self.scale),
            moments=moments,
            usual=np.array(self.usual),
            past=np.array(self.past),
            residual=np.array(self.residual),
            ridge=RIDGE,
        )
        return ResidualBank(learnt, Standing(np.array(self.unfit, np.bool_), np.array(self.height)))


@dataclass(slots=True)
class Misfit:
    """A tag that does not fit the others, in plant units."""

    since_ms: int
    seen_ms: int  # when it was judged last
    value: float
    expected: float
    score: float  # 1 where an anomaly begins


@dataclass(slots=True)
class Group:
    """One set of pumps of one header."""

    tags: list[str]
    rows: int = 0  # steady ones that were seen, until enough to learn from
    seen_ms: int = 0  # the newest row, judged or not
    judged_ms: int = 0  # the newest row of which something was judged
    known: Known | None = None  # of those of the tags that were measured, and moved
    misfits: dict[str, Misfit] = field(default_factory=dict)

    def judge(self, times_ms: Sequence[int], rows: Floats) -> None:
        """Judge *rows*, shape (n, tags), oldest first; NaN where a value is not known or not to be trusted."""
        self.seen_ms = times_ms[-1]
        if self.known is None:
            self.rows += len(rows)
            return
        bank, tags = self.known.bank, self.known.tags
        columns = [self.tags.index(tag) for tag in tags]
        for at_ms, row in zip(times_ms, rows[:, columns], strict=True):
            if not np.isfinite(row).any():
                continue
            if at_ms - self.judged_ms > BREAK_MS:
                bank.begin(row)
                self.misfits.clear()
            bank.update(row)
            self.judged_ms = at_ms
            self._note(bank, row, tags)
        self.known = Known.of(tags, bank)
        if any(self.judged_ms - one.since_ms > FOR_GOOD_MS for one in self.misfits.values()):
            self.known, self.rows, self.misfits = None, TAUGHT_BY, {}

    def learn(self, rows: Floats) -> None:
        """Learn from steady *rows*, shape (n, tags), oldest first, where they are enough.

        A tag that is mostly missing, or never moved, is learnt and judged no more: of the one nothing is known, and
        of the other every move would be unheard of.
        """
        is_there = np.isfinite(rows)
        tags = [
            tag
            for tag, there in zip(self.tags, is_there.mean(axis=0) if len(rows) else [], strict=False)
            if there >= LEAST_KNOWN
        ]
        columns = rows[:, [self.tags.index(tag) for tag in tags]]
        whole = columns[np.isfinite(columns).all(axis=1)]
        moves = [place for place in range(len(tags)) if len(whole) and np.ptp(whole[:, place]) > 0]
        self.rows = len(whole)
        if self.rows >= TAUGHT_BY and len(moves) > 1:
            bank = ResidualBank(Learnt.of(whole[:, moves], RIDGE))
            self.known = Known.of([tags[place] for place in moves], bank)
        elif self.rows >= TAUGHT_BY:
            self.rows = 0  # nothing that moves with anything else; it is looked at again later

    def _note(self, bank: ResidualBank, row: Floats, tags: list[str]) -> None:
        scores, expected = bank.score, bank.expected
        for place, tag in enumerate(tags):
            if not bank.unfit[place]:
                self.misfits.pop(tag, None)
            elif math.isfinite(row[place]):
                since_ms = self.misfits[tag].since_ms if tag in self.misfits else self.judged_ms
                score = round(float(scores[place]), 2)
                self.misfits[tag] = Misfit(since_ms, self.judged_ms, float(row[place]), float(expected[place]), score)
        for tag in [tag for tag, one in self.misfits.items() if self.judged_ms - one.seen_ms > BREAK_MS]:
            del self.misfits[tag]


def _plain(numbers: Floats) -> list[float]:
    """Eight digits are plenty, and half the bytes."""
    return [float(f"{number:.8g}") for number in numbers.tolist()]
