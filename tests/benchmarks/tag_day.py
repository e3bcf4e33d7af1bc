"""How long a day of one tag takes to read, from sealed blocks and from a plain table."""

import random
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from statistics import median

import numpy as np

from agent.store.columns import columns
from agent.store.log import Log
from agent.store.reader import Reader
from agent.store.rows import Rows
from agent.store.schema import migrate
from agent.store.sealable import BLOCK_ROWS
from agent.store.sealed_rows import keep_block, sweep
from agent.store.sealing import sealed
from drivers.reading import Reading
from tests.benchmarks.bare_table import INSERT, bare_table, line
from tests.benchmarks.station import JITTER_MS, START, station

ROUNDS = 15
DAY = 86_400


def reading_back(folder: Path) -> None:
    """How long a day of one tag takes to read, from blocks as a station of 250 tags has them; beside a table."""
    path, plain = folder / "day.db", folder / "plain-day.db"
    per_block = BLOCK_ROWS // 250
    make_day(path, plain, per_block)
    with Reader(path) as reader:
        line("one tag-day at 1 s, hot", f"{1e3 * _day(reader):.1f} ms")
    blocks(path, 2 * per_block)
    times: tuple[list[float], list[float], list[float]] = [], [], []
    for _ in range(ROUNDS):
        with Reader(path) as reader:
            times[0].append(_day(reader))
            times[1].append(_day(reader))
        times[2].append(_bare_day(plain))
    first, again, raw = (1e3 * median(one) for one in times)
    line("one tag-day at 1 s, sealed (bare: by index)", f"{first:.1f} ms", f"{raw:.1f} ms", first / raw, "below 20 ms")
    line("the same again", f"{again:.1f} ms", f"{raw:.1f} ms", again / raw)


def make_day(path: Path, plain: Path, per_block: int) -> None:
    """Two tags' day in both."""
    migrate(path)
    column = np.tile(station()["supply.header1.flow"], 24)
    with Log(path) as log, closing(bare_table(plain)) as db:
        for start in range(0, DAY, per_block):
            rng = random.Random(start)
            rows = [
                Reading(tag, START + 1_000 * n + rng.randint(-JITTER_MS, JITTER_MS), float(column[n]), 192)
                for n in range(start, min(DAY, start + per_block))
                for tag in ("flow", "level")
            ]
            with log.transaction():
                log.insert([*rows, Reading("late", START - 10**9 * start, 0.0, 192)])  # ends the span
            db.executemany(INSERT, [(int(row[0] == "flow"), *row[1:]) for row in rows])
        with log.transaction():
            log.insert([Reading("end", START + 10**10, 0.0, 192)])
        db.execute("CREATE INDEX place ON reading (tag, ts_ms)")


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


def _day(reader: Reader) -> float:
    began = time.perf_counter()
    found = columns(reader, ["flow"], START - 100, START + 1_000 * DAY - 100)["flow"]
    took = time.perf_counter() - began
    if len(found.times_ms) != DAY:
        raise AssertionError(f"{len(found.times_ms)} readings of the day came back")
    return took


def _bare_day(plain: Path) -> float:
    query = "SELECT ts_ms, value, quality FROM reading WHERE tag = 1 AND ts_ms >= ? AND ts_ms < ? ORDER BY ts_ms"
    with closing(sqlite3.connect(plain)) as db:
        began = time.perf_counter()
        found = db.execute(query, (START - 100, START + 1_000 * DAY - 100)).fetchall()
        np.array(found)
        return time.perf_counter() - began
