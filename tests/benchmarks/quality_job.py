"""The whole quality job over an hour of a station, run by run: readings a second of CPU.

Reading the log, judging each tag, holding tags against each other and reporting, a minute of readings a run; the
database is written beforehand. Of the demo's station and, where its recording is there, of the real one.

`python -m tests.benchmarks.quality_job` prints it alone; `make bench-quality` does at its end.
"""

import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from agent.configuration.config_file import load
from agent.demo.meters import lagged, shown
from agent.demo.plant import initial, step
from agent.jobs import quality
from agent.jobs.job import JobContext
from agent.store.log import Log
from agent.store.schema import migrate
from drivers.reading import Quality, Reading
from tests import real_station
from tests.agent.history import START_MS, History, history
from tests.benchmarks.station import START, polls, station

RUN_S = 60
REPEATS = 5
SENTINEL = 3276.7
HOUR_S = 3_600
DEMO = Path(__file__).parents[2] / "config" / "demo.toml"


@contextmanager
def real(folder: Path) -> Iterator[History]:
    """The recorded hour, as its pollers deliver it."""
    values = station()
    with history(folder, real_station.tags(values), **real_station.plant()) as past:
        for readings in polls(values):
            past.append([_seen(one) for one in readings])
        yield past


def _seen(one: Reading) -> Reading:
    moved = one._replace(ts_ms=one.ts_ms - START + START_MS + 100)
    if moved.value == SENTINEL:
        return moved._replace(value=None, quality=Quality.SENSOR_FAILURE, reason="no sensor")
    return moved


@contextmanager
def simulated(folder: Path) -> Iterator[History]:
    """The demo's station in the morning."""
    rng = Random(1)
    state = initial(8.0 * HOUR_S, rng)
    inside = lagged({}, state, 0.0)
    settings = load(DEMO)
    settings = settings.model_copy(update={"storage": settings.storage.model_copy(update={"path": folder / "demo.db"})})
    migrate(settings.storage.path)
    with Log(settings.storage.path) as log:
        past = History(settings, log)
        for second in range(HOUR_S):
            state = step(state, 1.0, rng)
            inside = lagged(inside, state, 1.0)
            ts_ms = START_MS + 1_000 * second + 100
            values = shown(inside, rng).items()
            past.append(
                Reading(tag.name, ts_ms, value, Quality.GOOD)
                for device in settings.devices
                for tag in device.tags
                for name, value in values
                if name == tag.name and second % round(tag.period or device.period) == 0
            )
        yield past


def hour(past: History) -> tuple[float, list[bytes]]:
    """Seconds of CPU that the job takes for all of it, run by run, and what it says; nothing is kept."""
    mark, state, took, said = 0, None, 0.0, list[bytes]()
    with past.reader() as reader:
        ends = [reader.id_at(START_MS + 1_000 * end) for end in range(RUN_S, HOUR_S + 1, RUN_S)]
    with past.reader() as reader:
        for number, end in enumerate(ends):
            reader.horizon = end
            now_ms = START_MS + 1_000 * RUN_S * (number + 1)
            began = time.process_time()
            outcome = quality.run(JobContext(past.settings, reader, mark, state, now_ms))
            took += time.process_time() - began
            mark, state = outcome.mark, outcome.state
            said += [record.body for record in outcome.records]
            said.append(repr(sorted(outcome.counts.items())).encode())
    said.append(state or b"")
    return took, said


def main() -> None:
    """Print one line a station."""
    stations = [("simulated", simulated), *([("real", real)] if real_station.FOLDER.is_dir() else [])]
    for name, made in stations:
        with tempfile.TemporaryDirectory() as folder, made(Path(folder)) as past:
            with past.reader() as reader:
                rows = reader.last_id
            took = statistics.median(hour(past)[0] for _ in range(REPEATS))
        runs = HOUR_S // RUN_S
        print(
            f"the whole job, {name} station: {rows / took:,.0f} readings a second of CPU"
            f" ({rows:,} readings in {runs} runs, {1_000 * took / runs:.0f} ms a run)"
        )


if __name__ == "__main__":
    main()
