"""A window is found by source time wherever it lies in the log, and a horizon hides what came later."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from agent.store.columns import columns
from agent.store.errors import StorageError
from agent.store.log import Log
from agent.store.reader import Reader
from agent.store.records import Record
from agent.store.settings import StorageSettings
from agent.store.writer import Store
from drivers.reading import Reading


def write(settings: StorageSettings, readings: list[Reading], *, imported: bool = False) -> None:
    """Append *readings* in one transaction."""
    with Log(settings.path) as log, log.transaction():
        log.insert(readings, imported=imported)


def test_history_is_told_by_its_times_as_far_as_it_is_new(settings: StorageSettings) -> None:
    """A span that was read in part, or that the horizon cuts, counts with its own part; live rows do not at all."""
    history = [Reading("flow", ts_ms, 1.0, 192) for ts_ms in (9_000, 1_000, 2_000, 3_000)]
    write(settings, [Reading("flow", 50_000, 1.0, 192)])
    write(settings, history, imported=True)
    write(settings, [Reading("flow", 60_000, 1.0, 192)])

    with Reader(settings.path) as reader, Reader(settings.path, horizon=4) as early:
        assert reader.history(0) == [(1_000, 9_000)]
        assert reader.history(2) == [(1_000, 3_000)]
        assert reader.history(5) == []
        assert early.history(3) == [(2_000, 2_000)]


def test_a_window_finds_live_late_and_imported_rows(settings: StorageSettings) -> None:
    """The log is in the order of arrival; a window is by source time, its end not included."""
    write(settings, [Reading("flow", ts_ms, float(ts_ms), 192) for ts_ms in (5_000, 6_000, 7_000)])
    write(settings, [Reading("flow", ts_ms, float(ts_ms), 192) for ts_ms in (1_000, 2_000, 6_500)], imported=True)
    write(settings, [Reading("flow", 5_500, 5_500.0, 192), Reading("level", 5_500, 2.0, 192)])

    with Reader(settings.path) as reader:
        window = reader.window(["flow"], 2_000, 7_000)
        arrays = columns(reader, ["flow", "nonsense"], 2_000, 7_000)

    assert [row.ts_ms for row in window] == [5_000, 6_000, 2_000, 6_500, 5_500]
    assert arrays["flow"].times_ms.tolist() == [2_000, 5_000, 5_500, 6_000, 6_500]
    assert arrays["flow"].values.tolist() == [2_000.0, 5_000.0, 5_500.0, 6_000.0, 6_500.0]
    assert len(arrays["nonsense"].times_ms) == 0


@pytest.mark.parametrize("together", [7, 4_096, 5_000, 50_000])
def test_a_window_visits_only_the_spans_that_overlap_it(settings: StorageSettings, together: int) -> None:
    """Ten minutes of a year must not cost a year, however many rows came at once."""
    rows = [Reading("flow", 1_000 * second, 1.0, 192) for second in range(50_000)]
    with Log(settings.path) as log, log.transaction():
        for start in range(0, 50_000, together):
            log.insert(rows[start : start + together])
    with Reader(settings.path) as reader:
        places = list(reader._places(20_480_000, 21_080_000))  # noqa: SLF001 - what is visited has no other sign

    assert places == [(20_481, 24_576)]


def test_bad_readings_are_holes_with_their_quality(settings: StorageSettings) -> None:
    """An analysis sees that there was a reading and why it has no number; a text is no number either."""
    write(
        settings,
        [
            Reading("flow", 1_000, 36.0, 192),
            Reading("flow", 2_000, None, 16, "no sensor"),
            Reading("flow", 3_000, 3, 64),
            Reading("flow", 4_000, "off", 192),
        ],
    )
    with Reader(settings.path) as reader:
        flow = columns(reader, ["flow"], 0, 9_000)["flow"]

    np.testing.assert_array_equal(flow.values, [36.0, np.nan, 3.0, np.nan])
    assert flow.quality.tolist() == [192, 16, 64, 192]
    assert [array.dtype.name for array in flow] == ["int64", "float64", "int16"]


def test_of_equal_times_the_row_written_last_counts(settings: StorageSettings) -> None:
    """At-least-once delivery and imports repeat themselves; a mean must not count a reading twice."""
    write(settings, [Reading("flow", 1_000, 1.0, 192), Reading("flow", 2_000, 2.0, 192)])
    write(settings, [Reading("flow", 1_000, 9.0, 192)])
    with Reader(settings.path) as reader:
        flow = columns(reader, ["flow"], 0, 9_000)["flow"]

    assert flow.times_ms.tolist() == [1_000, 2_000]
    assert flow.values.tolist() == [9.0, 2.0]


def test_nothing_beyond_the_horizon_is_seen(settings: StorageSettings) -> None:
    """A job repeated from the same mark and horizon gives the same result, whatever came in meanwhile."""
    write(settings, [Reading("flow", 1_000 * second, float(second), 192) for second in range(10)])
    with Reader(settings.path) as reader:
        horizon = reader.id_at(4_500)
    with Reader(settings.path, horizon) as reader:
        seen = (
            horizon,
            reader.last_id,
            [row.id for row in reader.after(2, 99)],
            [row.id for row in reader.after(0, 99, ["flow"])],
            [row.id for row in reader.window(["flow"], 3_000, 9_000)],
            reader.latest()["flow"].value,
            reader.id_at(9_000),
        )

    assert seen == (5, 5, [3, 4, 5], [1, 2, 3, 4, 5], [4, 5], 4.0, 5)


def test_rows_of_some_tags_come_in_pages(settings: StorageSettings) -> None:
    """A job reads on from its mark; the limit counts the rows it gets, not the ones skipped."""
    write(settings, [Reading(f"t{number % 7}", number, 1.0, 192) for number in range(1_000)])
    with Reader(settings.path) as reader:
        first = reader.after(0, 5, ["t3", "t5"])
        rest = reader.after(first[-1].id, 10_000, ["t3", "t5"])

    assert [row.id for row in first + rest] == [number + 1 for number in range(1_000) if number % 7 in {3, 5}]


def test_an_empty_log_answers(settings: StorageSettings) -> None:
    """The first job runs before the first reading."""
    with Reader(settings.path) as reader:
        assert (reader.last_id, reader.id_at(2**40), reader.after(0, 9), reader.latest()) == (0, 0, [], {})
        assert (reader.newest("pump"), reader.job_state("gaps"), reader.losses(), reader.units) == (
            [],
            (0, None),
            [],
            {},
        )
        assert columns(reader, ["flow"], 0, 9)["flow"].values.tolist() == []


async def test_the_newest_record_of_each_key(settings: StorageSettings) -> None:
    """What is retained on the broker: one of each pump, the last one said."""
    said = [Record("pump", f"p{number % 2}", number, b"%d" % number) for number in range(5)]
    async with Store(settings) as store:
        await store.record([*said, Record("alarm", "p0", 9, b"{}")])
        newest = await store.newest("pump")

    with Reader(settings.path) as reader:
        assert newest == reader.newest("pump") == [said[4], said[3]]
        assert reader.newest("pump", "p1") == [said[3]]
        assert reader.records("pump", 1, 4) == said[1:4]


async def test_units_are_told_by_name(settings: StorageSettings) -> None:
    """Export and page need them; a tag is known before its first reading."""
    async with Store(settings) as store:
        await store.describe({"flow": "m3/h", "level": "m"})
        await store.append([Reading("flow", 1_000, 1.0, 192), Reading("speed", 1_000, 1.0, 192)])

    with Reader(settings.path) as reader:
        assert reader.units == {"flow": "m3/h", "level": "m", "speed": ""}


def test_a_missing_database_is_said_in_a_sentence(settings: StorageSettings) -> None:
    """`status` before the first run."""
    path = settings.path.with_name("none.db")

    with pytest.raises(StorageError, match=r"none\.db cannot be opened; check that"), Reader(path) as reader:
        assert reader.last_id == 0


def test_a_reader_cannot_write(settings: StorageSettings) -> None:
    """Two writing connections may corrupt the file, so the others must be unable to, even when they close last."""
    write(settings, [Reading("flow", 1_000, 1.0, 192)])
    wal = settings.path.with_name(settings.path.name + "-wal")
    with Log(settings.path) as log:
        with log.transaction():
            log.insert([Reading("flow", 2_000, 1.0, 192)])
        size = wal.stat().st_size
        with Reader(settings.path) as reader:
            assert reader.last_id == 2
            with pytest.raises(sqlite3.OperationalError, match="readonly"):
                reader._db.execute("DELETE FROM reading")  # noqa: SLF001 - nothing public even tries

        assert wal.stat().st_size == size


steps = st.lists(
    st.tuples(
        st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 30)), min_size=1, max_size=5),
        st.booleans(),  # imported
        st.booleans(),  # with a crash behind it
    ),
    max_size=8,
)


@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps, horizon=st.integers(0, 40))
def test_latest_and_window_agree_with_a_plain_list(
    steps: list[tuple[list[tuple[str, int]], bool, bool]], horizon: int, settings: StorageSettings
) -> None:
    """At any horizon, with checkpoints anywhere, imported rows before, between and after live ones."""
    path = fresh(settings)
    plain: list[tuple[int, str, int, bool]] = []
    for batch, is_imported, is_crash in steps:
        with Log(path) as log:
            with log.transaction():
                log.insert([Reading(tag, ts_ms, 1.0, 192) for tag, ts_ms in batch], imported=is_imported)
            after = crashed(path) if is_crash else path
        path = after
        plain += [(len(plain) + number, tag, ts_ms, is_imported) for number, (tag, ts_ms) in enumerate(batch, 1)]

    seen = [row for row in plain if row[0] <= horizon]
    latest = {tag: number for number, tag, _, is_imported in seen if is_imported}
    latest |= {tag: number for number, tag, _, is_imported in seen if not is_imported}
    with Reader(path, horizon) as reader:
        assert {tag: row.id for tag, row in reader.latest().items()} == latest
        assert [row.id for row in reader.window(["a", "c"], 5, 20)] == [
            number for number, tag, ts_ms, _ in seen if tag in {"a", "c"} and 5 <= ts_ms < 20
        ]
        assert [row.id for row in reader.appended(2, 30, 7)] == [
            number for number, _, _, is_imported in plain if 2 <= number <= 30 and not is_imported
        ][:7]
    with Log(path) as log:
        everything = {tag: number for number, tag, _, is_imported in plain if is_imported}
        everything |= {tag: number for number, tag, _, is_imported in plain if not is_imported}
        assert {row.tag: row.id for row in log.latest()} == everything
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def fresh(settings: StorageSettings) -> Path:
    """A new empty database."""
    path = settings.path.with_name(f"{uuid4()}.db")
    shutil.copy(settings.path, path)
    return path


def crashed(path: Path) -> Path:
    """What a crash now would leave: without a last checkpoint of the latest values."""
    copy = path.with_name(f"{uuid4()}.db")
    shutil.copy(path, copy)
    shutil.copy(f"{path}-wal", f"{copy}-wal")
    return copy
