"""The clock is wrong, is set, or enters winter time, under the whole agent as a process.

libfaketime (Debian: libfaketime) shows the agent another wall clock; the machine's own and the monotonic ones stay
as they are. A file stands for the time service's word. Where the machine has other work, polls come late whatever the
clock does, so the beat itself is measured where time passes without waiting: every period of a quarter of an hour in
which the clock is set as in the fault. What the polls of the process did is shown beside the machine's load.
"""

import asyncio
import logging
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from statistics import median

from agent.store.reader import Reader
from agent.store.records import Row
from agent.ticks import WallTicks
from tests.simulators.agent import agent
from tests.simulators.clock import run_at_once
from tests.simulators.modbus import modbus_server
from tests.simulators.station import modbus_device

LIBRARIES = tuple(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
MISSING = "libfaketime is missing (Debian: apt install libfaketime); the clock's faults are not measured"
PERIOD = 1.0  # s
BEFORE, AFTER = 6.0, 8.0  # s that are read before the clock is set, and after it
PATIENCE = 90.0  # s, on a machine that is busy
STARTING = 120.0  # s, on a machine that is busy
HOUR = 3_600.0
MOST_LATE = 0.01  # of a period
MOST_APART = 10.0  # s, between two readings on a machine that is busy


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with the clock."""

    name: str
    wrong: float  # s, of the wall clock at the start of the agent
    zone: str = "UTC"
    is_trusted: bool = False  # whether the time service vouches for it at first
    set_by: float = 0.0  # s, that a person sets it by at first, without the time service
    is_mended: bool = True  # whether the time service puts it right


@dataclass(slots=True)
class Figures:
    """What it did to the readings."""

    fault: Fault
    readings: int = 0
    redated: int = 0
    wrong: int = 0  # readings with another time than that at which they were read
    skipped: int = 0  # polls
    period: float = 0.0  # by which a period of the beat is wrong at most, share
    typical: float = 0.0  # by which polls of the process were early or late
    worst: float = 0.0
    jobs: int = 0  # that have run since
    lines: list[str] = field(default_factory=list)

    @property
    def is_kept(self) -> bool:
        """Whether the promise of row 17 holds."""
        is_dated = self.redated > 0 or not self.fault.is_mended
        return not self.wrong and self.period < MOST_LATE and self.jobs > 0 and is_dated

    def __str__(self) -> str:
        return (
            f"17   {self.fault.name:34} {self.readings:8} {self.redated:8} {self.wrong:6} {self.skipped:7}"
            f" {100 * self.period:6.2f} % {100 * self.typical:6.2f} % {100 * self.worst:6.2f} % {self.jobs:5}"
        )


FAULTS = (
    Fault("1 h behind at boot, set +1 h", -HOUR),
    Fault("1 h ahead at boot, set -1 h", HOUR),
    Fault("1970 at boot, set to now", 17.3 - time.time()),
    Fault("right, set +1 h by hand, mended", 0.0, is_trusted=True, set_by=HOUR),
    Fault("DST ends in Europe/Berlin", 0.0, "Europe/Berlin", is_trusted=True, is_mended=False),
)
DST_END = 1_792_890_000.0  # 2026-10-25 01:00 UTC


class Bench:
    """One agent and the clock it sees."""

    def __init__(self, folder: Path, fault: Fault) -> None:
        self.folder = folder
        self.fault = fault
        self.base = DST_END - BEFORE - time.time() if not fault.is_mended else 0.0
        self._shift, self._word = folder / "clock", folder / "synchronised"

    def environment(self) -> dict[str, str]:
        """Of the agent."""
        return {
            **os.environ,
            "TZ": self.fault.zone,
            "LD_PRELOAD": str(LIBRARIES[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self._shift),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }

    def set(self, wrong: float, *, is_synchronised: bool) -> None:
        """Show the agent a clock that is *wrong* s off, with or without the time service's word."""
        self._word.unlink(missing_ok=True)
        new = self._shift.with_suffix(".new")
        new.write_text(f"{self.base + wrong:+.6f}\n")
        new.replace(self._shift)  # at once: half a number would be another fault
        if is_synchronised:
            self._word.touch()

    def config(self, port: int) -> Path:
        """A station of one device."""
        path = self.folder / "station.toml"
        path.write_text(f"""
[station]
name = "north"
time_zone = "{self.fault.zone}"
[mqtt]
port = 9
[storage]
path = "north.db"
[clock]
sync_file = "{self._word}"
[jobs]
quality = {{ period = 2.0 }}
gaps = {{ enabled = false }}
running = {{ enabled = false }}
curves = {{ enabled = false }}
dispatch = {{ enabled = false }}
{modbus_device("plc", port)}
period = {PERIOD}
[[device.tag]]
name = "pressure"
address = "holding:0"
unit = "bar"
""")
        return path

    def rows(self) -> list[Row]:
        """What the agent has stored of good and doubtful readings."""
        with Reader(self.folder / "north.db") as reader:
            return [row for row in reader.after(0, 10_000) if row.value is not None]

    async def until_there_are(self, count: int) -> None:
        """Wait for so many readings."""
        async with asyncio.timeout(PATIENCE):
            while len(self.rows()) < count:  # noqa: ASYNC110 - another process writes them
                await asyncio.sleep(0.1)

    async def until_dated(self) -> None:
        """Wait until no reading is in doubt."""
        async with asyncio.timeout(PATIENCE):
            while any(  # noqa: ASYNC110 - as above
                (row.reason or "").endswith("clock not synchronised") for row in self.rows()
            ):
                await asyncio.sleep(0.1)

    def jobs_since(self, since_ms: float) -> int:
        """How many jobs have run since then."""
        with Reader(self.folder / "north.db") as reader:
            return sum(one.ran_ms >= since_ms for one in reader.job_runs())

    async def until_a_job_ran(self, since_ms: float) -> None:
        """Wait for the first; all of them are due at once, and their process takes seconds to load."""
        async with asyncio.timeout(PATIENCE):
            while not self.jobs_since(since_ms):  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.1)


