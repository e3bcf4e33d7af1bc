"""One process that polls, keeps, computes and publishes: everything is a task of one group."""

import asyncio
import gc
import logging
import signal
from contextlib import AsyncExitStack, suppress
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import NoReturn

import uvloop

from agent.alarms.operators import alarm_handlers
from agent.alarms.watch import Watch
from agent.clock.dating import Dating
from agent.clock.source import system_clock
from agent.compute import Queue, compute
from agent.crew import Crew, Post
from agent.health import Health, wall_ms
from agent.mqtt.advice_commands import advice_handlers
from agent.mqtt.commands import Commands, Handler
from agent.mqtt.plant_commands import plant_handlers
from agent.mqtt.publisher import describe, publish
from agent.mqtt.settings import RECEIVERS
from agent.notify import notify
from agent.reload import follow
from agent.schedule import schedule
from agent.settings import AgentSettings
from agent.store.errors import StorageError
from agent.store.keeper import Keeper, kept_store
from agent.store.places import forget
from agent.store.writer import Store
from agent.supervisor import supervise
from agent.tasks import driver, feed_watchdog, keep_within_bounds, poll, report, report_losses, watch_disk
from agent.worker import Worker
from drivers.bus.buses import Buses

log = logging.getLogger(__name__)

VERSION = version("pump-agent")

# Readings are tuples without cycles. Python's usual 700 objects make it look for cycles among them all the time:
# a third of the cost of an append.
GARBAGE = 50_000, 20, 100


async def run(path: Path, settings: AgentSettings, stop: asyncio.Event) -> None:
    """Work until *stop* is set, and take changes of the configuration at *path* meanwhile.

    Everything worth keeping is on disk, so stopping is simply cancelling: nothing has to be
    flushed, and a power cut is an ordinary way to stop.

    Raises:
        StorageRefusedError: Another process writes the store, or a newer version has written it.
    """
    async with AsyncExitStack() as stack:
        store, keeper = await stack.enter_async_context(kept_store(settings.storage))
        crew = Crew(await stack.enter_async_context(asyncio.TaskGroup()))
        agent = Agent(path, settings, store, keeper, crew)
        await stack.enter_async_context(agent.dating)
        await agent.begin(settings)
        notify("READY=1")
        await agent.let_go(settings)
        log.info("%s: polling %d devices", settings.station.name, len(settings.devices))
        await stop.wait()
        notify("STOPPING=1")
        await crew.dismiss()


