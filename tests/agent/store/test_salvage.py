"""A torn page costs what lies on it and nothing else, and that is told by tag and time."""

import random
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from agent.store.columns import columns
from agent.store.damage import note_set_aside
from agent.store.findings import add_filled, add_records
from agent.store.log import Log
from agent.store.losses import DAMAGED, Loss
from agent.store.missing import divided, holes
from agent.store.putting_back import put_back
from agent.store.reader import Reader
from agent.store.records import Filled, Record
from agent.store.rolled import WIDTHS_MS, keep_pages
from agent.store.rollups import paged, rolled_up
from agent.store.salvage import Rows, pieces
from agent.store.schema import migrate
from agent.store.settings import StorageSettings
from agent.store.writer import Store
from agent.store.zones import Span
from drivers.reading import Reading
from tests.agent.store.test_sealing import seal

NOON = 1_699_963_200_000
TAGS = [f"t{number}" for number in range(20)]
POLLS, APART_MS = 4_000, 10_000
PAGE = 4_096
ROOMY = StorageSettings(keep_days=1000)


class Content(NamedTuple):
    """All that a person would miss."""

    readings: dict[tuple[str, int], float]
    records: set[Record]
    filled: set[Filled]
    rollups: set[tuple[object, ...]]  # but for numbers of tags
    losses: list[Loss]


def content(path: Path) -> Content:
    with Reader(path) as reader:
        found = columns(reader, TAGS, 0, 2**60)
        rows = reader.ask(lambda db: db.execute(ROLLED).fetchall())
        return Content(
            {
                (tag, ts_ms): float(v)
                for tag, one in found.items()
                for ts_ms, v in zip(one.times_ms.tolist(), one.values, strict=True)
            },
            set(reader.records("alarm_event", 0, 2**60)),
            set(reader.filled(TAGS, 0, 2**60)),
            set(rows),
            reader.losses(),
        )


