"""What a run reads of the log: its new readings and a bounded past, however long the log is."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np

from agent.clock.marks import DOUBT
from agent.jobs import gaps, quality
from agent.jobs.job import Job, JobContext, Outcome
from agent.jobs.judged.carried import MOST_ROWS, Carried
from agent.store.columns import Arrivals
from agent.store.reader import NEWEST, Reader
from agent.store.rows import Part
from agent.store.strips import Arithmetic
from agent.store.zones import Stored
from drivers.reading import Quality, Reading
from tests.agent.history import START_MS, History, history, reading

TAGS = ("p1.power", "p1.speed", "main.flow", "main.pressure")
PLANT = {
    "header": [{"id": "main", "pressure": ["main.pressure"], "flow": ["main.flow"]}],
    "pump": [{"id": "p1", "header": "main", "power": "p1.power", "speed": "p1.speed", "rated_speed": 1.0}],
}
UNITS = {"p1.power": "kW", "p1.speed": "", "main.flow": "m3/h", "main.pressure": "bar"}
PAST = 1_800  # cells that a method of the gaps job learns from


class Counting(Reader):
    """Counts the rows it has read."""

    rows = 0

    def stored_after(self, mark: int, limit: int, tags: Collection[str] | None = None) -> list[Stored]:
        """As of any reader."""
        found = super().stored_after(mark, limit, tags)
        self.rows += len(found)
        return found

    def parts(
        self, tags: Collection[str], start_ms: int, end_ms: int, arithmetic: Arithmetic, upto: int = NEWEST
    ) -> Iterator[tuple[int, int, Part]]:
        """As of any reader."""
        for first, last, part in super().parts(tags, start_ms, end_ms, arithmetic, upto):
            self.rows += len(part.rows)
            yield first, last, part


def station(folder: Path, fill: str = "linear") -> AbstractContextManager[History]:
    """Four tags of one pump, polled each second."""
    tags = {name: {"unit": unit, "fill": fill} for name, unit in UNITS.items()}
    return history(folder, tags, **PLANT)


def polled(first: int, last: int) -> list[Reading]:
    """What is read from second *first* up to *last*."""
    random = np.random.default_rng(first)
    noise = random.normal(0.0, 0.1, (last - first, len(TAGS)))
    return [
        reading(name, START_MS + 1_000 * second, 10.0 + 3.0 * np.sin(second / 40.0) + noise[second - first, place])
        for second in range(first, last)
        for place, name in enumerate(TAGS)
    ]


def holed(first: int, last: int, holes: tuple[tuple[int, int], ...]) -> list[Reading]:
    """The same, with holes in the flow: seconds from *first*."""
    lost = {START_MS + 1_000 * (first + second) for begin, end in holes for second in range(begin, end)}
    return [one for one in polled(first, last) if one.tag != "main.flow" or one.ts_ms not in lost]


def doubted(readings: list[Reading]) -> list[Reading]:
    """The same by a clock that nobody believes yet."""
    return [one._replace(quality=Quality.UNCERTAIN, reason=DOUBT) for one in readings]


def run(past: History, name: str, job: Job, second: int) -> tuple[int, Outcome]:
    """The rows that a run reads, which is kept, and what it found."""
    with Counting(past.settings.storage.path) as reader:
        mark, state = reader.job_state(name)
        outcome = job(JobContext(past.settings, reader, mark, state, START_MS + 1_000 * second))
        rows = reader.rows
    past.keep(name, outcome)
    return rows, outcome


def test_the_quality_job_reads_each_row_once(tmp_path: Path) -> None:
    """It looks a minute back at the plant in each run; runs are seconds apart, so that would be most of it."""
    with station(tmp_path) as past:
        past.append(polled(0, 300))
        run(past, "quality", quality.run, 300)
        rows = []
        for second in range(300, 400, 10):
            past.append(polled(second, second + 10))
            rows.append(run(past, "quality", quality.run, second + 10)[0])

    assert rows == [40] * 10


def test_a_repeated_run_of_the_quality_job_reads_the_log_and_finds_the_same(tmp_path: Path) -> None:
    """What was kept of the last run is given away once: a process that has ended meanwhile has nothing of it."""
    with station(tmp_path) as past:
        past.append(polled(0, 300))
        run(past, "quality", quality.run, 300)
        past.append(polled(300, 310))
        with Counting(past.settings.storage.path) as reader:
            context = JobContext(past.settings, reader, *reader.job_state("quality"), START_MS + 310_000)
            once, rows = quality.run(context), reader.rows
            again, more = quality.run(context), reader.rows - rows

    assert again == once
    assert rows == 40
    assert more > 4 * 60


def test_readings_whose_time_is_doubted_are_read_again(tmp_path: Path) -> None:
    """They are dated in their place once the clock is believed, so what was read of them is not what they are."""
    with station(tmp_path) as past:
        past.append(polled(0, 300))
        run(past, "quality", quality.run, 300)
        past.append(doubted(polled(300, 310)))
        run(past, "quality", quality.run, 310)
        past.append(polled(310, 320))
        rows, _ = run(past, "quality", quality.run, 320)

    assert rows > 4 * 60


def test_the_quality_job_takes_no_rows_of_another_store(tmp_path: Path) -> None:
    """Two stations that begin alike leave the same state at the same mark, and are no less two stations."""
    (tmp_path / "other").mkdir()
    with station(tmp_path) as past, station(tmp_path / "other") as other:
        for each in (other, past):
            each.append(polled(0, 300))
            run(each, "quality", quality.run, 300)
            each.append(polled(300, 310))
        rows, _ = run(other, "quality", quality.run, 310)

    assert rows > 4 * 60


def arrivals(first: int, times_s: Sequence[int]) -> Arrivals:
    """Rows of one tag from id *first* on."""
    n = len(times_s)
    ids, times_ms = np.arange(first, first + n, dtype=np.int64), 1_000 * np.array(times_s, np.int64)
    return Arrivals(ids, np.ones(n, np.int64), times_ms, np.ones(n), np.full(n, 192, np.int16), {})


def test_one_reading_dated_ahead_does_not_hold_all_that_comes_after_it(tmp_path: Path) -> None:
    """By a day: rows of a minute are kept, and those alone, as if it had not come; what is kept has no hole."""
    kept, state = Carried(), b"state"
    for second in range(0, 600, 10):
        came = [*range(second, second + 10), *([second + 86_400] if second == 200 else [])]
        rows = kept.before(tmp_path, state, arrivals(11 * second, came))
        kept.keep(tmp_path, state, rows, (1_000 * (second - 50), 1_000 * (second + 10)))
        held = len(rows) - len(came)

        assert held <= 61, second
    assert rows.times_ms.tolist() == [1_000 * each for each in range(530, 600)]


def test_the_quality_job_holds_a_minute_although_a_reading_is_dated_ahead(tmp_path: Path) -> None:
    """One whose device has another time zone."""
    with station(tmp_path) as past:
        past.append([*polled(0, 10), reading("main.flow", START_MS + 7_200_000, 10.0)])
        for second in range(10, 300, 10):
            past.append(polled(second, second + 10))
            rows = run(past, "quality", quality.run, second + 10)[0]

    assert rows == 40
    assert len(quality.CARRIED) <= 4 * 130


def test_no_more_rows_are_kept_than_a_process_can_hold(tmp_path: Path) -> None:
    """A minute of a station with very many tags: the newest, the others are read again."""
    kept = Carried()
    kept.keep(tmp_path, None, arrivals(0, [7] * (MOST_ROWS + 5)), (0, 7_000))

    rows = kept.before(tmp_path, None, arrivals(MOST_ROWS + 5, [8]))

    assert rows.ids.tolist() == list(range(5, MOST_ROWS + 6))


def test_a_run_of_the_gaps_job_costs_the_same_however_long_the_log_is(tmp_path: Path) -> None:
    """New readings alone where there is no gap; a window of bounded length where there is one, or several in it."""
    rows: dict[int, list[int]] = {}
    for before in (2_000, 4_000):
        (tmp_path / str(before)).mkdir()
        with station(tmp_path / str(before)) as past:
            past.append(polled(0, before))
            run(past, "gaps", gaps.run, before)
            rows[before] = []
            for start, holes in ((0, ()), (20, ((3, 6),)), (40, ((3, 6), (9, 13)))):
                past.append(holed(before + start, before + start + 20, holes))
                rows[before].append(run(past, "gaps", gaps.run, before + start + 20)[0])

    none, one, two = rows[2_000]
    assert rows[4_000] == [none, one, two]
    assert none == 80
    assert one <= 80 + PAST + 40
    assert two <= 80 + PAST + 60
