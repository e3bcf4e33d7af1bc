"""What a run of the quality and gaps jobs costs after 1, 7 and 30 days of log, and by new readings and gaps.

`make bench-incremental` writes the log of eight tags, one reading each 10 s, filled by `auto`, and prints for each
length of log the milliseconds of CPU of a run (median of seven) that finds 16 new readings, ten times as many, as many
with one gap that has just ended, and with four; and one that finds the end of a gap of forty minutes, of which other
days tell. `ARGS="--days 1,7"`.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path

import numpy as np

from agent.jobs import gaps, quality, rollup
from agent.jobs.job import Job, JobContext
from drivers.reading import Reading
from tests.agent.history import START_MS, History, history, reading

PERIOD_S = 10
DAY_S = 86_400
Kinds = tuple[tuple[int, tuple[str, ...]], ...]
TAGS: Mapping[str, str] = {
    "p1.power": "kW",
    "p1.speed": "",
    "p2.power": "kW",
    "p2.speed": "",
    "main.flow": "m3/h",
    "main.pressure": "bar",
    "tank.level": "m",
    "tank.inflow": "m3/h",
}
PLANT = {
    "header": [{"id": "main", "pressure": ["main.pressure"], "flow": ["main.flow"]}],
    "pump": [
        {"id": f"p{number}", "header": "main", "power": f"p{number}.power", "speed": f"p{number}.speed"}
        for number in (1, 2)
    ],
}
REPEATS = 7
JOBS: Mapping[str, Job] = {"quality": quality.run, "gaps": gaps.run}


def polled(first: int, last: int, silent: Iterable[str] = ()) -> list[Reading]:
    """Readings from second *first* up to *last*; *silent* tags have missed all but the first and the last two."""
    seconds = np.arange(first, last, PERIOD_S)
    noise = np.random.default_rng(first).normal(0.0, 0.1, (len(seconds), len(TAGS)))
    values = 20.0 + 5.0 * np.sin(seconds / 900.0)[:, None] + noise
    is_lost = (seconds > first) & (seconds < last - 2 * PERIOD_S)
    return [
        reading(name, START_MS + 1_000 * int(second), float(value))
        for second, row, lost in zip(seconds, values, is_lost, strict=True)
        for name, value in zip(TAGS, row, strict=True)
        if not (lost and name in silent)
    ]


class Clock:
    """A station that goes on from the end of its log.

    Args:
        past: Its log.
        second: Where that ends.
    """

    def __init__(self, past: History, second: int) -> None:
        self._past = past
        self._second = second

    def run(self, name: str, job: Job) -> float:
        """Seconds of CPU of one run, whose outcome is kept."""
        with self._past.reader() as reader:
            mark, state = reader.job_state(name)
            context = JobContext(self._past.settings, reader, mark, state, START_MS + 1_000 * self._second)
            began = time.process_time()
            outcome = job(context)
            took = time.process_time() - began
        self._past.keep(name, outcome)
        return took

    def mark(self, name: str) -> int:
        """How far a job has come."""
        with self._past.reader() as reader:
            return reader.job_state(name)[0]

    def after(self, seconds: int, silent: Iterable[str], name: str, job: Job) -> float:
        """The same once so many more *seconds* were read."""
        self._past.append(polled(self._second, self._second + seconds, silent))
        self._second += seconds
        return self.run(name, job)


def log_of(past: History, days: int) -> Clock:
    """So many days, which both jobs have been through."""
    for hour in range(24 * days):
        past.append(polled(3_600 * hour, 3_600 * (hour + 1)))
    clock = Clock(past, DAY_S * days)
    with past.reader() as reader:
        last_id = reader.last_id
    for name, job in (*JOBS.items(), ("rollup", rollup.run)):
        while clock.mark(name) < last_id:
            clock.run(name, job)
    return clock


def main() -> None:
    """Print one line a length of log and job."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", default="1,7,30")
    days = [int(each) for each in parser.parse_args().days.split(",")]
    tags = {name: {"unit": unit, "fill": "auto", "period": PERIOD_S} for name, unit in TAGS.items()}
    print("milliseconds of CPU a run     16 new   160 new   one gap   four gaps  long gap")
    for length in days:
        with tempfile.TemporaryDirectory() as folder, history(Path(folder), tags, **PLANT) as past:
            clock = log_of(past, length)
            for name, job in JOBS.items():
                after = partial(clock.after, name=name, job=job)
                kinds: Kinds = (
                    (20, ()),
                    (200, ()),
                    (200, ("main.flow",)),
                    (200, tuple(TAGS)[:4]),
                    (2_400, ("main.flow",)),
                )
                took = [statistics.median(after(seconds, silent) for _ in range(REPEATS)) for seconds, silent in kinds]
                cells = "".join(f"{1_000 * each:10.1f}" for each in took)
                print(f"{length:3d} days of log, {name:8s} {cells}", flush=True)


if __name__ == "__main__":
    main()
