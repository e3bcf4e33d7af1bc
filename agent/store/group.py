"""What one transaction of the running agent writes, and what it has written."""

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from agent.store.errors import StorageError
from agent.store.findings import add_records, put_back_records
from agent.store.held import Portion
from agent.store.log import Log
from agent.store.records import Record, Row
from agent.store.sifting import sift
from drivers.reading import Reading


class Group:
    """What the next transaction will write, and who waits for it."""

    def __init__(self) -> None:
        self.readings: list[Reading] = []
        self.records: list[Record] = []
        self.works: list[Callable[[Log], None]] = []
        self.portion: Portion | None = None  # of what was held while the disk refused; written before all else
        self.floor = self.record_floor = 0  # receivers know ids up to these: none of them is given again
        self.early: list[Row] = []  # its readings, where receivers could not wait until they are on the disk
        self.done: asyncio.Future[StorageError | None] = asyncio.get_running_loop().create_future()
        # The same for who only gives: at the latest when it is done, and before where it is held for certain.
        self.taken: asyncio.Future[StorageError | None] = asyncio.get_running_loop().create_future()

    def number(self, first: int) -> list[Row]:
        """Its readings under the ids, from *first* on, that the log is giving them."""
        kept, _ = sift(self.readings)
        self.early = [Row(number, *reading) for number, reading in enumerate(kept, first)]
        return self.early

    def end(self, error: StorageError | None) -> None:
        """It is done, or why not."""
        self.done.set_result(error)
        if not self.taken.done():
            self.taken.set_result(error)

    def break_off(self, error: BaseException) -> None:
        """A bug ended it: who waits gets to know."""
        self.done.set_exception(error)
        if not self.taken.done():
            self.taken.set_exception(error)

    def perform(self, log: Log) -> "Written":
        """One transaction, on the writer's thread."""
        with log.transaction():
            log.go_on_after(self.floor)
            if self.record_floor:
                log.number_records_after(self.record_floor)
            if self.portion:
                log.put_back(self.portion.rows)
                put_back_records(log, self.portion.records)
                log.lose(self.portion.losses)
            rows, rejected = log.insert(self.readings)
            add_records(log, self.records)
            for work in self.works:
                work(log)
        return Written(log.named(rows), rejected, log.last_id, log.last_record_id)


class Written(NamedTuple):
    """What a transaction has written."""

    rows: list[Row]
    rejected: int
    last_id: int
    last_record_id: int
