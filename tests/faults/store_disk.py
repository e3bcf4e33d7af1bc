"""A disk that is full, and a database that is damaged, under a whole agent with a live receiver.

Run with `python -m tests.faults.store_disk --rounds 20`. A row is lost when SCADA was given it and the store
does not have it in the end; of a damaged database, rows written before the damage was seen are counted apart:
they lay on pages that are torn.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.simulators.disk import fill, small_disk
from tests.simulators.disk_trouble import Plant, missing, plant, stored_again

PAGE = 4_096
RECOVERS_WITHIN = 10.0  # s after there is room again
BEGINS_WITHIN = 30.0  # s after damage
UNNOTICED = 8.0  # s, after which damage has hit nothing that is in use


class Round(NamedTuple):
    """One trouble."""

    seconds: float  # until the newest live value was stored again
    silence: float  # s, the longest between two live batches
    rows: int  # given to SCADA
    lost: int  # of these, not in the store, though written or held after the trouble began
    torn: int  # the same, written before


async def full(folder: Path) -> Round:
    """Filled up, the room of the ballast too, for some seconds; then there is room again."""
    with small_disk(folder / "disk", 16) as disk:
        async with plant(folder, disk / "north.db") as north:
            await north.more_live()
            filler = fill(disk)
            await north.alarm("UNACK")
            for _ in range(random.randint(2, 10)):
                await north.more_live(3)
                fill(disk)
            filler.unlink()
            seconds = await stored_again(north, RECOVERS_WITHIN)
            await north.agent.stop()
        return Round(seconds, longest_silence(north), len(north.live()), len(missing(north)), 0)


async def damaged(folder: Path) -> Round:
    """Pages overwritten, the file cut off or turned to garbage, at a random place, while the agent runs."""
    async with plant(folder, folder / "north.db") as north:
        await north.more_live(random.randint(5, 20))
        random.choice(DAMAGES)(north.database)
        disturb(north.database)
        began = time.monotonic()
        while not waiting_or_done(folder) and time.monotonic() - began < UNNOTICED:
            await north.more_live(1)
        before = {(tag, ts_ms) for tag, ts_ms, *_ in north.live()}
        await north.more_live(1)
        await stored_again(north, BEGINS_WITHIN)
        seconds = time.monotonic() - began
        await asyncio.sleep(3.0)  # the salvage is over
        await north.agent.stop()
    lost = missing(north)
    return Round(seconds, longest_silence(north), len(north.live()), len(lost - before), len(lost & before))


def waiting_or_done(folder: Path) -> bool:
    """Whether the damage was noticed."""
    return any(folder.glob("*.damaged-*"))


def disturb(database: Path) -> None:
    """Cut off the write-ahead log too: whatever was committed there is gone from under the running connection."""
    with database.with_name(database.name + "-wal").open("r+b") as file:
        file.truncate(0)


def flip(database: Path) -> None:
    """A byte in each of some pages."""
    with database.open("r+b") as file:
        size = database.stat().st_size
        for _ in range(5):
            file.seek(random.randrange(PAGE, max(size, 2 * PAGE)))
            file.write(b"\xff")


def cut(database: Path) -> None:
    """The second half is gone."""
    with database.open("r+b") as file:
        file.truncate(database.stat().st_size // 2)


def garbage(database: Path) -> None:
    """Something else was written over the beginning."""
    with database.open("r+b") as file:
        file.write(random.randbytes(3 * PAGE))


def zero(database: Path) -> None:
    """Pages that come back empty."""
    with database.open("r+b") as file:
        file.seek(PAGE * random.randrange(1, max(2, database.stat().st_size // PAGE)))
        file.write(bytes(4 * PAGE))


DAMAGES: Sequence[Callable[[Path], None]] = (flip, cut, garbage, zero)


def longest_silence(north: Plant) -> float:
    """The longest time between two live readings that follow each other, s."""
    times = sorted({ts_ms for _, ts_ms, *_ in north.live()})
    return max((later - earlier for earlier, later in pairwise(times)), default=0) / 1_000


def main() -> int:
    """Print what each kind of trouble costs; 1 where a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    broken = False
    for trouble, limit in ((full, RECOVERS_WITHIN), (damaged, BEGINS_WITHIN)):
        done = []
        for _ in range(rounds):
            with tempfile.TemporaryDirectory() as folder:
                try:
                    done.append(asyncio.run(trouble(Path(folder))))
                except pytest.skip.Exception as why:
                    sys.stdout.write(f"disk {trouble.__name__}: skipped, {why}\n")
                    break
        if done:
            lost, worst = sum(one.lost for one in done), max(one.seconds for one in done)
            sys.stdout.write(
                f"disk {trouble.__name__}: {len(done)} rounds, {sum(one.rows for one in done)} readings, {lost} lost,"
                f" {sum(one.torn for one in done)} on torn pages; stored again after {worst:.1f} s at most,"
                f" live values never stood still for more than {max(one.silence for one in done):.1f} s\n"
            )
            broken |= lost > 0 or worst > limit
    return int(broken)


if __name__ == "__main__":
    sys.exit(main())
