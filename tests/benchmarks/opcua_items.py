"""Many OPC UA items, all of them changing every second: what a reading costs, and how long the event loop is held.

`python -m tests.benchmarks.opcua_items [--seconds 5] [--rounds 3] [ITEMS ...]` reads 1,000 and 5,000 items of a
server in another process, by subscription and by polling, as the agent does: the driver alone, once a second, under
uvloop. Beside each stands the least Python that does it with the same library: a row of tag, source time, value and
quality for each value, and no configuration, check or supervision. They take turns, and the median of their ratios
counts. In a round apart from these a task sleeps 2 ms again and again; by how much it wakes late is what every
other device would be late too.
"""

import argparse
import asyncio
import statistics
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import NamedTuple

import uvloop
from asyncua import ua
from asyncua.client.client import Client

from agent.ticks import Ticks
from drivers.opcua.driver import OpcuaDriver
from drivers.opcua.settings import OpcuaSettings
from drivers.reading import Quality, Reading
from tests.benchmarks.naps import nap
from tests.simulators.opcua import opcua_server

BOUND = 50.0  # ms of lag at p99
DEAREST = 1.3  # times the bare loop's CPU
MODES = ("subscribe", "poll")
REQUEST = 500  # nodes that the bare loops ask for at a time
TIMEOUT = 30.0  # s; where the machine has other work, the server is slow
Rows = list[tuple[str, float, object, bool]]


class Found(NamedTuple):
    """What the driver made of some seconds."""

    opening: float  # s
    readings: list[Reading]
    cpu: float  # s, once open

    @property
    def cost(self) -> float:
        """µs of CPU a reading with a new value: that a value still stands is said almost for nothing."""
        return 1e6 * self.cpu / (self.changes * len(self.readings))

    @property
    def good(self) -> float:
        """Share of the readings."""
        return sum(one.quality == Quality.GOOD for one in self.readings) / len(self.readings)

    @property
    def changes(self) -> float:
        """Share of the readings that carry another value than the one before."""
        last: dict[str, object] = {}
        new = 0
        for one in self.readings:
            new += last.get(one.tag) != one.value
            last[one.tag] = one.value
        return new / len(self.readings)


async def driven(url: str, items: int, mode: str, seconds: int, lags: list[float] | None = None) -> Found:
    """Read for some seconds as the agent does; with a list for lags (ms), somebody naps meanwhile."""
    tags = [{"name": f"v{number}", "node": f"ns=2;s=v{number}"} for number in range(items)]
    settings = {"name": "works", "protocol": "opcua", "url": url, "mode": mode, "timeout": TIMEOUT, "tag": tags}
    readings: list[Reading] = []
    started = time.monotonic()
    async with AsyncExitStack() as stack:
        works = await stack.enter_async_context(OpcuaDriver(OpcuaSettings.model_validate(settings)))
        opening = time.monotonic() - started
        await works.read(0)
        if lags is not None:
            stack.callback(asyncio.create_task(nap(lags)).cancel)
        cpu = time.process_time()
        async for tick in Ticks(1.0, last=seconds):
            readings += await works.read(tick + 1)
        cpu = time.process_time() - cpu
    return Found(opening, readings, cpu)


class Keeper:
    """The least a subscription can do with a value: keep it as a row."""

    def __init__(self, names: dict[ua.NodeId, str]) -> None:
        self._names = names
        self.rows: Rows = []

    def datachange_notification(self, node: object, value: object, data: object) -> None:
        """A new value has come."""
        self.rows.append(row(self._names[node.nodeid], data.monitored_item.Value, value))  # type: ignore[attr-defined]


def row(name: str, data: ua.DataValue, value: object) -> tuple[str, float, object, bool]:
    """What is worth keeping of a value."""
    stamp: datetime | None = data.SourceTimestamp
    status = data.StatusCode
    return name, 1000 * (stamp.timestamp() if stamp else time.time()), value, status is None or status.is_good()


