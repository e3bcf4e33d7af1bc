"""What a sealed reading takes and costs, beside other encodings; run as ``python -m tests.benchmarks.chunks``.

The real station's hour, its devices polled every second with times jittered by 20 ms either way. pcodec and
zstandard are compared where they are installed (``pip install pcodec zstandard``); the product needs neither.
"""

import asyncio
import csv
import gzip
import importlib
import lzma
import random
import sqlite3
import tempfile
import time
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.store.columns import columns
from agent.store.disk import disk_use
from agent.store.log import Log
from agent.store.reader import Reader
from agent.store.retention import drop_span
from agent.store.rows import Rows
from agent.store.schema import migrate
from agent.store.sealable import BLOCK_ROWS, next_block
from agent.store.sealed_rows import keep_block, sweep
from agent.store.sealing import sealed
from agent.store.settings import StorageSettings
from agent.store.stripping import strip_of_integers, strip_of_reals
from agent.store.strips import SLOW, reals
from agent.store.vectors import VECTORS
from agent.store.writer import Store
from drivers.reading import Reading
from tests.benchmarks.store import HOUR

START = 1_700_000_000_000
DAY = 86_400
JITTER_MS = 20

Codec = tuple[Callable[[NDArray[Any]], bytes], Callable[[bytes], object]]


def station() -> dict[str, NDArray[np.float64]]:
    """Each tag's values of the hour."""
    with gzip.open(HOUR, "rt") as file:
        names, *lines = csv.reader(file)
    return {name: np.array([float(line[place]) for line in lines]) for place, name in enumerate(names) if place}


def devices() -> list[list[str]]:
    """The tags that are polled together."""
    found = defaultdict(list)
    with (HOUR.parent / "registers.csv").open() as file:
        for row in csv.DictReader(file):
            found[row["protocol"], row["unit_id"]].append(row["tag"])
    return list(found.values())


def polls(values: dict[str, NDArray[np.float64]]) -> Iterator[list[Reading]]:
    """Second by second what the devices say, in the order of arrival."""
    rng, groups = random.Random(1), devices()
    for second in range(len(next(iter(values.values())))):
        readings = []
        for tags in rng.sample(groups, len(groups)):
            ts_ms = START + 1_000 * second + rng.randint(-JITTER_MS, JITTER_MS)
            readings += [Reading(tag, ts_ms, float(values[tag][second]), 192) for tag in tags if tag in values]
        yield readings


def codecs() -> dict[str, Codec]:
    """Other ways to write a column of doubles."""
    found: dict[str, Codec] = {
        "ours (decimals, planes, zlib)": (strip_of_reals, lambda x: reals(x, VECTORS)),
        "ours, read without NumPy": (strip_of_reals, lambda x: reals(x, SLOW)),
        "bit differences, zlib 9": (lambda x: zlib.compress(_differences(x), 9), zlib.decompress),
        "bit differences, lzma": (lambda x: lzma.compress(_differences(x)), lzma.decompress),
    }
    try:
        pcodec = importlib.import_module("pcodec")
        simple: Any = importlib.import_module("pcodec.standalone")
        found["pcodec"] = (lambda x: simple.simple_compress(x, pcodec.ChunkConfig()), simple.simple_decompress)
        zstandard = importlib.import_module("zstandard")
        found["bit differences, zstd 19"] = (
            lambda x: zstandard.ZstdCompressor(19).compress(_differences(x)),
            lambda x: zstandard.ZstdDecompressor().decompress(x),
        )
    except ImportError as error:
        print(f"not compared: {error}")
    return found


def _differences(numbers: NDArray[Any]) -> bytes:
    bits = numbers.view(np.int64)
    return np.ascontiguousarray(np.diff(bits, prepend=0).view(np.uint8).reshape(-1, 8).T).tobytes()


def encodings(values: dict[str, NDArray[np.float64]]) -> None:
    """Print what each encoding makes of the values, as they are and as single precision makes them."""
    singles = {tag: column.astype(np.float32).astype(np.float64) for tag, column in values.items()}
    count = sum(map(len, values.values()))
    for name, (pack, unpack) in codecs().items():
        for what, given in (("doubles", values), ("float32", singles)):
            began = time.process_time()
            packed = [pack(column) for column in given.values()]
            between = time.process_time()
            for one in packed:
                unpack(one)
            took, back = between - began, time.process_time() - between
            size = sum(map(len, packed)) / count
            cost = f"{1e9 * took / count:5.0f} ns in, {1e9 * back / count:4.0f} out"
            print(f"{name:30} {what}: {size:.3f} bytes a value, {cost}")
    times = START + 1_000 * np.arange(3_600) + np.random.default_rng(1).integers(-JITTER_MS, JITTER_MS + 1, 3_600)
    print(
        f"a strip of jittered times: {len(strip_of_integers(times)) / 3_600:.2f} bytes a time; a device's tags share it"
    )


def used(path: Path) -> int:
    """Bytes of the pages that hold something."""
    db = sqlite3.connect(path)
    names = "page_count", "freelist_count", "page_size"
    pages, free, size = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in names)
    db.close()
    return int((pages - free) * size)