async def measure(fault: Fault, folder: Path) -> Figures:
    """Let the agent run through *fault*."""
    bench = Bench(folder, fault)
    bench.set(fault.wrong, is_synchronised=fault.is_trusted)
    before, after = round(BEFORE / PERIOD), round(AFTER / PERIOD)
    async with modbus_server(holding={0: [75]}) as port:
        path = bench.config(port)
        began = time.time()
        async with agent(path, bench.environment()) as running:
            await running.says("job quality", STARTING)  # its process has loaded what it needs
            settled = len(bench.rows())
            await bench.until_there_are(settled + before)
            if fault.set_by:
                bench.set(fault.set_by, is_synchronised=False)
                await bench.until_there_are(settled + 2 * before)
            if fault.is_mended:
                bench.set(0.0, is_synchronised=True)
                await bench.until_dated()
            mended_ms = 1000 * (time.time() + bench.base)
            await bench.until_there_are(len(bench.rows()) + after)
            with suppress(TimeoutError):  # the figures say so
                await bench.until_a_job_ran(mended_ms)
            await running.stop()
        window = 1000 * (began + bench.base), 1000 * (time.time() + bench.base)
    figures = judged(fault, bench.rows(), settled, window)
    figures.jobs = bench.jobs_since(mended_ms)
    figures.lines = running.lines
    return figures


def judged(fault: Fault, rows: Sequence[Row], settled: int, window: tuple[float, float]) -> Figures:
    """The figures of what was stored.

    Args:
        fault: What there was.
        rows: In the order in which they were read, all within *window*.
        settled: The first from which on the agent did nothing but poll.
        window: ms.
    """
    periods = [after.ts_ms - before.ts_ms for before, after in pairwise(rows)]
    steady = periods[settled:]
    counts = [max(1, round(one / 1000 / PERIOD)) for one in steady]
    errors = [abs(one / 1000 / PERIOD / count - 1) for one, count in zip(steady, counts, strict=True)]
    outside = sum(not window[0] <= row.ts_ms <= window[1] for row in rows)
    return Figures(
        fault,
        readings=len(rows),
        redated=sum((row.reason or "").startswith("re-dated") for row in rows),
        wrong=outside + sum(not 0 < one < 1000 * MOST_APART for one in periods),
        skipped=sum(counts) - len(counts),
        typical=median(errors),
        worst=max(errors),
    )


def worst_period(fault: Fault) -> float:
    """By how much the worst period of the beat is wrong while the clock is set as in *fault*, share."""
    sets = {300: -fault.wrong + fault.set_by, 600: -fault.set_by}
    return run_at_once(_beat(fault.wrong, sets))


async def _beat(wrong: float, sets: Mapping[int, float]) -> float:
    loop, offset = asyncio.get_running_loop(), time.time() + wrong
    wall: Callable[[], float] = lambda: loop.time() + offset  # noqa: E731 - sees each new offset
    times: list[float] = []
    async for _ in WallTicks(PERIOD, wall=wall, rounds=900):
        times.append(loop.time())
        offset += sets.get(len(times), 0.0)
    return max(abs((after - before) / PERIOD - 1) for before, after in pairwise(times[1:]))  # the first is at once


async def measure_all() -> list[Figures]:
    """Every fault, one after the other; takes two minutes."""
    with tempfile.TemporaryDirectory() as folder:
        places = [Path(folder) / str(number) for number in range(len(FAULTS))]
        for place in places:
            place.mkdir()
        return [await _measured(fault, place) for fault, place in zip(FAULTS, places, strict=True)]


async def _measured(fault: Fault, folder: Path) -> Figures:
    """The figures, or none where what is waited for does not come: a promise that is broken."""
    try:
        return await measure(fault, folder)
    except ExceptionGroup as group:
        if group.split(TimeoutError)[1] is not None:
            raise
        return Figures(fault)


def main() -> int:
    """Print the table; 1 where a promise is broken."""
    if not LIBRARIES:
        print(MISSING)
        return 0
    logging.disable(logging.CRITICAL)
    found = asyncio.run(measure_all())
    for figures in found:
        figures.period = worst_period(figures.fault)
    print("row  fault                              readings re-dated  wrong skipped   period  typical    worst  jobs")
    print(*found, sep="\n")
    broken = [figures for figures in found if not figures.is_kept]
    print(f"typical and worst are its polls', at a load of {os.getloadavg()[1]:.1f} on {os.cpu_count()} cores")
    print(f"{len(found)} faults, {sum(figures.wrong for figures in found)} wrong dates; {len(broken)} promises broken")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
