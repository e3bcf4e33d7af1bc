"""A disk that is full or stands still, and a database that is damaged, under a whole agent with a live receiver.

Part of `make faults-store`; alone with `python -m tests.faults.store_disk`. A row is lost when SCADA was given it
and the store does not have it in the end; of a damaged database, rows written before the damage was seen are counted
apart: they lay on pages that are torn.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from itertools import pairwise
from math import inf
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.simulators.disk import failing_disk, fill, small_disk
from tests.simulators.disk_trouble import Plant, missing, plant, stored_again

PAGE = 4_096
RECOVERS_WITHIN = 10.0  # s after there is room again
BEGINS_WITHIN = 30.0  # s after damage
AT_A_TIME = 3  # stations
STARTS = 3  # times the patience of a subscriber
UNNOTICED = 8.0  # s, after which damage has hit nothing that is in use


class Round(NamedTuple):
    """One trouble."""

    seconds: float  # until the newest live value was stored again
    silence: float  # s, the longest between two live batches
    rows: int  # given to SCADA
    lost: int  # of these, not in the store, though written or held after the trouble began
    disordered: int  # came live twice, or after a newer one of their tag
    torn: int  # not in the store, and written before


NEVER = Round(inf, 0.0, 0, 0, 0, 0)


async def begun(north: Plant) -> None:
    """Wait for the first live values; an agent takes long to start where several do at a time."""
    for _ in range(STARTS):
        with suppress(TimeoutError):
            return await north.more_live(1)
    raise TimeoutError(f"the agent does not start: {north.agent.lines[-3:]}")


async def full(folder: Path) -> Round:
    """Filled up, the room of the ballast too, for some seconds; then there is room again."""
    with small_disk(folder / "disk", 16) as disk:
        async with plant(folder, disk / "north.db") as north:
            await begun(north)
            filler = fill(disk)
            await north.alarm("UNACK")
            for _ in range(random.randint(2, 10)):
                await north.more_live(3)
                fill(disk)
            filler.unlink()
            seconds = await stored_again(north, RECOVERS_WITHIN)
            await north.agent.stop()
        return Round(seconds, longest_silence(north), len(north.live()), len(missing(north)), disordered(north), 0)


async def damaged(folder: Path) -> Round:
    """Pages overwritten, the file cut off or turned to garbage, at a random place, while the agent runs."""
    async with plant(folder, folder / "north.db") as north:
        await begun(north)
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
    return Round(
        seconds, longest_silence(north), len(north.live()), len(lost - before), disordered(north), len(lost & before)
    )


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
    """The longest time between two live batches that followed each other to SCADA, s."""
    times = [message.at for message in north.scada.on("water/north/readings")]
    return max((later - earlier for earlier, later in pairwise(times)), default=0.0)


async def slow(folder: Path) -> Round:
    """Nothing can be written for five to thirty seconds, and whoever tries waits."""
    with failing_disk(folder / "disk", 16) as disk:
        async with plant(folder, disk.folder / "north.db") as north:
            await begun(north)
            disk.freeze()
            try:
                await north.alarm("UNACK")
                await asyncio.sleep(random.uniform(2.0, 27.0))
                await north.more_live(1)
            finally:
                disk.thaw()
            seconds = await stored_again(north, RECOVERS_WITHIN)
            await north.agent.stop()
        return Round(seconds, longest_silence(north), len(north.live()), len(missing(north)), disordered(north), 0)


def disordered(north: Plant) -> int:
    """Live readings that came twice, or after a newer one of their tag."""
    newest: dict[str, int] = {}
    count = 0
    for tag, ts_ms, *_ in north.live():
        count += ts_ms <= newest.get(tag, 0)
        newest[tag] = max(ts_ms, newest.get(tag, 0))
    return count


class Trouble(NamedTuple):
    """One kind, and what is promised of it."""

    name: str
    round: Callable[[Path], Coroutine[None, None, Round]]
    within: float  # s


FULL = Trouble("disk full", full, RECOVERS_WITHIN)
DAMAGED = Trouble("database damaged", damaged, BEGINS_WITHIN)
SLOW = Trouble("disk stands still", slow, RECOVERS_WITHIN)


async def measured(trouble: Trouble, rounds: int) -> list[Round]:
    """That many rounds, some at a time, each on a station of its own."""
    turns = asyncio.Semaphore(AT_A_TIME)

    async def one() -> Round:
        done = NEVER
        async with turns:
            with tempfile.TemporaryDirectory() as folder:
                try:
                    done = await trouble.round(Path(folder))
                except* TimeoutError as error:
                    print(f"{trouble.name}: a round came to no end; {error.exceptions}")
        return done

    return await asyncio.gather(*(one() for _ in range(rounds)))


def tell(trouble: Trouble, done: Sequence[Round]) -> bool:
    """Say what it cost; whether a promise is broken."""
    rows, lost, unordered, torn = (sum(figures) for figures in list(zip(*done, strict=True))[2:])
    worst = max(one.seconds for one in done)
    print(
        f"{trouble.name:18} {len(done):3} rounds, {rows:6} readings: {lost} lost, {unordered} twice or out of order,"
        f" {torn} on torn pages; stored again after {worst:4.1f} s at most, live values never stood still for more than"
        f" {max(one.silence for one in done):.1f} s"
    )
    return lost + unordered > 0 or worst > trouble.within


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what each kind of trouble costs; 1 where a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="of a full disk, and of a damaged database")
    parser.add_argument("--slow", type=int, default=5, help="rounds of a disk that stands still")
    args = parser.parse_args(arguments)
    broken = False
    for trouble, rounds in ((FULL, args.rounds), (DAMAGED, args.rounds), (SLOW, args.slow)):
        try:
            done = asyncio.run(measured(trouble, rounds)) if rounds else []
        except pytest.skip.Exception as why:
            print(f"{trouble.name}: skipped, {why}")
            continue
        broken |= bool(done) and tell(trouble, done)
    return int(broken)


if __name__ == "__main__":
    sys.exit(main())
