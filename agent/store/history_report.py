"""What became of a file of history."""

from collections import Counter
from dataclasses import dataclass, field

EXAMPLES = 10  # first rejects that are told with their place


@dataclass(slots=True)
class ImportReport:
    """Counts of one import; they go up while it runs."""

    name: str
    is_known: bool = False  # the same file was imported before, for the same tags: nothing was done
    imported: int = 0  # readings that are in the log now, the bad ones included
    bad: int = 0  # of these, the ones without a value: sentinels, outside the valid range, bad in the file
    duplicates: int = 0  # readings whose tag and time were there before, in the log or in the file
    empty: int = 0  # cells that say that there is no value
    rejected: int = 0  # cells, or whole lines, that say nothing usable
    twice: int = 0  # local times that clocks showed twice; the file's order told which was meant
    reasons: Counter[str] = field(default_factory=Counter)  # of the rejected
    examples: list[str] = field(default_factory=list)  # the first of them, with their places
    unknown: list[str] = field(default_factory=list)  # tags of the file that are not configured; left out
    first_ms: int | None = None  # source times of what was imported
    last_ms: int | None = None

    def reject(self, line: int, reason: str, what: str) -> None:
        """Count something unusable in line number *line*."""
        self.rejected += 1
        self.reasons[reason] += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(f'line {line}: {reason}: "{what[:60]}"')

    def keep(self, first_ms: int, last_ms: int) -> None:
        """Note that readings of this time were imported."""
        self.first_ms = first_ms if self.first_ms is None else min(first_ms, self.first_ms)
        self.last_ms = last_ms if self.last_ms is None else max(last_ms, self.last_ms)
