"""What storing, sealing, reading and importing cost beside bare sqlite3; run as ``python -m tests.benchmarks.store``.

Each figure is the median of rounds in which both have their turn, so that a machine that is busy for a while is
busy for both; costs are processor time, which neighbours on the machine spoil less than they do wall time.
"""

import asyncio
import csv
import gzip
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from agent.store.importing import import_history
from agent.store.log import Log
from agent.store.reader import Reader
from agent.store.retention import drop_span
from agent.store.rows import Rows
from agent.store.schema import migrate
from agent.store.sealable import BLOCK_ROWS, next_block
from agent.store.sealed_rows import keep_block, sweep
from agent.store.sealing import sealed
from agent.store.settings import StorageSettings
from agent.store.writer import Store
from drivers.reading import Reading
from tests.benchmarks.bare_table import INSERT, bare_table, line
from tests.benchmarks.station import HOUR, START, polls, station, tags
from tests.benchmarks.tag_day import reading_back

ROUNDS = 5
POLLS, TAGS = 400, 250


def rounds(folder: Path, ours: Callable[[Path], Any], bare: Callable[[Path], Any], count: int) -> tuple[float, float]:
    """Median seconds of processor time of both, in rounds."""
    took: tuple[list[float], list[float]] = [], []
    for number in range(count):
        for place, work in enumerate((ours, bare)):
            path = folder / f"{number}-{place}.db"
            if work is ours:
                migrate(path)
            began = time.process_time()
            work(path)
            took[place].append(time.process_time() - began)
            for beside in folder.glob(path.name + "*"):
                beside.unlink()
    return median(took[0]), median(took[1])


# Appending


def appending(folder: Path) -> None:
    """What an append costs: a poll of 250 tags a commit, and twenty."""
    numbers = {f"plc.t{tag}": tag for tag in range(TAGS)}
    given = [
        [Reading(tag, START + 1_000 * second, number + second / 7, 192) for tag, number in numbers.items()]
        for second in range(POLLS)
    ]

    async def append(path: Path, together: int) -> None:
        async with Store(StorageSettings(path=path, commit_interval=1e-6)) as store:
            for start in range(0, POLLS, together):
                await asyncio.gather(*(store.append(poll) for poll in given[start : start + together]))

    def bare(path: Path, together: int) -> None:
        with closing(bare_table(path)) as db:
            for start in range(0, POLLS, together):
                part = given[start : start + together]
                rows = [(numbers[tag], *rest) for poll in part for tag, *rest in poll]
                db.execute("BEGIN")
                db.executemany(INSERT, rows)
                db.execute("COMMIT")

    for together in (1, 20):
        own, raw = rounds(
            folder,
            lambda path, many=together: asyncio.run(append(path, many)),  # type: ignore[misc]
            lambda path, many=together: bare(path, many),  # type: ignore[misc]
            ROUNDS,
        )
        own, raw = (1e6 * took / POLLS / TAGS for took in (own, raw))
        line(f"append, {together * TAGS} readings a commit", f"{own:.2f} µs", f"{raw:.2f} µs", own / raw)


# Importing


def importing(folder: Path) -> None:
    """What importing the real station's hour costs; beside it the least that has to be done."""
    known, speeds = tags(), list[float]()

    def ours(path: Path) -> None:
        began = time.perf_counter()
        report = import_history(HOUR, path, known, ZoneInfo("UTC"))
        speeds.append(report.imported / (time.perf_counter() - began))

    own, raw = rounds(folder, ours, bare_import, 3)
    count = 3_600 * (len(known))
    wall = f"{median(speeds):,.0f} readings/s"
    line("import, by the clock on the wall", wall, aim="at least 200,000 readings/s on two cores of one's own")
    line("import, processor time", f"{1e6 * own / count:.2f} µs", f"{1e6 * raw / count:.2f} µs", own / raw)


def bare_import(path: Path) -> None:
    """Unpack, split, make numbers of it, insert."""
    with closing(bare_table(path)) as db, gzip.open(HOUR, "rt") as file:
        db.execute("BEGIN")
        for cells in csv.reader(list(file)[1:]):
            ts_ms = round(1_000 * datetime.fromisoformat(cells[0]).timestamp())
            db.executemany(INSERT, [(tag, ts_ms, float(cell), 192, None) for tag, cell in enumerate(cells[1:])])
        db.execute("COMMIT")


# Size, and sealing


def used(path: Path) -> int:
    """Bytes of the pages that hold something."""
    with closing(sqlite3.connect(path)) as db:
        names = "page_count", "freelist_count", "page_size"
        pages, free, size = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in names)
    return int((pages - free) * size)


