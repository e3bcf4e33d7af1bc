"""How long an alarm takes from the register to MQTT, 20 devices x 250 tags at 1 s: `make bench-alarms`.

Every register of 18 devices has a new value at each poll. Those of the other two rise by one step at random instants,
and each step is the limit of another alarm, or of 500 others; or they rise and fall, and one alarm chatters. A change
waits up to a period to be polled. What it takes from then on is counted from the poll that met it: that is ours.
What 500 at once do to polling is seen by the devices: how late their next request comes. The broker writes each of
their 1,000 messages to its disk, as a station's should, and that is what these 500 mostly wait for.

For each that took too long it is said how long agent, broker and this process together were ready and had no CPU.
"""

import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import uvloop

from tests.benchmarks.devices import Device
from tests.benchmarks.poll_to_broker import DEVICES, REGISTERS, config
from tests.benchmarks.waits import waited
from tests.simulators.agent import agent
from tests.simulators.broker import mosquitto
from tests.simulators.subscriber import Subscriber, subscriber

PERIOD = 1.0  # s
STEERED = 2  # devices
ALONE, CHATTERING, TOGETHER = 60, 30, 3  # times
WARMUP = 10.0  # s
GOAL = 0.1  # s
ACTIVE, GONE = "UNACK", "RTNUN"


@dataclass(slots=True)
class Plant:
    """What the steered registers hold, and when each device was asked."""

    value: int = 0
    told: tuple[float, float] | None = None  # when a poll first met this value, s, and `waited` then
    asked: dict[int, list[float]] = field(default_factory=dict)  # s, monotonic; the first request of each poll

    def become(self, value: int) -> None:
        """All steered registers hold another value from now on."""
        self.value, self.told = value, None

    def ask(self, number: int) -> None:
        """Note a request to device *number*; a poll of 250 registers is more than one, and the first has our tags."""
        times, now = self.asked.setdefault(number, []), time.monotonic()
        if not times or now - times[-1] > PERIOD / 2:
            times.append(now)
            if number == 0:
                self.told = self.told or (now, waited())

    def lateness(self, since: float) -> list[float]:
        """By how much polls after *since* came later than a period after the one before, s."""
        return [
            later - earlier - PERIOD
            for times in self.asked.values()
            for earlier, later in pairwise(times)
            if later >= since
        ]


class Steered(Device):
    """A device whose requests are noted; all registers of the first few hold what the plant says."""

    def __init__(self, plant: Plant, number: int) -> None:
        super().__init__()
        self._plant, self._number = plant, number

    def word(self) -> int:
        """The steered value, or one that nobody has seen yet."""
        self._plant.ask(self._number)
        return self._plant.value if self._number < STEERED else super().word()


class Board:
    """The alarms as SCADA sees them."""

    def __init__(self, scada: Subscriber) -> None:
        self._scada = scada
        self._read = 0

    async def until_all(self, state: str, names: set[str]) -> list[float]:
        """When each of *names* came into *state*, s, monotonic; looks only at what was not looked at before."""
        came: dict[str, float] = {}

        def have_come() -> bool:
            for message in self._scada.messages[self._read :]:
                name = message.topic.rpartition("/")[2]
                if name in names and message.payload and message.json["state"] == state:
                    came.setdefault(name, message.at)
            self._read = len(self._scada.messages)
            return len(came) == len(names)

        await self._scada.until(have_come)
        return list(came.values())


class Change(NamedTuple):
    """What a change of the registers came to. All s, monotonic."""

    made: float
    told: float  # first poll that met it
    came: list[float]  # each alarm
    waited: float  # for a CPU meanwhile, all processes together

    @property
    def beyond(self) -> float:
        """What the last alarm took, without the period that a register may wait to be polled, s."""
        return max(self.came) - self.made - PERIOD


class Station(NamedTuple):
    """An agent with its plant, and who watches it."""

    plant: Plant
    board: Board
    scada: Subscriber

    async def change(self, value: int, state: str, names: set[str]) -> Change:
        """Have the registers become *value* at a random instant, and wait until each of *names* is in *state*."""
        await asyncio.sleep(random.uniform(0.2, 0.2 + PERIOD))
        made = time.monotonic()
        self.plant.become(value)
        came = await self.board.until_all(state, names)
        assert self.plant.told is not None
        told, before = self.plant.told
        return Change(made, told, came, waited() - before)


def name(register: int, step: int) -> str:
    """The alarm of a steered register at its step to this value."""
    return f"high{register}-{step}"


