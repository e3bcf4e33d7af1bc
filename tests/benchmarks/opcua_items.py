"""Many OPC UA items, all of them changing every second: how long the event loop is held, and what a reading costs.

`python -m tests.benchmarks.opcua_items [--seconds 20] [ITEMS ...]` reads 1,000 and 5,000 items of a server in another
process, by subscription and by polling, as the agent does: the driver alone, once a second, under uvloop. A task
beside it sleeps 2 ms again and again; by how much it wakes late is what every other device would be late too. What a
reading costs stands beside a bare subscription of the same library that only counts values.
"""

import argparse
import asyncio
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import NamedTuple

import uvloop
from asyncua import ua
from asyncua.client.client import Client

from agent.ticks import Ticks
from drivers.opcua.driver import OpcuaDriver
from drivers.opcua.settings import OpcuaSettings
from drivers.reading import Quality
from tests.simulators.opcua import opcua_server

NAP = 0.002  # s
BOUND = 50.0  # ms at p99


class Figures(NamedTuple):
    """What one run measured."""

    opening: float  # s
    readings: int
    good: int
    changes: float  # share of the readings that carry a new value
    cpu: float  # µs a reading, everything included
    lags: list[float]  # ms, sorted, once open

    def lag(self, share: float) -> float:
        """The lag that this share of the naps did not exceed, ms."""
        return self.lags[min(len(self.lags) - 1, int(share * len(self.lags)))]


async def measure(url: str, items: int, mode: str, seconds: int) -> Figures:
    """Read for some seconds."""
    tags = [{"name": f"v{number}", "node": f"ns=2;s=v{number}"} for number in range(items)]
    settings = {"name": "works", "protocol": "opcua", "url": url, "mode": mode, "timeout": 10.0, "tag": tags}
    lags: list[float] = []
    readings = good = new = 0
    last: dict[str, object] = {}
    started = time.monotonic()
    async with OpcuaDriver(OpcuaSettings.model_validate(settings)) as works:
        opening = time.monotonic() - started
        await works.read(0)
        napping = asyncio.create_task(nap(lags))
        cpu = time.process_time()
        async for tick in Ticks(1.0, last=seconds):
            for one in await works.read(tick + 1):
                readings += 1
                good += one.quality == Quality.GOOD
                new += last.get(one.tag) != one.value
                last[one.tag] = one.value
        cpu = time.process_time() - cpu
        napping.cancel()
    return Figures(opening, readings, good, new / readings, 1e6 * cpu / readings, sorted(lags))


class Counter:
    """The least a subscription can do with a value: count it."""

    def __init__(self) -> None:
        self.values = 0

    def datachange_notification(self, _node: object, _value: object, _data: object) -> None:
        """A new value has come."""
        self.values += 1


async def bare(url: str, items: int, seconds: int) -> float:
    """µs of CPU a value in a bare loop of the same library: one subscription, no quality, no time, no check."""
    counter = Counter()
    async with Client(url, timeout=10.0) as client:
        subscription = await client.create_subscription(1000, counter)
        nodes = [client.get_node(f"ns=2;s=v{number}") for number in range(items)]
        for start in range(0, items, 500):
            await subscription.subscribe_data_change(nodes[start : start + 500])
        await asyncio.sleep(1.0)
        values, cpu = counter.values, time.process_time()
        await asyncio.sleep(seconds)
        return 1e6 * (time.process_time() - cpu) / max(1, counter.values - values)


async def nap(lags: list[float]) -> None:
    """Sleep, and note by how many ms too long."""
    while True:
        due = time.monotonic() + NAP
        await asyncio.sleep(NAP)
        lags.append(1000 * (time.monotonic() - due))


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
                await station.server.write_attribute_value(node.nodeid, ua.DataValue(ua.Variant(float(value + number))))
                if number % 50 == 0:
                    await asyncio.sleep(0)
            await asyncio.sleep(max(0.0, started + 1.0 - time.monotonic()))


async def run(sizes: list[int], seconds: int) -> bool:
    """Measure and print everything; whether the bound was kept."""
    kept = True
    for items in sizes:
        async with server(items) as url:
            floor = await bare(url, items, seconds)
            print(f"{items} items, a bare subscription: {floor:.0f} µs CPU a value")
            for mode in ("subscribe", "poll"):
                found = await measure(url, items, mode, seconds)
                kept = kept and found.lag(0.99) < BOUND
                print(
                    f"{items} items, {mode}: loop lag p50 {found.lag(0.5):.1f} ms, p99 {found.lag(0.99):.1f} ms, "
                    f"worst {found.lags[-1]:.1f} ms; {found.readings / (seconds + 1):.0f} readings/s "
                    f"({found.good / found.readings:.1%} good, {found.changes:.0%} new values), "
                    f"{found.cpu:.0f} µs CPU a reading, {found.cpu / floor:.2f} of the bare one; "
                    f"open after {found.opening:.1f} s"
                )
    print(f"event-loop lag p99 below {BOUND:.0f} ms: {'yes' if kept else 'NO'}")
    return kept


def main() -> int:
    """Print the figures; 1 where the loop is held for too long."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("items", type=int, nargs="*", default=[1000, 5000])
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        asyncio.run(serve(args.serve))
    return 0 if uvloop.run(run(args.items, args.seconds)) else 1


if __name__ == "__main__":
    sys.exit(main())