async def bare(url: str, items: int, mode: str, seconds: int) -> float:
    """µs of CPU a value, in a loop of the same library that makes rows and does nothing else."""
    ids = {ua.NodeId.from_string(f"ns=2;s=v{number}"): f"v{number}" for number in range(items)}
    keeper = Keeper(ids)
    async with Client(url, timeout=TIMEOUT, watchdog_intervall=TIMEOUT) as client:
        nodes = [client.get_node(one) for one in ids]
        requests = [nodes[start : start + REQUEST] for start in range(0, items, REQUEST)]
        if mode == "subscribe":
            subscription = await client.create_subscription(1000, keeper)
            for some in requests:
                await subscription.subscribe_data_change(some)
            await asyncio.sleep(1.5)
        before, cpu = len(keeper.rows), time.process_time()
        async for _ in Ticks(1.0, last=seconds):
            if mode == "poll":
                for some in requests:
                    answers = await client.read_attributes(some)
                    for node, one in zip(some, answers, strict=True):
                        keeper.rows.append(row(ids[node.nodeid], one, one.Value.Value if one.Value else None))
        return 1e6 * (time.process_time() - cpu) / max(1, len(keeper.rows) - before)


@asynccontextmanager
async def server(items: int) -> AsyncIterator[str]:
    """A server in another process whose items change once a second; yields where it listens."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __spec__.name, "--serve", str(items), stdout=PIPE, cwd=Path(__file__).parents[2]
    )
    try:
        assert process.stdout is not None
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.kill()
        await process.wait()


async def serve(items: int) -> None:
    """Be that server."""
    async with opcua_server({f"v{number}": 0.0 for number in range(items)}) as station:
        print(station.url, flush=True)
        for value in count(1):
            started = time.monotonic()
            for number, node in enumerate(station.nodes.values()):
                new = ua.DataValue(ua.Variant(float(value + number)), SourceTimestamp=datetime.now(UTC))  # type: ignore[arg-type]
                await station.server.write_attribute_value(node.nodeid, new)
                if number % 50 == 0:
                    await asyncio.sleep(0)
            await asyncio.sleep(max(0.0, started + 1.0 - time.monotonic()))


async def cost(url: str, items: int, mode: str, seconds: int, rounds: int) -> bool:
    """Measure and print what a reading costs; whether the bound was kept."""
    floors, costs = [], []
    for _ in range(rounds):
        floors.append(await bare(url, items, mode, seconds))
        costs.append((await driven(url, items, mode, seconds)).cost)
    ratio = statistics.median(ours / floor for ours, floor in zip(costs, floors, strict=True))
    print(
        f"{items} items, {mode}: {statistics.median(costs):.0f} µs CPU a reading, bare "
        f"{statistics.median(floors):.0f} µs: {ratio:.2f} times (at most {DEAREST}; median of {rounds})",
        flush=True,
    )
    return ratio <= DEAREST


async def lag(url: str, items: int, mode: str, seconds: int) -> bool:
    """Measure and print by how much the loop is late; whether the bound was kept."""
    lags: list[float] = []
    found = await driven(url, items, mode, seconds, lags)
    cuts = statistics.quantiles(lags, n=100)
    print(
        f"{items} items, {mode}: event-loop lag p50 {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms (below {BOUND:.0f}), "
        f"worst {max(lags):.1f} ms; {len(found.readings) / (seconds + 1):.0f} readings/s "
        f"({found.good:.1%} good, {found.changes:.0%} new values); open after {found.opening:.1f} s",
        flush=True,
    )
    return cuts[98] < BOUND


async def run(sizes: list[int], seconds: int, rounds: int) -> bool:
    """Measure and print everything; whether every bound was kept."""
    kept = []
    for items in sizes:
        async with server(items) as url:
            for mode in MODES:
                kept.append(await cost(url, items, mode, seconds, rounds))
                kept.append(await lag(url, items, mode, seconds))
    print(f"every bound kept: {'yes' if all(kept) else 'NO'}")
    return all(kept)


def main() -> int:
    """Print the figures; 1 where a reading is too dear or the loop is held for too long."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("items", type=int, nargs="*", default=[1000, 5000])
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        asyncio.run(serve(args.serve))
    return 0 if uvloop.run(run(args.items, args.seconds, args.rounds)) else 1


if __name__ == "__main__":
    sys.exit(main())