@pytest.fixture(scope="module")
def before(sound: Path) -> Content:
    return content(sound)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with something in each table: 60,000 sealed readings, and 20,000 as they were written."""
    path = tmp_path_factory.mktemp("sound") / "a.db"
    migrate(path)
    with Log(path) as log:
        rng = random.Random(1)
        for start in range(0, POLLS, 50):
            times = [NOON + APART_MS * number + rng.randint(-20, 20) for number in range(start, start + 50)]
            with log.transaction():
                log.insert([Reading(tag, ts_ms, rng.randrange(10**6) / 100, 192) for ts_ms in times for tag in TAGS])
        ends = [last for (last,) in log.db.execute("SELECT last FROM span ORDER BY first")]
    for end in (ends[4], ends[9], ends[14]):
        seal(path, end)
    with Reader(path) as reader, Log(path) as log, log.transaction():
        for tag, column in columns(reader, TAGS, 0, 2**60).items():
            for width_ms in WIDTHS_MS:
                keep_pages(log.db, paged(rolled_up(column, width_ms), log.names.tags[tag], width_ms))
        add_records(log, [Record("alarm_event", "low", NOON + n, b'{"n":%d}' % n + bytes(200)) for n in range(400)])
        add_filled(log, [Filled(tag, NOON + 5 + n, n / 3, 0.1, "linear", NOON) for tag in TAGS for n in range(50)])
        log.lose([Loss("t1", "dropped by retention", NOON - 10, NOON - 5, 7, 3)])
        log.db.execute("INSERT INTO cursor VALUES ('mqtt', 'live', ?)", (log.last_id - 1_000,))
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return path


def leaves(path: Path, table: str) -> list[int]:
    """Numbers of the pages that hold rows of *table*, or what did not fit beside them."""
    with closing(sqlite3.connect(path)) as db:
        query = "SELECT pageno FROM dbstat WHERE name = ? AND pagetype IN ('leaf', 'overflow') ORDER BY path"
        return [number for (number,) in db.execute(query, (table,))]


def tear(path: Path, numbers: Iterable[int]) -> None:
    """Overwrite pages."""
    with path.open("r+b") as file:
        for number in numbers:
            file.seek(PAGE * (number - 1))
            file.write(b"\xff" * PAGE)


def rot(path: Path, numbers: Iterable[int]) -> None:
    """Turn over some bytes in the middle of pages, which stay readable as pages."""
    with path.open("r+b") as file:
        for number in numbers:
            file.seek(PAGE * (number - 1) + PAGE // 2)
            old = file.read(8)
            file.seek(-8, 1)
            file.write(bytes(byte ^ 0xFF for byte in old))


async def salvaged(sound: Path, folder: Path, table: str, *, harm: object = tear, times: int = 1) -> Content:
    """What is there after a page in the middle of *table* was harmed and the file was salvaged, once or oftener."""
    path, aside = folder / "a.db", folder / "a.db.damaged-20260101T000000Z"
    shutil.copy(sound, aside)
    numbers = leaves(aside, table)
    middle = len(numbers) // 2
    harm(aside, numbers[middle : middle + 1])  # type: ignore[operator]
    migrate(path)
    note_set_aside(path, aside)
    settings = ROOMY.model_copy(update={"path": path, "commit_interval": 0.001})
    async with Store(settings) as store:
        for time in range(times):
            if time:
                aside.with_name(aside.name + ".salvaged").rename(aside)
            await put_back(store, aside)
    return content(path)


def told(losses: Iterable[Loss]) -> Counter[str]:
    return Counter({loss.tag: loss.readings for loss in losses if loss.reason.startswith(DAMAGED)})


CASES = [
    ("reading", tear, 170),
    ("chunk", tear, 12_000),
    ("chunk", rot, 12_000),
    ("strip", tear, 61_440),
    ("strip", rot, 61_440),
    ("rollup", tear, 0),
    ("record", tear, 0),
    ("filled", tear, 0),
    ("record_key", tear, 0),
    ("sqlite_autoindex_rollup_1", tear, 0),
]


@pytest.mark.parametrize("case", CASES, ids=[f"{table}-{harm.__name__}" for table, harm, _ in CASES])
async def test_what_lies_on_sound_pages_comes_back_and_the_rest_is_told(
    sound: Path, before: Content, tmp_path: Path, case: tuple[str, object, int]
) -> None:
    """No value is wrong, nothing readable is dropped, and what is missing is counted by tag and time, once.

    Takes a second each: a child reads the file.
    """
    table, harm, most = case
    after = await salvaged(sound, tmp_path, table, harm=harm, times=2 if table == "reading" else 1)
    missing = before.readings.keys() - after.readings.keys()
    counts = told(after.losses)

    assert after.readings.items() <= before.readings.items()
    assert (len(missing) > 0) == (most > 0)
    assert len(missing) <= most
    assert sum(counts.values()) == len(missing)
    assert all(abs(counts[tag] - count) <= 2 for tag, count in Counter(tag for tag, _ in missing).items())
    spans = {one.tag: (one.first_ms or 0, one.last_ms or 0) for one in after.losses if one.reason.startswith(DAMAGED)}
    assert all(spans[tag][0] <= ts_ms <= spans[tag][1] for tag, ts_ms in missing)
    for name, share in (("records", "record"), ("filled", "filled"), ("rollups", "rollup")):
        there, was = getattr(after, name), getattr(before, name)
        assert there <= was
        if share not in table:
            assert there == was
        else:
            assert len(there) > 0.8 * len(was)
    assert [loss for loss in after.losses if loss.tag == "t1" and loss.reason == "dropped by retention"]


async def test_a_torn_page_of_the_zone_map_costs_no_readings(sound: Path, before: Content, tmp_path: Path) -> None:
    """Where the map says nothing the tables themselves are looked through, sealed ones too."""
    after = await salvaged(sound, tmp_path, "span")

    assert after.readings == before.readings


async def test_names_of_tags_are_read_from_their_index_too(sound: Path, before: Content, tmp_path: Path) -> None:
    """A page of names is torn, which all readings need."""
    after = await salvaged(sound, tmp_path, "tag")

    assert after.readings == before.readings


def test_rows_up_to_the_torn_page_are_found(sound: Path, tmp_path: Path) -> None:
    """Three torn pages apart from each other cost three pages, to the row."""
    path = tmp_path / "a.db"
    shutil.copy(sound, path)
    numbers = leaves(path, "reading")
    with closing(sqlite3.connect(path)) as db:
        query = "SELECT sum(ncell) FROM dbstat WHERE pageno IN (?, ?, ?)"
        places = numbers[10], numbers[12], numbers[-1]
        torn = db.execute(query, places).fetchone()[0]
        count = db.execute("SELECT count(*) FROM reading").fetchone()[0]
    tear(path, places)

    found = [piece for piece in pieces(path) if isinstance(piece, Rows)]

    assert sum(len(piece.rows) for piece in found) == count - torn
    assert sum(hole.readings for piece in found for hole in piece.holes) == torn


def test_what_was_never_delivered_is_told_apart(sound: Path, tmp_path: Path) -> None:
    """SCADA had all but the last thousand."""
    path = tmp_path / "a.db"
    shutil.copy(sound, path)
    tear(path, leaves(path, "reading")[-2:])

    gone = [hole for piece in pieces(path) if isinstance(piece, Rows) for hole in piece.holes]

    assert sum(hole.readings for hole in gone) == sum(hole.undelivered for hole in gone) > 0


def test_holes_are_between_their_neighbours() -> None:
    """Two holes of a span, with the tags of the rest."""
    rows = [(number, 1 + number % 2, 1_000 * number, 1.0, 192, None) for number in (1, 2, 3, 8, 9, 10)]
    found = {hole.tag: hole for hole in holes(Span(1, 12, 0, 20_000, 0), rows, {}, [(7, 100)])}

    assert sum(hole.readings for hole in found.values()) == 4 + 2
    assert sum(hole.undelivered for hole in found.values()) == 1 + 2
    assert {(hole.first_ms, hole.last_ms) for hole in found.values()} == {(3_000, 20_000)}
    assert sum(divided(1_000_003, {1: 3, 2: 5, 3: 11}).values()) == 1_000_003


ROLLED = """
SELECT tag.name, width_ms, start_ms, places, counts, goods, minima, means, maxima, firsts, lasts
FROM rollup JOIN tag ON tag.id = rollup.tag
"""