def sealing(path: Path, values: dict[str, NDArray[np.float64]]) -> None:
    """Print what the hour takes hot and sealed, how long each step takes, and whether it reads back the same."""
    migrate(path)
    empty = used(path)
    with Log(path) as log:
        for readings in polls(values):
            with log.transaction():
                log.insert(readings)
        count = log.last_id
        with log.transaction():
            log.insert([Reading("end", START + 10**9, 0.0, 192)])  # the newest span always stays
    print(f"hot: {(used(path) - empty) / count:.1f} bytes a reading, {count} readings")
    with Reader(path) as reader:
        before = hash(tuple(reader.after(0, count)))
    steps = list[float]()
    with Log(path) as log:
        settings = StorageSettings(path=path, hold_hours=1.0)
        while block := next_block(log.db, settings, [], log.last_id, START + 10**9):
            began = time.perf_counter()
            rows = Rows(log.db).between(block.first, block.last)
            packed = sealed(rows, imported=0)
            made = time.perf_counter() - began
            steps.append(_timed(log, lambda log, packed=packed: keep_block(log, packed)))  # type: ignore[misc]
            print(f"a block of {len(rows)}: made in {made:.1f} s in the worker, put in its place in {steps[-1]:.0f} ms")
        while log.db.execute("SELECT count(*) FROM reading").fetchone()[0] > 1:
            steps.append(_timed(log, sweep))
    print(f"writer's steps: {len(steps)}, median {sorted(steps)[len(steps) // 2]:.1f} ms, longest {max(steps):.0f} ms")
    print(f"sealed: {(used(path) - empty) / count:.3f} bytes a reading, all tables and pages")
    with Reader(path) as reader:
        told = reader.ask(disk_use).sealed_bytes
        same = hash(tuple(reader.after(0, count))) == before
    print(f"        {told:.3f} as `disk_use` estimates it")
    print("read back row by row: " + ("the same" if same else "NOT THE SAME"))
    print(f"steps of retention: {', '.join(f'{step:.0f} ms' for step in dropping(path))}")


def _timed(log: Log, step: Callable[[Log], object]) -> float:
    began = time.perf_counter()
    with log.transaction():
        step(log)
    return 1e3 * (time.perf_counter() - began)


def dropping(path: Path) -> Iterator[float]:
    """How long appends wait for a block to be dropped, in ms."""
    with Log(path) as log:
        settings = StorageSettings(path=path, keep_days=0.1)
        while log.db.execute("SELECT count(*) FROM span").fetchone()[0] > 1:
            yield _timed(log, lambda log: drop_span(log, settings, START + 10**9))


def day(path: Path, values: dict[str, NDArray[np.float64]]) -> None:
    """Print how long a day of one tag takes to read, from blocks as a station of 250 tags has them."""
    migrate(path)
    column, per_block = np.tile(values["supply.header1.flow"], 24), BLOCK_ROWS // 250
    with Log(path) as log:
        for start in range(0, DAY, per_block):
            rng = random.Random(start)
            rows = [
                Reading(tag, START + 1_000 * n + rng.randint(-JITTER_MS, JITTER_MS), float(column[n]), 192)
                for n in range(start, min(DAY, start + per_block))
                for tag in ("flow", "level")
            ]
            with log.transaction():
                log.insert([*rows, Reading("late", START - 10**9 * start, 0.0, 192)])  # ends the span
        with log.transaction():
            log.insert([Reading("end", START + 10**10, 0.0, 192)])
    with Reader(path) as reader:
        print("one tag-day at 1 s, hot:    " + _read(reader, "flow"))
    blocks(path, 2 * per_block)
    with Reader(path) as reader:
        print("one tag-day at 1 s, sealed: " + _read(reader, "flow"))
        print("                    again:  " + _read(reader, "flow"))


def blocks(path: Path, rows: int) -> None:
    """Seal all in blocks of so many rows."""
    with Log(path) as log:
        spans = log.db.execute("SELECT first, last FROM span ORDER BY first").fetchall()[:-1]
        while spans:
            part = [span for span in spans if span[1] < spans[0][0] + max(rows, 4_096)]
            spans = spans[len(part) :]
            with log.transaction():
                keep_block(log, sealed(Rows(log.db).between(part[0][0], part[-1][1]), imported=0))
            while _swept(log):
                pass


def _swept(log: Log) -> int:
    with log.transaction():
        return sweep(log)


def _read(reader: Reader, tag: str) -> str:
    began = time.perf_counter()
    found = columns(reader, [tag], START - 100, START + 1_000 * DAY - 100)[tag]
    return f"{1e3 * (time.perf_counter() - began):.1f} ms for {len(found.times_ms)}"


async def waiting(path: Path, values: dict[str, NDArray[np.float64]]) -> None:
    """Print how long appends of 250 readings wait while a block is put in its place and swept."""
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
        quiet = [await _append(store) for _ in range(100)]
        tidying = asyncio.create_task(_tidy(store, block))
        busy = list[float]()
        while not tidying.done():
            busy.append(await _append(store))
    print(f"append of 250 readings: longest {max(quiet):.0f} ms alone, {max(busy):.0f} ms of {len(busy)} while sealing")


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
    if not HOUR.exists():
        print(f"{HOUR} is missing; there is nothing to measure with")
        return
    values = station()
    encodings(values)
    with tempfile.TemporaryDirectory() as folder:
        sealing(Path(folder) / "hour.db", values)
        day(Path(folder) / "day.db", values)
        asyncio.run(waiting(Path(folder) / "waiting.db", values))


if __name__ == "__main__":
    main()