class Agent:
    """What the process does at present settings.

    Args:
        path: The configuration file.
        settings: What the agent was started with; the store stays as it says until the next start.
        store: Open, or in trouble.
        keeper: Of the store.
        crew: Does the work.
    """

    def __init__(self, path: Path, settings: AgentSettings, store: Store, keeper: Keeper, crew: Crew) -> None:
        self._path = path
        self._storage = settings.storage
        self._started_ms = wall_ms()
        self._store = store
        self._keeper = keeper
        self._crew = crew
        self._first = settings
        for receiver in (*settings.mqtt.receivers, "alarms"):
            store.sink(receiver)  # before anything is polled: from here on they are owed every reading
        self._buses = Buses()
        self._health = Health(settings.station.name, VERSION)
        self.dating = Dating(store, system_clock(settings.clock), settings.clock, self._health.clock)

    async def take(self, settings: AgentSettings) -> list[str]:
        """Put *settings* into force; the names of the tasks that had to begin anew."""
        changed = await self.begin(settings)
        await self.let_go(settings)
        return changed

    async def begin(self, settings: AgentSettings) -> list[str]:
        """Have every task work by *settings*; the names of those that had to begin anew."""
        for device in settings.devices:
            driver(device)  # loads its library: a second of import, later, would be a timeout of all other devices
        await self._store.describe({tag.name: tag.unit for device in settings.devices for tag in device.tags})
        for receiver in settings.mqtt.receivers:
            self._store.sink(receiver)  # from here on they are owed every reading
        self._health.follow(settings)
        if (settings.storage, settings.clock) != (self._storage, self._first.clock):
            log.warning("[storage] or [clock] has changed; that takes effect when the agent is started next")
        return await self._crew.man(self._posts(settings))

    async def let_go(self, settings: AgentSettings) -> None:
        """Owe receivers that *settings* leave out nothing; their tasks have ended, none asks for its place again."""
        left = RECEIVERS - {*settings.mqtt.receivers}
        for receiver in left:
            self._store.release(receiver)
        with suppress(StorageError):  # the disk is in trouble: the next start tries again
            await self._store.write(lambda log: forget(log, left))

    def _posts(self, settings: AgentSettings) -> dict[str, Post]:
        """Everything that goes on side by side, by name."""
        health, store = self._health, self._store
        losses = partial(report_losses, settings.station.name, store)
        posts = {
            device.name: Post(device, partial(supervise, part, partial(poll, device, self.dating, part, self._buses)))
            for device in settings.devices
            for part in [health.devices[device.name]]
        }
        return (
            posts
            | self._alarms(settings)
            | self._publishers(settings)
            | {
                "jobs": Post(settings, partial(self._compute, settings)),
                "configuration": Post("always", partial(follow, self._path, self._first, health.config, self.take)),
                "health": Post("always", partial(report, health, store)),
                "keeper": Post("always", self._keeper.keep),
                "disk": Post("always", partial(watch_disk, store, health.store)),
                "losses": Post(settings.station, partial(supervise, health.storing("losses"), losses, is_silent=True)),
                "retention": Post(
                    "always",
                    partial(keep_within_bounds, self._storage, store, health.storing("retention"), health.clock),
                ),
                "clock": Post("always", partial(supervise, health.clock, self.dating.follow)),
                "watchdog": Post("always", partial(feed_watchdog, health, store)),
            }
        )

    def _publishers(self, settings: AgentSettings) -> dict[str, Post]:
        """One for each receiver, with a connection of its own: a last will belongs to a connection."""
        key, posts = (settings.mqtt, settings.station, settings.devices), dict[str, Post]()
        if settings.mqtt.json_topics:
            broker, info = self._health.broker, describe(settings, VERSION, self._started_ms)
            work = partial(publish, settings, self._store, broker, info)
            posts["publisher"] = Post(key, partial(supervise, broker, work))
        if settings.mqtt.sparkplug.enabled:
            from agent.mqtt.sparkplug.node import EdgeNode  # noqa: PLC0415 - for those who have Sparkplug

            part = self._health.sparkplug
            facts = {"Properties/Name": "pump-agent", "Properties/Version": VERSION}
            node = EdgeNode(settings, self._store, part, facts | {"Properties/Station": settings.station.name})
            posts["sparkplug"] = Post(key, partial(supervise, part, node.publish))
        return posts

    def _alarms(self, settings: AgentSettings) -> dict[str, Post]:
        """The alarm task and the commands, which acknowledge what it knows."""
        key = (
            settings.limits,
            settings.rules,
            settings.alarms,
            settings.jobs.conditions,
            settings.jobs.anomalies,
            settings.jobs.quality,
            settings.headers,
            settings.pumps,
            settings.devices,
            settings.mqtt,
            settings.station,
        )
        watch = Watch(settings, self._store)
        part = self._health.storing("alarms")
        posts = {"alarms": Post(key, partial(supervise, part, watch.follow, is_silent=True))}
        if settings.mqtt.commands:
            handlers: dict[str, Handler] = {
                **alarm_handlers(watch, settings.alarms.shelve_longest),
                "alarm_test": watch.answer_test,
                **advice_handlers(self._store),
                **plant_handlers(self._store, settings),
            }
            commands = Commands(settings, handlers, self._store)
            posts["commands"] = Post(key, partial(supervise, self._health.commands, commands.listen))
        return posts

    async def _compute(self, settings: AgentSettings) -> NoReturn:
        """Jobs when they are due, in a worker of their own."""
        queue = Queue()
        async with (
            Worker(settings) as worker,
            schedule(settings.jobs, queue.put) as clockwork,
            asyncio.TaskGroup() as tasks,
        ):
            tasks.create_task(clockwork.watch(), name="clock")
            tasks.create_task(compute(queue, settings.jobs, self._store, worker, self._health), name="queue")
        raise AssertionError("these tasks never end")


async def until_signalled(path: Path, settings: AgentSettings) -> None:
    """Run until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await run(path, settings, stop)


def main(path: Path, settings: AgentSettings) -> None:
    """Run until SIGTERM or SIGINT.

    Args:
        path: The configuration file, followed while the agent runs.
        settings: What it says now.

    Raises:
        StorageRefusedError: The store cannot be opened: another process writes it, or a newer version
            has written it.
    """
    gc.freeze()  # modules and settings live as long as the process
    gc.set_threshold(*GARBAGE)
    uvloop.run(until_signalled(path, settings))
