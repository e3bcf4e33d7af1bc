"""What the disk has refused so far, in memory until it takes it: bounded, and what had to go is counted."""

from collections import deque
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import NamedTuple

from agent.store.losses import REFUSED, Loss, as_losses
from agent.store.records import Kind, Record, Row
from agent.store.sifting import sift
from drivers.reading import Reading

READINGS = 100_000  # about 25 MB; 250 tags each second for over six minutes
RECORDS = 5_000
PORTION = 20_000  # readings of one transaction when the disk takes them again: a quarter of a second


class Portion(NamedTuple):
    """What one transaction is to write."""

    rows: list[Row]
    records: list[tuple[int, Record]]
    losses: list[Loss]


class Held:
    """Readings and records in order, each with the id that it will have on the disk.

    Args:
        limit: Readings; beyond it the oldest leave and are counted by tag and time range.
    """

    def __init__(self, limit: int = READINGS) -> None:
        self._limit = limit
        self._rows: deque[Row] = deque()
        self._records: deque[tuple[int, Record]] = deque()
        self._losses: dict[tuple[str, str], Loss] = {}
        self._is_leaving = False  # a portion is on its way to the disk
        self.lost = 0  # readings that had to leave since the start

    def __bool__(self) -> bool:
        return bool(self._rows or self._records or self._losses)

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def first_id(self) -> int:
        """Id of the oldest reading, 0 where there is none."""
        return self._rows[0].id if self._rows else 0

    def take(self, readings: Iterable[Reading], first: int, delivered: int) -> list[Row]:
        """Hold *readings* under ids from *first* on; those that no disk could keep are counted and left out.

        Args:
            readings: In order.
            first: Above every id given before.
            delivered: Id up to which every receiver has what it is to get.
        """
        kept, rejected = sift(readings)
        self._lose(as_losses(rejected))
        rows = [Row(number, *reading) for number, reading in enumerate(kept, first)]
        self._rows.extend(rows)
        # Those on their way to the disk are not dropped: it may take them.
        bound = 2 * self._limit if self._is_leaving else self._limit
        while len(self._rows) > bound:
            self._drop(self._rows.popleft(), delivered)
        return rows

    def take_first(self, rows: Iterable[Row]) -> None:
        """Hold *rows*, older than all others, that have their ids and that receivers may have."""
        self._rows.extendleft(reversed(list(rows)))

    def lose(self, readings: Sequence[Reading]) -> None:
        """Count readings for which there was no room at all."""
        kept, rejected = sift(readings)
        self._lose(as_losses(rejected))
        for reading in kept:
            self._drop(Row(0, *reading), -1)

    def take_records(self, records: Iterable[Record], first: int) -> None:
        """Hold *records* under ids from *first* on; of states of the agent's health the newest counts."""
        for number, record in enumerate(records, first):
            if record.kind == "health":
                self._records = deque(one for one in self._records if one[1].kind != "health")
            self._records.append((number, record))
        while len(self._records) > RECORDS:
            self._records.popleft()

    def rows(self, first: int, last: int, limit: int) -> list[Row]:
        """Up to *limit* of the oldest held from id *first* to *last*."""
        return list(islice((row for row in self._rows if first <= row.id <= last), limit))

    def records(self, mark: int, limit: int) -> list[tuple[int, Record]]:
        """Up to *limit* of the oldest held after id *mark*, with their ids."""
        return list(islice((one for one in self._records if one[0] > mark), limit))

    def newest_rows(self) -> dict[str, Row]:
        """The newest held reading of each tag."""
        return {row.tag: row for row in self._rows}

    def newest_records(self, kind: Kind, key: str | None) -> dict[str, Record]:
        """The newest held record of each key of *kind*; of *key* alone, where given."""
        return {one.key: one for _, one in self._records if one.kind == kind and key in {None, one.key}}

    def portion(self) -> Portion:
        """What is to be written next; then `settle` or `give_back` it."""
        losses, self._losses = list(self._losses.values()), {}
        self._is_leaving = True
        return Portion(list(islice(self._rows, PORTION)), list(self._records), losses)

    def settle(self, portion: Portion) -> None:
        """It is on the disk."""
        self._is_leaving = False
        while portion.rows and self._rows and self._rows[0].id <= portion.rows[-1].id:
            self._rows.popleft()
        while portion.records and self._records and self._records[0][0] <= portion.records[-1][0]:
            self._records.popleft()

    def give_back(self, portion: Portion) -> None:
        """The disk has refused it."""
        self._is_leaving = False
        self._lose(portion.losses)

    def _drop(self, row: Row, delivered: int) -> None:
        self.lost += 1
        self._lose([Loss(row.tag, REFUSED, row.ts_ms, row.ts_ms, 1, int(row.id > delivered))])

    def _lose(self, losses: Iterable[Loss]) -> None:
        for one in losses:
            old = self._losses.get((one.tag, one.reason))
            self._losses[one.tag, one.reason] = one if old is None else old.joined(one)
