"""Faults of serial lines and of gateways, and what the agent makes of them at its default timeout and period.

Rows 8 to 11 and 18 of the promises, for Modbus RTU on a serial port and over TCP: for each fault how many rounds, how
many wrong values were stored (0 is promised), how long until the unit's tags were bad, and how long until good values
were back after the end. Beside each unit that fails there is one that does not, whose share of kept polls is shown.
"""

import asyncio
import logging
import math
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from itertools import takewhile
from pathlib import Path
from random import Random
from typing import NoReturn

import uvloop
from pydantic import TypeAdapter

from agent.health import Part
from agent.store.opening import prepare
from agent.store.reader import Reader
from agent.store.records import Row
from agent.store.settings import StorageSettings
from agent.store.writer import Store
from agent.supervisor import supervise
from agent.tasks import poll
from drivers.bus.buses import Buses
from drivers.reading import is_good
from drivers.settings import AnyDeviceSettings
from tests.simulators import serial_bus
from tests.simulators.serial_bus import Behaviour, Gateway, SerialBus, answering, late, right, silent, word

ANY_DEVICE: TypeAdapter[AnyDeviceSettings] = TypeAdapter(AnyDeviceSettings)
ADDRESSES = (0, 1, 50)  # two requests
LASTS = 6.0  # s
PATIENCE = 40.0  # s
PROMISED = 15.0  # s
Line = SerialBus | Gateway


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that happens to unit 1 of a line, or to the line, and ends again."""

    row: int  # of the promises
    name: str
    behaviour: Behaviour | None = None  # of unit 1
    begin: Callable[[Line], None] | None = None  # or of the line
    end: Callable[[Line], None] | None = None
    rounds: int = 2
    lasts: float = LASTS  # s
    beside: str = "2.0"  # unit and register that the fault does not concern


@dataclass(slots=True)
class Figures:
    """What was measured, the worst of all rounds."""

    fault: Fault
    line: str
    wrong: int = 0
    to_bad: float = math.nan  # s; nan where no reading was bad
    to_back: float = 0.0  # s
    neighbour: float = 0.0  # share of polls kept by whom the fault does not concern
    lost: float = 0.0  # polls that it lost in a round

    def __str__(self) -> str:
        bad = "    -" if math.isnan(self.to_bad) else f"{self.to_bad:5.1f}"
        neighbour = "    -" if self.fault.begin else f"{self.neighbour:5.0%}  {self.lost:4.1f}"
        return (
            f"{self.fault.row:3}  {self.fault.name:<34} {self.line:<8} {self.fault.rounds:6}  {self.wrong:5}  {bad}"
            f"  {self.to_back:5.1f}  {neighbour}"
        )

    @property
    def is_kept(self) -> bool:
        """Whether the promise is."""
        is_of_the_line = self.fault.behaviour is None
        is_back = self.to_back <= (PROMISED if is_of_the_line else PATIENCE)  # a unit may rest for 30 s, and 9.6 s
        return not self.wrong and is_back and not self.to_bad > PROMISED


async def _deaf(request: serial_bus.Request, write: serial_bus.Write) -> None:
    if request.start + request.quantity <= ADDRESSES[-1]:
        write(right(request))


def _noisy(seed: int) -> Behaviour:
    return answering(serial_bus.noisy(Random(seed), 0.02))


def _uneven(seed: int) -> Behaviour:
    rng = Random(seed)
    return late(lambda: rng.uniform(0.0, 1.9))


def _unplug(line: Line) -> None:
    assert isinstance(line, SerialBus)
    line.port.unplug()


def _plug(line: Line) -> None:
    assert isinstance(line, SerialBus)
    line.port.plug()


def _half_open(line: Line) -> None:
    line.units.behaviours.update(dict.fromkeys((1, 2), silent))


def _repaired(line: Line) -> None:
    line.units.behaviours.update(dict.fromkeys((1, 2), answering(right)))


def _hang_up(line: Line) -> None:
    assert isinstance(line, Gateway)
    for writer in line.connections:
        writer.transport.abort()


OF_A_UNIT = (
    Fault(8, "silent", silent),
    Fault(8, "silent for two minutes", silent, rounds=1, lasts=120.0),
    Fault(8, "silent about some registers", _deaf, rounds=1, lasts=60.0, beside="1.0"),
    Fault(8, "half a frame", answering(serial_bus.truncated)),
    Fault(8, "wrong checksum", answering(serial_bus.wrong_checksum)),
    Fault(8, "answers as another unit", answering(lambda request: serial_bus.elsewhere(request, unit=9))),
    Fault(8, "answers another function", answering(lambda request: serial_bus.elsewhere(request, function=4))),
    Fault(8, "answers too much", answering(lambda one: right(one._replace(quantity=one.quantity + 1)))),
    Fault(8, "an older answer before its own", answering(lambda one: serial_bus.elsewhere(one) + right(one))),
    Fault(9, "noise, 2 bytes in 100", _noisy(5)),
    Fault(9, "late by up to 1.9 timeouts", _uneven(5)),
    Fault(9, "always late by half a timeout", late(lambda: 1.5)),
    Fault(9, "hears itself", answering(serial_bus.echoed)),
    Fault(9, "hears itself and nobody else", answering(serial_bus.echo_alone)),
)
OF_A_GATEWAY = (
    Fault(10, "half-open", begin=_half_open, end=_repaired),
    Fault(11, "flapping every 10 s", begin=_hang_up, rounds=4, lasts=10.0),
)
OF_A_PORT = (
    Fault(18, "adapter unplugged", begin=_unplug, end=_plug, rounds=3),
    Fault(10, "line cut", begin=_half_open, end=_repaired),
)


@dataclass
class Bench:
    """One store, and everything that is measured at the same time."""

    folder: Path
    store: Store
    reader: Reader
    tasks: asyncio.TaskGroup
    buses: Buses = field(default_factory=Buses)
    stored: defaultdict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))  # by unit

    def poll(self, place: Mapping[str, object], prefix: str, unit: int) -> asyncio.Task[None]:
        """Poll one unit as the agent does, with the defaults of the configuration."""
        tags = [{"name": f"{prefix}.{unit}.{address}", "address": f"holding:{address}"} for address in ADDRESSES]
        settings = ANY_DEVICE.validate_python({"name": f"{prefix}.{unit}", "unit_id": unit, "tag": tags, **place})
        part = Part(settings.name)
        return self.tasks.create_task(supervise(part, partial(poll, settings, self.store, part, self.buses)))

    async def follow(self) -> NoReturn:
        """Look at what is stored, each row once: looking must not keep anybody from polling."""
        mark = 0
        while True:
            for row in self.reader.after(mark, 100_000):
                mark = row.id
                self.stored[row.tag.rpartition(".")[0]].append(row)
            await asyncio.sleep(0.25)

    def rows(self, prefix: str, since_ms: float = 0.0) -> list[Row]:
        """What is stored of a unit, oldest first."""
        newest = takewhile(lambda row: row.ts_ms >= since_ms, reversed(self.stored[prefix]))
        return list(newest)[::-1]

    async def first(self, prefix: str, since_ms: float, accept: Callable[[Row], bool]) -> float | None:
        """Wait for a reading of each tag that is accepted; s from *since_ms* to the last of the first ones."""
        wanted = {f"{prefix}.{address}" for address in ADDRESSES}
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            found: dict[str, int] = {}
            for row in self.rows(prefix, since_ms):
                if accept(row):
                    found.setdefault(row.tag, row.ts_ms)
            if wanted <= found.keys():
                return (max(found.values()) - since_ms) / 1000
            await asyncio.sleep(0.25)
        return None


def _is_wrong(row: Row) -> bool:
    unit, address = row.tag.split(".")[-2:]
    return row.value is not None and row.value != word(int(unit), int(address))


async def _measure(bench: Bench, line: Line, place: Mapping[str, object], fault: Fault) -> Figures:
    """All rounds of one fault on one line."""
    kind = "serial" if isinstance(line, SerialBus) else "over TCP"
    figures, prefix = Figures(fault, kind), f"f{id(line)}"
    polling = [bench.poll(place, prefix, unit) for unit in (1, 2)]
    for unit in (1, 2):
        await bench.first(f"{prefix}.{unit}", 0.0, lambda row: is_good(row.quality))
    for _ in range(fault.rounds):
        began_ms = time.time() * 1000
        _begin(fault, line)
        await asyncio.sleep(fault.lasts)
        ended_ms = time.time() * 1000
        _end(fault, line)
        during = bench.rows(f"{prefix}.1", began_ms)
        bad = [row.ts_ms for row in during if not is_good(row.quality)]
        back = await bench.first(f"{prefix}.1", ended_ms, lambda row: is_good(row.quality))
        if bad:
            figures.to_bad = max((min(bad) - began_ms) / 1000, 0.0 if math.isnan(figures.to_bad) else figures.to_bad)
        figures.to_back = max(figures.to_back, math.inf if back is None else back)
    for task in polling:
        task.cancel()
    beside = [row for row in bench.rows(f"{prefix}.{fault.beside[0]}") if row.tag == f"{prefix}.{fault.beside}"]
    seconds = (beside[-1].ts_ms - beside[0].ts_ms) / 1000
    polls, kept = round(seconds) + 1, sum(is_good(row.quality) for row in beside)
    figures.neighbour, figures.lost = min(1.0, kept / polls), max(0, polls - kept) / fault.rounds
    figures.wrong = sum(map(_is_wrong, bench.rows(f"{prefix}.1") + bench.rows(f"{prefix}.2")))
    return figures


def _begin(fault: Fault, line: Line) -> None:
    if fault.behaviour is not None:
        line.units.behaviours[1] = fault.behaviour
    if fault.begin is not None:
        fault.begin(line)


def _end(fault: Fault, line: Line) -> None:
    if fault.behaviour is not None:
        line.units.behaviours[1] = answering(right)
    if fault.end is not None:
        fault.end(line)


async def _on_a_port(bench: Bench, number: int, fault: Fault) -> Figures:
    folder = bench.folder / f"line{number}"
    folder.mkdir()
    async with serial_bus.serial_bus(folder, dict.fromkeys((1, 2), answering(right))) as line:
        return await _measure(bench, line, {"protocol": "modbus-rtu", "serial_port": str(line.port.path)}, fault)


async def _behind_a_gateway(bench: Bench, fault: Fault) -> Figures:
    async with serial_bus.gateway(dict.fromkeys((1, 2), answering(right))) as line:
        place = {"protocol": "modbus-rtu-over-tcp", "host": "127.0.0.1", "port": line.port}
        return await _measure(bench, line, place, fault)


async def measure() -> list[Figures]:
    """Every fault, all at the same time; takes about three minutes."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        storage = StorageSettings(path=folder / "faults.db", commit_interval=0.5)
        await prepare(storage.path)
        store = await stack.enter_async_context(Store(storage))
        reader = stack.enter_context(Reader(storage.path))
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        bench = Bench(folder, store, reader, tasks)
        following = tasks.create_task(bench.follow(), name="rows")
        ports = [_on_a_port(bench, number, fault) for number, fault in enumerate(OF_A_UNIT + OF_A_PORT)]
        gateways = [_behind_a_gateway(bench, fault) for fault in OF_A_UNIT + OF_A_GATEWAY]
        found = list(await asyncio.gather(*ports, *gateways))
        following.cancel()
        return found


def main() -> int:
    """Print the table; 1 where a promise is broken."""
    logging.disable(logging.CRITICAL)
    found = sorted(uvloop.run(measure()), key=lambda figures: (figures.fault.row, figures.fault.name, figures.line))
    print("row  fault                              line     rounds  wrong    bad   back  neighbour, lost a round")
    print(*found, sep="\n")
    broken = [figures for figures in found if not figures.is_kept]
    print(f"{len(found)} faults, {sum(figures.wrong for figures in found)} wrong values; {len(broken)} promises broken")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
