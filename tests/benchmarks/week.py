"""A week of a station in simulated time: flat memory, and the disk that `status` foretold.

``python -m tests.benchmarks.week [TAGS] [DAYS]``. The parts are those of the agent: the store with its writing
thread, the worker with the jobs that roll up and seal, and retention; only the clock is not. A week of 250 tags at
1 s is 151 million readings, half an hour or more on two cores of one's own; by default a tenth of the tags have
their whole week, and all of them some hours. What a reading takes and costs does not depend on how many tags there
are, because blocks are as long for each tag.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from agent.jobs.settings import JobsSettings
from agent.schedule import enabled
from agent.settings import AgentSettings
from agent.store.disk import DiskForecast, disk_forecast, disk_use
from agent.store.opening import prepare
from agent.store.reader import Reader
from agent.store.records import Record
from agent.store.retention import retain
from agent.store.settings import StorageSettings
from agent.store.writer import Store
from agent.worker import Task, Worker
from drivers.reading import Reading
from tests.benchmarks.station import HOUR, polls, station

DAY = 86_400
TOGETHER = 60  # s of readings an append: 10,000 waits for the disk in a week, not 600,000
KEEP_DAYS, KEEP_ROLLUP_DAYS = 4.0, 5.0  # so that the last days of the week are as all later ones
BUDGET = 600.0
JOBS = ("rollup", "seal")
MEGABYTE = 1_000_000
FORETOLD = 2  # the day at whose end the others are foretold


def settings(path: Path, tags: Sequence[str]) -> AgentSettings:
    """An agent whose only jobs are the store's own."""
    off = {job: {"enabled": False} for job in enabled(JobsSettings()) if job not in JOBS}
    listed = [{"name": tag, "address": f"holding:{place}"} for place, tag in enumerate(tags)]
    storage = StorageSettings(
        path=path, keep_days=KEEP_DAYS, keep_rollup_days=KEEP_ROLLUP_DAYS, commit_interval=1e-6, ballast_mb=0
    )
    return AgentSettings.model_validate(
        {
            "station": {"name": "week"},
            "storage": storage.model_dump(),
            "jobs": off,
            "device": [{"name": "plc", "protocol": "modbus-tcp", "host": "192.0.2.1", "tag": listed}],
        }
    )


class Week:
    """The station's days, one after the other."""

    def __init__(self, agent: AgentSettings, store: Store, worker: Worker) -> None:
        self._agent, self._store, self._worker = agent, store, worker
        self._path = agent.storage.path
        self.most = 0.0  # MB in use at once, of the present day

    async def day(self, seconds: Iterator[list[Reading]], length: int) -> None:
        """Take in *length* seconds, with the jobs each quarter of an hour, and retention each hour."""
        self.most = 0.0
        for start in range(0, length, TOGETHER):
            readings = [reading for _ in range(TOGETHER) for reading in next(seconds)]
            await self._store.append(readings)
            now_ms = readings[-1].ts_ms
            await self._store.record([Record("health", "", now_ms - 10_000 * n, bytes(800)) for n in range(5, -1, -1)])
            if start % 900 == 0:
                with Reader(self._path) as reader:
                    self.most = max(self.most, reader.ask(disk_use).bytes / MEGABYTE)
                for job in JOBS:
                    await self._run(job, now_ms)
            if start % 3_600 == 0:
                await retain(self._store, self._agent.storage, now_ms)

    async def _run(self, job: str, now_ms: int) -> None:
        while True:
            outcome = await self._worker.run(Task(job, self._store.last_id, now_ms), BUDGET)
            await self._store.finish(job, outcome, now_ms, 1)
            if job == "seal" or outcome.mark >= self._store.last_id:
                return


def resident(pid: int | None) -> float:
    """MB of memory that a process has."""
    if pid is None:
        return 0.0
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MEGABYTE


def open_files() -> int:
    """Of this process."""
    return len(list(Path("/proc/self/fd").iterdir()))


def foretold(most: float, forecast: DiskForecast, days: int) -> float:
    """MB that will hold something so many days later, as `status` reckons it; *most* did on the day before them."""
    return min(most + days * forecast.growth_mb, forecast.settled_mb)


async def run(path: Path, count: int, days: float) -> None:
    """Print a line a day."""
    values = dict(list(station().items())[:count])
    agent, began, cpu = settings(path, list(values)), time.perf_counter(), time.process_time()
    await prepare(path)
    print(f"{count} tags at 1 s, {days:g} days; readings are kept {KEEP_DAYS:g} days, rollups {KEEP_ROLLUP_DAYS:g}")
    print("  day  readings  readings/s   writer MB  worker MB  open files   most MB  foretold MB    file MB  B/reading")
    seconds = polls(values, round(days * DAY))
    async with Store(agent.storage) as store, Worker(agent) as worker:
        week, basis = Week(agent, store, worker), None
        for day in range(1, max(1, round(days)) + 1):
            await week.day(seconds, round(min(days, 1.0) * DAY))
            with Reader(path) as reader:
                use = reader.ask(disk_use)
            told = "" if basis is None else f"{foretold(*basis, day - FORETOLD):.1f}"
            if day == FORETOLD:
                basis = week.most, disk_forecast(use, agent.storage)
            took, files = time.perf_counter() - began, open_files()
            figures = f"{store.last_id:9} {store.last_id / took:11,.0f} {resident(os.getpid()):11.1f}"
            sizes = f"{week.most:9.1f} {told:>12} {use.file_bytes / MEGABYTE:10.1f} {use.sealed_bytes:10.3f}"
            print(f"  {day:3} {figures} {resident(worker.pid):10.1f} {files:11} {sizes}", flush=True)
        if basis:
            print(f"  settled, as foretold at the end of day {FORETOLD}: {basis[1].settled_mb:.1f} MB")
        print(f"  writer: {1e6 * (time.process_time() - cpu) / store.last_id:.2f} µs of processor time a reading")


def main() -> None:
    """As named on the command line, else a tenth of the station for a week and all of it for some hours."""
    if not HOUR.exists():
        print(f"{HOUR} is missing; there is nothing to measure with")
        return
    rounds = [(int(sys.argv[1]), float(sys.argv[2]))] if len(sys.argv) > 1 else [(25, 7.0), (250, 0.25)]
    for count, days in rounds:
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(run(Path(folder) / "week.db", count, days))


if __name__ == "__main__":
    main()