def sealing(folder: Path) -> None:
    """What the hour takes hot and sealed, what sealing costs, and whether it reads back the same."""
    path, plain, values = folder / "hour.db", folder / "plain.db", station()
    migrate(path)
    empty = used(path)
    with Log(path) as log, closing(bare_table(plain)) as db:
        db.execute("CREATE INDEX place ON reading (tag, ts_ms)")
        names = {name: number for number, name in enumerate(values)}
        for readings in polls(values):
            with log.transaction():
                log.insert(readings)
            db.execute("BEGIN")
            db.executemany(INSERT, [(names[tag], *rest) for tag, *rest in readings])
            db.execute("COMMIT")
        count = log.last_id
        with log.transaction():
            log.insert([Reading("end", START + 10**9, 0.0, 192)])  # the newest span always stays
    bare = used(plain) / count
    line(
        "bytes a reading, hot (bare: one index)",
        f"{(hot := (used(path) - empty) / count):.1f}",
        f"{bare:.1f}",
        hot / bare,
    )
    with Reader(path) as reader:
        before = hash(tuple(reader.after(0, count)))
    made, steps = seal_all(path)
    small = (used(path) - empty) / count
    line("bytes a reading, sealed", f"{small:.3f}", f"{bare:.1f}", small / bare, "at most 1.2")
    with Reader(path) as reader:
        is_same = hash(tuple(reader.after(0, count))) == before
    line("read back, row by row", "the same" if is_same else "NOT THE SAME")
    line("sealing, in the worker", f"{1e6 * made / count:.2f} µs")
    middle, longest = sorted(steps)[len(steps) // 2], max(steps)
    line("sealing, steps of the writer", f"{middle:.1f} ms", aim=f"longest of {len(steps)}: {longest:.0f} ms")
    dropped = list(dropping(path))
    line("retention, a sealed block", f"{max(dropped):.1f} ms")


def seal_all(path: Path) -> tuple[float, list[float]]:
    """Seal what can be: processor time of making the blocks in s, and of each of the writer's steps, in ms."""
    made, steps, settings = 0.0, list[float](), StorageSettings(path=path, hold_hours=1.0)
    with Log(path) as log:
        while block := next_block(log.db, settings, [], log.last_id, START + 10**9):
            began = time.process_time()
            packed = sealed(Rows(log.db).between(block.first, block.last), imported=0)
            made += time.process_time() - began
            steps.append(_timed(log, lambda log, packed=packed: keep_block(log, packed)))  # type: ignore[misc]
        while log.db.execute("SELECT count(*) FROM reading").fetchone()[0] > 1:
            steps.append(_timed(log, sweep))
    return made, steps


def _timed(log: Log, step: Callable[[Log], object]) -> float:
    began = time.perf_counter()
    with log.transaction():
        step(log)
    return 1e3 * (time.perf_counter() - began)


def dropping(path: Path) -> Iterator[float]:
    """How long appends wait for a block to be dropped, in ms."""
    settings = StorageSettings(path=path, keep_days=0.1)
    with Log(path) as log:
        while log.db.execute("SELECT count(*) FROM span").fetchone()[0] > 1:
            yield _timed(log, lambda log: drop_span(log, settings, START + 10**9))


async def waiting(folder: Path) -> None:
    """How long appends of 250 readings wait alone, and while a block is put in its place and swept; in rounds."""
    values, waits = station(), (list[float](), list[float]())
    for number in range(3):
        path = folder / f"waiting-{number}.db"
        migrate(path)
        with Log(path) as log:
            for readings in polls(values):
                with log.transaction():
                    log.insert(readings)
                if log.last_id > BLOCK_ROWS:
                    break
            spans = log.db.execute("SELECT last FROM span ORDER BY first").fetchall()
            block = sealed(Rows(log.db).between(1, spans[-2][0]), imported=0)
        async with Store(StorageSettings(path=path, commit_interval=0.001)) as store:
            tidying = asyncio.create_task(_tidy(store, block))
            while not tidying.done():
                waits[1].append(await _append(store))
            waits[0].extend([await _append(store) for _ in waits[1]])
    for what, found in zip(("alone", "while sealing"), waits, strict=True):
        found.sort()
        told = f"99 of 100 within {found[len(found) * 99 // 100]:.0f} ms, longest {found[-1]:.0f} ms of {len(found)}"
        line(f"append of 250 waits, {what}", f"{median(found):.1f} ms", aim=told)
    line("", "", aim="at most 50 ms longer while sealing")


async def _tidy(store: Store, block: Any) -> None:
    await store.write(lambda log: keep_block(log, block))
    while await store.write(sweep):
        pass


async def _append(store: Store) -> float:
    began = time.perf_counter()
    await store.append([Reading(f"new{n}", START + 10**9, 1.0, 192) for n in range(250)])
    return 1e3 * (time.perf_counter() - began)


def main() -> None:
    """Print a line for each figure."""
    line("", "ours", "bare sqlite3", aim="")
    parts = [importing, sealing, lambda folder: asyncio.run(waiting(folder)), reading_back] if HOUR.exists() else []
    for part in (appending, *parts):
        with tempfile.TemporaryDirectory() as folder:
            part(Path(folder))


if __name__ == "__main__":
    main()
