"""Faults of Modbus TCP devices, and what the agent makes of them at its default timeout and period.

Rows 8, 10 and 11 of the promises: for each fault how many wrong values were stored (0 is promised), how long until the
device's tags were bad, and how long until good values were back after its end.
"""

import asyncio
import logging
import math
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import uvloop

from agent.store.opening import prepare
from agent.store.reader import Reader
from agent.store.records import Row
from agent.store.settings import StorageSettings
from agent.store.writer import Store
from drivers.reading import is_good
from tests.faults.acquisition_rtu import Bench
from tests.simulators import modbus
from tests.simulators.modbus import Behaviour, RawDevice, Request, answering, raw_device, right, word

LASTS = 8.0  # s
PROMISED = 15.0  # s
Faults = dict[str, tuple[int, Behaviour]]


async def _silent(_request: Request, _writer: asyncio.StreamWriter) -> None:
    """Never answers, and keeps the connection: a cable that was pulled."""


def _garbage(request: Request) -> bytes:
    return bytes((request.transaction + 7 * place) % 256 for place in range(60))


FAULTS: Faults = {
    "silent (half-open link)": (10, _silent),
    "hangs up": (11, modbus.hanging_up),
    "half a frame": (8, answering(modbus.half)),
    "garbage": (8, answering(_garbage)),
    "flood of other transactions": (8, modbus.flooding),
    "transaction id 0": (8, answering(lambda request: modbus.elsewhere(request, transaction=0))),
    "wrong transaction id": (
        8,
        answering(lambda request: modbus.elsewhere(request, transaction=request.transaction + 1)),
    ),
    "wrong unit id": (8, answering(lambda request: modbus.elsewhere(request, unit=9))),
    "wrong function code": (8, answering(lambda request: modbus.elsewhere(request, function=4))),
    "a register too many": (8, answering(modbus.longer)),
    "a register too few": (8, answering(modbus.shorter)),
    "wrong byte count": (8, answering(modbus.understated)),
    "each answer one request late": (8, modbus.one_late()),
    "refuses everything": (8, answering(lambda request: modbus.refusal(request, 4))),
}


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured of one fault."""

    row: int
    name: str
    wrong: int
    to_bad: float  # s
    to_back: float  # s

    def __str__(self) -> str:
        return f"{self.row:3}  {self.name:<32} {self.wrong:5}  {self.to_bad:5.1f}  {self.to_back:5.1f}"

    @property
    def is_kept(self) -> bool:
        """Whether the promise is."""
        return self.wrong == 0 and self.to_bad <= PROMISED and self.to_back <= PROMISED


async def _measure(bench: Bench, number: int, name: str) -> Figures:
    """One fault: begun while all is well, ended after a while."""
    row, behaviour = FAULTS[name]
    prefix = f"f{number}"
    async with raw_device(answering(right)) as device:
        polling = bench.poll({"protocol": "modbus-tcp", "host": "127.0.0.1", "port": device.port}, prefix, 1)
        await bench.first(f"{prefix}.1", 0.0, lambda one: is_good(one.quality))
        began_ms = _become(device, behaviour)
        await asyncio.sleep(LASTS)
        bad = await bench.first(f"{prefix}.1", began_ms, lambda one: not is_good(one.quality))
        ended_ms = _become(device, answering(right))
        back = await bench.first(f"{prefix}.1", ended_ms, lambda one: is_good(one.quality))
        polling.cancel()
        await asyncio.wait({polling})
    wrong = sum(map(_is_wrong, bench.rows(f"{prefix}.1")))
    return Figures(row, name, wrong, math.inf if bad is None else bad, math.inf if back is None else back)


def _become(device: RawDevice, behaviour: Behaviour) -> float:
    """Let it behave so from now on; the instant, ms."""
    device.behaviour = behaviour
    return time.time() * 1000


def _is_wrong(row: Row) -> bool:
    return row.value is not None and row.value != word(int(row.tag.rsplit(".", 1)[1]))


async def measure() -> list[Figures]:
    """Every fault, all at the same time; takes half a minute."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        storage = StorageSettings(path=folder / "faults.db", commit_interval=0.5)
        await prepare(storage.path)
        store = await stack.enter_async_context(Store(storage))
        reader = stack.enter_context(Reader(storage.path))
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        bench = Bench(folder, store, reader, tasks)
        following = tasks.create_task(bench.follow(), name="rows")
        found = list(await asyncio.gather(*(_measure(bench, number, name) for number, name in enumerate(FAULTS))))
        following.cancel()
        return found


def main() -> int:
    """Print the table; 1 where a promise is broken."""
    logging.disable(logging.CRITICAL)
    found = uvloop.run(measure())
    print("row  fault                            wrong    bad   back")
    print(*sorted(found, key=lambda one: (one.row, one.name)), sep="\n")
    broken = [one for one in found if not one.is_kept]
    print(f"{len(found)} faults, {sum(one.wrong for one in found)} wrong values; {len(broken)} promises broken")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
