"""How long an alarm takes from the register to MQTT, 20 devices x 250 tags at 1 s: `make bench-alarms`.

Every register of 18 devices has a new value at each poll; those of the other two rise and fall on demand. First one
tag rises at random instants, which costs up to a period until it is polled; then 500 rise at once, and what that does
to polling is seen by the devices: how late their next request comes. The broker writes each of their 1,000 messages to
its disk, as a station's should, and that is what these 500 mostly wait for.
"""

import asyncio
import random
import statistics
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path

import uvloop

from tests.benchmarks.devices import Device
from tests.benchmarks.poll_to_broker import DEVICES, REGISTERS, config
from tests.simulators.agent import agent
from tests.simulators.broker import mosquitto
from tests.simulators.subscriber import Subscriber, subscriber

PERIOD = 1.0  # s
TRIALS = 60
STEERED = 2  # devices
WARMUP = 10.0  # s
HIGH, LOW = 100, 0
ACTIVE, GONE = "UNACK", "RTNUN"


@dataclass(slots=True)
class Plant:
    """What the steered registers hold, and when each device was asked."""

    value: int = LOW
    asked: dict[int, list[float]] = field(default_factory=dict)  # s, monotonic; the first request of each poll

    def ask(self, number: int) -> None:
        """Note a request to device *number*; a poll of 250 registers is more than one."""
        times, now = self.asked.setdefault(number, []), time.monotonic()
        if not times or now - times[-1] > PERIOD / 2:
            times.append(now)

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


def limits(folder: Path, path: Path, count: int) -> Path:
    """The configuration with a limit on each of the first *count* steered tags."""
    lines = [
        f'[[limit]]\nid = "high{n}"\ntag = "d{n // REGISTERS}.r{n % REGISTERS}"\nhigh = {HIGH / 2}'
        for n in range(count)
    ]
    other = folder / f"limits-{count}.toml"
    other.write_text("\n".join([path.read_text(), *lines]))
    return other


async def rise_and_fall(plant: Plant, board: Board, names: set[str], trials: int) -> list[list[float]]:
    """Let the steered registers rise and fall at random instants; s from the register to each alarm, by trial."""
    rng, found = random.Random(1), []
    for _ in range(trials):
        await asyncio.sleep(rng.uniform(0.2, 0.2 + PERIOD))
        plant.value, raised = HIGH, time.monotonic()
        found.append([came - raised for came in await board.until_all(ACTIVE, names)])
        plant.value = LOW
        await board.until_all(GONE, names)
    return found


async def measured(count: int, trials: int) -> tuple[list[list[float]], list[float], int]:
    """Latencies of *count* alarms at once, s; how late polls came meanwhile, s; polls that were left out."""
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
        broker = stack.enter_context(mosquitto(folder)).port
        path = limits(folder, config(folder, broker, ports, tag_topics=False), count)
        topics = ("water/bench/alarm/#", "water/bench/health")
        scada = await stack.enter_async_context(subscriber(broker, *topics))
        await stack.enter_async_context(agent(path))
        await scada.on_topic("water/bench/health")
        await asyncio.sleep(WARMUP)
        began = time.monotonic()
        found = await rise_and_fall(plant, Board(scada), {f"high{n}" for n in range(count)}, trials)
        late = plant.lateness(began)
        *_, health = await scada.on_topic("water/bench/health")
        skipped = sum(device["counts"].get("skipped", 0) for device in health.json["devices"])
    return found, late, skipped


async def main() -> None:
    """Print both."""
    for count, trials in ((1, TRIALS), (REGISTERS * STEERED, 5)):
        found, late, skipped = await measured(count, trials)
        every = sorted(1_000 * (one - PERIOD) for trial in found for one in trial)
        over = sum(one > 100 for one in every)
        print(
            f"{count:3} at once, {trials} times: beyond the period of 1 s, median {statistics.median(every):.0f} ms,"
            f" worst {every[-1]:.0f} ms, {over} of {len(every)} over 100 ms;"
            f" polls late by {1_000 * statistics.quantiles(late, n=100)[98]:.0f} ms (99th percentile),"
            f" {1_000 * max(late):.0f} ms (worst), {skipped} left out",
            flush=True,
        )


if __name__ == "__main__":
    uvloop.run(main())
