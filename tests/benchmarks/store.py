"""What storing a reading costs beside bare sqlite3 in the same rounds; run as ``python -m tests.benchmarks.store``."""

import asyncio
import csv
import gzip
import sqlite3
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from agent.store.columns import columns
from agent.store.importing import import_history
from agent.store.log import Log
from agent.store.reader import Reader
from agent.store.retention import drop_span
from agent.store.schema import migrate
from agent.store.settings import StorageSettings
from agent.store.writer import Store
from drivers.reading import Reading
from drivers.settings import TagSettings

ROUNDS = 7  # the best counts: the machine has other things to do
POLLS = 400
TAGS = 250
HOUR = Path(__file__).parents[3] / "shared" / "data" / "real-station" / "first-hour.csv.gz"

polls = [
    [Reading(f"plc.t{tag}", 1_700_000_000_000 + 1_000 * second, tag + second / 7, 192) for tag in range(TAGS)]
    for second in range(POLLS)
]
numbers = {f"plc.t{tag}": tag for tag in range(TAGS)}


def bare(path: Path, together: int) -> None:
    """The same rows by a bare executemany, *together* polls a commit."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("CREATE TABLE reading (id INTEGER PRIMARY KEY, tag, ts_ms, value, quality, reason)")
    for start in range(0, POLLS, together):
        rows = [
            (numbers[tag], ts_ms, value, quality, reason)
            for poll in polls[start : start + together]
            for tag, ts_ms, value, quality, reason in poll
        ]
        db.execute("BEGIN")
        db.executemany("INSERT INTO reading (tag, ts_ms, value, quality, reason) VALUES (?, ?, ?, ?, ?)", rows)
        db.execute("COMMIT")
    db.close()


def ours(path: Path, together: int) -> None:
    """The same rows by `Store.append`, *together* polls a commit."""
    asyncio.run(append(path, together))


async def append(path: Path, together: int) -> None:
    """Let *together* devices append at once, again and again."""
    async with Store(StorageSettings(path=path, commit_interval=1e-6)) as store:
        for start in range(0, POLLS, together):
            await asyncio.gather(*(store.append(poll) for poll in polls[start : start + together]))


def best(folder: Path, work: Callable[[Path, int], None], together: int) -> float:
    """The best round, µs of processor time a reading."""
    found = float("inf")
    for number in range(ROUNDS):
        path = folder / f"{work.__name__}-{together}-{number}.db"
        if work is ours:
            migrate(path)
        began = time.process_time()
        work(path, together)
        found = min(found, (time.process_time() - began) * 1e6 / POLLS / TAGS)
    return found


def appending(folder: Path) -> None:
    """Print what an append costs."""
    for together in (1, 20):
        own, raw = best(folder, ours, together), best(folder, bare, together)
        figures = f"{own:.2f} µs, bare sqlite3 {raw:.2f} µs, ratio {own / raw:.2f}"
        print(f"append, {together * TAGS:5} readings a commit: {figures}")


def bare_import(path: Path) -> None:
    """The least an import has to do: unpack, split, make numbers of it, insert."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("CREATE TABLE reading (id INTEGER PRIMARY KEY, tag, ts_ms, value, quality, reason)")
    with gzip.open(HOUR, "rt") as file:
        for line in csv.reader(list(file)[1:]):
            ts_ms = round(1_000 * datetime.fromisoformat(line[0]).timestamp())
            rows = [(tag, ts_ms, float(cell), 192, None) for tag, cell in enumerate(line[1:])]
            if not db.in_transaction:
                db.execute("BEGIN")
            db.executemany("INSERT INTO reading (tag, ts_ms, value, quality, reason) VALUES (?, ?, ?, ?, ?)", rows)
    db.execute("COMMIT")
    db.close()


def history(folder: Path) -> None:
    """Print what importing and reading the real station's hour costs."""
    path = folder / "history.db"
    with (HOUR.parent / "registers.csv").open() as file:
        tags = [
            TagSettings(name=row["tag"], scale=float(row["scale"]), sentinels=(32767,) * (row["datatype"] == "int16"))
            for row in csv.DictReader(file)
        ]
    began, cpu = time.perf_counter(), time.process_time()
    report = import_history(HOUR, path, tags, ZoneInfo("UTC"))
    took, cpu = time.perf_counter() - began, time.process_time() - cpu
    raw = time.process_time()
    bare_import(folder / "bare.db")
    raw = time.process_time() - raw
    each, least = cpu * 1e6 / report.imported, raw * 1e6 / report.imported
    print(f"import: {report.imported / took:,.0f} readings/s; {each:.2f} µs, bare csv and sqlite3 {least:.2f} µs")
    print(f"size: {path.stat().st_size / report.imported:.1f} bytes a reading")
    windows(path, [tag.name for tag in tags], (report.last_ms or 0) + 1)
    retaining(path)


def windows(path: Path, names: list[str], end_ms: int) -> None:
    """Print how long some tags' values of some time take to read."""
    with Reader(path) as reader:
        for minutes in (60, 1):
            began = time.perf_counter()
            found = columns(reader, names[::13][:20], end_ms - minutes * 60_000, end_ms)
            took, count = time.perf_counter() - began, sum(len(one.times_ms) for one in found.values())
            print(f"columns, {minutes} min of 20 tags: {1e3 * took:.0f} ms for {count} readings")


def retaining(path: Path) -> None:
    """Print how long appends wait for a step of retention."""
    steps, settings, dropped = list[float](), StorageSettings(path=path, max_mb=1.1), 1
    with Log(path) as log:
        while dropped:
            began = time.perf_counter()
            with log.transaction():
                dropped = drop_span(log, settings, 0)
            steps.append(1e3 * (time.perf_counter() - began))
    print(f"retention: a step takes {sorted(steps)[len(steps) // 2]:.0f} ms, the longest {max(steps):.0f} ms")


def main() -> None:
    """Print a line for each figure."""
    with tempfile.TemporaryDirectory() as folder:
        appending(Path(folder))
        if HOUR.exists():
            history(Path(folder))


if __name__ == "__main__":
    main()
