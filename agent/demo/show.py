"""The whole product on one machine: station, history, broker and agent, from the first to the last."""

import asyncio
import signal
import sys
import time
from asyncio.subprocess import Process
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, NoReturn

from agent.demo.broker import broker
from agent.demo.child import DemoError, child, last_words
from agent.demo.history import write_history
from agent.demo.opcua import Nodes
from agent.demo.picture import Picture
from agent.demo.plant import State
from agent.demo.servers import Station, serving
from agent.demo.subscriber import subscribed
from agent.demo.workplace import Workplace
from agent.mqtt.topics import Topics
from agent.store.reader import Reader

SEED = 20_24  # everyone sees the same station
# Of history, as finely as is polled: as much as the jobs take in at once, so that advice comes in the first minute.
HOURS = 5.0
AGENT = (sys.executable, "-P", "-m", "agent")  # this interpreter's own; -P: nothing from the current directory


@dataclass(slots=True)
class Show:
    """One demo.

    Args:
        place: Folder and configuration.
        seconds: How long the agent runs; None: until somebody ends it.
        say: Tells a person what is going on, a line each.
        draw: Keeps showing the picture.
    """

    place: Workplace
    seconds: float | None
    say: Callable[[str], None]
    draw: Callable[[Picture], Coroutine[Any, Any, NoReturn]]
    hours: float = HOURS
    began: float | None = field(default=None, init=False)  # loop's time at the agent's start, s
    imported: int = field(default=0, init=False)  # readings of the past
    picture: Picture = field(init=False)

    def __post_init__(self) -> None:
        settings = self.place.settings
        self.picture = Picture(Topics.of_station(settings.mqtt, settings.station.name).root)

    async def run(self) -> None:
        """Run until it is over or cancelled; nothing is left behind either way.

        Raises:
            DemoError: A part ended by itself.
        """
        rng = Random(SEED)
        settings, folder = self.place.settings, self.place.folder
        history, log = folder / "history.csv", folder / "import.log"
        station = Station(settings, await self._live_until_now(history, rng), rng)
        async with AsyncExitStack() as stack:
            started = time.monotonic()
            async with child(*AGENT, "import", str(self.place.config), str(history), log=log) as process:
                nodes = await stack.enter_async_context(serving(settings, station))
                await stack.enter_async_context(broker(self.place.mosquitto, settings.mqtt.port, folder))
                if await process.wait():
                    raise DemoError(f"the import failed with status {process.returncode}:{last_words(log)}")
            with Reader(settings.storage.path) as reader:
                self.imported = reader.last_id
            self.say(f"imported them in {time.monotonic() - started:.1f} s; starting the agent")
            stack.enter_context(subscribed(settings.mqtt, self.picture))
            await self._run_agent(station, nodes)

    async def _live_until_now(self, path: Path, rng: Random) -> State:
        """Generate the station's past, up to now, as its historian would have kept it."""
        started = time.monotonic()
        now_ms = int(time.time()) * 1_000
        period = self.place.settings.devices[0].period
        state, count = await asyncio.to_thread(write_history, path, now_ms, self.hours, period, rng)
        self.say(
            f"{self.hours:g} hours of the station, {count:,} readings, in {time.monotonic() - started:.1f} s: {path}"
        )
        return state

    async def _run_agent(self, station: Station, nodes: Nodes) -> None:
        log = self.place.folder / "agent.log"
        async with child(*AGENT, "run", str(self.place.config), log=log) as process:
            self.began = asyncio.get_running_loop().time()
            station.begin()
            async with asyncio.TaskGroup() as tasks:
                living = tasks.create_task(station.run(nodes), name="station")
                drawing = tasks.create_task(self.draw(self.picture), name="view")
                has_failed = await _ends(process, self.seconds)
                living.cancel()
                drawing.cancel()
        if has_failed:
            raise DemoError(f"the agent ended by itself with status {process.returncode}:{last_words(log)}")


async def _ends(process: Process, seconds: float | None) -> bool:
    """Wait for the time to be over; whether the process ended before."""
    try:
        async with asyncio.timeout(seconds):
            await process.wait()
    except TimeoutError:
        return False
    return True


async def until_signalled(work: Coroutine[Any, Any, None]) -> None:
    """Await *work*; Ctrl-C or SIGTERM cancels it, which counts as success."""
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(work, name="demo")
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
