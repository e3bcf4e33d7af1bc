"""What is normal for a header while one set of its pumps runs: learnt from the log, and watched row by row."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
from numpy.typing import NDArray

from analytics.anomalies.bank import ResidualBank, Standing
from analytics.anomalies.learnt import Learnt

Floats = NDArray[np.float64]

TAUGHT_BY = 720  # steady rows that teach a set for the first time
RIDGE = 100.0  # a day has 8,640 rows, and their channels hang together by physics
BREAK_MS = 300_000  # without a judged row, after which the short past is no longer one


@dataclass(slots=True)
class Known:
    """A bank between two runs, as plain numbers; shapes as in `Learnt` and `Standing`."""

    centre: list[float]
    scale: list[float]
    moments: list[list[float]]
    usual: list[float]
    past: list[float]
    residual: list[float]
    unfit: list[bool]
    height: list[float]

    @classmethod
    def of(cls, bank: ResidualBank) -> "Known":
        """As the bank is now."""
        learnt, standing = bank.learnt, bank.standing
        names = ("centre", "scale", "moments", "usual", "past", "residual")
        plain = {name: getattr(learnt, name).tolist() for name in names}
        return cls(**plain, unfit=standing.unfit.tolist(), height=standing.height.tolist())

    @property
    def bank(self) -> ResidualBank:
        """The bank, its predictions learnt anew from all normal rows so far."""
        numbers = {name: np.array(each, np.float64) for name, each in asdict(self).items()}
        standing = Standing(numbers.pop("unfit") > 0, numbers.pop("height"))
        return ResidualBank(Learnt.again(**numbers, ridge=RIDGE), standing)


@dataclass(slots=True)
class Misfit:
    """A tag that does not fit the others, in plant units."""

    since_ms: int
    value: float
    expected: float
    score: float  # 1 where an anomaly begins


@dataclass(slots=True)
class Group:
    """One set of pumps of one header."""

    tags: list[str]
    rows: int = 0  # steady ones that were seen, until enough to learn from
    judged_ms: int = 0  # the newest row that was judged
    known: Known | None = None
    misfits: dict[str, Misfit] = field(default_factory=dict)

    def judge(self, times_ms: Sequence[int], rows: Floats) -> None:
        """Judge *rows*, shape (n, tags), oldest first; NaN where a value is not known or not to be trusted."""
        if self.known is None:
            self.rows += len(rows)
            return
        bank = self.known.bank
        for at_ms, row in zip(times_ms, rows, strict=True):
            if at_ms - self.judged_ms > BREAK_MS:
                bank.begin(row)
                self.misfits.clear()
            bank.update(row)
            self.judged_ms = int(at_ms)
            self._note(bank, row)
        self.known = Known.of(bank)

    def learn(self, rows: Floats) -> None:
        """Learn from steady *rows*, shape (n, tags), oldest first, where they are enough; a constant tag is known too.

        Rows in which a value is missing are left out.
        """
        whole = rows[np.isfinite(rows).all(axis=1)]
        self.rows = len(whole)
        if self.rows >= TAUGHT_BY:
            self.known = Known.of(ResidualBank(Learnt.of(whole, RIDGE)))

    def _note(self, bank: ResidualBank, row: Floats) -> None:
        scores, expected = bank.score, bank.expected
        for place, tag in enumerate(self.tags):
            if not bank.unfit[place]:
                self.misfits.pop(tag, None)
            elif math.isfinite(row[place]):
                since_ms = self.misfits[tag].since_ms if tag in self.misfits else self.judged_ms
                score = round(float(scores[place]), 2)
                self.misfits[tag] = Misfit(since_ms, float(row[place]), float(expected[place]), score)


def standing_misfits(groups: Mapping[str, Group]) -> dict[str, Misfit]:
    """Tags that do not fit now, by the group that was judged last."""
    newest = max(groups.values(), key=lambda group: group.judged_ms, default=None)
    return newest.misfits if newest else {}