def limits(folder: Path, path: Path, steps: dict[int, list[int]]) -> Path:
    """The configuration with a limit just below each of some values of each of some steered registers."""
    lines = [
        f'[[limit]]\nid = "{name(n, step)}"\ntag = "d{n // REGISTERS}.r{n % REGISTERS}"\nhigh = {step - 0.5}'
        for n, values in steps.items()
        for step in values
    ]
    other = folder / "limits.toml"
    other.write_text("\n".join([path.read_text(), *lines]))
    return other


@asynccontextmanager
async def station(
    steps: dict[int, list[int]], *, keeps: bool = True, tag_topics: bool = False
) -> AsyncIterator[Station]:
    """Run one whose registers have limits at *steps*, with a broker that *keeps* on its disk what it acknowledges."""
    plant = Plant()
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        servers = [
            await loop.create_server(partial(Steered, plant, number), "127.0.0.1", 0) for number in range(DEVICES)
        ]
        for server in servers:
            stack.callback(server.close)
        ports = [server.sockets[0].getsockname()[1] for server in servers]
        options = () if keeps else ("autosave_interval 0",)  # on leaving only
        broker = stack.enter_context(mosquitto(folder, options=options)).port
        path = limits(folder, config(folder, broker, ports, tag_topics=tag_topics), steps)
        topics = ("water/bench/alarm/#", "water/bench/health")
        scada = await stack.enter_async_context(subscriber(broker, *topics))
        await stack.enter_async_context(agent(path))
        await scada.on_topic("water/bench/health")
        await asyncio.sleep(WARMUP)
        yield Station(plant, Board(scada), scada)


async def alone(*, tag_topics: bool) -> None:
    """A new alarm each time; with 5,000 *tag_topics* a second beside it, or without."""
    steps = {n: [n + 1] for n in range(ALONE)}
    async with station(steps, keeps=not tag_topics, tag_topics=tag_topics) as there:
        began = time.monotonic()
        found = [await there.change(n + 1, ACTIVE, {name(n, n + 1)}) for n in range(ALONE)]
        beside = ", each tag with a topic, a broker that keeps them in memory" if tag_topics else ""
        await report(f"one new alarm{beside}", found, there, began)


async def chattering() -> None:
    """The same alarm, which comes and goes all the time."""
    async with station({0: [1]}) as there:
        began = time.monotonic()
        states = [ACTIVE, GONE] * (CHATTERING // 2)
        found = [await there.change(int(state == ACTIVE), state, {name(0, 1)}) for state in states]
        await report("one alarm that comes and goes", found, there, began)


async def together(*, keeps: bool) -> None:
    """500 new alarms at once, each time, at a broker that *keeps* on its disk what it acknowledges, or not."""
    registers = range(REGISTERS * STEERED)
    async with station({n: [*range(1, TOGETHER + 1)] for n in registers}, keeps=keeps) as there:
        began = time.monotonic()
        found = [await there.change(n, ACTIVE, {name(one, n) for one in registers}) for n in range(1, TOGETHER + 1)]
        broker = "a broker that writes each message to its disk" if keeps else "a broker that keeps them in memory"
        await report(f"{len(registers)} new alarms at once, {broker}", found, there, began)


async def report(what: str, found: list[Change], there: Station, began: float) -> None:
    """Print what became of them, of the polls meanwhile, and how long those that took too long had no CPU."""
    late = there.plant.lateness(began)
    *_, health = await there.scada.on_topic("water/bench/health")
    skipped = sum(device["counts"].get("skipped", 0) for device in health.json["devices"])
    took = sorted(came - change.told for change in found for came in change.came)
    slow = [one for one in found if max(one.came) - one.told > GOAL]
    print(
        f"{what}, {len(found)} times:\n"
        f"  from the poll that meets it: median {1_000 * statistics.median(took):.0f} ms,"
        f" 90 % within {1_000 * took[int(0.9 * len(took))]:.0f}, worst {1_000 * took[-1]:.0f} ms\n"
        f"  from the register, beyond the period: worst {1_000 * max(one.beyond for one in found):.0f} ms,"
        f" {sum(one.beyond > GOAL for one in found)} over {1_000 * GOAL:.0f}\n"
        f"  polls late by {1_000 * statistics.quantiles(late, n=100)[98]:.0f} ms (99th percentile),"
        f" {1_000 * max(late):.0f} (worst), {skipped} left out",
        flush=True,
    )
    for one in slow:
        total = 1_000 * (max(one.came) - one.told)
        print(f"  one took {total:.0f} ms, {1_000 * min(one.waited, total):.0f} of them without a CPU", flush=True)


async def main() -> None:
    """Measure all of them."""
    await alone(tag_topics=False)
    await alone(tag_topics=True)
    await chattering()
    await together(keeps=True)
    await together(keeps=False)


if __name__ == "__main__":
    uvloop.run(main())
