"""One process that polls, keeps, computes and publishes: everything is a task of one group."""

import asyncio
import logging
import signal
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from functools import partial
from importlib.metadata import version
from typing import Any, NoReturn

import uvloop

from agent.alarms.watch import Watch
from agent.compute import Queue, compute
from agent.health import Health, wall_ms
from agent.mqtt.advice_commands import advice_handlers
from agent.mqtt.commands import Commands
from agent.mqtt.publisher import describe, publish
from agent.notify import notify
from agent.schedule import schedule
from agent.settings import AgentSettings
from agent.store.opening import prepare
from agent.store.writer import Store
from agent.supervisor import supervise
from agent.tasks import driver, feed_watchdog, keep_within_bounds, poll, report
from agent.worker import Worker

log = logging.getLogger(__name__)

VERSION = version("pump-agent")


async def run(settings: AgentSettings, stop: asyncio.Event) -> None:
    """Work until *stop* is set.

    Everything worth keeping is on disk, so stopping is simply cancelling: nothing has to be
    flushed, and a power cut is an ordinary way to stop.

    Raises:
        StorageError: The store cannot be opened at all.
    """
    health = Health(settings, VERSION)
    await prepare(settings.storage.path)
    for device in settings.devices:
        driver(device)  # loads its library: a second of import, later, would be a timeout of all other devices
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(Store(settings.storage))
        worker = await stack.enter_async_context(Worker(settings))
        await store.describe({tag.name: tag.unit for device in settings.devices for tag in device.tags})
        queue = Queue()
        clockwork = await stack.enter_async_context(schedule(settings.jobs, queue.put))
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        endless = [
            tasks.create_task(work, name=name) for name, work in _works(settings, store, worker, queue, health).items()
        ]
        endless.append(tasks.create_task(clockwork.watch(), name="clock"))
        notify("READY=1")
        log.info("%s: polling %d devices", settings.station.name, len(settings.devices))
        await stop.wait()
        notify("STOPPING=1")
        for task in endless:
            task.cancel()


def _works(
    settings: AgentSettings, store: Store, worker: Worker, queue: Queue, health: Health
) -> dict[str, Coroutine[Any, Any, NoReturn]]:
    """Everything that goes on side by side, by name."""
    watch = Watch(settings, store)
    info = describe(settings, VERSION, wall_ms())
    works = {
        device.name: supervise(part, partial(poll, device, store, part, health.store))
        for device, part in zip(settings.devices, health.devices.values(), strict=True)
    }
    if settings.mqtt.commands:
        commands = Commands(settings, {"ack": watch.acknowledge, **advice_handlers(store)})
        works["commands"] = supervise(health.commands, commands.listen)
    return works | {
        "publisher": supervise(health.broker, partial(publish, settings, store, health.broker, info)),
        "alarms": supervise(health.store, watch.follow),
        "jobs": compute(queue, settings.jobs, store, worker, health),
        "health": report(health, store),
        "retention": keep_within_bounds(settings.storage, store, health.store),
        "watchdog": feed_watchdog(health, store),
    }


async def until_signalled(settings: AgentSettings) -> None:
    """Run until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await run(settings, stop)


def main(settings: AgentSettings) -> None:
    """Run until SIGTERM or SIGINT.

    Raises:
        StorageError: The store cannot be opened: another process writes it, a newer version has
            written it, or the disk refuses.
    """
    uvloop.run(until_signalled(settings))
