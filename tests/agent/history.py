"""A real store with history in it, and jobs run over it as the worker runs them."""

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agent.jobs.job import Job, JobContext, Outcome
from agent.settings import AgentSettings
from agent.store.findings import add_filled, add_records, finish
from agent.store.log import Log
from agent.store.reader import Reader
from agent.store.records import Filled, Record
from agent.store.schema import migrate
from drivers.reading import Quality, Reading

START_MS = 1_772_366_400_000  # 2026-03-01 12:00 UTC


class History:
    """A database that a test appends to; jobs see all of it."""

    def __init__(self, settings: AgentSettings, log: Log) -> None:
        self.settings = settings
        self._log = log

    def append(self, readings: Iterable[Reading], *, imported: bool = False) -> None:
        """Keep *readings*, as the poller does, or an import."""
        with self._log.transaction():
            self._log.insert(list(readings), imported=imported)

    def series(
        self,
        tag: str,
        values: Iterable[float],
        *,
        start_ms: int = START_MS,
        step_ms: int = 1_000,
        imported: bool = False,
    ) -> None:
        """Keep one good reading a step; infinite is a bad one, NaN is none at all."""
        found = [reading(tag, start_ms + step_ms * i, value) for i, value in enumerate(values) if not math.isnan(value)]
        self.append(found, imported=imported)

    def columns(self, values: Mapping[str, Iterable[float]], *, start_ms: int = START_MS) -> None:
        """The same of many tags, a reading a second, in one commit: hundreds of them take a busy disk a minute."""
        self.append(
            reading(tag, start_ms + 1_000 * i, value)
            for tag, column in values.items()
            for i, value in enumerate(column)
            if not math.isnan(value)
        )

    def fill(self, filled: Iterable[Filled]) -> None:
        """Keep *filled* beside the log."""
        with self._log.transaction():
            add_filled(self._log, filled)

    def record(self, records: Iterable[Record]) -> None:
        """Keep *records*."""
        with self._log.transaction():
            add_records(self._log, records)

    def reader(self) -> Reader:
        """Of everything."""
        return Reader(self.settings.storage.path)

    def perform(self, name: str, job: Job, now_ms: int) -> Outcome:
        """Run *job* at *now_ms* and keep what it found."""
        with self.reader() as reader:
            mark, state = reader.job_state(name)
            outcome = job(JobContext(self.settings, reader, mark, state, now_ms))
        self.keep(name, outcome, now_ms)
        return outcome

    def keep(self, name: str, outcome: Outcome, now_ms: int = START_MS) -> None:
        """Keep what a job found."""
        with self._log.transaction():
            finish(self._log, name, outcome, took_ms=1, now_ms=now_ms)


def reading(tag: str, ts_ms: int, value: float) -> Reading:
    """A good reading, or a bad one where the value is not finite."""
    if math.isfinite(value):
        return Reading(tag, ts_ms, float(value), Quality.GOOD)
    return Reading(tag, ts_ms, None, Quality.COMM_FAILURE, "the device is silent")


@contextmanager
def history(folder: Path, tags: Mapping[str, Mapping[str, Any]], **plant: Any) -> Iterator[History]:
    """An empty store of a station with *tags* (by name: unit, fill ...) on one device, and the rest of *plant*."""
    rows = [
        {"name": name, "address": f"holding:{4 * i}", "type": "float32", **keys}
        for i, (name, keys) in enumerate(tags.items())
    ]
    device = {"name": "plc", "protocol": "modbus-tcp", "host": "192.0.2.1", "tag": rows}
    path = folder / "station.db"
    settings = AgentSettings.model_validate(
        {"station": {"name": "test"}, "device": [device], "storage": {"path": path}, **plant}
    )
    migrate(path)
    with Log(path) as log:
        yield History(settings, log)
