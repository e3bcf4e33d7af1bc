"""The one door between the log and the analyses: readings of a window, aligned in time, in the plant's own units.

    cells = frame(reader, settings, ["header.flow", "p1.power"], start_ms, end_ms, 1_000, rules={"p1.power": "nothing"})
    if thin := cells.thin():
        return f"no result: {told(thin)}"
    doubt = cells.doubt()

What is not measured stays missing unless a rule lets something stand for it, and what stands for it is flagged: an
analysis asks before it says something, or publishes its doubt beside it (`agent.availability`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from agent.availability import Availability, availability_of, doubt_of, told
from agent.cells import Cells, Series, aligned, reduced
from agent.roles import Tag, known_tags
from agent.settings import AgentSettings
from agent.store.columns import Arrivals, columns
from agent.store.reader import Reader
from agent.store.records import Filled

Floats = NDArray[np.float64]
Times = NDArray[np.int64]
Rule = Literal["nothing", "held", "filled"]
"""What may stand where a tag was not measured: nothing; its last good reading, while that is young enough; or that, and
before it a value that the gaps job has filled in."""

__all__ = ["Availability", "Floats", "Frame", "Rule", "Times", "frame", "told"]


@dataclass(frozen=True, slots=True)
class Frame:
    """Aligned values of some tags, one row a cell of time, oldest first.

    A value is NaN where nothing good was measured and nothing may stand for it. What stands behind a value:
    `counts` > 0: that many good readings; `filled` true: a filled value; neither: the last good reading before the
    cell, not older than the tag's `hold_ms` and with no bad reading after it. A cell that has bad readings beside
    good ones has a value, and is known by the share of it that was good.
    """

    times_ms: Times  # start of each cell, shape (n,)
    step_ms: int
    values: Mapping[str, Floats]  # each (n,), plant units
    counts: Mapping[str, NDArray[np.int64]]  # each (n,)
    filled: Mapping[str, NDArray[np.bool_]]  # each (n,)
    shares: Mapping[str, Floats] = field(default_factory=dict)  # what was good of a cell; of tags with bad readings

    def __len__(self) -> int:
        """Number of cells."""
        return len(self.times_ms)

    def matrix(self, tags: Sequence[str]) -> Floats:
        """Values of *tags* as columns, shape (n, len(tags))."""
        return np.column_stack([self.values[tag] for tag in tags]) if tags else np.empty((len(self), 0))

    def since(self, start_ms: int) -> Self:
        """The cells that begin at *start_ms* or later."""
        return self.part(slice(int(np.searchsorted(self.times_ms, start_ms)), None))

    def part(self, part: slice) -> Self:
        """Some cells that follow each other."""
        return replace(
            self,
            times_ms=self.times_ms[part],
            values={tag: each[part] for tag, each in self.values.items()},
            counts={tag: each[part] for tag, each in self.counts.items()},
            filled={tag: each[part] for tag, each in self.filled.items()},
            shares={tag: each[part] for tag, each in self.shares.items()},
        )

    def measured(self, tag: str) -> NDArray[np.bool_]:
        """Where good readings stand behind the value, shape (n,)."""
        return self.counts[tag] > 0

    def availability(self, tag: str) -> Availability:
        """What stands behind the tag's values, in shares of the window."""
        values, counts, filled = self.values[tag], self.counts[tag], self.filled[tag]
        return availability_of(tag, values, counts, filled, self.step_ms, shares=self.shares.get(tag))

    def thin(self, tags: Iterable[str] | None = None) -> tuple[Availability, ...]:
        """Those of *tags* (of all, where not given) that too little was known of for a result, worst first.

        A filled value is not known: it was worked out from others.
        """
        return tuple(sorted((one for one in self._seen(tags) if one.is_thin), key=lambda one: one.known))

    def doubt(self, tags: Iterable[str] | None = None) -> str | None:
        """Which of *tags* (of all, where not given) are thin, or filled in part; None where none is."""
        return doubt_of(self._seen(tags))

    def _seen(self, tags: Iterable[str] | None) -> list[Availability]:
        return [self.availability(tag) for tag in dict.fromkeys(self.values if tags is None else tags)]


def frame(  # noqa: PLR0917 - where from, what, and the window: the order everybody calls it in
    reader: Reader,
    settings: AgentSettings,
    tags: Iterable[str],
    start_ms: int,
    end_ms: int,
    step_ms: int,
    *,
    rules: Rule | Mapping[str, Rule] = "held",
    newest: Arrivals | None = None,
) -> Frame:
    """The window from *start_ms* up to, not including, *end_ms*, in cells of *step_ms*.

    A cell is the mean of its good readings, or the last of them for totalisers and states.

    Args:
        reader: Where readings come from.
        settings: Units, periods and parts of the tags.
        tags: Names; one that is not configured is NaN throughout.
        start_ms: Start of the first cell.
        end_ms: End of the window; the last cell may reach beyond it, its readings do not.
        step_ms: Length of a cell.
        rules: What may stand where a tag was not measured: for all of them, or by tag, and "held" for the others. A
            reading is held as long as the tag's `hold_ms` allows; filled values are flagged.
        newest: The newest rows of the log, where the caller has read them already.

    Raises:
        UnitError: A tag's unit is not known.
    """
    ruled: dict[str, Rule] = dict.fromkeys(tags, rules if isinstance(rules, str) else "held")
    if not isinstance(rules, str):
        ruled |= {name: rule for name, rule in rules.items() if name in ruled}
    known = {name: tag for name, tag in known_tags(settings).items() if name in ruled}
    held = {name for name in known if ruled[name] != "nothing"}
    cells = Cells(start_ms, end_ms, step_ms)
    held_ms = max((known[name].hold_ms for name in held), default=0)
    found = columns(reader, list(known), start_ms - held_ms, end_ms, newest)
    measured = aligned(known.values(), found, held, cells) if cells.size else {}
    series = {name: measured.get(name) or Series.empty(cells.size) for name in ruled}
    wanted = [name for name in known if ruled[name] == "filled" and cells.size]
    filled = dict.fromkeys(series, np.zeros(cells.size, np.bool_))
    for name, estimates in _by_tag(reader.filled(wanted, start_ms, end_ms) if wanted else ()).items():
        series[name], filled[name] = _completed(series[name], estimates, known[name], cells)
    return Frame(
        times_ms=cells.times_ms,
        step_ms=step_ms,
        values={name: one.values for name, one in series.items()},
        counts={name: one.counts for name, one in series.items()},
        filled=filled,
        shares={name: one.shares for name, one in series.items() if one.shares is not None},
    )


def _completed(one: Series, found: list[Filled], tag: Tag, cells: Cells) -> tuple[Series, NDArray[np.bool_]]:
    """With filled values where no good reading is, and where those are; a held one gives way, since it knows less."""
    index = np.array([(each.ts_ms - cells.start_ms) // cells.step_ms for each in found], np.int64)
    counts = np.bincount(index, minlength=cells.size).astype(np.int64)
    use = (counts > 0) & (one.counts == 0)
    estimate = tag.unit.convert(reduced(tag, index, np.array([each.value for each in found]), counts))
    return replace(one, values=np.where(use, estimate, one.values)), use


def _by_tag(filled: Iterable[Filled]) -> dict[str, list[Filled]]:
    found: dict[str, list[Filled]] = {}
    for one in sorted(filled, key=lambda each: each.ts_ms):
        found.setdefault(one.tag, []).append(one)
    return found
