"""What is sealed reads as it did before: every row by its place, every window, with whatever came late."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from agent.store.columns import columns
from agent.store.log import Log
from agent.store.reader import Reader
from agent.store.records import Row
from agent.store.rows import Rows
from agent.store.sealed_rows import keep_block, sweep
from agent.store.sealing import sealed
from agent.store.settings import StorageSettings
from drivers.reading import Reading, Value

NOON = 1_700_000_000_000


def seal(path: Path, last: int, *, swept: bool = True) -> bool:
    """Seal the log from where it is sealed to up to the span that ends with *last*."""
    with Log(path) as log:
        spans = log.db.execute("SELECT first, last, imported FROM span WHERE last <= ?", (last,)).fetchall()
        mark = (log.db.execute("SELECT id FROM mark WHERE name = 'sealed'").fetchone() or (0,))[0]
        first = min(span[0] for span in spans if span[0] > mark)
        block = sealed(Rows(log.db).between(first, last), imported=spans[-1][2])
        with log.transaction():
            done = keep_block(log, block)
        while swept:
            with log.transaction():
                if not sweep(log):
                    break
    return done


def write(path: Path, readings: Sequence[Reading], *, imported: bool = False) -> int:
    """Append *readings* as a span of their own; the id of the last."""
    with Log(path) as log:
        with log.transaction():
            log.insert(readings, imported=imported)
        return log.last_id


def everything(path: Path) -> list[Row]:
    with Reader(path) as reader:
        return reader.after(0, 1_000_000)


MIXED: list[Value] = [1.5, None, 7, "open", -0.0, 2**62, 0.1, "", None, 3276.7]


def mixed(count: int) -> list[Reading]:
    """Readings of all types and qualities, of two tags that share their times and one that does not."""
    found = []
    for n in range(count):
        value = MIXED[n % len(MIXED)]
        found.append(Reading("steady", NOON + 1_000 * n + n % 7, 36.0 + n % 5 / 10, 192))
        found.append(Reading("mixed", NOON + 1_000 * n + n % 7, value, 192 if value is not None else 24, None))
        if n % 3 == 0:
            found.append(Reading("own", NOON + 1_000 * n + 500, n, 64, f"reason {n % 2}"))
    return found


def test_rows_are_the_same_after_sealing(settings: StorageSettings) -> None:
    """Ids, tags, times, values with their types, qualities and reasons."""
    last = write(settings.path, mixed(500))
    write(settings.path, [Reading("steady", NOON + 10**7, 1.0, 192)])
    before = everything(settings.path)

    assert seal(settings.path, last)

    after = everything(settings.path)
    assert [repr(row) for row in after] == [repr(row) for row in before]
    with Log(settings.path) as log:
        assert log.db.execute("SELECT count(*) FROM reading").fetchone() == (1,)


def test_reading_on_by_small_steps_meets_every_row_once(settings: StorageSettings) -> None:
    """Across the end of a block, and for some tags only."""
    last = write(settings.path, mixed(300))
    write(settings.path, [Reading("steady", NOON + 10**7 + n, 1.0, 192) for n in range(50)])
    before = everything(settings.path)
    seal(settings.path, last)

    with Reader(settings.path) as reader:
        found, some = list[Row](), list[Row]()
        while rows := reader.after(found[-1].id if found else 0, 37):
            found += rows
        while rows := reader.after(some[-1].id if some else 0, 37, ["own", "steady"]):
            some += rows
        appended = reader.appended(100, 740, 1_000)

    assert found == before
    assert some == [row for row in before if row.tag in {"own", "steady"}]
    assert appended == [row for row in before if 100 <= row.id <= 740]


def test_a_horizon_cuts_a_block(settings: StorageSettings) -> None:
    """A job that repeats a run over history sees nothing of what came later."""
    last = write(settings.path, mixed(300))
    write(settings.path, [Reading("steady", NOON + 10**7, 1.0, 192)])
    horizon = 250
    with Reader(settings.path, horizon) as reader:
        before = reader.after(0, 10_000), reader.latest(), reader.id_at(NOON + 50_250)
        arrays = columns(reader, ["steady", "mixed"], NOON, NOON + 10**8)
    seal(settings.path, last)

    with Reader(settings.path, horizon) as reader:
        assert (reader.after(0, 10_000), reader.latest(), reader.id_at(NOON + 50_250)) == before
        for tag, found in columns(reader, ["steady", "mixed"], NOON, NOON + 10**8).items():
            for one, other in zip(found, arrays[tag], strict=True):
                np.testing.assert_array_equal(one, other)


def test_late_data_in_a_sealed_range_is_seen_in_order(settings: StorageSettings) -> None:
    """Hot or sealed itself; of the same time what was written later counts."""
    first = write(settings.path, [Reading("flow", NOON + 1_000 * n, float(n), 192) for n in range(100)])
    late = [Reading("flow", NOON + 50_000, -1.0, 192), Reading("flow", NOON + 50_500, -2.0, 192)]
    second = write(settings.path, [Reading("flow", NOON + 10**8, 0.0, 192)])
    third = write(settings.path, late, imported=True)
    write(settings.path, [Reading("flow", NOON + 2 * 10**8, 0.0, 192)])
    seal(settings.path, first)

    def window() -> tuple[list[int], list[float]]:
        with Reader(settings.path) as reader:
            found = columns(reader, ["flow"], NOON + 49_000, NOON + 52_000)["flow"]
            rows = reader.window(["flow"], NOON + 49_000, NOON + 52_000)
            assert [row.id for row in rows] == [50, 51, 52, 102, 103]
            return found.times_ms.tolist(), found.values.tolist()

    expected = [NOON + 49_000, NOON + 50_000, NOON + 50_500, NOON + 51_000], [49.0, -1.0, -2.0, 51.0]
    assert window() == expected
    seal(settings.path, second)
    seal(settings.path, third)
    assert window() == expected


def test_rows_that_are_not_swept_yet_are_seen_once(settings: StorageSettings) -> None:
    """A kill between sealing and sweeping."""
    last = write(settings.path, mixed(100))
    write(settings.path, [Reading("steady", NOON + 10**7, 1.0, 192)])
    before = everything(settings.path)

    seal(settings.path, last, swept=False)

    assert everything(settings.path) == before
    with Reader(settings.path) as reader:
        assert len(columns(reader, ["steady"], NOON, NOON + 10**6)["steady"].times_ms) == 100


def test_a_block_of_a_log_that_has_changed_is_refused(settings: StorageSettings) -> None:
    """Retention dropped its rows while the worker was at it: they must not come back."""
    last = write(settings.path, mixed(100))
    write(settings.path, [Reading("steady", NOON + 10**7, 1.0, 192)])
    with Log(settings.path) as log:
        block = sealed(Rows(log.db).between(1, last), imported=0)
        with log.transaction():
            log.db.execute("DELETE FROM reading WHERE id <= ?", (last,))
            log.db.execute("DELETE FROM span WHERE last <= ?", (last,))
            assert not keep_block(log, block)

    assert len(everything(settings.path)) == 1
